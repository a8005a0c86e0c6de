/* The SSL_CTX that all connections of a configuration share, made when the first one wants it: it
 * takes some milliseconds, most of them to load the library.
 *
 * The profile is BearSSL's as far as TLS 1.2 goes (ephemeral keys, SHA-2, AEAD), so that a server
 * is refused by both or by none for want of something better; and all of TLS 1.3. Extended master
 * secret and tickets come by themselves; no renegotiation, no compression, no early data. */
#include "tls/openssl/config.h"

#include "tls/openssl/connection.h"

#include <stdlib.h>

#define SUITES_12                                                                              \
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305:" \
    "ECDHE-RSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384"
#define SUITES_13 "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"
#define GROUPS "X25519:P-256:P-384:P-521"
#define SIGNATURES                                                                   \
    "ECDSA+SHA256:ECDSA+SHA384:ECDSA+SHA512:ed25519:ed448:rsa_pss_rsae_sha256:"      \
    "rsa_pss_rsae_sha384:rsa_pss_rsae_sha512:rsa_pss_pss_sha256:rsa_pss_pss_sha384:" \
    "rsa_pss_pss_sha512:RSA+SHA256:RSA+SHA384:RSA+SHA512"

struct openssl_config *openssl_config_new(void)
{
    struct openssl_config *o = calloc(1, sizeof *o);
    if (o)
        pthread_mutex_init(&o->mutex, NULL);
    return o;
}

void openssl_config_free(struct openssl_config *o)
{
    if (!o)
        return;
    if (o->context)
        openssl.SSL_CTX_free(o->context);
    if (o->bio)
        openssl.BIO_meth_free(o->bio);
    pthread_mutex_destroy(&o->mutex);
    free(o);
}

static bool set_identity(SSL_CTX *context, const struct own *own)
{
    for (size_t i = 0; i < own->count; i++) {
        const unsigned char *at = own->chain[i].at;
        long bytes = (long)der_bytes(own->chain[i]);
        if (i == 0) {
            if (openssl.SSL_CTX_use_certificate_ASN1(context, (int)bytes, at) != 1)
                return false;
            continue;
        }
        X509 *issuer = openssl.d2i_X509(NULL, &at, bytes);
        if (!issuer || openssl.SSL_CTX_ctrl(context, SSL_CTRL_EXTRA_CHAIN_CERT, 0, issuer) != 1) {
            openssl.X509_free(issuer);
            return false;
        }
    }
    const unsigned char *at = own->key_der.data;
    EVP_PKEY *key = openssl.d2i_AutoPrivateKey(NULL, &at, (long)own->key_der.bytes);
    bool good = key && openssl.SSL_CTX_use_PrivateKey(context, key) == 1;
    openssl.EVP_PKEY_free(key);
    return good;
}

/* ctrl's argument is not const, and only read. */
static bool set_text(SSL_CTX *context, int command, const char *text)
{
    return openssl.SSL_CTX_ctrl(context, command, 0, (void *)(uintptr_t)text) == 1;
}

static bool set_profile(SSL_CTX *context, const struct tls_config *config)
{
    int least = config->min_13 ? TLS1_3_VERSION : TLS1_2_VERSION;
    openssl.SSL_CTX_set_security_level(context, 1); /* keys are ours to judge */
    openssl.SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    if (config->legacy_renegotiation)
        openssl.SSL_CTX_set_options(context, SSL_OP_LEGACY_SERVER_CONNECT);
    openssl.SSL_CTX_ctrl(context, SSL_CTRL_MODE, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN,
                         NULL);
    openssl.SSL_CTX_ctrl(context, SSL_CTRL_SET_MAX_CERT_LIST, CHAIN_BYTES_MAX, NULL);
    openssl.SSL_CTX_ctrl(context, SSL_CTRL_SET_SESS_CACHE_MODE,
                         SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL, NULL);
    return openssl.SSL_CTX_ctrl(context, SSL_CTRL_SET_MIN_PROTO_VERSION, least, NULL) == 1 &&
           openssl.SSL_CTX_ctrl(context, SSL_CTRL_SET_MAX_PROTO_VERSION, TLS1_3_VERSION, NULL) ==
               1 &&
           openssl.SSL_CTX_set_cipher_list(context, SUITES_12) == 1 &&
           openssl.SSL_CTX_set_ciphersuites(context, SUITES_13) == 1 &&
           set_text(context, SSL_CTRL_SET_GROUPS_LIST, GROUPS) &&
           set_text(context, SSL_CTRL_SET_SIGALGS_LIST, SIGNATURES) &&
           set_text(context, SSL_CTRL_SET_CLIENT_SIGALGS_LIST, SIGNATURES);
}

static void set_up(struct openssl_config *o, const struct tls_config *config)
{
    o->fault = openssl_load();
    if (o->fault)
        return;
    o->bio = openssl_bio_new();
    o->context = openssl.SSL_CTX_new(openssl.TLS_client_method());
    if (!o->bio || !o->context || !set_profile(o->context, config)) {
        o->fault = "OpenSSL cannot be set up as ringsend needs it";
        return;
    }
    if (config->own && !set_identity(o->context, config->own))
        o->fault = "OpenSSL refuses the client's certificate or key";
    openssl_set_callbacks(o->context);
}

const char *openssl_config_ready(const struct tls_config *config)
{
    struct openssl_config *o = config->openssl;
    pthread_mutex_lock(&o->mutex);
    if (!o->tried)
        set_up(o, config);
    o->tried = true;
    const char *fault = o->fault;
    pthread_mutex_unlock(&o->mutex);
    return fault;
}
