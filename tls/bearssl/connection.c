/* One connection: BearSSL's engine behind tls.h.
 *
 * Life: handshake (struct handshake present, no plain byte moves), ready (handshake freed), closed
 * or failed. BearSSL keeps the state; here stand only what it does not know: the verdict on the
 * peer's chain, whether the session was resumed, and the first failure of our own.
 *
 * Where the time goes: BearSSL runs its handshake whenever bytes come in or room for output
 * appears. As an outgoing flight of ours always fits the output buffer (chains are bounded by
 * OWN_CHAIN_BYTES_MAX), key exchange and signatures run when the peer's flight is complete,
 * that is, in tls_feed; what is left for tls_take is the Finished message, some microseconds.
 *
 * A client's first message is ours (hello.c), and so is the alert that refuses a certificate, which
 * BearSSL cannot send: both stand in struct handshake and leave ahead of what BearSSL has. What a
 * server says in clear text goes through inbound.c.
 *
 * The caller keeps BearSSL's rules by construction: buffers of the right size, never more
 * acknowledged than was offered, always fresh random bytes mixed into a copy of the model. */
#include "tls/bearssl/connection.h"

#include "base/check.h"
#include "tls/bearssl/errors.h"
#include "tls/foresee.h"

#include <stdlib.h>

enum {
    RECORD_ALERT = 21,
    PEER_RENEGOTIATES_AT_RISK = 1, /* BearSSL's `reneg`: no secure renegotiation, RFC 5746 */
};

/* A connection of each buffer choice stays within 41 and 21 KiB. */
_Static_assert(sizeof(struct tls) + BR_SSL_BUFSIZE_BIDI <= 41 << 10, "full duplex");
_Static_assert(sizeof(struct tls) + BR_SSL_BUFSIZE_MONO <= 21 << 10, "half duplex");

static br_ssl_engine_context *engine_of(struct tls *t)
{
    return &t->context.engine;
}

/* ---- Failures ---- */

static struct failure failure(const struct tls *t)
{
    const br_ssl_engine_context *engine = &t->context.engine;
    if (t->error)
        return (struct failure){t->error, t->detail};
    int code = br_ssl_engine_last_error(engine);
    if (code)
        return failure_of(code, !t->ready, t->asked);
    /* A farewell in the middle of a handshake. */
    if (!t->ready && br_ssl_engine_current_state(engine) == BR_SSL_CLOSED)
        return (struct failure){RINGSEND_E_TLS_CLOSED,
                                "the peer said farewell before the handshake was over"};
    return (struct failure){RINGSEND_OK, NULL};
}

/* The first one sticks. */
static void fail(struct tls *t, enum ringsend_error error, const char *detail)
{
    if (failure(t).error)
        return;
    t->error = error;
    t->detail = detail;
}

/* ---- Making and freeing ---- */

/* Wipes what is not zero anyway: most of the buffers was never written to, and to write zeros there
 * would make all of it resident. */
static void wipe_used(unsigned char *data, size_t bytes)
{
    static const unsigned char zeros[512];
    while (bytes > 0) {
        size_t part = bytes < sizeof zeros ? bytes : sizeof zeros;
        if (memcmp(data, zeros, part) != 0)
            explicit_bzero(data, part);
        data += part;
        bytes -= part;
    }
}

static void connection_free(struct tls *t)
{
    size_t buffer_bytes = t->config->bear->buffer_bytes;
    struct memory *memory = t->local->memory;
    handshake_free(t->handshake);
    wipe_used(t->buffer, buffer_bytes);
    explicit_bzero(t, sizeof *t);
    memory_give_back(memory, t, sizeof *t + buffer_bytes);
}

static struct tls *new_connection(struct bear_local *local)
{
    const struct tls_config *config = local->config;
    const struct bear_config *bear = config->bear;
    uint8_t seed[LOCAL_SEED_BYTES];
    struct tls *t = memory_take(local->memory, sizeof *t + bear->buffer_bytes);
    if (!t)
        return NULL;
    *t = (struct tls){.head = {&bearssl_library}, .config = config, .local = local};
    config_copy_model(bear, &t->context, t->buffer);
    t->handshake = calloc(1, sizeof *t->handshake);
    if (!t->handshake) {
        connection_free(t);
        return NULL;
    }
    if (local_draw_seed(local, seed))
        br_ssl_engine_inject_entropy(engine_of(t), seed, sizeof seed);
    else
        fail(t, RINGSEND_E_TLS_NO_RANDOM, NULL);
    explicit_bzero(seed, sizeof seed);
    return t;
}

