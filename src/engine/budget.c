#include "engine/budget.h"

#include "base/check.h"
#include "base/time.h"

#define RETRY (100 * NS_PER_S) /* 1 % of a first try and 1 ns of 1/s are whole parts of it */

enum { RESERVE_S = 10 };

void budget_init(struct budget *b, bool bounded, uint32_t percent, uint32_t per_s, uint64_t now_ns)
{
    *b = (struct budget){.bounded = bounded, .percent = percent, .per_s = per_s, .last_ns = now_ns};
    b->level = b->capacity = (uint64_t)per_s * RESERVE_S * RETRY;
}

static void fill(struct budget *b, uint64_t parts)
{
    b->level = parts < b->capacity - b->level ? b->level + parts : b->capacity;
}

void budget_first_try(struct budget *b)
{
    fill(b, b->percent * (RETRY / 100));
}

bool budget_allows(struct budget *b, uint64_t now_ns)
{
    if (!b->bounded)
        return true;
    if (now_ns > b->last_ns) {
        uint64_t per_ns = b->per_s * (RETRY / NS_PER_S), passed_ns = now_ns - b->last_ns;
        fill(b, passed_ns < b->capacity / per_ns ? passed_ns * per_ns : b->capacity);
        b->last_ns = now_ns;
    }
    return b->level >= RETRY;
}

void budget_take(struct budget *b)
{
    if (!b->bounded)
        return;
    CHECK(b->level >= RETRY);
    b->level -= RETRY;
}

uint64_t budget_next_ns(const struct budget *b)
{
    CHECK(b->bounded && b->level < RETRY);
    uint64_t per_ns = b->per_s * (RETRY / NS_PER_S);
    return b->last_ns + (RETRY - b->level + per_ns - 1) / per_ns;
}
