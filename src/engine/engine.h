/* An engine, and its loop (engine.c). Its machines, each with a header of its own:
 *
 *   request  a record's whole life: queued, attempt, backoff, finished      request.c
 *   origin   whom requests are for; who of them begins                     origin.c, origin_table.c
 *            those that wait; what holds one back                queue.c, admission.c, pause.c
 *   pool     where connections go: address, race, idle ones   pool.c, pool_race.c, pool_table.c,
 *            pool_state.c, kept.c
 *            for whom there is a place, for how long, and   places.c, run_places.c, turns.c
 *            what is closed for it                                          make_way.c
 *   host     a name and its addresses                                       host.c, override.c
 *   way      what the options say of how connections go                     way.c
 *   lookups  which names are looked up when                 lookups.c, lookup_lists.c
 *   conn     a socket's life: connect, ready, shut down, close              conn.c, conn_recv.c
 *   writer   what it sends, in order, and the one send under way            writer.c
 *   wire     how its bytes reach the peer: plainly, or through TLS          wire.h, wire_tls.c
 *            the way through a proxy that is opened before     wire_tunnel.c; relay.c: which
 *   attempt  what one try has brought to light: the lower machines tell it  attempt.c
 *   exchange a request's bytes out, a response's bytes in, on one conn      exchange.c,
 *            exchange_state.c, exchange_end.c
 *            what HTTP/1.1 makes of that: one at a time                     http1.c
 *   stream   bodies in parts, and the descriptors they come from and go to  stream.c, stream_in.c,
 *            stream_event.c, file.c
 *   decode   a response's body, before it is judged                         decode.c, verdict.c
 *   room     large responses that wait for each other's memory               room.c
 *   trace    what became of each attempt, when the options want that        trace.c
 *
 * Way of a request: ringsend_submit -> request_run queues it at its origin -> origin_run gives it a
 * connection -> exchange_run sends and receives -> attempt_over -> request_run judges it: again, or
 * finished.
 *
 * Rules. Completions only store their result in an op and wake its task; tasks run later, from the
 * loop (engine.c). A task's run function is entered from the loop alone. No machine calls one above
 * it: what is to go upwards is stored, and wakes who reads it (docs/architecture.md, The seams). A
 * request hears of nothing but by its attempt. */
#ifndef RINGSEND_ENGINE_ENGINE_H
#define RINGSEND_ENGINE_ENGINE_H

#include "base/buf.h"
#include "base/check.h"
#include "base/list.h"
#include "base/memory.h"
#include "base/timers.h"
#include "engine/admission.h"
#include "engine/lookups.h"
#include "engine/places.h"
#include "engine/run_limits.h"
#include "engine/tcp_info.h"
#include "engine/task.h"
#include "engine/way.h"
#include "http/head.h"
#include "http/response.h"
#include "ringsend.h"

#ifdef RINGSEND_SLOW_CHECKS
#include <pthread.h>
#endif

struct conn;
struct cost;
struct exchange;
struct file;
struct handshaker;
struct host;
struct lookup;
struct origin;
struct credentials;
struct diversion;
struct override;
struct pool;
struct posts;
struct predicate;
struct request;
struct ring;
struct ringsend_tls;
struct tls_local;
struct unpack;
struct relays;

/* A connect takes 20 to 40 us of the loop's time, on loopback more than a small exchange, and a
 * handshake follows with https. A hundred of them at once must not hold up other exchanges. */
enum { CONNECTS_PER_TURN = 4 };

struct ringsend {
    struct ring *ring;
    struct ringsend_options options;            /* with the defaults filled in */
    struct ringsend_outcomes retry_on;          /* as the options say in the end */
    struct ringsend_status_set streamed_status; /* ok_status, but redirects that are followed */
    bool retry_is_ours;                         /* they have not said it themselves, but for: */
    struct ringsend_status_set never_again;
    struct response_limits limits;
    struct predicate *ok_if, *retry_if;            /* null: none */
    struct cost *actual_costs[RINGSEND_COSTS_MAX]; /* null: none */
    bool hears_costs;                              /* there are some of these */
    struct unpack *unpack;                         /* with verdict_decodes, else null */
    struct list undecoded; /* requests whose response is there, its body to be decoded, in order */
    struct decoding decoding; /* of the first of them, when its pool is not null */
    size_t decode_allowance;  /* in this turn, still */
    struct memory memory;
    struct buf_pool bufs;
    struct timers timers;
    uint64_t now_ns; /* of this turn */
    /* The picture by which deadlines are judged: all that had come until then was taken in, */
    uint64_t seen_ns;
    bool must_look;      /* a newer one is asked for */
    uint64_t seen_by;    /* by so many enters, */
    uint64_t enters;     /* of these up to now, */
    uint64_t entered_ns; /* the last of them not before */
    uint64_t random;     /* state of the jitter */
    bool broken;         /* the ring failed: nothing goes on any more */

    struct request *requests;
    struct conn *conns;
    struct exchange *exchanges;
    struct origin *origins;
    struct pool *pools;
    struct host *hosts;
    struct override *overrides;   /* options.resolve_count */
    struct diversion *diversions; /* options.connect_to_count */
    struct way way;
    struct relays *relays; /* null: all go straight to their origins */
    uint32_t exchanges_max;
    uint32_t origins_max;
    uint32_t hosts_max; /* more, as lookups that have begun may outlive their origins */
    /* Slots never used lie above these marks, used and free ones in the lists. */
    uint32_t requests_mark, conns_mark, exchanges_mark, origins_mark, pools_mark, hosts_mark;
    struct list requests_free;  /* request.finished */
    struct list conns_free;     /* conn.idle */
    struct list exchanges_free; /* exchange.node */
    struct list pools_free;     /* pool.in_host */
    struct list unused_origins; /* origin.unused, longest unused first */
    struct origin **origins_hash;
    struct host **hosts_hash;
    uint32_t hash_mask;
    struct host *hosts_free; /* by hash_next */
    struct posts *posts;
    struct origin *last_origin; /* of the last submit: nearly always the next one's too */
    struct url_start url_start; /* the same */

