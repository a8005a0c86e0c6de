/* Two blocks take turns: while lines are cut from one, a read fills the other. A read starts in the
 * moment a block has been used up and the other one is swapped in, so there is never more than one
 * under way, and none at all once the end of a file was seen.
 *
 * A line that crosses blocks gathers in `partial`, which is handed over whole to the record, no
 * copy. It never grows beyond the limit: `skipping` then throws bytes away until the LF. */
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

bool source_start(struct source *s, struct ringsend *engine, struct buf_pool *pool)
{
    s->engine = engine;
    s->pool = pool;
    s->blocks[0].data = malloc(SOURCE_BLOCK_BYTES);
    s->blocks[1].data = malloc(SOURCE_BLOCK_BYTES);
    return s->blocks[0].data && s->blocks[1].data;
}

static void read_ahead(struct source *s)
{
    CHECK(!s->reading);
    struct source_block *block = &s->blocks[!s->cutting];
    block->bytes = block->at = 0;
    file_read(s->file, block->data, SOURCE_BLOCK_BYTES, -1);
    s->reading = true;
}

static void input_failed(struct source *s, int error)
{
    if (s->error)
        return;
    s->error = error;
    s->error_input = s->current;
}

static void next_input(struct source *s)
{
    if (s->file)
        file_close(&s->file);
    s->current++;
    s->line = s->taken_bytes = s->begun_bytes = 0;
    s->ended = false;
}

enum refill { REFILL_BLOCK, REFILL_WAIT, REFILL_FILE_END };

/* Swaps the blocks when the other one is full. */
static enum refill refill(struct source *s)
{
    if (!s->file) {
        if (file_open(s->engine, s->fds[s->current], &s->file) != 0) {
            input_failed(s, ENOMEM); /* LIMIT_FILES is more than a job has open */
            return REFILL_FILE_END;
        }
        read_ahead(s);
        return REFILL_WAIT;
    }
    CHECK(s->reading);
    if (file_busy(s->file))
        return REFILL_WAIT;
    s->reading = false;
    int64_t result = file_take(s->file);
    if (result <= 0) {
        if (result < 0)
            input_failed(s, (int)-result);
        return REFILL_FILE_END;
    }
    s->cutting = !s->cutting;
    s->blocks[s->cutting].bytes = (size_t)result;
    read_ahead(s);
    return REFILL_BLOCK;
}

/* Adds to the line that goes on in the next block; out of memory counts as too long for us. */
static void gather(struct source *s, const char *data, size_t bytes)
{
    if (s->skipping)
        return;
    if (bytes > PARTIAL_MAX - s->partial.bytes || !buf_append(s->pool, &s->partial, data, bytes)) {
        s->skipping = true;
        buf_release(s->pool, &s->partial);
    }
}

/* A line is complete in `partial` (or was skipped): true when there is something to hand out. */
static bool finish_line(struct source *s, struct buf *line, enum source_next *next)
{
    static const char mark[] = "\xef\xbb\xbf";
    s->line++;
    s->taken_bytes += s->begun_bytes;
    s->begun_bytes = 0;
    if (s->skipping) {
        s->skipping = false;
        *next = SOURCE_TOO_LONG;
        return true;
    }
    struct buf *partial = &s->partial;
    if (s->line == 1 && partial->bytes >= 3 && memcmp(partial->data, mark, 3) == 0) {
        partial->bytes -= 3;
        memmove(partial->data, partial->data + 3, partial->bytes);
    }
    if (record_is_blank((struct ringsend_bytes){partial->data, partial->bytes})) {
        buf_release(s->pool, partial);
        return false;
    }
    *next = SOURCE_LINE;
    if (partial->bytes == PARTIAL_MAX && partial->data[PARTIAL_MAX - 1] != '\r') {
        buf_release(s->pool, partial);
        *next = SOURCE_TOO_LONG;
        return true;
    }
    *line = *partial;
    *partial = (struct buf){0};
    return true;
}

enum source_next source_next(struct source *s, struct buf *line)
{
    CHECK(line->capacity == 0);
    enum source_next next;
    while (!s->stopped && s->current < s->count) {
        if (s->ended) {
            next_input(s);
            continue;
        }
        struct source_block *block = &s->blocks[s->cutting];
        const char *start = block->data + block->at;
        size_t left = block->bytes - block->at;
        const char *end = left > 0 ? memchr(start, '\n', left) : NULL;
        if (end) {
            size_t bytes = (size_t)(end - start);
            gather(s, start, bytes);
            block->at += bytes + 1;
            s->begun_bytes += bytes + 1;
            if (finish_line(s, line, &next))
                return next;
            continue;
        }
        gather(s, start, left);
        s->begun_bytes += left;
        block->at = block->bytes;
        switch (refill(s)) {
        case REFILL_BLOCK:
            break;
        case REFILL_WAIT:
            return SOURCE_WAIT;
        case REFILL_FILE_END:
            /* What is left is a line without its LF; `current` must name its input until then. */
            s->ended = true;
            if ((s->partial.bytes > 0 || s->skipping) && finish_line(s, line, &next))
                return next;
            break;
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
    if (s->file)
        file_close(&s->file);
    s->reading = false;
    if (s->pool)
        buf_release(s->pool, &s->partial);
    s->pool = NULL;
    for (unsigned i = 0; i < 2; i++) {
        free(s->blocks[i].data);
        s->blocks[i].data = NULL;
    }
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
