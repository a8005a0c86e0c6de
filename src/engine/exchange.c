/* An exchange: the bytes of one request out and of one response in, on a connection. It has a slot
 * of its own in engine.exchanges from when it is given to a connection with room, which may still
 * be being made, until its request's attempt is over, or goes on elsewhere. Once the connection is
 * ready two half-states run side by side, because a response may come while the request is still
 * going out.
 *
 *   send     NONE -> START -> SENDING -> SENT, or BROKE; a streamed body: START -> FILLING ->
 *            SENDING -> FILLING ... -> SENT
 *   receive  FIRST_BYTE -> READING -> DONE; a streamed body may have to drain between READING and
 *            DONE
 *
 * A send that broke is not the end: the peer may have answered before it closed (413, 401). What
 * the receive half finds decides; the send's error counts only if no byte of a response came.
 *
 * An early response, complete while the request is still going out, ends the send when it says that
 * the peer does not want the rest: a status of 300 and above, as with curl. Below that the rest is
 * owed (RFC 9110 7.5): the exchange lasts until all is out, by the attempt's clock, and when that
 * fails the outcome is how, never the response.
 *
 * Invariant: `head` and the user's body are read by the kernel exactly while `piece` is sending.
 * While FILLING it may write to `head`. */
#include "engine/exchange.h"

#include "base/buf.h"
#include "base/check.h"
#include "base/errors.h"
#include "base/timers.h"
#include "engine/attempt.h"
#include "engine/conn.h"
#include "engine/credentials.h"
#include "engine/engine.h"
#include "engine/http1.h"
#include "engine/http2.h"
#include "engine/kept.h"
#include "engine/places.h"
#include "engine/request.h"
#include "engine/room.h"
#include "engine/steps.h"
#include "engine/stream.h"
#include "engine/pool.h"
#include "engine/relay.h"
#include "engine/task.h"
#include "engine/wire.h"
#include "engine/writer.h"
#include "http/head.h"
#include "http/protocol.h"
#include "http/response.h"
#include "ringsend.h"
#include "uring/ring.h"

#include <errno.h>
#include <string.h>

enum {
    /* Bodies up to this size are copied behind the head: cheaper than a second part of the message.
     */
    COPIED_BODY_MAX = 4096,
};

/* ---- clocks ---- */

uint64_t exchange_deadline_ns(const struct exchange *x)
{
    uint64_t at_ns = attempt_deadline_ns(&x->request->attempt);
    CHECK(x->request && x->send != SEND_NONE);
    if (x->receive >= RECEIVE_DRAINING && !exchange_owes(x))
        return TIMER_NEVER;
    bool first = x->receive == RECEIVE_FIRST_BYTE && x->first_byte_at_ns < at_ns;
    return first ? x->first_byte_at_ns : at_ns;
}

void exchange_wait(struct exchange *x)
{
    task_deadline(x->engine, &x->task, exchange_deadline_ns(x));
}

void exchange_begin(struct exchange *x)
{
    struct conn *c = x->conn->carrier ? x->conn->carrier : x->conn;
    CHECK(x->request && x->send == SEND_NONE);
    exchange_send_goto(x, SEND_START);
    exchange_receive_goto(x, RECEIVE_FIRST_BYTE);
    x->early = false;
    piece_clear(&x->piece, !x->request->replayable);
    x->blank_bytes = 0;
    x->send_error = RINGSEND_OK;
    x->first_byte_at_ns = TIMER_NEVER;
    response_init(&x->response, &x->engine->limits, &x->engine->bufs,
                  span_equal(x->request->head.method, SPAN("HEAD")));
    if (x->request->user->flags & RESPONSE_STREAMED)
        response_stream(&x->response, &x->engine->streamed_status,
                        (x->request->user->flags & RINGSEND_RESPONSE_DISCARD) != 0);
    if (c->exchanges_begun++ > 0)
        x->engine->stats.connections_reused++;
    x->engine->exchanges_open++;
    place_set_silent(x->conn, true);
}

