/* Life of a byte: appended to `filling`, swapped to `writing`, given to the ring, done.
 *
 * step        waits for                         next
 * FILLING     enough bytes, time, a flush       SEALED; SYNCING
 * SEALED      sink_start                        APPENDING; FILLING when it is empty
 * APPENDING   the append                        FILLING
 * SYNCING     the sync                          FILLING
 *
 * Bytes are handed over when 64 KiB are there, so that a fast run needs few system calls; when
 * flush_after_ns have passed since the last time, so that a death takes few results along, and
 * those of a slow run, which come one by one, wait for nothing; and at once when nothing else is
 * going on.
 *
 * Failure. The first error sticks. What of the block reached a regular file is known from its size:
 * everything behind the last LF of that part is truncated, and so the file holds whole lines only.
 * It is not truncated when it is longer than we wrote: then others append to it too.
 *
 * O_APPEND. After a write that fell short io_uring may leave the file's position where it was
 * (seen with Linux 6.18 at RLIMIT_FSIZE), and what is written next would land on top of it. So a
 * regular file is switched to appending, unless its position is not at its end: that was wanted. */
#include "results/sink.h"

#include "base/check.h"
#include "ringsend.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    FLUSH_BYTES = 64 << 10,
    KEPT_BYTES = 1 << 20 /* larger buffers go back to the pool after use */
};

#ifdef RINGSEND_SLOW_CHECKS
static const char *const names[] = {SINK_STEPS(STEP_NAMES)};
static const struct machine machine_sink = {"sink", names};
#endif

int sink_open(struct sink *s, struct ringsend *engine, struct buf_pool *pool, int fd,
              enum sink_shape shape)
{
    struct stat about;
    if (fstat(fd, &about) != 0)
        return errno;
    *s = (struct sink){.pool = pool, .shape = shape, .fd = fd, .regular = S_ISREG(about.st_mode)};
    s->end_bytes = s->regular ? about.st_size : 0;
    s->flags_before = -1;
    int error = -file_open(engine, fd, &s->file);
    if (error)
        return error == RINGSEND_E_FULL ? EMFILE : ENOMEM;
    int flags = fcntl(fd, F_GETFL);
    if (!s->regular || (flags & O_APPEND))
        return 0;
    if (lseek(fd, 0, SEEK_CUR) != about.st_size)
        s->regular = false; /* written in its middle: never truncated */
    else if (fcntl(fd, F_SETFL, flags | O_APPEND) == 0)
        s->flags_before = flags;
    return 0;
}

/* Alone writes the step. */
static void sink_goto(struct sink *s, enum sink_step step)
{
    static const unsigned edges[] = {SINK_STEPS(STEP_EDGES)};
    CHECK(edges[s->step] >> step & 1);
    step_note(&machine_sink, STEP_NOW, (uint32_t)s->fd, 0, s->step, step);
    s->step = step;
}

struct buf *sink_buffer(struct sink *s)
{
    return &s->filling;
}

static void sink_fail(struct sink *s, int error)
{
    s->error = error;
    s->filling.bytes = 0;
}

void sink_preface(struct sink *s, bool appended)
{
    s->filling_preface = true;
    if (!appended)
        sink_fail(s, ENOMEM);
}

void sink_added(struct sink *s, bool appended)
{
    s->lines++;
    if (appended && !s->error && s->filling.bytes == 0) { /* a format of which nothing came */
        s->lines_kept++;
        return;
    }
    s->filling_lines++;
    if (s->error) {
        s->filling.bytes = 0;
    } else if (!appended) {
        sink_fail(s, ENOMEM);
    }
}

void sink_put(struct sink *s, struct ringsend_bytes line)
{
    bool appended = buf_reserve(s->pool, &s->filling, line.bytes + 1) &&
                    buf_append(s->pool, &s->filling, line.data, line.bytes) &&
                    buf_append(s->pool, &s->filling, "\n", 1);
    sink_added(s, appended);
}

/* How many of the bytes are whole lines, or rows, and how many of those there are. The first byte
 * begins one. */
static size_t whole_bytes(const struct sink *s, size_t bytes, uint64_t *lines)
{
    const char *data = s->writing.data;
    bool quoted = false;
    size_t whole = 0;
    *lines = 0;
    for (size_t at = 0; at < bytes; at++) {
        quoted ^= s->shape == SINK_ROWS && data[at] == '"';
        if (data[at] != '\n' || quoted)
            continue;
        whole = at + 1;
        ++*lines;
    }
    return s->shape == SINK_TEXT ? bytes : whole;
}

