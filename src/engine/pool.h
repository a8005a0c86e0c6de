/* A pool: where the connections to one host and port go. The spine is in pool.c. */
#ifndef RINGSEND_ENGINE_POOL_H
#define RINGSEND_ENGINE_POOL_H

#include "base/address.h"
#include "base/limits.h"
#include "base/list.h"
#include "base/time.h"
#include "engine/handshaker.h"
#include "engine/places.h"
#include "engine/run_places.h"
#include "engine/steps.h"
#include "engine/task.h"
#include "ringsend.h"

#include <stdbool.h>
#include <stdint.h>

struct attempt;
struct conn;
struct host;
struct origin;
struct request;
struct ringsend;
struct run_origin;
struct url;
struct relay;

/* After so many no sessions are offered to it any more. */
enum { POOL_REFUSALS_MAX = 2 };

/* HTTP/2 is spoken where the caller wants it, and the peer does. */
enum pool_speaks { SPEAKS_HTTP1, SPEAKS_UNKNOWN, SPEAKS_HTTP2 };

struct pool {
    struct task task;
    enum pool_step step;
    struct ringsend *engine;
    struct host *host; /* and `port`: whom its connections are to */
    const char *name;  /* and `name_port`: whom they are for, by TLS and its sessions */
    uint16_t port, name_port;
    const struct relay *relay; /* null: straight there */
    struct host *peer;         /* and `peer_port`: whom a tunnel leads to; null: it is none */
    uint16_t peer_port;
    uint32_t peer_turn;     /* SOCKS5: which of the peer's addresses is asked for */
    struct list in_peer;    /* SOCKS5: in peer.asking, for its addresses */
    bool https;             /* its connections speak TLS with them */
    struct list in_host;    /* in host.pools */
    struct list origins;    /* origin.in_pool: all whose requests its connections may carry */
    struct list waiting;    /* origin.in_waiting: those with requests that wait, in turn */
    uint32_t origins_count; /* of all */
    uint32_t requests;      /* of all, that are not finished */

    enum pool_speaks speaks; /* its peer, as far as known */
    uint32_t unsettled;      /* conn.is_unsettled */
    uint64_t unsettled_until_ns;
    struct list carriers; /* http2.in_pool: those that take more exchanges */

    struct list news;        /* conn.in_news: what it has not heard yet */
    struct list idle;        /* conn.idle, last used first */
    uint32_t conns;          /* sockets: half-open, ready, closing */
    uint32_t conns_leaving;  /* of those: shutting down or closing */
    uint32_t silent;         /* of those: conn.silent */
    uint32_t suspicion;      /* see kept.c */
    bool answers_unasked;    /* of that: what may be taken for another request's answer */
    uint64_t settle_ns;      /* so long after an answer a connection counts as kept */
    uint64_t trial_until_ns; /* one is being tried, alone */
    uint64_t slowest_ns;     /* of its connects and handshakes that succeeded, lately */

    enum standing standing;  /* see places.c */
    struct run_origin *run;  /* of all engines with these limits; null: there are none */
    struct seat seat;        /* there, where it has places */
    struct list blocked;     /* in engine.blocked exactly when it waits for a place */
    uint64_t blocked_ns;     /* since when */
    uint32_t wishes[WISHES]; /* of its origins, as of their last runs */

    bool lookup_wanted; /* by an origin, in LOOKUP */
    uint64_t lookup_began_ns;
    uint64_t lookups_over;            /* so many up to now: */
    enum ringsend_error lookup_error; /* what the last one came to */
    bool lookup_is_proxys;            /* it was about the proxy's name */
    bool has_winner;
    struct address winner; /* the address that worked last; the one to use in POOL_OPEN */

