/* An attempt: all that one try of a request has brought to light. The machines that carry it
 * out (the origin's race, the conn, the exchange) fill it in and wake its request, which alone
 * judges it: what it is worth, what it says of its origin, whether there is to be another.
 *
 *   begun      cleared; connect, handshake and exchange note their times, and what has left
 *   is over    attempt_take has what came of it; the rest goes by that alone
 *   is known   the same, or its body has been decoded: nothing about it changes any more
 *
 * It stays until the next one begins, as the result tells of the last. */
#ifndef RINGSEND_ENGINE_ATTEMPT_H
#define RINGSEND_ENGINE_ATTEMPT_H

#include "base/buf.h"
#include "base/errors.h"
#include "http/response.h"
#include "ringsend.h"

/* What a complete response is worth. */
enum verdict {
    VERDICT_FAILED, /* not ok; by its status another try may help */
    VERDICT_OK,
    VERDICT_AGAIN /* retry_if holds */
};

struct attempt {
    bool begun;      /* else all is zero */
    bool known;      /* else it is still under way, or there was none */
    bool reused;     /* its connection was not new */
    bool bytes_left; /* some of the request may have reached the peer */
    bool sent_whole; /* all of it was taken by the kernel */
    bool answered;   /* bytes of a response came */
    bool stale;      /* a reused connection was dead before any byte of a response */
    bool bodiless;   /* the response has no body, or none to be seen here */
    bool encoded;    /* its body still has the codings */
    bool unjudged;   /* predicates could not read it */
    enum ringsend_error outcome;
    enum verdict verdict;   /* of the response, when the outcome is RINGSEND_OK */
    int status;             /* once the head was complete; else 0 */
    const char *detail;     /* a sentence more, or null; as text: */
    struct buf detail_text; /* the connection's own goes with it */
    const char *unreadable; /* why its body is not what the server meant, or null; static */
    /* The response, when it was complete. */
    struct buf body, headers, header_index;
    struct buf packed; /* while a copy of the body is decoded for predicates: as it came */
    size_t head_bytes, packed_bytes;
    struct codings codings;      /* of a body that is there */
    struct response_hints hints; /* about when to come again, with a status of 200 and above */
    uint64_t asked_ns;           /* for so long it asked to be left alone; 0: it did not */
    uint64_t wait_ns;            /* the same, bounded */
    uint64_t pause_ns;           /* for so long it made its origin pause */
    /* Of the try alone: queue_ns, dns_ns and total_ns are the request's. */
    struct ringsend_times times;
};

/* Gives back its memory: it will not be looked at again. */
void attempt_release(struct attempt *a, struct buf_pool *pool);
/* The next one begins, or none has: whatever the last one left behind goes. */
void attempt_clear(struct attempt *a, struct buf_pool *pool);
/* Right before its first byte can leave: the caller's mark is set. */
void attempt_leaves(struct attempt *a, const struct ringsend_request *user);
/* The caller's mark: where it is, or null, and whether it is set; takes it back. */
bool attempt_is_marked(const struct ringsend_request *user);
void attempt_unmark(const struct ringsend_request *user);
/* Notes the outcome and its detail, which may be null. */
void attempt_end(struct attempt *a, struct buf_pool *pool, enum ringsend_error outcome,
                 const char *detail);
/* The same, in place of an earlier detail. */
void attempt_explain(struct attempt *a, struct buf_pool *pool, const char *detail);
/* After attempt_end: what came of the response; a complete one's buffers are moved out of
 * it. */
void attempt_take(struct attempt *a, struct buf_pool *pool, struct response *response);

#endif
