#include "engine/costs.h"

#include "base/check.h"
#include "base/cost.h"
#include "base/time.h"
#include "engine/engine.h"
#include "engine/quota.h"
#include "engine/request.h"
#include "engine/run_limits.h"

#include <stdio.h>

#define LOOK_NS (100 * NS_PER_MS) /* what others' answers give back is seen by then */

bool costs_init(struct costs *costs, const struct ringsend_options *o, struct memory *memory)
{
    costs->count = 0;
    costs->quotas = NULL;
    if (o->costs_count == 0)
        return true;
    costs->quotas = memory_take(memory, o->costs_count * sizeof *costs->quotas);
    if (!costs->quotas)
        return false;
    for (; costs->count < o->costs_count; costs->count++) {
        const struct ringsend_cost *cost = &o->costs[costs->count];
        quota_init(&costs->quotas[costs->count], cost->count,
                   cost->per_ns ? cost->per_ns : NS_PER_S, cost->burst);
    }
    return true;
}

void costs_free(struct costs *costs, struct memory *memory)
{
    memory_give_back(memory, costs->quotas, costs->count * sizeof *costs->quotas);
    *costs = (struct costs){0};
}

/* The caller's struct may be an older, shorter one. */
static uint64_t cost_of_request(const struct request *r, uint32_t i)
{
    const struct ringsend_request *user = r->user;
    bool there = user->size >= offsetof(struct ringsend_request, cost) + sizeof user->cost;
    uint64_t cost = there ? user->cost[i] : 0;
    return cost < COST_MAX ? cost : COST_MAX;
}

/* ---- what may begin ---- */

uint64_t costs_ask(struct costs *costs, const struct request *r, bool waits, uint32_t *which)
{
    uint64_t now_ns = r->engine->now_ns, last_ns = 0;
    for (uint32_t i = 0; i < costs->count; i++) {
        uint64_t at_ns =
            quota_ask(&costs->quotas[i], cost_of_request(r, i), now_ns, waits ? r->origin : NULL);
        if (at_ns <= last_ns)
            continue;
        last_ns = at_ns;
        *which = i;
    }
    return last_ns > now_ns + LOOK_NS ? now_ns + LOOK_NS : last_ns;
}

void costs_take(struct costs *costs, const struct request *r)
{
    for (uint32_t i = 0; i < costs->count; i++) {
        quota_take(&costs->quotas[i], cost_of_request(r, i), r->engine->now_ns, r->origin);
        r->engine->stats.cost_guessed[i] += cost_of_request(r, i);
    }
}

void costs_leave(struct costs *costs, const void *who)
{
    for (uint32_t i = 0; i < costs->count; i++)
        quota_leave(&costs->quotas[i], who);
}

/* ---- what answers tell ---- */

enum ringsend_error costs_prepare(struct ringsend *e, char *message, size_t message_bytes)
{
    for (size_t i = 0; i < e->options.costs_count; i++) {
        const char *text = e->options.costs[i].actual;
        size_t column;
        if (!text)
            continue;
        e->actual_costs[i] = memory_take(&e->memory, sizeof *e->actual_costs[i]);
        if (!e->actual_costs[i])
            return RINGSEND_E_NO_MEMORY;
        const char *fault = cost_read(e->actual_costs[i], text, &column);
        if (!fault && cost_column(e->actual_costs[i], 0))
            fault = "answers have no columns";
        if (fault) {
            snprintf(message, message_bytes, "costs[%zu].actual, column %zu: %s", i, column, fault);
            return RINGSEND_E_INVALID;
        }
        e->hears_costs = true;
    }
    return RINGSEND_OK;
}

void costs_release(struct ringsend *e)
{
    for (uint32_t i = 0; i < RINGSEND_COSTS_MAX; i++)
        memory_give_back(&e->memory, e->actual_costs[i], sizeof *e->actual_costs[i]);
}

/* It counts as so much from now on. */
static bool know(struct request *r, uint32_t i, uint64_t known)
{
    struct ringsend *e = r->engine;
    struct ringsend_limits *l = e->run_limits;
    uint64_t guessed = cost_of_request(r, i);
    e->stats.cost_known[i] += known;
    if (known == guessed)
        return false;
    limits_lock(l);
    quota_correct(&l->costs.quotas[i], r->attempt.began_ns, guessed, known, e->now_ns);
    limits_unlock(l);
    return known < guessed;
}

void costs_hear(struct request *r)
{
    struct ringsend *e = r->engine;
    struct attempt *a = &r->attempt;
    const struct ringsend_bytes body = {a->body.data, a->body.bytes};
    for (uint32_t i = 0; i < e->run_limits->costs.count; i++) {
        uint32_t found = 0;
        uint64_t known = 0;
        if (e->actual_costs[i] && !a->unreadable)
            known = cost_of(e->actual_costs[i], body, NULL, NULL, &found);
        if (found == 0)
            continue;
        a->cost_heard |= (uint8_t)(1u << i);
        a->cost_freed |= know(r, i, known);
    }
}

bool costs_settle(struct request *r)
{
    struct ringsend *e = r->engine;
    struct attempt *a = &r->attempt;
    CHECK(a->step == ATTEMPT_KNOWN);
    for (uint32_t i = 0; i < e->run_limits->costs.count; i++) {
        if (a->cost_heard >> i & 1)
            continue;
        a->cost_freed |= know(r, i, a->bytes_left ? cost_of_request(r, i) : 0);
    }
    return a->cost_freed;
}
