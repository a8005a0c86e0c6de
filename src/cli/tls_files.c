#include "cli/tls_files.h"

#include <stdio.h>

/* A FIFO or a shell's <(...) can be read only once, and a server's refusal is to be met only once;
 * that its reader has several engines, one after the other or at once, is not for the user to know.
 */
int tls_files_share(const char *command, struct ringsend_options *options, char *message,
                    size_t message_bytes)
{
    struct ringsend_options o = *options;
    o.message = message;
    o.message_bytes = message_bytes;
    int error = ringsend_tls_new(&options->tls, &o);
    if (error == 0 && message[0])
        fprintf(stderr, "ringsend %s: WARNING: %s\n", command, message);
    return error;
}
