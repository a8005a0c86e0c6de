/* What the files of this room share: the task, the structs of its machines, and the functions by
 * which one machine speaks to another.
 *
 *   request  a record's whole life: queued, attempt, backoff, finished      request.c
 *   origin   who may have a connection: idle ones, waiting requests, dial   origin.c
 *            its place in the table; the requests that wait at it           origin_table.c, queue.c
 *            for whom there is a place, and for how long      places.c, run_places.c, turns.c
 *            what holds a request back that could begin                     admission.c, pause.c
 *   host     a name and its addresses                                       host.c, override.c
 *   lookups  which names are looked up when                                 lookups.c
 *   conn     a socket's life: connect, ready, shut down, close              conn.c
 *   attempt  what one try has brought to light: the lower machines tell it  attempt.c
 *   exchange a request's bytes out, a response's bytes in, on one conn      exchange.c
 *   stream   bodies in parts, and the descriptors they come from and go to  stream.c, stream_in.c,
 *            file.c
 *   decode   a response's body, before it is judged                         decode.c, verdict.c
 *   room     large responses that wait for each other's memory               room.c
 *   trace    what became of each attempt, when it is to be told             trace.c
 *
 * Way of a request: ringsend_submit -> request_run queues it at its origin -> origin_run gives it a
 * connection -> exchange_run sends and receives -> request_attempt_over -> again, or finished.
 *
 * Rules. Completions only store their result in an op and wake its task; tasks run later, from the
 * loop (engine.c). A task's run function is entered from the loop alone; machines tell each other
 * things by the functions below, which store and wake but never run. */
#ifndef RINGSEND_ENGINE_ENGINE_H
#define RINGSEND_ENGINE_ENGINE_H

#include "base/address.h"
#include "base/buf.h"
#include "base/check.h"
#include "base/errors.h"
#include "base/limits.h"
#include "base/list.h"
#include "base/memory.h"
#include "base/timers.h"
#include "engine/attempt.h"
#include "engine/handshaker.h"
#include "engine/predicate.h"
#include "engine/run_limits.h"
#include "engine/steps.h"
#include "engine/task.h"
#include "http/head.h"
#include "http/response.h"
#include "ringsend.h"
#include "tls/tls.h"
#include "uring/op.h"
#include "uring/ring.h"

#ifdef RINGSEND_SLOW_CHECKS
#include <pthread.h>
#endif

struct lookup;
struct handshaker;
struct stream;

/* ---- Hosts ---- */

/* Addresses in place of a lookup: struct ringsend_resolve, read. */
struct override {
    char host[LIMIT_HOST_BYTES + 1]; /* lower case, or "*" */
    uint16_t port;                   /* 0: any */
    uint32_t addresses_count;
    struct address addresses[LIMIT_ADDRESSES];
};

struct host {
    char name[LIMIT_HOST_BYTES + 1]; /* lower case */
    bool looking_up;                 /* it is to be looked up, or an answer is due */
    bool hung;                       /* the last answer was long in coming: see lookups.c */
    bool fixed; /* never looked up: an IP address, localhost, or the options gave its addresses */
    const struct override *override; /* where these are from, or null */
    enum ringsend_error error;       /* of the last lookup; OK while addresses are usable */
    uint64_t fresh_until_ns;         /* the addresses are to be looked up again after that */
    uint32_t addresses_count;
    struct address addresses[LIMIT_ADDRESSES]; /* in the order in which to try them, ports unset */
    struct list origins;                       /* origin.in_host: who wants to know */
    uint32_t origins_count;
    struct list in_lookups;   /* in one of engine.lookups exactly when looking_up */
    uint64_t lookup_began_ns; /* of the last one; 0 while it waits for its turn */
    struct host *hash_next;
};

/* Names that wait for a lookup, oldest first, and those that are being looked up: host.in_lookups.
 */
struct lookups {
    struct task task;
    struct list new_names, hung_names;
    struct list running; /* the first to begin first */
    uint32_t running_count;
    uint32_t max; /* of it */
};

/* ---- Connections ---- */

/* Of a request's flags: its body is not in its memory; a good response's body is not to be stored.
 */
#define BODY_STREAMED ((uint32_t)(RINGSEND_BODY_FD | RINGSEND_BODY_PIECES))
#define RESPONSE_STREAMED \
    ((uint32_t)(RINGSEND_RESPONSE_FD | RINGSEND_RESPONSE_PIECES | RINGSEND_RESPONSE_DISCARD))