static void set_client_identity(struct tls *t)
{
    const struct identity *own = &t->config->bear->identity;
    br_ssl_client_context *cc = &t->context.client;
    t->client_auth = (struct client_auth){&client_auth_class, NULL, t};
    if (own->count > 0 && own->key_type == BR_KEYTYPE_RSA)
        br_ssl_client_set_single_rsa(cc, own->chain, own->count, &own->key.rsa,
                                     br_rsa_pkcs1_sign_get_default());
    else if (own->count > 0)
        br_ssl_client_set_single_ec(cc, own->chain, own->count, &own->key.ec, BR_KEYTYPE_SIGN, 0,
                                    br_ec_get_default(), br_ecdsa_sign_asn1_get_default());
    if (own->count > 0)
        t->client_auth.own = &cc->client_auth.vtable;
    br_ssl_client_set_client_certificate(cc, &t->client_auth.vtable);
}

/* The first message. No name is sent for an address (RFC 6066 3). */
static void say_hello(struct tls *t, tls_protocols protocols)
{
    struct handshake *h = t->handshake;
    br_ssl_engine_context *engine = engine_of(t);
    _Static_assert(sizeof engine->server_name >= sizeof h->host.name, "every name fits");
    if (h->host.address_bytes == 0)
        memcpy(engine->server_name, h->host.name, h->host.name_bytes + 1);
    h->record_bytes = hello_write(engine, protocols, h->record);
}

/* Puts the session to resume in place, if there is one. */
static bool offer_session(struct tls *t)
{
    const struct session *session = session_find(t->local, &t->key);
    if (!session)
        return false;
    br_ssl_engine_set_session_parameters(engine_of(t), &session->parameters);
    t->session_not_after_s = session->not_after_s;
    return true;
}

static struct tls *client_new(struct tls_local *local, const char *host, uint16_t port,
                              tls_protocols protocols, bool limit_12)
{
    (void)limit_12; /* it has no other */
    struct tls *t = new_connection(local->bear);
    if (!t || t->error != RINGSEND_OK)
        return t;
    struct host *parsed = &t->handshake->host;
    if (!host_parse(host, parsed)) {
        fail(t, RINGSEND_E_TLS_WRONG_HOST, "no certificate can be for such a host name");
        return t;
    }
    br_ssl_engine_context *engine = engine_of(t);
    _Static_assert(sizeof engine->client_random == LOCAL_SEED_BYTES,
                   "as many as are drawn at once");
    if (!local_draw_seed(t->local, engine->client_random)) {
        fail(t, RINGSEND_E_TLS_NO_RANDOM, NULL);
        return t;
    }
    t->key = session_key_of(parsed->name, port, protocols);
    t->verifier = (struct verifier){&verifier_class, t};
    br_ssl_engine_set_x509(engine, &t->verifier.vtable);
    set_client_identity(t);
    t->offered = offer_session(t);
    say_hello(t, protocols);
    return t;
}

static struct tls *tls_of_cache(const br_ssl_session_cache_class **context)
{
    return ((struct server_cache *)(void *)context)->tls;
}

static void save_session(const br_ssl_session_cache_class **context, br_ssl_server_context *server,
                         const br_ssl_session_parameters *parameters)
{
    struct tls *t = tls_of_cache(context);
    const br_ssl_session_cache_class **cache = &t->local->server_sessions.vtable;
    t->resumed = false;
    (*cache)->save(cache, server, parameters);
}

static int load_session(const br_ssl_session_cache_class **context, br_ssl_server_context *server,
                        br_ssl_session_parameters *parameters)
{
    struct tls *t = tls_of_cache(context);
    const br_ssl_session_cache_class **cache = &t->local->server_sessions.vtable;
    t->resumed = (*cache)->load(cache, server, parameters) != 0;
    return t->resumed;
}

static const br_ssl_session_cache_class server_cache_class = {
    sizeof(struct server_cache),
    save_session,
    load_session,
};

static struct tls *server_new(struct tls_local *local)
{
    const struct identity *own = &local->config->bear->identity;
    struct tls *t = new_connection(local->bear);
    if (!t)
        return NULL;
    br_ssl_server_context *sc = &t->context.server;
    if (own->key_type == BR_KEYTYPE_RSA)
        br_ssl_server_set_single_rsa(sc, own->chain, own->count, &own->key.rsa, BR_KEYTYPE_SIGN,
                                     NULL, br_rsa_pkcs1_sign_get_default());
    else
        br_ssl_server_set_single_ec(sc, own->chain, own->count, &own->key.ec, BR_KEYTYPE_SIGN, 0,
                                    br_ec_get_default(), br_ecdsa_sign_asn1_get_default());
    if (t->local->sessions_max > 0) {
        t->server_cache = (struct server_cache){&server_cache_class, t};
        br_ssl_server_set_cache(sc, &t->server_cache.vtable);
    }
    return t;
}

