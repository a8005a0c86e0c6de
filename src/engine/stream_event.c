/* What the host hears of a request before its result: that a piece of a body is wanted, or lies
 * ready. Both ways of a stream report it, and word what went wrong with a descriptor. */
#include "base/check.h"
#include "base/list.h"
#include "engine/engine.h"
#include "engine/stream.h"
#include "ringsend.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

void stream_report(struct ringsend *e, struct event *event)
{
    CHECK(list_empty(&event->node));
    list_push_back(&e->events, &event->node);
    event->ready = true;
    e->events_count++;
}

/* Unless it was reaped. */
void stream_take_back(struct ringsend *e, struct event *event)
{
    if (!event->ready)
        return;
    list_remove(&event->node);
    event->ready = false;
    e->events_count--;
}

const struct ringsend_result *stream_reap(struct ringsend *e)
{
    struct list *node = list_pop_front(&e->events);
    if (!node)
        return NULL;
    struct event *event = LIST_OWNER(node, struct event, node);
    list_push_back(&e->events_reaped, node);
    event->ready = false;
    e->events_count--;
    return &event->result;
}

void stream_explain(struct stream *s, int64_t error, const char *lacked)
{
    if (error == -EAGAIN)
        snprintf(s->detail, sizeof s->detail, "it is non-blocking, and had %s: clear O_NONBLOCK",
                 lacked);
    else
        snprintf(s->detail, sizeof s->detail, "%s", strerrordesc_np((int)-error));
}
