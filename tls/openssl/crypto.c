/* All kinds of keys and signatures that cert.h has names for. What may be said of them beforehand
 * (sizes, hashes, salts) was said there, for all libraries alike. */
#include "tls/openssl/crypto.h"

#include "tls/openssl/load.h"

static bool knows_key(const struct public_key *key)
{
    return key->kind != KEY_UNKNOWN;
}

static bool knows_signature(const struct cert *cert)
{
    return cert->signature_kind > CERT_SIGNATURE_WEAK;
}

static const EVP_MD *hash_of(const struct cert *cert)
{
    switch (cert->hash) {
    case CERT_HASH_SHA256:
        return openssl.EVP_sha256();
    case CERT_HASH_SHA384:
        return openssl.EVP_sha384();
    case CERT_HASH_SHA512:
        return openssl.EVP_sha512();
    case CERT_HASH_NONE:
        break;
    }
    return NULL; /* the signature has its own */
}

static bool fits(const struct cert *cert, const struct public_key *key)
{
    switch (cert->signature_kind) {
    case CERT_SIGNATURE_RSA:
        return key->kind == KEY_RSA;
    case CERT_SIGNATURE_RSA_PSS:
        return key->kind == KEY_RSA || key->kind == KEY_RSA_PSS;
    case CERT_SIGNATURE_ECDSA:
        return key->kind == KEY_EC;
    case CERT_SIGNATURE_EDWARDS:
        return key->kind == KEY_EDWARDS;
    case CERT_SIGNATURE_UNKNOWN:
    case CERT_SIGNATURE_WEAK:
        break;
    }
    return false;
}

static bool check(const struct cert *cert, EVP_MD_CTX *context, EVP_PKEY *key)
{
    const EVP_MD *hash = hash_of(cert);
    EVP_PKEY_CTX *inner = NULL;
    if (openssl.EVP_DigestVerifyInit(context, &inner, hash, NULL, key) != 1)
        return false;
    if (cert->signature_kind == CERT_SIGNATURE_RSA_PSS &&
        (openssl.EVP_PKEY_CTX_set_rsa_padding(inner, RSA_PKCS1_PSS_PADDING) != 1 ||
         openssl.EVP_PKEY_CTX_set_rsa_mgf1_md(inner, hash) != 1 ||
         openssl.EVP_PKEY_CTX_set_rsa_pss_saltlen(inner, (int)cert->salt_bytes) != 1))
        return false;
    return openssl.EVP_DigestVerify(context, cert->signature.at, der_bytes(cert->signature),
                                    cert->signed_part.at, der_bytes(cert->signed_part)) == 1;
}

static bool verify(const struct cert *cert, const struct public_key *key)
{
    if (!fits(cert, key))
        return false;
    const unsigned char *at = key->whole.at;
    openssl.ERR_clear_error();
    EVP_PKEY *parsed = openssl.d2i_PUBKEY(NULL, &at, (long)der_bytes(key->whole));
    EVP_MD_CTX *context = openssl.EVP_MD_CTX_new();
    bool good = parsed && context && check(cert, context, parsed);
    openssl.EVP_MD_CTX_free(context);
    openssl.EVP_PKEY_free(parsed);
    openssl.ERR_clear_error();
    return good;
}

const struct crypto openssl_crypto = {knows_key, knows_signature, verify};
