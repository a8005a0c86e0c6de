/* Log-linear histogram of durations: a bucket's width is at most 1/2^precision of its value, so
 * that any percentile is known within that error, in constant memory. Mergeable. */
#ifndef RINGSEND_BASE_HISTOGRAM_H
#define RINGSEND_BASE_HISTOGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct histogram {
    unsigned precision; /* bits; 5: error below 3.2 %, 7: 0.8 % */
    size_t buckets;
    uint64_t count;
    uint64_t min, max; /* exact; 0 while count is 0 */
    uint64_t *counts;
};

/* False when memory is out. precision 1..12. */
bool histogram_init(struct histogram *h, unsigned precision);
/* As histogram_init made it. */
void histogram_clear(struct histogram *h);
void histogram_free(struct histogram *h);
/* Any value: the range is all of uint64_t. */
void histogram_add(struct histogram *h, uint64_t value);
/* The same value `count` times. */
void histogram_add_many(struct histogram *h, uint64_t value, uint64_t count);
/* Same precision. */
void histogram_merge(struct histogram *into, const struct histogram *from);
/* The smallest recorded magnitude (upper edge of its bucket, at most max) that at least `fraction`
 * of all values do not exceed; 0 when empty. fraction 0..1. */
uint64_t histogram_quantile(const struct histogram *h, double fraction);
/* The largest value that falls into a bucket; the next bucket begins right behind it. */
uint64_t histogram_upper_edge(const struct histogram *h, size_t bucket);

#endif
