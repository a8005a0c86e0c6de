/* An origin: scheme, host and port; its place in the table (origin_table.c). */
#ifndef RINGSEND_ENGINE_ORIGIN_H
#define RINGSEND_ENGINE_ORIGIN_H

#include "base/list.h"
#include "engine/admission.h"
#include "engine/places.h"
#include "engine/pool.h"
#include "engine/run_limits.h"
#include "engine/task.h"

#include <stdbool.h>
#include <stdint.h>

struct host;
struct ringsend;
struct run_origin;
struct url;

struct origin {
    struct task task;
    struct ringsend *engine;
    struct host *host; /* its name; where its connections go is the pool's */
    uint16_t port;
    bool https;
    uint32_t hash;
    struct pool *pool;
    struct list in_pool;    /* in pool.origins */
    struct list in_waiting; /* in pool.waiting exactly when requests wait */
    uint32_t requests;      /* that use it and are not finished */
    /* request.waiting: [true] for a fresh connection only, each in order: see queue.c */
    struct list waiting[2]; /* first tries */
    struct list retries[2]; /* those that count against the budget */
    int64_t first_number, last_number;
    uint32_t waiting_count; /* of both */
    uint32_t retries_count;
    /* Of its last run: */
    uint64_t settles_at_ns; /* an idle connection has stood long enough; TIMER_NEVER: none will */
    bool short_holds;       /* it opened nothing as this machine has run short */
    enum wish wish;
    uint64_t lookup_due;               /* it waits for that lookup of its pool's; 0: for none */
    struct list in_line[GATES_SHARED]; /* in engine.lines: see admission.c */
    bool refused[GATES];               /* in this run, or the last one */
    uint64_t refused_ns[GATES];        /* when it was the last time */
    uint8_t held_by;                   /* HELD_BY_RATE, or what else the pace was asked for last */
    uint8_t paced_by;                  /* the same, when that refused */
    uint8_t holds;                     /* by what it is held back: bits, HELD_BY_... */
    uint64_t gates_at_ns;              /* when to ask again; TIMER_NEVER: when woken */
    uint32_t held;                     /* its part of engine.held */
    struct run_origin *run;            /* of all engines with these limits; null: there are none */
    struct pause *pause, own_pause;    /* the run's or its own */
    struct list unused; /* in engine.unused_origins: no requests, and nothing of its pool's is lost
                         * with it */
    struct origin *hash_next;
};

/* It lacks no place, as far as is known: its next run tells anew. */
static inline void origin_unwish(struct origin *o)
{
    if (o->wish == WISH_NONE)
        return;
    o->pool->wishes[o->wish]--;
    o->wish = WISH_NONE;
}
enum task_next origin_run(struct origin *o);
struct origin *origin_find(struct ringsend *e, const struct url *url);
void origin_release(struct origin *o);      /* a request that used it is finished */
void origins_leave_run(struct ringsend *e); /* it ends */

#endif
