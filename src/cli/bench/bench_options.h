/* Options of `ringsend bench`. */
#ifndef RINGSEND_CLI_BENCH_BENCH_OPTIONS_H
#define RINGSEND_CLI_BENCH_BENCH_OPTIONS_H

#include "bench/figures.h"
#include "cli/bench/report_options.h"
#include "cli/options/options.h"
#include "cli/options/target_options.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { BENCH_STEPS_MAX = 100 };

struct bench_options {
    struct options given;
    /* Of the first run; with steps each has a rate of its own. `target` and `method` are set later.
     */
    struct figures_settings settings;
    double steps[BENCH_STEPS_MAX];
    size_t steps_count; /* 0: one run */
    uint32_t repeat;    /* runs of each target; 1 with steps */
    const char *versus; /* the URL to compare with; null: none */
    double tolerance;   /* of the comparison */
    bool quiet;
    struct target_options target;
    struct report_options report;
};

/* Reads argv, or ends the program: usage errors with EXIT_USAGE, --help and --version with EXIT_OK.
 */
void bench_options_read(struct bench_options *options, int argc, char **argv);
void bench_options_free(struct bench_options *options);
/* The command line that measures the same again, without what is secret and without the files that
 * are written; what is missing in it is said in lines of its own. Null: memory is out. To be freed.
 */
char *bench_options_command(const struct bench_options *options);

#endif
