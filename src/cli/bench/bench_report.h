/* What `ringsend bench` tells: on the terminal while it runs and at its end, and in files. All of
 * it is written from figures; nothing here measures. */
#ifndef RINGSEND_CLI_BENCH_BENCH_REPORT_H
#define RINGSEND_CLI_BENCH_BENCH_REPORT_H

#include "bench/figures.h"
#include "bench/threshold.h"
#include "cli/compare/compare_report.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum bench_kind {
    BENCH_RUN,   /* one run */
    BENCH_STEPS, /* one after the other at growing rates */
    BENCH_REPEAT /* the same again, or two targets by turns: compared by their settings.target */
};

struct bench_report {
    enum bench_kind kind;
    const struct figures *runs; /* in the order in which they ran */
    size_t runs_count;          /* 1 for BENCH_RUN */
    size_t runs_wanted;         /* as many were to be made; a run may fail, or a signal come */
    const struct compare_report *comparison; /* of the two targets; null: there is one */
    const struct figures_environment *environment;
    const char *command; /* to repeat it; null: memory was out for it */
    const struct threshold *thresholds;
    size_t thresholds_count;
};

/* No run of the target that the run of that index is of gave an ok answer to anything: what was
 * measured are failures, and there is nothing to judge by it. */
bool bench_has_failed_wholly(const struct bench_report *report, size_t index);
/* Where the run of that index is the first one of its target. */
bool bench_is_first(const struct bench_report *report, size_t index);

/* ---- for people ---- */

/* One line about a run that begins now, one of several. */
void bench_print_start(FILE *out, size_t number, size_t wanted,
                       const struct figures_settings *settings);
/* One line about a second that has just passed, counted from 1. */
void bench_print_second(FILE *out, uint64_t number, const struct figures_second *second,
                        const struct figures_settings *settings);
/* All runs, and what must be said of them. */
void bench_print(FILE *out, const struct bench_report *report);
/* What it prints, for the caller to free; null: memory is out. */
char *bench_text(const struct bench_report *report);

/* ---- for programs. False when memory was out for a part of it; errors of the stream stay there.
 */

/* One object; with a `comparison` as compare_report.h writes it. Of a single run its members are
 * `requests`, `response_us` ...; of several, `steps` or `runs` is an array of such objects. */
bool bench_write_json(FILE *out, const struct bench_report *report);
/* A row a second; of BENCH_STEPS, a row a step. The first row names the columns. */
bool bench_write_csv(FILE *out, const struct bench_report *report);
/* An HdrHistogram log in nanoseconds: untagged an interval a second of the response time, by when
 * responses ended (settings.seconds_whole), and with tags one a run of the service time and of the
 * send lag, and one of those response times that are lower bounds when there are any. */
bool bench_write_hlog(FILE *out, const struct bench_report *report);
/* A case for each target that answered at all, one a run for each threshold, and those of the
 * comparison. */
bool bench_write_junit(FILE *out, const struct bench_report *report);
/* A row a run, and what the thresholds and the comparison say. */
bool bench_write_markdown(FILE *out, const struct bench_report *report);
/* A page that needs nothing else, and shows what the JSON holds. */
bool bench_write_html(FILE *out, const struct bench_report *report);

#endif
