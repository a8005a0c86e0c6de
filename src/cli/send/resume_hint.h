/* How to go on with a run that was not finished. */
#ifndef RINGSEND_CLI_SEND_RESUME_HINT_H
#define RINGSEND_CLI_SEND_RESUME_HINT_H

#include "cli/send/send_options.h"
#include "journal/journal.h"
#include "journal/parked.h"

#include <stdio.h>

/* What the journal knows, with what is parked beside it. */
struct journal_counts resume_hint_count(const struct journal *journal, const char *parked_path);
/* That, in one sentence without its end. */
void resume_hint_print_counts(FILE *out, const struct journal_counts *counts);
/* The command of the run, or the one that goes on with it, in words of a shell. What is secret is
 * not shown. */
void resume_hint_print_command(FILE *out, const struct send_options *options, bool resume);
/* What is left, and the command that goes on with it. Headers are left out: they may be secret. */
void resume_hint_print(FILE *out, const struct journal_counts *counts,
                       const struct send_options *options);

#endif