/* What has left is in doubt from the moment on that it can. */
static enum ringsend_error send_on(struct exchange *x)
{
    struct attempt *a = &x->request->attempt;
    CHECK(x->send == SEND_SENDING);
    enum ringsend_error error = writer_go_on(x->conn);
    if (x->piece.state == PIECE_SENDING && !a->bytes_left)
        attempt_leaves(a, x->request->user);
    return error;
}

/* Hands over the piece: what was set as to leave next. */
static enum ringsend_error send_piece(struct exchange *x)
{
    struct ringsend_times *times = &x->request->attempt.times;
    CHECK(!piece_is_queued(&x->piece) && x->conn->step == CONN_READY);
    exchange_send_goto(x, SEND_SENDING);
    if (times->sent_at_ns == 0)
        times->sent_at_ns = engine_stamp_ns(x->engine);
    if (x->conn->carrier)
        return http2_put(x);
    writer_put(&x->conn->writer, &x->piece);
    return send_on(x);
}

static enum ringsend_error fill(struct exchange *x, const char **detail)
{
    bool is_set = false;
    CHECK(x->send == SEND_FILLING && !piece_is_queued(&x->piece));
    enum ringsend_error error = stream_fill(x, &is_set, detail);
    return error == RINGSEND_OK && is_set ? send_piece(x) : error;
}

static enum ringsend_error send_start(struct exchange *x, const char **detail)
{
    struct conn *c = x->conn;
    struct ringsend *e = x->engine;
    struct request *r = x->request;
    CHECK(x->piece.state == PIECE_IDLE && !r->attempt.bytes_left);
    if (c->rx_first >= 0 && !c->carrier)
        return http1_unasked(c, detail);
    struct ringsend_bytes body = request_body(r);
    size_t body_bytes = body.bytes;
    bool copied = body_bytes <= COPIED_BODY_MAX;
    if (!buf_reserve(&e->bufs, &x->head, r->head.bytes + (copied ? body_bytes : 0)))
        return RINGSEND_E_NO_MEMORY;
    head_write(&r->head, x->head.data);
    x->head.bytes = r->head.bytes;
    if (e->credentials && credentials_sign(r, &x->head) != RINGSEND_OK)
        return RINGSEND_E_NO_MEMORY;
    if (r->stream && stream_has_source(r)) {
        exchange_send_goto(x, SEND_FILLING);
        return fill(x, detail);
    }
    if (copied && !buf_append(&e->bufs, &x->head, body.data, body_bytes))
        return RINGSEND_E_NO_MEMORY;
    piece_set(&x->piece, (struct ringsend_bytes){x->head.data, x->head.bytes},
              copied ? (struct ringsend_bytes){0} : body);
    return send_piece(x);
}

void exchange_sent(struct exchange *x)
{
    struct ringsend *e = x->engine;
    struct request *r = x->request;
    CHECK(x->send == SEND_SENDING && x->piece.state != PIECE_IDLE);
    if (x->stream)
        http2_moved(x);
    if (x->piece.state == PIECE_SENDING)
        return;
    r->attempt.bytes_left = x->piece.sent_bytes > 0;
    if (x->piece.state == PIECE_QUEUED)
        return;
    buf_release(&e->bufs, &x->head);
    if (x->piece.state == PIECE_LEFT && r->stream && stream_has_more(r)) {
        exchange_send_goto(x, SEND_FILLING);
        return;
    }
    if (x->piece.state == PIECE_LEFT) {
        exchange_send_goto(x, SEND_SENT);
        x->first_byte_at_ns = timer_after(e->now_ns, e->options.first_byte_timeout_ns);
        return;
    }
    CHECK(x->piece.state == PIECE_BROKE && (x->conn->writer.truncated || x->stream));
    exchange_send_goto(x, SEND_BROKE);
    /* After a peer's reset the receive tells soon; any other fault is ours, and nothing will come.
     */
    int32_t result = x->conn->writer.result;
    bool by_peer = x->stream || result >= 0 || result == -EPIPE || result == -ECONNRESET;
    x->first_byte_at_ns = by_peer ? timer_after(e->now_ns, e->options.first_byte_timeout_ns) : 0;
    x->send_error = x->piece.sent_bytes > 0 ? RINGSEND_E_SEND_BROKEN : RINGSEND_E_SEND_FAILED;
}

