/* `ringsend send --dry-run`: shows the first requests, byte for byte, and sends nothing. */
#ifndef RINGSEND_CLI_SEND_DRY_RUN_H
#define RINGSEND_CLI_SEND_DRY_RUN_H

#include "cli/options/request_options.h"
#include "records/source.h"

#include <stdint.h>

/* Prints up to `count` requests to standard output, each with the curl command that sends the same.
 * Secrets are masked (records/secret.h). Returns the exit status; the source is used up. */
int dry_run(const struct request_options *options, struct source *source, uint64_t count);

#endif
