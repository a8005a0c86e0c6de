/* The life of a connection.
 *
 * step       waits for                       next
 * WAITING    a place                         READING, LEAVING
 * READING    bytes, the end of idleness      THINKING, STALLED, STREAMS, PARTING, LEAVING
 * STREAMS    bytes, sends, an answer's time  PARTING, LEAVING
 * THINKING   the answer's time               ANSWERING; when the fault is a close or a reset,
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
 * receive. A receive that ended is armed again only from serve_conn_run, that is after all
 * completions of a batch gave their buffers back: -ENOBUFS cannot make the loop spin.
 *
 * Over TLS conn_tls.h stands between: completions put cipher bytes into it, each step first moves
 * what it lets through in both directions (serve_conn_pump), and then sees plain bytes only. Sends
 * carry whatever TLS has to say; the answer is out when it is all written and no send is in flight.
 * A client's farewell is its end of stream, except that answers can no longer be written behind it.
 * PARTING is taken over TLS alone, by connections that are not broken.
 *
 * A client that half-closes still gets the answers it waits for. It stops counting as a connection
 * when its end is seen, since from then on the client itself counts it as gone.
 *
 * HTTP/2, where it is served, begins with a preface that no request of HTTP/1.1 can begin with,
 * over TLS and without: the first bytes wait in the inbox until they tell. Its requests are
 * conn_h2.h's.
 *
 * Teardown is a join: both operations are cancelled and their completions awaited before the close,
 * so that the kernel never touches memory of a later connection. */
#include "serve/conn.h"

#include "base/check.h"
#include "base/time.h"
#include "http2/h2.h"
#include "serve/service.h"
#include "serve/state.h"

#include <errno.h>

enum { INBOX_BYTES_MAX = 64 << 10 };

/* How long to wait for the client to take the last answer before its unread bytes make the kernel
 * reset the connection (RFC 9112 9.6). */
static const uint64_t LINGER_NS = NS_PER_S;
/* How long a client may take to make room for the 31 bytes of a farewell. */
static const uint64_t FAREWELL_NS = NS_PER_S;

/* A client at its limit closes one connection and opens another. The kernel may report the new one
 * first, as one accept takes all that are there; so much time the end of the old one gets to come
 * through before the new one counts as too many. */
static const uint64_t REFUSE_GRACE_NS = 2 * NS_PER_MS;

static const struct ringsend_bytes continue_text = SPAN("HTTP/1.1 100 Continue\r\n\r\n");

enum serve_conn_next { CONN_AGAIN, CONN_WAIT };

#ifdef RINGSEND_SLOW_CHECKS
static const char *const names[] = {SERVE_CONN_STEPS(STEP_NAMES)};
static const struct machine machine_serve_conn = {"serve", names};
#endif

/* Alone writes the step. */
static enum serve_conn_next serve_conn_goto(struct server *p, struct serve_conn *v,
                                            enum serve_conn_step step)
{
    static const unsigned edges[] = {SERVE_CONN_STEPS(STEP_EDGES)};
    CHECK(edges[v->step] >> step & 1);
    step_note(&machine_serve_conn, p->now_ns, (uint32_t)(v - p->conns), v->generation, v->step,
              step);
    v->step = step;
    timer_clear(&v->timer);
    if (step == CONN_READING && p->options.keep_alive_ns > 0)
        timer_set(&p->timers, &v->timer, p->now_ns + p->options.keep_alive_ns);
    else if (step == CONN_LINGERING)
        timer_set(&p->timers, &v->timer, p->now_ns + LINGER_NS);
    else if (step == CONN_PARTING)
        timer_set(&p->timers, &v->timer, p->now_ns + FAREWELL_NS);
    return CONN_AGAIN;
}

static struct ring_tag serve_conn_tag(const struct server *p, const struct serve_conn *v)
{
    return (struct ring_tag){(uint32_t)(v - p->conns), v->generation};
}

