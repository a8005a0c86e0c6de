/* The options that say which way connections go. */
#ifndef RINGSEND_CLI_OPTIONS_WAY_OPTIONS_H
#define RINGSEND_CLI_OPTIONS_WAY_OPTIONS_H

#include "cli/options/options.h"
#include "ringsend.h"

#include <stdbool.h>
#include <stddef.h>

/* What the engine's options point to. */
struct way_options {
    char *local; /* address or device */
    struct ringsend_connect_to *connect_to;
    size_t connect_to_count;
};

/* What they say of the engine; other texts stay where they are. What is wrong ends the program in a
 * usage_error, here and below. */
void way_options_take(struct way_options *way, struct ringsend_options *engine,
                      const struct options *given);
void way_options_free(struct way_options *way);
/* The unix socket that was given, or null. */
const char *way_options_socket(const struct options *given, bool *is_abstract);

#endif
