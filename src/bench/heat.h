/* How the response times of a run changed while it went on: columns of time, a coarse histogram
 * each. However long the run is, there are at most HEAT_COLUMNS: they begin narrow, and are merged
 * when there would be more, to widths that a reader counts in: 0.1 s, 0.2 s, 1 s, 2 s, 10 s ... */
#ifndef RINGSEND_BENCH_HEAT_H
#define RINGSEND_BENCH_HEAT_H

#include "base/histogram.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    HEAT_COLUMNS = 300,
    HEAT_PRECISION = 5, /* bits: rows of 3 % */
};

struct heat {
    uint64_t column_ns; /* width */
    size_t columns;     /* up to the last one that holds anything */
    unsigned merges;
    struct histogram all[HEAT_COLUMNS];
};

/* False when memory is out; it is then as after heat_free. */
bool heat_init(struct heat *heat);
void heat_free(struct heat *heat);
/* One that ended `at_ns` after the begin. */
void heat_add(struct heat *heat, uint64_t at_ns, uint64_t response_ns);
/* Adds all of `from`. */
void heat_merge(struct heat *into, const struct heat *from);

#endif
