/* TLS of one connection, between the ring and the exchange: cipher bytes to and from the kernel,
 * plain bytes to and from HTTP. Level-driven: after each event it asks tls_state what can move, and
 * starts it.
 *
 * Handshake. What the peer sends is gathered in `cipher_in`; when it is the worker thread's turn it
 * moves to `cipher_lent` and is lent, with the tls. While it is lent only the ring's side of the
 * connection goes on, and receive buffers go home at once: others wait for them. What we have to
 * say is taken out into `cipher_out` and sent. The connection is not closed before the worker has
 * given it back.
 *
 * Afterwards all happens on the loop: a record of some hundred bytes costs less than a microsecond.
 * A large body is encrypted and sent in stretches of SEND_STRETCH_BYTES, several records in one
 * send. */
#include "engine/conn_tls.h"

#include "base/buf.h"
#include "base/check.h"
#include "base/errors.h"
#include "base/memory.h"
#include "engine/attempt.h"
#include "engine/certificates.h"
#include "engine/conn.h"
#include "engine/engine.h"
#include "engine/exchange.h"
#include "engine/handshaker.h"
#include "engine/host.h"
#include "engine/pool.h"
#include "engine/request.h"
#include "engine/steps.h"
#include "engine/stream.h"
#include "engine/turns.h"
#include "http/protocol.h"
#include "ringsend.h"
#include "tls/tls.h"
#include "uring/op.h"
#include "uring/ring.h"

#include <stdio.h>
#include <string.h>

enum {
    SEND_STRETCH_BYTES = 64 << 10,
    FLIGHT_BYTES = 512, /* most flights of a handshake are smaller */
    SESSIONS_MAX = 1024,
    /* Of a handshake's flight that waits to be fed; chains are much shorter. */
    CIPHER_IN_MAX = 256 << 10,
    CIPHER_HELD_MAX = 4 << 10,
};

struct secure {
    struct tls *tls;
    struct buf cipher_in;   /* received while the handshake lasts, and not yet lent */
    struct buf cipher_lent; /* what came before that, lent or partly fed */
    size_t cipher_lent_at;  /* so much of it was fed */
    struct buf cipher_out;  /* in the send in flight, or waits for the request to join it */
    struct buf cipher_held; /* to leave ahead of the next send: had to be taken to feed on */
    struct handshake handshake;
    char first[8]; /* the first bytes that came: not TLS's, perhaps */
    uint8_t first_bytes;
    bool lent;
    uint64_t lent_ns; /* when it was the last time */
    bool
        broken; /* a send of the handshake failed; what the peer said before is still to be heard */
    char detail[320]; /* of the failure */
};

/* ---- Configuration ---- */

enum ringsend_error secure_load(struct ringsend *e)
{
    if (e->tls_local)
        return RINGSEND_OK;
    const struct tls_config *config;
    enum ringsend_error error = certificates_load(e->tls, &config);
    if (error != RINGSEND_OK)
        return error;
    if (!e->handshaker)
        e->handshaker = handshaker_new(e->ring);
    if (e->handshaker)
        e->tls_local = tls_local_new(config, SESSIONS_MAX, &e->memory);
    return e->tls_local ? RINGSEND_OK : RINGSEND_E_NO_MEMORY;
}

/* ---- Life ---- */

static bool open_now(struct conn *c)
{
    struct ringsend *e = c->engine;
    struct secure *s = memory_take_zeroed(&e->memory, sizeof *s);
    if (!s)
        return false;
    s->tls = tls_client_new(e->tls_local, c->pool->host->name, c->pool->port);
    s->handshake.owner = c;
    if (s->tls)
        c->secure = s;
    else
        memory_give_back(&e->memory, s, sizeof *s);
    return c->secure != NULL;
}

/* Under a cap, what is kept for the next bodies may be in the way. */
bool secure_open(struct conn *c)
{
    CHECK(!c->secure);
    if (open_now(c))
        return true;
    buf_pool_trim(&c->engine->bufs);
    return open_now(c);
}

void secure_close(struct conn *c)
{
    struct secure *s = c->secure;
    if (!s)
        return;
    CHECK(!s->lent && !op_in_flight(&c->send));
    tls_free(s->tls);
    buf_release(&c->engine->bufs, &s->cipher_in);
    buf_release(&c->engine->bufs, &s->cipher_lent);
    buf_release(&c->engine->bufs, &s->cipher_out);
    buf_release(&c->engine->bufs, &s->cipher_held);
    memory_give_back(&c->engine->memory, s, sizeof *s);
    c->secure = NULL;
}