/* The stream is over without a complete response. */
static enum ringsend_error truncated(const struct exchange *x, const char **detail)
{
    struct conn *c = x->conn;
    bool reset = c->stream_result < 0;
    CHECK(c->stream_ended && x->receive < RECEIVE_DRAINING);
    if (reset)
        *detail = strerrordesc_np(-c->stream_result);
    const char *explained = x->response.started ? NULL : wire_explains(&c->wire);
    if (explained)
        *detail = explained;
    if (!x->response.started) {
        if (x->send == SEND_BROKE)
            return x->send_error;
        return reset ? RINGSEND_E_RESET_NO_RESPONSE : RINGSEND_E_CLOSED_NO_RESPONSE;
    }
    if (!reset && x->response.detail)
        *detail = x->response.detail;
    return x->response.phase == RESPONSE_HEAD ? RINGSEND_E_TRUNCATED_HEAD
                                              : RINGSEND_E_TRUNCATED_BODY;
}

static void complete(struct exchange *x)
{
    CHECK(x->response.started && x->receive == RECEIVE_READING);
    x->early = x->send != SEND_SENT;
    exchange_receive_goto(x, x->request->stream ? RECEIVE_DRAINING : RECEIVE_DONE);
}

/* More of the response is to come, or what comes behind it is to be passed over: TLS cannot send in
 * the middle of a record, and others wait for the buffers. */
static bool receives(const struct exchange *x)
{
    return x->receive < RECEIVE_DRAINING || exchange_owes(x);
}

/* Feeds what can be read to the response; `plain` is then what was left of it. */
static enum ringsend_error read_plain(struct exchange *x, struct ringsend_bytes *plain,
                                      const char **detail)
{
    struct conn *c = x->conn;
    size_t used;
    if (x->receive >= RECEIVE_DRAINING) {
        c->unsolicited |= plain->bytes > 0;
        *plain = (struct ringsend_bytes){plain->data + plain->bytes, 0};
        return RINGSEND_OK;
    }
    if (x->receive == RECEIVE_FIRST_BYTE) {
        if (plain->bytes > 0 && protocol_is_blank(plain->data[0]) && c->exchanges_begun > 1 &&
            !c->carrier && !x->engine->limits.strict)
            http1_pass_over_blank_lines(x, plain);
        if (plain->bytes == 0)
            return RINGSEND_OK;
        exchange_receive_goto(x, RECEIVE_READING);
        place_set_silent(c, false);
        struct ringsend_times *times = &x->request->attempt.times;
        times->first_byte_at_ns = x->engine->now_ns;
        times->first_byte_ns = times->first_byte_at_ns - times->sent_at_ns;
    }
    enum response_next next = response_feed(&x->response, plain->data, plain->bytes, &used);
    CHECK(used <= plain->bytes);
    plain->data += used;
    plain->bytes -= used;
    if (next == RESPONSE_FAILED) {
        *detail = x->response.detail;
        return x->response.error;
    }
    x->is_whole = next == RESPONSE_DONE;
    if (x->is_whole && !c->carrier)
        complete(x);
    return RINGSEND_OK;
}

/* The stream has come to its end: so has the response, or it lacks something. */
static enum ringsend_error end_of_stream(struct exchange *x, const char **detail)
{
    CHECK(x->stream && x->receive < RECEIVE_DRAINING);
    if (!x->is_whole && response_eof(&x->response) == RESPONSE_FAILED) {
        *detail = x->response.detail;
        return x->response.error;
    }
    if (http2_peek(x).bytes > 0) {
        *detail = "more bytes of body came than a response like this has";
        return RINGSEND_E_BAD_BODY;
    }
    complete(x);
    return RINGSEND_OK;
}

