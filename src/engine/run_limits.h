/* What several engines may hold together: the pace, the retry budget, and the pauses of origins. An engine
 * without options.limits has its own, which nobody locks.
 *
 * Whoever lets an attempt begin asks and takes under the lock (admission.c), which is held for nanoseconds. That
 * no pause is on is seen without it: an origin's pause is written under the lock and read atomically. */
#ifndef RINGSEND_ENGINE_RUN_LIMITS_H
#define RINGSEND_ENGINE_RUN_LIMITS_H

#include "base/list.h"
#include "engine/budget.h"
#include "engine/pace.h"
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

struct ringsend_limits {
    bool shared;
    pthread_mutex_t lock; /* shared: of all that follows */
    struct pace pace;
    struct budget budget;
    uint32_t connections_per_origin; /* of all engines */
    struct list *pauses;             /* shared: by hash, struct shared_pause */
};

/* `o` has the defaults filled in. */
void limits_init(struct ringsend_limits *l, const struct ringsend_options *o, uint64_t now_ns);
/* The pause of an origin, to be given back; null: memory is out. Shared limits only. */
struct pause *limits_pause(struct ringsend_limits *l, const struct origin_key *key,
                           uint64_t now_ns);
void limits_pause_give_back(struct ringsend_limits *l, struct pause *pause);

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