struct exchange {
    struct request *request; /* null exactly when the connection carries none */
    enum send_half send;
    enum receive_half receive;
    bool early;          /* the response was complete before the request was out */
    uint8_t blank_bytes; /* of empty lines ahead of the response, passed over */
    enum ringsend_error send_error;
    size_t plain_at;           /* TLS: so much of `parts` is encrypted */
    size_t send_bytes;         /* length of the send in flight */
    size_t sent_bytes;         /* of all sends before */
    uint64_t first_byte_at_ns; /* deadline; TIMER_NEVER until the request is sent */
    struct buf head;           /* head, and a small body or a part of a streamed one behind it; held
                                  until the send is over */
    struct iovec parts[2];     /* what is sent: head and body */
    struct msghdr message;
    struct response response;
};

struct conn {
    struct task task;
    enum conn_step step;
    uint32_t slot; /* in the ring's table; also the index in engine.conns */
    uint32_t generation;
    struct ringsend *engine;
    struct origin *origin;
    struct address address;
    struct op connect, send, recv, cancel, close, install;
    int descriptor;        /* watched: the process's own for this socket; -1: none */
    uint64_t watch;        /* watched: number of it, from 1 on; 0: not */
    struct secure *secure; /* https: its TLS; null before the handshake and with http */
    struct exchange exchange;
    uint32_t exchanges;        /* begun on this connection */
    enum ringsend_error error; /* why it shuts down; first one sticks */
    const char *detail;
    bool opened;           /* the slot holds a socket, or is about to */
    bool racing;           /* one of several connects for origin.dialing */
    bool silent;           /* being made, or no byte of its exchange's answer has come */
    bool stamped;          /* the kernel stamps its packets */
    bool stray;            /* bytes came behind a response */
    bool on_trial;         /* its exchange tells whether the origin keeps connections */
    bool stopped;          /* nothing is received until conn_go_on_recv */
    bool cut;              /* a send has ended before its last byte: nothing may follow it */
    bool stream_ended;     /* the receive ended with end of stream or an error: */
    int32_t stream_result; /* 0, or the negated errno */
    uint64_t armed_by;     /* the enter that handed the latest receive to the kernel, or is to */
    uint64_t connect_began_ns, handshake_began_ns;
    uint64_t turn_began_ns, turn_at_ns; /* while being made: see turns.c; NEVER: it is over */
    struct list overdue;                /* then: in engine.overdue */
    uint64_t deadline_ns;               /* of connect or handshake, or while idle of keeping it */
    uint64_t idle_ns;                   /* how long this peer lets a connection idle */
    uint64_t answered_ns;      /* while idle, and in the exchange after it: since when it was */
    int32_t rx_first, rx_last; /* queue of received buffers, linked by engine.rx_next; -1: empty */
    struct list idle;          /* in origin.idle exactly when ready without an exchange */
    struct list idle_lru;      /* in engine.idle_lru, likewise */
    struct list starved;       /* in engine.starved: to be armed again once buffers are back */
    struct list held;          /* in engine.held_sends exactly when its send waits there */
    struct ringsend_bytes held_bytes; /* then: what is sent; data null: exchange.message */
    /* in engine.crowd: its response waits for room, with its request's clocks stopped: */
    struct list crowd;
    uint64_t attempt_left_ns, deadline_left_ns;
};

/* ---- Origins ---- */

/* The first ones are shared by all origins, which stand in line at them. */
enum gate { GATE_BUDGET, GATE_PACE, GATES_SHARED, GATE_PAUSE = GATES_SHARED, GATES };

/* Of an origin, by what its attempts have come to: see places.c. */
enum standing { STANDING_NEW, STANDING_PROVEN, STANDING_MUTE, STANDINGS };

enum { PLACE_RANKS = 17 };
_Static_assert(LIMIT_CONNECTIONS < 1 << (PLACE_RANKS - 1),
               "a rank for each power of two of connections");

