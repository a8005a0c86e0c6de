/* A connection's receiving: one multishot receive, from the connect to the end of its service, and
 * the queue of the buffers that it brings. A queued buffer is taken away from all others until it
 * goes back to the ring.
 *
 *   in flight  what comes is queued
 *   starved    it has ended for want of a buffer: in engine.starved, armed again when they are back
 *   stopped    nothing is to come for now: see conn_stop_recv
 *   ended      stream_ended: by the peer, or by an error
 *
 * Invariant: while the connection is of use, and neither stopped nor ended, it is one of the first
 * two, or the last receive's end is about to be seen. */
#include "base/check.h"
#include "base/list.h"
#include "engine/conn.h"
#include "engine/engine.h"
#include "engine/steps.h"
#include "engine/tcp_info.h"
#include "ringsend.h"
#include "uring/op.h"
#include "uring/ring.h"

#include <errno.h>

/* A connection that took longer may have been closed again before its receive is in the kernel: by
 * a peer that has waited through a pause of ours. For each new one another enter would be too dear.
 */
#define YOUNG_NS (100 * NS_PER_MS)

static bool receives(const struct conn *c)
{
    return c->step >= CONN_TUNNEL && c->step <= CONN_READY;
}

bool conn_is_seen(struct conn *c)
{
    if (!receives(c) || c->stream_ended || c->stopped)
        return true;
    CHECK(!op_in_flight(&c->recv) || list_empty(&c->starved));
    bool is_seen = op_in_flight(&c->recv) && c->armed_by <= c->engine->seen_by;
    c->engine->must_look |= !is_seen;
    return is_seen;
}

bool conn_is_blind(const struct conn *c)
{
    const struct ringsend *e = c->engine;
    CHECK(!c->stopped && op_in_flight(&c->writer.send));
    if (!list_empty(&c->starved))
        return true;
    if (c->armed_by <= e->enters)
        return false;
    return c->exchanges_begun > 1 || ring_now_ns(e->ring) - c->connect_began_ns > YOUNG_NS;
}

void conn_cancel(struct conn *c, struct op *op, enum ring_kind kind)
{
    if (!op_in_flight(op) || op->cancelled || op_in_flight(&c->cancel))
        return;
    CHECK(c->step == CONN_SHUTTING_DOWN || op == &c->recv);
    op->cancelled = true;
    c->cancel.state = OP_IDLE;
    op_start(&c->cancel);
    ring_cancel(c->engine->ring, conn_tag(c), kind);
}

void conn_arm_recv(struct conn *c)
{
    /* What TLS says is the end may come before the stream's own. */
    if (!receives(c) || c->stream_ended)
        return;
    CHECK(!c->stopped && list_empty(&c->starved));
    c->armed_by = c->engine->enters + 1;
    op_start(&c->recv);
    ring_recv(c->engine->ring, conn_tag(c));
}

void conn_stop_recv(struct conn *c)
{
    CHECK(c->step == CONN_READY && !list_empty(&c->exchanges));
    if (c->carrier) {
        c->holds = true;
        return;
    }
    c->stopped = true;
    list_remove(&c->starved);
    conn_cancel(c, &c->recv, RING_RECV);
}

void conn_go_on_recv(struct conn *c)
{
    CHECK(c->step == CONN_READY && !list_empty(&c->exchanges));
    if (c->carrier) {
        if (c->holds)
            task_wake(c->engine, &c->task); /* to read what was left */
        c->holds = false;
        return;
    }
    c->stopped = false;
    /* A cancel that is still under way might end the new one. */
    if (c->recv.state == OP_IDLE && !op_in_flight(&c->cancel) && list_empty(&c->starved) &&
        !c->stream_ended)
        conn_arm_recv(c);
}

bool conn_receives(const struct conn *c)
{
    CHECK(!op_in_flight(&c->recv) || list_empty(&c->starved));
    return (op_in_flight(&c->recv) && !c->recv.cancelled) || !list_empty(&c->starved);
}

static void rx_push(struct conn *c, int32_t buffer, int32_t bytes)
{
    struct ringsend *e = c->engine;
    CHECK(buffer >= 0 && bytes > 0);
    e->rx_next[buffer] = -1;
    e->rx_bytes[buffer] = bytes;
    if (c->rx_last < 0)
        c->rx_first = buffer;
    else
        e->rx_next[c->rx_last] = buffer;
    c->rx_last = buffer;
}

int32_t conn_rx_pop(struct conn *c, const char **data, size_t *bytes)
{
    struct ringsend *e = c->engine;
    int32_t buffer = c->rx_first;
    if (buffer < 0)
        return -1;
    CHECK(c->rx_last >= 0 && e->rx_bytes[buffer] > 0);
    c->rx_first = e->rx_next[buffer];
    if (c->rx_first < 0)
        c->rx_last = -1;
    *data = ring_buffer(e->ring, buffer);
    *bytes = (size_t)e->rx_bytes[buffer];
    return buffer;
}

void conn_rx_drop(struct conn *c)
{
    while (c->rx_first >= 0) {
        const char *data;
        size_t bytes;
        ring_buffer_return(c->engine->ring, conn_rx_pop(c, &data, &bytes));
    }
    CHECK(c->rx_last < 0);
}

void conn_received(struct conn *c, const struct ring_completion *completion)
{
    struct ringsend *e = c->engine;
    CHECK(op_in_flight(&c->recv) && c->step >= CONN_TUNNEL);
    if (completion->buffer >= 0) {
        if (completion->result > 0)
            e->stats.bytes_received += (uint64_t)completion->result;
        if (completion->stamp_ns > 0)
            watch_arrived(c, completion->stamp_ns);
        if (completion->result > 0 && receives(c))
            rx_push(c, completion->buffer, completion->result);
        else
            ring_buffer_return(e->ring, completion->buffer);
    }
    if (completion->more)
        return;
    op_complete(&c->recv, completion->result);
    int32_t result = op_take(&c->recv);
    CHECK(list_empty(&c->starved));
    if (!receives(c))
        return;
    bool by_us = c->stopped || c->recv.cancelled;
    if (by_us && (result > 0 || result == -ENOBUFS || result == -ECANCELED))
        return; /* conn_go_on_recv arms it again */
    if (result == -ENOBUFS)
        list_push_back(&e->starved, &c->starved);
    else if (result > 0)
        conn_arm_recv(c); /* the kernel ended it after data, as when its queue was full */
    else {
        c->stream_ended = true;
        c->stream_result = result;
    }
}