/* The same of HTTP/2, where a response is complete once its stream has said so. */
static enum ringsend_error receive_stream(struct exchange *x, const char **detail)
{
    struct ringsend_bytes text;
    CHECK(x->conn->carrier && x->request);
    while (x->receive < RECEIVE_DRAINING && !x->is_whole && !x->conn->holds &&
           (text = http2_peek(x)).bytes > 0) {
        size_t before = text.bytes;
        enum ringsend_error error = read_plain(x, &text, detail);
        http2_consume(x, before - text.bytes);
        if (error != RINGSEND_OK)
            return error;
    }
    if (x->receive >= RECEIVE_DRAINING || (http2_peek(x).bytes > 0 && !x->is_whole))
        return RINGSEND_OK;
    return http2_has_ended(x) ? end_of_stream(x, detail) : http2_fault(x, detail);
}

/* The same with bytes as they came. */
static enum ringsend_error read_raw(struct exchange *x, struct ringsend_bytes *got,
                                    const char **detail)
{
    struct conn *c = x->conn;
    do {
        struct ringsend_bytes plain;
        enum ringsend_error error = wire_received(&c->wire, got, &plain, detail);
        if (error != RINGSEND_OK || !plain.data)
            return error;
        size_t before = plain.bytes;
        error = read_plain(x, &plain, detail);
        if (error != RINGSEND_OK)
            return error;
        CHECK(plain.bytes <= before);
        c->unsolicited |= plain.bytes > 0;
        wire_consume(&c->wire, before - plain.bytes);
    } while (receives(x));
    return RINGSEND_OK;
}

static enum ringsend_error receive(struct exchange *x, const char **detail)
{
    struct conn *c = x->conn;
    struct ringsend_bytes got;
    int32_t buffer;
    if (c->carrier)
        return receive_stream(x, detail);
    while (receives(x) && (buffer = conn_rx_pop(c, &got.data, &got.bytes)) >= 0) {
        enum ringsend_error error = read_raw(x, &got, detail);
        ring_buffer_return(x->engine->ring, buffer);
        if (error != RINGSEND_OK)
            return error;
        c->unsolicited |= x->receive >= RECEIVE_DRAINING && got.bytes > 0;
    }
    if (x->receive >= RECEIVE_DRAINING) {
        c->unsolicited |= c->rx_first >= 0;
        return RINGSEND_OK;
    }
    CHECK(c->rx_first < 0);
    if (!c->stream_ended && !wire_said_farewell(&c->wire))
        return RINGSEND_OK;
    c->stream_ended = true;
    bool is_truncated = wire_is_truncated(&c->wire);
    if (is_truncated && c->stream_result == 0)
        *detail = "the stream ended without TLS's farewell (close_notify)";
    if (is_truncated || c->stream_result < 0 || response_eof(&x->response) == RESPONSE_FAILED)
        return truncated(x, detail);
    complete(x);
    return RINGSEND_OK;
}

/* The response is complete: has the rest of the request that it is worth nothing without gone out,
 * or can it still? A peer that has said TLS's farewell reads no more (RFC 5246 7.2.1). */
static enum ringsend_error judge_send(const struct exchange *x, const char **detail)
{
    if (x->receive != RECEIVE_DONE || !exchange_owes(x))
        return RINGSEND_OK;
    bool farewell = wire_said_farewell(&x->conn->wire) && x->piece.state != PIECE_SENDING;
    if (x->send != SEND_BROKE && !farewell)
        return RINGSEND_OK;
    CHECK(!x->request->attempt.bytes_left || x->piece.sent_bytes > 0 || farewell);
    *detail =
        "a response came early, and the connection broke before the request was sent to its end";
    return x->request->attempt.bytes_left ? RINGSEND_E_SEND_BROKEN : RINGSEND_E_SEND_FAILED;
}

