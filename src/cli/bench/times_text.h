/* Times of many requests as text for people. */
#ifndef RINGSEND_CLI_BENCH_TIMES_TEXT_H
#define RINGSEND_CLI_BENCH_TIMES_TEXT_H

#include "base/histogram.h"
#include "cli/units.h"

#include <stdio.h>

enum {
    TIMES_DECADES = 20, /* of a uint64_t */
    TIMES_BINS_MAX = 16 + TIMES_DECADES
};

/* A percentile, marked when it is a lower bound: ">=1.53 ms"; of no times "-". bounds: null for
 * none. */
struct units_text times_quantile(const struct histogram *h, const struct histogram *bounds,
                                 double fraction);
/* A line a bin: where it begins, its share, a bar. Of 1..16 bins, more only when there are more
 * decades. */
void times_print_histogram(FILE *out, const struct histogram *h, unsigned bins_wanted,
                           unsigned bar_chars);

#endif
