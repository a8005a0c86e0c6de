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

/* Reads up to the file's size; where that is unknown, as much as there is room for. */
static void read_on(struct load *l)
{
    size_t end = l->told_bytes > 0 ? l->told_bytes : l->into->capacity;
    file_read(l->file, l->into->data + l->into->bytes, end - l->into->bytes, -1);
}

/* Opens it and looks at it: its descriptor, or -1 and why not. O_NONBLOCK is for the open alone:
 * that of a fifo would wait for a writer. */
static int open_file(struct ringsend_bytes path, size_t *told_bytes, struct record_error *error)
{
    char name[PATH_MAX];
    struct stat about;
    if (path.bytes >= sizeof name) {
        refuse(error, "the path is longer than %d bytes", PATH_MAX - 1);
        return -1;
    }
    memcpy(name, path.data, path.bytes);
    name[path.bytes] = '\0';
    int fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &about) != 0)
        refuse(error, "%s: %.*s", strerror(errno), PATH_SHOWN_BYTES, name);
    else if (!S_ISREG(about.st_mode))
        refuse(error, "not a regular file: %.*s", PATH_SHOWN_BYTES, name);
    else if (about.st_size > FILE_BYTES_MAX)
        refuse(error, "larger than 64 MiB: %.*s", PATH_SHOWN_BYTES, name);
    else {
        *told_bytes = (size_t)about.st_size;
        return fd;
    }
    if (fd >= 0)
        close(fd);
    return -1;
}

bool load_look(struct ringsend_bytes path, struct record_error *error)
{
    size_t bytes;
    int fd = open_file(path, &bytes, error);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

enum load_next load_begin(struct load *l, struct ringsend *engine, struct buf_pool *pool,
                          struct ringsend_bytes path, struct buf *into, struct record_error *error)
{
    *l = (struct load){.pool = pool, .into = into, .path = path};
    l->fd = open_file(path, &l->told_bytes, error);
    if (l->fd < 0)
        return LOAD_FAILED;
    if (!buf_reserve(pool, into, l->told_bytes > 0 ? l->told_bytes : FIRST_READ_BYTES) ||
        file_open(engine, l->fd, &l->file) != 0) {
        close(l->fd);
        return no_memory(error);
    }
    read_on(l);
    return LOAD_WAIT;
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
