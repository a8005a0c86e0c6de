/* A visitor: one accepted connection, from its arrival in a slot to the slot's return. */
#ifndef RINGSEND_SERVE_CONN_H
#define RINGSEND_SERVE_CONN_H

#include "base/buf.h"
#include "base/list.h"
#include "base/timers.h"
#include "uring/ring.h"

#include <stdbool.h>
#include <stdint.h>

struct platform;

/* In life order. */
enum visitor_step {
    VISITOR_FREE,      /* nobody is in the slot */
    VISITOR_WAITING,   /* accepted; nothing is read until it gets a place */
    VISITOR_READING,   /* idle, or in the middle of a request */
    VISITOR_THINKING,  /* the request is complete, its answer's time has not come */
    VISITOR_ANSWERING, /* the answer is being sent */
    VISITOR_STALLED,   /* no answer will come; until the client leaves */
    VISITOR_LINGERING, /* after a last answer to a request not wholly read: discards the rest */
    VISITOR_PARTING,   /* over TLS, leaving in good order: the farewell is being sent */
    VISITOR_LEAVING,   /* until nothing is in flight */
    VISITOR_CLOSING,   /* the close is in flight */
};
enum { VISITOR_STEPS = VISITOR_CLOSING + 1 };

/* All zero: a free slot. */
struct visitor {
    struct list link;     /* in the platform's ready list, or in its waiting list while WAITING */
    struct timer timer;   /* WAITING: before that it is not refused; READING: end of idleness;
                             THINKING: the answer; LINGERING, PARTING: their end */
    struct veil *veil;    /* over TLS, not null from the first byte received on */
    struct turn *turn;    /* not null from the first byte of a request to the end of its answer */
    struct buf inbox;     /* received while the request before was not yet answered */
    size_t inbox_used;    /* bytes of it already read */
    uint64_t peak_before; /* connections_peak when it arrived */
    uint32_t generation;
    uint32_t served;   /* requests answered */
    size_t send_bytes; /* of the send in flight */
    enum visitor_step step;
    bool receiving, sending; /* that operation is in flight */
    bool canceling;          /* a cancel of either is */
    bool recv_cancelled;     /* the receive in flight was asked to end */
    bool send_cancelled;     /* the send in flight was */
    bool resets;             /* leaves with a reset, not yet begun */
    bool resetting;          /* that operation is in flight */
    bool greeted;            /* its TLS handshake was counted as complete */
    bool eof;                /* the client sends no more */
    bool broken;             /* the connection is of no use any more */
    bool counted;            /* part of connections_open */
    bool admitted;           /* counted once, though perhaps no longer */
};

/* A connection came into the visitor's slot: it joins the waiting list. */
void visitor_arrive(struct platform *p, struct visitor *v);
/* What becomes of a visitor just taken out of the waiting list. */
void visitor_admit(struct platform *p, struct visitor *v);
void visitor_refuse(struct platform *p, struct visitor *v);
/* An operation on the visitor's slot came back. Notes what came and makes the visitor ready; takes
 * the data of `received` along. */
void visitor_complete(struct platform *p, struct visitor *v,
                      const struct ring_completion *completion, const char *received);
/* Goes on as far as it can without waiting. */
void visitor_run(struct platform *p, struct visitor *v);
/* The count of the report that its complete TLS handshake is part of. */
uint64_t *visitor_handshakes(struct platform *p, const struct visitor *v);
/* Puts it into the ready list. */
void visitor_wake(struct platform *p, struct visitor *v);

#endif
