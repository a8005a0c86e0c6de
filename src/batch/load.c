/* A file that tells its size must have it still when all is read; others, such as those of /proc,
 * end where reading brings nothing more. One read is under way at a time; the first one asks for
 * the whole file, so that a plain file costs two. */
#include "batch/load.h"

#include "ringsend.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    FILE_BYTES_MAX = 64 << 20,
    FIRST_READ_BYTES = 16 << 10, /* of a file that does not tell its size */
    PATH_SHOWN_BYTES = 120
};

/* The open of a fifo would wait for a writer; reads go by way of the ring anyway. */
#define OPEN_FLAGS (O_RDONLY | O_NONBLOCK)

static int shown(struct ringsend_bytes path)
{
    return path.bytes < PATH_SHOWN_BYTES ? (int)path.bytes : PATH_SHOWN_BYTES;
}

__attribute__((format(printf, 2, 3))) static enum load_next refuse(struct record_error *error,
                                                                   const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error->detail, sizeof error->detail, format, arguments);
    va_end(arguments);
    error->error = RINGSEND_E_DATA_FILE;
    error->at = RECORD_ALL;
    return LOAD_FAILED;
}

static enum load_next no_memory(struct record_error *error)
{
    error->error = RINGSEND_E_NO_MEMORY;
    error->at = RECORD_ALL;
    error->detail[0] = '\0';
    return LOAD_FAILED;
}

/* How much the next read asks for: up to the file's size; where that is unknown, what there is room for. */
static size_t next_bytes(const struct load *l)
{
    size_t end = l->told_bytes > 0 ? l->told_bytes : l->into->capacity;
    return end - l->into->bytes;
}

static char *next_place(const struct load *l)
{
    return l->into->data + l->into->bytes;
}

static void read_on(struct load *l)
{
    file_read(l->file, next_place(l), next_bytes(l), -1);
}

/* Why an open file cannot be loaded, said by `error`, or true. Its size goes to *told_bytes. */
static bool look_at(int fd, struct ringsend_bytes path, size_t *told_bytes,
                    struct record_error *error)
{
    struct stat about;
    if (fstat(fd, &about) != 0)
        refuse(error, "%s: %.*s", strerror(errno), shown(path), path.data);
    else if (!S_ISREG(about.st_mode))
        refuse(error, "not a regular file: %.*s", shown(path), path.data);
    else if (about.st_size > FILE_BYTES_MAX)
        refuse(error, "larger than 64 MiB: %.*s", shown(path), path.data);
    else {
        *told_bytes = (size_t)about.st_size;
        return true;
    }
    return false;
}

enum load_next load_begin(struct load *l, struct ringsend *engine, struct buf_pool *pool,
                          struct ringsend_bytes path, struct buf *into, struct record_error *error)
{
    *l = (struct load){.pool = pool, .into = into, .path = path};
    l->name = strndup(path.data, path.bytes);
    if (l->name && file_open_path(engine, l->name, OPEN_FLAGS, &l->file) == 0)
        return LOAD_WAIT;
    load_end(l);
    return no_memory(error);
}

/* Room for the first read. */
static bool reserve_first(struct load *l)
{
    return buf_reserve(l->pool, l->into, l->told_bytes > 0 ? l->told_bytes : FIRST_READ_BYTES);
}

/* Takes the end of the opening and starts the first read. */
static enum load_next opened(struct load *l, struct record_error *error)
{
    int64_t result = file_take(l->file);
    free(l->name);
    l->name = NULL;
    if (result < 0) {
        refuse(error, "%s: %.*s", strerror((int)-result), shown(l->path), l->path.data);
    } else if (look_at(file_descriptor(l->file), l->path, &l->told_bytes, error)) {
        if (reserve_first(l)) {
            read_on(l);
            return LOAD_WAIT;
        }
        no_memory(error);
    }
    load_end(l);
    return LOAD_FAILED;
}

/* Takes what a read brought: true when there is to be another, and room for it. */
static bool wants_more(struct load *l, int64_t result)
{
    struct buf *into = l->into;
    if (result <= 0)
        return false;
    into->bytes += (size_t)result;
    bool more =
        l->told_bytes > 0 ? into->bytes < l->told_bytes : into->bytes <= (size_t)FILE_BYTES_MAX;
    return more && (into->bytes < into->capacity || buf_reserve(l->pool, into, 1));
}

/* What it came to, when the last read brought `result`. */
static enum load_next finish(struct load *l, int64_t result, struct record_error *error)
{
    bool whole = l->told_bytes > 0 ? l->into->bytes == l->told_bytes : result == 0;
    if (result < 0)
        return refuse(error, "%s: %.*s", strerror((int)-result), shown(l->path), l->path.data);
    if (l->into->bytes > FILE_BYTES_MAX)
        return refuse(error, "larger than 64 MiB: %.*s", shown(l->path), l->path.data);
    if (result == 0 && !whole)
        return refuse(error, "the file became shorter while it was read: %.*s", shown(l->path),
                      l->path.data);
    return whole ? LOAD_DONE : no_memory(error);
}

enum load_next load_turn(struct load *l, struct record_error *error)
{
    if (file_busy(l->file))
        return LOAD_WAIT;
    if (l->name)
        return opened(l, error);
    int64_t result = file_take(l->file);
    if (wants_more(l, result)) {
        read_on(l);
        return LOAD_WAIT;
    }
    load_end(l);
    return finish(l, result, error);
}

void load_end(struct load *l)
{
    if (l->file)
        file_close(&l->file);
    free(l->name);
    l->name = NULL;
}

/* ---- waiting for the disk ---- */

/* A file that can be loaded, or -1 with the error set. */
static int open_now(struct ringsend_bytes path, size_t *told_bytes, struct record_error *error)
{
    char *name = strndup(path.data, path.bytes);
    if (!name) {
        no_memory(error);
        return -1;
    }
    int fd = open(name, OPEN_FLAGS | O_CLOEXEC);
    free(name);
    if (fd < 0) {
        refuse(error, "%s: %.*s", strerror(errno), shown(path), path.data);
    } else if (!look_at(fd, path, told_bytes, error)) {
        close(fd);
        fd = -1;
    }
    return fd;
}

bool load_look(struct ringsend_bytes path, struct record_error *error)
{
    size_t told_bytes;
    int fd = open_now(path, &told_bytes, error);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

bool load_now(struct ringsend_bytes path, struct buf_pool *pool, struct buf *into,
              struct record_error *error)
{
    struct load l = {.pool = pool, .into = into, .path = path};
    ssize_t result;
    int fd = open_now(path, &l.told_bytes, error);
    if (fd < 0)
        return false;
    bool has_room = reserve_first(&l);
    do {
        result = has_room ? read(fd, next_place(&l), next_bytes(&l)) : 0;
        if (result < 0)
            result = -errno;
    } while (wants_more(&l, result));
    close(fd);
    return (has_room ? finish(&l, result, error) : no_memory(error)) == LOAD_DONE;
}