/* No longer part of connections_open: its place is free. */
static void serve_conn_depart(struct server *p, struct serve_conn *v)
{
    if (v->counted)
        p->report.connections_open--;
    v->counted = false;
}

static enum serve_conn_next serve_conn_leave(struct server *p, struct serve_conn *v)
{
    serve_conn_depart(p, v);
    if (!v->tls || !serve_tls_is_ready(v->tls) || v->broken || v->resets)
        return serve_conn_goto(p, v, CONN_LEAVING);
    serve_tls_close(v->tls);
    return serve_conn_goto(p, v, CONN_PARTING);
}

void serve_conn_wake(struct server *p, struct serve_conn *v)
{
    if (list_empty(&v->link))
        list_push_back(&p->ready, &v->link);
}

void serve_conn_admit(struct server *p, struct serve_conn *v)
{
    v->counted = v->admitted = true;
    v->peak_before = p->report.connections_peak;
    p->report.connections++;
    p->report.connections_open++;
    serve_conn_goto(p, v, CONN_READING);
    serve_conn_wake(p, v);
}

void serve_conn_arrive(struct server *p, struct serve_conn *v)
{
    CHECK(v->step == CONN_FREE && !v->turn && !v->inbox.data && !v->tls);
    *v = (struct serve_conn){.generation = v->generation, .is_http1 = !p->options.http2};
    list_init(&v->link);
    timer_init(&v->timer);
    p->conns_used++;
    serve_conn_goto(p, v, CONN_WAITING);
    timer_set(&p->timers, &v->timer, p->now_ns + REFUSE_GRACE_NS);
    list_push_back(&p->waiting, &v->link);
    p->waiting_count++;
}

void serve_conn_refuse(struct server *p, struct serve_conn *v)
{
    p->report.refused++;
    request_log_add(&p->log, p->now_ns, 0, NULL, "refused", NULL);
    serve_conn_leave(p, v);
    serve_conn_wake(p, v);
}

/* Gives bytes to the request being read; returns how many of them belong to it. */
static size_t serve_conn_feed(struct server *p, struct serve_conn *v, const char *data,
                              size_t bytes)
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
    turn->too_large = p->options.echo && turn->reader.body_bytes > SERVER_ECHO_BYTES_MAX;
    return used;
}

/* True when there is nothing more to read of the request: it is whole, or beyond reading. */
static bool serve_conn_has_request(const struct serve_conn *v)
{
    return v->turn && (v->turn->got != REQUEST_MORE || v->turn->too_large);
}

static void serve_conn_receive(struct server *p, struct serve_conn *v, const char *data,
                               size_t bytes)
{
    bool reads = v->step == CONN_READING;
    if (v->step == CONN_STREAMS) {
        serve_h2_receive(v->h2, data, bytes);
        return;
    }
    if (!reads && v->step != CONN_THINKING && v->step != CONN_ANSWERING)
        return;
    size_t used = 0;
    if (reads && v->is_http1 && v->inbox.bytes == 0 && !serve_conn_has_request(v))
        used = serve_conn_feed(p, v, data, bytes);
    if (!buf_append(&p->buffers, &v->inbox, data + used, bytes - used))
        v->broken = true;
}

/* Arms the receive when it is wanted and none is there, and ends it when the inbox is full. */
static void serve_conn_listen(struct server *p, struct serve_conn *v)
{
    bool full = v->inbox.bytes >= INBOX_BYTES_MAX ||
                (v->tls && serve_tls_waiting(v->tls) >= INBOX_BYTES_MAX);
    if (v->receiving) {
        if (full && !v->recv_cancelled && !v->canceling) {
            ring_cancel(p->ring, serve_conn_tag(p, v), RING_RECV);
            v->recv_cancelled = v->canceling = true;
        }
    } else if (!full && !v->canceling && !v->eof && !v->broken) {
        ring_recv(p->ring, serve_conn_tag(p, v));
        v->receiving = true;
        v->recv_cancelled = false;
    }
}

