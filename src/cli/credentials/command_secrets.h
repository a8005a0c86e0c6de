/* What of a shell's command is secret: it stands in hints, which are pasted, logged and shown. */
#ifndef RINGSEND_CLI_CREDENTIALS_COMMAND_SECRETS_H
#define RINGSEND_CLI_CREDENTIALS_COMMAND_SECRETS_H

#include "records/secret.h"

#include <stdbool.h>

/* Adds what it gives to an option, a variable or a header whose name says so, what follows a scheme
 * of Authorization, and what is long and looks drawn by lot. Variables of the shell and files are
 * none. False when memory is out. */
bool command_secrets_add(struct secrets *secrets, const char *command);

#endif
