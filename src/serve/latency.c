/* A log-normal time is exp(mu + sigma z) with z from the standard normal distribution. Its median
 * is exp(mu) and its 99th percentile exp(mu + sigma z99), so the two quantiles give mu and sigma
 * without any fitting. z comes from two uniform numbers by the Box-Muller transform. */
#include "serve/latency.h"

#include "base/check.h"
#include "base/random.h"

#include <math.h>

/* The standard normal distribution's 99th percentile. */
static const double Z99 = 2.3263478740408408;
static const double TWO_PI = 6.283185307179586;

void latency_init(struct latency *latency, uint64_t p50_ns, uint64_t p99_ns)
{
    CHECK(p50_ns <= p99_ns && p99_ns <= LATENCY_NS_MAX);
    *latency = (struct latency){.fixed_ns = p50_ns};
    if (p50_ns == 0 || p50_ns == p99_ns)
        return;
    latency->log_p50_ns = log((double)p50_ns);
    latency->sigma = (log((double)p99_ns) - latency->log_p50_ns) / Z99;
}

uint64_t latency_ns(const struct latency *latency, uint64_t random_a, uint64_t random_b)
{
    if (latency->sigma == 0)
        return latency->fixed_ns;
    /* 53 bits are what a double holds; the + 1 keeps the logarithm's argument above 0. */
    double a = (double)((random_a >> 11) + 1) * 0x1p-53;
    double b = random_unit(random_b);
    double z = sqrt(-2 * log(a)) * cos(TWO_PI * b);
    double ns = exp(latency->log_p50_ns + latency->sigma * z);
    return ns < (double)LATENCY_NS_MAX ? (uint64_t)ns : LATENCY_NS_MAX;
}
