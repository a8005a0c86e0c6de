#include "bench/knee.h"

#include "base/check.h"

#include <stddef.h>

#define SHARE_OF_BEST 0.9
#define WORTH_GOING_ON 1.1 /* over two doublings */

/* Of the steps that were pushed back, or were not, the one with the fewest connections that brought
 * at least that rate; null when there is none. */
static const struct knee_step *fewest(const struct knee *k, bool pushed_back, double rate_min)
{
    const struct knee_step *found = NULL;
    for (const struct knee_step *s = k->steps; s < k->steps + k->count; s++)
        if (s->pushed_back == pushed_back && s->rate >= rate_min &&
            (!found || s->connections < found->connections))
            found = s;
    return found;
}

static uint32_t most_below(const struct knee *k, uint32_t below)
{
    uint32_t found = 0;
    for (const struct knee_step *s = k->steps; s < k->steps + k->count; s++)
        if (!s->pushed_back && s->connections < below && s->connections > found)
            found = s->connections;
    return found;
}

static double best_rate(const struct knee *k)
{
    double best = 0;
    for (const struct knee_step *s = k->steps; s < k->steps + k->count; s++)
        if (!s->pushed_back && s->rate > best)
            best = s->rate;
    return best;
}

uint32_t knee_at(const struct knee *k)
{
    double best = best_rate(k);
    const struct knee_step *s = best > 0 ? fewest(k, false, SHARE_OF_BEST * best) : NULL;
    uint32_t most = most_below(k, UINT32_MAX);
    if (!s)
        return 0;
    /* So near to the most, a tenth of the rate is what a tenth of the connections brings. */
    return most - s->connections < most / 5 ? most : s->connections;
}

uint32_t knee_cap(const struct knee *k)
{
    const struct knee_step *s = fewest(k, true, 0);
    return s ? most_below(k, s->connections) : 0;
}

/* The first steps double; the first that does not is behind them. */
static uint32_t doublings(const struct knee *k)
{
    uint32_t n = 0;
    while (n < k->count && k->steps[n].connections == 1u << n)
        n++;
    /* The largest number, where it is no power of two, ends them. */
    return n + (n < k->count && k->steps[n].connections == k->connections_max);
}

static bool goes_on(const struct knee *k)
{
    uint32_t n = doublings(k);
    const struct knee_step *last = &k->steps[n - 1];
    if (n < k->count || last->pushed_back || last->connections >= k->connections_max)
        return false;
    return n < 3 || last->rate >= WORTH_GOING_ON * last[-2].rate;
}

/* Between two numbers, unless they are as good as next to each other. */
static uint32_t between(uint32_t low, uint32_t high)
{
    uint32_t apart = high / 8 > 1 ? high / 8 : 1;
    return high - low > apart ? low + (high - low) / 2 : 0;
}

uint32_t knee_next(const struct knee *k)
{
    if (k->count == 0)
        return 1;
    if (k->count == KNEE_STEPS_MAX || best_rate(k) <= 0)
        return 0;
    if (goes_on(k)) {
        uint32_t last = k->steps[k->count - 1].connections;
        return last <= k->connections_max / 2 ? 2 * last : k->connections_max;
    }
    const struct knee_step *refused = fewest(k, true, 0);
    uint32_t next =
        refused ? between(most_below(k, refused->connections), refused->connections) : 0;
    return next ? next : between(most_below(k, knee_at(k)), knee_at(k));
}

void knee_add(struct knee *k, struct knee_step step)
{
    CHECK(k->count < KNEE_STEPS_MAX);
    k->steps[k->count++] = step;
}
