/* What is a secret, and how to show something without showing it: the one place that decides. */
#ifndef RINGSEND_RECORDS_SECRET_H
#define RINGSEND_RECORDS_SECRET_H

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

/* What carries the name. In a query `code` is an access key (Azure's) or a sign-in code; everywhere
 * else it is a code like any other. `key` alone is one but in data, where it is half of a pair. */
enum secret_kind {
    SECRET_HEADER,
    SECRET_PARAMETER, /* of a query or form */
    SECRET_MEMBER     /* of a JSON object; a column of a table */
};

/* Whether what has that name is a secret, whatever its value. Names are taken apart into words, at
 * any byte that is no letter or digit, and where lower case turns into upper case: api_key, apiKey
 * and X-Api-Key are the same. */
bool secret_is_name(enum secret_kind kind, struct ringsend_bytes name);
/* A header whose value is one whatever it is: Authorization, Cookie, X-Api-Key and their kind. */
bool secret_is_header(struct ringsend_bytes name);

/* Appends `text` with every secret in it as "***": the known values, anything between "//" and "@"
 * in a URL, and by their names the values of parameters of queries and forms, of members of JSON
 * objects (in JSON that a string of JSON holds, too), of XML elements, and of attributes in quotes.
 * A place of a template, as "{{env.TOKEN}}", stays. False when memory is out. */
bool secrets_mask(const struct secrets *secrets, struct ringsend_bytes text, struct buf_pool *pool,
                  struct buf *out);

#endif
