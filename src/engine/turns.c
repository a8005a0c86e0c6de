/* Turns: a connect that gets no answer holds its place for a turn; after that, only as long as
 * nobody else wants it. Else as many hosts as there are places, none of which answers, would
 * hold up all others for the length of a clock. Here is how long a turn is, and who has had it;
 * from whom a place is taken then says make_way.c.
 *
 * Long enough that what would have succeeded succeeds: of connects, several times as
 * long as they usually take here, within bounds; of handshakes, which cost the peer work that
 * is lost, the upper bound. Who has needed longer once has longer turns from then on. Each
 * turn is longer than all before it in this attempt together, so that nobody is interrupted
 * for ever, and few of them fill the longest clock.
 *
 * A way that a proxy is to open is waited for as a place is: in the queue's time, and by no clock
 * of the request but its own. The proxy's silence has one, and turns; but not where it lets wait on
 * purpose: who gives up there loses its turn.
 *
 * A pool that has let a turn pass is mute from then on (places.c), until it answers.
 *
 * Invariant: in engine.overdue are connections that are being made and have had their turn, in
 * the order of its end. */
#include "engine/turns.h"

#include "base/check.h"
#include "base/list.h"
#include "base/time.h"
#include "base/timers.h"
#include "engine/conn.h"
#include "engine/engine.h"
#include "engine/exchange.h"
#include "engine/http1.h"
#include "engine/pool.h"
#include "engine/places.h"
#include "engine/relay.h"
#include "engine/request.h"
#include "engine/steps.h"
#include "ringsend.h"

#define TURN_MAX_NS NS_PER_S /* a lost SYN is repeated, RFC 6298 2.1 */
enum {
    USUAL_TIMES = 4,
    USUAL_WEIGHT = 8,
};

void turns_init(struct ringsend *e)
{
    list_init(&e->overdue);
    e->usual_connect_ns = TURN_MAX_NS / USUAL_TIMES;
}

struct request *turn_request(const struct conn *c)
{
    const struct exchange *x = http1_exchange(c);
    return c->racing ? c->pool->dialing : x ? x->request : NULL;
}

static uint64_t turn_ns(const struct conn *c)
{
    const struct pool *p = c->pool;
    bool connects = c->step == CONN_CONNECT;
    uint64_t ns = connects ? USUAL_TIMES * p->engine->usual_connect_ns : TURN_MAX_NS;
    if (ns < TURN_MIN_NS)
        ns = TURN_MIN_NS;
    if (ns > TURN_MAX_NS)
        ns = TURN_MAX_NS;
    if (ns < 2 * p->slowest_ns)
        ns = 2 * p->slowest_ns;
    /* A race's connects have theirs together, from when the last of them has begun. */
    return ns + (c->racing ? pool_race_left_ns(p) : 0);
}

/* What the clock still has. */
static uint64_t left_ns(uint64_t timeout_ns, uint64_t spent_ns)
{
    if (timeout_ns == RINGSEND_NEVER)
        return RINGSEND_NEVER;
    return timeout_ns > spent_ns ? timeout_ns - spent_ns : 0;
}

static uint64_t timeout_ns(const struct conn *c)
{
    const struct ringsend_options *o = &c->engine->options;
    if (c->step == CONN_CONNECT)
        return o->connect_timeout_ns;
    return c->step == CONN_TUNNEL ? o->proxy_timeout_ns : o->handshake_timeout_ns;
}

static uint64_t spent_ns(const struct conn *c, const struct attempt *a)
{
    if (c->step == CONN_CONNECT)
        return a->connect_spent_ns;
    return c->step == CONN_TUNNEL ? a->tunnel_spent_ns : a->handshake_spent_ns;
}

void turn_begin(struct conn *c)
{
    const struct ringsend *e = c->engine;
    const struct request *r = turn_request(c);
    uint64_t spent = r ? spent_ns(c, &r->attempt) : 0;
    c->turn_began_ns = e->now_ns;
    c->turn_at_ns = timer_after(e->now_ns, turn_ns(c) + spent);
    c->deadline_ns = timer_after(e->now_ns, left_ns(timeout_ns(c), spent));
}

void turn_waits(struct conn *c)
{
    turn_begin(c);
    c->waits_since_ns = c->engine->now_ns;
    if (c->pool->relay->queues)
        c->turn_at_ns = c->deadline_ns = TIMER_NEVER;
}

/* Charges what it has waited since the last time. */
static void charge_wait(struct conn *c)
{
    struct request *r = turn_request(c);
    uint64_t ns = c->engine->now_ns - c->waits_since_ns;
    CHECK(!c->racing && c->step >= CONN_TUNNEL);
    c->waits_since_ns += ns;
    if (!r)
        return;
    attempt_put_off(&r->attempt, ns);
    r->attempt.tunnel_spent_ns += ns;
    r->queue_ns += ns;
}

void turn_waits_no_more(struct conn *c)
{
    if (c->waits_since_ns > 0)
        charge_wait(c);
    c->waits_since_ns = 0;
}

void turn_stood(struct conn *c)
{
    struct request *r = turn_request(c);
    if (c->waits_since_ns > 0)
        charge_wait(c);
    uint64_t ns = wire_take_away_ns(&c->wire);
    if (ns == 0)
        return;
    CHECK(c->step >= CONN_HANDSHAKING && !c->racing);
    if (r)
        attempt_put_off(&r->attempt, ns);
    c->turn_began_ns += ns;
    c->turn_at_ns = timer_after(c->turn_at_ns, ns);
    c->deadline_ns = timer_after(c->deadline_ns, ns);
}

void turn_is_over(struct conn *c)
{
    struct ringsend *e = c->engine;
    c->turn_at_ns = TIMER_NEVER;
    list_push_back(&e->overdue, &c->overdue);
    place_heard(c->pool, false);
    if (!c->racing)
        place_overdue(e);
}

void turn_succeeded(struct conn *c)
{
    struct ringsend *e = c->engine;
    struct pool *p = c->pool;
    uint64_t took_ns = e->now_ns - c->turn_began_ns;
    list_remove(&c->overdue);
    p->slowest_ns -= p->slowest_ns / USUAL_WEIGHT; /* it may have been a pause of ours */
    if (p->slowest_ns < took_ns)
        p->slowest_ns = took_ns;
    if (c->step == CONN_CONNECTING)
        e->usual_connect_ns += took_ns / USUAL_WEIGHT - e->usual_connect_ns / USUAL_WEIGHT;
}
