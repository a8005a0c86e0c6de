/* A request: a record's whole life over all its attempts. The spine is in request.c. */
#ifndef RINGSEND_ENGINE_REQUEST_H
#define RINGSEND_ENGINE_REQUEST_H

#include "base/buf.h"
#include "base/list.h"
#include "engine/attempt.h"
#include "engine/steps.h"
#include "engine/task.h"
#include "http/head.h"
#include "ringsend.h"

#include <stdbool.h>
#include <stdint.h>

struct exchange;
struct origin;
struct ringsend;
struct stream;

/* Of a request's flags: its body is not in its memory; a good response's body is not to be stored.
 */
#define BODY_STREAMED ((uint32_t)(RINGSEND_BODY_FD | RINGSEND_BODY_PIECES))
#define RESPONSE_STREAMED \
    ((uint32_t)(RINGSEND_RESPONSE_FD | RINGSEND_RESPONSE_PIECES | RINGSEND_RESPONSE_DISCARD))

struct request {
    struct task task;
    enum request_step step;
    uint32_t slot;
    uint32_t generation;
    enum ringsend_wait wait; /* why the next attempt has not begun yet */
    struct ringsend *engine;
    struct ringsend_request *user;
    struct origin *origin;
    struct exchange *exchange; /* carries the attempt; null also while its pool races for it */
    struct stream *stream;     /* null: body and response are in memory as a whole */
    struct head head;
    struct attempt attempt; /* the last one that began */
    struct ringsend_result result;
    struct buf trace; /* struct ringsend_attempt, one for each attempt that is over */
    /* Of redirects that it followed: see follow.c. */
    struct buf hops;       /* their URLs, each with a LF behind it */
    struct buf hop_fields; /* struct ringsend_header: those that go along, of its head */
    uint32_t redirects;
    uint16_t answered_status; /* by which its body has gone: it was answered, and became GET */
    bool to_stranger;         /* one of them led to another origin: who asks is not told there */
    struct list waiting;      /* in origin.waiting or origin.retries exactly when queued */
    int64_t number;           /* its order there, over both lists of its kind */
    struct list finished;     /* in engine.finished, then engine.reaped */
    uint32_t tries;
    uint16_t free_tries;   /* attempts that do not count */
    bool idempotent;       /* by method or key */
    bool replayable;       /* idempotent, or sent at least once by the user's will */
    bool in_doubt;         /* an earlier attempt may have been processed */
    bool may_be_processed; /* the same, of idempotent ones too, and the outcome looked at counts */
    bool wants_fresh;      /* not on a reused connection */
    bool is_retry;         /* its next attempt counts against the retry budget */
    bool was_pardoned;     /* one of the free ones was for a connection that was dead */
    bool renewed;          /* the credentials were, on its account: see credentials.h */
    bool cancel_asked;
    struct list undecoded; /* in engine.undecoded */
    uint64_t queue_ns;     /* in the queue and between tries, up to queued_ns */
    uint64_t dns_ns;       /* of what it waits for now, or last did, the lookup */
    uint64_t attempt_timeout_ns;
    uint64_t backoff_at_ns;
    uint64_t deadline_at_ns; /* but for what attempt.stood_ns adds */
    uint64_t submitted_ns;
    uint64_t queued_ns;   /* since when it waits: submitted, or the last attempt's end */
    uint64_t enqueued_ns; /* when it came into that list */
};

/* What it sends; of a streamed one nothing. */
static inline struct ringsend_bytes request_body(const struct request *r)
{
    return r->answered_status ? (struct ringsend_bytes){0} : r->user->body;
}

/* Doing it twice has the effect of once: by its method, or by the key that it carries. */
bool request_is_idempotent(const struct ringsend_request *user, struct ringsend_bytes method);
/* Takes over `stream`, which may be null. */
void request_take(struct ringsend *e, struct ringsend_request *user, const struct head *head,
                  struct origin *o, struct stream *stream);
/* False: there was never such a handle. *r is null when it has its result already. */
bool request_find(struct ringsend *e, uint64_t handle, struct request **r);
/* A posted request that cannot be sent: finished at once, without an origin. */
void request_refuse(struct ringsend *e, struct ringsend_request *user, enum ringsend_error error,
                    const char *detail);
enum task_next request_run(struct request *r);
void request_put(struct request *r); /* reaped: its slot is free again */

#endif
