/* Options of `ringsend send`. */
#ifndef RINGSEND_CLI_SEND_SEND_OPTIONS_H
#define RINGSEND_CLI_SEND_SEND_OPTIONS_H

#include "batch/serial.h"
#include "cli/options/cost_options.h"
#include "cli/options/options.h"
#include "cli/options/record_options.h"
#include "cli/options/request_options.h"
#include "cli/send/progress.h"
#include "records/echo.h"
#include "results/write_out.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct send_options {
    struct options given;
    const char *output;         /* null or "-": standard output */
    const char *failed;         /* null: none */
    size_t memory_bytes;        /* that bodies may take up, all in all */
    struct json_path serialize; /* count 0: not wanted */
    uint64_t failures_max;      /* 0: any number */
    uint32_t failures_ppm_max;  /* 0: any share */
    uint64_t unreached_max_ns;  /* 0: without end */
    bool aborts;
    struct ringsend_outcomes abort_on; /* with aborts */
    bool without_body;
    const char *bodies;          /* a directory; null: none */
    struct write_out *write_out; /* of -w; null: none */
    struct echo echo;            /* with --echo */
    struct cost_options costs;   /* with --cost */
    enum progress_mode progress;
    uint64_t dry_run; /* show so many requests and send none; 0: send */
    uint32_t threads;
    char *const *inputs;
    size_t inputs_count; /* at least one */
    struct request_options request;
    struct record_options records;
};

/* A flag is asked for where it is used. */
static inline bool send_given(const struct send_options *options, enum option_id id)
{
    return option_given(&options->given, id);
}

/* Reads argv, or ends the program: usage errors with EXIT_USAGE, --help and --version with EXIT_OK.
 */
void send_options_read(struct send_options *options, int argc, char **argv);
void send_options_free(struct send_options *options);

#endif
