/* The TLS side of a wire, between the ring and the exchange: cipher bytes to and from the kernel,
 * plain bytes to and from HTTP. Level-driven: after each event it asks tls_state what can move, and
 * starts it.
 *
 * Handshake. What the peer sends is gathered in `cipher_in`; when it is the worker thread's turn it
 * moves to `cipher_away` and is handed off, with the tls, to wait in its origin's lane. While it
 * is, only the ring's side of the connection goes on, and receive buffers go home at once: others
 * wait for them. What we have to say is taken out into `cipher_out`, and sent from there. The wire
 * is not closed before the worker has given it back.
 *
 * Afterwards all happens on the loop: a record of some hundred bytes costs less than a microsecond.
 * A large piece is encrypted and sent in stretches of SEND_STRETCH_BYTES, several records in one
 * send. Each piece ends its record: what has left of one is known apart from the others'. */
#include "base/buf.h"
#include "base/check.h"
#include "base/errors.h"
#include "base/list.h"
#include "base/memory.h"
#include "engine/engine.h"
#include "engine/handshaker.h"
#include "engine/wire.h"
#include "http/protocol.h"
#include "ringsend.h"
#include "tls/tls.h"

#include <stdio.h>
#include <string.h>

enum {
    SEND_STRETCH_BYTES = 64 << 10,
    FLIGHT_BYTES = 512, /* most flights of a handshake are smaller */
    SESSIONS_MAX = 1024,
    /* Of a handshake's flight that waits to be fed; chains are much shorter. */
    CIPHER_IN_MAX = 256 << 10,
    CIPHER_HELD_MAX = 4 << 10,
    EARLY_MAX = 64 << 10, /* a server's settings are some dozen bytes */
};

struct wire_tls {
    struct wire *wire;
    struct tls *tls;
    struct lane *lane;
    struct buf cipher_in;   /* received while the handshake lasts, and not yet handed off */
    struct buf cipher_away; /* what came before that, handed off or partly fed */
    size_t cipher_away_at;  /* so much of it was fed */
    struct buf cipher_out;  /* in the send under way, or waits for the next one */
    struct buf early;       /* with HTTP/2: what the peer said before it was asked */
    struct buf cipher_held; /* to leave ahead of the next send: had to be taken to feed on */
    struct handshake handshake;
    char first[8]; /* the first bytes that came: not TLS's, perhaps */
    uint8_t first_bytes;
    bool keeps_session;
    bool handed_off;
    bool sending;  /* the kernel reads cipher_out */
    bool broken;   /* a send was cut short; what the peer said before is still to be heard */
    bool opened;   /* the handshake is done */
    bool farewell; /* it was said */
    uint64_t handed_off_ns; /* since when it is, as far as not taken yet */
    uint64_t away_ns;       /* see wire_take_away_ns */
    char detail[448];       /* of the failure */
};

/* ---- Configuration ---- */

enum ringsend_error wire_load(struct ringsend *e, const struct tls_config *config)
{
    CHECK(!e->tls_local);
    if (!e->handshaker)
        e->handshaker = handshaker_new(e->ring);
    if (e->handshaker)
        e->tls_local = tls_local_new(config, SESSIONS_MAX, &e->memory);
    return e->tls_local ? RINGSEND_OK : RINGSEND_E_NO_MEMORY;
}

/* ---- Life ---- */

static bool open_now(struct wire *w, const struct wire_peer *peer)
{
    struct ringsend *e = w->engine;
    struct wire_tls *t = memory_take_zeroed(&e->memory, sizeof *t);
    CHECK(e->tls_local && peer->name && peer->lane);
    if (!t)
        return false;
    t->tls = tls_client_new(e->tls_local, peer->name, peer->port, peer->protocols);
    t->wire = w;
    t->lane = peer->lane;
    t->keeps_session = peer->keeps_sessions;
    t->handshake.owner = t;
    if (t->tls)
        w->tls = t;
    else
        memory_give_back(&e->memory, t, sizeof *t);
    return w->tls != NULL;
}

