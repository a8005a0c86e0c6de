/* What OpenSSL calls: for bytes, for the verdict on the peer's chain, when a server asks for our
 * certificate, and when it names a session. All of it happens inside of a call of connection.c's,
 * so on whichever thread that runs. */
#include "tls/openssl/connection.h"

#include "tls/openssl/crypto.h"

#include <stdlib.h>
#include <string.h>

void tls_fail(struct tls *t, enum ringsend_error error, const char *detail)
{
    if (t->error != RINGSEND_OK)
        return; /* the first one sticks */
    t->error = error;
    t->detail = detail;
}

/* ---- Bytes ---- */

static int read_bytes(BIO *bio, char *to, int room)
{
    struct tls *t = openssl.BIO_get_data(bio);
    size_t bytes = t->in_bytes < (size_t)room ? t->in_bytes : (size_t)room;
    openssl.BIO_clear_flags(bio, BIO_FLAGS_RWS | BIO_FLAGS_SHOULD_RETRY);
    if (bytes == 0) {
        openssl.BIO_set_flags(bio, BIO_FLAGS_READ | BIO_FLAGS_SHOULD_RETRY);
        return -1;
    }
    memcpy(to, t->in, bytes);
    t->in += bytes;
    t->in_bytes -= bytes;
    return (int)bytes;
}

static int write_bytes(BIO *bio, const char *from, int count)
{
    struct tls *t = openssl.BIO_get_data(bio);
    size_t bytes = (size_t)count, needed = t->out_end + bytes;
    openssl.BIO_clear_flags(bio, BIO_FLAGS_RWS | BIO_FLAGS_SHOULD_RETRY);
    if (needed > t->out.bytes) {
        uint8_t *data = realloc(t->out.data, needed);
        if (!data) {
            tls_fail(t, RINGSEND_E_NO_MEMORY, NULL);
            return -1;
        }
        t->out = (struct bytes){data, needed};
    }
    memcpy(t->out.data + t->out_end, from, bytes);
    t->out_end = needed;
    return count;
}

static long control(BIO *bio, int command, long number, void *more)
{
    (void)bio;
    (void)number;
    (void)more;
    return command == BIO_CTRL_FLUSH;
}

BIO_METHOD *openssl_bio_new(void)
{
    BIO_METHOD *method = openssl.BIO_meth_new(BIO_TYPE_SOURCE_SINK | 0x70, "ringsend");
    if (!method)
        return NULL;
    openssl.BIO_meth_set_read(method, read_bytes);
    openssl.BIO_meth_set_write(method, write_bytes);
    openssl.BIO_meth_set_ctrl(method, control);
    return method;
}

/* ---- The peer's chain ---- */

static struct tls *tls_of(const SSL *ssl)
{
    return openssl.SSL_get_ex_data(ssl, 0);
}

/* Collects the certificates as they are on the wire. */
static bool collect(struct tls *t, const OPENSSL_STACK *stack, struct der *chain, size_t count)
{
    size_t total = 0;
    for (size_t i = 0; i < count; i++) {
        int bytes = openssl.i2d_X509(openssl.OPENSSL_sk_value(stack, (int)i), NULL);
        total += bytes > 0 ? (size_t)bytes : 0;
    }
    struct bytes *all = &t->greeting->chain;
    *all = (struct bytes){malloc(total > 0 ? total : 1), total};
    if (!all->data)
        return false;
    unsigned char *at = all->data;
    for (size_t i = 0; i < count; i++) {
        chain[i].at = at;
        openssl.i2d_X509(openssl.OPENSSL_sk_value(stack, (int)i), &at);
        chain[i].end = at;
    }
    return true;
}

static void judge(struct tls *t, const OPENSSL_STACK *stack)
{
    struct greeting *g = t->greeting;
    struct der chain[CHAIN_CERTS_MAX];
    struct public_key key;
    int count = openssl.OPENSSL_sk_num(stack);
    if (count > CHAIN_CERTS_MAX) {
        tls_fail(t, RINGSEND_E_TLS_BAD_CHAIN, chain_too_long);
        return;
    }
    if (!collect(t, stack, chain, count > 0 ? (size_t)count : 0)) {
        tls_fail(t, RINGSEND_E_NO_MEMORY, NULL);
        return;
    }
    chain_judge(t->config, &openssl_crypto, &g->host, chain, count > 0 ? (size_t)count : 0, &key,
                &g->verdict);
    t->not_after_s = g->verdict.not_after_s;
    if (g->verdict.error != RINGSEND_OK)
        tls_fail(t, g->verdict.error, g->verdict.detail[0] ? g->verdict.detail : NULL);
}

/* What makes OpenSSL send the alert that BearSSL's side sends. */
static int verdict_of(enum ringsend_error error)
{
    switch (alert_of_refusal(error)) {
    case 45:
        return X509_V_ERR_CERT_HAS_EXPIRED;
    case 48:
        return X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY;
    case 43:
        return X509_V_ERR_INVALID_PURPOSE;
    case 80:
        return X509_V_ERR_OUT_OF_MEM;
    default:
        return X509_V_ERR_CERT_REJECTED;
    }
}

static int verify(X509_STORE_CTX *store, void *unused)
{
    (void)unused;
    const SSL *ssl =
        openssl.X509_STORE_CTX_get_ex_data(store, openssl.SSL_get_ex_data_X509_STORE_CTX_idx());
    struct tls *t = tls_of(ssl);
    if (!t->greeting) /* certificates after the handshake: nobody asks for that */
        return 0;
    judge(t, (const OPENSSL_STACK *)openssl.X509_STORE_CTX_get0_untrusted(store));
    openssl.X509_STORE_CTX_set_error(store, t->error ? verdict_of(t->error) : X509_V_OK);
    return t->error == RINGSEND_OK;
}

/* ---- Our certificate, and sessions ---- */

/* The certificate is in the context; the server's list of authorities is not looked at. */
static int note_asked(SSL *ssl, void *unused)
{
    (void)unused;
    tls_of(ssl)->asked = true;
    return 1;
}

/* TLS 1.3's come when they like, also on a thread that is not the connection's own. */
static int note_session(SSL *ssl, SSL_SESSION *session)
{
    struct tls *t = tls_of(ssl);
    if (t->fresh_count == FRESH_SESSIONS_MAX)
        return 0;
    t->fresh[t->fresh_count++] = session;
    return 1;
}

void openssl_set_callbacks(SSL_CTX *context)
{
    openssl.SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    openssl.SSL_CTX_set_cert_verify_callback(context, verify, NULL);
    openssl.SSL_CTX_set_cert_cb(context, note_asked, NULL);
    openssl.SSL_CTX_sess_set_new_cb(context, note_session);
}
