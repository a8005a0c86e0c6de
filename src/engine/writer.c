/* The writer of a connection. Whoever has something to send hands pieces over: an exchange its head
 * and body, one at a time with HTTP/1.1; the wire adds what it has to say by itself.
 *
 *   piece   QUEUED -> SENDING -> LEFT
 *           SENDING -> QUEUED: the wire took a part of it, as TLS does of a large one
 *           BROKE: its send was cut short, or it stood behind one that was
 *   send    idle -> (held back ->) in flight -> complete -> idle, by writer_sent
 *
 * Held back. The first bytes of a request that must not be sent twice go to the ring at the end of
 * the turn, behind a last look at whether the connection has died: conn_launch.
 *
 * Invariants. The kernel reads a piece's memory only while it is SENDING: an owner that has gone
 * waits for that to be over. Pieces leave in the order in which they were handed over. Nothing
 * follows a send that ended before its last byte. */
#include "engine/writer.h"

#include "base/check.h"
#include "base/list.h"
#include "engine/conn.h"
#include "engine/engine.h"
#include "engine/wire.h"
#include "ringsend.h"
#include "uring/op.h"
#include "uring/ring.h"

#include <errno.h>

void writer_init(struct writer *w)
{
    *w = (struct writer){0};
    list_init(&w->pieces);
    list_init(&w->held);
}

void writer_withdraw(struct piece *p)
{
    CHECK(p->state == PIECE_QUEUED);
    list_remove(&p->node);
    p->state = PIECE_IDLE;
}

static void submit(struct conn *c)
{
    struct writer *w = &c->writer;
    struct wire_send *s = &w->sending;
    CHECK(s->bytes > 0 && op_in_flight(&w->send));
    if (s->parts_count == 1) {
        ring_send(c->engine->ring, conn_tag(c), s->parts[0].iov_base, s->bytes);
        return;
    }
    w->message = (struct msghdr){.msg_iov = s->parts, .msg_iovlen = s->parts_count};
    ring_send_parts(c->engine->ring, conn_tag(c), &w->message);
}

enum ringsend_error writer_go_on(struct conn *c)
{
    struct writer *w = &c->writer;
    if (w->send.state != OP_IDLE || w->truncated)
        return RINGSEND_OK;
    enum ringsend_error error = wire_fill(&c->wire, &w->pieces, &w->sending);
    if (error != RINGSEND_OK || w->sending.bytes == 0)
        return error;
    CHECK(c->step >= CONN_TUNNELING && list_empty(&w->held));
    op_start(&w->send);
    if (w->sending.look_first)
        list_push_back(&c->engine->held_sends, &w->held);
    else
        submit(c);
    return RINGSEND_OK;
}

void writer_launch(struct conn *c)
{
    CHECK(list_empty(&c->writer.held));
    submit(c);
}

void writer_hold(struct conn *c)
{
    CHECK(op_in_flight(&c->writer.send) && c->writer.sending.look_first);
    list_push_back(&c->engine->held_sends, &c->writer.held);
}

void writer_drop(struct conn *c)
{
    struct writer *w = &c->writer;
    CHECK(w->sending.look_first);
    list_remove(&w->held);
    op_complete(&w->send, -ECANCELED);
}

/* Of so many bytes of a send that is over, and were not accounted for by the pieces before. */
static size_t credit(struct piece *p, size_t *bytes)
{
    size_t its = p->sending_bytes < *bytes ? p->sending_bytes : *bytes;
    bool is_out = its == p->sending_bytes && p->taken_bytes == piece_bytes(p);
    CHECK(p->sending_bytes > 0 && p->taken_bytes <= piece_bytes(p));
    *bytes -= its;
    p->sent_bytes += its;
    p->state = is_out ? PIECE_LEFT : PIECE_QUEUED;
    if (is_out)
        list_remove(&p->node);
    return its;
}

void writer_sent(struct conn *c)
{
    struct writer *w = &c->writer;
    struct list *node;
    w->result = op_take(&w->send);
    /* An error means that nothing was taken: after a part, that part is the result. */
    size_t bytes = w->result > 0 ? (size_t)w->result : 0;
    CHECK(bytes <= w->sending.bytes);
    w->truncated = bytes < w->sending.bytes;
    while ((node = w->pieces.next) != &w->pieces) {
        struct piece *p = LIST_OWNER(node, struct piece, node);
        if (p->state != PIECE_SENDING)
            break;
        c->engine->stats.bytes_sent += credit(p, &bytes);
        if (p->state == PIECE_QUEUED)
            break;
    }
    while (w->truncated && (node = list_pop_front(&w->pieces)))
        LIST_OWNER(node, struct piece, node)->state = PIECE_BROKE;
    wire_sent(&c->wire, !w->truncated);
}