/* Under a cap, what is kept for the next bodies may be in the way. */
bool wire_open(struct wire *w, const struct wire_peer *peer)
{
    CHECK(w->kind == WIRE_TLS && !w->tls);
    if (open_now(w, peer))
        return true;
    buf_pool_trim(&w->engine->bufs);
    return open_now(w, peer);
}

void wire_close(struct wire *w)
{
    struct buf_pool *pool = &w->engine->bufs;
    struct wire_tls *t = w->tls;
    if (!t)
        return;
    CHECK(!t->handed_off && !t->sending);
    tls_free(t->tls);
    buf_release(pool, &t->cipher_in);
    buf_release(pool, &t->cipher_away);
    buf_release(pool, &t->cipher_out);
    buf_release(pool, &t->cipher_held);
    buf_release(pool, &t->early);
    memory_give_back(&w->engine->memory, t, sizeof *t);
    w->tls = NULL;
}

void wire_break(struct wire *w)
{
    wire_tunnel_close(w);
    if (!w->tls)
        return;
    CHECK(w->engine->broken);
    tls_free(w->tls->tls);
    memory_give_back(&w->engine->memory, w->tls, sizeof *w->tls);
    w->tls = NULL;
}

bool wire_tls_speaks_http2(const struct wire *w)
{
    CHECK(w->kind == WIRE_TLS && w->tls);
    const char *protocol = tls_protocol(w->tls->tls);
    return protocol && strcmp(protocol, "h2") == 0;
}

struct ringsend_bytes wire_early(const struct wire *w)
{
    const struct wire_tls *t = w->tls;
    CHECK(!t || t->opened);
    return t ? (struct ringsend_bytes){t->early.data, t->early.bytes} : (struct ringsend_bytes){0};
}

void wire_early_is_read(struct wire *w)
{
    CHECK(w->kind == WIRE_TLS || !w->tls);
    if (w->tls)
        buf_release(&w->engine->bufs, &w->tls->early);
}

bool wire_is_handed_off(const struct wire *w)
{
    return w->tls && w->tls->handed_off;
}

bool wire_offered_session(const struct wire *w)
{
    CHECK(w->tls && !w->tls->handed_off);
    return tls_offered_session(w->tls->tls);
}

void wire_withdraw(struct wire *w)
{
    struct wire_tls *t = w->tls;
    if (t && t->handed_off && handshaker_withdraw(w->engine->handshaker, &t->handshake))
        t->handed_off = false;
}

uint64_t wire_take_away_ns(struct wire *w)
{
    struct wire_tls *t = w->tls;
    if (!t)
        return 0;
    uint64_t ns = t->away_ns;
    CHECK(w->kind == WIRE_TLS);
    t->away_ns = 0;
    if (t->handed_off) {
        ns += w->engine->now_ns - t->handed_off_ns;
        t->handed_off_ns = w->engine->now_ns;
    }
    return ns;
}

/* Takes out what stands ready, until SEND_STRETCH_BYTES are there. The buffer grows by at least
 * `expected`: small for the small records of handshakes and farewells. */
static bool take_cipher(struct wire *w, struct buf *into, size_t expected)
{
    struct tls *tls = w->tls->tls;
    CHECK(!w->tls->handed_off && (into != &w->tls->cipher_out || !w->tls->sending));
    while ((tls_state(tls) & TLS_TAKE) && into->bytes < SEND_STRETCH_BYTES) {
        if (!buf_reserve(&w->engine->bufs, into, expected))
            return false;
        into->bytes += tls_take(tls, into->data + into->bytes, into->capacity - into->bytes);
    }
    return true;
}

void wire_tls_sent(struct wire *w, bool whole)
{
    struct wire_tls *t = w->tls;
    CHECK(t->sending && t->cipher_out.bytes > 0);
    t->sending = false;
    t->broken |= !whole;
    buf_release(&w->engine->bufs, &t->cipher_out);
}