void secure_break(struct ringsend *e)
{
    for (uint32_t i = 0; i < e->conns_mark; i++) {
        struct secure *s = e->conns[i].secure;
        if (s)
            tls_free(s->tls);
        memory_give_back(&e->memory, s, sizeof *s);
        e->conns[i].secure = NULL;
    }
}

bool secure_is_lent(const struct conn *c)
{
    return c->secure && c->secure->lent;
}

/* Takes out what stands ready, until SEND_STRETCH_BYTES are there. The buffer grows by at least
 * `expected`: small for the small records of handshakes and farewells. */
static bool take_cipher(struct conn *c, struct buf *into, size_t expected)
{
    struct secure *s = c->secure;
    while ((tls_state(s->tls) & TLS_TAKE) && into->bytes < SEND_STRETCH_BYTES) {
        if (!buf_reserve(&c->engine->bufs, into, expected))
            return false;
        into->bytes += tls_take(s->tls, into->data + into->bytes, into->capacity - into->bytes);
    }
    return true;
}

static void send_cipher(struct conn *c)
{
    struct secure *s = c->secure;
    conn_send(c, s->cipher_out.data, s->cipher_out.bytes);
}

void secure_sent(struct conn *c)
{
    buf_release(&c->engine->bufs, &c->secure->cipher_out);
}

/* ---- Handshake ---- */

static enum ringsend_error gather(struct conn *c)
{
    struct ringsend *e = c->engine;
    struct secure *s = c->secure;
    enum ringsend_error error = RINGSEND_OK;
    const char *data;
    size_t bytes;
    int32_t buffer;
    while (error == RINGSEND_OK && (buffer = conn_rx_pop(c, &data, &bytes)) >= 0) {
        for (size_t i = 0; i < bytes && s->first_bytes < sizeof s->first; i++)
            s->first[s->first_bytes++] = data[i];
        if (s->cipher_in.bytes + bytes > CIPHER_IN_MAX)
            error = RINGSEND_E_TLS_PROTOCOL;
        else if (!buf_append(&e->bufs, &s->cipher_in, data, bytes))
            error = RINGSEND_E_NO_MEMORY;
        ring_buffer_return(e->ring, buffer);
    }
    return error;
}

static bool has_cipher(const struct secure *s)
{
    return s->cipher_in.bytes > 0 || s->cipher_lent.bytes > 0;
}

/* What is fed next stands in cipher_lent thereafter. */
static void next_cipher(struct secure *s)
{
    if (s->cipher_lent.bytes > 0)
        return;
    s->cipher_lent = s->cipher_in;
    s->cipher_in = (struct buf){0};
}

static void lend(struct conn *c)
{
    struct secure *s = c->secure;
    next_cipher(s);
    s->lent = true;
    s->lent_ns = c->engine->now_ns;
    s->handshake.tls = s->tls;
    s->handshake.cipher = s->cipher_lent.data + s->cipher_lent_at;
    s->handshake.bytes = s->cipher_lent.bytes - s->cipher_lent_at;
    handshaker_start(c->engine->handshaker, &s->handshake);
}

/* So much of it was fed. */
static void fed(struct conn *c, size_t bytes)
{
    struct secure *s = c->secure;
    s->cipher_lent_at += bytes;
    if (s->cipher_lent_at < s->cipher_lent.bytes)
        return;
    buf_release(&c->engine->bufs, &s->cipher_lent);
    s->cipher_lent_at = 0;
}

/* A session that the server takes leaves no public-key work: not worth two changes of thread. */
static void feed(struct conn *c)
{
    struct secure *s = c->secure;
    if (!tls_offered_session(s->tls) || !c->pool->resumes) {
        lend(c);
        return;
    }
    next_cipher(s);
    fed(c, tls_feed(s->tls, s->cipher_lent.data + s->cipher_lent_at,
                    s->cipher_lent.bytes - s->cipher_lent_at));
    task_wake(c->engine, &c->task);
}

void secure_returns(struct ringsend *e)
{
    struct handshake *h;
    while (e->handshaker && (h = handshaker_next(e->handshaker))) {
        struct conn *c = h->owner;
        struct secure *s = c->secure;
        s->lent = false;
        /* The worker is ours, and so is the line before it: the handshake's clock has stood
         * meanwhile. */
        if (c->step == CONN_HANDSHAKING)
            turn_stood(c, e->now_ns - s->lent_ns);
        fed(c, h->used);
        task_wake(e, &c->task);
    }
}

