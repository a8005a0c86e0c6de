#include "batch/rate_finder.h"

#include "base/time.h"

#define ROUND_MIN_NS (300 * NS_PER_MS)
#define ROUND_MAX_NS (3 * NS_PER_S)
#define SETTLE_NS (100 * NS_PER_MS)
#define REFUSED_SHARE 0.3
#define STRICT_SHARE 0.12
#define CALM_SHARE 0.05
#define AS_GOOD 0.97
#define IN_USE_SHARE 0.8
#define CLOSE_ENOUGH 0.04
#define GROWTH 1.5
#define GROWTH_AGAIN 1.1
#define RETREAT 0.93
#define RATE_LEAST 0.1

enum { ROUND_ATTEMPTS = 20, ROUND_ATTEMPTS_MIN = 4, CALM_ROUNDS = 20 };

void rate_finder_init(struct rate_finder *f, uint64_t now_ns)
{
    *f = (struct rate_finder){.began = {.now_ns = now_ns}};
}

/* Between the two, or on from the one that is known. */
static double next_rate(const struct rate_finder *f)
{
    if (f->too_high == 0)
        return f->rate_per_s * GROWTH;
    if (f->good == 0)
        return f->rate_per_s / 2 > RATE_LEAST ? f->rate_per_s / 2 : RATE_LEAST;
    return f->too_high - f->good > CLOSE_ENOUGH * f->too_high ? (f->good + f->too_high) / 2
                                                              : f->good;
}

static void judge_bad(struct rate_finder *f, double completed_per_s)
{
    f->calm_rounds = 0;
    f->trimmed_from = 0;
    if (f->rate_per_s == 0) { /* all that came through was let through */
        f->rate_per_s = completed_per_s > RATE_LEAST ? completed_per_s : RATE_LEAST;
        return;
    }
    f->too_high = f->rate_per_s;
    if (f->good >= f->too_high * (1 - CLOSE_ENOUGH / 4)) { /* it has become less */
        f->good = f->too_high * RETREAT;
        f->rate_per_s = f->good;
        return;
    }
    f->rate_per_s = next_rate(f);
}

/* Some are refused: perhaps as many come through at the rate of those that do. True: that is tried,
 * or was. */
static bool trim(struct rate_finder *f, double all_per_s, double completed_per_s)
{
    double before = f->trimmed_from, completed_before = f->trimmed_completed;
    f->trimmed_from = 0;
    if (before > 0) {
        bool as_good = completed_per_s >= AS_GOOD * completed_before;
        f->no_trim = true; /* once: what is refused now as well, is so at any rate */
        if (as_good)
            f->too_high = before;
        else
            f->rate_per_s = before;
        f->good = f->rate_per_s;
        f->strict = as_good;
        f->rate_per_s = next_rate(f);
        return true;
    }
    if (f->no_trim || f->too_high == 0 || completed_per_s > (1 - CALM_SHARE) * all_per_s)
        return false;
    f->trimmed_from = f->rate_per_s;
    f->trimmed_completed = completed_per_s;
    f->rate_per_s = completed_per_s * (1 + CALM_SHARE / 2);
    return true;
}

static void judge_good(struct rate_finder *f, double all_per_s, double completed_per_s)
{
    bool in_use = all_per_s >= f->rate_per_s * IN_USE_SHARE;
    if (f->rate_per_s == 0 || !in_use || trim(f, all_per_s, completed_per_s))
        return;
    f->good = f->rate_per_s;
    if (++f->calm_rounds >= CALM_ROUNDS && f->too_high > 0) {
        f->calm_rounds = 0;
        f->too_high = 0; /* it may have become more */
        f->no_trim = f->strict = false;
        f->rate_per_s = f->good * GROWTH_AGAIN;
        return;
    }
    f->rate_per_s = next_rate(f);
}

bool rate_finder_take(struct rate_finder *f, const struct rate_sample *s, bool begins)
{
    uint64_t passed_ns = s->now_ns - f->began.now_ns;
    uint64_t completed = s->completed - f->began.completed;
    uint64_t refused = s->refused - f->began.refused, all = completed + refused;
    if (f->settling) {
        if (passed_ns < SETTLE_NS)
            return false;
        f->settling = false;
        f->began = *s;
        return false;
    }
    if (passed_ns < ROUND_MIN_NS || all < ROUND_ATTEMPTS_MIN ||
        (all < ROUND_ATTEMPTS && passed_ns < ROUND_MAX_NS))
        return false;
    double before = f->rate_per_s, per_s = (double)passed_ns / NS_PER_S;
    bool is_strict = f->strict && f->rate_per_s > f->good;
    bool is_bad = (double)refused >= (is_strict ? STRICT_SHARE : REFUSED_SHARE) * (double)all;
    if (is_bad && (begins || before > 0))
        judge_bad(f, (double)completed / per_s);
    else if (!is_bad)
        judge_good(f, (double)all / per_s, (double)completed / per_s);
    f->began = *s;
    f->settling = f->rate_per_s < before || f->rate_per_s > before;
    return f->settling;
}
