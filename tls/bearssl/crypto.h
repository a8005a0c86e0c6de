/* BearSSL's part in the judgement of certificates. */
#ifndef RINGSEND_TLS_BEARSSL_CRYPTO_H
#define RINGSEND_TLS_BEARSSL_CRYPTO_H

#include "tls/x509/crypto.h"

#include <bearssl.h>

extern const struct crypto bearssl_crypto;

/* In BearSSL's terms; key_type 0: of a kind it lacks. Points into the key's certificate. */
br_x509_pkey bearssl_key(const struct public_key *key);

#endif
