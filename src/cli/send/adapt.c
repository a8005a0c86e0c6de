#include "cli/send/adapt.h"

#include "base/time.h"
#include "cli/notice.h"

#define SAMPLE_NS (20 * NS_PER_MS)

enum {
    FEW_CONNECTIONS = 2,
    RATE_PER_S = 100 /* a rate is so many in so many seconds: evenly, and to a hundredth */
};

void adapt_begin(struct adapt *a, struct job *job, struct ringsend *engine, uint32_t limit_max,
                 bool quiet)
{
    *a = (struct adapt){.job = job,
                        .engine = engine,
                        .quiet = quiet,
                        .reported = 1,
                        .sampled_ns = clock_monotonic_ns()};
    adaptive_init(&a->adaptive, limit_max, a->sampled_ns);
    rate_finder_init(&a->rate, a->sampled_ns);
    ringsend_limit(engine, a->adaptive.limit);
}

uint64_t adapt_wait_ns(const struct adapt *a)
{
    return a->job ? SAMPLE_NS : RINGSEND_NEVER;
}

/* All that is lowered; of the small steps up only every half as much again. */
static bool is_worth_telling(const struct adapt *a)
{
    uint32_t limit = a->adaptive.limit;
    return limit < a->reported || limit >= a->reported + (a->reported + 1) / 2 ||
           limit == a->adaptive.limit_max;
}

/* Few connections for which there is still too much are a rate that is too high. From then on it is
 * the rate that refusals are about. */
static void find_rate(struct adapt *a, const struct rate_sample *sample)
{
    double before = a->rate.rate_per_s;
    if (!rate_finder_take(&a->rate, sample, a->adaptive.limit <= FEW_CONNECTIONS))
        return;
    double per_s = a->rate.rate_per_s;
    ringsend_limit_rate(a->engine, (uint32_t)(per_s * RATE_PER_S + 0.5), RATE_PER_S * NS_PER_S);
    bool tells = per_s < before || per_s > before * 1.2 || before == 0;
    if (!a->quiet && tells)
        notice("ringsend: adaptive: %.3g/s, as the platform refuses more\n", per_s);
}

void adapt_turn(struct adapt *a)
{
    struct ringsend_stats stats;
    uint64_t now_ns = clock_monotonic_ns();
    if (!a->job || now_ns - a->sampled_ns < SAMPLE_NS)
        return;
    a->sampled_ns = now_ns;
    job_stats(a->job, &stats);
    job_ask_stats(a->job); /* for the next sample */
    const struct rate_sample of_rate = {now_ns, stats.completed, stats.refused};
    find_rate(a, &of_rate);
    if (a->rate.rate_per_s == 0)
        a->refused_counted = stats.refused;
    const struct adaptive_sample sample = {.now_ns = now_ns,
                                           .completed = stats.completed,
                                           .service_ns = stats.service_ns,
                                           .pushed_back = stats.pushed_back - stats.refused +
                                                          a->refused_counted,
                                           .busy = stats.exchanges};
    if (!adaptive_take(&a->adaptive, &sample))
        return;
    ringsend_limit(a->engine, a->adaptive.limit);
    if (!a->quiet && is_worth_telling(a)) {
        notice("ringsend: adaptive: %u -> %u connections: %s\n", a->reported, a->adaptive.limit,
               a->adaptive.reason);
        a->reported = a->adaptive.limit;
    }
}
