/* The rank test of Mann and Whitney: does one of two samples tend to hold larger values? It asks
 * nothing of the shape of the distributions, which latencies (skewed, with long tails, with several
 * humps) would not fulfil. */
#ifndef RINGSEND_BENCH_RANK_H
#define RINGSEND_BENCH_RANK_H

#include "base/histogram.h"

#include <stdbool.h>
#include <stddef.h>

enum { RANK_EXACT_MAX = 40 }; /* values of both samples together */

struct rank_test {
    double
        b_larger; /* the chance that a value drawn from b is larger than one from a, ties half: 0.5
                        when neither tends to be */
    /* the chance of a difference at least as large, in either direction, between two samples of
     * one distribution; 1 when there is nothing to compare */
    double p;
    bool exact; /* p is counted out; else from the normal approximation, corrected for ties */
};

/* Of values, both samples together at most RANK_EXACT_MAX; p is exact unless memory is out. */
void rank_values(const double *a, size_t a_count, const double *b, size_t b_count,
                 struct rank_test *test);
/* Of all values in two histograms of the same precision; those of a bucket are ties: b_larger. Of
 * requests that is all that can be told: they are not independent of each other, and a p would take
 * them for that. */
double rank_b_larger(const struct histogram *a, const struct histogram *b);

#endif
