/* The requests that wait at an origin for a connection: first tries, and retries, which may have to
 * wait for the retry budget while first tries go on. Each list is in the order of coming, but for
 * those that go on with what they have begun: these come in front, and behind them those that try once
 * more for free, as these may have to wait at a gate. */
#include "engine/engine.h"

static bool is_redialing(struct list *node, const struct list *end)
{
    return node != end && LIST_OWNER(node, struct request, waiting)->redialing;
}

void queue_add(struct origin *o, struct request *r, bool in_front)
{
    struct list *list = r->is_retry ? &o->retries : &o->waiting;
    CHECK(list_empty(&r->waiting));
    struct list *behind = in_front ? list : list->prev;
    while (in_front && !r->redialing && is_redialing(behind->next, list))
        behind = behind->next;
    list_push_front(behind, &r->waiting);
    r->enqueued_ns = o->engine->now_ns;
    o->waiting_count++;
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
    if (!list_empty(&o->blocked) || !list_empty(&o->in_line[GATE_BUDGET]) ||
        !list_empty(&o->in_line[GATE_PACE]))
        task_wake(o->engine, &o->task);
}

struct request *queue_first(const struct origin *o)
{
    struct request *first = queue_first_of(&o->waiting, false);
    struct request *retry = queue_first_of(&o->retries, false);
    return first && (!retry || first->queued_ns < retry->queued_ns) ? first : retry;
}

struct request *queue_first_of(const struct list *waiting, bool for_idle)
{
    for (struct list *node = waiting->next; node != waiting; node = node->next) {
        struct request *r = LIST_OWNER(node, struct request, waiting);
        if (!for_idle || !r->wants_fresh)
            return r;
    }
    return NULL;
}
