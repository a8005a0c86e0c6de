/* The certificates and keys of a command, and what is learnt of its origins' TLS: one for all its
 * engines. */
#ifndef RINGSEND_CLI_TLS_FILES_H
#define RINGSEND_CLI_TLS_FILES_H

#include "ringsend.h"

/* Sets options->tls. Files that the options name are read, and what is to be known of them is told.
 * 0, or a negated error, with the message written. */
int tls_files_share(const char *command, struct ringsend_options *options, char *message,
                    size_t message_bytes);

#endif
