/* The options that say how a platform is to be treated: what is tried again, how soon and how
 * often, and how fast requests go out. They are part of request_options.h's struct. */
#ifndef RINGSEND_CLI_OPTIONS_THROTTLE_OPTIONS_H
#define RINGSEND_CLI_OPTIONS_THROTTLE_OPTIONS_H

#include "cli/options/request_options.h"

/* Takes what was given, behind request_options_take, and looks at what it says together. */
void throttle_options_take(struct request_options *options, const struct options *given);

#endif