    struct list first; /* tasks to run, ahead of: */
    struct list ready;
    struct list blocked[STANDINGS]
                       [PLACE_RANKS]; /* pools that wait for a place, in order: see places.c */
    uint32_t blocked_count;
    uint32_t silent_mute; /* silent connections of mute pools */
    uint32_t pools_proven;
    struct list overdue;                /* conn.overdue */
    uint64_t usual_connect_ns;          /* smoothed time that connects take */
    struct credentials *credentials;    /* null: requests say all themselves */
    struct ringsend_limits *run_limits; /* options.limits, or its own */
    struct ringsend_limits own_limits;
    struct seat seat;                /* run_limits->shared: among the run's places */
    struct list called;              /* seat.in_called, under the limits' lock */
    bool is_called;                  /* there are some; any thread */
    struct list lines[GATES_SHARED]; /* origins that wait at a gate, in order */
    struct list idle_lru;            /* idle connections, longest idle first */
    struct list starved;             /* connections without a receive for lack of buffers */
    struct list held_sends;    /* connections whose send is given to the ring at the last moment */
    struct list crowd;         /* exchanges whose responses wait for room: see room.c */
    struct exchange *favoured; /* that one grows without; null: none does */
    struct list finished, reaped;
    uint32_t finished_count, reaped_count;
    struct list events, events_reaped; /* results that are not final: see stream.h */
    uint32_t events_count;
    uint32_t requests_used; /* accepted and not yet given back */
    uint32_t conns_limit;   /* places: at most options.connections_max */
    uint32_t conns_open;
    uint32_t conns_leaving; /* of those: shutting down or closing */
    uint64_t pauses_end_ns; /* the latest end of a pause that it knows of */
    uint32_t waiting;       /* requests queued at their origins */
    uint32_t held;          /* of these, as of their origins' last run: held back by a gate */
    uint32_t held_origins[HELD_KINDS]; /* by what: see admission.c */
    uint32_t riders;                   /* of the connections: those without a socket (http2.c) */
    uint32_t exchanges_open;           /* begun, and not over */
    bool stopping;
    const char *submit_detail;

    int32_t *rx_next; /* by buffer */
    int32_t *rx_bytes;
    uint32_t buffers;

    struct watch watch;
    struct lookup *lookup; /* null until the first name */
    struct lookups lookups;
    struct file **files; /* by slot, above all connections': see file.c */

    struct ringsend_tls *tls;      /* options.tls, or its own */
    struct tls_local *tls_local;   /* null until the first https request */
    struct handshaker *handshaker; /* likewise */
    uint32_t file_generation;

    uint32_t connects_left; /* in this turn, while exchanges go on */
    bool woken;             /* ringsend_wake or a file operation's end: run returns */
    uint64_t gap_ns;        /* smoothed time between received completions */
    uint64_t turn_ns;       /* when the last completions came */
    struct ringsend_stats stats;
#ifdef RINGSEND_SLOW_CHECKS
    bool owned; /* ringsend_run was called: */
    pthread_t owner;
#endif
};

/* Each entrance of ringsend.h but those for any thread. */
static inline void engine_check_thread(const struct ringsend *e)
{
#ifdef RINGSEND_SLOW_CHECKS
    CHECK(!e->owned || pthread_equal(e->owner, pthread_self()));
#else
    (void)e;
#endif
}

/* task.c: what every machine needs of the loop */
void task_wake(struct ringsend *e, struct task *task);
/* From within a task's run: it runs next, before that one takes another step. */
void task_wake_first(struct ringsend *e, struct task *task);
void task_deadline(struct ringsend *e, struct task *task, uint64_t at_ns);
uint64_t engine_random(struct ringsend *e, uint64_t below);
/* The time for what begins now. */
uint64_t engine_stamp_ns(const struct ringsend *e);

/* engine.c: the loop */
/* A deadline is over for sure: nothing that had come by then is still to be looked at. What depends
 * on one connection asks conn_is_seen as well. */
static inline bool engine_is_over(struct ringsend *e, uint64_t at_ns)
{
    e->must_look |= at_ns <= e->now_ns && at_ns > e->seen_ns;
    return at_ns <= e->seen_ns;
}
/* Runs all ready tasks, gives all to the kernel, waits as told (0: not), stores what completed and
 * runs the tasks that woke. 0 or -RINGSEND_E_RING. */
int engine_turn(struct ringsend *e, uint64_t until_ns);
/* There is something to do at once: tasks to run, or operations to hand to the kernel. */
bool engine_has_work(const struct ringsend *e);
/* A turn that waits though results are ready: for whoever needs an operation's end now. */
int engine_wait(struct ringsend *e);
/* engine_turn that waits though results are ready. */
int engine_turn_on(struct ringsend *e, uint64_t until_ns);
/* When requests or connections have gone: with the last of both the memory kept for the next ones
 * goes back. */
static inline void engine_may_rest(struct ringsend *e)
{
    if (e->conns_open == 0 && e->requests_used == 0)
        buf_pool_trim(&e->bufs);
}
/* invariants.c: aborts when a count or a list is wrong */
void engine_check_invariants(const struct ringsend *e);

/* tables.c */
bool tables_take(struct ringsend *e); /* false: memory is out */
void tables_give_back(struct ringsend *e);

#endif
