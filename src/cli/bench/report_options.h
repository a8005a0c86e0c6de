/* The options of `ringsend bench` that say what is reported where and when a run has failed, and
 * the files behind them. */
#ifndef RINGSEND_CLI_BENCH_REPORT_OPTIONS_H
#define RINGSEND_CLI_BENCH_REPORT_OPTIONS_H

#include "cli/bench/bench_report.h"
#include "cli/options/options.h"

#include <stdbool.h>
#include <stddef.h>

enum { REPORT_FILES = 4, REPORT_THRESHOLDS_MAX = 32 };

struct report_file {
    const char *path; /* null: not asked for */
    int fd;           /* -1: not open */
    bool given;       /* the path names what was open already */
};

struct report_options {
    const char *command;                    /* whose options they are, for messages */
    struct report_file files[REPORT_FILES]; /* by name */
    struct threshold thresholds[REPORT_THRESHOLDS_MAX];
    size_t thresholds_count;
};

/* Takes what was given. What is wrong ends the program in a usage_error, here and below. */
void report_options_take(struct report_options *options, const struct options *given);
/* After that: what they say together. */
void report_options_finish(const struct report_options *options, bool open_loop);

/* That file is asked for. */
bool report_wants(const struct report_options *options, enum option_id file);

/* Makes sure, before the run, that the files can be written; what they hold stays until then. False
 * when one cannot, which was said. */
bool report_open(struct report_options *options);
/* Writes the files, and the text for people. False when one cannot be written, which was said. */
bool report_write(struct report_options *options, const struct bench_report *report);
/* A condition of --fail-if is true for one of the runs. */
bool report_has_failed(const struct bench_report *report);
/* Where the text for people goes. */
FILE *report_stream(const struct report_options *options);

#endif