/* ---- State ---- */

static bool has_record(const struct tls *t)
{
    return t->handshake && t->handshake->record_taken < t->handshake->record_bytes;
}

static unsigned state_of(const struct tls *t)
{
    unsigned bits = br_ssl_engine_current_state(&t->context.engine);
    unsigned state = has_record(t) ? TLS_TAKE : 0;
    if (t->error || bits & BR_SSL_CLOSED)
        return state | TLS_CLOSED;
    state |= bits & BR_SSL_SENDREC ? TLS_TAKE : 0;
    state |= bits & BR_SSL_RECVREC ? TLS_FEED : 0;
    state |= bits & BR_SSL_SENDAPP ? TLS_WRITE : 0;
    state |= bits & BR_SSL_RECVAPP ? TLS_READ : 0;
    return state;
}

static bool is_ready(const struct tls *t)
{
    return t->ready;
}

/* To be called whenever bytes have moved: plain ones can for the first time. */
static void note_ready(struct tls *t)
{
    if (t->ready ||
        !(br_ssl_engine_current_state(engine_of(t)) & (BR_SSL_SENDAPP | BR_SSL_RECVAPP)))
        return;
    t->ready = true;
    handshake_free(t->handshake);
    t->handshake = NULL;
}

static bool declined_renegotiation(const struct tls *t)
{
    return t->declined;
}

static enum ringsend_error error_of(const struct tls *t)
{
    return failure(t).error;
}

static const char *detail_of(const struct tls *t)
{
    return failure(t).detail;
}

/* ---- Cipher bytes ---- */

static size_t take_record(struct handshake *h, void *out, size_t room)
{
    size_t bytes = h->record_bytes - h->record_taken;
    if (bytes > room)
        bytes = room;
    memcpy(out, h->record + h->record_taken, bytes);
    h->record_taken += bytes;
    return bytes;
}

/* BearSSL takes nothing in behind a close_notify, and notes so in this field, which its header
 * shows but does not document; no documented function tells. */
static bool peer_closed(const struct tls *t)
{
    return t->context.engine.shutdown_recv != 0;
}

/* Once it is ready, BearSSL itself says nothing but alerts, and but for farewells only one. */
static void note_record(struct tls *t, uint8_t type)
{
    t->declined |= type == RECORD_ALERT && t->ready && !t->said_farewell && !peer_closed(t) &&
                   br_ssl_engine_last_error(engine_of(t)) == 0;
}

static size_t take_cipher(struct tls *t, void *out, size_t room)
{
    size_t taken = has_record(t) ? take_record(t->handshake, out, room) : 0, bytes;
    if (t->error)
        return taken;
    while (taken < room) {
        const unsigned char *record = br_ssl_engine_sendrec_buf(engine_of(t), &bytes);
        if (!record)
            break;
        if (!t->mid_record)
            note_record(t, record[0]);
        t->mid_record = bytes > room - taken;
        if (bytes > room - taken)
            bytes = room - taken;
        memcpy((uint8_t *)out + taken, record, bytes);
        br_ssl_engine_sendrec_ack(engine_of(t), bytes);
        taken += bytes;
    }
    note_ready(t);
    return taken;
}

static bool check_first_byte(struct tls *t, uint8_t first)
{
    t->saw_bytes = true;
    if (!is_tls(first))
        fail(t, RINGSEND_E_TLS_PROTOCOL, not_tls);
    return is_tls(first);
}

static enum tls_work foresee(struct tls *t, const void *cipher, size_t bytes)
{
    const br_ssl_session_parameters *offered = &t->context.engine.session;
    CHECK(bytes > 0 && !t->config->server);
    if (t->ready || t->error || t->handshake->inbound.done)
        return TLS_WORK_LIGHT;
    if (t->work == TLS_WORK_UNKNOWN)
        t->work = !t->offered ? TLS_WORK_HEAVY
                              : server_hello_foresee(offered->session_id, offered->session_id_len,
                                                     cipher, bytes);
    return t->work;
}

/* A piece of what a server says in clear text. */
static size_t feed_clear(struct tls *t, const uint8_t *from, size_t bytes)
{
    struct inbound *in = &t->handshake->inbound;
    size_t used = inbound_feed(in, engine_of(t), from, bytes);
    if (in->error != RINGSEND_OK)
        fail(t, in->error, in->detail);
    else if (engine_of(t)->reneg == PEER_RENEGOTIATES_AT_RISK && !t->config->legacy_renegotiation)
        refuse(t, RINGSEND_E_TLS_RENEGOTIATION, NULL);
    return used;
}

