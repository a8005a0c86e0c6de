/* An origin: scheme, host and port, whom requests are for. It owns those that wait, and decides in
 * its run who of them begins: as soon as the gates let one through, on a connection of its pool's
 * that is idle, or on one that the pool opens for it.
 *
 * A run is dispatch, from the top each time: idle connections first; then, with addresses to be
 * found, the pool is asked to, and the requests' clocks for that are watched here; then, with a
 * place, one new connection. What it could not have it waits for: in the pool's line, in those of
 * the gates and places, or for a deadline.
 *
 * Invariant: with requests that wait it stands in pool.waiting. */
#include "engine/origin.h"

#include "base/check.h"
#include "base/errors.h"
#include "base/list.h"
#include "base/timers.h"
#include "engine/admission.h"
#include "engine/attempt.h"
#include "engine/conn.h"
#include "engine/engine.h"
#include "engine/exchange.h"
#include "engine/host.h"
#include "engine/http2.h"
#include "engine/kept.h"
#include "engine/make_way.h"
#include "engine/places.h"
#include "engine/pool.h"
#include "engine/queue.h"
#include "engine/request.h"
#include "engine/run_places.h"
#include "engine/steps.h"
#include "engine/task.h"
#include "ringsend.h"

/* A waiting request's attempt ends before it had a connection. */
static void fail(struct request *r, enum ringsend_error error, const char *detail)
{
    CHECK(error != RINGSEND_OK && !list_empty(&r->waiting));
    const struct pool *p = r->origin->pool;
    queue_take(r);
    attempt_over(&r->attempt, error, p->lookup_is_proxys ? "the name of the proxy" : detail);
}

/* ---- idle connections ---- */

/* Who has waited longest wants a new connection, and neither is there a place for it nor one about
 * to be free: an idle one makes it, or those behind would pass it by for as long as they come. */
static bool must_make_place(struct origin *o, const struct request *next)
{
    struct request *first = gates_next(o, false);
    CHECK(!list_empty(&o->pool->idle));
    return first && first != next && !place_is_there(o->pool) && place_leaving(o->pool) == 0 &&
           gates_are_open(first);
}

/* Gives idle connections to waiting requests. True: to one, at least. */
static bool use_idle(struct origin *o)
{
    struct ringsend *e = o->engine;
    struct pool *p = o->pool;
    struct request *r;
    bool any = false;
    while (!list_empty(&p->idle) && (r = gates_next(o, true))) {
        struct conn *c = kept_for(p, r, &o->settles_at_ns);
        if (!c)
            break;
        CHECK(c->pool == p && c->step == CONN_READY && list_empty(&c->exchanges));
        bool is_stale =
            e->now_ns >= c->deadline_ns; /* its own turn, to tell so, is still to come */
        if (is_stale || !conn_is_usable(c) || must_make_place(o, r)) {
            conn_abandon(c, RINGSEND_OK, NULL);
            continue;
        }
        if (!gates_pass(r))
            break;
        kept_is_used(c, r);
        queue_take(r);
        conn_begin(c, r);
        any = true;
    }
    CHECK(!any || p->conns > 0);
    return any;
}

/* ---- lookups ---- */

/* Since when the lookup is what it waits for: its own coming, the pool's, or the turn of the
 * name. */
static uint64_t lookup_from_ns(const struct request *r)
{
    const struct pool *p = r->origin->pool;
    uint64_t from_ns = r->queued_ns;
    if (from_ns < p->lookup_began_ns)
        from_ns = p->lookup_began_ns;
    return from_ns < p->host->lookup_began_ns ? p->host->lookup_began_ns : from_ns;
}

/* The lookup's time is not waiting time. */
static void charge_lookup(struct request *r)
{
    CHECK(r && !list_empty(&r->waiting));
    r->dns_ns = r->engine->now_ns - lookup_from_ns(r);
    r->queued_ns += r->dns_ns;
}

static void charge_lookups(const struct list *waiting)
{
    for (struct list *node = waiting->next; node != waiting; node = node->next)
        charge_lookup(LIST_OWNER(node, struct request, waiting));
}

/* The connect timeout covers the lookup, for each request from when it came. */
static void await_lookup(struct origin *o)
{
    struct ringsend *e = o->engine;
    struct request *r;
    CHECK(o->pool->step == POOL_LOOKING_UP);
    if (o->pool->host->lookup_began_ns == 0)
        return; /* for the name's turn: no clock runs */
    while ((r = queue_first(o))) {
        uint64_t until_ns = timer_after(lookup_from_ns(r), e->options.connect_timeout_ns);
        if (!engine_is_over(e, until_ns)) {
            task_deadline(e, &o->task, until_ns);
            break;
        }
        charge_lookup(r);
        fail(r, RINGSEND_E_TIMEOUT_DNS, NULL);
    }
}

