/* The schedule of an open loop: when each request is to start. Pure arithmetic: no clock is read
 * here.
 *
 * The starts of a run are numbered; with several threads, thread k of T has the numbers k, k + T, k
 * + 2T ... of a constant schedule, so that together they are evenly spaced. Poisson arrivals are
 * split as they may be: each thread has an independent process of a T-th of the rate.
 *
 * A time is computed from the number (or, for Poisson, from the sum of the drawn intervals), never
 * from the time at which the start before it was made: lateness does not move what follows.
 *
 * A schedule is a value. A copy goes the same way again, so that starts that wait need no memory:
 * they lie between one copy that says which start is due next and another that says which is next
 * to be made. */
#ifndef RINGSEND_BENCH_SCHEDULE_H
#define RINGSEND_BENCH_SCHEDULE_H

#include "bench/figures.h"

#include <stdint.h>

struct schedule {
    uint64_t begin_ns; /* number 0, or the first Poisson interval's begin */
    double rate;       /* starts per second, all threads together */
    double ramp_s;     /* the rate grows from 0 to `rate` in so long, linearly */
    enum arrivals arrivals;
    uint32_t threads;
    uint64_t seed;
    uint64_t number; /* of the next start; Poisson: how many there were */
    double expected; /* Poisson: starts that all threads' schedule expects before the next one */
    uint64_t at_ns;  /* when the next one is due */
};

struct schedule_options {
    uint64_t begin_ns;
    double rate; /* above 0 */
    uint64_t ramp_ns;
    enum arrivals arrivals;
    uint64_t seed;
    uint32_t thread, threads; /* thread < threads */
};

void schedule_init(struct schedule *s, const struct schedule_options *options);
/* On to the next start. */
void schedule_advance(struct schedule *s);

#endif
