/* Which names are looked up when: a name waits here until one of the lookup threads is to have it.
 *
 * A lookup is not to be hurried: nobody can end it, and where a name's servers are silent it hangs
 * for as long as resolv.conf says, 5 to 40 s, and its thread and a descriptor with it. Such names
 * must not hold up the others. So no thread is ever taken as gone because it hangs: what counts is
 * how many names are being asked for that may still be answered soon.
 *
 *   new    never asked for, or answered in time   QUICK_MAX at a time that are younger than SLOW_NS
 *   hung   the last answer was long in coming     when no new one waits, half of all threads at a
 *          time
 *
 * No clock of a request runs while its name waits here. A name that nobody waits for any more is
 * dropped.
 *
 * Invariants: a host with looking_up is in one of the three lists, in `running` exactly when
 * lookup_began_ns is not 0. `running` is in the order of beginning. */
#include "engine/lookups.h"

#include "base/check.h"
#include "base/list.h"
#include "base/time.h"
#include "base/timers.h"
#include "engine/engine.h"
#include "engine/host.h"
#include "engine/lookup.h"
#include "engine/task.h"

#define SLOW_NS (50 * NS_PER_MS)
#define AGAIN_NS NS_PER_S /* threads were out: they may be back */

enum { QUICK_MAX = 8 };

/* Of those that may still be answered soon; *next_ns: when one of them is no longer counted. */
static uint32_t count_quick(const struct ringsend *e, uint64_t *next_ns)
{
    const struct list *running = &e->lookups.running;
    uint32_t count = 0;
    *next_ns = TIMER_NEVER;
    for (struct list *node = running->prev; node != running; node = node->prev) {
        const struct host *h = LIST_OWNER(node, struct host, in_lookups);
        if (h->lookup_began_ns + SLOW_NS <= e->now_ns)
            break; /* and all before it */
        if (h->hung)
            continue;
        count++;
        *next_ns = h->lookup_began_ns + SLOW_NS;
    }
    return count;
}

static uint32_t count_hung(const struct ringsend *e)
{
    const struct list *running = &e->lookups.running;
    uint32_t count = 0;
    for (struct list *node = running->next; node != running; node = node->next)
        count += LIST_OWNER(node, struct host, in_lookups)->hung;
    return count;
}

/* Drops names at the front of the list that nobody waits for. */
static struct host *first_wanted(struct ringsend *e, struct list *names)
{
    while (!list_empty(names)) {
        struct host *h = LIST_OWNER(names->next, struct host, in_lookups);
        if (host_is_wanted(h))
            return h;
        lookups_take_out(e, h);
        host_lookup_dropped(h);
    }
    return NULL;
}

/* The name whose turn it is. Null: none's before an answer, or before *next_ns. */
static struct host *next_name(struct ringsend *e, uint64_t *next_ns)
{
    struct lookups *l = &e->lookups;
    *next_ns = TIMER_NEVER;
    if (l->running_count == l->max)
        return NULL;
    struct host *h = first_wanted(e, &l->new_names);
    if (h)
        return count_quick(e, next_ns) < QUICK_MAX ? h : NULL;
    h = first_wanted(e, &l->hung_names);
    return h && count_hung(e) < l->max / 2 ? h : NULL;
}

/* False: memory or threads are out. */
static bool begin(struct ringsend *e, struct host *h)
{
    if ((!e->lookup && !lookup_new(&e->lookup, e->ring)) || !lookup_start(e->lookup, h->name, h))
        return false;
    list_remove(&h->in_lookups);
    list_push_back(&e->lookups.running, &h->in_lookups);
    e->lookups.running_count++;
    h->lookup_began_ns = e->now_ns;
    host_lookup_begun(h);
    return true;
}

enum task_next lookups_run(struct ringsend *e)
{
    struct lookups *l = &e->lookups;
    uint64_t next_ns;
    struct host *h;
    while ((h = next_name(e, &next_ns))) {
        if (begin(e, h))
            continue;
        if (l->running_count > 0) {
            next_ns = e->now_ns + AGAIN_NS;
            break;
        }
        lookups_take_out(e, h);
        host_lookup_impossible(e, h);
    }
    task_deadline(e, &l->task, next_ns);
    return TASK_WAIT;
}