static void handshake_done(struct conn *c)
{
    struct ringsend *e = c->engine;
    struct secure *s = c->secure;
    tls_keep_session(s->tls);
    if (tls_offered_session(s->tls))
        c->pool->resumes = tls_resumed(s->tls);
    if (tls_resumed(s->tls))
        e->stats.handshakes_resumed++;
    else
        e->stats.handshakes_full++;
}

/* Another protocol's name and the cure, when the peer has not said a word of TLS; else null. */
static const char *stranger(const struct secure *s)
{
    bool is_tls = s->first_bytes == 0 || s->first[0] == 0x15 || s->first[0] == 0x16;
    return is_tls ? NULL : protocol_name((struct ringsend_bytes){s->first, s->first_bytes});
}

/* The cure stands in the table's text, what was seen in TLS's detail: people want both. */
static enum ringsend_error failed(struct conn *c, enum ringsend_error error, const char **detail)
{
    struct secure *s = c->secure;
    const char *more = tls_detail(s->tls);
    tls_forget_session(s->tls);
    if ((*detail = stranger(s)))
        return error;
    snprintf(s->detail, sizeof s->detail, "%s%s%s%s", ringsend_error_text(error), more ? " (" : "",
             more ? more : "", more ? ")" : "");
    *detail = s->detail;
    return error;
}

/* What has come behind the handshake, before anything was asked. No public-key work is left. */
static void feed_rest(struct conn *c)
{
    struct secure *s = c->secure;
    size_t used = 1;
    while (used > 0 && has_cipher(s)) {
        next_cipher(s);
        used = tls_feed(s->tls, s->cipher_lent.data + s->cipher_lent_at,
                        s->cipher_lent.bytes - s->cipher_lent_at);
        fed(c, used);
    }
}

static enum ringsend_error ready(struct conn *c, bool *complete, const char **detail)
{
    struct secure *s = c->secure;
    size_t bytes;
    if (tls_peek(s->tls, &bytes)) {
        *detail = "the peer sent data before it was asked";
        return RINGSEND_E_BAD_RESPONSE;
    }
    if (tls_peer_closed(s->tls) || c->stream_ended) {
        *detail = "the peer closed the connection right behind the TLS handshake";
        return RINGSEND_E_TLS_CLOSED;
    }
    *complete = !op_in_flight(&c->send) && !(tls_state(s->tls) & TLS_TAKE) && !has_cipher(s);
    if (*complete)
        handshake_done(c);
    return RINGSEND_OK;
}

enum ringsend_error secure_handshake(struct conn *c, bool *complete, const char **detail)
{
    struct secure *s = c->secure;
    *complete = false;
    if (c->send.state == OP_COMPLETE) {
        int32_t result = op_take(&c->send);
        s->broken = result != (int32_t)s->cipher_out.bytes;
        secure_sent(c);
    }
    enum ringsend_error error = gather(c);
    if (error != RINGSEND_OK)
        return error;
    if (s->lent)
        return RINGSEND_OK;
    if (tls_is_ready(s->tls))
        feed_rest(c);
    if (tls_error(s->tls) != RINGSEND_OK)
        return failed(c, tls_error(s->tls), detail);
    if (!op_in_flight(&c->send) && !s->broken) {
        if (!take_cipher(c, &s->cipher_out, FLIGHT_BYTES))
            return RINGSEND_E_NO_MEMORY;
        const struct request *r = c->exchange.request;
        bool joined =
            tls_is_ready(s->tls) && r && !stream_has_source(r); /* by secure_send, at once */
        if (s->cipher_out.bytes > 0 && !joined)
            send_cipher(c);
    }
    if (tls_is_ready(s->tls))
        return s->broken ? RINGSEND_E_TLS_CLOSED : ready(c, complete, detail);
    if (has_cipher(s) && (tls_state(s->tls) & TLS_FEED)) {
        feed(c);
        return RINGSEND_OK;
    }
    if (c->stream_ended)
        return failed(c, tls_end(s->tls), detail);
    return RINGSEND_OK;
}

/* ---- Exchange ---- */

static size_t plain_bytes(const struct exchange *x)
{
    return x->parts[0].iov_len + x->parts[1].iov_len;
}

