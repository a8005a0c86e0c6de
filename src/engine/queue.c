/* The requests that wait at an origin for a connection, in order. */
#include "engine/engine.h"

void queue_add(struct origin *o, struct request *r, bool in_front)
{
    CHECK(list_empty(&r->waiting));
    if (in_front)
        list_push_front(&o->waiting, &r->waiting);
    else
        list_push_back(&o->waiting, &r->waiting);
    r->enqueued_ns = o->engine->now_ns;
    o->waiting_count++;
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
    o->engine->waiting--;
    if (!list_empty(&o->blocked) || !list_empty(&o->paced))
        task_wake(o->engine, &o->task); /* it may have no reason left to stand in line */
}

struct request *queue_first(const struct origin *o)
{
    return list_empty(&o->waiting) ? NULL : LIST_OWNER(o->waiting.next, struct request, waiting);
}

/* The oldest waiting request that a reused connection is good enough for. */
struct request *queue_first_for_idle(const struct origin *o)
{
    for (struct list *node = o->waiting.next; node != &o->waiting; node = node->next) {
        struct request *r = LIST_OWNER(node, struct request, waiting);
        if (!r->wants_fresh)
            return r;
    }
    return NULL;
}
