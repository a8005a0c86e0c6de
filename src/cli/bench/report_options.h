/* The options of `ringsend bench` that say what is reported where and when a run has failed. */
#ifndef RINGSEND_CLI_BENCH_REPORT_OPTIONS_H
#define RINGSEND_CLI_BENCH_REPORT_OPTIONS_H

#include "cli/bench/bench_report.h"
#include "cli/options/options.h"
#include "cli/report_files.h"

#include <stdbool.h>
#include <stddef.h>

enum { REPORT_THRESHOLDS_MAX = 32 };

struct report_options {
    struct report_files files;
    struct threshold thresholds[REPORT_THRESHOLDS_MAX];
    size_t thresholds_count;
};

/* Takes what was given. What is wrong ends the program in a usage_error, here and below. */
void report_options_take(struct report_options *options, const struct options *given);
/* After that: what they say together. */
void report_options_finish(const struct report_options *options, bool open_loop);

/* Writes the text for people, and the files. False when one cannot be written, which was said. */
bool report_write(struct report_options *options, const struct bench_report *report);
/* A condition of --fail-if is true for one of the runs. */
bool report_has_failed(const struct bench_report *report);

#endif