/* ---- Handshake ---- */

enum ringsend_error wire_gather(struct wire *w, struct ringsend_bytes got)
{
    struct wire_tls *t = w->tls;
    CHECK(t && got.bytes > 0);
    for (size_t i = 0; i < got.bytes && t->first_bytes < sizeof t->first; i++)
        t->first[t->first_bytes++] = got.data[i];
    if (t->cipher_in.bytes + got.bytes > CIPHER_IN_MAX)
        return RINGSEND_E_TLS_PROTOCOL;
    return buf_append(&w->engine->bufs, &t->cipher_in, got.data, got.bytes) ? RINGSEND_OK
                                                                            : RINGSEND_E_NO_MEMORY;
}

static bool has_cipher(const struct wire_tls *t)
{
    CHECK(!t->handed_off && t->cipher_away_at <= t->cipher_away.bytes);
    return t->cipher_in.bytes > 0 || t->cipher_away.bytes > 0;
}

/* What is fed next stands in cipher_away thereafter. */
static void next_cipher(struct wire_tls *t)
{
    if (t->cipher_away.bytes > 0)
        return;
    CHECK(t->cipher_in.bytes > 0 && t->cipher_away_at == 0);
    t->cipher_away = t->cipher_in;
    t->cipher_in = (struct buf){0};
}

static void hand_off(struct wire *w)
{
    struct wire_tls *t = w->tls;
    CHECK(!t->handed_off);
    next_cipher(t);
    t->handed_off = true;
    t->handed_off_ns = w->engine->now_ns;
    t->handshake.tls = t->tls;
    t->handshake.cipher = t->cipher_away.data + t->cipher_away_at;
    t->handshake.bytes = t->cipher_away.bytes - t->cipher_away_at;
    handshaker_start(w->engine->handshaker, &t->handshake, t->lane);
}

/* So much of it was fed. */
static void fed(struct wire *w, size_t bytes)
{
    struct wire_tls *t = w->tls;
    t->cipher_away_at += bytes;
    CHECK(t->cipher_away_at <= t->cipher_away.bytes);
    if (t->cipher_away_at < t->cipher_away.bytes)
        return;
    buf_release(&w->engine->bufs, &t->cipher_away);
    t->cipher_away_at = 0;
}

static size_t feed_here(struct wire *w)
{
    struct wire_tls *t = w->tls;
    CHECK(!t->handed_off);
    next_cipher(t);
    size_t used = tls_feed(t->tls, t->cipher_away.data + t->cipher_away_at,
                           t->cipher_away.bytes - t->cipher_away_at);
    fed(w, used);
    return used;
}

/* A session that the server takes up leaves no public-key work: not worth two changes of thread.
 * Whether it does, its own words tell, and not what it did before. False: too few of them. */
static bool feed(struct wire *w)
{
    struct wire_tls *t = w->tls;
    CHECK(!t->opened && w->owner);
    const struct buf *next = t->cipher_away.bytes > 0 ? &t->cipher_away : &t->cipher_in;
    size_t at = t->cipher_away_at;
    switch (tls_foresee(t->tls, next->data + at, next->bytes - at)) {
    case TLS_WORK_UNKNOWN:
        return false;
    case TLS_WORK_HEAVY:
        hand_off(w);
        return true;
    case TLS_WORK_LIGHT:
        feed_here(w);
        task_wake(w->engine, w->owner);
        return true;
    }
    UNREACHABLE("work of a handshake");
}

/* The worker is ours, and so is the line before it: the clocks of handshake and attempt stand
 * meanwhile. */
void wire_returns(struct ringsend *e)
{
    struct handshake *h;
    while (e->handshaker && (h = handshaker_next(e->handshaker))) {
        struct wire_tls *t = h->owner;
        CHECK(t->handed_off);
        t->handed_off = false;
        t->away_ns += e->now_ns - t->handed_off_ns;
        fed(t->wire, h->used);
        task_wake(e, t->wire->owner);
    }
}

