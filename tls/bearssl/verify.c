/* What BearSSL calls during a handshake: with the peer's certificates, and when a server asks for
 * ours.
 *
 * All certificates are collected first and judged when the last has come, because they may come in
 * any order. The verdict stays in the handshake; to BearSSL only yes or no matters. */
#include "tls/bearssl/connection.h"

#include "base/check.h"
#include "tls/bearssl/crypto.h"
#include "tls/bearssl/errors.h"

#include <stdlib.h>

void handshake_free(struct handshake *handshake)
{
    if (!handshake)
        return;
    free(handshake->chain.data);
    free(handshake);
}

/* ---- The peer's chain ---- */

static struct tls *tls_of(const br_x509_class **context)
{
    return ((struct verifier *)(void *)context)->tls;
}

void refuse(struct tls *t, enum ringsend_error error, const char *detail)
{
    struct handshake *h = t->handshake;
    if (t->error)
        return;
    const uint8_t alert[] = {21, BR_TLS12 >> 8, BR_TLS12 & 0xff, 0, 2, 2, alert_of_refusal(error)};
    t->error = error;
    t->detail = detail;
    memcpy(h->record, alert, sizeof alert);
    h->record_bytes = sizeof alert;
    h->record_taken = 0;
}

static void start_chain(const br_x509_class **context, const char *server_name)
{
    (void)server_name; /* what we sent; the host to check against is our own */
    struct tls *t = tls_of(context);
    t->full = true;
    CHECK(t->handshake); /* renegotiation is off: nothing starts once it is freed */
}

/* Makes room. A chain beyond the limits fails here and not at its end, which may be far. */
static void start_cert(const br_x509_class **context, uint32_t length)
{
    struct tls *t = tls_of(context);
    struct handshake *h = t->handshake;
    if (t->error)
        return;
    if (h->count == CHAIN_CERTS_MAX || length > CHAIN_BYTES_MAX - h->chain_used) {
        refuse(t, RINGSEND_E_TLS_BAD_CHAIN, chain_too_long);
        return;
    }
    size_t needed = h->chain_used + length;
    if (needed > h->chain.bytes) {
        uint8_t *data = realloc(h->chain.data, needed);
        if (!data) {
            refuse(t, RINGSEND_E_NO_MEMORY, NULL);
            return;
        }
        h->chain = (struct bytes){data, needed};
    }
}

static void append(const br_x509_class **context, const unsigned char *data, size_t bytes)
{
    struct tls *t = tls_of(context);
    struct handshake *h = t->handshake;
    if (t->error)
        return;
    CHECK(bytes <= h->chain.bytes - h->chain_used);
    memcpy(h->chain.data + h->chain_used, data, bytes);
    h->chain_used += bytes;
}

static void end_cert(const br_x509_class **context)
{
    struct tls *t = tls_of(context);
    struct handshake *h = t->handshake;
    if (!t->error)
        h->ends[h->count++] = h->chain_used;
}

static struct der nth(const struct handshake *h, size_t i)
{
    size_t start = i > 0 ? h->ends[i - 1] : 0;
    return (struct der){h->chain.data + start, h->chain.data + h->ends[i]};
}

static void judge(const struct tls_config *config, struct handshake *h)
{
    struct der chain[CHAIN_CERTS_MAX];
    struct public_key key = {0};
    for (size_t i = 0; i < h->count; i++)
        chain[i] = nth(h, i);
    chain_judge(config, &bearssl_crypto, &h->host, chain, h->count, &key, &h->verdict);
    h->key = bearssl_key(&key);
}

static unsigned end_chain(const br_x509_class **context)
{
    struct tls *t = tls_of(context);
    struct handshake *h = t->handshake;
    if (t->error)
        return BR_ERR_X509_NOT_TRUSTED;
    judge(t->config, h);
    t->session_not_after_s = h->verdict.not_after_s;
    if (h->verdict.error == RINGSEND_OK)
        return 0;
    refuse(t, h->verdict.error, h->verdict.detail[0] ? h->verdict.detail : NULL);
    return BR_ERR_X509_NOT_TRUSTED;
}

/* Asked for only after a chain was accepted. Its usage was checked with it. */
static const br_x509_pkey *get_key(const br_x509_class *const *context, unsigned *usages)
{
    const struct verifier *v = (const struct verifier *)(const void *)context;
    CHECK(v->tls->handshake && v->tls->handshake->key.key_type);
    if (usages)
        *usages = BR_KEYTYPE_SIGN;
    return &v->tls->handshake->key;
}

const br_x509_class verifier_class = {
    sizeof(struct verifier), start_chain, start_cert, append, end_cert, end_chain, get_key,
};

/* ---- Our certificate ---- */

static struct client_auth *auth_of(const br_ssl_client_certificate_class **context)
{
    return (struct client_auth *)(void *)context;
}

/* The server's list of authorities is not looked at: we have one certificate or none. */
static void ignore_list(const br_ssl_client_certificate_class **context)
{
    (void)context;
}

static void ignore_name(const br_ssl_client_certificate_class **context, size_t bytes)
{
    (void)context;
    (void)bytes;
}

static void ignore_part(const br_ssl_client_certificate_class **context, const unsigned char *data,
                        size_t bytes)
{
    (void)context;
    (void)data;
    (void)bytes;
}

static void choose(const br_ssl_client_certificate_class **context, const br_ssl_client_context *cc,
                   uint32_t auth_types, br_ssl_client_certificate *choices)
{
    struct client_auth *a = auth_of(context);
    a->tls->asked = true;
    *choices = (br_ssl_client_certificate){0}; /* an empty list, RFC 5246 7.4.6 */
    if (a->own)
        (*a->own)->choose(a->own, cc, auth_types, choices);
}

/* The parameters are BearSSL's. NOLINTNEXTLINE(readability-non-const-parameter) */
static uint32_t exchange(const br_ssl_client_certificate_class **context, unsigned char *data,
                         size_t *bytes)
{
    (void)context;
    (void)data;
    *bytes = 0;
    return 0; /* static ECDH, which is not offered */
}

static size_t sign(const br_ssl_client_certificate_class **context, int hash_id, size_t hash_bytes,
                   unsigned char *data, size_t room)
{
    struct client_auth *a = auth_of(context);
    CHECK(a->own);
    return (*a->own)->do_sign(a->own, hash_id, hash_bytes, data, room);
}

const br_ssl_client_certificate_class client_auth_class = {
    sizeof(struct client_auth),
    ignore_list,
    ignore_name,
    ignore_part,
    ignore_list,
    ignore_list,
    choose,
    exchange,
    sign,
};
