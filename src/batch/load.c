/* A file that tells its size must have it still when all is read; others, such as those of /proc,
 * end where reading brings nothing more. One read is under way at a time; the first one asks for
 * the whole file, so that a plain file costs two. */
#include "batch/load.h"

#include "ringsend.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    FILE_BYTES_MAX = 64 << 20,
    FIRST_READ_BYTES = 16 << 10, /* of a file that does not tell its size */
    PATH_SHOWN_BYTES = 120
};

__attribute__((format(printf, 2, 3))) static enum load_next refuse(struct record_error *error,
                                                                   const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error->detail, sizeof error->detail, format, arguments);
    va_end(arguments);
    error->error = RINGSEND_E_DATA_FILE;
    return LOAD_FAILED;
}

static enum load_next no_memory(struct record_error *error)
{
    error->error = RINGSEND_E_NO_MEMORY;
    error->detail[0] = '\0';
    return LOAD_FAILED;
}

/* Reads up to the file's size; where that is unknown, as much as there is room for. */
static void read_on(struct load *l)
{
    size_t end = l->told_bytes > 0 ? l->told_bytes : l->into->capacity;
    file_read(l->file, l->into->data + l->into->bytes, end - l->into->bytes, -1);
}

/* O_NONBLOCK is for the open alone: that of a fifo would wait for a writer. */
enum load_next load_begin(struct load *l, struct ringsend *engine, struct buf_pool *pool,
                          struct ringsend_bytes path, struct buf *into, struct record_error *error)
{
    char name[PATH_MAX];
    struct stat about = {0};
    if (path.bytes >= sizeof name)
        return refuse(error, "the path is longer than %d bytes", PATH_MAX - 1);
    memcpy(name, path.data, path.bytes);
    name[path.bytes] = '\0';
    *l = (struct load){.pool = pool, .into = into, .path = path};
    l->fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    enum load_next next = LOAD_WAIT;
    if (l->fd < 0 || fstat(l->fd, &about) != 0)
        next = refuse(error, "%s: %.*s", strerror(errno), PATH_SHOWN_BYTES, name);
    else if (!S_ISREG(about.st_mode))
        next = refuse(error, "not a regular file: %.*s", PATH_SHOWN_BYTES, name);
    else if (about.st_size > FILE_BYTES_MAX)
        next = refuse(error, "larger than 64 MiB: %.*s", PATH_SHOWN_BYTES, name);
    else if (!buf_reserve(pool, into,
                          about.st_size > 0 ? (size_t)about.st_size : FIRST_READ_BYTES) ||
             file_open(engine, l->fd, &l->file) != 0)
        next = no_memory(error);
    if (next == LOAD_WAIT) {
        l->told_bytes = (size_t)about.st_size;
        read_on(l);
    } else if (l->fd >= 0) {
        close(l->fd);
    }
    return next;
}

/* After a read that brought something: true when the next one was started. */
static bool started_next(struct load *l)
{
    struct buf *into = l->into;
    bool more =
        l->told_bytes > 0 ? into->bytes < l->told_bytes : into->bytes <= (size_t)FILE_BYTES_MAX;
    more = more && (into->bytes < into->capacity || buf_reserve(l->pool, into, 1));
    if (more)
        read_on(l);
    return more;
}

enum load_next load_turn(struct load *l, struct record_error *error)
{
    if (file_busy(l->file))
        return LOAD_WAIT;
    int64_t result = file_take(l->file);
    if (result > 0) {
        l->into->bytes += (size_t)result;
        if (started_next(l))
            return LOAD_WAIT;
    }
    load_end(l);
    bool whole = l->told_bytes > 0 ? l->into->bytes == l->told_bytes : result == 0;
    int shown = l->path.bytes < PATH_SHOWN_BYTES ? (int)l->path.bytes : PATH_SHOWN_BYTES;
    if (result < 0)
        return refuse(error, "%s: %.*s", strerror((int)-result), shown, l->path.data);
    if (l->into->bytes > FILE_BYTES_MAX)
        return refuse(error, "larger than 64 MiB: %.*s", shown, l->path.data);
    if (result == 0 && !whole)
        return refuse(error, "the file became shorter while it was read: %.*s", shown,
                      l->path.data);
    return whole ? LOAD_DONE : no_memory(error);
}

void load_end(struct load *l)
{
    if (!l->file)
        return;
    file_close(&l->file);
    close(l->fd);
}
