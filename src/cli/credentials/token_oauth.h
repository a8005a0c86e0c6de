#ifndef RINGSEND_CLI_CREDENTIALS_TOKEN_OAUTH_H
#define RINGSEND_CLI_CREDENTIALS_TOKEN_OAUTH_H

#include "cli/credentials/token_reply.h"
#include "cli/credentials/token_wait.h"
#include "ringsend.h"

struct token_oauth {
    const char *url, *client_id, *client_secret;
    const char *scope;                     /* null: none */
    const struct ringsend_options *engine; /* whom to trust, how to connect */
};

/* Asks the token endpoint by OAuth's client credentials (RFC 6749 4.4). It waits. */
bool token_oauth_ask(const struct token_oauth *o, struct token_wait *wait,
                     struct token_reply *reply);

#endif
