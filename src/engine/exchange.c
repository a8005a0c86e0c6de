/* An exchange: the bytes of one request out and of one response in, on a ready connection. Two
 * half-states run side by side, because a response may come while the request is still going out.
 *
 *   send     NONE -> START -> SENDING -> SENT, or BROKE
 *   receive  FIRST_BYTE -> READING -> DONE
 *
 * A send that broke is not the end: the peer may have answered before it closed (413, 401). What
 * the receive half finds decides; the send's error is told only if no byte of a response came.
 *
 * Invariant: `head` and the user's body are read by the kernel exactly while the send is in flight.
 */
#include "engine/engine.h"

#include <errno.h>
#include <string.h>

enum {
    /* Bodies up to this size are copied behind the head: cheaper than a second part of the message.
     */
    COPIED_BODY_MAX = 4096,
};

void exchange_begin(struct conn *c)
{
    struct exchange *x = &c->exchange;
    CHECK(x->request && x->send == SEND_NONE);
    x->send = SEND_START;
    x->receive = RECEIVE_FIRST_BYTE;
    x->bytes_left = false;
    x->send_error = RINGSEND_OK;
    x->first_byte_at_ns = TIMER_NEVER;
    response_init(&x->response, &c->engine->limits, &c->engine->bufs,
                  span_equal(x->request->head.method, SPAN("HEAD")));
    if (c->exchanges++ > 0)
        c->engine->stats.connections_reused++;
    c->engine->exchanges++;
}

void exchange_end(struct conn *c)
{
    struct exchange *x = &c->exchange;
    CHECK(!op_in_flight(&c->send));
    buf_release(&c->engine->bufs, &x->head);
    if (x->send != SEND_NONE) {
        response_release(&x->response);
        c->engine->exchanges--;
    }
    x->send = SEND_NONE;
    x->request = NULL;
}

static enum ringsend_error send_start(struct conn *c, const char **detail)
{
    struct ringsend *e = c->engine;
    struct exchange *x = &c->exchange;
    struct request *r = x->request;
    if (c->rx_first >= 0) {
        *detail = "the peer sent data before it was asked";
        return RINGSEND_E_BAD_RESPONSE;
    }
    size_t body_bytes = r->user->body.bytes;
    bool copied = body_bytes <= COPIED_BODY_MAX;
    if (!buf_reserve(&e->bufs, &x->head, r->head.bytes + (copied ? body_bytes : 0)))
        return RINGSEND_E_NO_MEMORY;
    head_write(&r->head, x->head.data);
    x->head.bytes = r->head.bytes;
    struct ring_tag tag = {.slot = c->slot, .generation = c->generation};
    op_start(&c->send);
    x->bytes_left = true;
    x->began_ns = e->now_ns;
    x->send = SEND_SENDING;
    if (copied) {
        buf_append(&e->bufs, &x->head, r->user->body.data, body_bytes);
        ring_send(e->ring, tag, x->head.data, x->head.bytes);
        return RINGSEND_OK;
    }
    x->parts[0] = (struct iovec){x->head.data, x->head.bytes};
    /* The kernel only reads it; struct iovec knows no const. */
    x->parts[1] = (struct iovec){(void *)(uintptr_t)r->user->body.data, body_bytes};
    x->message = (struct msghdr){.msg_iov = x->parts, .msg_iovlen = 2};
    ring_send_parts(e->ring, tag, &x->message);
    return RINGSEND_OK;
}

