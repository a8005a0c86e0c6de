/* A token that expires: one for all engines of a run, and one refresh of it in flight, in a thread
 * of its own, so that no loop waits for a command, an endpoint or a lock.
 *
 * A token is renewed when 80 % of its life are over, while it goes on working; and when a platform
 * has refused it (401), once for each token: then, and when it has expired, no try begins before
 * there is another one. A refusal of an older token says nothing but that its try is to be made
 * again. One that came for a refusal, and is refused before it was ever accepted, shows that
 * renewing does not help: such a 401 is a result.
 *
 * Nor does it help where the very record that had it renewed is refused once more: then refusals
 * are results for a while, longer each time, and at most a minute.
 *
 * A refresh that fails is tried again, later each time; the records wait. One that the endpoint
 * refuses for good (a wrong secret) is not, once there is no token that works: the run is over. */
#ifndef RINGSEND_CLI_CREDENTIALS_TOKEN_H
#define RINGSEND_CLI_CREDENTIALS_TOKEN_H

#include "engine/credentials.h"
#include "ringsend.h"

#include <stdbool.h>

enum { TOKEN_NOTICE_BYTES = 400 };

/* Where it comes from: a command, or an endpoint. All borrowed for the token's life. */
struct token_options {
    const char *command;                         /* null: */
    const char *url, *client_id, *client_secret; /* of OAuth's client credentials */
    const char *scope;                           /* null: none */
    const char *file;                            /* shared with others; null: not */
    const struct ringsend_options *engine;       /* how to reach the endpoint */
};

/* `wake` is called, by its thread, when there is a notice. Null: no thread could be had. */
struct token *token_new(const struct token_options *options, void (*wake)(void));
/* It may fetch the first one: whatever ends the program now has its command ended as well. */
void token_begin(struct token *token);
struct credentials *token_credentials(struct token *token);
/* Why there is none, for people; false: nothing new is to be said. */
bool token_take_notice(struct token *token, char text[static TOKEN_NOTICE_BYTES]);
/* There is none, and there will be none: `text` says why. */
bool token_is_over(struct token *token, char text[static TOKEN_NOTICE_BYTES]);
/* After the engines that use it. Null is allowed. */
void token_free(struct token *token);

#endif
