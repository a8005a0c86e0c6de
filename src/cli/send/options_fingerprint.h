/* What shapes the requests of a run: a run may be gone on with only when all of it is the same. An
 * option that changes which requests are sent, or any byte of them, belongs into options_fingerprint_take; one that
 * says how they are sent (connections, tries, times, rate) or what is made of responses does not. */
#ifndef RINGSEND_CLI_SEND_OPTIONS_FINGERPRINT_H
#define RINGSEND_CLI_SEND_OPTIONS_FINGERPRINT_H

#include "cli/send/send_options.h"
#include "journal/fingerprint.h"
#include "records/source.h"

void options_fingerprint_take(struct fingerprint *fingerprint, const struct send_options *options,
                              const struct source_range *range);

#endif
