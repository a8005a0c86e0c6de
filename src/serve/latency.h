/* How long the server takes to answer: nothing, a fixed time, or a log-normal distribution given
 * by its median and its 99th percentile, the two figures people know of their own platform. */
#ifndef RINGSEND_SERVE_LATENCY_H
#define RINGSEND_SERVE_LATENCY_H

#include "base/time.h"

#include <stdint.h>

#define LATENCY_NS_MAX NS_PER_HOUR

/* All zero: no latency. */
struct latency {
    double log_p50_ns; /* mean of the logarithm */
    double sigma;      /* its standard deviation; 0: always fixed_ns */
    uint64_t fixed_ns;
};

/* 0 <= p50_ns <= p99_ns <= LATENCY_NS_MAX. Equal ones make a fixed latency, and so does a median of
 * 0, which no log-normal distribution has. */
void latency_init(struct latency *latency, uint64_t p50_ns, uint64_t p99_ns);
/* The latency that two independent numbers, uniform over all 64 bits, stand for. At most
 * LATENCY_NS_MAX. */
uint64_t latency_ns(const struct latency *latency, uint64_t random_a, uint64_t random_b);

#endif