    struct request *dialing;        /* whom the race is for; null when there is none */
    uint64_t races_anew;            /* so often there were others to race for: see race_of */
    uint32_t racers;                /* conns with racing set */
    enum ringsend_error race_error; /* of the last racer that failed */
    const char *race_detail;
    uint64_t race_next_at_ns; /* when the next address is tried, though none has failed */
    uint64_t shunned[LIMIT_ADDRESSES / 64]; /* bits: no handshake with host.addresses[i]; never all:
                                               races skip them */
    bool race_is_short; /* this machine had nothing left for one of the race's connects */

    uint64_t short_wait_ns;  /* the distance of connects that fail so; 0: it is not short */
    uint64_t short_ns;       /* when one failed so the last time */
    uint64_t short_until_ns; /* then: when the next one may begin */
    bool short_asks;         /* then: one was begun after it had turned out so */

    struct lane handshakes;    /* https: its turn among all who need the worker */
    uint32_t sessions_refused; /* https: so often a handshake that offered one failed */
    bool resumes_known; /* https: a handshake has shown whether there is a session to resume */
    uint64_t resumes_until_ns; /* until then others wait for the first handshake */
};

/* An address of a race is tried so long after the one before it. RFC 8305 section 5 */
#define RACE_DELAY_NS (250 * NS_PER_MS)

/* That one has had its turn: the next one has, if something is left. */
void pool_pass_on(struct origin *o, bool has_begun);
enum task_next pool_run(struct pool *p);
/* A run of its own, or of one of its origins, before gates_end: what is left over is for others.
 * `waits_for_own`: that origin does for an idle connection to have stood. */
void pool_run_ends(struct pool *p, bool waits_for_own);
void pool_look_up(struct pool *p); /* in LOOKUP; the one after lookups_over */

/* ---- pool_state.c ---- */

enum task_next pool_goto(struct pool *p, enum pool_step step);
/* Something has changed that who waits for a connection, or a race, may have use for. */
void pool_wake(struct pool *p);
void pool_wake_all(struct pool *p); /* its origins, whether they wait or not */
void pool_race_anew(const struct pool *p, struct attempt *a);
void pool_shun_none(struct pool *p);
void pool_addresses_found(struct pool *p);        /* its host has others: races begin anew */
uint64_t pool_race_left_ns(const struct pool *p); /* until its last address is tried */

/* ---- what its origins ask for, in RACE and OPEN ---- */

/* It has an address, or several to race for. Else it looks for them from now on. */
bool pool_has_address(struct pool *p);
/* When one may be opened, for the sake of the first one's TLS session; not after now: it may. */
uint64_t pool_session_at_ns(struct pool *p);
uint64_t pool_short_until_ns(const struct pool *p); /* likewise, where this machine has run short */
/* Opens one for the request, whose attempt begins, or begins a race. It has taken a place. */
void pool_open_for(struct pool *p, struct request *r);
/* The request that it races for wants no more of it. */
void pool_abandon_race(struct pool *p, enum ringsend_error error, const char *detail);

/* ---- pool_race.c ---- */

void pool_race_begin(struct pool *p, struct request *r);
enum task_next pool_race_run(struct pool *p); /* POOL_RACING */
void pool_race_won(struct conn *c);
void pool_race_lost(struct conn *c);
/* The handshake with that address has failed, as it may with no other: races skip it until the
 * addresses are others, or none of the rest works. False: none is left but for such ones. */
bool pool_shun(struct pool *p, const struct address *address);
/* Its race stops, and goes on when there are places for it. */
void pool_take_back_race(struct pool *p);

/* ---- pool_table.c ---- */

/* The one for that origin, of that URL, whose name outlives it; connections are to go to that host
 * and port, in place of the URL's. */
struct pool *pool_for(struct ringsend *e, const struct origin *o, const struct url *url,
                      struct host *host, uint16_t port);
void pool_join(struct pool *p, struct origin *o); /* its connections carry that one's requests */
void pool_leave(struct origin *o);        /* not any more: with the last one it goes itself */
void pools_leave_run(struct ringsend *e); /* it ends, no socket of it is left */

#endif
