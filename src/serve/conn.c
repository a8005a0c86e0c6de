/* The life of a connection.
 *
 * step       waits for                       next
 * WAITING    a place                         READING, LEAVING
 * READING    bytes, the end of idleness      THINKING, STALLED, PARTING, LEAVING
 * THINKING   the answer's time               ANSWERING; when the fate is a close or a reset,
 *                                            PARTING, LEAVING
 * ANSWERING  the sends                       READING, LINGERING, PARTING, LEAVING
 * STALLED    the client's end                PARTING, LEAVING
 * LINGERING  the client's end, a deadline    PARTING, LEAVING
 * PARTING    the farewell's send, a deadline LEAVING
 * LEAVING    operations in flight            CLOSING
 * CLOSING    the close                       FREE
 *
 * Receiving goes on beside the steps: bytes of the request being read go from the shared buffer
 * straight into its reader, those of later requests into the inbox, and a full inbox stops the
 * receive. A receive that ended is armed again only from visitor_run, that is after all completions
 * of a batch gave their buffers back: -ENOBUFS cannot make the loop spin.
 *
 * Over TLS a veil stands between: completions put cipher bytes into it, each step first moves what
 * the veil lets through in both directions (visitor_pump), and then sees plain bytes only. Sends
 * carry whatever the veil has to say; the answer is out when it is all written and no send is in
 * flight. A client's farewell is its end of stream, except that answers can no longer be written
 * behind it. PARTING is taken over TLS alone, by connections that are not broken.
 *
 * A client that half-closes still gets the answers it waits for. It stops counting as a connection
 * when its end is seen, since from then on the client itself counts it as gone.
 *
 * Teardown is a join: both operations are cancelled and their completions awaited before the close,
 * so that the kernel never touches memory of a later visitor. */
#include "serve/conn.h"

#include "base/check.h"
#include "serve/service.h"
#include "serve/state.h"

#include <errno.h>

enum { INBOX_BYTES_MAX = 64 << 10 };

/* How long to wait for the client to take the last answer before its unread bytes make the kernel
 * reset the connection (RFC 9112 9.6). */
static const uint64_t LINGER_NS = 1000000000;
/* How long a client may take to make room for the 31 bytes of a farewell. */
static const uint64_t FAREWELL_NS = 1000000000;

/* A client at its limit closes one connection and opens another. The kernel may report the new one
 * first, as one accept takes all that are there; so much time the end of the old one gets to come
 * through before the new one counts as too many. */
static const uint64_t REFUSE_GRACE_NS = 2000000;

static const struct ringsend_bytes continue_text = SPAN("HTTP/1.1 100 Continue\r\n\r\n");

enum visitor_next { VISITOR_AGAIN, VISITOR_WAIT };

/* Steps that may follow each step, as bits. */
#define BIT(step) (1u << (step))
static const unsigned followers[VISITOR_STEPS] = {
    [VISITOR_FREE] = BIT(VISITOR_WAITING),
    [VISITOR_WAITING] = BIT(VISITOR_READING) | BIT(VISITOR_LEAVING),
    [VISITOR_READING] =
        BIT(VISITOR_THINKING) | BIT(VISITOR_STALLED) | BIT(VISITOR_PARTING) | BIT(VISITOR_LEAVING),
    [VISITOR_THINKING] = BIT(VISITOR_ANSWERING) | BIT(VISITOR_PARTING) | BIT(VISITOR_LEAVING),
    [VISITOR_ANSWERING] =
        BIT(VISITOR_READING) | BIT(VISITOR_LINGERING) | BIT(VISITOR_PARTING) | BIT(VISITOR_LEAVING),
    [VISITOR_STALLED] = BIT(VISITOR_PARTING) | BIT(VISITOR_LEAVING),
    [VISITOR_LINGERING] = BIT(VISITOR_PARTING) | BIT(VISITOR_LEAVING),
    [VISITOR_PARTING] = BIT(VISITOR_LEAVING),
    [VISITOR_LEAVING] = BIT(VISITOR_CLOSING),
    [VISITOR_CLOSING] = BIT(VISITOR_FREE),
};

