/* step       waits for              next
 * OPENING    the open               APPENDING; LOOKING when one that is there would do
 * LOOKING    what stands there      APPENDING, once it is empty
 * APPENDING  the append             (done); SYNCING
 * SYNCING    the sync               (done)
 * Any error ends it. */
#include "results/body_file.h"

#include "base/check.h"
#include "ringsend.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ID_BYTES_MAX = 64 };

static bool is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
}

void body_file_name(char name[BODY_FILE_NAME_BYTES], uint64_t number, struct ringsend_bytes id)
{
    size_t at = (size_t)snprintf(name, BODY_FILE_NAME_BYTES, "%llu", (unsigned long long)number);
    bool quoted = id.bytes >= 2 && id.data[0] == '"';
    if (quoted)
        id = (struct ringsend_bytes){id.data + 1, id.bytes - 2};
    if (id.bytes > 0)
        name[at++] = '-';
    for (size_t i = 0; i < id.bytes && i < ID_BYTES_MAX; i++)
        name[at++] = is_plain(id.data[i]) ? id.data[i] : '_';
    name[at] = '\0';
}

/* Alone writes the step. */
static enum body_file_next body_file_goto(struct body_file *body, enum body_file_step step)
{
    static const unsigned edges[] = {BODY_FILE_STEPS(STEP_EDGES)};
    CHECK(edges[body->step] >> step & 1);
    body->step = step;
    return BODY_FILE_WAIT;
}

void body_file_end(struct body_file *body)
{
    file_close(&body->file);
    free(body->path);
    free(body->about);
    body->path = NULL;
    body->about = NULL;
}

static enum body_file_next fail(struct body_file *body, int reason, int *error)
{
    if (body->step >= BODY_FILE_APPENDING && body->path)
        unlink(body->path);
    body_file_end(body);
    *error = reason;
    return BODY_FILE_FAILED;
}

enum body_file_next body_file_begin(struct body_file *body, struct ringsend *engine,
                                    const char *directory, const char *name, bool replace,
                                    bool sync, struct ringsend_bytes data, int *error)
{
    /* The open of a fifo would wait for a reader, and that of a terminal might make it ours. */
    int flags =
        O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | (replace ? 0 : O_EXCL);
    *body = (struct body_file){.replace = replace, .sync = sync, .data = data};
    if (asprintf(&body->path, "%s/%s", directory, name) < 0)
        body->path = NULL;
    if (replace)
        body->about = malloc(sizeof *body->about);
    bool any = body->path && (body->about || !replace);
    if (!any || file_open_path(engine, body->path, flags, &body->file) != 0)
        return fail(body, ENOMEM, error);
    return BODY_FILE_WAIT;
}

/* Some file systems tell only at a close that a write was lost. The file's own goes unheard. */
static int close_error(const struct body_file *body)
{
    int copy = fcntl(file_descriptor(body->file), F_DUPFD_CLOEXEC, 0);
    return copy >= 0 && close(copy) == 0 ? 0 : errno;
}

/* What stood there already is looked at before it is cut. */
static int empty_file(const struct body_file *body)
{
    if (!S_ISREG(body->about->stx_mode))
        return ENXIO;
    if (body->about->stx_nlink > 1)
        return EMLINK;
    bool is_empty = body->about->stx_size == 0;
    return is_empty || ftruncate(file_descriptor(body->file), 0) == 0 ? 0 : errno;
}

static enum body_file_next start_append(struct body_file *body)
{
    file_append(body->file, body->data.data, body->data.bytes);
    return body_file_goto(body, BODY_FILE_APPENDING);
}

static enum body_file_next close_file(struct body_file *body, int *error)
{
    int lost = close_error(body);
    if (lost)
        return fail(body, lost, error);
    body_file_end(body);
    return BODY_FILE_DONE;
}

enum body_file_next body_file_turn(struct body_file *body, int *error)
{
    CHECK(body->file && body->path);
    if (file_busy(body->file))
        return BODY_FILE_WAIT;
    int64_t result = file_take(body->file);
    if (result < 0)
        return fail(body, (int)-result, error);
    switch (body->step) {
    case BODY_FILE_OPENING:
        if (!body->replace)
            return start_append(body);
        file_stat(body->file, body->about);
        return body_file_goto(body, BODY_FILE_LOOKING);
    case BODY_FILE_LOOKING: {
        int unfit = empty_file(body);
        return unfit ? fail(body, unfit, error) : start_append(body);
    }
    case BODY_FILE_APPENDING:
        if ((uint64_t)result != body->data.bytes)
            return fail(body, EIO, error);
        if (!body->sync)
            return close_file(body, error);
        file_sync(body->file);
        return body_file_goto(body, BODY_FILE_SYNCING);
    case BODY_FILE_SYNCING:
        return close_file(body, error);
    }
    UNREACHABLE("body file step");
}
