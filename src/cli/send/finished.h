/* Whether results are complete that have no journal any more. */
#ifndef RINGSEND_CLI_SEND_FINISHED_H
#define RINGSEND_CLI_SEND_FINISHED_H

#include "cli/send/send_options.h"

#include <stdbool.h>

/* The file of results holds one result for each record of the inputs, and nothing else. Only where
 * all of them are regular files; they are read to their end. */
bool finished_is(const struct send_options *options);

#endif