static void handshake_done(struct wire *w)
{
    struct ringsend *e = w->engine;
    struct wire_tls *t = w->tls;
    CHECK(!t->opened && !t->broken);
    t->opened = true;
    if (t->keeps_session)
        tls_keep_session(t->tls);
    if (tls_resumed(t->tls))
        e->stats.handshakes_resumed++;
    else
        e->stats.handshakes_full++;
}

/* Another protocol's name and the cure, when the peer has not said a word of TLS; else null. */
static const char *stranger(const struct wire_tls *t)
{
    bool is_tls = t->first_bytes == 0 || t->first[0] == 0x15 || t->first[0] == 0x16;
    return is_tls ? NULL : protocol_name((struct ringsend_bytes){t->first, t->first_bytes});
}

/* The cure stands in the table's text, what was seen in TLS's detail: people want both. */
static enum ringsend_error failed(struct wire *w, enum ringsend_error error, const char **detail)
{
    struct wire_tls *t = w->tls;
    const char *explained = t->opened ? wire_tls_explains(w) : NULL;
    const char *more = explained ? explained : tls_detail(t->tls);
    CHECK(error != RINGSEND_OK && !t->handed_off);
    tls_forget_session(t->tls);
    if ((*detail = stranger(t)))
        return error;
    snprintf(t->detail, sizeof t->detail, "%s%s%s%s", ringsend_error_text(error), more ? " (" : "",
             more ? more : "", more ? ")" : "");
    *detail = t->detail;
    return error;
}

/* What has come behind the handshake, before anything was asked. No public-key work is left. */
static void feed_rest(struct wire *w)
{
    CHECK(!w->tls->opened);
    while (has_cipher(w->tls) && feed_here(w) > 0)
        ;
}

/* Servers of HTTP/2 speak first (RFC 9113 3.4). False: memory is out, or that was no greeting. */
static bool gather_early(struct wire *w)
{
    struct wire_tls *t = w->tls;
    size_t bytes;
    CHECK(!t->opened && tls_is_ready(t->tls));
    for (const char *plain; (plain = tls_peek(t->tls, &bytes));) {
        if (t->early.bytes + bytes > EARLY_MAX ||
            !buf_append(&w->engine->bufs, &t->early, plain, bytes))
            return false;
        tls_consume(t->tls, bytes);
        feed_rest(w);
    }
    return true;
}

static enum ringsend_error ready(struct wire *w, struct wire_news news, bool *opened,
                                 const char **detail)
{
    struct wire_tls *t = w->tls;
    size_t bytes;
    CHECK(tls_is_ready(t->tls) && !t->broken);
    bool is_early = tls_peek(t->tls, &bytes) != NULL;
    if (is_early && !(wire_tls_speaks_http2(w) && gather_early(w))) {
        *detail = "the peer sent data before it was asked";
        return RINGSEND_E_BAD_RESPONSE;
    }
    if (tls_peer_closed(t->tls) || news.ended) {
        *detail = "the peer closed the connection right behind the TLS handshake";
        return RINGSEND_E_TLS_CLOSED;
    }
    *opened = !t->sending && !(tls_state(t->tls) & TLS_TAKE) && !has_cipher(t) &&
              (news.piece_follows || t->cipher_out.bytes == 0);
    if (*opened)
        handshake_done(w);
    return RINGSEND_OK;
}