/* What came first is HTTP/2's preface. */
static void serve_conn_begin_streams(struct server *p, struct serve_conn *v)
{
    v->h2 = serve_h2_new(p);
    v->broken |= !v->h2;
    p->report.http2_connections++;
    serve_conn_goto(p, v, CONN_STREAMS);
    if (v->h2)
        serve_h2_receive(v->h2, v->inbox.data, v->inbox.bytes);
    buf_release(&p->buffers, &v->inbox);
}

/* Feeds what the inbox holds. */
static void serve_conn_read_inbox(struct server *p, struct serve_conn *v)
{
    if (v->inbox.bytes == 0 || serve_conn_has_request(v))
        return;
    enum h2_preface preface =
        v->is_http1 ? H2_PREFACE_NO
                    : h2_preface_of((struct ringsend_bytes){v->inbox.data, v->inbox.bytes});
    if (preface == H2_PREFACE_YES)
        serve_conn_begin_streams(p, v);
    if (preface != H2_PREFACE_NO)
        return;
    v->is_http1 = true;
    v->inbox_used +=
        serve_conn_feed(p, v, v->inbox.data + v->inbox_used, v->inbox.bytes - v->inbox_used);
    if (v->inbox_used == v->inbox.bytes) {
        buf_release(&p->buffers, &v->inbox);
        v->inbox_used = 0;
    }
}

static void serve_conn_send(struct server *p, struct serve_conn *v, struct ringsend_bytes data)
{
    CHECK(!v->sending);
    v->sending = true;
    v->send_bytes = data.bytes;
    ring_send(p->ring, serve_conn_tag(p, v), data.data, data.bytes);
}

static void serve_conn_send_answer(struct server *p, struct serve_conn *v)
{
    struct turn *turn = v->turn;
    if (turn->parts[1].iov_len == 0) {
        serve_conn_send(p, v, (struct ringsend_bytes){turn->parts[0].iov_base, turn->answer_bytes});
        return;
    }
    CHECK(!v->sending);
    v->sending = true;
    v->send_bytes = turn->answer_bytes;
    turn->message = (struct msghdr){.msg_iov = turn->parts, .msg_iovlen = 2};
    ring_send_parts(p->ring, serve_conn_tag(p, v), &turn->message);
}

/* ---- TLS ---- */

/* Keeps what came, until serve_conn_pump. */
static void serve_conn_receive_cipher(struct server *p, struct serve_conn *v, const char *data,
                                      size_t bytes)
{
    if (v->step >= CONN_PARTING)
        return;
    if (!v->tls)
        v->tls = serve_tls_new(p->tls, &p->buffers);
    if (!v->tls || !serve_tls_receive(v->tls, data, bytes))
        v->broken = true;
}

/* Writes as much of the answer as one send is good for. */
static void serve_conn_encrypt_answer(struct serve_conn *v)
{
    struct turn *turn = v->turn;
    size_t accepted = 1;
    while (turn->encrypted_bytes < turn->answer_bytes && accepted > 0) {
        size_t at = turn->encrypted_bytes, head_bytes = turn->parts[0].iov_len;
        const struct iovec *part = &turn->parts[at >= head_bytes];
        at -= at >= head_bytes ? head_bytes : 0;
        accepted = serve_tls_write(
            v->tls, (struct ringsend_bytes){(const char *)part->iov_base + at, part->iov_len - at});
        turn->encrypted_bytes += accepted;
    }
    if (turn->encrypted_bytes == turn->answer_bytes)
        serve_tls_flush(v->tls);
}

/* The same of what HTTP/2 has to say. */
static void serve_conn_encrypt_frames(struct serve_conn *v)
{
    struct ringsend_bytes frames;
    bool is_some = false;
    while ((frames = serve_h2_peek(v->h2)).bytes > 0) {
        size_t accepted = serve_tls_write(v->tls, frames);
        serve_h2_consume(v->h2, accepted);
        is_some |= accepted > 0;
        if (accepted < frames.bytes)
            break;
    }
    if (is_some)
        serve_tls_flush(v->tls);
}