void exchange_sent(struct conn *c, int32_t result)
{
    struct ringsend *e = c->engine;
    struct exchange *x = &c->exchange;
    size_t total = x->request->head.bytes + x->request->user->body.bytes;
    buf_release(&e->bufs, &x->head);
    /* An error means that nothing was taken: after a part, that part is the result. */
    x->bytes_left = result > 0;
    if (result > 0)
        e->stats.bytes_sent += (uint64_t)result;
    if (result == (int32_t)total) {
        x->send = SEND_SENT;
        x->first_byte_at_ns = timer_after(e->now_ns, e->options.first_byte_timeout_ns);
        return;
    }
    x->send = SEND_BROKE;
    /* After a peer's reset the receive tells soon; any other fault is ours, and nothing will come. */
    bool by_peer = result >= 0 || result == -EPIPE || result == -ECONNRESET;
    x->first_byte_at_ns =
        by_peer ? timer_after(e->now_ns, e->options.first_byte_timeout_ns) : e->now_ns;
    x->send_error = result > 0 ? RINGSEND_E_SEND_BROKEN : RINGSEND_E_SEND_FAILED;
}

/* The stream is over without a complete response. */
static enum ringsend_error cut_off(struct conn *c, const char **detail)
{
    struct exchange *x = &c->exchange;
    bool reset = c->stream_result < 0;
    if (reset)
        *detail = strerrordesc_np(-c->stream_result);
    if (!x->response.started) {
        if (x->send == SEND_BROKE)
            return x->send_error;
        return reset ? RINGSEND_E_RESET_NO_RESPONSE : RINGSEND_E_CLOSED_NO_RESPONSE;
    }
    if (!reset)
        *detail = x->response.detail;
    return x->response.phase == RESPONSE_HEAD ? RINGSEND_E_TRUNCATED_HEAD
                                              : RINGSEND_E_TRUNCATED_BODY;
}

static enum ringsend_error receive(struct conn *c, const char **detail)
{
    struct ringsend *e = c->engine;
    struct exchange *x = &c->exchange;
    const char *data;
    size_t bytes, used;
    int32_t buffer;
    while ((buffer = conn_rx_pop(c, &data, &bytes)) >= 0) {
        if (x->receive == RECEIVE_FIRST_BYTE) {
            x->receive = RECEIVE_READING;
            x->request->result.times.first_byte_ns = e->now_ns - x->began_ns;
        }
        enum response_next next = response_feed(&x->response, data, bytes, &used);
        ring_buffer_return(e->ring, buffer);
        if (next == RESPONSE_FAILED) {
            *detail = x->response.detail;
            return x->response.error;
        }
        if (next == RESPONSE_DONE) {
            c->stray = used < bytes || c->rx_first >= 0;
            x->receive = RECEIVE_DONE;
            return RINGSEND_OK;
        }
    }
    if (!c->stream_ended)
        return RINGSEND_OK;
    if (c->stream_result < 0 || response_eof(&x->response) == RESPONSE_FAILED)
        return cut_off(c, detail);
    x->receive = RECEIVE_DONE;
    return RINGSEND_OK;
}

enum ringsend_error exchange_run(struct conn *c, const char **detail)
{
    struct exchange *x = &c->exchange;
    if (x->send == SEND_START)
        return send_start(c, detail);
    if (c->send.state == OP_COMPLETE)
        exchange_sent(c, op_take(&c->send));
    return receive(c, detail);
}

bool exchange_leaves_reusable(struct conn *c)
{
    struct exchange *x = &c->exchange;
    const struct response *response = &x->response;
    if (!response->keep_alive || x->send != SEND_SENT || c->stray || c->stream_ended ||
        x->request->head.close)
        return false;
    if (response->has_keep_alive_s) {
        /* One second less than the peer says, so that a request does not cross its close. */
        uint64_t second_ns = 1000 * 1000 * 1000u;
        if (response->keep_alive_s == 0)
            return false;
        c->idle_ns =
            response->keep_alive_s == 1 ? second_ns / 2 : (response->keep_alive_s - 1) * second_ns;
    }
    return true;
}

const char *exchange_phase(const struct exchange *x)
{
    if (x->receive == RECEIVE_READING)
        return x->response.phase == RESPONSE_HEAD ? "while reading the response head"
                                                  : "while reading the response body";
    return x->send == SEND_SENT ? "while waiting for the response" : "while sending the request";
}
