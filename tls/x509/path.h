/* Is there a valid path from the peer's certificate to a trusted one? RFC 5280 section 6. */
#ifndef RINGSEND_TLS_PATH_H
#define RINGSEND_TLS_PATH_H

#include "tls/x509/crypto.h"
#include "tls/x509/names.h"
#include "tls/x509/trust.h"

enum {
    PATH_CERTS_MAX = 9,             /* from the leaf to the anchor, both included */
    PATH_STEPS_MAX = 200,           /* issuers tried in all */
    PATH_SIGNATURES_MAX = 8,        /* verified in all: up to 10 ms each, P-521 more */
    PATH_COMPARISONS_MAX = 1 << 18, /* of names with constraints */
    PATH_DETAIL_BYTES = 280,
};

struct path_verdict {
    enum ringsend_error error;
    int64_t not_after_s;            /* with RINGSEND_OK: when the first of the path expires */
    char detail[PATH_DETAIL_BYTES]; /* with an error: a sentence, or empty */
};

/* Adds to the verdict that so many certificates the peer sent could not be read: if nobody is
 * trusted to have signed, they may be why. */
void path_tell_malformed(struct path_verdict *verdict, size_t count);

/* certs[0] is the peer's own, the others come in any order and may have nothing to do with it. */
void path_verify(const struct trust *trust, const struct crypto *crypto, const struct cert *certs,
                 size_t count, const struct host *host, int64_t now_s,
                 struct path_verdict *verdict);

#endif