static enum visitor_next visitor_goto(struct platform *p, struct visitor *v, enum visitor_step step)
{
    CHECK(followers[v->step] & BIT(step));
    v->step = step;
    timer_clear(&v->timer);
    if (step == VISITOR_READING && p->options.keep_alive_ns > 0)
        timer_set(&p->timers, &v->timer, p->now_ns + p->options.keep_alive_ns);
    else if (step == VISITOR_LINGERING)
        timer_set(&p->timers, &v->timer, p->now_ns + LINGER_NS);
    else if (step == VISITOR_PARTING)
        timer_set(&p->timers, &v->timer, p->now_ns + FAREWELL_NS);
    return VISITOR_AGAIN;
}

static struct ring_tag visitor_tag(const struct platform *p, const struct visitor *v)
{
    return (struct ring_tag){(uint32_t)(v - p->visitors), v->generation};
}

/* No longer part of connections_open: its place is free. */
static void visitor_depart(struct platform *p, struct visitor *v)
{
    if (v->counted)
        p->report.connections_open--;
    v->counted = false;
}

static enum visitor_next visitor_leave(struct platform *p, struct visitor *v)
{
    visitor_depart(p, v);
    if (!v->veil || !veil_is_ready(v->veil) || v->broken || v->resets)
        return visitor_goto(p, v, VISITOR_LEAVING);
    veil_close(v->veil);
    return visitor_goto(p, v, VISITOR_PARTING);
}

void visitor_wake(struct platform *p, struct visitor *v)
{
    if (list_empty(&v->link))
        list_push_back(&p->ready, &v->link);
}

void visitor_admit(struct platform *p, struct visitor *v)
{
    v->counted = v->admitted = true;
    v->peak_before = p->report.connections_peak;
    p->report.connections++;
    p->report.connections_open++;
    visitor_goto(p, v, VISITOR_READING);
    visitor_wake(p, v);
}

void visitor_arrive(struct platform *p, struct visitor *v)
{
    CHECK(v->step == VISITOR_FREE && !v->turn && !v->inbox.data && !v->veil);
    *v = (struct visitor){.generation = v->generation};
    list_init(&v->link);
    timer_init(&v->timer);
    p->visitors_used++;
    visitor_goto(p, v, VISITOR_WAITING);
    timer_set(&p->timers, &v->timer, p->now_ns + REFUSE_GRACE_NS);
    list_push_back(&p->waiting, &v->link);
    p->waiting_count++;
}

void visitor_refuse(struct platform *p, struct visitor *v)
{
    p->report.refused++;
    request_log_add(&p->log, p->now_ns, 0, NULL, "refused");
    visitor_leave(p, v);
    visitor_wake(p, v);
}

/* Gives bytes to the request being read; returns how many of them belong to it. */
static size_t visitor_feed(struct platform *p, struct visitor *v, const char *data, size_t bytes)
{
    if (!v->turn) {
        v->turn = turn_take(p);
        if (!v->turn) {
            v->broken = true;
            return bytes;
        }
        timer_clear(&v->timer);
    }
    size_t used = 0;
    struct turn *turn = v->turn;
    turn->got = request_reader_feed(&turn->reader, data, bytes, &used);
    CHECK(used <= bytes && (turn->got != REQUEST_MORE || used == bytes));
    turn->too_large = p->options.echo && turn->reader.body_bytes > PLATFORM_ECHO_BYTES_MAX;
    return used;
}

/* True when there is nothing more to read of the request: it is whole, or beyond reading. */
static bool visitor_has_request(const struct visitor *v)
{
    return v->turn && (v->turn->got != REQUEST_MORE || v->turn->too_large);
}

static void visitor_receive(struct platform *p, struct visitor *v, const char *data, size_t bytes)
{
    bool reads = v->step == VISITOR_READING;
    if (!reads && v->step != VISITOR_THINKING && v->step != VISITOR_ANSWERING)
        return;
    size_t used = 0;
    if (reads && v->inbox.bytes == 0 && !visitor_has_request(v))
        used = visitor_feed(p, v, data, bytes);
    if (!buf_append(&p->buffers, &v->inbox, data + used, bytes - used))
        v->broken = true;
}

/* Arms the receive when it is wanted and none is there, and ends it when the inbox is full. */
static void visitor_listen(struct platform *p, struct visitor *v)
{
    bool full =
        v->inbox.bytes >= INBOX_BYTES_MAX || (v->veil && veil_waiting(v->veil) >= INBOX_BYTES_MAX);
    if (v->receiving) {
        if (full && !v->recv_cancelled && !v->canceling) {
            ring_cancel(p->ring, visitor_tag(p, v), RING_RECV);
            v->recv_cancelled = v->canceling = true;
        }
    } else if (!full && !v->canceling && !v->eof && !v->broken) {
        ring_recv(p->ring, visitor_tag(p, v));
        v->receiving = true;
        v->recv_cancelled = false;
    }
}

