#include "batch/adaptive.h"

#include "base/check.h"
#include "base/time.h"

#include <stdio.h>

#define ROUND_MIN_NS (100 * NS_PER_MS)
enum { ROUND_MIN_EXCHANGES = 8, CALM_ROUNDS = 30, PUSHED_BACK_SHARE = 100 };

void adaptive_init(struct adaptive *a, uint32_t limit_max, uint64_t now_ns)
{
    CHECK(limit_max >= 1);
    *a = (struct adaptive){.limit = 1, .limit_max = limit_max, .began = {.now_ns = now_ns}};
}

static bool move(struct adaptive *a, uint32_t limit)
{
    limit = limit < 1 ? 1 : limit;
    limit = limit > a->limit_max ? a->limit_max : limit;
    if (limit == a->limit)
        return false;
    a->settling = true;
    a->leftover = a->limit;
    if (limit < a->limit)
        a->lowered = limit > 1;
    a->limit = limit;
    return true;
}

static bool push_back(struct adaptive *a, uint64_t pushed_back, uint64_t exchanges)
{
    a->ceiling = a->limit;
    a->calm_rounds = 0;
    snprintf(a->reason, sizeof a->reason, "%llu of %llu attempts were pushed back",
             (unsigned long long)pushed_back, (unsigned long long)exchanges);
    return move(a, a->limit * 3 / 4);
}

static bool judge_times(struct adaptive *a, uint64_t mean_ns)
{
    bool in_use = a->busy_peak >= a->limit - a->limit / 4;
    if (a->fastest_ns == 0 || mean_ns < a->fastest_ns || a->limit == 1)
        a->fastest_ns = mean_ns;
    snprintf(a->reason, sizeof a->reason, "answers take %.3g ms, %.3g ms are possible",
             (double)mean_ns / NS_PER_MS, (double)a->fastest_ns / NS_PER_MS);
    if (mean_ns > a->fastest_ns / 3 * 5)
        return in_use && move(a, a->limit * 9 / 10);
    if (!in_use || mean_ns >= a->fastest_ns / 4 * 5)
        return false;
    uint32_t more = a->lowered || a->ceiling ? a->limit + 1 : a->limit * 2;
    return (a->ceiling == 0 || more < a->ceiling) && move(a, more);
}

/* A round is over. */
static bool judge(struct adaptive *a, const struct adaptive_sample *s)
{
    uint64_t completed = s->completed - a->began.completed;
    uint64_t pushed_back = s->pushed_back - a->began.pushed_back;
    if (pushed_back * PUSHED_BACK_SHARE >= completed + pushed_back)
        return push_back(a, pushed_back, completed + pushed_back);
    if (a->ceiling > 0 && ++a->calm_rounds > CALM_ROUNDS)
        a->ceiling = 0;
    return judge_times(a, (s->service_ns - a->began.service_ns) / completed);
}

bool adaptive_take(struct adaptive *a, const struct adaptive_sample *s)
{
    uint64_t exchanges = s->completed - a->began.completed + s->pushed_back - a->began.pushed_back;
    if (a->settling && exchanges < a->leftover)
        return false;
    if (a->settling) {
        a->settling = false;
        a->began = *s;
        a->busy_peak = s->busy;
        return false;
    }
    if (s->busy > a->busy_peak)
        a->busy_peak = s->busy;
    uint64_t least = 2ull * a->limit > ROUND_MIN_EXCHANGES ? 2ull * a->limit : ROUND_MIN_EXCHANGES;
    if (exchanges < least || s->now_ns - a->began.now_ns < ROUND_MIN_NS)
        return false;
    bool moved = judge(a, s);
    a->began = *s;
    a->busy_peak = s->busy;
    return moved;
}
