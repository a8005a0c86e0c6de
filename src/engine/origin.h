/* An origin: scheme, host and port; its place in the table (origin_table.c). */
#ifndef RINGSEND_ENGINE_ORIGIN_H
#define RINGSEND_ENGINE_ORIGIN_H

#include "base/address.h"
#include "base/list.h"
#include "engine/admission.h"
#include "engine/places.h"
#include "engine/run_limits.h"
#include "engine/run_places.h"
#include "engine/steps.h"
#include "engine/task.h"
#include "ringsend.h"

#include <stdbool.h>
#include <stdint.h>

struct conn;
struct host;
struct request;
struct ringsend;
struct run_origin;
struct url;

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

void origin_leave_run(struct origin *o); /* no socket of it is left */
struct origin *origin_find(struct ringsend *e, const struct url *url);
void origin_release(struct origin *o); /* a request that used it is finished */

#endif
