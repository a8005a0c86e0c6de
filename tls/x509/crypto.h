/* What a library of ciphers does for the judgement of certificates: it checks signatures. Which
 * keys and signatures stand in a certificate is told by cert.h; not every library can do all. */
#ifndef RINGSEND_TLS_CRYPTO_H
#define RINGSEND_TLS_CRYPTO_H

#include "tls/x509/cert.h"

struct crypto {
    bool (*knows_key)(const struct public_key *key);
    bool (*knows_signature)(const struct cert *cert);
    /* Is the certificate signed with this key? Both are known ones. False as well when its kind
     * does not fit the signature's. 0.05 to 10 ms. */
    bool (*verify)(const struct cert *cert, const struct public_key *key);
};

#endif
