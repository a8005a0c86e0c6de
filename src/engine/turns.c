/* Turns: a connect that gets no answer holds its place for a turn; after that, only as long as
 * nobody else wants it. Else as many hosts as there are places, none of which answers, would
 * hold up all others for the length of a clock.
 *
 * Nothing of the request has left while a connection is being made (promise 3), so such a
 * connection may be taken back: it is closed, and the request waits for a place again, in
 * front of its origin's others. That is no attempt, and its clocks stand meanwhile: what the
 * turns of one attempt have taken is kept with the request, so that its connect, its handshake
 * and the attempt have their whole time of actual trying (promise 4), in parts. A connection
 * that carries bytes of a request is never taken back.
 *
 * How long. Long enough that what would have succeeded succeeds: of connects, several times as
 * long as they usually take here, within bounds; of handshakes, which cost the peer work that
 * is lost, the upper bound. Who has needed longer once has longer turns from then on. Each
 * turn is longer than all before it in this attempt together, so that nobody is interrupted
 * for ever, and few of them fill the longest clock.
 *
 * Whose. A pool that has let a turn pass is mute from then on (places.c), until it answers.
 * Everybody may take from those who hold more, and who is not mute from any other while the
 * mute ones hold more than half of the places. Nobody takes from itself, and with nobody in
 * line nothing is taken; but a race makes way for its own next address where there is no place
 * for both.
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
#include "engine/queue.h"
#include "engine/request.h"
#include "engine/steps.h"
#include "ringsend.h"

#define TURN_MIN_NS (250 * NS_PER_MS)
#define TURN_MAX_NS NS_PER_S /* a lost SYN is repeated, RFC 6298 2.1 */
enum {
    USUAL_TIMES = 4,
    USUAL_WEIGHT = 8,
    LOOK_MAX = 64, /* of those that are overdue, for one that may be taken */
};

void turns_init(struct ringsend *e)
{
    list_init(&e->overdue);
    e->usual_connect_ns = TURN_MAX_NS / USUAL_TIMES;
}

static struct request *request_of(const struct conn *c)
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

void turn_begin(struct conn *c)
{
    const struct ringsend *e = c->engine;
    const struct request *r = request_of(c);
    bool connects = c->step == CONN_CONNECT;
    uint64_t timeout_ns =
        connects ? e->options.connect_timeout_ns : e->options.handshake_timeout_ns;
    uint64_t spent_ns = !r         ? 0
                        : connects ? r->attempt.connect_spent_ns
                                   : r->attempt.handshake_spent_ns;
    c->turn_began_ns = e->now_ns;
    c->turn_at_ns = timer_after(e->now_ns, turn_ns(c) + spent_ns);
    c->deadline_ns = timer_after(e->now_ns, left_ns(timeout_ns, spent_ns));
}

void turn_stood(struct conn *c, uint64_t ns)
{
    c->turn_began_ns += ns;
    c->turn_at_ns = timer_after(c->turn_at_ns, ns);
    c->deadline_ns = timer_after(c->deadline_ns, ns);
}

/* With the whole race that it is in. */
static void take_back(struct conn *c)
{
    struct request *r = request_of(c);
    uint64_t ns = c->engine->now_ns - c->turn_began_ns;
    bool connects = c->step == CONN_CONNECTING;
    CHECK(r && c->step <= CONN_HANDSHAKING);
    if (c->racing) {
        pool_take_back_race(c->pool);
    } else {
        exchange_put(r->exchange);
        conn_abandon(c, RINGSEND_OK, NULL);
    }
    queue_take_back(r, connects ? ns : 0, connects ? 0 : ns);
}

bool turn_is_over(struct conn *c)
{
    struct ringsend *e = c->engine;
    struct pool *p = c->pool;
    c->turn_at_ns = TIMER_NEVER;
    list_push_back(&e->overdue, &c->overdue);
    place_heard(p, false);
    if (c->racing && pool_race_left_ns(p) > 0 && !place_is_free(p)) {
        take_back(c); /* for the next address */
        return true;
    }
    place_overdue(e);
    return false;
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

/* One whose clock is about to end anyway is left alone. */
static bool may_take(const struct pool *p, const struct conn *c)
{
    if (c->deadline_ns < timer_after(p->engine->now_ns, TURN_MIN_NS))
        return false;
    if (c->pool->conns > p->conns)
        return true;
    bool too_many = place_mute_hold_much(p->engine);
    return too_many && p->standing != STANDING_MUTE && c->pool != p;
}

static struct conn *to_take(const struct pool *p)
{
    const struct ringsend *e = p->engine;
    uint32_t looks = 0;
    for (struct list *node = e->overdue.next; node != &e->overdue; node = node->next) {
        struct conn *c = LIST_OWNER(node, struct conn, overdue);
        if (may_take(p, c))
            return c;
        if (++looks == LOOK_MAX)
            break;
    }
    return NULL;
}

void turn_take_for(struct pool *p)
{
    struct conn *c = to_take(p);
    if (c)
        take_back(c);
}