/* Moves what TLS lets through, in and out. */
static void serve_conn_pump(struct server *p, struct serve_conn *v)
{
    struct serve_tls *tls = v->tls;
    while (v->step < CONN_PARTING && v->inbox.bytes < INBOX_BYTES_MAX && !v->broken) {
        struct ringsend_bytes plain = serve_tls_peek(tls);
        if (plain.bytes == 0)
            break;
        serve_conn_receive(p, v, plain.data, plain.bytes);
        serve_tls_consume(tls, plain.bytes);
    }
    bool answers = v->step == CONN_ANSWERING;
    if (!v->sending && !v->broken) {
        if (answers)
            serve_conn_encrypt_answer(v);
        else if (v->step == CONN_STREAMS && v->h2)
            serve_conn_encrypt_frames(v);
        struct ringsend_bytes cipher = serve_tls_take(tls);
        if (cipher.bytes > 0)
            serve_conn_send(p, v, cipher);
    }
    if (!v->greeted && serve_tls_is_ready(tls)) {
        v->greeted = true;
        ++*service_handshakes(p, v);
    }
    /* An alert about the failure goes out first. */
    if (v->sending)
        return;
    if (serve_tls_has_failed(tls) || (answers && v->turn->encrypted_bytes < v->turn->answer_bytes))
        v->broken = true;
    if (serve_tls_has_ended(tls)) {
        v->eof = true;
        serve_conn_depart(p, v);
    }
}

/* ---- The steps ---- */

static void serve_conn_say_continue(struct server *p, struct serve_conn *v)
{
    v->turn->continued = true;
    if (!v->tls) {
        serve_conn_send(p, v, continue_text);
        return;
    }
    /* Nothing is being sent, so that there is room; if not, TLS is over. */
    serve_tls_write(v->tls, continue_text);
    serve_tls_flush(v->tls);
    serve_conn_pump(p, v);
}

/* Moves what has come on to where the step will find it. */
static void serve_conn_move(struct server *p, struct serve_conn *v)
{
    if (v->step == CONN_READING)
        serve_conn_read_inbox(p, v);
    if (v->tls && v->step > CONN_WAITING && v->step < CONN_LEAVING)
        serve_conn_pump(p, v);
}

static enum serve_conn_next serve_conn_read(struct server *p, struct serve_conn *v)
{
    struct turn *turn = v->turn;
    if (v->broken)
        return serve_conn_leave(p, v);
    if (serve_conn_has_request(v)) {
        uint64_t delay_ns = service_judge(p, v, turn);
        if (turn->kind == FAULT_STALL) {
            service_deny(p, v->turn);
            return serve_conn_goto(p, v, CONN_STALLED);
        }
        serve_conn_goto(p, v, CONN_THINKING);
        if (delay_ns > 0)
            timer_set(&p->timers, &v->timer, p->now_ns + delay_ns);
        return CONN_AGAIN;
    }
    bool idle_too_long = !turn && p->options.keep_alive_ns > 0 && !timer_is_set(&v->timer);
    if (v->eof || idle_too_long)
        return serve_conn_leave(p, v);
    /* RFC 9110 10.1.1: only while the body is still to come. */
    if (turn && turn->reader.head_done && turn->reader.expects_continue && !turn->continued &&
        !v->sending)
        serve_conn_say_continue(p, v);
    serve_conn_listen(p, v);
    return CONN_WAIT;
}

