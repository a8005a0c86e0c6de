/* One accepted connection, from its arrival in a slot to the slot's return. */
#ifndef RINGSEND_SERVE_CONN_H
#define RINGSEND_SERVE_CONN_H

#include "base/buf.h"
#include "base/list.h"
#include "base/machine.h"
#include "base/timers.h"
#include "uring/ring.h"

#include <stdbool.h>
#include <stdint.h>

struct server;

/* In life order; what each waits for stands in conn.c. */
#define SERVE_CONN_STEPS(STEP)                                                                     \
    /* nobody is in the slot */                                                                    \
    STEP(CONN_FREE, STEP_TO(CONN_WAITING))                                                         \
    /* accepted; nothing is read until it gets a place */                                          \
    STEP(CONN_WAITING, STEP_TO(CONN_READING) | STEP_TO(CONN_LEAVING))                              \
    /* idle, or in the middle of a request */                                                      \
    STEP(CONN_READING, STEP_TO(CONN_THINKING) | STEP_TO(CONN_STALLED) | STEP_TO(CONN_PARTING) |    \
                           STEP_TO(CONN_LEAVING) | STEP_TO(CONN_STREAMS))                          \
    /* HTTP/2: many requests at once, each as far as it is */                                      \
    STEP(CONN_STREAMS, STEP_TO(CONN_PARTING) | STEP_TO(CONN_LEAVING))                              \
    /* the request is complete, its answer's time has not come */                                  \
    STEP(CONN_THINKING, STEP_TO(CONN_ANSWERING) | STEP_TO(CONN_PARTING) | STEP_TO(CONN_LEAVING))   \
    /* the answer is being sent */                                                                 \
    STEP(CONN_ANSWERING, STEP_TO(CONN_READING) | STEP_TO(CONN_LINGERING) | STEP_TO(CONN_PARTING) | \
                             STEP_TO(CONN_LEAVING))                                                \
    /* no answer will come; until the client leaves */                                             \
    STEP(CONN_STALLED, STEP_TO(CONN_PARTING) | STEP_TO(CONN_LEAVING))                              \
    /* after a last answer to a request not wholly read: discards the rest */                      \
    STEP(CONN_LINGERING, STEP_TO(CONN_PARTING) | STEP_TO(CONN_LEAVING))                            \
    /* over TLS, leaving in good order: the farewell is being sent */                              \
    STEP(CONN_PARTING, STEP_TO(CONN_LEAVING))                                                      \
    /* until nothing is in flight */                                                               \
    STEP(CONN_LEAVING, STEP_TO(CONN_CLOSING))                                                      \
    /* the close is in flight */                                                                   \
    STEP(CONN_CLOSING, STEP_TO(CONN_FREE))

enum serve_conn_step { SERVE_CONN_STEPS(STEP_ENUM) };

/* All zero: a free slot. */
struct serve_conn {
    struct list link;      /* in the server's ready list, or in its waiting list while WAITING */
    struct timer timer;    /* WAITING: before that it is not refused; READING: end of idleness;
                             THINKING: the answer; LINGERING, PARTING: their end */
    struct serve_tls *tls; /* over TLS, not null from the first byte received on */
    struct serve_h2 *h2;   /* not null from STREAMS on */
    struct turn
        *turn; /* HTTP/1.1: not null from the first byte of a request to the end of its answer */
    struct buf inbox;     /* received while the request before was not yet answered */
    size_t inbox_used;    /* bytes of it already read */
    uint64_t peak_before; /* connections_peak when it arrived */
    uint32_t generation;
    uint32_t served;   /* requests answered */
    size_t send_bytes; /* of the send in flight */
    enum serve_conn_step step;
    bool receiving, sending; /* that operation is in flight */
    bool canceling;          /* a cancel of either is */
    bool recv_cancelled;     /* the receive in flight was asked to end */
    bool send_cancelled;     /* the send in flight was */
    bool resets;             /* leaves with a reset, not yet begun */
    bool resetting;          /* that operation is in flight */
    bool is_http1;           /* what came first is no preface of HTTP/2, or that is not served */
    bool greeted;            /* its TLS handshake was counted as complete */
    bool eof;                /* the client sends no more */
    bool broken;             /* the connection is of no use any more */
    bool counted;            /* part of connections_open */
    bool admitted;           /* counted once, though perhaps no longer */
};

/* A connection came into the connection's slot: it joins the waiting list. */
void serve_conn_arrive(struct server *p, struct serve_conn *v);
/* What becomes of a connection just taken out of the waiting list. */
void serve_conn_admit(struct server *p, struct serve_conn *v);
void serve_conn_refuse(struct server *p, struct serve_conn *v);
/* An operation on the connection's slot came back. Notes what came and makes the connection ready;
 * takes the data of `received` along. */
void serve_conn_complete(struct server *p, struct serve_conn *v,
                         const struct ring_completion *completion, const char *received);
/* Goes on as far as it can without waiting. */
void serve_conn_run(struct server *p, struct serve_conn *v);
/* Puts it into the ready list. */
void serve_conn_wake(struct server *p, struct serve_conn *v);

#endif