/* What stands at position `at` of both parts taken together. */
static struct ringsend_bytes plain_from(const struct exchange *x, size_t at)
{
    const struct iovec *part = x->parts;
    if (at >= part->iov_len)
        at -= (part++)->iov_len;
    return (struct ringsend_bytes){(const char *)part->iov_base + at, part->iov_len - at};
}

enum ringsend_error secure_send(struct conn *c)
{
    struct secure *s = c->secure;
    struct exchange *x = &c->exchange;
    size_t total = plain_bytes(x);
    if (s->cipher_held.bytes > 0) {
        CHECK(s->cipher_out.bytes == 0);
        s->cipher_out = s->cipher_held;
        s->cipher_held = (struct buf){0};
    }
    while (x->plain_at < total && s->cipher_out.bytes < SEND_STRETCH_BYTES) {
        struct ringsend_bytes plain = plain_from(x, x->plain_at);
        size_t accepted = tls_write(s->tls, plain.data, plain.bytes);
        x->plain_at += accepted;
        if (x->plain_at == total)
            tls_flush(s->tls);
        size_t before = s->cipher_out.bytes;
        if (!take_cipher(c, &s->cipher_out, accepted + TLS_RECORD_OVERHEAD_BYTES))
            return RINGSEND_E_NO_MEMORY;
        if (accepted == 0 && s->cipher_out.bytes == before)
            break; /* half duplex: a record is being read; the next event tries again */
    }
    x->send_bytes = s->cipher_out.bytes;
    if (x->send_bytes == 0)
        return RINGSEND_OK;
    if (!x->request->attempt.bytes_left)
        attempt_leaves(&x->request->attempt, x->request->user);
    send_cipher(c);
    return RINGSEND_OK;
}

/* TLS wants to say something before it reads on: that renegotiation is declined (RFC 5246 7.4.1.1).
 * That is taken out of its way, and leaves with the next request or the farewell. */
static bool make_way(struct conn *c)
{
    struct secure *s = c->secure;
    size_t before = s->cipher_held.bytes;
    return before < CIPHER_HELD_MAX && take_cipher(c, &s->cipher_held, TLS_RECORD_OVERHEAD_BYTES) &&
           s->cipher_held.bytes > before;
}

enum ringsend_error secure_receive(struct conn *c, struct ringsend_bytes *cipher,
                                   struct ringsend_bytes *plain, const char **detail)
{
    struct tls *t = c->secure->tls;
    *plain = (struct ringsend_bytes){0};
    for (;;) {
        plain->data = tls_peek(t, &plain->bytes);
        if (plain->data)
            return RINGSEND_OK;
        if (tls_error(t) != RINGSEND_OK)
            return failed(c, tls_error(t), detail);
        if (cipher->bytes == 0 || (tls_state(t) & TLS_CLOSED))
            return RINGSEND_OK;
        size_t used = tls_feed(t, cipher->data, cipher->bytes);
        cipher->data += used;
        cipher->bytes -= used;
        if (used == 0 && !tls_peek(t, &plain->bytes) && tls_error(t) == RINGSEND_OK &&
            !make_way(c)) {
            *detail = "the peer wants to talk about something else than the response";
            return RINGSEND_E_TLS_PROTOCOL;
        }
    }
}

bool secure_has_more(const struct conn *c)
{
    return c->exchange.plain_at < plain_bytes(&c->exchange);
}

void secure_consume(struct conn *c, size_t plain_bytes)
{
    tls_consume(c->secure->tls, plain_bytes);
}

bool secure_ended_well(const struct conn *c)
{
    return tls_peer_closed(c->secure->tls);
}

void secure_farewell(struct conn *c)
{
    struct secure *s = c->secure;
    if (!s || s->lent || c->stream_ended || c->cut || c->send.state != OP_IDLE)
        return;
    /* Only while the receive's end is still to come: it wakes the connection, which then cancels a
     * farewell that the peer does not take. */
    if (!op_in_flight(&c->recv))
        return;
    bool refused = tls_error(s->tls) != RINGSEND_OK; /* an alert may tell the peer why */
    if (!refused && (c->error != RINGSEND_OK || !tls_is_ready(s->tls)))
        return;
    if (!refused)
        tls_close(s->tls);
    if (s->cipher_held.bytes > 0)
        buf_append(&c->engine->bufs, &s->cipher_out, s->cipher_held.data, s->cipher_held.bytes);
    buf_release(&c->engine->bufs, &s->cipher_held);
    if (take_cipher(c, &s->cipher_out, FLIGHT_BYTES) && s->cipher_out.bytes > 0)
        send_cipher(c);
}
