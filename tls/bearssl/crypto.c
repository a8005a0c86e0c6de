/* RSA with PKCS#1 v1.5 up to 4096 bits, ECDSA on the three NIST curves: BearSSL 0.6 has no more. */
#include "tls/bearssl/crypto.h"

enum { RSA_BYTES_MAX = 512 }; /* the size of its buffers */

_Static_assert((int)CURVE_P256 == BR_EC_secp256r1 && (int)CURVE_P384 == BR_EC_secp384r1 &&
                   (int)CURVE_P521 == BR_EC_secp521r1,
               "its numbers are TLS's");

/* Its key structs hold pointers to non-const bytes that it only reads. */
static unsigned char *bare(const uint8_t *at)
{
    return (unsigned char *)(uintptr_t)at;
}

static bool knows_key(const struct public_key *key)
{
    return key->kind == KEY_EC || (key->kind == KEY_RSA && der_bytes(key->n) <= RSA_BYTES_MAX);
}

br_x509_pkey bearssl_key(const struct public_key *key)
{
    br_x509_pkey bear = {0};
    if (!knows_key(key))
        return bear;
    if (key->kind == KEY_RSA) {
        bear.key_type = BR_KEYTYPE_RSA;
        bear.key.rsa = (br_rsa_public_key){bare(key->n.at), der_bytes(key->n), bare(key->e.at),
                                           der_bytes(key->e)};
    } else {
        bear.key_type = BR_KEYTYPE_EC;
        bear.key.ec =
            (br_ec_public_key){(int)key->curve, bare(key->point.at), der_bytes(key->point)};
    }
    return bear;
}

static bool knows_signature(const struct cert *cert)
{
    return cert->signature_kind == CERT_SIGNATURE_RSA ||
           cert->signature_kind == CERT_SIGNATURE_ECDSA;
}

static const struct hash {
    const br_hash_class *class;
    const unsigned char *oid;
    size_t bytes;
} hashes[] = {
    [CERT_HASH_SHA256] = {&br_sha256_vtable, (const unsigned char *)BR_HASH_OID_SHA256, 32},
    [CERT_HASH_SHA384] = {&br_sha384_vtable, (const unsigned char *)BR_HASH_OID_SHA384, 48},
    [CERT_HASH_SHA512] = {&br_sha512_vtable, (const unsigned char *)BR_HASH_OID_SHA512, 64},
};

static bool verify(const struct cert *cert, const struct public_key *key)
{
    const struct hash *hash = &hashes[cert->hash];
    const br_x509_pkey bear = bearssl_key(key);
    br_hash_compat_context context;
    uint8_t digest[64], found[64];
    hash->class->init(&context.vtable);
    hash->class->update(&context.vtable, cert->signed_part.at, der_bytes(cert->signed_part));
    hash->class->out(&context.vtable, digest);
    if (cert->signature_kind == CERT_SIGNATURE_RSA)
        return bear.key_type == BR_KEYTYPE_RSA &&
               br_rsa_pkcs1_vrfy_get_default()(cert->signature.at, der_bytes(cert->signature),
                                               hash->oid, hash->bytes, &bear.key.rsa, found) == 1 &&
               memcmp(found, digest, hash->bytes) == 0;
    return bear.key_type == BR_KEYTYPE_EC &&
           br_ecdsa_i31_vrfy_asn1(br_ec_get_default(), digest, hash->bytes, &bear.key.ec,
                                  cert->signature.at, der_bytes(cert->signature)) == 1;
}

const struct crypto bearssl_crypto = {knows_key, knows_signature, verify};
