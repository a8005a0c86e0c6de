/* Bytes come in blocks (input.h) and are cut into records here. A record gathers in `partial`,
 * which is handed over whole, no copy. It never grows beyond the limit: too_long then throws bytes
 * away until its end. A record that is not wanted is cut in the same way, but never gathered. */
#include "batch/source.h"

#include "base/check.h"
#include "base/limits.h"
#include "batch/record.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SOURCE_BLOCK_BYTES = 64 << 10 };

/* The limit is for the JSON; one more byte for a CR. */
enum { PARTIAL_MAX = LIMIT_LINE_BYTES + 1 };

static int open_input(const char *path, int *fd)
{
    bool is_stdin = strcmp(path, "-") == 0;
    *fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    struct stat about;
    if (*fd < 0 || fstat(*fd, &about) != 0)
        return errno;
    return S_ISDIR(about.st_mode) ? EISDIR : 0;
}

int source_open(struct source *s, char *const *paths, size_t count, size_t *failed_input)
{
    *s = (struct source){.paths = paths};
    *failed_input = 0;
    s->fds = calloc(count, sizeof *s->fds);
    if (!s->fds)
        return ENOMEM;
    for (; s->count < count; s->count++) {
        int error = open_input(paths[s->count], &s->fds[s->count]);
        if (error) {
            *failed_input = s->count;
            if (s->fds[s->count] > STDERR_FILENO)
                close(s->fds[s->count]);
            source_close(s);
            return error;
        }
    }
    return 0;
}

void source_seek(struct source *s, const struct source_position *position)
{
    CHECK(!s->begun && position->input <= s->count);
    struct stat about;
    s->current = position->input;
    s->first_number = s->next_number = position->number - position->index;
    source_skip_to(s, position->number);
    if (s->current == s->count || fstat(s->fds[s->current], &about) != 0 || !S_ISREG(about.st_mode))
        return;
    /* Standard input may start anywhere in its file. */
    if (lseek(s->fds[s->current], (off_t)position->offset, SEEK_CUR) < 0)
        return;
    s->next_number = position->number;
    s->taken_bytes = position->offset;
    s->taken_lines = position->lines;
    s->mark_passed = position->offset > 0;
}

bool source_start(struct source *s, struct ringsend *engine, struct buf_pool *pool)
{
    s->pool = pool;
    source_skip_to(s, s->range.skip);
    return input_init(&s->bytes, engine, s->block_bytes > 0 ? s->block_bytes : SOURCE_BLOCK_BYTES);
}

void source_skip_to(struct source *s, uint64_t number)
{
    if (s->skip_to < number)
        s->skip_to = number;
}

struct source_position source_position(const struct source *s)
{
    return (struct source_position){
        .input = s->current,
        .number = s->next_number,
        .index = s->next_number - s->first_number,
        .offset = s->taken_bytes,
        .lines = s->taken_lines,
    };
}

static bool is_wanted(const struct source *s, uint64_t number)
{
    return number >= s->skip_to &&
           (s->range.shards < 2 || number % s->range.shards == s->range.shard);
}

static bool range_is_used_up(const struct source *s)
{
    return s->range.limit > 0 && s->next_number >= s->range.skip &&
           s->next_number - s->range.skip >= s->range.limit;
}

static void next_input(struct source *s)
{
    input_end(&s->bytes);
    s->current++;
    s->begun = s->ended = s->mark_passed = false;
    s->mark_at = 0;
    s->first_number = s->next_number;
    s->line = s->taken_bytes = s->taken_lines = 0;
}

/* More bytes to cut into `block`: SOURCE_RECORD means that there are some. */
static enum source_next refill(struct source *s)
{
    if (!s->begun) {
        input_begin(&s->bytes, s->fds[s->current]);
        s->begun = true;
    }
    switch (input_next(&s->bytes, &s->block)) {
    case INPUT_BYTES:
        return SOURCE_RECORD;
    case INPUT_WAIT:
        return SOURCE_WAIT;
    case INPUT_FAILED:
        if (!s->error) {
            s->error = s->bytes.error;
            s->error_input = s->current;
        }
        return SOURCE_END;
    case INPUT_END:
        return SOURCE_END;
    }
    UNREACHABLE("input next");
}

/* Adds to the record being cut; out of memory counts as too long for us. */
static void gather(struct source *s, const char *data, size_t bytes)
{
    s->cut_bytes += bytes;
    if (!s->has_text)
        s->has_text = !record_is_blank((struct ringsend_bytes){data, bytes});
    if (s->too_long || !is_wanted(s, s->next_number))
        return;
    if (bytes > PARTIAL_MAX - s->partial.bytes || !buf_append(s->pool, &s->partial, data, bytes)) {
        s->too_long = true;
        buf_release(s->pool, &s->partial);
    }
}