/* Feeds what the inbox holds. */
static void visitor_read_inbox(struct platform *p, struct visitor *v)
{
    if (v->inbox.bytes == 0 || visitor_has_request(v))
        return;
    v->inbox_used +=
        visitor_feed(p, v, v->inbox.data + v->inbox_used, v->inbox.bytes - v->inbox_used);
    if (v->inbox_used == v->inbox.bytes) {
        buf_release(&p->buffers, &v->inbox);
        v->inbox_used = 0;
    }
}

static void visitor_send(struct platform *p, struct visitor *v, struct ringsend_bytes data)
{
    CHECK(!v->sending);
    v->sending = true;
    v->send_bytes = data.bytes;
    ring_send(p->ring, visitor_tag(p, v), data.data, data.bytes);
}

static void visitor_send_answer(struct platform *p, struct visitor *v)
{
    struct turn *turn = v->turn;
    if (turn->parts[1].iov_len == 0) {
        visitor_send(p, v, (struct ringsend_bytes){turn->parts[0].iov_base, turn->answer_bytes});
        return;
    }
    CHECK(!v->sending);
    v->sending = true;
    v->send_bytes = turn->answer_bytes;
    turn->message = (struct msghdr){.msg_iov = turn->parts, .msg_iovlen = 2};
    ring_send_parts(p->ring, visitor_tag(p, v), &turn->message);
}

/* ---- TLS ---- */

uint64_t *visitor_handshakes(struct platform *p, const struct visitor *v)
{
    return veil_is_resumed(v->veil) ? &p->report.handshakes_resumed : &p->report.handshakes_full;
}

/* Keeps what came, until visitor_pump. */
static void visitor_receive_cipher(struct platform *p, struct visitor *v, const char *data,
                                   size_t bytes)
{
    if (v->step >= VISITOR_PARTING)
        return;
    if (!v->veil)
        v->veil = veil_new(p->tls, &p->buffers);
    if (!v->veil || !veil_receive(v->veil, data, bytes))
        v->broken = true;
}

/* Writes as much of the answer as one send is good for. */
static void visitor_veil_answer(struct visitor *v)
{
    struct turn *turn = v->turn;
    size_t accepted = 1;
    while (turn->veiled_bytes < turn->answer_bytes && accepted > 0) {
        size_t at = turn->veiled_bytes, head_bytes = turn->parts[0].iov_len;
        const struct iovec *part = &turn->parts[at >= head_bytes];
        at -= at >= head_bytes ? head_bytes : 0;
        accepted = veil_write(v->veil, (struct ringsend_bytes){(const char *)part->iov_base + at,
                                                               part->iov_len - at});
        turn->veiled_bytes += accepted;
    }
    if (turn->veiled_bytes == turn->answer_bytes)
        veil_flush(v->veil);
}

/* Moves what the veil lets through, in and out. */
static void visitor_pump(struct platform *p, struct visitor *v)
{
    struct veil *veil = v->veil;
    while (v->step < VISITOR_PARTING && v->inbox.bytes < INBOX_BYTES_MAX && !v->broken) {
        struct ringsend_bytes plain = veil_peek(veil);
        if (plain.bytes == 0)
            break;
        visitor_receive(p, v, plain.data, plain.bytes);
        veil_consume(veil, plain.bytes);
    }
    bool answers = v->step == VISITOR_ANSWERING;
    if (!v->sending && !v->broken) {
        if (answers)
            visitor_veil_answer(v);
        struct ringsend_bytes cipher = veil_take(veil);
        if (cipher.bytes > 0)
            visitor_send(p, v, cipher);
    }
    if (!v->greeted && veil_is_ready(veil)) {
        v->greeted = true;
        ++*visitor_handshakes(p, v);
    }
    /* An alert about the failure goes out first. */
    if (v->sending)
        return;
    if (veil_has_failed(veil) || (answers && v->turn->veiled_bytes < v->turn->answer_bytes))
        v->broken = true;
    if (veil_has_ended(veil)) {
        v->eof = true;
        visitor_depart(p, v);
    }
}