struct origin {
    struct task task;
    enum origin_step step;
    struct ringsend *engine;
    struct host *host;
    uint16_t port;
    bool https;
    uint32_t hash;
    uint32_t requests; /* that use it and are not finished */
    /* request.waiting: [true] for a fresh connection only, each in order: see queue.c */
    struct list waiting[2]; /* first tries */
    struct list retries[2]; /* those that count against the budget */
    int64_t first_number, last_number;
    uint32_t waiting_count; /* of both */
    uint32_t retries_count;
    struct list idle;        /* conn.idle, last used first */
    uint32_t conns;          /* sockets: half-open, ready, closing */
    uint32_t conns_leaving;  /* of those: shutting down or closing */
    uint32_t silent;         /* of those: conn.silent */
    uint32_t suspicion;      /* see kept.c */
    uint64_t settle_ns;      /* so long after an answer a connection counts as kept */
    uint64_t settles_at_ns;  /* its last run waits for one to be so; TIMER_NEVER: for none */
    uint64_t trial_until_ns; /* one is being tried, alone */
    bool resumes_known;      /* https: a handshake has shown whether there is a session to resume */
    bool resumes;            /* https: it took the last session that was offered */
    uint64_t resumes_until_ns;         /* until then others wait for the first handshake */
    struct list in_line[GATES_SHARED]; /* in engine.lines: see admission.c */
    bool refused[GATES];               /* in this run, or the last one */
    uint64_t refused_ns[GATES];        /* when it was the last time */
    uint64_t gates_at_ns;              /* when to ask again; TIMER_NEVER: when woken */
    struct run_origin *run;            /* of all engines with these limits; null: there are none */
    struct seat seat;                  /* there, where it has places */
    struct pause *pause, own_pause;    /* the run's or its own */
    uint32_t held;                     /* its part of engine.held */
    struct list blocked; /* in engine.blocked exactly when it waits for a place: see places.c */
    uint64_t blocked_ns; /* since when */
    bool wants_place, wants_own; /* in this run, with none for it; at its own limit */
    enum standing standing;
    uint64_t slowest_ns; /* of its connects and handshakes that succeeded, lately */
    bool has_winner;
    struct address winner; /* the address that worked last; the one to use in ORIGIN_OPEN */
    uint64_t lookup_began_ns;
    struct request *dialing;        /* whom the race is for; null when there is none */
    uint32_t race_first, race_next; /* so many addresses were tried, from that one on */
    uint64_t race_paused_for;       /* handle of whose race goes on there; 0: none does */
    uint32_t racers;                /* conns with racing set */
    enum ringsend_error race_error; /* of the last racer that failed */
    const char *race_detail;
    uint64_t race_next_at_ns; /* when the next address is tried, though none has failed */
    bool race_is_short;       /* this machine had nothing left for one of the race's connects */
    uint64_t short_wait_ns;   /* the distance of connects that fail so; 0: it is not short */
    uint64_t short_ns;        /* when one failed so the last time */
    uint64_t short_until_ns;  /* then: when the next one may begin */
    bool short_holds;         /* its last run opened nothing for that reason */
    bool short_asks;          /* then: one was begun after it had turned out so */
    struct list in_host;      /* in host.origins */
    struct list unused;       /* in engine.unused_origins: no requests, no conns */
    struct origin *hash_next;
};

/* ---- Requests ---- */

struct request {
    struct task task;
    enum request_step step;
    uint32_t slot;
    uint32_t generation;
    struct ringsend *engine;
    struct ringsend_request *user;
    struct origin *origin;
    struct conn *conn;     /* carries the attempt; null also while the origin races for it */
    struct stream *stream; /* null: body and response are in memory as a whole */
    struct head head;
    struct attempt attempt; /* the last one that began */
    struct ringsend_result result;
    struct buf trace;     /* struct ringsend_attempt, one for each attempt that is over */
    struct list waiting;  /* in origin.waiting or origin.retries exactly when queued */
    int64_t number;       /* its order there, over both lists of its kind */
    struct list finished; /* in engine.finished, then engine.reaped */
    uint32_t tries;
    uint32_t free_tries;   /* attempts that do not count: at most 1 */
    bool idempotent;       /* by method or key */
    bool replayable;       /* idempotent, or sent at least once by the user's will */
    bool in_doubt;         /* an earlier attempt may have been processed */
    bool may_be_processed; /* the same, of idempotent ones too, and the outcome looked at counts */
    bool wants_fresh;      /* not on a reused connection */
    bool redialed;         /* this attempt has moved on from a failed winner already */
    bool is_retry;         /* its next attempt counts against the retry budget */
    bool redialing;        /* it is queued to go on with an attempt, not to begin one: */
    enum ringsend_error redial_error; /* what made it move on; OK: it was taken back */
    const char *redial_detail;        /* static text, or null */
    enum ringsend_wait wait;          /* why the next attempt has not begun yet */
    bool cancel_asked;
    struct list undecoded; /* in engine.undecoded */
    uint64_t queue_ns;     /* in the queue and between tries, up to queued_ns */
    uint64_t dns_ns;       /* of what it waits for now, or last did, the lookup */
    uint64_t attempt_timeout_ns;
    uint64_t attempt_began_ns;
    /* What the turns of an attempt have taken, and left of its clock: see turns.c. */
    uint64_t connect_spent_ns, handshake_spent_ns, attempt_left_ns;
    uint64_t attempt_at_ns; /* deadline of the attempt; TIMER_NEVER outside of one */
    uint64_t backoff_at_ns;
    uint64_t deadline_at_ns;
    uint64_t submitted_ns;
    uint64_t queued_ns;   /* since when it waits: submitted, or the last attempt's end */
    uint64_t enqueued_ns; /* when it came into that list */
};

