/* What shapes the requests of a run: a run may be gone on with only when all of it is the
 * same. Which options do, the table of options says (SHAPES). One that says how requests are
 * sent (connections, tries, times, rate), or what is made of responses, does not. */
#ifndef RINGSEND_CLI_SEND_OPTIONS_FINGERPRINT_H
#define RINGSEND_CLI_SEND_OPTIONS_FINGERPRINT_H

#include "cli/send/send_options.h"
#include "journal/fingerprint.h"

void options_fingerprint_take(struct fingerprint *fingerprint, const struct send_options *options);

#endif
