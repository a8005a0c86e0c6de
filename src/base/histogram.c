/* Bucket layout. Values below 2^precision have a bucket each. Above, a value with its highest bit
 * at position e is told by e and by the `precision` bits behind that bit:
 *
 *     index = (e - precision + 1) << precision | those bits
 *
 * which continues the first part without a gap. */
#include "base/histogram.h"

#include "base/check.h"

#include <stdlib.h>
#include <string.h>

static size_t index_of(const struct histogram *h, uint64_t value)
{
    if (value >> h->precision == 0)
        return (size_t)value;
    unsigned top = 63 - (unsigned)__builtin_clzll(value);
    unsigned shift = top - h->precision;
    uint64_t below_top = (value >> shift) - ((uint64_t)1 << h->precision);
    return (((size_t)shift + 1) << h->precision) + (size_t)below_top;
}

uint64_t histogram_upper_edge(const struct histogram *h, size_t bucket)
{
    size_t group = bucket >> h->precision;
    if (group == 0)
        return bucket;
    uint64_t mantissa =
        (bucket & (((size_t)1 << h->precision) - 1)) + ((uint64_t)1 << h->precision);
    unsigned shift = (unsigned)group - 1;
    return (mantissa << shift) + (((uint64_t)1 << shift) - 1);
}

bool histogram_init(struct histogram *h, unsigned precision)
{
    CHECK(precision >= 1 && precision <= 12);
    *h = (struct histogram){.precision = precision};
    h->buckets = ((size_t)64 - precision + 1) << precision;
    h->counts = calloc(h->buckets, sizeof *h->counts);
    return h->counts != NULL;
}

void histogram_clear(struct histogram *h)
{
    if (h->count > 0) {
        size_t first = index_of(h, h->min), last = index_of(h, h->max);
        memset(h->counts + first, 0, (last - first + 1) * sizeof *h->counts);
    }
    h->count = h->min = h->max = 0;
}

void histogram_free(struct histogram *h)
{
    free(h->counts);
    *h = (struct histogram){0};
}

void histogram_add(struct histogram *h, uint64_t value)
{
    histogram_add_many(h, value, 1);
}

void histogram_add_many(struct histogram *h, uint64_t value, uint64_t count)
{
    if (count == 0)
        return;
    size_t index = index_of(h, value);
    CHECK(index < h->buckets);
    h->counts[index] += count;
    if (h->count == 0 || value < h->min)
        h->min = value;
    if (value > h->max)
        h->max = value;
    h->count += count;
}

void histogram_merge(struct histogram *into, const struct histogram *from)
{
    CHECK(into->precision == from->precision);
    if (from->count == 0)
        return;
    for (size_t i = index_of(from, from->min), last = index_of(from, from->max); i <= last; i++)
        into->counts[i] += from->counts[i];
    if (into->count == 0 || from->min < into->min)
        into->min = from->min;
    if (from->max > into->max)
        into->max = from->max;
    into->count += from->count;
}

uint64_t histogram_quantile(const struct histogram *h, double fraction)
{
    if (h->count == 0)
        return 0;
    double exact = fraction * (double)h->count;
    uint64_t rank = (uint64_t)exact;
    if ((double)rank < exact || rank == 0)
        rank++;
    uint64_t seen = 0;
    for (size_t i = index_of(h, h->min); i < h->buckets; i++) {
        seen += h->counts[i];
        if (seen >= rank)
            return histogram_upper_edge(h, i) < h->max ? histogram_upper_edge(h, i) : h->max;
    }
    return h->max;
}
