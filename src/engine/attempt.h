/* An attempt: all that one try of a request has brought to light. The machines that carry it
 * out (the origin's queue, the pool's race, the conn, the exchange) fill it in; when it is over its
 * request is woken, to run ahead of everybody else, and alone judges it: what it is worth, what
 * it says of its origin, whether there is to be another. Nobody below calls the request.
 *
 * step       where it is                                          what is known
 * NONE       -                                                    nothing
 * QUEUED     in the queue of its origin                           what the last one has left
 * BEGUN      raced for, or in an exchange                         times, what has left
 * REDIALING  in the queue, to go on at another address            the same
 * OVER       with its request, which is about to judge it, or     all that came of it
 *            waits for its body to be decoded
 * KNOWN      with its request                                     what it was worth */
#ifndef RINGSEND_ENGINE_ATTEMPT_H
#define RINGSEND_ENGINE_ATTEMPT_H

#include "base/buf.h"
#include "base/errors.h"
#include "base/timers.h"
#include "engine/steps.h"
#include "http/coding.h"
#include "http/response.h"
#include "ringsend.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ringsend;

/* What a complete response is worth. */
enum verdict {
    VERDICT_FAILED, /* not ok; by its status another try may help */
    VERDICT_OK,
    VERDICT_AGAIN /* retry_if holds */
};

struct attempt {
    enum attempt_step step;
    bool begun;         /* else all of the rest is zero: there has been none */
    bool anew;          /* a TLS session was refused, and it goes on without one */
    bool redialed;      /* it has moved on from an address that failed already */
    uint16_t strangers; /* it has moved on from so many whose handshake failed */
    bool reused;        /* its connection was not new */
    bool bytes_left;    /* some of the request may have reached the peer */
    bool sent_whole;    /* all of it was taken by the kernel */
    bool answered;      /* bytes of a response came */
    bool stale;         /* a reused connection was dead before any byte of a response */
    bool bodiless;      /* the response has no body, or none to be seen here */
    bool encoded;       /* its body still has the codings */
    bool unjudged;      /* predicates could not read it */
    bool cost_freed;    /* it weighed less than was thought */
    uint8_t cost_heard; /* for which of options.costs its response says what it weighed: bits */
    uint8_t retry;      /* enum hint_retry: what the response says of another try */
    uint16_t token;     /* which one it had, of those that expire; 0: none */
    enum ringsend_error outcome;
    enum verdict verdict;             /* of the response, when the outcome is RINGSEND_OK */
    enum ringsend_error redial_error; /* what made it move on; OK: it was taken back */
    int status;                       /* once the head was complete; else 0 */
    const char *detail;               /* a sentence more, or null; as text: */
    struct buf detail_text;           /* the connection's own goes with it */
    const char *unreadable; /* why its body is not what the server meant, or null; static */
    /* The response, when it was complete. */
    struct buf body, headers, header_index, location;
    struct buf packed; /* while a copy of the body is decoded for predicates: as it came */
    size_t head_bytes, packed_bytes;
    struct codings codings; /* of a body that is there */
    /* With a status of 200 and above, see pause_read: */
    uint64_t asked_ns;    /* for so long it asked to be left alone; 0: it did not */
    uint64_t wait_ns;     /* the same, bounded */
    uint64_t pause_ns;    /* for so long it made its origin pause */
    uint64_t deadline_ns; /* of the attempt; see attempt_deadline_ns */
    uint64_t stands_ns;   /* its clock and its request's stand since then: 0: they run */
    uint64_t stood_ns;    /* for so long they have stood, before that */
    uint64_t began_ns;    /* in which turn; it may have gone on since */
    /* What its turns have taken, and left of its clock: see turns.c. */
    uint64_t connect_spent_ns, tunnel_spent_ns, handshake_spent_ns, left_ns;
    /* Of its race: so many addresses were tried, from that one on, of those of then. */
    uint32_t race_first, race_next;
    uint64_t race_of;
    const char *redial_detail; /* static text, or null */
    /* Of the try alone: queue_ns, dns_ns and total_ns are the request's. */
    struct ringsend_times times;
};

/* It stands in the queue to go on with what it has begun. */
static inline bool attempt_is_redialing(const struct attempt *a)
{
    return a->step == ATTEMPT_REDIALING;
}

/* There was one, and it is known what it was worth. */
static inline bool attempt_has_outcome(const struct attempt *a)
{
    return a->begun && (a->step == ATTEMPT_QUEUED || a->step == ATTEMPT_KNOWN);
}

/* When it is to end by its clock. */
static inline uint64_t attempt_deadline_ns(const struct attempt *a)
{
    return a->stands_ns ? TIMER_NEVER : timer_after(a->deadline_ns, a->stood_ns);
}

/* Its life. */
void attempt_queued(struct attempt *a); /* it stands in the queue */
void attempt_begin(struct attempt *a);  /* it begins, or goes on behind attempt_redial */
/* It goes on at another address, after that error at one, and with a new clock. The detail is
 * static text, or null. */
void attempt_redial(struct attempt *a, enum ringsend_error error, const char *detail);
/* The same, after so long, with no error anywhere: its clocks go on where they stand. */
void attempt_take_back(struct attempt *a, uint64_t connect_ns, uint64_t handshake_ns);
/* Its clock and its request's stand, as what it waits for is ours; they go on. */
void attempt_stand(struct attempt *a);
void attempt_go_on(struct attempt *a);
/* For so long its clock has stood, and its request's has not: it had its connection, which was not
 * its peer's turn. */
void attempt_put_off(struct attempt *a, uint64_t ns);
/* It is over, and all that came of it is there: nothing of the engine touches the user's memory
 * for it any more. Its request runs next. The detail may be null. */
void attempt_over(struct attempt *a, enum ringsend_error outcome, const char *detail);
void attempt_judged(struct attempt *a); /* by its request */

/* Right before its first byte can leave: the caller's mark is set. */
void attempt_leaves(struct attempt *a, const struct ringsend_request *user);
/* The caller's mark: where it is, or null, and whether it is set; takes it back. */
bool attempt_is_marked(const struct ringsend_request *user);
void attempt_unmark(const struct ringsend_request *user);
/* Before attempt_over with that outcome: what came of the response; a complete one's buffers are
 * moved out of it. */
void attempt_take(struct attempt *a, struct response *response, enum ringsend_error outcome);
/* Behind that: it had come to a proxy, and no further. */
void attempt_not_passed_on(struct attempt *a);
/* A sentence more, in place of an earlier one. Null: nothing. */
void attempt_explain(struct attempt *a, const char *detail);
/* Makes the public array in *array, and enters it in the result, unless memory is out. */
void attempt_headers(struct ringsend *e, const struct buf *headers, const struct buf *index,
                     struct buf *array, struct ringsend_result *result);

/* Gives back its memory: it will not be looked at again. */
void attempt_release(struct attempt *a);
void attempt_clear(struct attempt *a); /* whatever it has left behind goes */

#endif
