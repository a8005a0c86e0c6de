/* The name lookups of engine/lookup.h, simulated: the names of the simulated world, answered after
 * their time, announced by ring_wake as the real threads do. No thread runs; an answer that comes
 * after lookup_free is dropped. */
#include "engine/lookup.h"

#include "tests/sim/world/sim_server.h"

#include "uring/ring.h"

#include <stdlib.h>
#include <string.h>

/* Longer than any timeout of a test: a resolver whose servers are all silent. */
enum { HANG_S = 3600 };

struct answer {
    struct answer *next;
    uint64_t serial;
    struct lookup_answer answer;
    bool ready;
};

struct lookup {
    struct ring *ring;
    struct answer *answers; /* under way and ready ones, oldest first */
};

/* Events find their answer, if it is still there, through these. */
static struct lookup *current;
static uint64_t serials;

bool lookup_has_ipv6_loopback(void)
{
    return true;
}

uint32_t lookup_max(void)
{
    return LIMIT_LOOKUPS;
}

bool lookup_new(struct lookup **lookup, struct ring *ring)
{
    struct lookup *l;

    if (sim_tortures("lookup_new"))
        return false;
    l = calloc(1, sizeof *l);
    SIM_CHECK(l, "out of memory");
    l->ring = ring;
    current = l;
    *lookup = l;
    return true;
}

void lookup_free(struct lookup *l)
{
    if (!l)
        return;
    while (l->answers) {
        struct answer *a = l->answers;
        l->answers = a->next;
        free(a);
    }
    current = NULL;
    free(l);
}

uint32_t sim_lookups_in_flight(void)
{
    uint32_t count = 0;

    for (const struct answer *a = current ? current->answers : NULL; a; a = a->next)
        count++;
    return count;
}

static void answer_due(void *context, uint64_t serial, uint64_t unused)
{
    (void)context;
    (void)unused;
    for (struct answer *a = current ? current->answers : NULL; a; a = a->next) {
        if (a->serial != serial)
            continue;
        sim_trace("a lookup gives %d, %u addresses", (int)a->answer.status, a->answer.count);
        a->ready = true;
        ring_wake(current->ring);
    }
}

static enum lookup_status status_of(const struct sim_name *name)
{
    if (!name || name->kind == NAME_NOT_FOUND)
        return LOOKUP_NOT_FOUND;
    if (name->kind != NAME_FOUND || sim_chance(sim.faults.lookup_fails))
        return LOOKUP_FAILED;
    return LOOKUP_FOUND;
}

bool lookup_start(struct lookup *l, const char *name, void *owner)
{
    struct sim_name *known = sim_name_find(name);
    struct answer *a;
    struct answer **end = &l->answers;
    uint64_t delay_ns = known ? known->delay_ns : SIM_MS;

    SIM_CHECK(sim_lookups_in_flight() < LIMIT_LOOKUPS, "no thread is left");
    if (sim_tortures("lookup_start"))
        return false;
    a = calloc(1, sizeof *a);
    SIM_CHECK(a, "out of memory");
    a->serial = ++serials;
    a->answer.owner = owner;
    a->answer.status = sim_tortures("lookup") ? LOOKUP_FAILED : status_of(known);
    if (known)
        known->lookups++;
    if (a->answer.status == LOOKUP_FOUND) {
        a->answer.count = known->count;
        memcpy(a->answer.addresses, known->addresses, known->count * sizeof known->addresses[0]);
    }
    while (*end)
        end = &(*end)->next;
    *end = a;
    if (known && known->kind == NAME_HANGS)
        delay_ns = (uint64_t)HANG_S * SIM_S;
    else if (sim_chance(sim.faults.lookup_slow))
        delay_ns = sim_between(0, 5ull * SIM_S);
    sim_trace("lookup of %s begins", name);
    sim_at(sim.now_ns + delay_ns, answer_due, NULL, a->serial, 0);
    return true;
}

bool lookup_next(struct lookup *l, struct lookup_answer *answer)
{
    for (struct answer **at = &l->answers; *at; at = &(*at)->next) {
        struct answer *a = *at;
        if (!a->ready)
            continue;
        *answer = a->answer;
        *at = a->next;
        free(a);
        return true;
    }
    return false;
}
