/* What to say of a name that no option, and no command, has. */
#ifndef RINGSEND_CLI_OPTIONS_UNKNOWN_H
#define RINGSEND_CLI_OPTIONS_UNKNOWN_H

#include "cli/options/options.h"

#include <stdbool.h>
#include <stddef.h>

enum { UNKNOWN_BYTES = 640 };

/* A sentence about a long name, without its dashes, or a letter, that this command does not have:
 * who has it, or which was meant. */
void unknown_option(const struct options *options, const char *name, size_t bytes,
                    char text[static UNKNOWN_BYTES]);
void unknown_letter(const struct options *options, char letter, char text[static UNKNOWN_BYTES]);

/* A whole name that other programs have for something else than `found`, which it begins. */
bool unknown_is_other(const struct options *options, const char *name, size_t bytes,
                      enum option_id found);

/* An option of any command with that long name, or the only one that begins so. */
bool unknown_find_name(const char *name, size_t bytes, enum option_id *found);

/* The command that was meant, or null. */
const char *unknown_command(const char *name);

#endif
