/* One connection: an SSL of OpenSSL's behind tls.h.
 *
 * Life: handshake (struct greeting present, no plain byte moves), ready (freed), closed or failed.
 * OpenSSL keeps the state; here stand the bytes on both sides of it, and the first failure.
 *
 * Bytes. OpenSSL reads and writes through a BIO (callbacks.c): it takes what it wants out of what
 * tls_feed was given, so that a record too many is never taken in, and puts cipher bytes behind
 * `out`, from where tls_take has them. Plain bytes of the peer are read a record at a time, and
 * stand in `plain` until they are consumed; those of ours are put together in `staged` until the
 * record is full or flushed. All three are malloc's, and there only while they hold something: a
 * connection that idles has none.
 *
 * Errors. OpenSSL's queue of them is the thread's, and what others left there is taken for ours:
 * it is cleared before each call that may fail.
 *
 * Where the time goes: tls_client_new makes the key pair of a TLS 1.3 hello (40 us); all else of a
 * handshake runs in tls_feed. Tickets of TLS 1.3 come behind the handshake, an update of the keys
 * at any time: reading meets them, and what is to be answered goes with the next record. */
#include "tls/openssl/connection.h"

#include "base/check.h"
#include "base/memory.h"
#include "base/time.h"
#include "tls/openssl/config.h"
#include "tls/openssl/failures.h"
#include "tls/protocols.h"

#include <stdlib.h>
#include <string.h>

enum { SESSION_SECONDS_MAX = S_PER_DAY }; /* RFC 5246 F.1.4; RFC 8446 4.6.1 allows a week */

static size_t out_bytes(const struct tls *t)
{
    return t->out_end - t->out_at;
}

static bool is_over(const struct tls *t)
{
    return t->error != RINGSEND_OK || t->closed || t->peer_closed;
}

/* ---- Making and freeing ---- */

static void greeting_free(struct tls *t)
{
    if (t->greeting)
        free(t->greeting->chain.data);
    free(t->greeting);
    t->greeting = NULL;
}

static void drop_plain(struct tls *t)
{
    if (t->plain)
        explicit_bzero(t->plain, t->plain_end);
    free(t->plain);
    t->plain = NULL;
    t->plain_at = t->plain_end = 0;
}

static void drop_staged(struct tls *t)
{
    if (t->staged)
        explicit_bzero(t->staged, t->staged_bytes);
    free(t->staged);
    t->staged = NULL;
    t->staged_bytes = 0;
}

