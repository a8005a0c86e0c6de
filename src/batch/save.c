#include "batch/save.h"

#include "ringsend.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

enum { ID_BYTES_MAX = 64 };

static bool is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
}

void save_name(char name[SAVE_NAME_BYTES], uint64_t number, struct ringsend_bytes id)
{
    size_t at = (size_t)snprintf(name, SAVE_NAME_BYTES, "%llu", (unsigned long long)number);
    bool quoted = id.bytes >= 2 && id.data[0] == '"';
    if (quoted)
        id = (struct ringsend_bytes){id.data + 1, id.bytes - 2};
    if (id.bytes > 0)
        name[at++] = '-';
    for (size_t i = 0; i < id.bytes && i < ID_BYTES_MAX; i++)
        name[at++] = is_plain(id.data[i]) ? id.data[i] : '_';
    name[at] = '\0';
}

void save_end(struct save *save)
{
    if (!save->file)
        return;
    file_close(&save->file);
    close(save->fd);
}

static enum save_next fail(struct save *save, int directory, const char *name, int reason,
                           int *error)
{
    save_end(save);
    unlinkat(directory, name, 0);
    *error = reason;
    return SAVE_FAILED;
}

enum save_next save_begin(struct save *save, struct ringsend *engine, int directory,
                          const char *name, bool replace, struct ringsend_bytes data, int *error)
{
    int flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW;
    save->bytes = data.bytes;
    save->fd = openat(directory, name, flags | (replace ? O_TRUNC : O_EXCL), 0600);
    if (save->fd < 0) {
        *error = errno;
        return SAVE_FAILED;
    }
    if (file_open(engine, save->fd, &save->file) != 0) {
        close(save->fd);
        return fail(save, directory, name, ENOMEM, error);
    }
    file_append(save->file, data.data, data.bytes);
    return SAVE_WAIT;
}

enum save_next save_turn(struct save *save, int directory, const char *name, int *error)
{
    if (file_busy(save->file))
        return SAVE_WAIT;
    int64_t result = file_take(save->file);
    if (result != (int64_t)save->bytes)
        return fail(save, directory, name, result < 0 ? (int)-result : EIO, error);
    file_close(&save->file);
    /* Some file systems tell only now that a write was lost. */
    if (close(save->fd) != 0)
        return fail(save, directory, name, errno, error);
    return SAVE_DONE;
}
