/* A file that tells its size must have it still when all is read; others, such as those of /proc,
 * end where reading brings nothing more. One operation is under way at a time; the first read asks
 * for the whole file, so that a plain file costs one.
 *
 *   DATA_FILE_OPENING -> DATA_FILE_LOOKING -> DATA_FILE_READING */
#include "records/data_file.h"

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

__attribute__((format(printf, 2, 3))) static enum data_file_next refuse(struct record_error *error,
                                                                        const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error->detail, sizeof error->detail, format, arguments);
    va_end(arguments);
    error->error = RINGSEND_E_DATA_FILE;
    error->at = RECORD_ALL;
    return DATA_FILE_FAILED;
}

static enum data_file_next no_memory(struct record_error *error)
{
    error->error = RINGSEND_E_NO_MEMORY;
    error->at = RECORD_ALL;
    error->detail[0] = '\0';
    return DATA_FILE_FAILED;
}

struct data_file_own {
    struct statx about; /* from DATA_FILE_READING on: its kind and size */
    char name[];        /* the path for open(2) */
};

static struct data_file_own *own_new(struct ringsend_bytes path)
{
    struct data_file_own *own = malloc(sizeof *own + path.bytes + 1);
    if (!own)
        return NULL;
    memcpy(own->name, path.data, path.bytes);
    own->name[path.bytes] = '\0';
    return own;
}

/* So much of it is in the buffer. */
static size_t taken(const struct data_file *data)
{
    return data->into->bytes - data->start_bytes;
}

/* How much the next read asks for: up to the file's size; where that is unknown, what there is room
 * for. */
static size_t next_bytes(const struct data_file *data)
{
    size_t end = data->stat_bytes > 0 ? data->start_bytes + data->stat_bytes : data->into->capacity;
    return end - data->into->bytes;
}

static char *next_place(const struct data_file *data)
{
    return data->into->data + data->into->bytes;
}

static void read_on(struct data_file *data)
{
    file_read(data->file, next_place(data), next_bytes(data), -1);
}

/* Why an open file of which that is known cannot be loaded, said by `error`, or true. Its size goes
 * to *stat_bytes. */
static bool judge(const struct statx *about, struct ringsend_bytes path, size_t *stat_bytes,
                  struct record_error *error)
{
    if (!S_ISREG(about->stx_mode))
        refuse(error, "not a regular file: %.*s", shown(path), path.data);
    else if (about->stx_size > FILE_BYTES_MAX)
        refuse(error, "larger than 64 MiB: %.*s", shown(path), path.data);
    else {
        *stat_bytes = (size_t)about->stx_size;
        return true;
    }
    return false;
}

enum data_file_next data_file_begin(struct data_file *data, struct ringsend *engine,
                                    struct buf_pool *pool, struct ringsend_bytes path,
                                    struct buf *into, struct record_error *error)
{
    *data = (struct data_file){.step = DATA_FILE_OPENING,
                               .pool = pool,
                               .into = into,
                               .start_bytes = into->bytes,
                               .path = path};
    data->own = own_new(path);
    if (data->own && file_open_path(engine, data->own->name, OPEN_FLAGS, &data->file) == 0)
        return DATA_FILE_WAIT;
    data_file_end(data);
    return no_memory(error);
}

/* Room for the first read. */
static bool reserve_first(struct data_file *data)
{
    return buf_reserve(data->pool, data->into,
                       data->stat_bytes > 0 ? data->stat_bytes : FIRST_READ_BYTES);
}

/* Starts the first read of a file that was looked at; true: it can be loaded. */
static bool begin_reading(struct data_file *data, struct record_error *error)
{
    if (!judge(&data->own->about, data->path, &data->stat_bytes, error))
        return false;
    if (!reserve_first(data)) {
        no_memory(error);
        return false;
    }
    data->step = DATA_FILE_READING;
    read_on(data);
    return true;
}

/* Takes what a read brought: true when there is to be another, and room for it. */
static bool wants_more(struct data_file *data, int64_t result)
{
    struct buf *into = data->into;
    if (result <= 0)
        return false;
    into->bytes += (size_t)result;
    bool more = data->stat_bytes > 0 ? taken(data) < data->stat_bytes
                                     : taken(data) <= (size_t)FILE_BYTES_MAX;
    return more && (into->bytes < into->capacity || buf_reserve(data->pool, into, 1));
}

/* What it came to, when the last read brought `result`. */
static enum data_file_next finish(struct data_file *data, int64_t result,
                                  struct record_error *error)
{
    bool whole = data->stat_bytes > 0 ? taken(data) == data->stat_bytes : result == 0;
    if (result < 0)
        return refuse(error, "%s: %.*s", strerror((int)-result), shown(data->path),
                      data->path.data);
    if (taken(data) > FILE_BYTES_MAX)
        return refuse(error, "larger than 64 MiB: %.*s", shown(data->path), data->path.data);
    if (result == 0 && !whole)
        return refuse(error, "the file became shorter while it was read: %.*s", shown(data->path),
                      data->path.data);
    return whole ? DATA_FILE_DONE : no_memory(error);
}

enum data_file_next data_file_turn(struct data_file *data, struct record_error *error)
{
    if (file_busy(data->file))
        return DATA_FILE_WAIT;
    int64_t result = file_take(data->file);
    switch (data->step) {
    case DATA_FILE_OPENING:
        if (result < 0)
            break;
        data->step = DATA_FILE_LOOKING;
        file_stat(data->file, &data->own->about);
        return DATA_FILE_WAIT;
    case DATA_FILE_LOOKING:
        if (result < 0)
            break;
        if (begin_reading(data, error))
            return DATA_FILE_WAIT;
        data_file_end(data);
        return DATA_FILE_FAILED;
    case DATA_FILE_READING:
        if (!wants_more(data, result))
            break;
        read_on(data);
        return DATA_FILE_WAIT;
    }
    data_file_end(data);
    return finish(data, result, error);
}

void data_file_end(struct data_file *data)
{
    if (data->file)
        file_close(&data->file);
    free(data->own);
    data->own = NULL;
}

/* ---- waiting for the disk ---- */

/* A file that can be loaded, or -1 with the error set. */
static int open_now(struct ringsend_bytes path, size_t *stat_bytes, struct record_error *error)
{
    char *name = strndup(path.data, path.bytes);
    if (!name) {
        no_memory(error);
        return -1;
    }
    struct statx about;
    int fd = open(name, OPEN_FLAGS | O_CLOEXEC);
    bool known = fd >= 0 && statx(fd, "", AT_EMPTY_PATH, STATX_TYPE | STATX_SIZE, &about) == 0;
    if (!known)
        refuse(error, "%s: %.*s", strerror(errno), shown(path), path.data);
    free(name);
    if (known && judge(&about, path, stat_bytes, error))
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

bool data_file_look(struct ringsend_bytes path, struct record_error *error)
{
    size_t stat_bytes;
    int fd = open_now(path, &stat_bytes, error);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

bool data_file_now(struct ringsend_bytes path, struct buf_pool *pool, struct buf *into,
                   struct record_error *error)
{
    struct data_file data = {.pool = pool, .into = into, .start_bytes = into->bytes, .path = path};
    ssize_t result;
    int fd = open_now(path, &data.stat_bytes, error);
    if (fd < 0)
        return false;
    bool has_room = reserve_first(&data);
    do {
        result = has_room ? read(fd, next_place(&data), next_bytes(&data)) : 0;
        if (result < 0)
            result = -errno;
    } while (wants_more(&data, result));
    close(fd);
    return (has_room ? finish(&data, result, error) : no_memory(error)) == DATA_FILE_DONE;
}
