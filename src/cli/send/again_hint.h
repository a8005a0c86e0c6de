/* How to send again what the file of failed lines holds. */
#ifndef RINGSEND_CLI_SEND_AGAIN_HINT_H
#define RINGSEND_CLI_SEND_AGAIN_HINT_H

#include "cli/send/send_options.h"
#include "journal/journal.h"
#include "results/report.h"

#include <stdio.h>

/* The whole command, as a shell takes it, or nothing where there is nothing to be sent again.
 * `whole`: what the journal knows of this run and those before it together, zeroed without one. */
void again_hint_print(FILE *out, const struct job_report *report,
                      const struct send_options *options, const struct journal_counts *whole);

/* How to send what a run without a journal has not read, where no line of the input can be told to
 * begin it: rows need their header, and others are packed. */
void again_hint_print_rest(FILE *out, const struct job_report *report,
                           const struct send_options *options);

#endif
