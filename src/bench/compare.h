/* Is B slower than A? Two sides of one run or several each, their response times compared by the
 * median and the 99th percentile, with 95 % intervals by bootstrap and a rank test.
 *
 * What counts as one observation decides what may be concluded:
 *
 *   runs      with COMPARE_RUNS_MIN runs or more on each side. Whole runs are drawn again, and the
 *             rank test is of the runs' percentiles. Covers what differs from run to run: memory
 *             layout, neighbours, the network's mood.
 *   requests  with fewer. All requests of a side are one sample. Says how sure the percentiles of
 *             these very runs are, as if requests were independent of each other; other runs may
 *             differ by more. */
#ifndef RINGSEND_BENCH_COMPARE_H
#define RINGSEND_BENCH_COMPARE_H

#include "base/histogram.h"
#include "bench/rank.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* By default differences up to this do not count. */
#define COMPARE_TOLERANCE 0.05

enum {
    COMPARE_RUNS_MIN = 4, /* with three runs on each side no rank test can come below 5 % */
    COMPARE_RUNS_MAX = RANK_EXACT_MAX / 2,
    COMPARE_TAIL_MIN = 20, /* values above a quantile, for a verdict on it */
};

struct compare_side {
    const struct histogram *runs; /* response times, each run's; one precision for both sides */
    size_t runs_count;            /* 1..COMPARE_RUNS_MAX */
    bool errors_known;
    uint64_t errors, requests; /* of all runs; requests: complete responses */
};

enum compare_verdict {
    COMPARE_SAME,     /* the interval lies within the tolerance */
    COMPARE_BETTER,   /* it lies beyond the tolerance, B below A */
    COMPARE_WORSE,    /* B above A */
    COMPARE_UNDECIDED /* neither: more or longer runs would tell */
};

struct compare_interval {
    double value, low, high;
};

struct compare_quantile {
    double fraction;
    struct compare_interval a_ns, b_ns;
    struct compare_interval ratio; /* b / a */
    bool enough;                   /* each side has COMPARE_TAIL_MIN values above it */
    struct rank_test runs;         /* of the runs' quantiles, with by_runs */
    enum compare_verdict verdict;
};

struct compare_errors {
    bool known;
    double a_share, b_share; /* of all that got a response or an error */
    double p;                /* that the shares differ so much by chance */
    enum compare_verdict verdict;
};

struct comparison {
    bool by_runs;
    struct rank_test requests; /* of all requests */
    struct compare_quantile p50, p99;
    struct compare_errors errors;
    enum compare_verdict verdict; /* worse when anything is; better when something is and nothing is
                                     worse; the same when everything is */
};

/* tolerance 0..: a ratio from 1 / (1 + tolerance) to 1 + tolerance is no difference. The same input
 * gives the same output: the random numbers are always the same. False when memory is out. */
bool compare_sides(const struct compare_side *a, const struct compare_side *b, double tolerance,
                   struct comparison *out);

#endif
