/* What `ringsend send` says at its end, on standard error. */
#ifndef RINGSEND_CLI_SEND_SUMMARY_H
#define RINGSEND_CLI_SEND_SUMMARY_H

#include "batch/job.h"
#include "cli/send/send_options.h"

#include <stdio.h>

/* The table of figures. `whole`: what the journal knows of this run and those before it together;
 * null: there were none. */
void summary_print(FILE *out, const struct job_report *report, const struct ringsend_stats *stats,
                   const struct ringsend *engine, const struct send_options *options,
                   const struct journal_counts *whole);
/* What went wrong and what to do about it; said even when the table is not wanted. `whole`: what
 * the journal knows, zeroed without one; is_left: there is something to go on with. */
void summary_print_troubles(FILE *out, const struct job_report *report,
                            const struct send_options *options, const struct journal_counts *whole,
                            bool is_left);

/* The name of an input for people: "-" is standard input. */
const char *summary_input_name(const char *path);
/* A text that may have come out of a file: nothing of it reaches a terminal as a command. */
void summary_print_plain(FILE *out, const char *text);

#endif