enum ringsend_error wire_opening(struct wire *w, struct wire_news news, bool *opened,
                                 const char **detail)
{
    struct wire_tls *t = w->tls;
    CHECK(t);
    *opened = false;
    if (t->handed_off)
        return RINGSEND_OK;
    if (tls_is_ready(t->tls))
        feed_rest(w);
    if (tls_error(t->tls) != RINGSEND_OK)
        return failed(w, tls_error(t->tls), detail);
    if (!t->sending && !t->broken && !take_cipher(w, &t->cipher_out, FLIGHT_BYTES)) {
        buf_release(&w->engine->bufs, &t->cipher_out); /* not half of it */
        return RINGSEND_E_NO_MEMORY;
    }
    if (tls_is_ready(t->tls))
        return t->broken ? RINGSEND_E_TLS_CLOSED : ready(w, news, opened, detail);
    bool awaits = has_cipher(t) && (tls_state(t->tls) & TLS_FEED);
    if (awaits && feed(w))
        return RINGSEND_OK;
    return news.ended ? failed(w, tls_end(t->tls), detail) : RINGSEND_OK;
}

bool wire_asks_again(const struct wire *w)
{
    const struct wire_tls *t = w->tls;
    CHECK(t);
    return !t->handed_off && tls_error(t->tls) != RINGSEND_OK && tls_ask_again(t->tls);
}

/* ---- Exchange ---- */

/* What stands at position `at` of both parts taken together. */
static struct ringsend_bytes plain_from(const struct piece *p, size_t at)
{
    const struct iovec *part = p->parts;
    if (at >= part->iov_len)
        at -= (part++)->iov_len;
    CHECK(at < part->iov_len);
    return (struct ringsend_bytes){(const char *)part->iov_base + at, part->iov_len - at};
}

/* As much of a piece as fits behind what stands in cipher_out. */
static enum ringsend_error encrypt(struct wire *w, struct piece *p)
{
    struct wire_tls *t = w->tls;
    size_t total = piece_bytes(p);
    CHECK(p->state == PIECE_QUEUED && p->taken_bytes < total);
    while (p->taken_bytes < total && t->cipher_out.bytes < SEND_STRETCH_BYTES) {
        CHECK(!t->handed_off && t->opened);
        struct ringsend_bytes plain = plain_from(p, p->taken_bytes);
        size_t accepted = tls_write(t->tls, plain.data, plain.bytes);
        p->taken_bytes += accepted;
        if (p->taken_bytes == total)
            tls_flush(t->tls);
        size_t before = t->cipher_out.bytes;
        if (!take_cipher(w, &t->cipher_out, accepted + TLS_RECORD_OVERHEAD_BYTES))
            return RINGSEND_E_NO_MEMORY;
        if (accepted == 0 && t->cipher_out.bytes == before)
            break; /* half duplex: a record is being read; the next event tries again */
    }
    return RINGSEND_OK;
}

/* Behind TLS's own bytes, which count with the first piece: where those were cut short, so was it.
 */
static enum ringsend_error encrypt_all(struct wire *w, struct list *pieces, struct wire_send *send)
{
    struct wire_tls *t = w->tls;
    size_t before = 0;
    for (struct list *node = pieces->next; node != pieces; node = node->next) {
        struct piece *p = LIST_OWNER(node, struct piece, node);
        enum ringsend_error error = encrypt(w, p);
        if (error != RINGSEND_OK)
            return error;
        CHECK(t->cipher_out.bytes >= before);
        if (t->cipher_out.bytes > before)
            wire_takes(p, t->cipher_out.bytes - before, send);
        before = t->cipher_out.bytes;
        if (p->taken_bytes < piece_bytes(p) || before >= SEND_STRETCH_BYTES)
            break;
    }
    return RINGSEND_OK;
}

enum ringsend_error wire_tls_fill(struct wire *w, struct list *pieces, struct wire_send *send)
{
    struct wire_tls *t = w->tls;
    enum ringsend_error error = RINGSEND_OK;
    CHECK(t && !t->sending && (!t->handed_off || list_empty(pieces)));
    if (t->cipher_held.bytes > 0 && t->cipher_out.bytes == 0) {
        t->cipher_out = t->cipher_held;
        t->cipher_held = (struct buf){0};
    }
    if (!list_empty(pieces))
        error = encrypt_all(w, pieces, send);
    else if (t->opened && !t->farewell && !take_cipher(w, &t->cipher_out, FLIGHT_BYTES))
        error = RINGSEND_E_NO_MEMORY;
    send->bytes = t->cipher_out.bytes;
    if (error != RINGSEND_OK || send->bytes == 0)
        return error;
    t->sending = true;
    send->parts[send->parts_count++] = (struct iovec){t->cipher_out.data, t->cipher_out.bytes};
    return RINGSEND_OK;
}