/* ---- Watched connections: ringsend_tcp_samples ---- */

struct watch {
    struct conn **conns; /* watched, with a descriptor; options.watch_max of them at most */
    uint32_t count;
    uint32_t begun; /* watched since the last samples were taken: at most watch_max, too */
    uint32_t held;  /* conns, and those whose descriptor is to come */
    uint64_t number;
    struct ringsend_tcp_sample
        *ended; /* 2 x watch_max: those held at a time, and those begun after it */
    uint32_t ended_count;
};

/* ---- The engine ---- */

/* A connect takes 20 to 40 us of the loop's time, on loopback more than a small exchange, and a
 * handshake follows with https. A hundred of them at once must not hold up other exchanges. */
enum { CONNECTS_PER_TURN = 4 };

struct ringsend {
    struct ring *ring;
    struct ringsend_options options;   /* with the defaults filled in */
    struct ringsend_outcomes retry_on; /* as the options say in the end */
    struct response_limits limits;
    struct predicate *ok_if, *retry_if; /* null: none */
    struct unpack *unpack;              /* with verdict_decodes, else null */
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
    struct origin *origins;
    struct host *hosts;
    struct override *overrides; /* options.resolve_count */
    uint32_t origins_max;
    uint32_t hosts_max; /* more, as lookups that have begun may outlive their origins */
    /* Slots never used lie above these marks, used and free ones in the lists. */
    uint32_t requests_mark, conns_mark, origins_mark, hosts_mark;
    struct list requests_free;  /* request.finished */
    struct list conns_free;     /* conn.idle */
    struct list unused_origins; /* origin.unused, longest unused first */
    struct origin **origins_hash;
    struct host **hosts_hash;
    uint32_t hash_mask;
    struct host *hosts_free; /* by hash_next */
    struct posts *posts;
    struct origin *last_origin; /* of the last submit: nearly always the next one's too */
    struct url_start url_start; /* the same */

