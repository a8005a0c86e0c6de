/* OpenSSL's part in the judgement of certificates. */
#ifndef RINGSEND_TLS_OPENSSL_CRYPTO_H
#define RINGSEND_TLS_OPENSSL_CRYPTO_H

#include "tls/x509/crypto.h"

/* Only once OpenSSL is loaded. */
extern const struct crypto openssl_crypto;

#endif
