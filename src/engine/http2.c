/* HTTP/2's own rules.
 *
 *   carrier   a connection with a session. Its exchanges are streams: one of its own, as with
 *             HTTP/1.1, and one of each rider
 *   rider     a connection without a socket, made for one exchange on a carrier, with a place of
 *             its own: so what bounds connections bounds what is in flight
 *
 * A rider ends with its exchange. A carrier that has none of its own, while riders are there, takes
 * one over; so it is idle exactly when it carries nothing, and holds one place then, as with
 * HTTP/1.1.
 *
 * What has come is fed to the session, and each stream's text wakes the connection of its exchange,
 * which reads it in its own run. What exchanges have to say is put together in the carrier's run
 * behind theirs: many in one send.
 *
 * Not processed, for sure (promise 3): a stream that the server refused, or that is above its
 * GOAWAY's last one, which nghttp2 tells alike; and one of whose frames none has left. All others
 * are as with HTTP/1.1 when their connection dies.
 *
 * A carrier is spent behind a GOAWAY, when its session has failed, and when an exchange has run out
 * of time and nothing at all had come meanwhile: it takes no more, and ends with what it
 * carries. */
#include "engine/http2.h"

#include "base/check.h"
#include "base/errors.h"
#include "base/memory.h"
#include "base/time.h"
#include "base/timers.h"
#include "engine/attempt.h"
#include "engine/conn.h"
#include "engine/engine.h"
#include "engine/exchange.h"
#include "engine/pool.h"
#include "engine/request.h"
#include "engine/stream.h"
#include "engine/task.h"
#include "engine/writer.h"
#include "http2/h2.h"
#include "tls/tls.h"
#include "uring/ring.h"

#include <errno.h>
#include <string.h>

enum { FRAMES_BYTES = 64 << 10 };
/* How long others wait for what one connection finds out. */
#define SETTLE_WAIT_NS NS_PER_S

static struct http2 *of(const struct exchange *x)
{
    CHECK(x->conn->carrier && x->conn->carrier->http2);
    return x->conn->carrier->http2;
}

/* ---- the pool's ---- */

static uint32_t room_of(const struct http2 *h)
{
    uint32_t room = h2_room(h->h2);
    return room > h->promised ? room - h->promised : 0;
}

bool http2_has_room(const struct conn *c)
{
    CHECK(c->http2 && c->http2->conn == c);
    return room_of(c->http2) > 0 && !http2_is_spent(c);
}

struct conn *http2_carrier(const struct pool *p)
{
    for (struct list *node = p->carriers.next; node != &p->carriers; node = node->next) {
        struct http2 *h = LIST_OWNER(node, struct http2, in_pool);
        CHECK(h->conn->step == CONN_READY);
        if (room_of(h) > 0 && list_empty(&h->conn->idle)) /* use_idle in origin.c has those */
            return h->conn;
    }
    return NULL;
}

uint64_t http2_settles_at_ns(const struct pool *p)
{
    return p->unsettled > 0 ? p->unsettled_until_ns : p->engine->now_ns;
}

const char *const *http2_protocols(const struct pool *p)
{
    static const char *const both[] = {"h2", "http/1.1", NULL};
    return p->speaks == SPEAKS_HTTP1 ? tls_http1 : both;
}

void http2_unsettle(struct conn *c)
{
    struct pool *p = c->pool;
    CHECK(p->speaks != SPEAKS_HTTP1 && !c->is_unsettled);
    c->is_unsettled = true;
    p->unsettled++;
    p->unsettled_until_ns = p->engine->now_ns + SETTLE_WAIT_NS;
}

void http2_settle(struct conn *c)
{
    if (!c->is_unsettled)
        return;
    CHECK(c->pool->unsettled > 0);
    c->is_unsettled = false;
    c->pool->unsettled--;
    pool_wake(c->pool);
}

/* ---- the connection's ---- */

static void spend(struct http2 *h)
{
    CHECK(h->conn->http2 == h && h->conn->carrier == h->conn);
    list_remove(&h->in_pool);
    http2_settle(h->conn);
}

