/* What is said of a comparison, the same on the terminal and on the page. */
#ifndef RINGSEND_CLI_COMPARE_COMPARE_WORDS_H
#define RINGSEND_CLI_COMPARE_COMPARE_WORDS_H

#include "bench/compare.h"
#include "bench/compare_input.h"
#include "cli/units.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Of each enum compare_verdict: "worse". */
extern const char *const compare_verdict_names[];

/* "+27.5 %" of the ratio 1.275. */
struct units_text compare_difference_text(double ratio);
/* The same of two percentiles, and "+15.4 % to +542 %"; "-" and nothing when one of them has no
 * times, or no interval. */
struct units_text compare_quantile_difference(const struct compare_quantile *q);
struct units_text compare_quantile_interval(const struct compare_quantile *q);
struct units_text compare_chance_text(double p);
/* ">=1.53 ms" of what may be more; "-" of none. */
struct units_text compare_time_text(double ns, bool at_least);
/* A side's percentile likewise, of all its runs; empty when memory is out. */
struct units_text compare_percentile_text(const struct side *side, double fraction);

/* One sentence, without its full stop. */
void compare_say_verdict(FILE *out, const struct comparison *c, double tolerance);
/* What verdicts rest on, in sentences, each behind `start`: one verdict's, or several ones' in two
 * parts. */
void compare_say_grounds(FILE *out, const struct comparison *c, const struct side *a,
                         const struct side *b, const char *start);
void compare_say_basis(FILE *out, bool by_runs, const char *start);
void compare_say_slow(FILE *out, size_t a_slow, size_t b_slow, const char *start);

#endif
