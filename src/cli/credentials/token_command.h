#ifndef RINGSEND_CLI_CREDENTIALS_TOKEN_COMMAND_H
#define RINGSEND_CLI_CREDENTIALS_TOKEN_COMMAND_H

#include "cli/credentials/token_reply.h"
#include "cli/credentials/token_wait.h"

/* What `sh -c COMMAND` prints: a token alone, or JSON. It waits, a minute at most; the command's
 * own messages go to standard error. */
bool token_command_run(const char *command, struct token_wait *wait, struct token_reply *reply);

#endif
