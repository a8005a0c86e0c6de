/* Bodies that go or come in parts: one struct stream for each request that asked for it, from its
 * submit to its end.
 *
 * Out. Instead of the user's memory the exchange sends stretches: exchange.head holds the request's
 * head and the first bytes of its body, then, send by send, the next ones, as they are read from
 * the descriptor or copied from the piece that the host has handed over. SEND_FILLING is the state
 * in between: it waits for the file or the host, and stream_fill goes on. With an unknown length
 * each stretch is a chunk (RFC 9112 7.1).
 *
 * A body that can be read again (a descriptor with a position, a piece still held) goes out from
 * its beginning in each attempt; once a part of it is gone for good the request is spent: no other
 * try is made.
 *
 * In. See stream_in.c. */
#ifndef RINGSEND_ENGINE_STREAM_H
#define RINGSEND_ENGINE_STREAM_H

#include "base/buf.h"
#include "base/list.h"
#include "engine/file_internal.h"
#include "engine/request.h"
#include "ringsend.h"

struct exchange;

/* A result that is not the final one: in engine.events until it is reaped, then in
 * engine.events_reaped until the next run. */
struct event {
    struct list node;
    bool ready; /* it is in engine.events */
    struct ringsend_result result;
};

struct stream {
    struct request *request;
    bool spent; /* a part of a body is gone: no other try */

    /* The request's body. */
    uint32_t source;     /* RINGSEND_BODY_FD or _PIECES, or 0: it is in the user's memory */
    uint64_t body_bytes; /* RINGSEND_UNKNOWN: chunked */
    int64_t
        from_at; /* where it begins in the descriptor; RINGSEND_SEQUENTIAL: it has no positions */
    uint64_t sent_bytes; /* put into stretches in this attempt */
    bool complete;       /* that was all of it */
    bool dropped;        /* a redirect has made it go: what the host still brings is passed over */
    struct file from;
    bool reading; /* an operation on it was started, its result not taken */
    bool has_piece;
    bool last;  /* no piece comes after this one */
    bool asked; /* the host was asked for a piece, and has not given it */
    struct ringsend_bytes piece;
    size_t piece_at;      /* so much of it was put into stretches in this attempt */
    uint64_t given_bytes; /* of all pieces */
    struct event wants;

    /* The response's body. */
    uint32_t sink; /* RINGSEND_RESPONSE_FD or _PIECES, or 0: in response.body, or discarded */
    bool held;     /* the host wants no piece now */
    struct file to;
    bool writing; /* as `reading` */
    struct buf
        out; /* being written; or the piece that lies ready, is held back, or in the host's hands */
    struct buf headers; /* the pieces', struct ringsend_header */
    struct event gives;
    enum ringsend_error end; /* the receive's error, which counts when all is out */
    const char *end_detail;

    char detail[160];
};

static inline bool stream_is_wanted(const struct ringsend_request *user)
{
    return user->flags & (BODY_STREAMED | RINGSEND_RESPONSE_FD | RINGSEND_RESPONSE_PIECES);
}
/* For such a request; null: memory is out. */
struct stream *stream_new(struct ringsend *e, const struct ringsend_request *user);
/* Null is allowed. */
void stream_free(struct ringsend *e, struct stream *s);

/* Its body can be read once only: not to be risked on a connection that may be dead. */
bool stream_wants_fresh(const struct request *r);
bool stream_is_spent(const struct request *r);

void stream_drop_source(struct request *r); /* between attempts: its body is not sent any more */

/* The send half is to begin with what stream_fill brings. */
bool stream_has_source(const struct request *r);
/* Not all of the body has been put into stretches. */
bool stream_has_more(const struct request *r);
/* In SEND_FILLING, exchange.head empty or the request's head: starts what brings the next stretch,
 * or sets it as exchange.piece, to be sent. */
enum ringsend_error stream_fill(struct exchange *x, bool *is_set, const char **detail);

/* After a run of the receive half that came to `error`: passes on what it brought. RINGSEND_OK: go
 * on, or all is done when receive is RECEIVE_DONE. */
enum ringsend_error stream_receive(struct exchange *x, enum ringsend_error error,
                                   const char **detail);
/* Nothing goes on before the host has taken a piece, or wants one, or brings the next one of the
 * request. */
bool stream_awaits_host(const struct exchange *x);

/* ringsend_body and ringsend_hold, for a request that has no result yet. */
int stream_give(struct request *r, struct ringsend_bytes piece, bool last);
int stream_hold(struct request *r, bool hold);

/* The end of an attempt: asks for an early end of all file operations, sees it come, and lets go.
 */
void stream_cancel(struct exchange *x);
bool stream_is_quiet(const struct exchange *x);
void stream_attempt_over(struct request *r);

void stream_in_over(struct stream *s);
/* A reaped one of the response's: the host is done with it. */
void stream_piece_over(struct event *event);
/* The life of the events that were reaped is over. */
void stream_give_back(struct ringsend *e);

/* ---- stream_event.c ---- */

void stream_report(struct ringsend *e, struct event *event);
/* Unless it was reaped. */
void stream_take_back(struct ringsend *e, struct event *event);
/* The oldest event; null: there is none. */
const struct ringsend_result *stream_reap(struct ringsend *e);
/* Says in s->detail why an operation on a descriptor ended with `error`; `lacked`: what -EAGAIN
 * stands for. */
void stream_explain(struct stream *s, int64_t error, const char *lacked);

#endif
