/* What failed, by cause, and what to type next. */
#ifndef RINGSEND_CLI_SEND_FAILURES_H
#define RINGSEND_CLI_SEND_FAILURES_H

#include "cli/send/send_options.h"
#include "results/report.h"

#include <stdio.h>

/* Some records are not ok. */
void failures_print(FILE *out, const struct job_report *report, const struct send_options *options);

/* The first cause, in a few words; null: there is none, or memory is out. The caller's to free. */
char *failures_first(const struct job_report *report, const struct secrets *secrets);

#endif