static void connection_free(struct tls *t)
{
    struct memory *memory = t->local->memory;
    size_t bytes = sizeof *t + strlen(t->host) + 1;
    for (size_t i = 0; i < t->fresh_count; i++)
        openssl.SSL_SESSION_free(t->fresh[i]);
    drop_plain(t);
    drop_staged(t);
    if (t->ssl) {
        /* Else it takes the session of one that ends without farewell for a bad one. */
        openssl.SSL_set_shutdown(t->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
        openssl.SSL_free(t->ssl);
    }
    greeting_free(t);
    free(t->out.data);
    explicit_bzero(t, bytes);
    memory_give_back(memory, t, bytes);
}

static bool make_ssl(struct tls *t)
{
    const struct openssl_config *o = t->config->openssl;
    BIO *bio = openssl.BIO_new(o->bio);
    t->ssl = openssl.SSL_new(o->context);
    if (!bio || !t->ssl) {
        if (bio)
            openssl.BIO_free(bio);
        return false;
    }
    openssl.BIO_set_data(bio, t);
    openssl.BIO_set_init(bio, 1);
    openssl.SSL_set_bio(t->ssl, bio, bio);
    openssl.SSL_set_connect_state(t->ssl);
    return openssl.SSL_set_ex_data(t->ssl, 0, t) == 1;
}

/* No name is sent for an address (RFC 6066 3). */
static bool name_host(struct tls *t)
{
    const struct host *host = &t->greeting->host;
    return host->address_bytes > 0 ||
           openssl.SSL_ctrl(t->ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                            (void *)(uintptr_t)host->name) == 1;
}

static bool name_protocols(struct tls *t)
{
    uint8_t list[TLS_PROTOCOLS_BYTES_MAX];
    const uint8_t *end = protocols_put(list, t->peer.protocols);
    return end == list || openssl.SSL_set_alpn_protos(t->ssl, list, (unsigned)(end - list)) == 0;
}

static void offer_session(struct tls *t)
{
    SSL_SESSION *session = sessions_take(t->local->openssl, &t->peer, &t->not_after_s);
    if (!session)
        return;
    t->offered = openssl.SSL_set_session(t->ssl, session) == 1;
    openssl.SSL_SESSION_free(session);
}

static void go_on(struct tls *t);

static struct tls *client_new(struct tls_local *local, const char *host, uint16_t port,
                              tls_protocols protocols, bool limit_12)
{
    size_t host_bytes = strlen(host) + 1;
    struct tls *t = memory_take_zeroed(local->memory, sizeof *t + host_bytes);
    if (!t)
        return NULL;
    t->head.library = &openssl_library;
    t->config = local->config;
    t->local = local;
    memcpy(t->host, host, host_bytes);
    t->peer = (struct session_peer){t->host, port, protocols};
    t->greeting = calloc(1, sizeof *t->greeting);
    const char *fault = openssl_config_ready(t->config);
    if (fault) {
        tls_fail(t, RINGSEND_E_TLS_CONFIG, fault);
        return t;
    }
    openssl.ERR_clear_error();
    if (!t->greeting || !make_ssl(t)) {
        connection_free(t);
        return NULL;
    }
    if (!host_parse(host, &t->greeting->host)) {
        tls_fail(t, RINGSEND_E_TLS_WRONG_HOST, "no certificate can be for such a host name");
        return t;
    }
    if (!name_host(t) || !name_protocols(t)) {
        connection_free(t);
        return NULL;
    }
    if (limit_12)
        openssl.SSL_ctrl(t->ssl, SSL_CTRL_SET_MAX_PROTO_VERSION, TLS1_2_VERSION, NULL);
    offer_session(t);
    go_on(t);
    return t;
}

/* ---- State ---- */

static unsigned state_of(const struct tls *t)
{
    unsigned state = out_bytes(t) > 0 ? TLS_TAKE : 0;
    if (is_over(t))
        return state | (state && !t->error ? 0 : TLS_CLOSED);
    if (t->plain)
        state |= TLS_READ;
    else
        state |= TLS_FEED;
    if (t->ready && out_bytes(t) < TLS_RECORD_PLAIN_BYTES)
        state |= TLS_WRITE;
    return state;
}

static bool is_ready(const struct tls *t)
{
    return t->ready;
}

static enum ringsend_error error_of(const struct tls *t)
{
    if (t->error == RINGSEND_OK && !t->ready && t->peer_closed)
        return RINGSEND_E_TLS_CLOSED;
    return t->error;
}

static const char *detail_of(const struct tls *t)
{
    if (t->error == RINGSEND_OK && !t->ready && t->peer_closed)
        return "the peer said farewell before the handshake was over";
    return t->detail;
}

/* ---- Cipher bytes ---- */

/* The server says of our certificate what it thinks before it sends data; in TLS 1.3 that is behind
 * the end of our handshake. */
static bool may_refuse_certificate(const struct tls *t)
{
    return !t->ready ||
           (t->asked && !t->saw_plain && openssl.SSL_version(t->ssl) >= TLS1_3_VERSION);
}

static void note_failure(struct tls *t)
{
    struct failure f =
        openssl_failure(openssl.ERR_peek_error(), may_refuse_certificate(t), t->asked);
    if (t->ready && f.error == RINGSEND_E_TLS_CLIENT_CERTIFICATE)
        f.error = RINGSEND_E_TLS_LATE_REFUSAL;
    else if (t->ready && f.error != RINGSEND_E_TLS_PROTOCOL && f.error != RINGSEND_E_NO_MEMORY)
        f.error = RINGSEND_E_TLS_ALERT;
    tls_fail(t, f.error, f.detail);
    openssl.ERR_clear_error();
}

/* What a call that returned `result` means. True: it wants nothing but more bytes. */
static bool judge_result(struct tls *t, int result)
{
    switch (openssl.SSL_get_error(t->ssl, result)) {
    case SSL_ERROR_WANT_READ:
        return true;
    case SSL_ERROR_ZERO_RETURN:
        t->peer_closed = true;
        if (!t->closed)
            openssl.SSL_shutdown(t->ssl);
        return false;
    default:
        note_failure(t);
        return false;
    }
}

static void keep_fresh(struct tls *t)
{
    int64_t latest_s = config_now_s(t->config) + SESSION_SECONDS_MAX;
    int64_t not_after_s = t->not_after_s < latest_s ? t->not_after_s : latest_s;
    for (size_t i = 0; i < t->fresh_count; i++)
        sessions_put(t->local->openssl, &t->peer, t->fresh[i], not_after_s);
    t->fresh_count = 0;
}

/* The next record of the peer's, if all of it is there. */
static void read_record(struct tls *t)
{
    CHECK(t->ready && !t->plain);
    t->plain = malloc(TLS_RECORD_PLAIN_BYTES);
    if (!t->plain) {
        tls_fail(t, RINGSEND_E_NO_MEMORY, NULL);
        return;
    }
    openssl.ERR_clear_error();
    int got = openssl.SSL_read(t->ssl, t->plain, TLS_RECORD_PLAIN_BYTES);
    if (got > 0) {
        t->plain_end = (size_t)got;
        t->saw_plain = true;
        return;
    }
    drop_plain(t);
    judge_result(t, got);
}

/* OpenSSL takes whatever the server names. Nothing of what stands ready, our certificate maybe,
 * goes to one that does not keep to what was offered (RFC 7301 3.1). */
static bool note_protocol(struct tls *t)
{
    const unsigned char *name = NULL;
    unsigned bytes = 0;
    openssl.SSL_get0_alpn_selected(t->ssl, &name, &bytes);
    t->protocol = bytes > 0 ? protocol_named(t->peer.protocols, name, bytes) : NULL;
    if (bytes == 0 || t->protocol)
        return true;
    tls_fail(t, RINGSEND_E_TLS_PROTOCOL, "the server chose a protocol nobody offered (ALPN)");
    t->out_at = t->out_end;
    return false;
}

/* As far as what was fed reaches, or to the next plain bytes. */
static void go_on(struct tls *t)
{
    if (!t->ready) {
        openssl.ERR_clear_error();
        int result = openssl.SSL_do_handshake(t->ssl);
        if (result != 1) {
            judge_result(t, result);
            return;
        }
        if (!note_protocol(t))
            return;
        t->ready = true;
        greeting_free(t);
    }
    size_t before = out_bytes(t);
    if (t->in_bytes > 0)
        read_record(t);
    /* What it says by itself while it reads 1.2 is that it does not begin anew. */
    t->declined |=
        out_bytes(t) > before && !is_over(t) && openssl.SSL_version(t->ssl) < TLS1_3_VERSION;
    if (t->keeps && t->fresh_count > 0)
        keep_fresh(t);
}

static size_t take_cipher(struct tls *t, void *out, size_t room)
{
    size_t bytes = out_bytes(t) < room ? out_bytes(t) : room;
    if (bytes == 0)
        return 0;
    memcpy(out, t->out.data + t->out_at, bytes);
    t->out_at += bytes;
    if (out_bytes(t) > 0)
        return bytes;
    free(t->out.data);
    t->out = (struct bytes){0};
    t->out_at = t->out_end = 0;
    return bytes;
}

static size_t feed_cipher(struct tls *t, const void *cipher, size_t bytes)
{
    if (bytes == 0 || is_over(t) || t->plain)
        return 0;
    if (!t->saw_bytes && !is_tls(*(const uint8_t *)cipher)) {
        tls_fail(t, RINGSEND_E_TLS_PROTOCOL, not_tls);
        return 0;
    }
    t->saw_bytes = true;
    t->in = cipher;
    t->in_bytes = bytes;
    go_on(t);
    size_t used = bytes - t->in_bytes;
    t->in = NULL;
    t->in_bytes = 0;
    return used;
}

/* A handshake of TLS 1.3 always has some; one of 1.2 that is resumed is not told apart. */
static enum tls_work foresee(struct tls *t, const void *cipher, size_t bytes)
{
    CHECK(bytes > 0);
    (void)cipher;
    return t->ready || t->error ? TLS_WORK_LIGHT : TLS_WORK_HEAVY;
}

static enum ringsend_error end_cipher(struct tls *t)
{
    if (!t->ready && error_of(t) == RINGSEND_OK)
        tls_fail(t, RINGSEND_E_TLS_CLOSED,
                 t->asked ? "after it had asked for a client certificate" : NULL);
    return error_of(t);
}

/* ---- Plain bytes ---- */

static void encrypt(struct tls *t, const void *plain, size_t bytes)
{
    openssl.ERR_clear_error();
    if (openssl.SSL_write(t->ssl, plain, (int)bytes) != (int)bytes)
        note_failure(t);
}

static size_t write_plain(struct tls *t, const void *plain, size_t bytes)
{
    if (!(state_of(t) & TLS_WRITE) || bytes == 0)
        return 0;
    if (!t->staged && !(t->staged = malloc(TLS_RECORD_PLAIN_BYTES))) {
        tls_fail(t, RINGSEND_E_NO_MEMORY, NULL);
        return 0;
    }
    size_t room = TLS_RECORD_PLAIN_BYTES - t->staged_bytes;
    if (bytes > room)
        bytes = room;
    memcpy(t->staged + t->staged_bytes, plain, bytes);
    t->staged_bytes += bytes;
    if (t->staged_bytes < TLS_RECORD_PLAIN_BYTES)
        return bytes;
    encrypt(t, t->staged, t->staged_bytes);
    drop_staged(t);
    return bytes;
}

static void flush_plain(struct tls *t)
{
    if (!is_over(t) && t->staged_bytes > 0)
        encrypt(t, t->staged, t->staged_bytes);
    drop_staged(t);
}

static const void *peek_plain(const struct tls *t, size_t *bytes)
{
    *bytes = t->error ? 0 : t->plain_end - t->plain_at;
    return *bytes > 0 ? t->plain + t->plain_at : NULL;
}

static void consume_plain(struct tls *t, size_t bytes)
{
    CHECK(bytes <= t->plain_end - t->plain_at);
    t->plain_at += bytes;
    if (t->plain_at == t->plain_end)
        drop_plain(t);
}

static void say_farewell(struct tls *t)
{
    flush_plain(t);
    drop_plain(t);
    if (t->ready && !is_over(t)) {
        openssl.ERR_clear_error();
        openssl.SSL_shutdown(t->ssl);
    }
    t->closed = true;
}

static bool peer_closed(const struct tls *t)
{
    return t->peer_closed;
}

static bool declined_renegotiation(const struct tls *t)
{
    return t->declined;
}

/* ---- Sessions ---- */

/* More may come while the connection lasts, and are kept then. */
static bool keep_session(const struct tls *t)
{
    struct tls *own = (struct tls *)(uintptr_t)t;
    if (!t->ready || t->error != RINGSEND_OK)
        return false;
    own->keeps = true;
    keep_fresh(own);
    return openssl_has_session(t->local->openssl, t->host, t->peer.port, t->peer.protocols);
}

static void forget_session(const struct tls *t)
{
    sessions_drop(t->local->openssl, &t->peer);
}

static bool offered_session(const struct tls *t)
{
    return t->offered;
}

static bool resumed(const struct tls *t)
{
    return t->ready && openssl.SSL_session_reused(t->ssl) == 1;
}

static const char *version(const struct tls *t)
{
    return openssl.SSL_version(t->ssl) >= TLS1_3_VERSION ? "TLS 1.3" : "TLS 1.2";
}

static const char *protocol(const struct tls *t)
{
    return t->protocol;
}

static bool other_may_do(const struct tls *t)
{
    (void)t;
    return false;
}

const struct tls_library openssl_library = {
    .name = "OpenSSL",
    .client_new = client_new,
    .free = connection_free,
    .state = state_of,
    .is_ready = is_ready,
    .take = take_cipher,
    .feed = feed_cipher,
    .foresee = foresee,
    .end = end_cipher,
    .write = write_plain,
    .flush = flush_plain,
    .peek = peek_plain,
    .consume = consume_plain,
    .close = say_farewell,
    .peer_closed = peer_closed,
    .declined_renegotiation = declined_renegotiation,
    .error = error_of,
    .detail = detail_of,
    .keep_session = keep_session,
    .forget_session = forget_session,
    .offered_session = offered_session,
    .resumed = resumed,
    .version = version,
    .protocol = protocol,
    .other_may_do = other_may_do,
};
