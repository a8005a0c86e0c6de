/* What a token endpoint, a command or a file says: a token, and how long it lives. */
#ifndef RINGSEND_CLI_CREDENTIALS_TOKEN_REPLY_H
#define RINGSEND_CLI_CREDENTIALS_TOKEN_REPLY_H

#include "base/span.h"

#include <stdbool.h>
#include <stdint.h>

enum { TOKEN_FAULT_BYTES = 240, TOKEN_BYTES_MAX = 64 << 10 };

struct token_reply {
    char *token;         /* owned; null: there is none, and `fault` says why */
    uint64_t life_s;     /* of it, from now on; 0: nobody said */
    uint64_t began_at_s; /* of one out of a file: seconds since 1970; else 0 */
    char fault[TOKEN_FAULT_BYTES];
    bool is_final; /* with that: to ask once more helps nothing */
};

__attribute__((format(printf, 2, 3))) bool token_reply_fail(struct token_reply *reply,
                                                            const char *format, ...);
/* Reads a token that stands there alone (`bare` allows that), or JSON with "access_token",
 * "expires_in" and "token_type". False: it has none. No text of it is repeated. */
bool token_reply_read(struct token_reply *reply, struct ringsend_bytes text, bool bare);
void token_reply_free(struct token_reply *reply);

#endif
