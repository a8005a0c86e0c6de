/* The options that say which way connections go. */
#ifndef RINGSEND_CLI_OPTIONS_WAY_OPTIONS_H
#define RINGSEND_CLI_OPTIONS_WAY_OPTIONS_H

#include "cli/options/options.h"
#include "ringsend.h"

#include <stdbool.h>

/* What they say of the engine; the texts stay where they are. What is wrong ends the program in a
 * usage_error, here and below. */
void way_options_take(struct ringsend_options *engine, const struct options *given);
/* The unix socket that was given, or null. */
const char *way_options_socket(const struct options *given, bool *is_abstract);

#endif