/* The byte order mark may come byte by byte, and only a whole one is none of the record's. */
static void pass_mark(struct source *s)
{
    static const char mark[] = "\xef\xbb\xbf";
    while (s->mark_at < 3 && s->block.bytes > 0 && *s->block.data == mark[s->mark_at]) {
        s->mark_at++;
        s->block.data++;
        s->block.bytes--;
    }
    s->mark_passed = s->mark_at == 3 || s->block.bytes > 0 || s->ended;
    if (!s->mark_passed)
        return;
    if (s->mark_at == 3)
        s->taken_bytes = 3;
    else
        gather(s, mark, s->mark_at);
}

/* What was gathered is complete: true when there is something to hand out. */
static bool finish_record(struct source *s, struct buf *record, enum source_next *next)
{
    bool too_long = s->too_long;
    bool handed_out = s->has_text && is_wanted(s, s->next_number);
    s->taken_bytes += s->cut_bytes;
    s->cut_bytes = 0;
    s->too_long = false;
    if (handed_out) {
        s->line = s->taken_lines + 1;
        s->number = s->next_number;
        const struct buf *partial = &s->partial;
        too_long =
            too_long || (partial->bytes == PARTIAL_MAX && partial->data[PARTIAL_MAX - 1] != '\r');
        *next = too_long ? SOURCE_TOO_LONG : SOURCE_RECORD;
    }
    s->next_number += s->has_text;
    s->has_text = false;
    if (handed_out && !too_long) {
        *record = s->partial;
        s->partial = (struct buf){0};
    } else {
        buf_release(s->pool, &s->partial);
    }
    return handed_out;
}

/* Cuts from the block up to the end of a line: true when there was one. */
static bool cut(struct source *s)
{
    const char *start = s->block.data;
    const char *end = memchr(start, '\n', s->block.bytes);
    size_t bytes = end ? (size_t)(end - start) : s->block.bytes;
    gather(s, start, bytes);
    s->cut_bytes += end != NULL;
    s->block.data += bytes + (end != NULL);
    s->block.bytes -= bytes + (end != NULL);
    return end != NULL;
}

enum source_next source_next(struct source *s, struct buf *record)
{
    CHECK(record->capacity == 0);
    enum source_next next;
    while (!s->stopped && s->current < s->count && !range_is_used_up(s)) {
        if (s->ended) {
            next_input(s);
            continue;
        }
        if (s->block.bytes == 0) {
            next = refill(s);
            if (next == SOURCE_WAIT)
                return next;
            s->ended = next == SOURCE_END;
        }
        if (!s->mark_passed)
            pass_mark(s);
        /* At the end of its file a line needs no LF; `current` must name its input until then. */
        bool complete = s->ended ? s->cut_bytes > 0 : s->block.bytes > 0 && cut(s);
        if (complete) {
            bool handed_out = finish_record(s, record, &next);
            s->taken_lines++;
            if (handed_out)
                return next;
        }
    }
    return SOURCE_END;
}

bool source_has_file(const struct source *s, int fd)
{
    struct stat wanted, about;
    if (fstat(fd, &wanted) != 0 || !S_ISREG(wanted.st_mode))
        return false;
    for (size_t i = 0; i < s->count; i++) {
        if (fstat(s->fds[i], &about) == 0 && about.st_dev == wanted.st_dev &&
            about.st_ino == wanted.st_ino)
            return true;
    }
    return false;
}

size_t source_unread(const struct source *s, uint64_t *unread_bytes)
{
    *unread_bytes = 0;
    for (size_t i = s->current + s->ended; i < s->count; i++) {
        struct stat about;
        uint64_t taken_bytes = i == s->current ? s->taken_bytes : 0;
        /* A size of 0 says nothing: files in /proc have it, whatever they hold. */
        if (fstat(s->fds[i], &about) != 0 || !S_ISREG(about.st_mode) || about.st_size == 0)
            return i;
        if ((uint64_t)about.st_size > taken_bytes) {
            *unread_bytes = (uint64_t)about.st_size - taken_bytes;
            return i;
        }
    }
    return s->count;
}

void source_stop(struct source *s)
{
    s->stopped = true;
    input_free(&s->bytes);
    if (s->pool)
        buf_release(s->pool, &s->partial);
    s->pool = NULL;
}

void source_close(struct source *s)
{
    source_stop(s);
    for (size_t i = 0; i < s->count; i++) {
        if (s->fds[i] != STDIN_FILENO)
            close(s->fds[i]);
    }
    free(s->fds);
    s->fds = NULL;
    s->count = 0;
}
