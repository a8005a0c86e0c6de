/* Requests to AWS, signed anew for each try: a signature is good for some minutes. */
#ifndef RINGSEND_CLI_CREDENTIALS_SIGNER_H
#define RINGSEND_CLI_CREDENTIALS_SIGNER_H

#include "engine/credentials.h"
#include "http/sigv4.h"

struct signer {
    struct credentials credentials;
    struct sigv4 keys; /* borrowed texts */
};

void signer_init(struct signer *signer, const struct sigv4 *keys);

#endif
