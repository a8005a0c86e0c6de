/* One's own certificate chain and private key. */
#ifndef RINGSEND_TLS_IDENTITY_H
#define RINGSEND_TLS_IDENTITY_H

#include "tls/bearssl/crypto.h"
#include "tls/x509/own.h"

struct identity {
    size_t count; /* 0: none */
    br_x509_certificate chain[OWN_CERTS_MAX];
    int key_type; /* BR_KEYTYPE_RSA or BR_KEYTYPE_EC */
    union {
        br_rsa_private_key rsa;
        br_ec_private_key ec;
    } key;
    struct own own; /* what chain and key point into */
};

/* key_file null: the key is in chain_file. */
bool identity_load(struct identity *identity, const char *chain_file, const char *key_file,
                   struct message message);
/* Wipes the key. Harmless on a zeroed one. */
void identity_free(struct identity *identity);

/* Exposed for tests: takes an unencrypted key apart (PKCS#8, PKCS#1 or SEC1), pointing into der.
 * False: not such a key, or too large. */
bool identity_parse_key(struct der der, struct identity *identity);

#endif
