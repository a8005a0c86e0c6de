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

static struct tls *new_connection(struct tls_local *local)
{
    const struct tls_config *config = local->config;
    uint8_t seed[LOCAL_SEED_BYTES];
    struct tls *t = memory_take(local->memory, sizeof *t + config->buffer_bytes);
    if (!t)
        return NULL;
    *t = (struct tls){.config = config, .local = local};
    config_copy_model(config, &t->context, t->buffer);
    t->handshake = calloc(1, sizeof *t->handshake);
    if (!t->handshake) {
        tls_free(t);
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
    const struct identity *own = &t->config->identity;
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
static void say_hello(struct tls *t)
{
    struct handshake *h = t->handshake;
    br_ssl_engine_context *engine = engine_of(t);
    _Static_assert(sizeof engine->server_name >= sizeof h->host.name, "every name fits");
    if (h->host.address_bytes == 0)
        memcpy(engine->server_name, h->host.name, h->host.name_bytes + 1);
    h->record_bytes = hello_write(engine, h->record);
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

struct tls *tls_client_new(struct tls_local *local, const char *host, uint16_t port)
{
    CHECK(!local->config->server);
    struct tls *t = new_connection(local);
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
    if (!local_draw_seed(local, engine->client_random)) {
        fail(t, RINGSEND_E_TLS_NO_RANDOM, NULL);
        return t;
    }
    t->key = session_key_of(parsed->name, port);
    t->verifier = (struct verifier){&verifier_class, t};
    br_ssl_engine_set_x509(engine, &t->verifier.vtable);
    set_client_identity(t);
    t->offered = offer_session(t);
    say_hello(t);
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

struct tls *tls_server_new(struct tls_local *local)
{
    CHECK(local->config->server);
    const struct identity *own = &local->config->identity;
    struct tls *t = new_connection(local);
    if (!t)
        return NULL;
    br_ssl_server_context *sc = &t->context.server;
    if (own->key_type == BR_KEYTYPE_RSA)
        br_ssl_server_set_single_rsa(sc, own->chain, own->count, &own->key.rsa, BR_KEYTYPE_SIGN,
                                     NULL, br_rsa_pkcs1_sign_get_default());
    else
        br_ssl_server_set_single_ec(sc, own->chain, own->count, &own->key.ec, BR_KEYTYPE_SIGN, 0,
                                    br_ec_get_default(), br_ecdsa_sign_asn1_get_default());
    if (local->sessions_max > 0) {
        t->server_cache = (struct server_cache){&server_cache_class, t};
        br_ssl_server_set_cache(sc, &t->server_cache.vtable);
    }
    return t;
}

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

void tls_free(struct tls *t)
{
    if (!t)
        return;
    size_t buffer_bytes = t->config->buffer_bytes;
    struct memory *memory = t->local->memory;
    handshake_free(t->handshake);
    wipe_used(t->buffer, buffer_bytes);
    explicit_bzero(t, sizeof *t);
    memory_give_back(memory, t, sizeof *t + buffer_bytes);
}

/* ---- State ---- */

static bool has_record(const struct tls *t)
{
    return t->handshake && t->handshake->record_taken < t->handshake->record_bytes;
}

unsigned tls_state(const struct tls *t)
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

bool tls_is_ready(const struct tls *t)
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

bool tls_declined_renegotiation(const struct tls *t)
{
    return t->declined;
}

enum ringsend_error tls_error(const struct tls *t)
{
    return failure(t).error;
}

const char *tls_detail(const struct tls *t)
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

/* Once it is ready, BearSSL itself says nothing but alerts, and but for farewells only one. */
static void note_record(struct tls *t, uint8_t type)
{
    t->declined |= type == RECORD_ALERT && t->ready && !t->said_farewell && !tls_peer_closed(t) &&
                   br_ssl_engine_last_error(engine_of(t)) == 0;
}

size_t tls_take(struct tls *t, void *out, size_t room)
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

/* Many a handshake fails because the port speaks something else; one byte tells (RFC 5246 6.2.1:
 * alert or handshake come first). */
static bool check_first_byte(struct tls *t, uint8_t first)
{
    t->saw_bytes = true;
    if (first == 21 || first == 22)
        return true;
    fail(t, RINGSEND_E_TLS_PROTOCOL,
         "the peer's first byte is not TLS: is it plain HTTP at this port?");
    return false;
}

enum tls_work tls_foresee(struct tls *t, const void *cipher, size_t bytes)
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

size_t tls_feed(struct tls *t, const void *cipher, size_t bytes)
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

enum ringsend_error tls_end(struct tls *t)
{
    if (!t->ready)
        fail(t, RINGSEND_E_TLS_CLOSED,
             t->asked ? "after it had asked for a client certificate" : NULL);
    return tls_error(t);
}

/* ---- Plain bytes ---- */

size_t tls_write(struct tls *t, const void *plain, size_t bytes)
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

void tls_flush(struct tls *t)
{
    br_ssl_engine_flush(engine_of(t), 0);
}

const void *tls_peek(const struct tls *t, size_t *bytes)
{
    *bytes = 0;
    return t->error ? NULL : br_ssl_engine_recvapp_buf(&t->context.engine, bytes);
}

void tls_consume(struct tls *t, size_t bytes)
{
    size_t ready;
    const void *plain = tls_peek(t, &ready);
    CHECK(bytes <= ready);
    if (plain && bytes > 0)
        br_ssl_engine_recvapp_ack(engine_of(t), bytes);
}

void tls_close(struct tls *t)
{
    t->said_farewell = true;
    br_ssl_engine_close(engine_of(t));
}

/* BearSSL takes nothing in behind a close_notify, and notes so in this field, which its header
 * shows but does not document; no documented function tells. */
bool tls_peer_closed(const struct tls *t)
{
    return t->context.engine.shutdown_recv != 0;
}

/* ---- Sessions ---- */

bool tls_keep_session(const struct tls *t)
{
    br_ssl_session_parameters parameters;
    if (t->config->server || !t->ready || tls_error(t))
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

void tls_forget_session(const struct tls *t)
{
    if (!t->config->server)
        session_drop(t->local, &t->key);
}

bool tls_offered_session(const struct tls *t)
{
    return t->offered;
}

bool tls_resumed(const struct tls *t)
{
    return t->config->server ? t->resumed : t->ready && t->offered && !t->full;
}
