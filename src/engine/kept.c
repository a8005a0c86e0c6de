/* Whether a connection that a server has promised to keep may be trusted with a request, above all
 * with one that must not be sent twice. Some servers close behind an answer without a word (uWSGI's
 * http sockets, waitress after HEAD, whatever is being shut down), some send more than the answer
 * (the last chunk of a body that HEAD has none of, an empty line): what is sent then crosses that,
 * and nobody can tell whether it was acted upon.
 *
 * So it is learned, of each pool. Each connection that ends, or brings bytes that nobody asked
 * for, shortly after its latest answer and before anything of the next one, raises `suspicion`, and
 * `settle_ns` says how long after its answer one must have stood before it counts as kept. Under
 * suspicion such a request takes the connection that has stood longest, if for long enough, or a
 * new one, for which others are closed; one idle connection is left to stand. Each that had takes
 * some of the suspicion away: a server that was restarted is trusted again, one that closes behind
 * every other answer is not.
 *
 * Nobody is known at first: that is the least suspicion, which the first connection that stands for
 * PROBATION_NS ends. It is tried alone: until its answer is there, or for TRIAL_NS, no other
 * request that must not be sent twice goes out on a kept connection, so that what shows only then,
 * as behind Nagle's algorithm, is met by one. What may be repeated is not tried so, and goes out on
 * any connection at once where the peer has only closed, or sent what is no response: if it finds
 * that, it has a try for free.
 *
 * A whole response behind the answer is worse, for nothing tells it from that of the next request,
 * and all that follow have each other's. So, as long as a peer is not known or remembered for that,
 * no request of any kind goes out on a connection that has not stood; and it is remembered for
 * longer, as one that does it seldom has to be. What it did before it was seen to cannot be undone:
 * how many answers that may be is counted.
 *
 * A benchmark (no_free_try) shows what connections do, and learns nothing. */
#include "engine/kept.h"

#include "base/list.h"
#include "base/time.h"
#include "base/timers.h"
#include "engine/conn.h"
#include "engine/engine.h"
#include "engine/exchange.h"
#include "engine/http1.h"
#include "engine/origin.h"
#include "engine/pool.h"
#include "engine/request.h"
#include "engine/wire.h"
#include "http/protocol.h"
#include "http/response.h"
#include "uring/ring.h"

enum {
    SUSPICION_FIRST = 1,
    SUSPICION_STEP = 4,
    SUSPICION_MAX = 16,
    SUSPICION_ANSWERS = 1000, /* of whom one in hundreds speaks it is not forgotten */
};
#define PROBATION_NS (2 * NS_PER_MS)
#define SETTLE_MIN_NS (20 * NS_PER_MS)
/* Longer than an acknowledgement is put off (40 ms, TCP_DELACK_MIN), for which Nagle's algorithm
 * waits. */
#define TRIAL_NS (50 * NS_PER_MS)
/* Who waits for longer closes idle connections, as everybody does. */
#define SILENT_NS (500 * NS_PER_MS)

void kept_begin(struct pool *p)
{
    p->suspicion = p->engine->options.no_free_try ? 0 : SUSPICION_FIRST;
    p->answers_unasked = true; /* for all we know */
    p->settle_ns = PROBATION_NS;
    p->trial_until_ns = 0;
}

/* It has stood for so long since its latest answer. */
static void distrust(struct pool *p, uint64_t stood_ns)
{
    uint64_t settle_ns = 4 * stood_ns;
    if (settle_ns < SETTLE_MIN_NS)
        settle_ns = SETTLE_MIN_NS;
    if (p->suspicion <= SUSPICION_FIRST || p->settle_ns < settle_ns)
        p->settle_ns = settle_ns;
    if (p->suspicion < SUSPICION_MAX)
        p->suspicion += SUSPICION_STEP;
}

/* Not for longer than counts. */
static bool is_early(const struct conn *c, uint64_t stood_ns)
{
    return stood_ns <= SILENT_NS && !c->engine->options.no_free_try;
}

void kept_was_closed(const struct conn *c, uint64_t stood_ns)
{
    if (!is_early(c, stood_ns))
        return;
    distrust(c->pool, stood_ns);
    c->engine->stats.closed_silently++;
}

void kept_has_spoken(const struct conn *c, uint64_t stood_ns)
{
    if (!is_early(c, stood_ns))
        return;
    distrust(c->pool, stood_ns);
    c->engine->stats.spoke_unasked++;
}

