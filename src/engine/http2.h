/* What HTTP/2 makes of a connection and its exchanges: see http2.c. */
#ifndef RINGSEND_ENGINE_HTTP2_H
#define RINGSEND_ENGINE_HTTP2_H

#include "base/buf.h"
#include "base/errors.h"
#include "base/list.h"
#include "engine/wire.h"
#include "ringsend.h"

#include <stdbool.h>
#include <stdint.h>

struct conn;
struct exchange;
struct h2;
struct pool;

/* Of a carrier: the session, and what leaves of it. */
struct http2 {
    struct h2 *h2;
    struct conn *conn;
    struct list in_pool; /* in pool.carriers while it takes more */
    struct list riders;  /* conn.in_riders */
    struct buf frames;   /* what `piece` is made of */
    struct piece piece;  /* under way, or the last one that was */
    bool is_wary;        /* frames to come begin a request that must not be sent twice */
    bool is_mute;        /* a send was cut short: nothing more leaves, and more may come */
    bool is_dead;        /* nothing more will come or leave, by: */
    enum ringsend_error error;
    const char *detail;    /* lives as long as the session, or null */
    uint32_t promised;     /* exchanges that it carries and whose streams are not begun */
    uint32_t begun;        /* exchanges that it carries, or has carried */
    uint32_t room;         /* as of the last look */
    uint64_t taken_bytes;  /* of frames, so far */
    uint64_t gone_bytes;   /* of these: so many have left, or may have */
    uint64_t before_bytes; /* the same before `piece` */
    uint64_t heard_ns;     /* when something came last */
};

/* ---- the pool's ---- */

/* The first of its carriers that has room for another exchange; null: none. */
struct conn *http2_carrier(const struct pool *p);
/* None is to be opened before: another one is being made, and it is not known yet what that will
 * speak, or how much it takes. */
uint64_t http2_settles_at_ns(const struct pool *p);

/* ---- the connection's ---- */

/* What to offer by ALPN. */
const char *const *http2_protocols(const struct pool *p);
/* It is about to connect, to who may speak HTTP/2: others wait for what it finds out. */
void http2_unsettle(struct conn *c);
void http2_settle(struct conn *c); /* it has; harmless on one that others do not wait for */
/* It is ready: speaks HTTP/2 from now on, if that is what was agreed. False: memory is out. */
bool http2_begin(struct conn *c);
/* It has no socket: its one exchange is a stream of that carrier's. */
void http2_ride(struct conn *rider, struct conn *carrier);
void http2_alight(struct conn *rider);
void http2_promise(struct conn *carrier); /* another exchange is to become a stream of its */
bool http2_carries(const struct conn *c); /* of its own or of riders: any exchange */
/* A carrier's: takes in what has come, and wakes whom it is for. */
void http2_receive(struct conn *c);
/* Puts together what is to leave, and sends it. */
enum ringsend_error http2_send(struct conn *c);
/* Of a carrier without an exchange of its own: takes a rider's over, who then has none. Null: it
 * has no riders. */
struct exchange *http2_adopt(struct conn *c);
/* It may carry another exchange now. */
bool http2_has_room(const struct conn *c);
/* It takes no more exchanges, ever. */
bool http2_is_spent(const struct conn *c);
void http2_leaves(struct conn *c); /* it shuts down; harmless on one of HTTP/1.1 */
void http2_end(struct conn *c);    /* its session, with no exchange left */

/* ---- an exchange's ---- */

/* Whether its stream may be begun now: the server's limit may have been lowered since. */
bool http2_may_begin(const struct exchange *x);
/* Hands over the piece: what was set as to leave next. */
enum ringsend_error http2_put(struct exchange *x);
void http2_moved(struct exchange *x); /* looks at what has become of it */
struct ringsend_bytes http2_peek(const struct exchange *x);
void http2_consume(struct exchange *x, size_t bytes);
/* Nothing more will come for it, whole as it is. */
bool http2_has_ended(const struct exchange *x);
/* Why nothing more will; RINGSEND_OK: it may. */
enum ringsend_error http2_fault(struct exchange *x, const char **detail);
/* Its attempt is over, or has never begun. */
void http2_let_go(struct exchange *x);

#endif
