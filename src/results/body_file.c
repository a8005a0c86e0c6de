#include "results/body_file.h"

#include "ringsend.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
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
    file_close(&save->file);
    free(save->path);
    save->path = NULL;
}

static enum save_next fail(struct save *save, int reason, int *error)
{
    if (save->opened && save->path)
        unlink(save->path);
    save_end(save);
    *error = reason;
    return SAVE_FAILED;
}

enum save_next save_begin(struct save *save, struct ringsend *engine, const char *directory,
                          const char *name, bool replace, bool sync, struct ringsend_bytes data,
                          int *error)
{
    /* The open of a fifo would wait for a reader, and that of a terminal might make it ours. */
    int flags = O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY |
                (replace ? O_TRUNC : O_EXCL);
    *save = (struct save){.replace = replace, .sync = sync, .data = data};
    if (asprintf(&save->path, "%s/%s", directory, name) < 0)
        save->path = NULL;
    if (!save->path || file_open_path(engine, save->path, flags, &save->file) != 0)
        return fail(save, ENOMEM, error);
    return SAVE_WAIT;
}

/* Some file systems tell only at a close that a write was lost. The file's own goes unheard. */
static int close_error(const struct save *save)
{
    int copy = fcntl(file_descriptor(save->file), F_DUPFD_CLOEXEC, 0);
    return copy >= 0 && close(copy) == 0 ? 0 : errno;
}

enum save_next save_turn(struct save *save, int *error)
{
    if (file_busy(save->file))
        return SAVE_WAIT;
    int64_t result = file_take(save->file);
    if (!save->opened && result == 0) {
        if (save->replace && !save->looking) {
            save->looking = true;
            file_stat(save->file, &save->about);
            return SAVE_WAIT;
        }
        if (save->replace && !S_ISREG(save->about.stx_mode))
            return fail(save, ENXIO, error);
        save->opened = true;
        file_append(save->file, save->data.data, save->data.bytes);
        return SAVE_WAIT;
    }
    if (result != (save->syncing ? 0 : (int64_t)save->data.bytes))
        return fail(save, result < 0 ? (int)-result : EIO, error);
    if (save->sync && !save->syncing) {
        save->syncing = true;
        file_sync(save->file);
        return SAVE_WAIT;
    }
    int lost = close_error(save);
    if (lost)
        return fail(save, lost, error);
    save_end(save);
    return SAVE_DONE;
}
