/* What everybody may know of a pool and do to it, and what wakes it: whoever carries its
 * connections, holds its places or finds its addresses is below it, and calls no more than this. */
#include "base/check.h"
#include "base/list.h"
#include "base/machine.h"
#include "engine/attempt.h"
#include "engine/engine.h"
#include "engine/host.h"
#include "engine/origin.h"
#include "engine/pool.h"
#include "engine/request.h"
#include "engine/steps.h"
#include "engine/task.h"

#include <string.h>

enum task_next pool_goto(struct pool *p, enum pool_step step)
{
    static const unsigned edges[] = {POOL_STEPS(STEP_EDGES)};
    CHECK(edges[p->step] >> step & 1);
    step_note(&machine_pool, p->engine->now_ns, (uint32_t)(p - p->engine->pools), 0, p->step, step);
    p->step = step;
    return TASK_AGAIN;
}

/* ---- who is woken ---- */

static bool is_finding(const struct pool *p)
{
    return p->step == POOL_LOOKING_UP || p->step == POOL_RACING;
}

void pool_wake(struct pool *p)
{
    struct ringsend *e = p->engine;
    bool nobody = list_empty(&p->waiting);
    CHECK(p->origins_count > 0);
    if (!nobody)
        task_wake(e, &LIST_OWNER(p->waiting.next, struct origin, in_waiting)->task);
    if (nobody || is_finding(p))
        task_wake(e, &p->task);
}

void pool_wake_all(struct pool *p)
{
    CHECK(p->origins_count > 0);
    for (struct list *node = p->origins.next; node != &p->origins; node = node->next)
        task_wake(p->engine, &LIST_OWNER(node, struct origin, in_pool)->task);
    task_wake(p->engine, &p->task);
}

/* ---- its race ---- */

/* All addresses are before it. */
void pool_race_anew(const struct pool *p, struct attempt *a)
{
    a->race_first = a->race_next = 0;
    a->race_of = p->races_anew;
    CHECK(p->host->addresses_count > 0);
}

void pool_shun_none(struct pool *p)
{
    memset(p->shunned, 0, sizeof p->shunned);
}

void pool_addresses_found(struct pool *p)
{
    CHECK(p->host->addresses_count > 0);
    p->races_anew++;
    pool_shun_none(p);
    if (p->dialing)
        pool_race_anew(p, &p->dialing->attempt);
}

uint64_t pool_race_left_ns(const struct pool *p)
{
    uint32_t count = p->host->addresses_count; /* a new lookup may have found none any more */
    CHECK(p->step == POOL_RACING);
    uint32_t tried = p->dialing->attempt.race_next;
    return count > tried ? (uint64_t)(count - tried) * RACE_DELAY_NS : 0;
}