enum ringsend_error exchange_run(struct exchange *x, const char **detail)
{
    CHECK(x->request && x->send != SEND_NONE);
    if (x->send == SEND_START)
        return send_start(x, detail);
    if (x->send == SEND_SENDING)
        exchange_sent(x);
    if (x->send == SEND_FILLING) {
        enum ringsend_error error = fill(x, detail);
        if (error != RINGSEND_OK)
            return error;
    }
    enum ringsend_error error = receive(x, detail);
    /* After it: half duplex nothing can go out in the middle of a record, and what completes that
     * may be the last thing to happen. */
    bool is_stream = x->conn->carrier != NULL;
    bool more = !is_stream && x->piece.state == PIECE_QUEUED && receives(x);
    if (error == RINGSEND_OK && more)
        error = send_on(x);
    else if (error == RINGSEND_OK && !is_stream && receives(x) && wire_has_word(&x->conn->wire))
        error = writer_go_on(x->conn);
    if (x->request->stream)
        error = stream_receive(x, error, detail);
    if (error == RINGSEND_OK)
        room_look(x);
    return error == RINGSEND_OK ? judge_send(x, detail) : error;
}

void exchange_put_back(struct exchange *x)
{
    CHECK(x->conn->carrier && x->send == SEND_START && !x->stream);
    http2_let_go(x);
    response_release(&x->response);
    x->engine->exchanges_open--;
    exchange_send_goto(x, SEND_NONE);
    exchange_put(x);
}

/* All that is known here goes to the attempt, while it is known. */
static void fill_in_attempt(struct exchange *x, enum ringsend_error error, const char *detail)
{
    struct attempt *a = &x->request->attempt;
    const struct conn *c = x->conn->carrier ? x->conn->carrier : x->conn;
    CHECK(error != RINGSEND_OK || x->receive == RECEIVE_DONE);
    a->reused = c->exchanges_begun > 1;
    attempt_explain(a, detail);
    if (x->send == SEND_NONE)
        return;
    a->sent_whole = x->send == SEND_SENT;
    a->stale = a->reused && !x->conn->carrier && http1_is_stale(error, &x->response);
    attempt_take(a, &x->response, error);
}

/* A 407 is the proxy's, and no answer to the request: nothing has been passed on, whatever becomes
 * of the rest of it. */
static bool is_proxys_no(const struct exchange *x, enum ringsend_error error)
{
    const struct relay *w = x->conn->pool->relay;
    CHECK(!w || w->kind != RELAY_ABSOLUTE || !x->conn->carrier);
    bool by_decision = error != RINGSEND_OK && !error_is_of_attempt(error);
    return w && w->kind == RELAY_ABSOLUTE && x->send != SEND_NONE && !by_decision &&
           x->response.status == 407 && x->response.phase != RESPONSE_HEAD;
}

void exchange_end(struct exchange *x, enum ringsend_error error, const char *detail)
{
    struct conn *c = x->conn;
    struct request *r = x->request;
    bool refused = is_proxys_no(x, error);
    if (refused) {
        error = RINGSEND_E_PROXY_AUTH;
        detail = "the proxy answered 407";
    }
    CHECK(r && r->exchange == x && x->piece.state != PIECE_SENDING);
    fill_in_attempt(x, error, detail);
    if (refused)
        attempt_not_passed_on(&r->attempt);
    if (c->carrier) {
        http2_let_go(x);
        c->holds = false;
    } else if (x->piece.state == PIECE_QUEUED) {
        writer_withdraw(&x->piece);
    }
    if (c->on_trial)
        kept_trial_over(c);
    if (r->stream)
        stream_attempt_over(r);
    buf_release(&x->engine->bufs, &x->head);
    room_exchange_over(x);
    if (x->send != SEND_NONE) {
        response_release(&x->response);
        x->engine->exchanges_open--;
        exchange_send_goto(x, SEND_NONE);
    }
    exchange_put(x);
    attempt_over(&r->attempt, error, NULL);
}
