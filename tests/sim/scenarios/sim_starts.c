/* Bounds over time, on when attempts begin, counted from the traces when a simulated run is over.
 */
#include "tests/sim/world/sim_client.h"

#include <stdlib.h>

struct start {
    uint64_t at_ns, origin;
    bool first, retry; /* neither: the free try */
};

static int start_order(const void *a, const void *b)
{
    const struct start *x = a, *y = b;

    if (x->at_ns != y->at_ns)
        return x->at_ns < y->at_ns ? -1 : 1;
    return x->retry - y->retry;
}

/* What ends with the lookup has never begun for the platform. */
static bool began(const struct ringsend_attempt *a)
{
    return a->error != RINGSEND_E_DNS_NOT_FOUND && a->error != RINGSEND_E_DNS_FAILED &&
           a->error != RINGSEND_E_TIMEOUT_DNS;
}

/* Behind those that are there. */
static size_t collect_starts(const struct client *c, struct start **starts, size_t count)
{
    size_t capacity = count;

    for (uint32_t i = 0; i < c->count; i++) {
        const struct client_request *r = &c->requests[i];
        for (uint32_t k = 0; r->trace && k < r->attempts; k++) {
            if (!began(&r->trace[k]))
                continue;
            if (count == capacity) {
                capacity = 2 * capacity + 64;
                *starts = reallocarray(*starts, capacity, sizeof **starts);
                SIM_CHECK(*starts, "out of memory");
            }
            (*starts)[count++] =
                (struct start){r->submitted_ns + r->trace[k].began_ns, r->origin, .first = k == 0,
                               .retry = k > 0 && r->trace[k - 1].wait != RINGSEND_WAIT_FREE};
        }
    }
    return count;
}

/* In every window: attempts begun <= rate x window + burst; without a burst no more than the count
 * in one of the rate's own length. */
static void check_rate(const struct ringsend_options *o, const struct start *starts, size_t count)
{
    double per_ns = o->rate_per_ns ? (double)o->rate_per_ns : 1e9;
    double rate = o->rate_count / per_ns;

    for (size_t i = 0; i < count && o->rate_count > 0; i++) {
        for (size_t k = i; k < count; k++) {
            double window_ns = (double)(starts[k].at_ns - starts[i].at_ns);
            bool good = o->rate_burst
                            ? (double)(k - i + 1) <= rate * window_ns + o->rate_burst + 1e-6
                            : window_ns > per_ns || k - i + 1 <= o->rate_count;
            SIM_CHECK(good, "%zu attempts begin within %.6f ms", k - i + 1, window_ns / 1e6);
        }
    }
}

/* In every window: retries <= percent % of the first tries + per_s x (window + 10 s). */
static void check_budget(const struct ringsend_options *o, const struct start *starts, size_t count)
{
    double percent = o->retry_budget_percent ? o->retry_budget_percent : 20;
    double per_s = o->retry_budget_per_s ? o->retry_budget_per_s : 10;

    if (o->retry_budget_percent == RINGSEND_UNLIMITED)
        return;
    for (size_t i = 0; i < count; i++) {
        uint32_t firsts = 0, retries = 0;
        if (i > 0 && starts[i - 1].at_ns == starts[i].at_ns)
            continue;
        for (size_t k = i; k < count; k++) {
            double window_s = (double)(starts[k].at_ns - starts[i].at_ns) / 1e9;
            firsts += starts[k].first;
            retries += starts[k].retry;
            SIM_CHECK(retries <= firsts * percent / 100 + per_s * (window_s + 10) + 1e-6,
                      "%u retries beside %u first tries within %.3f s", retries, firsts, window_s);
        }
    }
}

/* No attempt begins at an origin that pauses. */
static void check_pauses(const struct client *c, const struct start *starts, size_t count)
{
    for (uint32_t i = 0; i < c->count; i++) {
        const struct client_request *r = &c->requests[i];
        for (uint32_t k = 0; r->trace && k < r->attempts; k++) {
            const struct ringsend_attempt *a = &r->trace[k];
            uint64_t from_ns = r->submitted_ns + a->began_ns + a->total_ns;
            for (size_t n = 0; n < count && a->pause_ns > 0; n++)
                SIM_CHECK(starts[n].origin != r->origin || starts[n].at_ns <= from_ns ||
                              starts[n].at_ns >= from_ns + a->pause_ns,
                          "an attempt begins %.3f ms into a pause of %.3f ms",
                          (double)(starts[n].at_ns - from_ns) / 1e6, (double)a->pause_ns / 1e6);
        }
    }
}

void clients_check_starts(const struct client *clients, size_t clients_count,
                          const struct ringsend_options *o)
{
    struct start *starts = NULL;
    size_t count = 0;
    bool all_known = sim.faults.no_memory == 0;

    for (size_t i = 0; i < clients_count; i++) {
        count = collect_starts(&clients[i], &starts, count);
        all_known &= clients[i].done == clients[i].accepted;
    }
    if (count > 0)
        qsort(starts, count, sizeof *starts, start_order);
    check_rate(o, starts, count);
    /* First tries of what has no result, or no trace for lack of memory, are not known. */
    if (all_known)
        check_budget(o, starts, count);
    for (size_t i = 0; i < clients_count; i++)
        check_pauses(&clients[i], starts, count);
    free(starts);
}
