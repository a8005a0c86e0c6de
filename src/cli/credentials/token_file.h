/* A token that several processes share: a file of JSON, {"access_token", "expires_in", "began_at"},
 * for its user alone, and a lock on it that is held while one of them has it renewed. The kernel
 * lets go of the lock of a process that dies. */
#ifndef RINGSEND_CLI_CREDENTIALS_TOKEN_FILE_H
#define RINGSEND_CLI_CREDENTIALS_TOKEN_FILE_H

#include "cli/credentials/token_reply.h"
#include "cli/credentials/token_wait.h"

/* Null, or why it can be none: it is something else, or cannot be read. None is there yet: null. */
const char *token_file_fault(const char *path);
/* Opens, makes if need be, and locks it, as soon as nobody else has it locked: the descriptor, or
 * -1 with the fault. close(2) unlocks it. */
int token_file_lock(const char *path, struct token_wait *wait, struct token_reply *reply);
/* What is in it: false when that is no token. */
bool token_file_read(int fd, struct token_reply *reply);
/* False, and errno, when it cannot be written. */
bool token_file_write(int fd, const struct token_reply *reply);

#endif
