/* Certificate policies along a path (RFC 5280 6.1): only whether an authority that requires an
 * explicit policy has its way, for to us any policy will do. */
#ifndef RINGSEND_TLS_X509_POLICY_H
#define RINGSEND_TLS_X509_POLICY_H

#include "tls/x509/cert.h"

enum policy_verdict {
    POLICY_MET,
    POLICY_MISSING, /* one is required, and none holds all the way */
    POLICY_BAD,     /* the extensions cannot be followed */
};

/* path: from the leaf to the anchor, which is not asked for policies. */
enum policy_verdict policy_check(const struct cert *const *path, size_t depth);

#endif
