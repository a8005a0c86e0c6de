/* --failed-with-reason: why the records of the file of --failed are there, in a file beside it, so
 * that it stays ready to be sent again. */
#ifndef RINGSEND_CLI_SEND_REASONS_H
#define RINGSEND_CLI_SEND_REASONS_H

#include "cli/output_file.h"
#include "cli/send/outputs.h"
#include "cli/send/send_options.h"

#include <stdbool.h>

struct reasons {
    struct output_file file;
    char *path; /* null: not wanted */
};

/* Before the outputs; nothing that was there is changed yet. Returns the exit status, with the
 * message told. */
int reasons_open(struct reasons *reasons, const struct send_options *options);
/* When these are open: that they are others. Likewise. */
int reasons_check(const struct reasons *reasons, const struct outputs *outputs);
/* After the run, whatever it came to; `unused`: nothing was sent, and there is nothing to tell.
 * Likewise. */
int reasons_close(struct reasons *reasons, const struct outputs *outputs, bool unused);

#endif