void kept_has_answered(const struct conn *c, uint64_t stood_ns)
{
    struct pool *p = c->pool;
    if (c->engine->options.no_free_try)
        return;
    distrust(p, stood_ns);
    p->suspicion = SUSPICION_ANSWERS;
    p->answers_unasked = true;
    c->engine->stats.spoke_unasked++;
    /* The first of those that no stand has proven was its own request's. */
    uint32_t unproven = c->exchanges_begun - c->exchanges_proven;
    c->engine->stats.answers_suspect += unproven > 1 ? unproven - 1 : 0;
}

/* Data has come that nobody has looked at. */
static bool has_unasked(const struct conn *c)
{
    return c->rx_first >= 0 && wire_is_data(&c->wire, ring_buffer(c->engine->ring, c->rx_first));
}

/* What has come so might be taken for the next request's answer. */
static void hear_unasked(const struct conn *c, uint64_t stood_ns)
{
    const struct ringsend *e = c->engine;
    struct ringsend_bytes got = {ring_buffer(e->ring, c->rx_first),
                                 (size_t)e->rx_bytes[c->rx_first]};
    if (wire_is_readable(&c->wire) ? protocol_is_answer(got) : stood_ns <= SILENT_NS)
        kept_has_answered(c, stood_ns);
    else
        kept_has_spoken(c, stood_ns);
}

void kept_is_over(const struct conn *c)
{
    const struct exchange *x = http1_exchange(c);
    uint64_t stood_ns = c->engine->now_ns - c->answered_ns;
    if (x && x->response.no_head)
        kept_has_spoken(c, stood_ns);
    else if (x && x->response.started)
        return;
    else if (has_unasked(c))
        hear_unasked(c, stood_ns);
    else if (c->stream_ended || c->rx_first >= 0)
        kept_was_closed(c, stood_ns);
}

/* It does not go out on any connection at once. */
static bool is_wary(const struct pool *p, const struct request *r)
{
    return !r->replayable || (p->answers_unasked && p->suspicion > 0);
}

struct conn *kept_for(const struct pool *p, const struct request *r, uint64_t *settles_at_ns)
{
    struct conn *latest = LIST_OWNER(p->idle.next, struct conn, idle);
    struct conn *oldest = LIST_OWNER(p->idle.prev, struct conn, idle);
    if (!is_wary(p, r))
        return latest;
    if (!r->replayable && p->engine->now_ns < p->trial_until_ns) {
        *settles_at_ns = p->trial_until_ns;
        return NULL;
    }
    if (p->suspicion == 0)
        return latest;
    uint64_t at_ns = oldest->answered_ns + p->settle_ns;
    if (p->engine->now_ns >= at_ns)
        return oldest;
    *settles_at_ns = at_ns;
    return NULL;
}

void kept_is_used(struct conn *c, const struct request *r)
{
    struct pool *p = c->pool;
    if (p->engine->now_ns - c->answered_ns >= SETTLE_MIN_NS)
        c->exchanges_proven = c->exchanges_begun;
    if (p->suspicion == 0 || !is_wary(p, r))
        return;
    p->suspicion--;
    p->answers_unasked &= p->suspicion > 0;
    if (r->replayable)
        return;
    p->trial_until_ns = timer_after(p->engine->now_ns, TRIAL_NS);
    c->on_trial = true;
}

void kept_trial_over(struct conn *c)
{
    c->on_trial = false;
    c->pool->trial_until_ns = 0;
    pool_wake(c->pool);
}

static bool may_settle(const struct request *r)
{
    return r->origin->settles_at_ns != TIMER_NEVER && is_wary(r->origin->pool, r) &&
           !r->wants_fresh;
}

bool kept_is_worth_waiting(const struct request *r)
{
    const struct origin *o = r->origin;
    const struct pool *p = o->pool;
    return may_settle(r) && p->suspicion <= SUSPICION_FIRST && o->waiting_count == 1 &&
           o->engine->now_ns >= p->trial_until_ns;
}

bool kept_is_awaited(const struct conn *c)
{
    const struct pool *p = c->pool;
    bool any = false;
    if (p->suspicion > SUSPICION_FIRST)
        return false;
    for (struct list *node = p->waiting.next; node != &p->waiting && !any; node = node->next) {
        const struct origin *o = LIST_OWNER(node, struct origin, in_waiting);
        any = o->settles_at_ns != TIMER_NEVER && c->engine->now_ns < o->settles_at_ns;
    }
    return any;
}

struct conn *kept_to_spare(const struct pool *p, const struct request *r)
{
    if (!may_settle(r))
        return LIST_OWNER(p->idle.prev, struct conn, idle);
    bool is_only = p->idle.next == p->idle.prev;
    return is_only || p->suspicion <= SUSPICION_FIRST ? NULL
                                                      : LIST_OWNER(p->idle.next, struct conn, idle);
}
