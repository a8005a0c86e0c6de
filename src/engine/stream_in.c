/* Streamed responses. What the exchange reads gathers in response.body; from there it moves, buffer
 * by buffer and uncopied, to stream.out: the piece that lies ready, is in the host's hands, or is
 * being written. When WINDOW_BYTES have gathered behind it the receive is stopped until there is
 * room.
 *
 *   receive  READING -> DRAINING -> DONE: complete, but not all is out; no clock of the attempt
 *            runs then
 *
 * A response that breaks off behind its first piece drains as well, and its error counts in the
 * end: the host gets all that came. Only the good responses (response.streams) come here; others
 * stay in response.body. */
#include "base/buf.h"
#include "base/errors.h"
#include "base/list.h"
#include "engine/conn.h"
#include "engine/engine.h"
#include "engine/exchange.h"
#include "engine/request.h"
#include "engine/steps.h"
#include "engine/stream.h"
#include "http/response.h"
#include "ringsend.h"

#include <stdio.h>
#include <string.h>

enum { WINDOW_BYTES = 256 << 10 };

/* ---- To a descriptor ---- */

static void start_write(struct exchange *x)
{
    struct stream *s = x->request->stream;
    if (!file_is_entered(&s->to))
        file_enter(&s->to, x, 1, s->request->user->response_fd);
    s->spent = s->writing = true;
    file_append(&s->to, s->out.data, s->out.bytes);
}

static enum ringsend_error write_failed(struct stream *s, int64_t result, const char **detail)
{
    *detail = s->detail;
    if (result < 0)
        stream_explain(s, result, "no room");
    else
        snprintf(s->detail, sizeof s->detail, "a write ended after %lld of %zu bytes: a full disk?",
                 (long long)result, s->out.bytes);
    return RINGSEND_E_BODY_WRITE;
}

static enum ringsend_error wrote(struct stream *s, const char **detail)
{
    int64_t result = file_take(&s->to);
    s->writing = false;
    if (result != (int64_t)s->out.bytes)
        return write_failed(s, result, detail);
    buf_release(&s->request->engine->bufs, &s->out);
    return RINGSEND_OK;
}

/* ---- In pieces ---- */

static void offer(struct stream *s, const struct response *response)
{
    struct ringsend *e = s->request->engine;
    struct ringsend_result *result = &s->gives.result;
    if (s->held || !list_empty(&s->gives.node))
        return; /* it lies ready, or in the host's hands */
    result->request = s->request->user;
    result->kind = RINGSEND_PIECE;
    result->status = response->status;
    result->encoding =
        (struct ringsend_bytes){response->codings.text, response->codings.text_bytes};
    result->body = (struct ringsend_bytes){s->out.data, s->out.bytes};
    if (e->options.store_headers && !s->headers.data)
        attempt_headers(e, &response->headers, &response->header_index, &s->headers, result);
    s->spent = true;
    stream_report(e, &s->gives);
}

int stream_hold(struct request *r, bool hold)
{
    struct stream *s = r->stream;
    if (!s || s->sink != RINGSEND_RESPONSE_PIECES)
        return -RINGSEND_E_INVALID;
    s->held = hold;
    if (hold)
        stream_take_back(r->engine, &s->gives);
    else if (r->exchange)
        exchange_wake(r->exchange);
    return 0;
}

/* ---- Both ---- */

/* Moves on what can move. */
static enum ringsend_error pass_on(struct exchange *x, const char **detail)
{
    struct stream *s = x->request->stream;
    struct response *response = &x->response;
    if (s->writing) {
        enum ringsend_error error = file_busy(&s->to) ? RINGSEND_OK : wrote(s, detail);
        if (error != RINGSEND_OK || s->writing)
            return error;
    }
    if (s->out.bytes == 0) {
        s->out = response->body;
        response->body = (struct buf){0};
    }
    if (s->out.bytes == 0)
        return RINGSEND_OK;
    if (s->sink == RINGSEND_RESPONSE_FD)
        start_write(x);
    else
        offer(s, response);
    return RINGSEND_OK;
}

static bool is_empty(const struct exchange *x)
{
    return x->request->stream->out.bytes == 0 && x->response.body.bytes == 0;
}

enum ringsend_error stream_receive(struct exchange *x, enum ringsend_error error,
                                   const char **detail)
{
    struct conn *c = x->conn;
    struct stream *s = x->request->stream;
    if (!s->sink || !x->response.streams) {
        if (x->receive == RECEIVE_DRAINING)
            exchange_receive_goto(x, RECEIVE_DONE);
        return error;
    }
    if (error != RINGSEND_OK) {
        if (!s->spent || is_empty(x))
            return error;
        s->end = error;
        s->end_detail = *detail;
        exchange_receive_goto(x, RECEIVE_DRAINING);
    }
    error = pass_on(x, detail);
    if (error != RINGSEND_OK)
        return error;
    if (x->receive == RECEIVE_DRAINING && is_empty(x)) {
        *detail = s->end_detail;
        if (s->end == RINGSEND_OK)
            exchange_receive_goto(x, RECEIVE_DONE);
        return s->end;
    }
    /* Others wait for the buffers of what has no business here. */
    if (!c->carrier)
        conn_rx_drop(c);
    bool full = x->response.body.bytes >= WINDOW_BYTES && x->receive == RECEIVE_READING;
    if (full || c->unsolicited)
        conn_stop_recv(c);
    else
        conn_go_on_recv(c);
    return RINGSEND_OK;
}

bool stream_awaits_host(const struct exchange *x)
{
    const struct stream *s = x->request->stream;
    return s && (s->asked || (s->sink == RINGSEND_RESPONSE_PIECES && s->out.bytes > 0));
}

void stream_piece_over(struct event *event)
{
    struct stream *s = LIST_OWNER(event, struct stream, gives);
    struct request *r = s->request;
    buf_release(&r->engine->bufs, &s->out);
    if (r->exchange)
        exchange_wake(r->exchange);
}

void stream_in_over(struct stream *s)
{
    struct ringsend *e = s->request->engine;
    if (s->writing)
        file_take(&s->to);
    s->writing = false;
    file_leave(&s->to);
    stream_take_back(e, &s->gives);
    if (list_empty(&s->gives.node)) /* else it is the host's until stream_piece_over */
        buf_release(&e->bufs, &s->out);
    s->end = RINGSEND_OK;
}
