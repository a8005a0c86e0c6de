/* Is B slower than A? Two sides of one run or several each, compared by the median and the 99th
 * percentile of their response times, and by the share of requests that failed.
 *
 * An observation is a run. Requests are none: one that waits in a queue makes the next one wait, a
 * pause or a busy neighbour makes many slow together, and how many of them are worth one that is
 * independent, a run does not tell (at a load of 0.9, hundreds; simulated in perf/alike.c). So:
 *
 *   by runs   with COMPARE_RUNS_MIN runs or more on each side. Whole runs are drawn again for 95 %
 *             intervals (bootstrap), and a rank test is made of the runs' percentiles and shares.
 *             Covers what differs from run to run as well: memory layout, neighbours, the network's
 *             mood.
 *   single    with fewer there is no interval, and no verdict but on what is out of all proportion:
 *             one side COMPARE_GROSS times the other, out of COMPARE_GROSS_MIN requests or more.
 *
 * Some times are lower bounds, of requests that were given up. A side's percentile then lies
 * between what it is with them as they are, and what it were if they had taken for ever; a verdict
 * must hold for both. */
#ifndef RINGSEND_BENCH_COMPARE_H
#define RINGSEND_BENCH_COMPARE_H

#include "base/histogram.h"
#include "bench/rank.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* By default differences up to this do not count. */
#define COMPARE_TOLERANCE 0.05
/* Of single runs: so many times as slow, and as often failed, by so much at least. */
#define COMPARE_GROSS 5.0
#define COMPARE_GROSS_SHARE 0.2

enum {
    COMPARE_RUNS_MIN = 4, /* with three runs on each side no rank test can come below 5 % */
    COMPARE_RUNS_MAX = RANK_EXACT_MAX / 2,
    COMPARE_TAIL_MIN = 20,    /* values above a quantile, for a verdict on it */
    COMPARE_GROSS_MIN = 2000, /* requests of a side */
};

/* What failed, and what did not. */
struct compare_counts {
    uint64_t failed, good;
};

struct compare_side {
    const struct histogram *runs;   /* response times, each run's; one precision for both sides */
    const struct histogram *bounds; /* of these the lower bounds, likewise; null: there are none */
    size_t runs_count;              /* 1..COMPARE_RUNS_MAX */
    const struct compare_counts *counts; /* each run's; null: not known */
};

enum compare_verdict {
    COMPARE_SAME,     /* the interval lies within the tolerance */
    COMPARE_BETTER,   /* it lies beyond the tolerance, B below A */
    COMPARE_WORSE,    /* B above A */
    COMPARE_UNDECIDED /* neither: more or longer runs would tell */
};

/* low and high: by runs; else not a number. high may be infinite, and low of a ratio 0: see above.
 */
struct compare_interval {
    double value, low, high;
};

struct compare_quantile {
    double fraction;
    struct compare_interval a_ns, b_ns;
    bool a_at_least, b_at_least;   /* that value is a lower bound */
    struct compare_interval ratio; /* b / a */
    bool enough;                   /* each side has COMPARE_TAIL_MIN values above it */
    struct rank_test runs;         /* of the runs' quantiles, with by_runs */
    enum compare_verdict verdict;
};

struct compare_errors {
    bool known;
    double a_share, b_share; /* of all that got a response or an error */
    struct rank_test runs;   /* of the runs' shares, with by_runs */
    enum compare_verdict verdict;
};

struct comparison {
    bool by_runs;
    double b_larger; /* the share of pairs of requests in which B's is the slower one, ties half */
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