static enum serve_conn_next serve_conn_stream(struct server *p, struct serve_conn *v)
{
    if (v->broken)
        return serve_conn_leave(p, v);
    enum serve_h2_next next = serve_h2_run(p, v, v->eof);
    if (next == SERVE_H2_RESET) {
        v->resets = true;
        return serve_conn_leave(p, v);
    }
    if (v->tls) {
        serve_conn_pump(p, v);
    } else if (!v->sending) {
        struct ringsend_bytes frames = serve_h2_peek(v->h2);
        if (frames.bytes > 0)
            serve_conn_send(p, v, frames);
    }
    /* What has been taken of the answers is news as well. */
    if (next == SERVE_H2_WAIT)
        next = serve_h2_run(p, v, v->eof);
    if (v->broken || (next == SERVE_H2_LEAVE && !v->sending))
        return serve_conn_leave(p, v);
    uint64_t next_ns = serve_h2_next_ns(v->h2);
    if (next_ns == TIMER_NEVER)
        timer_clear(&v->timer);
    else
        timer_set(&p->timers, &v->timer, next_ns);
    serve_conn_listen(p, v);
    return CONN_WAIT;
}

static enum serve_conn_next serve_conn_think(struct server *p, struct serve_conn *v)
{
    if (v->broken)
        return serve_conn_leave(p, v);
    serve_conn_listen(p, v);
    /* A "100 Continue" may still be on its way; one send at a time. */
    if (timer_is_set(&v->timer) || v->sending)
        return CONN_WAIT;
    if (v->turn->kind != FAULT_ANSWER) {
        service_deny(p, v->turn);
        v->resets = v->turn->kind == FAULT_RESET;
        return serve_conn_leave(p, v);
    }
    if (!service_answer(p, v->turn))
        return serve_conn_leave(p, v);
    if (!v->tls)
        serve_conn_send_answer(p, v);
    return serve_conn_goto(p, v, CONN_ANSWERING);
}

static enum serve_conn_next serve_conn_finish_answer(struct server *p, struct serve_conn *v)
{
    struct turn *turn = v->turn;
    if (v->broken)
        return serve_conn_leave(p, v);
    if (service_answer_on(p, turn)) {
        if (v->tls)
            serve_conn_pump(p, v);
        else
            serve_conn_send_answer(p, v);
        return v->sending ? CONN_WAIT : CONN_AGAIN;
    }
    if (turn->filler_at < turn->filler_bytes)
        return serve_conn_leave(p, v);
    service_answered(p, v, v->turn);
    bool unread = turn->got != REQUEST_DONE || v->inbox.bytes > 0;
    bool last = turn->close;
    turn_put(p, &v->turn);
    if (!last)
        return serve_conn_goto(p, v, CONN_READING);
    if (!unread || v->eof)
        return serve_conn_leave(p, v);
    buf_release(&p->buffers, &v->inbox);
    v->inbox_used = 0;
    return serve_conn_goto(p, v, CONN_LINGERING);
}

/* Cancels what is in flight, one operation after the other, and then resets the connection if that
 * is its fault; true when nothing is left. */
static bool serve_conn_join(struct server *p, struct serve_conn *v)
{
    if (v->canceling)
        return false;
    if (v->receiving && !v->recv_cancelled) {
        v->recv_cancelled = v->canceling = true;
        ring_cancel(p->ring, serve_conn_tag(p, v), RING_RECV);
    } else if (v->sending && !v->send_cancelled) {
        v->send_cancelled = v->canceling = true;
        ring_cancel(p->ring, serve_conn_tag(p, v), RING_SEND);
    }
    bool idle = !v->canceling && !v->receiving && !v->sending && !v->resetting;
    if (idle && v->resets) {
        v->resets = false;
        v->resetting = true;
        ring_reset(p->ring, serve_conn_tag(p, v));
        return false;
    }
    return idle;
}

static void serve_conn_end_tls(struct server *p, struct serve_conn *v)
{
    if (v->tls && !v->greeted && !p->stopping)
        p->report.handshakes_failed++;
    serve_tls_free(v->tls);
    v->tls = NULL;
}