/* That many are to become streams of its. */
static void promise(struct http2 *h, uint32_t exchanges)
{
    uint32_t most = h->conn->engine->options.requests_per_connection;
    h->promised += exchanges;
    h->begun += exchanges;
    if (most > 0 && h->begun >= most)
        spend(h);
}

void http2_promise(struct conn *carrier)
{
    CHECK(carrier->http2);
    promise(carrier->http2, 1);
}

/* The server wants HTTP/1.1: what it has begun it may end, but it is asked for no more. */
static void fall_back(struct pool *p)
{
    p->speaks = SPEAKS_HTTP1;
    while (!list_empty(&p->carriers)) {
        struct http2 *h = LIST_OWNER(p->carriers.next, struct http2, in_pool);
        CHECK(h->conn->pool == p);
        spend(h);
        task_wake(p->engine, &h->conn->task); /* an idle one ends */
    }
}

bool http2_begin(struct conn *c)
{
    struct pool *p = c->pool;
    struct ringsend *e = c->engine;
    bool is_known = p->speaks != SPEAKS_UNKNOWN;
    if (p->speaks == SPEAKS_UNKNOWN)
        p->speaks = wire_speaks_http2(&c->wire) ? SPEAKS_HTTP2 : SPEAKS_HTTP1;
    if (p->speaks == SPEAKS_HTTP1 || (!is_known && !wire_speaks_http2(&c->wire))) {
        http2_settle(c);
        return true;
    }
    const struct h2_options options = {.secure = p->https,
                                       .streams_max = e->options.streams_max,
                                       .head_bytes = e->options.head_max_bytes,
                                       .head_lines = e->options.head_max_lines,
                                       .memory = &e->memory};
    struct http2 *h = memory_take_zeroed(&e->memory, sizeof *h);
    if (!h)
        return false;
    h->h2 = h2_new(&options, &e->bufs);
    if (!h->h2) {
        memory_give_back(&e->memory, h, sizeof *h);
        return false;
    }
    const struct ringsend_bytes early = wire_early(&c->wire);
    h2_feed(h->h2, early.data, early.bytes);
    wire_early_is_read(&c->wire);
    h->conn = c;
    h->heard_ns = e->now_ns;
    list_init(&h->riders);
    list_init(&h->in_pool);
    list_push_back(&p->carriers, &h->in_pool);
    c->http2 = h;
    c->carrier = c;
    promise(h, list_empty(&c->exchanges) ? 0 : 1);
    p->suspicion = 0; /* see kept.c: frames say whose they are, and which were not processed */
    return true;
}

void http2_ride(struct conn *rider, struct conn *carrier)
{
    CHECK(carrier->http2 && !rider->carrier && room_of(carrier->http2) > 0);
    rider->carrier = carrier;
    list_push_back(&carrier->http2->riders, &rider->in_riders);
}

void http2_alight(struct conn *rider)
{
    CHECK(rider->carrier && rider->carrier != rider && list_empty(&rider->exchanges));
    list_remove(&rider->in_riders);
    task_wake(rider->engine, &rider->carrier->task);
    rider->carrier = NULL;
}

bool http2_carries(const struct conn *c)
{
    CHECK(c->carrier == c);
    return !list_empty(&c->exchanges) || !list_empty(&c->http2->riders);
}

void http2_leaves(struct conn *c)
{
    if (c->http2)
        spend(c->http2);
}

bool http2_is_spent(const struct conn *c)
{
    return list_empty(&c->http2->in_pool);
}

static void wake_riders(struct http2 *h)
{
    for (struct list *node = h->riders.next; node != &h->riders; node = node->next)
        task_wake(h->conn->engine, &LIST_OWNER(node, struct conn, in_riders)->task);
}

static void die(struct http2 *h, enum ringsend_error error, const char *detail)
{
    if (h->is_dead)
        return;
    h->is_dead = true;
    h->error = error;
    h->detail = detail;
    spend(h);
    wake_riders(h);
}

/* Each stream with something to look at wakes its exchange's connection, the carrier's own, which
 * is running, as well: it runs once more. */
