/* What makes way when there is no place for whom there should be one (places.c): an idle connection
 * is closed, or one that is being made, and has had its turn (turns.c), is taken back.
 *
 * Nothing of the request has left while a connection is being made (promise 3), so such a
 * connection may be taken back: it is closed, and the request waits for a place again, in
 * front of its origin's others. That is no attempt, and its clocks stand meanwhile: what the
 * turns of one attempt have taken is kept with the request, so that its connect, its handshake
 * and the attempt have their whole time of actual trying (promise 4), in parts. A connection
 * that carries bytes of a request is never taken back.
 *
 * From whom. Everybody may take from those who hold more, and who is not mute from any other
 * while the mute ones hold more than half of the places. Nobody takes from itself, and with
 * nobody in line nothing is taken; but a race makes way for its own next address where there is
 * no place for both.
 *
 * With limits that engines share, what nobody here has use for makes way for other engines as
 * well, at the end of each turn. */
#include "engine/make_way.h"

#include "base/check.h"
#include "base/errors.h"
#include "base/list.h"
#include "base/timers.h"
#include "engine/conn.h"
#include "engine/engine.h"
#include "engine/exchange.h"
#include "engine/kept.h"
#include "engine/origin.h"
#include "engine/places.h"
#include "engine/pool.h"
#include "engine/queue.h"
#include "engine/request.h"
#include "engine/run_limits.h"
#include "engine/run_places.h"
#include "engine/steps.h"
#include "engine/turns.h"
#include "ringsend.h"

enum { LOOK_MAX = 64 /* of those that are overdue, for one that may be taken */ };

/* ---- those that are being made ---- */

/* With the whole race that it is in. */
void make_way_take_back(struct conn *c)
{
    struct request *r = turn_request(c);
    turn_stood(c);
    bool connects = c->step == CONN_CONNECTING, tunnels = c->step == CONN_TUNNELING;
    uint64_t ns = tunnels ? 0 : c->engine->now_ns - c->turn_began_ns;
    CHECK(r && c->step <= CONN_HANDSHAKING);
    if (c->racing) {
        pool_take_back_race(c->pool);
    } else {
        exchange_put(r->exchange);
        conn_abandon(c, RINGSEND_OK, NULL);
    }
    queue_take_back(r, connects ? ns : 0, connects ? 0 : ns);
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

static void take_for(struct pool *p)
{
    struct conn *c = to_take(p);
    if (c)
        make_way_take_back(c);
}

/* ---- idle ones ---- */

/* The one that has been idle for longest; its own only if none is left to stand there for the
 * request itself. Null: none. */
static struct conn *to_close_for(const struct pool *p, const struct request *r)
{
    const struct ringsend *e = p->engine;
    for (struct list *node = e->idle_lru.next; node != &e->idle_lru; node = node->next) {
        struct conn *c = LIST_OWNER(node, struct conn, idle_lru);
        if (c->pool == p)
            c = kept_to_spare(p, r);
        if (c)
            return c;
    }
    return NULL;
}

/* One that has been idle for longest goes, or one that has had its turn: where there is none, or
 * enough are on their way, nothing does. */
void make_way_for(const struct request *r)
{
    struct pool *p = r->origin->pool;
    const struct ringsend *e = p->engine;
    bool own = place_is_at_own_limit(p), is_full = own || place_is_full(e);
    const struct list *idle = own ? &p->idle : &e->idle_lru;
    CHECK(r->origin->wish != WISH_NONE);
    if (place_leaving(p) >= place_demand(p))
        return;
    if (!own && !place_may_have(p)) {
        if (p->standing == STANDING_MUTE)
            take_for(p); /* of another mute one */
    } else if (is_full && !list_empty(idle)) {
        struct conn *c = own ? kept_to_spare(p, r) : to_close_for(p, r);
        if (c)
            conn_abandon(c, RINGSEND_OK, NULL);
    } else if (is_full && !own) {
        take_for(p);
    }
}

/* In the line of an origin that engines share, and what it holds there for others. Who waits for a
 * place of the run stands in this line as well: else two of one engine, each first here only while
 * it stands here, would send each other back and forth between the lines. */
void make_way_in_own_line(struct pool *p)
{
    struct ringsend *e = p->engine;
    bool any = p->wishes[WISH_OWN] + p->wishes[WISH_PLACE] > 0;
    bool may = any && p->conns < e->options.connections_per_origin;
    seat_has_idle(&p->seat, !list_empty(&p->idle));
    seat_wish(e->run_limits, &p->seat, may ? place_demand(p) : 0, false, false);
    while (!list_empty(&p->idle) && seat_is_asked(&p->seat))
        conn_abandon(LIST_OWNER(p->idle.prev, struct conn, idle), RINGSEND_OK, NULL);
    if (may && p->wishes[WISH_OWN] > 0 && seat_may_take(e->run_limits, &p->seat))
        pool_wake(p); /* it was given back meanwhile */
}

void make_way_to_limit(struct ringsend *e)
{
    while (place_is_over_limit(e) && !list_empty(&e->idle_lru))
        conn_abandon(LIST_OWNER(e->idle_lru.next, struct conn, idle_lru), RINGSEND_OK, NULL);
    place_wake_first(e);
}

/* ---- for other engines ---- */

static bool mute_ones_wait(const struct ringsend *e)
{
    bool any = false;
    for (uint32_t i = 0; i < PLACE_RANKS; i++)
        any |= !list_empty(&e->blocked[STANDING_MUTE][i]);
    return any;
}

/* The one that has been idle for longest and that nobody here waits for; null: none. */
static struct conn *spare(const struct ringsend *e)
{
    for (struct list *node = e->idle_lru.next; node != &e->idle_lru; node = node->next) {
        struct conn *c = LIST_OWNER(node, struct conn, idle_lru);
        if (!kept_is_awaited(c))
            return c;
    }
    return NULL;
}

/* Above the limit even one that is waited for goes. */
static struct conn *to_give_up(const struct ringsend *e)
{
    if (place_is_over_limit(e) && !list_empty(&e->idle_lru))
        return LIST_OWNER(e->idle_lru.next, struct conn, idle_lru);
    return seat_is_asked(&e->seat) ? spare(e) : NULL;
}

/* What is idle now, after all have run, nobody here has use for. Calls are heard last, as this may
 * call itself: who sleeps with one that it has not heard is woken by no other. */
void make_way_turn_ends(struct ringsend *e)
{
    struct seat *s = &e->seat;
    if (!e->run_limits->shared)
        return;
    seat_has_idle(s, spare(e) != NULL);
    bool may = e->conns_open < e->conns_limit;
    const struct pool *first = may ? place_first(e) : NULL;
    uint32_t wants = first ? place_demand(first) : 0;
    bool waits = may && !first && e->blocked_count > 0;
    seat_wish(e->run_limits, s, first && wants == 0 ? 1 : wants, waits, waits && mute_ones_wait(e));
    /* After its own wish, as this counts: who wants less itself is asked for more. */
    struct conn *c;
    while (list_empty(&e->ready) && (c = to_give_up(e)))
        conn_abandon(c, RINGSEND_OK, NULL);
    if (waits)
        place_wake_first(e); /* it may have one since it looked */
    place_hear_calls(e);
}
