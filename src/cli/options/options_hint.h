/* The options of a run, to be given again: what hints to be pasted into a shell are made of. */
#ifndef RINGSEND_CLI_OPTIONS_OPTIONS_HINT_H
#define RINGSEND_CLI_OPTIONS_OPTIONS_HINT_H

#include "cli/options/options.h"
#include "records/secret.h"

#include <stdbool.h>
#include <stdio.h>

struct options_hint {
    FILE *out;
    const struct options *given;
    const struct secrets *secrets;
    char gaps[256]; /* the variables of the shell that stand for what is secret */
    unsigned masks; /* those of them that are numbered */
};

/* Those for which `is_wanted` holds, in words of a shell, as they were given. Files of options are
 * read again, unless something in them is not wanted, or they are none: then it is spelt out. */
void options_hint_print(struct options_hint *hint, bool (*is_wanted)(const struct option_row *row));
/* An argument that is no option: what is secret in it is a gap as well. */
void options_hint_print_argument(struct options_hint *hint, const char *argument);
/* The inputs, none of them taken for an option. */
void options_hint_print_inputs(struct options_hint *hint);
/* Ends the command's line, and says what has to be filled in. */
void options_hint_end(struct options_hint *hint);

#endif
