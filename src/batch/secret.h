/* What is a secret, and how to show something without showing it: the one place that decides. */
#ifndef RINGSEND_BATCH_SECRET_H
#define RINGSEND_BATCH_SECRET_H

#include "base/buf.h"
#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>

struct secret {
    char *data;
    size_t bytes;
};

/* Values that came from where people keep secrets: headers out of a file, the environment. Zeroed:
 * none. */
struct secrets {
    struct secret *values; /* the longest first */
    size_t count;
};

/* False when memory is out. Values too short to be a secret are left out: masking each "1" would
 * make what is shown unreadable. */
bool secrets_add(struct secrets *secrets, struct ringsend_bytes value);
void secrets_free(struct secrets *secrets);

/* A header whose value is one whatever it is: Authorization, Cookie, X-Api-Key and their kind. */
bool secret_is_header(struct ringsend_bytes name);

/* Appends `text` with every secret in it as "***": the known values, anything between "//" and "@"
 * in a URL, and the values of query parameters that are called a key, token, password, secret or
 * signature. False when memory is out. */
bool secrets_mask(const struct secrets *secrets, struct ringsend_bytes text, struct buf_pool *pool,
                  struct buf *out);

#endif
