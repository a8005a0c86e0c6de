/* A connection: one socket's life. The spine is in conn.c. */
#ifndef RINGSEND_ENGINE_CONN_H
#define RINGSEND_ENGINE_CONN_H

#include "base/address.h"
#include "base/list.h"
#include "engine/exchange.h"
#include "engine/steps.h"
#include "engine/task.h"
#include "engine/wire.h"
#include "engine/writer.h"
#include "ringsend.h"
#include "uring/op.h"
#include "uring/ring.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HTTP1_ROOM = 1 }; /* one exchange at a time: see http1.c */

struct http2;
struct pool;
struct request;
struct ring_completion;
struct ringsend;

/* What has become of it, for its pool to hear. */
enum conn_news {
    NEWS_NONE,
    NEWS_CONNECTED,
    NEWS_CONNECT_FAILED, /* by `error` */
    NEWS_OVERDUE,        /* its connect, of a race, has had its turn */
    NEWS_RAN_SHORT,      /* the same, for want of what this machine has only so much of */
    NEWS_GREETED,        /* its handshake is over, well or not */
    NEWS_CLOSED          /* nothing of it is left but its slot, and its place */
};

struct conn {
    struct task task;
    enum conn_step step;
    uint32_t slot; /* in the ring's table; also the index in engine.conns */
    uint32_t generation;
    enum conn_news news;
    struct ringsend *engine;
    struct pool *pool;
    struct list in_news; /* in pool.news until that has heard */
    struct address address;
    struct op connect, recv, cancel, close, install;
    int descriptor; /* watched: the process's own for this socket; -1: none */
    uint64_t watch; /* watched: number of it, from 1 on; 0: not */
    struct wire wire;
    struct writer writer;
    struct list exchanges; /* exchange.node: those that it carries, in the order of coming */
    struct http2 *http2;   /* HTTP/2: its session, of a carrier */
    struct conn
        *carrier; /* HTTP/2: whose streams carry its exchange, itself or, of a rider, another;
                              null: HTTP/1.1 */
    struct list in_riders; /* of a rider: in carrier.http2.riders */
    bool is_rider;         /* it has no socket, and never has */
    bool is_unsettled;     /* others wait for what it finds out of its peer's HTTP/2 */
    bool holds;            /* HTTP/2: what comes for its exchange is left where it is */
    uint32_t exchanges_begun;
    uint32_t exchanges_proven; /* of those: until it stood last, and nothing came: see kept.c */
    enum ringsend_error error; /* why it shuts down; first one sticks */
    int32_t stream_result;     /* once stream_ended: 0, or the negated errno */
    const char *detail;
    bool opened;          /* the slot holds a socket, or is about to */
    bool racing;          /* one of several connects for pool.dialing */
    bool tunnel_opened;   /* the proxy has said so; what was said to it may still be leaving */
    bool silent;          /* being made, or no byte of its exchange's answer has come */
    bool stamped;         /* the kernel stamps its packets */
    bool session_refused; /* its handshake failed, and had offered a TLS session */
    bool unsolicited;     /* bytes came behind a response */
    bool on_trial;        /* its exchange tells whether the peer keeps connections */
    bool stopped;         /* nothing is received until conn_go_on_recv */
    bool stream_ended;    /* the receive ended with end of stream or an error */
    uint64_t armed_by;    /* the enter that handed the latest receive to the kernel, or is to */
    uint64_t connect_began_ns, handshake_began_ns;
    uint64_t waits_since_ns; /* for its way, as far as not charged yet; 0: it does not: turns.c */
    uint64_t turn_began_ns, turn_at_ns; /* while being made: see turns.c; NEVER: it is over */
    struct list overdue;                /* then: in engine.overdue */
    uint64_t deadline_ns;               /* of connect or handshake, or while idle of keeping it */
    uint64_t idle_ns;                   /* how long this peer lets a connection idle */
    uint64_t answered_ns;      /* while idle, and in the exchange after it: since when it was */
    int32_t rx_first, rx_last; /* queue of received buffers, linked by engine.rx_next; -1: empty */
    struct list idle;          /* in pool.idle exactly when ready without exchanges */
    struct list idle_lru;      /* in engine.idle_lru, likewise */
    struct list starved;       /* in engine.starved: to be armed again once buffers are back */
};

/* Its pool has taken a place for it. */
struct conn *conn_open(struct pool *p, const struct address *address);
enum task_next conn_run(struct conn *c);
void conn_completed(struct conn *c, const struct ring_completion *completion);
/* Ready, carries nothing, and nothing has come on it since the last response. */
bool conn_is_usable(const struct conn *c);
/* So many exchanges more may be begun on it, now or once it is ready. */
static inline uint32_t conn_room(const struct conn *c)
{
    return c->step <= CONN_READY && list_empty(&c->exchanges) ? HTTP1_ROOM : 0;
}
static inline struct ring_tag conn_tag(const struct conn *c)
{
    return (struct ring_tag){.slot = c->slot, .generation = c->generation};
}
/* Its pool has taken a place for a rider of that carrier, with the request. */
void conn_ride(struct conn *carrier, struct request *r);
/* Puts a request on a connection that is being made, or is usable: an attempt begins. */
void conn_begin(struct conn *c, struct request *r);
void conn_put(struct conn *c); /* its pool has taken the news: the slot is free again */
/* Ends it early, and the attempt that it carries, by `error`. RINGSEND_OK: it carries none. */
void conn_abandon(struct conn *c, enum ringsend_error error, const char *detail);
/* Goes on with a send that was held back, and is off the list: unless the connection is dead. */
void conn_launch(struct conn *c);
/* Asks for an early end of an operation. One cancel at a time, one for each operation: a second
 * could not be told from the first. */
void conn_cancel(struct conn *c, struct op *op, enum ring_kind kind);

/* conn_recv.c */
void conn_arm_recv(struct conn *c);
void conn_received(struct conn *c, const struct ring_completion *completion);
/* What had come on it when the picture was taken is known: nothing of it lies in the kernel for
 * want of a buffer or of a receive, unless we want no more. Else another is asked for. */
bool conn_is_seen(struct conn *c);
/* Its end may have come, and nothing would show it: the receive is not in the kernel yet, or has
 * ended for want of a buffer, as when much has come at once. */
bool conn_is_blind(const struct conn *c);
/* Receives no more, but for what is on its way already; goes on with it, as soon as that has ended.
 * Both are to be called in each run, as long as it is to be so. */
void conn_stop_recv(struct conn *c);
void conn_go_on_recv(struct conn *c);
bool conn_receives(const struct conn *c); /* and was not stopped: the peer's end will be seen */
/* The oldest received buffer: its number, or -1. */
int32_t conn_rx_pop(struct conn *c, const char **data, size_t *bytes);
void conn_rx_drop(struct conn *c); /* all of them */

#endif