static enum serve_conn_next serve_conn_step(struct server *p, struct serve_conn *v)
{
    serve_conn_move(p, v);
    switch (v->step) {
    case CONN_FREE:
        UNREACHABLE("nobody to run in a free slot");
    case CONN_WAITING:
        return v->broken ? serve_conn_leave(p, v) : CONN_WAIT;
    case CONN_READING:
        return serve_conn_read(p, v);
    case CONN_STREAMS:
        return serve_conn_stream(p, v);
    case CONN_THINKING:
        return serve_conn_think(p, v);
    case CONN_ANSWERING:
        if (!v->sending || v->broken)
            return serve_conn_finish_answer(p, v);
        serve_conn_listen(p, v);
        return CONN_WAIT;
    case CONN_STALLED:
        if (v->broken || v->eof)
            return serve_conn_leave(p, v);
        serve_conn_listen(p, v);
        return CONN_WAIT;
    case CONN_LINGERING:
        if (v->broken || v->eof || !timer_is_set(&v->timer))
            return serve_conn_leave(p, v);
        serve_conn_listen(p, v);
        return CONN_WAIT;
    case CONN_PARTING:
        if (v->broken || !v->sending || !timer_is_set(&v->timer))
            return serve_conn_goto(p, v, CONN_LEAVING);
        return CONN_WAIT;
    case CONN_LEAVING:
        if (!serve_conn_join(p, v))
            return CONN_WAIT;
        /* The client may have the answer before we hear that it was sent: a stop must not deny it.
         */
        if (v->turn && v->turn->answer_sent)
            service_answered(p, v, v->turn);
        turn_put(p, &v->turn);
        serve_h2_free(p, v->h2);
        v->h2 = NULL;
        buf_release(&p->buffers, &v->inbox);
        serve_conn_end_tls(p, v);
        timer_remove(&p->timers, &v->timer);
        ring_close(p->ring, serve_conn_tag(p, v));
        return serve_conn_goto(p, v, CONN_CLOSING);
    case CONN_CLOSING:
        return CONN_WAIT;
    }
    UNREACHABLE("connection step");
}

void serve_conn_run(struct server *p, struct serve_conn *v)
{
    /* A life has fewer steps than this between two waits: each request waits for its send. */
    for (unsigned steps = 0; serve_conn_step(p, v) == CONN_AGAIN; steps++)
        CHECK(steps <= CONN_CLOSING);
}

/* The slot is free from here on: the very next completion may be a new connection's in it. */
static void serve_conn_closed(struct server *p, struct serve_conn *v)
{
    list_remove(&v->link);
    serve_conn_goto(p, v, CONN_FREE);
    v->generation++;
    p->conns_used--;
    p->accept_blocked = timer_is_set(&p->accept_timer);
}

void serve_conn_complete(struct server *p, struct serve_conn *v,
                         const struct ring_completion *completion, const char *received)
{
    if (completion->kind == RING_CLOSE) {
        serve_conn_closed(p, v);
        return;
    }
    int32_t result = completion->result;
    if (completion->kind == RING_CANCEL) {
        v->canceling = false;
    } else if (completion->kind == RING_CONNECT) {
        v->resetting = false;
    } else if (completion->kind == RING_SEND) {
        v->sending = false;
        if (v->tls)
            serve_tls_sent(v->tls);
        else if (v->h2)
            serve_h2_consume(v->h2, v->send_bytes);
        if (result < 0 || (size_t)result != v->send_bytes)
            v->broken = true;
        else if (v->turn && v->turn->answer_bytes > 0)
            v->turn->answer_sent = (!v->tls || v->turn->encrypted_bytes == v->turn->answer_bytes) &&
                                   v->turn->filler_at == v->turn->filler_bytes;
    } else {
        CHECK(completion->kind == RING_RECV);
        v->receiving = completion->more;
        if (result > 0 && p->tls) {
            serve_conn_receive_cipher(p, v, received, (size_t)result);
        } else if (result > 0) {
            serve_conn_receive(p, v, received, (size_t)result);
        } else if (result == 0) {
            v->eof = true;
            serve_conn_depart(p, v);
        } else if (result != -ENOBUFS && result != -ECANCELED) {
            v->broken = true;
        }
    }
    serve_conn_wake(p, v);
}