static void tell(struct http2 *h)
{
    for (struct h2_stream *s; (s = h2_news(h->h2));) {
        struct exchange *x = s->owner;
        CHECK(x->stream == s && x->conn->carrier == h->conn);
        task_wake(x->engine, &x->conn->task);
    }
}

static void look_at_session(struct http2 *h)
{
    struct pool *p = h->conn->pool;
    const char *detail;
    uint32_t code;
    enum h2_failure failure = h2_failure(h->h2, &detail);
    if (failure != H2_FINE)
        die(h, failure == H2_NO_MEMORY ? RINGSEND_E_NO_MEMORY : RINGSEND_E_HTTP2, detail);
    if (h2_is_leaving(h->h2, &code)) {
        if (code == H2_HTTP_1_1_REQUIRED)
            fall_back(p);
        spend(h);
    }
    if (h2_has_settings(h->h2))
        http2_settle(h->conn);
    uint32_t room = room_of(h);
    if (room > h->room)
        pool_wake(p);
    h->room = room;
}

static enum ringsend_error feed(struct http2 *h, struct ringsend_bytes *got, const char **detail)
{
    struct conn *c = h->conn;
    for (;;) {
        struct ringsend_bytes plain;
        enum ringsend_error error = wire_received(&c->wire, got, &plain, detail);
        if (error != RINGSEND_OK || !plain.data)
            return error;
        h2_feed(h->h2, plain.data, plain.bytes);
        wire_consume(&c->wire, plain.bytes);
    }
}

void http2_receive(struct conn *c)
{
    struct http2 *h = c->http2;
    enum ringsend_error error = RINGSEND_OK;
    const char *detail = NULL;
    struct ringsend_bytes got;
    int32_t buffer;
    bool any = false;
    CHECK(c->carrier == c && h->conn == c);
    while ((buffer = conn_rx_pop(c, &got.data, &got.bytes)) >= 0) {
        if (error == RINGSEND_OK)
            error = feed(h, &got, &detail);
        ring_buffer_return(c->engine->ring, buffer);
        any = true;
    }
    if (any)
        h->heard_ns = c->engine->now_ns;
    tell(h);
    if (error != RINGSEND_OK)
        die(h, error, detail);
    if (any)
        look_at_session(h);
    if (c->stream_ended || wire_said_farewell(&c->wire)) {
        bool is_reset = c->stream_result < 0;
        die(h, is_reset ? RINGSEND_E_RESET_NO_RESPONSE : RINGSEND_E_CLOSED_NO_RESPONSE,
            is_reset ? strerrordesc_np(-c->stream_result) : NULL);
    }
}

/* The kernel has the last piece, all of it or a part, or not a byte. */
static void account(struct http2 *h)
{
    struct piece *p = &h->piece;
    CHECK(h->before_bytes <= h->gone_bytes && h->gone_bytes <= h->taken_bytes);
    if (p->state == PIECE_SENDING || p->sent_bytes > 0)
        h->gone_bytes = h->taken_bytes; /* pieces do not overlap: nothing was taken since */
    else if (p->state == PIECE_BROKE)
        h->gone_bytes = h->before_bytes; /* it was held back, and not made */
}

/* What the peer said before it closed counts; any other fault is ours, and nothing will come. */
static void fall_silent(struct http2 *h)
{
    int32_t result = h->conn->writer.result;
    h->is_mute = true;
    spend(h);
    wake_riders(h);
    task_wake(h->conn->engine, &h->conn->task);
    if (result < 0 && result != -EPIPE && result != -ECONNRESET && result != -ECANCELED)
        die(h, RINGSEND_E_SEND_BROKEN, NULL);
}

