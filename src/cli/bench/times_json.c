#include "cli/bench/times_json.h"

#include "base/time.h"
#include "bench/figures.h"

#include <math.h>

enum { CURVE_STEPS = 6 }; /* points while the share above halves */

static const struct {
    double fraction;
    const char *name;
} quantiles[] = {{0.5, "p50"},  {0.75, "p75"},   {0.9, "p90"},      {0.95, "p95"},
                 {0.99, "p99"}, {0.999, "p999"}, {0.9999, "p9999"}, {1, "max"}};

enum { QUANTILES = sizeof quantiles / sizeof quantiles[0] };

void json_quantiles(struct json_out *j, const char *key, const struct histogram *h)
{
    json_begin(j, key, '{');
    for (size_t i = 0; i < QUANTILES; i++)
        json_us(j, quantiles[i].name, histogram_quantile(h, quantiles[i].fraction));
    json_count(j, "count", h->count);
    json_end_with(j, '}');
}

void json_bounds(struct json_out *j, const char *key, const struct histogram *times,
                 const struct histogram *bounds)
{
    json_begin(j, key, '{');
    json_count(j, "count", bounds->count);
    json_begin(j, "at_least", '[');
    for (size_t i = 0; i < QUANTILES; i++)
        if (figures_is_bound(times, bounds, quantiles[i].fraction))
            json_words(j, NULL, quantiles[i].name);
    json_end_with(j, ']');
    json_end_with(j, '}');
}

void json_curve(struct json_out *j, const char *key, const struct histogram *h)
{
    double above = 1;
    json_begin(j, key, '[');
    for (unsigned i = 1; h->count > 0 && above * (double)h->count >= 1; i++) {
        json_begin(j, NULL, '[');
        json_real(j, NULL, 1 - above);
        json_us(j, NULL, histogram_quantile(h, 1 - above));
        json_end_with(j, ']');
        above = exp2(-(double)i / CURVE_STEPS);
    }
    if (h->count > 0) {
        json_begin(j, NULL, '[');
        json_count(j, NULL, 1);
        json_us(j, NULL, h->max);
        json_end_with(j, ']');
    }
    json_end_with(j, ']');
}

/* The rows that hold anything: from the first one on, as many. */
static size_t rows_of(const struct heat *heat, size_t *first)
{
    size_t end = 0;
    *first = SIZE_MAX;
    for (size_t i = 0; i < heat->columns; i++) {
        const struct histogram *h = &heat->all[i];
        for (size_t row = 0; h->count > 0 && row < h->buckets; row++) {
            if (h->counts[row] > 0 && row < *first)
                *first = row;
            if (h->counts[row] > 0 && row >= end)
                end = row + 1;
        }
    }
    return end == 0 ? 0 : end - *first;
}

void json_heat(struct json_out *j, const char *key, const struct heat *heat)
{
    size_t first, rows = rows_of(heat, &first);
    json_begin(j, key, '{');
    json_real(j, "column_s", (double)heat->column_ns / NS_PER_S);
    json_begin(j, "edges_us", '[');
    for (size_t row = first; rows > 0 && row <= first + rows; row++)
        json_us(j, NULL, row == 0 ? 0 : histogram_upper_edge(&heat->all[0], row - 1) + 1);
    json_end_with(j, ']');
    json_begin(j, "columns", '[');
    for (size_t i = 0; i < heat->columns; i++) {
        json_begin(j, NULL, '[');
        for (size_t row = 0; row < rows; row++) {
            uint64_t count = heat->all[i].counts[first + row];
            if (count > 0) {
                json_count(j, NULL, row);
                json_count(j, NULL, count);
            }
        }
        json_end_with(j, ']');
    }
    json_end_with(j, ']');
    json_end_with(j, '}');
}
