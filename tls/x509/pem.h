/* PEM (RFC 7468): text with base64 blocks between BEGIN and END lines. Anything outside the blocks
 * is a comment; lines may end in LF or CRLF, the last one in nothing, which may have joined it to
 * the first one of another file. */
#ifndef RINGSEND_TLS_PEM_H
#define RINGSEND_TLS_PEM_H

#include "base/span.h"

#include <stdint.h>

struct pem {
    const char *at;
    const char *end;
};

struct pem_block {
    struct ringsend_bytes label; /* "CERTIFICATE" */
    struct ringsend_bytes body;  /* between the two lines */
    bool encrypted; /* by the old way of RFC 1421: "Proc-Type: 4,ENCRYPTED" in the body */
};

enum pem_next {
    PEM_BLOCK,
    PEM_NONE,   /* no more blocks */
    PEM_BROKEN, /* a block without its END line: label alone is set; what follows it is intact */
};

enum pem_next pem_next(struct pem *p, struct pem_block *block);

/* How many bytes a body can become at most. */
static inline size_t pem_decoded_bytes_max(struct ringsend_bytes body)
{
    return body.bytes / 4 * 3 + 3;
}

/* Decodes a body to `out`, which has room for pem_decoded_bytes_max. False when it is not base64.
 */
bool pem_decode(struct ringsend_bytes body, uint8_t *out, size_t *bytes);

#endif
