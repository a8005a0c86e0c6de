/* The options of `ringsend bench` that say what is reported where and when a run has failed, and
 * the files behind them. Used as request_options.h is, beside record_options.h. */
#ifndef RINGSEND_CLI_BENCH_REPORT_OPTIONS_H
#define RINGSEND_CLI_BENCH_REPORT_OPTIONS_H

#include "cli/bench/bench_report.h"
#include "cli/options/record_options.h"

#include <stdbool.h>
#include <stddef.h>

enum report_option {
    REPORT_CSV = RECORD_OPTIONS_END,
    REPORT_FAIL_IF,
    REPORT_HLOG,
    REPORT_HTML,
    REPORT_JSON,
    REPORT_OPTIONS_END
};

// clang-format off
#define REPORT_LONG_OPTIONS \
    {"csv", required_argument, NULL, REPORT_CSV}, \
    {"fail-if", required_argument, NULL, REPORT_FAIL_IF}, \
    {"hlog", required_argument, NULL, REPORT_HLOG}, \
    {"html", required_argument, NULL, REPORT_HTML}, \
    {"json", required_argument, NULL, REPORT_JSON}

#define REPORT_HELP \
    "Report (- is standard output; the text for people then goes to standard error)\n" \
    "      --json FILE         all figures, under stable keys\n" \
    "      --html FILE         a page with charts that needs no network\n" \
    "      --csv FILE          a row per second; with --steps, a row per step\n" \
    "      --hlog FILE         HdrHistogram log, nanoseconds: a line a second for the\n" \
    "                          response time, tagged ones per run for service and\n" \
    "                          send_lag\n" \
    "      --fail-if CONDITION  exit with 5 when it is true; repeats. Of the response\n" \
    "                          time: 'p99>20ms', 'p99.9>1s', 'max>2s'; others with\n" \
    "                          their name: 'service.p99>5ms', 'send_lag.p99>1ms';\n" \
    "                          'errors>0.1%', 'errors>0' (statuses that are not ok\n" \
    "                          count, too); 'rate<0.99' (of the rate asked for),\n" \
    "                          'rate<900/s'. 'p(99)<800', as k6 has it: what must\n" \
    "                          hold, in milliseconds\n"
// clang-format on

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

void report_options_init(struct report_options *options, const char *command);
/* Takes an option that getopt_long has found: false when `code` is none of these. What is wrong
 * ends the program in a usage_error. */
bool report_option_read(struct report_options *options, int code, const char *value);
/* After the last one: what they say together. */
void report_options_finish(const struct report_options *options, bool open_loop);

/* That file is asked for. */
bool report_wants(const struct report_options *options, enum report_option file);

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