/* ---- The steps ---- */

static void visitor_say_continue(struct platform *p, struct visitor *v)
{
    v->turn->continued = true;
    if (!v->veil) {
        visitor_send(p, v, continue_text);
        return;
    }
    /* Nothing is being sent, so that there is room; if not, TLS is over. */
    veil_write(v->veil, continue_text);
    veil_flush(v->veil);
    visitor_pump(p, v);
}

/* Moves what has come on to where the step will find it. */
static void visitor_move(struct platform *p, struct visitor *v)
{
    if (v->step == VISITOR_READING)
        visitor_read_inbox(p, v);
    if (v->veil && v->step > VISITOR_WAITING && v->step < VISITOR_LEAVING)
        visitor_pump(p, v);
}

static enum visitor_next visitor_read(struct platform *p, struct visitor *v)
{
    struct turn *turn = v->turn;
    if (v->broken)
        return visitor_leave(p, v);
    if (visitor_has_request(v)) {
        uint64_t delay_ns = service_judge(p, v);
        if (turn->kind == FATE_STALL) {
            service_deny(p, v);
            return visitor_goto(p, v, VISITOR_STALLED);
        }
        visitor_goto(p, v, VISITOR_THINKING);
        if (delay_ns > 0)
            timer_set(&p->timers, &v->timer, p->now_ns + delay_ns);
        return VISITOR_AGAIN;
    }
    bool idle_too_long = !turn && p->options.keep_alive_ns > 0 && !timer_is_set(&v->timer);
    if (v->eof || idle_too_long)
        return visitor_leave(p, v);
    /* RFC 9110 10.1.1: only while the body is still to come. */
    if (turn && turn->reader.head_done && turn->reader.expects_continue && !turn->continued &&
        !v->sending)
        visitor_say_continue(p, v);
    visitor_listen(p, v);
    return VISITOR_WAIT;
}

static enum visitor_next visitor_think(struct platform *p, struct visitor *v)
{
    if (v->broken)
        return visitor_leave(p, v);
    visitor_listen(p, v);
    /* A "100 Continue" may still be on its way; one send at a time. */
    if (timer_is_set(&v->timer) || v->sending)
        return VISITOR_WAIT;
    if (v->turn->kind != FATE_ANSWER) {
        service_deny(p, v);
        v->resets = v->turn->kind == FATE_RESET;
        return visitor_leave(p, v);
    }
    if (!service_answer(p, v))
        return visitor_leave(p, v);
    if (!v->veil)
        visitor_send_answer(p, v);
    return visitor_goto(p, v, VISITOR_ANSWERING);
}

static enum visitor_next visitor_finish_answer(struct platform *p, struct visitor *v)
{
    struct turn *turn = v->turn;
    if (v->broken)
        return visitor_leave(p, v);
    if (service_answer_on(p, turn)) {
        if (v->veil)
            visitor_pump(p, v);
        else
            visitor_send_answer(p, v);
        return v->sending ? VISITOR_WAIT : VISITOR_AGAIN;
    }
    if (turn->filler_at < turn->filler_bytes)
        return visitor_leave(p, v);
    service_answered(p, v);
    bool unread = turn->got != REQUEST_DONE || v->inbox.bytes > 0;
    bool last = turn->close;
    turn_put(p, &v->turn);
    if (!last)
        return visitor_goto(p, v, VISITOR_READING);
    if (!unread || v->eof)
        return visitor_leave(p, v);
    buf_release(&p->buffers, &v->inbox);
    v->inbox_used = 0;
    return visitor_goto(p, v, VISITOR_LINGERING);
}

/* Cancels what is in flight, one operation after the other, and then resets the connection if that
 * is its fate; true when nothing is left. */
static bool visitor_join(struct platform *p, struct visitor *v)
{
    if (v->canceling)
        return false;
    if (v->receiving && !v->recv_cancelled) {
        v->recv_cancelled = v->canceling = true;
        ring_cancel(p->ring, visitor_tag(p, v), RING_RECV);
    } else if (v->sending && !v->send_cancelled) {
        v->send_cancelled = v->canceling = true;
        ring_cancel(p->ring, visitor_tag(p, v), RING_SEND);
    }
    bool idle = !v->canceling && !v->receiving && !v->sending && !v->resetting;
    if (idle && v->resets) {
        v->resets = false;
        v->resetting = true;
        ring_reset(p->ring, visitor_tag(p, v));
        return false;
    }
    return idle;
}

