/* What is said of a condition of --fail-if, the same in every report. */
#ifndef RINGSEND_CLI_BENCH_THRESHOLD_WORDS_H
#define RINGSEND_CLI_BENCH_THRESHOLD_WORDS_H

#include "bench/threshold.h"

#include <stddef.h>

enum { THRESHOLD_WORDS_BYTES = 256 };

/* What was found, what was asked, and how it came out: "p99 21.9 ms, not above 25 ms: passed". */
void threshold_words(char *text, size_t text_bytes, const struct threshold *threshold,
                     const struct threshold_outcome *outcome);
/* The condition as it was given. */
void threshold_condition(char *text, size_t text_bytes, const struct threshold *threshold);

#endif
