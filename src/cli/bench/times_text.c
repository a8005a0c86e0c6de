#include "cli/bench/times_text.h"

#include "bench/figures.h"

#include <math.h>

struct units_text times_quantile(const struct histogram *h, const struct histogram *bounds,
                                 double fraction)
{
    struct units_text value = duration_text(histogram_quantile(h, fraction)), text;
    if (h->count == 0)
        return (struct units_text){"-"};
    snprintf(text.chars, sizeof text.chars, "%s%.29s",
             bounds && figures_is_bound(h, bounds, fraction) ? ">=" : "", value.chars);
    return text;
}

/* Round edges on a logarithmic scale: so many a decade, of the two last digits. */
static const unsigned edges_of_decade[][24] = {
    {10},
    {10, 20, 50},
    {10, 15, 22, 33, 47, 68},
    {10, 12, 15, 18, 22, 27, 33, 39, 47, 56, 68, 82},
    {10, 11, 12, 13, 15, 16, 18, 20, 22, 24, 27, 30,
     33, 36, 39, 43, 47, 51, 56, 62, 68, 75, 82, 91},
};
static const unsigned edges_count[] = {1, 3, 6, 12, 24};

enum { SCALES = sizeof edges_count / sizeof edges_count[0] };

static double edge_ns(unsigned scale, unsigned index)
{
    unsigned count = edges_count[scale];
    return edges_of_decade[scale][index % count] * pow(10, (int)(index / count) - 1);
}

/* The first and last bin, by the number of their lower edge, that hold values. */
struct bins {
    unsigned scale, first, last;
};

/* The finest scale that does not need too many bins. */
static struct bins bins_choose(const struct histogram *h, unsigned wanted)
{
    struct bins bins = {0};
    for (unsigned scale = 0; scale < SCALES; scale++) {
        struct bins finer = {.scale = scale};
        unsigned all = edges_count[scale] * TIMES_DECADES;
        while (finer.first + 1 < all && edge_ns(scale, finer.first + 1) <= (double)h->min)
            finer.first++;
        finer.last = finer.first;
        while (finer.last + 1 < all && edge_ns(scale, finer.last + 1) <= (double)h->max)
            finer.last++;
        if (scale > 0 && finer.last - finer.first + 1 > wanted)
            break;
        bins = finer;
    }
    return bins;
}

/* A bucket belongs where its largest value lies: at worst 0.1 % off. */
static uint64_t count_below(const struct histogram *h, size_t *bucket, double edge)
{
    uint64_t count = 0;
    while (*bucket < h->buckets && (double)histogram_upper_edge(h, *bucket) < edge)
        count += h->counts[(*bucket)++];
    return count;
}

void times_print_histogram(FILE *out, const struct histogram *h, unsigned bins_wanted,
                           unsigned bar_chars)
{
    uint64_t counts[TIMES_BINS_MAX] = {0}, largest = 1;
    size_t bucket = 0;
    if (h->count == 0)
        return;
    struct bins bins = bins_choose(h, bins_wanted);
    for (unsigned i = bins.first; i <= bins.last; i++) {
        double end = i == bins.last ? INFINITY : edge_ns(bins.scale, i + 1);
        uint64_t *count = &counts[i - bins.first];
        *count = count_below(h, &bucket, end);
        largest = *count > largest ? *count : largest;
    }
    for (unsigned i = bins.first; i <= bins.last; i++) {
        uint64_t count = counts[i - bins.first];
        unsigned chars = (unsigned)ceil((double)count * bar_chars / (double)largest);
        fprintf(out, "  %10s  %8s ", duration_text((uint64_t)fmax(0, edge_ns(bins.scale, i))).chars,
                share_text((double)count / (double)h->count).chars);
        for (unsigned k = 0; k < chars; k++)
            fputs(k == 0 ? " #" : "#", out);
        fputc('\n', out);
    }
}
