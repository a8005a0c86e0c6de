/* Who asks: options that become headers of records without their own, before any is read. */
#ifndef RINGSEND_CLI_OPTIONS_CREDENTIAL_OPTIONS_H
#define RINGSEND_CLI_OPTIONS_CREDENTIAL_OPTIONS_H

#include "cli/options/options.h"
#include "cli/options/request_options.h"

/* --user, --netrc, --netrc-file, --bearer, --cookie, behind those of --header. */
void credential_options_take(struct request_options *o, const struct options *given);

#endif
