/* The certificates and keys that a command's options name: read once for all its engines. */
#ifndef RINGSEND_CLI_TLS_FILES_H
#define RINGSEND_CLI_TLS_FILES_H

#include "ringsend.h"

/* With files named: sets options->tls, and tells what is to be known of them. Without: nothing. 0,
 * or a negated error, with the message written. */
int tls_files_share(const char *command, struct ringsend_options *options, char *message,
                    size_t message_bytes);

#endif
