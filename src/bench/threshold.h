/* Conditions under which a run counts as failed (--fail-if):
 *
 *   p99>20ms  p99.9>=1s  max>2s     a percentile of the response time; "service." or "send_lag." in
 *                                   front takes one of those: service.p50>5ms
 *   errors>0.1%  errors>0           the share, or the number, of requests that got an error or a
 *                status
 *                                   that is no success
 *   rate<0.99  rate<99%  rate<900/s  the rate of responses, over the rate asked for or by itself
 *   p(99)<800  p(99)<=800ms         as k6 writes it: what must hold, not what must not; a bare
 *                                 number is
 *                                   milliseconds
 *
 * Times are those of the figures, in which what was given up or never started counts with how long
 * it had waited: a lower bound.
 *
 * A comparison that would fail a run for being good (p99<20ms) is refused. */
#ifndef RINGSEND_BENCH_THRESHOLD_H
#define RINGSEND_BENCH_THRESHOLD_H

#include "bench/figures.h"
#include "ringsend.h"

#include <stdbool.h>
#include <stddef.h>

enum threshold_subject {
    THRESHOLD_RESPONSE, /* these three: nanoseconds */
    THRESHOLD_SERVICE,
    THRESHOLD_SEND_LAG,
    THRESHOLD_ERRORS,       /* a number */
    THRESHOLD_ERRORS_SHARE, /* 0..1 */
    THRESHOLD_RATE,         /* a second */
    THRESHOLD_RATE_SHARE    /* of the rate asked for: needs an open loop */
};

struct threshold {
    struct ringsend_bytes text; /* borrowed */
    enum threshold_subject subject;
    double quantile; /* of the first three: 0..1 */
    double limit;
    bool fails_below; /* failed when the value is below the limit, else when above */
    bool fails_at;    /* and when it is the limit */
};

struct threshold_error {
    size_t column;    /* counted from 1 */
    const char *says; /* static: what is wrong and what is expected */
};

/* False, with *error filled in, when the text is no threshold. */
bool threshold_parse(struct ringsend_bytes text, struct threshold *threshold,
                     struct threshold_error *error);

struct threshold_outcome {
    bool failed;
    /* false: there was nothing to measure. That no response came fails a limit on times anyway */
    bool measured;
    double value; /* in the unit of the limit */
    /* a time that is a lower bound: requests that were given up would make it higher */
    bool at_least;
};

struct threshold_outcome threshold_check(const struct threshold *threshold,
                                         const struct figures *figures);

#endif