enum ringsend_error http2_send(struct conn *c)
{
    struct http2 *h = c->http2;
    struct buf_pool *pool = &c->engine->bufs;
    account(h);
    if (h->piece.state == PIECE_BROKE && !h->is_mute)
        fall_silent(h);
    if (!piece_is_queued(&h->piece) && !c->writer.truncated && !h->is_dead && h2_has_word(h->h2)) {
        if (!buf_reserve(pool, &h->frames, FRAMES_BYTES))
            return RINGSEND_E_NO_MEMORY;
        h->before_bytes = h->gone_bytes;
        h->frames.bytes = h2_take(h->h2, h->frames.data, FRAMES_BYTES);
        h->taken_bytes += h->frames.bytes;
        if (h->frames.bytes > 0) {
            piece_clear(&h->piece, h->is_wary);
            h->is_wary = false;
            piece_set(&h->piece, (struct ringsend_bytes){h->frames.data, h->frames.bytes},
                      (struct ringsend_bytes){0});
            writer_put(&c->writer, &h->piece);
        }
        tell(h);
        look_at_session(h);
    }
    if (!piece_is_queued(&h->piece))
        buf_release(pool, &h->frames);
    enum ringsend_error error = writer_go_on(c);
    account(h);
    return error;
}

struct exchange *http2_adopt(struct conn *c)
{
    struct list *first = c->http2->riders.next;
    CHECK(list_empty(&c->exchanges));
    for (; first != &c->http2->riders; first = first->next) {
        struct conn *rider = LIST_OWNER(first, struct conn, in_riders);
        struct list *node = rider->exchanges.next;
        if (node == &rider->exchanges)
            continue; /* it is about to alight */
        struct exchange *x = LIST_OWNER(node, struct exchange, node);
        list_remove(node);
        list_push_back(&c->exchanges, node);
        x->conn = c;
        c->holds = rider->holds;
        task_wake(c->engine, &rider->task);
        task_wake(c->engine, &c->task);
        return x;
    }
    return NULL;
}

void http2_end(struct conn *c)
{
    struct http2 *h = c->http2;
    struct ringsend *e = c->engine;
    CHECK(list_empty(&h->riders) && list_empty(&c->exchanges) && !piece_is_queued(&h->piece));
    spend(h);
    h2_free(h->h2);
    buf_release(&e->bufs, &h->frames);
    memory_give_back(&e->memory, h, sizeof *h);
    c->http2 = NULL;
    c->carrier = NULL;
}

/* ---- an exchange's ---- */

bool http2_may_begin(const struct exchange *x)
{
    const struct http2 *h = of(x);
    return !h->is_dead && !h->is_mute && h2_room(h->h2) > 0;
}

/* Where the body begins, in what stands behind the head in one piece. */
static size_t head_bytes_of(struct ringsend_bytes text)
{
    const char *end = memmem(text.data, text.bytes, "\r\n\r\n", 4);
    CHECK(end);
    return (size_t)(end - text.data) + 4;
}

static enum ringsend_error begin_stream(struct exchange *x)
{
    struct http2 *h = of(x);
    struct request *r = x->request;
    struct iovec *first = &x->piece.parts[0];
    size_t head_bytes = head_bytes_of((struct ringsend_bytes){first->iov_base, first->iov_len});
    const struct ringsend_bytes head = {first->iov_base, head_bytes};
    first->iov_base = (char *)first->iov_base + head_bytes;
    first->iov_len -= head_bytes;
    bool has_body = first->iov_len + x->piece.parts[1].iov_len > 0 || stream_has_more(r);
    CHECK(h->promised > 0);
    attempt_leaves(&r->attempt, r->user);
    x->stream = h2_open(h->h2, head, has_body, x);
    if (!x->stream) {
        r->attempt.bytes_left = false;
        return RINGSEND_E_NO_MEMORY;
    }
    h->promised--;
    h->is_wary |= !r->replayable;
    x->has_body = has_body;
    return RINGSEND_OK;
}

/* Hands over the next of the piece's parts, as far as the one before was taken. */
static void put_body(struct exchange *x)
{
    bool any = false;
    struct h2_stream *s = x->stream;
    struct iovec *parts = x->piece.parts;
    bool more = stream_has_more(x->request);
    while (x->has_body && s->out.bytes == 0 && !s->out_last && !s->is_over) {
        struct iovec *part = &parts[parts[0].iov_len == 0];
        const struct ringsend_bytes bytes = {part->iov_base, part->iov_len};
        part->iov_len = 0;
        bool is_last = parts[0].iov_len + parts[1].iov_len == 0 && !more;
        if (bytes.bytes == 0 && !is_last)
            break;
        h2_body(s, bytes, is_last);
        any = true;
    }
    if (any)
        task_wake(x->engine, &x->conn->carrier->task);
}

