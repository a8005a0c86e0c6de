/* What several engines may hold together: the pace, the retry budget, the pauses of origins, and
 * places. An engine without options.limits has its own, which nobody locks, and no places beside
 * its own (run_places.h).
 *
 * Whoever lets an attempt begin asks and takes under the lock (admission.c), which is held for
 * nanoseconds. That no pause is on is seen without it: an origin's pause is written under the lock
 * and read atomically. */
#ifndef RINGSEND_ENGINE_RUN_LIMITS_H
#define RINGSEND_ENGINE_RUN_LIMITS_H

#include "base/list.h"
#include "engine/budget.h"
#include "engine/costs.h"
#include "engine/pace.h"
#include "engine/run_places.h"
#include "ringsend.h"

#include <pthread.h>

/* See pause.c. In the past: not paused. */
struct pause {
    uint64_t ends_ns, restart_next_ns, restart_ends_ns, restart_gap_ns;
};

struct origin_key {
    const char *host;
    uint16_t port;
    bool https;
    uint32_t hash;
};

/* An origin of several engines. */
struct run_origin {
    struct pause pause;
    struct run_places places;
    struct list in_bucket;
    uint32_t users; /* origins of engines */
    uint16_t port;
    bool https;
    char host[];
};

struct ringsend_limits {
    bool shared;
    pthread_mutex_t lock;    /* shared: of all that follows */
    struct pace pace, found; /* by the options, and by who has found out what may be */
    struct costs costs;
    struct budget budget;
    uint32_t connections_max, connections_per_origin; /* of all engines */
    struct run_places places;
    uint32_t pools_proven, silent_mute; /* see places.c; read without the lock, as is: */
    /* of silent_mute, that one who waits for more holds; UINT32_MAX: nobody waits */
    uint32_t mute_fewest;
    struct list *origins;   /* shared: by hash, struct run_origin */
    struct run_origin *any; /* that of those for which there is no memory */
};

/* `o` has the defaults filled in; costs_init and the rest are the caller's. */
void limits_init(struct ringsend_limits *l, const struct ringsend_options *o, uint64_t now_ns);
/* That origin, to be given back. Shared limits only. */
struct run_origin *limits_origin(struct ringsend_limits *l, const struct origin_key *key,
                                 uint64_t now_ns);
void limits_origin_give_back(struct ringsend_limits *l, struct run_origin *o);
/* An origin may have fewer connections than all together. */
static inline bool limits_bound_origins(const struct ringsend_limits *l)
{
    return l->connections_per_origin < l->connections_max;
}

static inline void limits_lock(struct ringsend_limits *l)
{
    if (l->shared)
        pthread_mutex_lock(&l->lock);
}

static inline void limits_unlock(struct ringsend_limits *l)
{
    if (l->shared)
        pthread_mutex_unlock(&l->lock);
}

#endif
