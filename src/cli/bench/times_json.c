#include "cli/bench/times_json.h"

#include "bench/figures.h"

#include <math.h>

enum { CURVE_STEPS = 6 }; /* points while the share above halves */

void json_quantiles(struct json_out *j, const char *key, const struct histogram *h)
{
    json_begin(j, key, '{');
    json_us(j, "p50", histogram_quantile(h, 0.5));
    json_us(j, "p90", histogram_quantile(h, 0.9));
    json_us(j, "p99", histogram_quantile(h, 0.99));
    json_us(j, "p999", histogram_quantile(h, 0.999));
    json_us(j, "p9999", histogram_quantile(h, 0.9999));
    json_us(j, "max", h->max);
    json_count(j, "count", h->count);
    json_end_with(j, '}');
}

void json_bounds(struct json_out *j, const char *key, const struct histogram *times,
                 const struct histogram *bounds)
{
    static const struct {
        double fraction;
        const char *name;
    } quantiles[] = {{0.5, "p50"},    {0.9, "p90"},      {0.99, "p99"},
                     {0.999, "p999"}, {0.9999, "p9999"}, {1, "max"}};
    json_begin(j, key, '{');
    json_count(j, "count", bounds->count);
    json_begin(j, "at_least", '[');
    for (size_t i = 0; i < sizeof quantiles / sizeof quantiles[0]; i++)
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
