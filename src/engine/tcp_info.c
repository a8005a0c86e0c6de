/* Watched connections: those that get a descriptor of the process beside their slot, over which
 * TCP_INFO can be read (io_uring asks direct descriptors for options of SOL_SOCKET alone). A
 * descriptor costs a system call to close and one a sample, so their number is bounded, at a time
 * and between two calls of ringsend_tcp_samples: with a connection per request only some are
 * watched.
 *
 * Life of one: watch_begin asks for the descriptor; watch_installed gets it, maybe only when the
 * connection is already ending; watch_end takes the last sample and closes it, before the slot is
 * closed.
 *
 * Invariant: conn.watch > 0 exactly from watch_begin to watch_end; `held` counts these. */
#include "engine/tcp_info.h"

#include "base/check.h"
#include "base/errors.h"
#include "engine/attempt.h"
#include "engine/conn.h"
#include "engine/engine.h"
#include "engine/exchange.h"
#include "engine/http1.h"
#include "engine/request.h"
#include "engine/steps.h"
#include "ringsend.h"
#include "uring/op.h"
#include "uring/ring.h"

#include <stdlib.h>

void watch_free(struct ringsend *e)
{
    for (uint32_t i = 0; i < e->watch.count; i++) /* only when the ring broke */
        ring_descriptor_close(e->ring, e->watch.conns[i]->descriptor);
}

void watch_begin(struct conn *c)
{
    struct ringsend *e = c->engine;
    struct watch *w = &e->watch;
    uint32_t max = e->options.watch_max;
    if (w->held >= max || w->begun >= max || !ring_features(e->ring).install)
        return;
    w->held++;
    w->begun++;
    c->watch = ++w->number;
    op_start(&c->install);
    ring_install(e->ring, conn_tag(c));
}

void watch_installed(struct conn *c, int32_t result)
{
    struct watch *w = &c->engine->watch;
    if (result < 0)
        return; /* as when the process has no descriptor left: this one goes unwatched */
    c->descriptor = result;
    c->stamped = ring_stamps_on(c->engine->ring, result);
    CHECK(w->count < w->held);
    w->conns[w->count++] = c;
}

void watch_arrived(struct conn *c, uint64_t stamp_ns)
{
    const struct exchange *x = http1_exchange(c);
    bool first = c->stamped && c->step == CONN_READY && x && x->receive == RECEIVE_FIRST_BYTE &&
                 x->send >= SEND_SENDING && c->exchanges_begun > 1;
    if (!first || x->request->attempt.times.arrived_at_ns > 0)
        return;
    struct ringsend_times *times = &x->request->attempt.times;
    if (ring_sent_stamp(c->engine->ring, c->descriptor, &times->left_at_ns))
        times->arrived_at_ns = stamp_ns;
}

static bool sample(const struct conn *c, bool ended, struct ringsend_tcp_sample *s)
{
    struct ring_tcp tcp;
    if (!ring_tcp_info(c->engine->ring, c->descriptor, &tcp))
        return false;
    *s = (struct ringsend_tcp_sample){.connection = c->watch,
                                      .rtt_ns = (uint64_t)tcp.rtt_us * 1000,
                                      .retransmits = tcp.retransmits,
                                      .ended = ended};
    return true;
}

void watch_end(struct conn *c)
{
    struct ringsend *e = c->engine;
    struct watch *w = &e->watch;
    if (c->watch == 0)
        return;
    if (c->descriptor >= 0) {
        CHECK(w->ended_count < 2 * e->options.watch_max);
        w->ended_count += sample(c, true, &w->ended[w->ended_count]);
        ring_descriptor_close(e->ring, c->descriptor);
        uint32_t at = 0;
        while (w->conns[at] != c)
            at++;
        w->conns[at] = w->conns[--w->count];
    }
    c->descriptor = -1;
    c->watch = 0;
    CHECK(w->held > 0);
    w->held--;
}

int ringsend_tcp_samples(struct ringsend *e, struct ringsend_tcp_sample *samples, size_t max)
{
    struct watch *w = &e->watch;
    if (!ring_features(e->ring).install)
        return -RINGSEND_E_INVALID;
    int count = 0;
    for (uint32_t i = 0; i < w->ended_count && (size_t)count < max; i++)
        samples[count++] = w->ended[i];
    for (uint32_t i = 0; i < w->count && (size_t)count < max; i++)
        count += sample(w->conns[i], false, &samples[count]);
    w->ended_count = w->begun = 0;
    return count;
}