    struct list ready; /* tasks to run */
    struct list blocked[STANDINGS]
                       [PLACE_RANKS]; /* origins that wait for a place, in order: see places.c */
    uint32_t blocked_count;
    uint32_t silent_mute; /* silent connections of mute origins */
    uint32_t origins_proven;
    struct list overdue;           /* conn.overdue */
    uint64_t usual_connect_ns;     /* smoothed time that connects take */
    struct ringsend_limits *gates; /* options.limits, or its own */
    struct ringsend_limits own_gates;
    struct seat seat;                /* gates->shared: among the run's places */
    struct list called;              /* seat.in_called, under the limits' lock */
    bool is_called;                  /* there are some; any thread */
    struct list lines[GATES_SHARED]; /* origins that wait at a gate, in order */
    struct list idle_lru;            /* idle connections, longest idle first */
    struct list starved;             /* connections without a receive for lack of buffers */
    struct list held_sends; /* connections whose send is given to the ring at the last moment */
    struct list crowd;      /* connections whose responses wait for room: see room.c */
    struct conn *favoured;  /* that one grows without; null: none does */
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
    uint32_t exchanges;     /* in flight */
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

/* engine.c: the loop and what every machine needs of it */
/* A deadline is over for sure: nothing that had come by then is still to be looked at. What depends
 * on one connection asks conn_is_seen as well. */
static inline bool engine_is_over(struct ringsend *e, uint64_t at_ns)
{
    e->must_look |= at_ns <= e->now_ns && at_ns > e->seen_ns;
    return at_ns <= e->seen_ns;
}
void task_wake(struct ringsend *e, struct task *task);
void task_deadline(struct ringsend *e, struct task *task, uint64_t at_ns);
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
uint64_t engine_random(struct ringsend *e, uint64_t below);
/* The time for what begins now. */
uint64_t engine_stamp_ns(const struct ringsend *e);

/* request.c */
/* Doing it twice has the effect of once: by its method, or by the key that it carries. */
bool request_is_idempotent(const struct ringsend_request *user, struct ringsend_bytes method);
/* Takes over `stream`, which may be null. */
void request_take(struct ringsend *e, struct ringsend_request *user, const struct head *head,
                  struct origin *o, struct stream *stream);
/* Makes the public array in *array, and enters it in the result, unless memory is out. */
void request_headers(struct ringsend *e, const struct buf *headers, const struct buf *index,
                     struct buf *array, struct ringsend_result *result);
/* False: there was never such a handle. *r is null when it has its result already. */
bool request_find(struct ringsend *e, uint64_t handle, struct request **r);
/* A posted request that cannot be sent: finished at once, without an origin. */
void request_refuse(struct ringsend *e, struct ringsend_request *user, enum ringsend_error error,
                    const char *detail);
enum task_next request_run(struct request *r);
/* The attempt has begun: on `conn`, or null while the origin races for it. */
void request_attempt_begun(struct request *r, struct conn *conn);
/* The attempt is over, and all that is known of it stands in it; nothing of the engine touches
 * the user's memory for it any more. */
void request_attempt_over(struct request *r);
/* The same where nothing more is known than that. */
void request_attempt_failed(struct request *r, enum ringsend_error error, const char *detail);
/* The attempt goes on at another address of its origin, after that error at one: back to the front
 * of the queue, not counted. The detail is static text, or null. */
void request_redial(struct request *r, enum ringsend_error error, const char *detail);
/* The same, after so long, with no error anywhere: its clocks go on where they stand. */
void request_take_back(struct request *r, uint64_t connect_ns, uint64_t handshake_ns);
void request_put(struct request *r); /* reaped: its slot is free again */

/* tables.c */
bool tables_take(struct ringsend *e); /* false: memory is out */
void tables_give_back(struct ringsend *e);

/* post.c: requests from other threads */
size_t posts_bytes(uint32_t posts_max);
void posts_init(struct posts *p, uint32_t posts_max); /* in so many zeroed bytes */
void post_take(struct ringsend *e);                   /* as many as there is room for */
bool post_is_empty(const struct ringsend *e);         /* nothing is waiting to be taken */

/* trace.c */
void trace_attempt_over(struct request *r);
void trace_waited(struct request *r); /* the next attempt begins, or none will */
void trace_publish(struct request *r);
/* verdict.c: what a response is worth */
/* Compiles the options' predicates. On an error `message` says what is wrong with which. */
enum ringsend_error verdict_prepare(struct ringsend *e, char *message, size_t message_bytes);
void verdict_release(struct ringsend *e);
bool verdict_wants_headers(const struct ringsend *e);
/* Bodies are decoded, for the result or for predicates. */
bool verdict_decodes(const struct ringsend *e);
/* Of a complete response: judges it, unless its body is to be decoded first. */
void verdict_begin(struct request *r);
void verdict_judge(struct request *r);

/* decode.c: content codings */
void decode_turn(struct ringsend *e); /* a turn begins */
/* The body of its attempt's response has codings, none of them unknown: it gets in line. */
void decode_queue(struct request *r);
bool decode_is_due(const struct request *r); /* it is in line */
/* Goes on. True: it is over, and an error has become the outcome; false: it waits for its turn. */
bool decode_run(struct request *r);
void decode_abandon(struct request *r); /* its body is dropped */

/* retry.c: which outcomes another try may help, and when */
void retry_init(struct ringsend *e);
bool retry_may_help(const struct ringsend *e, enum ringsend_error error, int status);
/* By it the peer says that it did not process the request, whatever became of the response's body.
 */
bool retry_is_declined(int status);
/* The peer may have acted on the request although there is no good answer. */
bool retry_is_doubtful(enum ringsend_error error, int status);
/* Nothing shows that it has not. */
bool retry_may_double(enum ringsend_error error, int status);
/* The platform says that it has too much. */
bool retry_is_pushed_back(enum ringsend_error error, int status);
/* A clock ran out. */
bool retry_is_silence(enum ringsend_error error);
/* The connection died before a response: on a reused one that is no fault of this request. */
bool retry_is_connection_loss(enum ringsend_error error);
/* How long to wait before try `attempt` + 1. */
uint64_t retry_wait_ns(struct ringsend *e, uint32_t attempt, uint64_t retry_after_ns);

/* queue.c */
void queue_add(struct origin *o, struct request *r, bool in_front);
void queue_remove(struct request *r);                /* it waits no more; harmless if it does not */
struct request *queue_first(const struct origin *o); /* the longest waiting one */
/* Of origin.waiting or origin.retries; for_idle: that a reused connection is good enough for. */
struct request *queue_first_of(const struct list waiting[2], bool for_idle);

/* admission.c: of an origin's run, in this order */
void gates_begin(struct origin *o);
/* Whose attempt is to begin next, on an idle connection or a new one; null: nobody's now. */
struct request *gates_next(struct origin *o, bool for_idle);
/* Its attempt could begin now, had it a place; else it is held back. */
bool gates_are_open(struct request *r);
bool gates_pass(struct request *r); /* its attempt begins now; else it is held back */
/* How many could begin if they had connections: when it asked last, for budget and pace. */
uint32_t gates_demand(const struct origin *o);
void gates_end(struct origin *o); /* sets the deadline, unless an earlier one is set */

/* kept.c */
void kept_begin(struct origin *o); /* it is new */
/* The peer has ended the connection so long after its latest answer, unannounced and with nothing
 * of another. */
void kept_was_closed(const struct conn *c, uint64_t stood_ns);
void kept_has_spoken(const struct conn *c, uint64_t stood_ns);
/* The idle connection for the request, of at least one; null: none yet, and settles_at_ns says
 * when. */
struct conn *kept_for(struct origin *o, const struct request *r);
void kept_is_used(struct conn *c, const struct request *r); /* one of these */
void kept_trial_over(struct conn *c);                       /* of one that was on_trial */
/* None is to be opened for the request: one that is idle will be good for it very soon. */
bool kept_is_worth_waiting(const struct origin *o, const struct request *r);
/* A request waits for it, idle as it is, to have stood long enough: very soon. */
bool kept_is_awaited(const struct conn *c);
/* The idle connection, of at least one, to be closed to make place for a new one; null: none. */
struct conn *kept_to_spare(const struct origin *o, const struct request *r);

/* pause.c */
/* What the response of its attempt asks for: notes it, and the origin pauses. */
void pause_hear(struct request *r);
/* When an attempt may begin at the origin; now: it may. */
uint64_t pause_next_ns(const struct origin *o);
uint64_t pause_ends_at_ns(const struct origin *o); /* in the past: it does not pause */
bool pause_is_over(const struct origin *o);        /* with its restart */
void pause_attempt_begins(struct origin *o);       /* the limits are locked */
void pause_stats(const struct ringsend *e, struct ringsend_stats *stats);

/* origin_table.c */
void origin_leave_run(struct origin *o); /* no socket of it is left */
struct origin *origin_find(struct ringsend *e, const struct url *url);
void origin_release(struct origin *o); /* a request that used it is finished */

/* origin.c */
enum task_next origin_run(struct origin *o);
void origin_connected(struct conn *c); /* may give it a request: a race is decided */
void origin_connect_failed(struct conn *c, enum ringsend_error error, const char *detail);
/* The same, for want of something that this machine has only so much of. */
void origin_ran_short(struct conn *c, enum ringsend_error error, const char *detail);
void origin_addresses_found(struct origin *o); /* its host has others: a race begins anew */
void origin_handshake_over(struct origin *o);  /* it is known now whether sessions resume */
void origin_conn_closed(struct conn *c);
/* The request that the origin races for wants no more of it. */
void origin_abandon_race(struct origin *o, enum ringsend_error error, const char *detail);
/* Its race stops, and goes on when there are places for it. */
void origin_take_back_race(struct origin *o);
uint64_t origin_race_left_ns(const struct origin *o); /* until its last address is tried */

/* places.c */
struct origin *place_first(const struct ringsend *e); /* who is next; null: nobody waits */
void place_wake_first(struct ringsend *e);
bool place_is_free(const struct origin *o);  /* be it for another */
bool place_is_there(const struct origin *o); /* it may open a connection now */
/* There is none for it: makes one where that is in our hands, and waits in line for it. */
void place_want(struct origin *o, const struct request *r);
uint32_t place_leaving(const struct origin *o);
void place_run_ends(struct origin *o); /* of the origin's run, before gates_end */
void place_forget(struct origin *o);   /* nothing of it is left */
void place_take(struct origin *o);
void place_leaves(struct origin *o); /* its connection is about to be closed */
void place_give_back(struct conn *c);
bool place_is_kept(const struct conn *c); /* idle; false: it must make room for another's */
void place_limit_changed(struct ringsend *e);
bool place_mute_hold_much(const struct ringsend *e); /* mute origins, in silence: over half */
void place_set_silent(struct conn *c, bool silent);
/* It has answered, or let a clock run out instead, or a turn. */
void place_heard(struct origin *o, bool answered);
void place_overdue(struct ringsend *e); /* a connection has had its turn */

/* turns.c */
void turns_init(struct ringsend *e);
void turn_begin(struct conn *c); /* of connect or handshake: sets their deadline as well */
void turn_stood(struct conn *c, uint64_t ns); /* for so long it waited for ourselves */
bool turn_is_over(struct conn *c);            /* true: it was taken back at once */
void turn_succeeded(struct conn *c);          /* its connect, or its handshake */
/* Takes back a connection that has had its turn, if there is one, so that the origin has its place.
 */
void turn_take_for(struct origin *o);

/* override.c */
bool overrides_read(struct ringsend *e, char *message, size_t message_bytes);
const struct override *override_find(const struct ringsend *e, struct ringsend_bytes host,
                                     uint16_t port); /* null: none */

/* host.c */
struct host *host_find(struct ringsend *e, const struct url *url);
void host_release(struct ringsend *e, struct host *h);
void host_look_up(struct ringsend *e, struct host *h); /* unless fresh or under way */
bool host_is_fresh(const struct ringsend *e, const struct host *h);
void host_expire(struct host *h);          /* its addresses do not work: ask again */
bool host_is_wanted(const struct host *h); /* some request's */
/* Of its lookup: its origins' clocks run from now on; or it cannot begin. */
void host_lookup_begun(struct ringsend *e, struct host *h);
void host_lookup_impossible(struct ringsend *e, struct host *h);
void host_answers(struct ringsend *e); /* takes in what the lookup threads found */

/* lookups.c */
void lookups_init(struct ringsend *e);
void lookups_add(struct ringsend *e, struct host *h);
void lookups_withdraw(struct ringsend *e, struct host *h); /* unless it has begun */
void lookups_answered(struct ringsend *e, struct host *h);
enum task_next lookups_run(struct ringsend *e);

/* conn.c */
struct conn *conn_open(struct origin *o, const struct address *address);
enum task_next conn_run(struct conn *c);
void conn_completed(struct conn *c, const struct ring_completion *completion);
/* Ready, carries nothing, and nothing has come on it since the last response. */
bool conn_is_usable(const struct conn *c);
struct ring_tag conn_tag(const struct conn *c);
/* Puts a request on a connection that is being made, or is usable: an attempt begins. */
void conn_begin(struct conn *c, struct request *r);
/* Ends it early, and the attempt it carries, whose request is told `error`. RINGSEND_OK: it carries
 * none. */
void conn_abandon(struct conn *c, enum ringsend_error error, const char *detail);
/* What had come on it when the picture was taken is known: nothing of it lies in the kernel for
 * want of a buffer or of a receive, unless we want no more. Else another is asked for. */
bool conn_is_seen(struct conn *c);
/* Its send, that of an exchange: the operation is in flight from now on. The kernel has it at the
 * next turn; one that must not be lost on a dead connection only after another look at that
 * (conn_launch). */
void conn_send(struct conn *c, const void *data, size_t bytes);
void conn_send_message(struct conn *c); /* exchange.message */
void conn_launch(struct conn *c);       /* goes on with a send that was held; it is off the list */
void conn_arm_recv(struct conn *c);
/* Receives no more, but for what is on its way already; goes on with it, as soon as that has ended.
 * Both are to be called in each run, as long as it is to be so. */
void conn_stop_recv(struct conn *c);
void conn_go_on_recv(struct conn *c);
bool conn_receives(const struct conn *c); /* and was not stopped: the peer's end will be seen */
/* The oldest received buffer: its number, or -1. */
int32_t conn_rx_pop(struct conn *c, const char **data, size_t *bytes);
void conn_rx_drop(struct conn *c); /* all of them */

/* certificates.c: NO_MEMORY, or TLS_CONFIG, of which certificates_message tells more */
enum ringsend_error certificates_load(struct ringsend_tls *tls, const struct tls_config **config);
const char *certificates_message(const struct ringsend_tls *tls);

/* ringsend.c: the caller's options, of whatever size */
int options_copy(struct ringsend_options *to, const struct ringsend_options *from);
/* The same with the defaults filled in, and checked; on an error the caller's message tells why. */
int options_read(struct ringsend_options *to, const struct ringsend_options *from);

/* conn_tls.c: TLS of one connection */
enum ringsend_error secure_load(struct ringsend *e); /* what https needs, once */
bool secure_open(struct conn *c);                    /* false: memory is out */
/* Moves the handshake on. RINGSEND_OK: wait, or it is complete when *complete. */
enum ringsend_error secure_handshake(struct conn *c, bool *complete, const char **detail);
bool secure_is_lent(const struct conn *c); /* to the worker: nobody else may touch its TLS */
/* Encrypts what comes next of exchange.parts and gives it to the ring, as far as there is room. */
enum ringsend_error secure_send(struct conn *c);
void secure_sent(struct conn *c); /* its send is over: the cipher bytes' memory goes back */
bool secure_has_more(const struct conn *c); /* not all of exchange.parts is encrypted yet */
/* Feeds received bytes; *plain is then what can be read, null: nothing more. Call until null. */
enum ringsend_error secure_receive(struct conn *c, struct ringsend_bytes *cipher,
                                   struct ringsend_bytes *plain, const char **detail);
void secure_consume(struct conn *c, size_t plain_bytes);
bool secure_ended_well(const struct conn *c); /* the peer said farewell before the stream's end */
/* Says it, or the alert that a failure calls for, if the connection can still carry it. */
void secure_farewell(struct conn *c);
void secure_close(struct conn *c);
/* After a broken ring's worker has ended: wipes and frees what is open. Buffers stay, for the
 * kernel may still look at them. */
void secure_break(struct ringsend *e);
void secure_returns(struct ringsend *e); /* takes back what the worker has done */

/* room.c: options.memory_target_bytes */
/* After each look at what has come: makes room for the response's body, or lets it wait. */
void room_look(struct conn *c);
void room_exchange_over(struct conn *c); /* its exchange has ended */
void room_made(struct ringsend *e);      /* memory has come back: whoever waits looks again */
bool room_for_decoding(const struct ringsend *e);

/* tcp_info.c */
void watch_free(struct ringsend *e);
/* A connection was made: watches it if there is room. */
void watch_begin(struct conn *c);
void watch_installed(struct conn *c, int32_t result);
/* Bytes came, stamped by the kernel: notes when the exchange's request left and its response
 * arrived. */
void watch_arrived(struct conn *c, uint64_t stamp_ns);
/* No operation is in flight, and it is about to be closed: takes the last sample. */
void watch_end(struct conn *c);

/* exchange.c */
/* Alone write the two halves of the exchange. */
void exchange_send_goto(struct conn *c, enum send_half half);
void exchange_receive_goto(struct conn *c, enum receive_half half);
void exchange_begin(struct conn *c);
/* The response is not to be taken before the request is all out. Of meaning when it is complete. */
bool exchange_owes(const struct exchange *x);
/* Bytes came before anything was sent, which will not be now. */
enum ringsend_error exchange_unasked(const struct conn *c, const char **detail);
/* RINGSEND_OK: go on waiting, or all is done when receive is RECEIVE_DONE and nothing is owed. */
enum ringsend_error exchange_run(struct conn *c, const char **detail);
void exchange_sent(struct conn *c, int32_t result); /* the send is over */
/* After a complete response: may the connection carry another exchange? */
bool exchange_leaves_reusable(struct conn *c);
const char *exchange_phase(const struct exchange *x); /* "while ...": static text */
/* Its request's attempt ends with that: all that is known here goes there. */
void exchange_tell(struct conn *c, enum ringsend_error error, const char *detail);
void exchange_end(struct conn *c);

#endif
