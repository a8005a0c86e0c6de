/* The options of `ringsend bench` and `ringsend probe` that say what is sent over and over: one
 * request to a URL, or the records of files, in every form that `ringsend send` takes. */
#ifndef RINGSEND_CLI_OPTIONS_TARGET_OPTIONS_H
#define RINGSEND_CLI_OPTIONS_TARGET_OPTIONS_H

#include "cli/options/record_options.h"
#include "cli/options/request_options.h"

#include <stdbool.h>
#include <stddef.h>

struct target_options {
    const char *url; /* the one target; null: files of records */
    char *const *inputs;
    size_t inputs_count; /* files of records */
    struct request_options request;
    struct record_options records; /* of a URL, too: records.data is the body, or "@FILE" */
};

/* Takes what was given. What is wrong ends the program in a usage_error, here and below. */
void target_options_take(struct target_options *options, const struct options *given);
/* After that, with the arguments that are no options: what all of them say together. */
void target_options_finish(struct target_options *options, const struct options *given);
/* That a URL can be sent to; `name` is what it is called when it cannot. */
void target_check_url(const struct target_options *options, const char *name, const char *text);
void target_options_free(struct target_options *options);

#endif
