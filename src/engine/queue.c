/* The requests that wait at an origin for a connection: first tries, and retries, which may have to
 * wait for the retry budget while first tries go on. Each kind is in the order of coming, but for
 * those that go on with what they have begun: these come in front, and behind them those that try
 * once more for free, as these may have to wait at a gate.
 *
 * Of each kind there are two lists, as some must not have a reused connection: the first that may
 * is found at once, however many of the others there are. A number tells their order over both. */
#include "engine/queue.h"

#include "base/check.h"
#include "base/list.h"
#include "engine/attempt.h"
#include "engine/engine.h"
#include "engine/origin.h"
#include "engine/pool.h"
#include "engine/request.h"
#include "engine/steps.h"

/* Below the numbers of all others. */
#define REDIALS_FROM (INT64_MIN / 2)

static bool is_redialing(struct list *node, const struct list *end)
{
    return node != end && attempt_is_redialing(&LIST_OWNER(node, struct request, waiting)->attempt);
}

void queue_add(struct origin *o, struct request *r, bool in_front)
{
    struct list *list = &(r->is_retry ? o->retries : o->waiting)[r->wants_fresh];
    CHECK(list_empty(&r->waiting) && r->origin == o);
    attempt_queued(&r->attempt);
    struct list *behind = in_front ? list : list->prev;
    while (in_front && !attempt_is_redialing(&r->attempt) && is_redialing(behind->next, list))
        behind = behind->next;
    list_push_front(behind, &r->waiting);
    r->number = in_front ? --o->first_number : ++o->last_number;
    if (in_front && attempt_is_redialing(&r->attempt))
        r->number += REDIALS_FROM;
    r->enqueued_ns = o->engine->now_ns;
    if (o->waiting_count++ == 0)
        list_push_back(&o->pool->waiting, &o->in_waiting);
    o->retries_count += r->is_retry;
    o->engine->waiting++;
    task_wake(o->engine, &o->task);
}

void queue_remove(struct request *r)
{
    if (list_empty(&r->waiting))
        return;
    struct origin *o = r->origin;
    list_remove(&r->waiting);
    o->waiting_count--;
    o->retries_count -= r->is_retry;
    o->engine->waiting--;
    /* It may have no reason left to stand in line. */
    if (o->wish != WISH_NONE || !list_empty(&o->pool->blocked) ||
        !list_empty(&o->in_line[GATE_BUDGET]) || !list_empty(&o->in_line[GATE_PACE]))
        task_wake(o->engine, &o->task);
    if (o->waiting_count > 0)
        return;
    list_remove(&o->in_waiting);
    origin_unwish(o);
}

void queue_take(struct request *r)
{
    struct ringsend *e = r->engine;
    CHECK(!list_empty(&r->waiting) && e->now_ns >= r->queued_ns);
    queue_remove(r);
    attempt_begin(&r->attempt);
    r->queue_ns += e->now_ns - r->queued_ns;
    r->is_retry = false;
    e->stats.attempts++;
}

/* Its attempt, which has gone back a step, waits once more. */
static void requeue(struct request *r)
{
    struct ringsend *e = r->engine;
    CHECK(attempt_is_redialing(&r->attempt));
    r->queued_ns = e->now_ns;
    e->stats.attempts--;
    queue_add(r->origin, r, true);
}

void queue_redial(struct request *r, enum ringsend_error error, const char *detail)
{
    attempt_redial(&r->attempt, error, detail);
    requeue(r);
}

void queue_take_back(struct request *r, uint64_t connect_ns, uint64_t handshake_ns)
{
    attempt_take_back(&r->attempt, connect_ns, handshake_ns);
    requeue(r);
}

struct request *queue_first(const struct origin *o)
{
    struct request *first = queue_first_of(o->waiting, false);
    struct request *retry = queue_first_of(o->retries, false);
    return first && (!retry || first->queued_ns < retry->queued_ns) ? first : retry;
}

static struct request *head_of(const struct list *list)
{
    return list_empty(list) ? NULL : LIST_OWNER(list->next, struct request, waiting);
}

struct request *queue_first_of(const struct list waiting[2], bool for_idle)
{
    struct request *first = head_of(&waiting[false]);
    struct request *fresh = for_idle ? NULL : head_of(&waiting[true]);
    return first && (!fresh || first->number < fresh->number) ? first : fresh;
}
