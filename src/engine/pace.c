#include "engine/pace.h"

#include "base/check.h"
#include "base/time.h"

#define CATCH_UP_NS (10 * NS_PER_MS) /* of both: at most so much */
#define CATCH_UP_PER_MILLE 5
#define SQUEEZE_PER_MILLE 14
#define SQUEEZE_NS (50 * NS_PER_MS)
#define SHARED_TURN_NS NS_PER_MS

__extension__ typedef unsigned __int128 wide;

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

void pace_init(struct pace *p, uint32_t count, uint64_t per_ns, uint32_t burst, uint64_t ramp_ns)
{
    *p = (struct pace){.count = count, .per_ns = per_ns, .ramp_ns = ramp_ns};
    uint64_t catch_up_ns = least(per_ns / 1000 * CATCH_UP_PER_MILLE, CATCH_UP_NS);
    /* In a window, ends included, begin at most (window + p->per_ns / count + catch_up) x count /
     * p->per_ns: less than count + 1 for a window of per_ns. */
    if (burst == 0)
        p->per_ns += catch_up_ns + least(per_ns / 1000 * SQUEEZE_PER_MILLE, SQUEEZE_NS) + 1;
    p->level = p->per_ns;
    p->capacity = burst > 0 ? burst * per_ns : p->per_ns + count * catch_up_ns;
}

/* What has flowed into the bucket since the beginning, as if it had no bound: the integral of the
 * rate, rounded down. Differences of it are at most rate x time, rounding and ramp included. */
static wide inflow(const struct pace *p, uint64_t at_ns)
{
    wide elapsed_ns = at_ns - p->began_ns;
    if (p->ramp_ns == 0)
        return p->count * elapsed_ns;
    if (elapsed_ns < p->ramp_ns)
        return p->count * elapsed_ns * elapsed_ns / (2 * (wide)p->ramp_ns);
    return p->count * (wide)p->ramp_ns / 2 + p->count * (elapsed_ns - p->ramp_ns);
}

bool pace_allows(struct pace *p, uint64_t now_ns)
{
    if (p->count == 0)
        return true;
    if (!p->begun) {
        p->begun = true;
        p->began_ns = p->last_ns = now_ns;
    }
    if (now_ns > p->last_ns) {
        wide level = p->level + inflow(p, now_ns) - inflow(p, p->last_ns);
        p->level = level < p->capacity ? (uint64_t)level : p->capacity;
        p->last_ns = now_ns;
    }
    return p->level >= p->per_ns;
}

void pace_take(struct pace *p)
{
    if (p->count == 0)
        return;
    CHECK(p->level >= p->per_ns);
    p->level -= p->per_ns;
}

/* The first moment at which the level makes a start. */
static uint64_t start_ns(const struct pace *p)
{
    uint64_t missing = p->per_ns - p->level;
    uint64_t ramp_ends_ns = p->began_ns + p->ramp_ns;
    uint64_t from_ns = p->last_ns > ramp_ends_ns ? p->last_ns : ramp_ends_ns;
    uint64_t low_ns = p->last_ns, high_ns = from_ns + missing / p->count + 1;
    if (low_ns == from_ns)
        return from_ns + (missing + p->count - 1) / p->count;
    /* Within a ramp: by halves, which is rare enough and needs no root. */
    wide wanted = inflow(p, low_ns) + missing;
    while (low_ns < high_ns) {
        uint64_t middle_ns = low_ns + (high_ns - low_ns) / 2;
        if (inflow(p, middle_ns) >= wanted)
            high_ns = middle_ns;
        else
            low_ns = middle_ns + 1;
    }
    return low_ns;
}

uint64_t pace_next_ns(const struct pace *p, uint64_t now_ns)
{
    CHECK(p->count > 0 && p->begun && p->level < p->per_ns);
    /* Half of the burst is left for wake-ups that come late. */
    uint64_t shared_ns = (p->capacity - p->per_ns) / p->count / 2;
    shared_ns = now_ns + (shared_ns < SHARED_TURN_NS ? shared_ns : SHARED_TURN_NS);
    uint64_t next_ns = start_ns(p);
    return next_ns > shared_ns ? next_ns : shared_ns;
}