/* Part of `writing` may have been written before the error. */
static void keep_whole_lines(struct sink *s)
{
    struct stat about;
    if (!s->regular || fstat(s->fd, &about) != 0 || about.st_size < s->end_bytes ||
        (uint64_t)(about.st_size - s->end_bytes) > s->writing.bytes)
        return;
    size_t written = (size_t)(about.st_size - s->end_bytes);
    uint64_t lines;
    size_t whole = whole_bytes(s, written, &lines);
    if (s->shape != SINK_TEXT)
        s->lines_kept += lines - (lines > 0 && s->writing_preface);
    s->end_bytes += (int64_t)whole;
    /* Should even this fail, the error that stopped us is told all the same. */
    if (ftruncate(s->fd, s->end_bytes) == 0)
        lseek(s->fd, s->end_bytes, SEEK_SET);
}

static void empty(struct sink *s, struct buf *b)
{
    b->bytes = 0;
    if (b->capacity > KEPT_BYTES)
        buf_release(s->pool, b);
}

static void finish_append(struct sink *s)
{
    int64_t result = file_take(s->file);
    if (result == (int64_t)s->writing.bytes) {
        s->lines_kept += s->writing_lines;
        s->end_bytes += result;
    } else {
        sink_fail(s, result < 0 ? (int)-result : EIO);
        keep_whole_lines(s);
    }
    empty(s, &s->writing);
}

/* Of what is there now. */
static uint64_t due_ns(const struct sink *s)
{
    return s->sealed_ns > 0 ? s->sealed_ns + s->flush_after_ns : 0;
}

bool sink_is_due(const struct sink *s, uint64_t now_ns, bool flush)
{
    if (s->error || s->filling.bytes == 0)
        return false;
    return s->filling.bytes >= FLUSH_BYTES || flush || now_ns >= due_ns(s);
}

void sink_seal(struct sink *s, uint64_t now_ns)
{
    CHECK(s->writing.bytes == 0);
    sink_goto(s, SINK_SEALED);
    struct buf used = s->writing;
    s->writing = s->filling;
    s->filling = used;
    s->sealed_ns = now_ns;
    s->writing_preface = s->filling_preface;
    s->filling_preface = false;
    s->writing_lines = s->filling_lines;
    s->filling_lines = 0;
}

void sink_start(struct sink *s)
{
    CHECK(s->step == SINK_SEALED);
    if (s->error)
        return;
    if (s->writing.bytes == 0) {
        sink_goto(s, SINK_FILLING);
        return;
    }
    sink_goto(s, SINK_APPENDING);
    file_append(s->file, s->writing.data, s->writing.bytes);
}

void sink_sync(struct sink *s)
{
    if (s->error)
        return;
    CHECK(s->writing.bytes == 0);
    sink_goto(s, SINK_SYNCING);
    file_sync(s->file);
}

static void finish_sync(struct sink *s)
{
    int64_t result = file_take(s->file);
    if (result < 0)
        sink_fail(s, (int)-result);
}

bool sink_is_busy(const struct sink *s)
{
    return s->step == SINK_APPENDING || s->step == SINK_SYNCING;
}

bool sink_is_over(struct sink *s)
{
    if (!sink_is_busy(s))
        return true;
    if (file_busy(s->file))
        return false;
    if (s->step == SINK_APPENDING)
        finish_append(s);
    else
        finish_sync(s);
    sink_goto(s, SINK_FILLING);
    return true;
}

void sink_turn(struct sink *s, uint64_t now_ns, bool flush)
{
    if (!sink_is_over(s) || !sink_is_due(s, now_ns, flush))
        return;
    sink_seal(s, now_ns);
    sink_start(s);
}

uint64_t sink_wait_ns(const struct sink *s, uint64_t now_ns)
{
    if (s->error || s->filling.bytes == 0 || sink_is_busy(s))
        return RINGSEND_NEVER;
    return due_ns(s) > now_ns ? due_ns(s) - now_ns : 0;
}

bool sink_has_room(const struct sink *s)
{
    return s->filling.bytes < FLUSH_BYTES;
}

bool sink_is_idle(const struct sink *s)
{
    return s->writing.bytes == 0 && s->filling.bytes == 0;
}

void sink_close(struct sink *s)
{
    if (!s->file)
        return;
    file_close(&s->file);
    if (s->flags_before >= 0)
        fcntl(s->fd, F_SETFL, s->flags_before);
    s->given_up = !s->error && !sink_is_idle(s);
    if (s->writing.bytes > 0)
        keep_whole_lines(s);
    buf_release(s->pool, &s->filling);
    buf_release(s->pool, &s->writing);
}