static bool ask_for_lookup(struct origin *o)
{
    struct pool *p = o->pool;
    CHECK(p->step == POOL_LOOKUP && o->waiting_count > 0);
    o->lookup_due = p->lookups_over + 1;
    pool_look_up(p);
    return false;
}

static void hear_of_lookup(struct origin *o)
{
    const struct pool *p = o->pool;
    struct request *r;
    if (o->lookup_due == 0 || p->lookups_over < o->lookup_due)
        return;
    o->lookup_due = 0;
    for (int fresh = 0; fresh < 2; fresh++) {
        charge_lookups(&o->waiting[fresh]);
        charge_lookups(&o->retries[fresh]);
    }
    while (p->lookup_error != RINGSEND_OK && (r = queue_first(o)))
        fail(r, p->lookup_error, p->host->detail);
    CHECK(p->lookup_error == RINGSEND_OK || o->waiting_count == 0);
}

/* ---- new connections ---- */

static bool has_no_place(struct origin *o, struct request *r)
{
    CHECK(r->origin == o && o->wish == WISH_NONE);
    if (gates_are_open(r)) {
        place_wish(r);
        make_way_for(r);
    }
    return false;
}

/* Nothing may be opened before then. */
static bool must_wait(struct origin *o, uint64_t until_ns)
{
    bool must = o->engine->now_ns < until_ns;
    CHECK(until_ns != TIMER_NEVER);
    if (must && until_ns < o->task.timer.at_ns)
        task_deadline(o->engine, &o->task, until_ns);
    return must;
}

/* Its attempt begins, on a new connection: takes a place and of the gates. */
static bool begins(struct origin *o, struct request *r)
{
    CHECK(!list_empty(&r->waiting) && o->engine->conns_open < o->engine->conns_limit);
    if (!place_claim(o->pool, false)) /* another engine was faster */
        return has_no_place(o, r);
    if (gates_pass(r))
        return true;
    place_unclaim(o->pool);
    return false;
}

/* One at a time: by then all who came with it want a place, too, and stand in line or take it. */
static bool open_one(struct origin *o)
{
    struct pool *p = o->pool;
    struct request *r = gates_next(o, false);
    CHECK(p->step == POOL_RACE || p->step == POOL_OPEN);
    if (!r || (p->step == POOL_OPEN && kept_is_worth_waiting(r)))
        return false;
    if (!place_is_there(p))
        return has_no_place(o, r);
    bool rides = http2_carrier(p) != NULL;
    if (!rides && !pool_has_address(p))
        return ask_for_lookup(o);
    if (!rides && (must_wait(o, http2_settles_at_ns(p)) || must_wait(o, pool_session_at_ns(p))))
        return false;
    o->short_holds = !rides && must_wait(o, pool_short_until_ns(p));
    if (o->short_holds || !begins(o, r))
        return false;
    queue_take(r);
    pool_open_for(p, r);
    CHECK(p->step == POOL_RACING ? p->dialing == r : r->exchange && r->exchange->conn->pool == p);
    if (p->step == POOL_OPEN)
        task_wake(o->engine, &o->task); /* for the next one */
    return true;
}

/* ---- dispatch ---- */

/* True: a request has begun. */
static bool dispatch(struct origin *o)
{
    struct pool *p = o->pool;
    bool has_begun = use_idle(o);
    hear_of_lookup(o);
    if (o->waiting_count == 0)
        return has_begun;
    switch (p->step) {
    case POOL_LOOKUP:
        return ask_for_lookup(o) || has_begun;
    case POOL_LOOKING_UP:
        o->lookup_due = p->lookups_over + 1;
        await_lookup(o);
        return has_begun;
    case POOL_RACING:
        return has_begun;
    case POOL_RACE:
    case POOL_OPEN:
        return open_one(o) || has_begun;
    }
    UNREACHABLE("pool step");
}

enum task_next origin_run(struct origin *o)
{
    CHECK((o->waiting_count > 0) == !list_empty(&o->in_waiting));
    task_deadline(o->engine, &o->task, TIMER_NEVER); /* each run sets what it waits for */
    o->short_holds = false;
    o->settles_at_ns = TIMER_NEVER;
    gates_begin(o);
    origin_unwish(o);
    bool has_begun = dispatch(o);
    pool_run_ends(o->pool, o->settles_at_ns != TIMER_NEVER);
    gates_end(o);
    if (o->settles_at_ns < o->task.timer.at_ns)
        task_deadline(o->engine, &o->task, o->settles_at_ns);
    if (o->pool->origins_count > 1)
        pool_pass_on(o, has_begun);
    return TASK_WAIT;
}
