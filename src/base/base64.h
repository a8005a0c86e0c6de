/* Base64 as in RFC 4648 section 4: with padding, without white space. */
#ifndef RINGSEND_BASE_BASE64_H
#define RINGSEND_BASE_BASE64_H

#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>

/* How many characters so many bytes become. */
static inline size_t base64_bytes(size_t bytes)
{
    return (bytes + 2) / 3 * 4;
}

/* Writes base64_bytes(bytes.bytes) characters to `to`, no NUL, and returns their end. */
char *base64_encode(struct ringsend_bytes bytes, char *to);
/* False when the text is anything else, bits behind the end included. `out` has room for
 * text.bytes / 4 * 3, and may be where `text` is: it is never ahead of it. */
bool base64_decode(struct ringsend_bytes text, char *out, size_t *out_bytes);

#endif