static void visitor_unveil(struct platform *p, struct visitor *v)
{
    if (v->veil && !v->greeted && !p->stopping)
        p->report.handshakes_failed++;
    veil_free(v->veil);
    v->veil = NULL;
}

static enum visitor_next visitor_step(struct platform *p, struct visitor *v)
{
    visitor_move(p, v);
    switch (v->step) {
    case VISITOR_FREE:
        UNREACHABLE("nobody to run in a free slot");
    case VISITOR_WAITING:
        return v->broken ? visitor_leave(p, v) : VISITOR_WAIT;
    case VISITOR_READING:
        return visitor_read(p, v);
    case VISITOR_THINKING:
        return visitor_think(p, v);
    case VISITOR_ANSWERING:
        if (!v->sending || v->broken)
            return visitor_finish_answer(p, v);
        visitor_listen(p, v);
        return VISITOR_WAIT;
    case VISITOR_STALLED:
        if (v->broken || v->eof)
            return visitor_leave(p, v);
        visitor_listen(p, v);
        return VISITOR_WAIT;
    case VISITOR_LINGERING:
        if (v->broken || v->eof || !timer_is_set(&v->timer))
            return visitor_leave(p, v);
        visitor_listen(p, v);
        return VISITOR_WAIT;
    case VISITOR_PARTING:
        if (v->broken || !v->sending || !timer_is_set(&v->timer))
            return visitor_goto(p, v, VISITOR_LEAVING);
        return VISITOR_WAIT;
    case VISITOR_LEAVING:
        if (!visitor_join(p, v))
            return VISITOR_WAIT;
        /* The client may have the answer before we hear that it was sent: a stop must not deny it. */
        if (v->turn && v->turn->answer_sent)
            service_answered(p, v);
        turn_put(p, &v->turn);
        buf_release(&p->buffers, &v->inbox);
        visitor_unveil(p, v);
        timer_remove(&p->timers, &v->timer);
        ring_close(p->ring, visitor_tag(p, v));
        return visitor_goto(p, v, VISITOR_CLOSING);
    case VISITOR_CLOSING:
        return VISITOR_WAIT;
    }
    UNREACHABLE("visitor step");
}

void visitor_run(struct platform *p, struct visitor *v)
{
    /* A life has fewer steps than this between two waits: each request waits for its send. */
    for (unsigned steps = 0; visitor_step(p, v) == VISITOR_AGAIN; steps++)
        CHECK(steps < VISITOR_STEPS);
}

/* The slot is free from here on: the very next completion may be a new connection's in it. */
static void visitor_closed(struct platform *p, struct visitor *v)
{
    list_remove(&v->link);
    visitor_goto(p, v, VISITOR_FREE);
    v->generation++;
    p->visitors_used--;
    p->accept_blocked = timer_is_set(&p->accept_timer);
}

void visitor_complete(struct platform *p, struct visitor *v,
                      const struct ring_completion *completion, const char *received)
{
    if (completion->kind == RING_CLOSE) {
        visitor_closed(p, v);
        return;
    }
    int32_t result = completion->result;
    if (completion->kind == RING_CANCEL) {
        v->canceling = false;
    } else if (completion->kind == RING_CONNECT) {
        v->resetting = false;
    } else if (completion->kind == RING_SEND) {
        v->sending = false;
        if (v->veil)
            veil_sent(v->veil);
        if (result < 0 || (size_t)result != v->send_bytes)
            v->broken = true;
        else if (v->turn && v->turn->answer_bytes > 0)
            v->turn->answer_sent = (!v->veil || v->turn->veiled_bytes == v->turn->answer_bytes) &&
                                   v->turn->filler_at == v->turn->filler_bytes;
    } else {
        CHECK(completion->kind == RING_RECV);
        v->receiving = completion->more;
        if (result > 0 && p->tls) {
            visitor_receive_cipher(p, v, received, (size_t)result);
        } else if (result > 0) {
            visitor_receive(p, v, received, (size_t)result);
        } else if (result == 0) {
            v->eof = true;
            visitor_depart(p, v);
        } else if (result != -ENOBUFS && result != -ECANCELED) {
            v->broken = true;
        }
    }
    visitor_wake(p, v);
}
