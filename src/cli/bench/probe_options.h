/* Options of `ringsend probe`. */
#ifndef RINGSEND_CLI_BENCH_PROBE_OPTIONS_H
#define RINGSEND_CLI_BENCH_PROBE_OPTIONS_H

#include "cli/options/target_options.h"

#include <stdbool.h>
#include <stdint.h>

struct probe_options {
    struct target_options target;
    uint64_t step_ns;
    bool json;
    bool quiet;
};

/* Reads argv, or ends the program: usage errors with EXIT_USAGE, --help and --version with EXIT_OK.
 */
void probe_options_read(struct probe_options *options, int argc, char **argv);
void probe_options_free(struct probe_options *options);

#endif
