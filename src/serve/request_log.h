/* The log of deliveries: one line per request, written through the ring in the background.
 *
 *   microseconds TAB method TAB target TAB key TAB outcome TAB took [TAB weight]
 *
 * microseconds: monotonic clock. key: the record's id, or "fnv1a:" and the body's hash in hex where
 * the request had none. outcome: the status answered, or reset, close, stall, refused (a
 * connection: the other fields are "-"), gone (the client left before its answer), stopped (the
 * server did). took: microseconds from the whole request to that outcome, for an answer to the
 * begin of its sending: its client cannot have seen it take less. */
#ifndef RINGSEND_SERVE_REQUEST_LOG_H
#define RINGSEND_SERVE_REQUEST_LOG_H

#include "base/buf.h"
#include "base/time.h"
#include "http/request_reader.h"
#include "uring/ring.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    REQUEST_LOG_FLUSH_BYTES = 64 << 10,
    REQUEST_LOG_FULL_BYTES = 16 << 20,
};
#define REQUEST_LOG_FLUSH_NS (20 * NS_PER_MS)

struct request_log {
    struct ring *ring;
    struct buf_pool *pool;
    int fd;             /* -1: there is no log */
    int error;          /* the errno, negated, that ended it; 0 exactly while it works */
    struct buf filling; /* whole lines, not yet given to the ring */
    struct buf writing; /* empty exactly when no append is in flight */
    size_t written;     /* of `writing` */
};

/* Adds the line of `request`, or of a refused connection when that is null. */
void request_log_add(struct request_log *log, uint64_t now_ns, uint64_t took_ns,
                     const struct request_reader *request, const char *outcome,
                     const uint64_t *weight);
/* Starts writing what is there, unless a write is in flight already. */
void request_log_flush(struct request_log *log);
/* RING_APPEND came back. */
void request_log_appended(struct request_log *log, int32_t result);

/* True when requests must wait for the disk: reading on would take memory without bound. */
static inline bool request_log_is_full(const struct request_log *log)
{
    return log->filling.bytes >= REQUEST_LOG_FULL_BYTES;
}

static inline bool request_log_busy(const struct request_log *log)
{
    return log->writing.bytes > 0;
}

void request_log_free(struct request_log *log);

#endif