static size_t feed_sealed(struct tls *t, const uint8_t *from, size_t bytes)
{
    size_t room;
    unsigned char *into = br_ssl_engine_recvrec_buf(engine_of(t), &room);
    if (!into)
        return 0;
    if (room > bytes)
        room = bytes;
    memcpy(into, from, room);
    br_ssl_engine_recvrec_ack(engine_of(t), room);
    return room;
}

static size_t feed_cipher(struct tls *t, const void *cipher, size_t bytes)
{
    const uint8_t *from = cipher;
    size_t used = 0, more = 1;
    if (bytes > 0 && !t->saw_bytes && !check_first_byte(t, from[0]))
        return 0;
    while (used < bytes && more > 0 && !t->error) {
        bool clear = t->handshake && !t->config->server && !t->handshake->inbound.over;
        more = clear ? feed_clear(t, from + used, bytes - used)
                     : feed_sealed(t, from + used, bytes - used);
        used += more;
        note_ready(t);
    }
    return used;
}

static enum ringsend_error end_cipher(struct tls *t)
{
    if (!t->ready)
        fail(t, RINGSEND_E_TLS_CLOSED,
             t->asked ? "after it had asked for a client certificate" : NULL);
    return error_of(t);
}

/* ---- Plain bytes ---- */

static size_t write_plain(struct tls *t, const void *plain, size_t bytes)
{
    size_t written = 0, room;
    while (written < bytes && !t->error) {
        unsigned char *into = br_ssl_engine_sendapp_buf(engine_of(t), &room);
        if (!into)
            break;
        if (room > bytes - written)
            room = bytes - written;
        memcpy(into, (const uint8_t *)plain + written, room);
        br_ssl_engine_sendapp_ack(engine_of(t), room);
        written += room;
    }
    return written;
}

static void flush_plain(struct tls *t)
{
    br_ssl_engine_flush(engine_of(t), 0);
}

static const void *peek_plain(const struct tls *t, size_t *bytes)
{
    *bytes = 0;
    return t->error ? NULL : br_ssl_engine_recvapp_buf(&t->context.engine, bytes);
}

static void consume_plain(struct tls *t, size_t bytes)
{
    size_t ready;
    const void *plain = peek_plain(t, &ready);
    CHECK(bytes <= ready);
    if (plain && bytes > 0)
        br_ssl_engine_recvapp_ack(engine_of(t), bytes);
}

static void say_farewell(struct tls *t)
{
    t->said_farewell = true;
    br_ssl_engine_close(engine_of(t));
}

/* ---- Sessions ---- */

static bool keep_session(const struct tls *t)
{
    br_ssl_session_parameters parameters;
    if (t->config->server || !t->ready || error_of(t))
        return false;
    br_ssl_engine_get_session_parameters(&t->context.engine, &parameters);
    bool resumable = parameters.session_id_len > 0;
    int64_t latest_s = config_now_s(t->config) + LOCAL_SESSION_SECONDS_MAX;
    if (t->full && resumable)
        session_put(t->local, &t->key, &parameters,
                    t->session_not_after_s < latest_s ? t->session_not_after_s : latest_s);
    explicit_bzero(&parameters, sizeof parameters);
    return resumable && t->local->sessions_max > 0;
}

static void forget_session(const struct tls *t)
{
    if (!t->config->server)
        session_drop(t->local, &t->key);
}

static bool offered_session(const struct tls *t)
{
    return t->offered;
}

static bool resumed(const struct tls *t)
{
    return t->config->server ? t->resumed : t->ready && t->offered && !t->full;
}

static const char *version(const struct tls *t)
{
    (void)t;
    return "TLS 1.2";
}

static const char *protocol(const struct tls *t)
{
    return br_ssl_engine_get_selected_protocol((br_ssl_engine_context *)(uintptr_t)&t->context);
}

/* Alerts that tell of a profile with nothing in common. They come in answer to the first message,
 * in place of the server's own. */
static bool other_may_do(const struct tls *t)
{
    int code = br_ssl_engine_last_error(&t->context.engine) - BR_ERR_RECV_FATAL_ALERT;
    if (t->ready || t->config->server)
        return false;
    return t->error ? t->error == RINGSEND_E_TLS_ALGORITHM
                    : code == 70 || code == 71 || (code == 40 && !t->asked);
}

const struct tls_library bearssl_library = {
    .name = "BearSSL",
    .client_new = client_new,
    .server_new = server_new,
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