/* TLS wants to say something before it reads on: that renegotiation is declined (RFC 5246 7.4.1.1).
 * That is taken out of its way, and leaves as soon as the send under way is over: the peer may wait
 * for it. */
static bool make_way(struct wire *w)
{
    struct buf *held = &w->tls->cipher_held;
    size_t before = held->bytes;
    CHECK(w->tls->opened);
    return before < CIPHER_HELD_MAX && take_cipher(w, held, TLS_RECORD_OVERHEAD_BYTES) &&
           held->bytes > before;
}

bool wire_tls_has_word(const struct wire *w)
{
    const struct wire_tls *t = w->tls;
    CHECK(t && t->opened && !t->handed_off);
    return t->cipher_held.bytes > 0 || tls_state(t->tls) & TLS_TAKE;
}

const char *wire_tls_explains(const struct wire *w)
{
    CHECK(w->tls && !w->tls->handed_off);
    if (!tls_declined_renegotiation(w->tls->tls))
        return NULL;
    return "the server asked for another TLS handshake (renegotiation), most often to see a client "
           "certificate, and was told no: have it ask for that in the first one";
}

enum ringsend_error wire_tls_received(struct wire *w, struct ringsend_bytes *got,
                                      struct ringsend_bytes *plain, const char **detail)
{
    struct tls *t = w->tls->tls;
    CHECK(!w->tls->handed_off && w->tls->opened && !w->tls->farewell);
    *plain = (struct ringsend_bytes){0};
    for (;;) {
        plain->data = tls_peek(t, &plain->bytes);
        if (plain->data)
            return RINGSEND_OK;
        if (tls_error(t) != RINGSEND_OK)
            return failed(w, tls_error(t), detail);
        if (got->bytes == 0 || (tls_state(t) & TLS_CLOSED))
            return RINGSEND_OK;
        size_t used = tls_feed(t, got->data, got->bytes);
        got->data += used;
        got->bytes -= used;
        if (used == 0 && !tls_peek(t, &plain->bytes) && tls_error(t) == RINGSEND_OK &&
            !make_way(w)) {
            *detail = "the peer wants to talk about something else than the response";
            return RINGSEND_E_TLS_PROTOCOL;
        }
    }
}

void wire_tls_consume(struct wire *w, size_t plain_bytes)
{
    CHECK(w->tls->opened);
    tls_consume(w->tls->tls, plain_bytes);
}

bool wire_tls_said_farewell(const struct wire *w)
{
    CHECK(w->tls && !w->tls->handed_off);
    return tls_peer_closed(w->tls->tls);
}

bool wire_farewell(struct wire *w, bool has_failed)
{
    struct wire_tls *t = w->tls;
    if (!t || t->handed_off || t->sending || t->broken || t->farewell)
        return false;
    CHECK(w->kind == WIRE_TLS);
    bool refused = tls_error(t->tls) != RINGSEND_OK; /* an alert may tell the peer why */
    if (!refused && (has_failed || !tls_is_ready(t->tls)))
        return false;
    CHECK(!has_failed || refused);
    t->farewell = true;
    if (!refused)
        tls_close(t->tls);
    if (t->cipher_held.bytes > 0)
        buf_append(&w->engine->bufs, &t->cipher_out, t->cipher_held.data, t->cipher_held.bytes);
    buf_release(&w->engine->bufs, &t->cipher_held);
    if (!take_cipher(w, &t->cipher_out, FLIGHT_BYTES))
        buf_release(&w->engine->bufs, &t->cipher_out); /* not half of it */
    return t->cipher_out.bytes > 0;
}
