/* Histograms of times as JSON: their quantiles, and the whole curve for a chart. Microseconds. */
#ifndef RINGSEND_CLI_BENCH_TIMES_JSON_H
#define RINGSEND_CLI_BENCH_TIMES_JSON_H

#include "base/histogram.h"
#include "bench/heat.h"
#include "cli/json_out.h"

/* {"p50": ..., "p75", "p90", "p95", "p99", "p999", "p9999", "max", "count"} */
void json_quantiles(struct json_out *j, const char *key, const struct histogram *h);
/* {"count": how many of `times` are lower bounds, "at_least": [the percentiles that may be higher
 * for that, by their names above]} */
void json_bounds(struct json_out *j, const char *key, const struct histogram *times,
                 const struct histogram *bounds);
/* [[share, us], ...]: some points each time that the share above halves, up to the maximum at 1. */
void json_curve(struct json_out *j, const char *key, const struct histogram *h);
/* {"column_s": width of a column, "edges_us": [upper edges of rows, behind the lower one of the
 * first], "columns": [[row, count, row, count, ...], ...]}, rows without a count left out. */
void json_heat(struct json_out *j, const char *key, const struct heat *heat);

#endif
