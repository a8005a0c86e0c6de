/* What failed, by cause, and what to type next. */
#ifndef RINGSEND_CLI_SEND_FAILURES_H
#define RINGSEND_CLI_SEND_FAILURES_H

#include "cli/send/send_options.h"
#include "results/report.h"

#include <stdio.h>

/* Some records are not ok. */
void failures_print(FILE *out, const struct job_report *report, const struct send_options *options);

#endif