enum ringsend_error http2_put(struct exchange *x)
{
    x->piece.state = PIECE_QUEUED;
    list_init(&x->piece.node);
    enum ringsend_error error = x->stream ? RINGSEND_OK : begin_stream(x);
    if (error != RINGSEND_OK) {
        x->piece.state = PIECE_IDLE;
        return error;
    }
    x->piece.sent_bytes = 1; /* for all that is known */
    put_body(x);
    task_wake(x->engine, &x->conn->carrier->task);
    return RINGSEND_OK;
}

void http2_moved(struct exchange *x)
{
    struct h2_stream *s = x->stream;
    if (x->piece.state != PIECE_QUEUED || !s)
        return;
    put_body(x);
    bool is_out = s->out_left && s->out.bytes == 0 && x->piece.parts[0].iov_len == 0 &&
                  x->piece.parts[1].iov_len == 0;
    if (is_out && (!s->is_over || s->out_whole || !x->has_body))
        x->piece.state = PIECE_LEFT;
    else if (s->is_over || of(x)->is_dead || of(x)->is_mute)
        x->piece.state = PIECE_BROKE;
}

struct ringsend_bytes http2_peek(const struct exchange *x)
{
    return x->stream ? h2_peek(x->stream) : (struct ringsend_bytes){0};
}

void http2_consume(struct exchange *x, size_t bytes)
{
    h2_consume(x->stream, bytes);
    if (h2_has_word(of(x)->h2))
        task_wake(x->engine, &x->conn->carrier->task); /* the window's update */
}

bool http2_has_ended(const struct exchange *x)
{
    const struct h2_stream *s = x->stream;
    return s && s->in_ended && s->error == RINGSEND_OK;
}

/* Proven: the server has not done anything about it. */
static enum ringsend_error unprocessed(struct exchange *x, enum ringsend_error error)
{
    x->request->attempt.bytes_left = false;
    return error;
}

static enum ringsend_error reset_by(struct exchange *x, const char **detail)
{
    const struct h2_stream *s = x->stream;
    if (s->error != RINGSEND_OK) {
        *detail = s->detail;
        return s->error;
    }
    *detail = h2_code_name(s->code);
    CHECK(s && s->is_over);
    if (s->code == H2_HTTP_1_1_REQUIRED)
        fall_back(x->conn->pool);
    bool is_refused = s->code == H2_REFUSED_STREAM || s->code == H2_HTTP_1_1_REQUIRED;
    if (is_refused && !x->response.started)
        return unprocessed(x, RINGSEND_E_REFUSED_STREAM);
    return RINGSEND_E_STREAM_RESET;
}

enum ringsend_error http2_fault(struct exchange *x, const char **detail)
{
    struct http2 *h = of(x);
    struct h2_stream *s = x->stream;
    if (s && s->is_over)
        return reset_by(x, detail);
    *detail = h->detail;
    bool has_left = s && s->out_left && s->left_at < h->gone_bytes;
    if ((h->is_dead || h->is_mute) && !has_left)
        return unprocessed(x, RINGSEND_E_SEND_FAILED);
    if (!h->is_dead)
        return RINGSEND_OK;
    bool is_lost =
        h->error == RINGSEND_E_CLOSED_NO_RESPONSE || h->error == RINGSEND_E_RESET_NO_RESPONSE;
    if (is_lost && x->response.started)
        return x->response.phase == RESPONSE_HEAD ? RINGSEND_E_TRUNCATED_HEAD
                                                  : RINGSEND_E_TRUNCATED_BODY;
    return h->error;
}

void http2_let_go(struct exchange *x)
{
    struct http2 *h = of(x);
    struct h2_stream *s = x->stream;
    if (!s) {
        CHECK(h->promised > 0);
        h->promised--;
        return;
    }
    x->stream = NULL;
    if (!s->is_over && h->heard_ns < x->request->attempt.times.sent_at_ns)
        spend(h);
    h2_let_go(s, x->receive == RECEIVE_DONE ? H2_NO_ERROR : H2_CANCEL);
    task_wake(x->engine, &h->conn->task);
}
