/* Two buffers: lines gather in one while the ring writes the other, so that only one append is in
 * flight, the lines stay whole and in order, and a slow disk costs the requests nothing until
 * REQUEST_LOG_FULL_BYTES wait for it. The first error ends the log; the server serves on and its
 * exit status tells. */
#include "serve/request_log.h"

#include "base/check.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { LINE_BYTES_MAX = 24 + 24 + REQUEST_TARGET_MAX + REQUEST_ID_MAX + 24 + 24 + 24 };

static void log_fail(struct request_log *log, int error)
{
    log->error = error;
    buf_release(log->pool, &log->filling);
    buf_release(log->pool, &log->writing);
}

/* The id is a header's value and may hold tabs and bytes of any alphabet; a tab would shift the
 * columns. */
static void without_tabs(char *text)
{
    for (; (text = strchr(text, '\t')); text++)
        *text = ' ';
}

void request_log_add(struct request_log *log, uint64_t now_ns, uint64_t took_ns,
                     const struct request_reader *request, const char *outcome,
                     const uint64_t *weight)
{
    if (log->fd < 0 || log->error)
        return;
    char key[REQUEST_ID_MAX + 1] = "-";
    if (request && request->id[0])
        snprintf(key, sizeof key, "%s", request->id);
    else if (request)
        snprintf(key, sizeof key, "fnv1a:%016" PRIx64, request->body_hash);
    without_tabs(key);
    if (!buf_reserve(log->pool, &log->filling, LINE_BYTES_MAX)) {
        log_fail(log, -ENOMEM);
        return;
    }
    const char *method = request && request->method[0] ? request->method : "-";
    const char *target = request && request->target[0] ? request->target : "-";
    int bytes = snprintf(log->filling.data + log->filling.bytes, LINE_BYTES_MAX,
                         "%" PRIu64 "\t%s\t%s\t%s\t%s\t%" PRIu64, now_ns / 1000, method, target,
                         key, outcome, took_ns / 1000);
    CHECK(bytes > 0 && bytes < LINE_BYTES_MAX);
    log->filling.bytes += (size_t)bytes;
    char *end = log->filling.data + log->filling.bytes;
    log->filling.bytes +=
        (size_t)(weight ? snprintf(end, 24, "\t%" PRIu64 "\n", *weight) : snprintf(end, 24, "\n"));
    if (log->filling.bytes >= REQUEST_LOG_FLUSH_BYTES)
        request_log_flush(log);
}

static void log_append_rest(struct request_log *log)
{
    ring_append(log->ring, (struct ring_tag){0, 0}, log->fd, log->writing.data + log->written,
                log->writing.bytes - log->written);
}

void request_log_flush(struct request_log *log)
{
    if (log->filling.bytes == 0 || request_log_busy(log))
        return;
    log->writing = log->filling;
    log->filling = (struct buf){0};
    log->written = 0;
    log_append_rest(log);
}

void request_log_appended(struct request_log *log, int32_t result)
{
    CHECK(request_log_busy(log));
    if (result <= 0) {
        log_fail(log, result ? result : -EIO);
        return;
    }
    log->written += (size_t)result;
    CHECK(log->written <= log->writing.bytes);
    if (log->written < log->writing.bytes) {
        log_append_rest(log);
        return;
    }
    buf_release(log->pool, &log->writing);
    if (log->filling.bytes >= REQUEST_LOG_FLUSH_BYTES)
        request_log_flush(log);
}

void request_log_free(struct request_log *log)
{
    buf_release(log->pool, &log->filling);
    buf_release(log->pool, &log->writing);
}
