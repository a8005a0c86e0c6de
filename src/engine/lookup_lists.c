/* The names that wait to be looked up, and those that are: the lists, into which hosts put
 * themselves. Who of them is next says lookups.c. */
#include "base/check.h"
#include "base/list.h"
#include "base/time.h"
#include "engine/engine.h"
#include "engine/host.h"
#include "engine/lookup.h"
#include "engine/lookups.h"
#include "engine/task.h"

#define HUNG_NS NS_PER_S

void lookups_init(struct ringsend *e)
{
    struct lookups *l = &e->lookups;
    task_init(&l->task, TASK_LOOKUPS);
    l->max = lookup_max();
    list_init(&l->new_names);
    list_init(&l->hung_names);
    list_init(&l->running);
}

void lookups_add(struct ringsend *e, struct host *h)
{
    struct lookups *l = &e->lookups;
    CHECK(!h->looking_up);
    h->looking_up = true;
    h->lookup_began_ns = 0;
    list_push_back(h->hung ? &l->hung_names : &l->new_names, &h->in_lookups);
    task_wake(e, &l->task);
}

void lookups_take_out(struct ringsend *e, struct host *h)
{
    CHECK(h->looking_up);
    h->looking_up = false;
    e->lookups.running_count -= h->lookup_began_ns != 0;
    list_remove(&h->in_lookups);
}

void lookups_withdraw(struct ringsend *e, struct host *h)
{
    if (h->looking_up && h->lookup_began_ns == 0)
        lookups_take_out(e, h);
}

void lookups_answered(struct ringsend *e, struct host *h)
{
    h->hung = e->now_ns - h->lookup_began_ns >= HUNG_NS;
    lookups_take_out(e, h);
    task_wake(e, &e->lookups.task);
}
