/* Places: who may open a connection when not all who want one can.
 *
 * The limit, connections_max or less, counts all sockets, half-open and closing ones included.
 * A pool that finds no place, or none that is for it, stands in line (engine.blocked) until
 * it has one or wants none any more. A place that is free is for who holds the fewest, to a
 * factor of two, and among these for who has waited longest: so places go round, and a pool
 * that never answers has its share and no more, however many requests wait for it. Alone, a
 * pool may have them all.
 *
 * Shares do not help where many origins never answer: each would hold its place until a clock
 * runs out, while those that answer give theirs back at once; nor where nobody wants the other
 * places for a moment. So pools have a standing: NEW; PROVEN once a response has come; MUTE
 * once an attempt has ended by a clock without a byte of one, or a connect has had its turn.
 * Beside proven ones, the mute ones hold at most half of the places in silence, together, and a
 * new one, after its first place, has not more than are left. A connection is silent while it is
 * being made and until the first byte of an answer: one that is idle can be closed for others, and
 * one that an answer comes on is not what was to be bounded. Connects that have had their turn
 * make way.
 *
 * A connection that becomes idle is kept unless somebody in line has more right to its place.
 *
 * With limits that engines share (run_places.c) the limit is the run's, and who is mute or proven
 * counts over all of them. The engine stands in the run's line while a pool that may have a
 * place stands in this one, and a pool at its limit in that of the origin that it is for.
 *
 * Here it is counted and asked, and whoever is next is woken; what is closed so that there is a
 * place says make_way.c.
 *
 * Invariants: who stands in line has wanted a place in its last run and could not have one;
 * when a place is free, the first one whom it is for is awake. */
#include "engine/places.h"

#include "base/check.h"
#include "base/list.h"
#include "base/timers.h"
#include "engine/admission.h"
#include "engine/conn.h"
#include "engine/engine.h"
#include "engine/origin.h"
#include "engine/pool.h"
#include "engine/queue.h"
#include "engine/request.h"
#include "engine/run_limits.h"
#include "engine/steps.h"
#include "ringsend.h"

static bool is_shared(const struct ringsend *e)
{
    return e->run_limits->shared;
}

/* Of the engine, or of all together. */
static uint32_t shared_or(const struct ringsend *e, const uint32_t *shared, uint32_t own)
{
    return is_shared(e) ? __atomic_load_n(shared, __ATOMIC_RELAXED) : own;
}

static uint32_t limit_of(const struct ringsend *e)
{
    return shared_or(e, &e->run_limits->places.limit, e->conns_limit);
}

static bool is_full_itself(const struct ringsend *e)
{
    return e->conns_open >= e->conns_limit;
}

bool place_is_full(const struct ringsend *e)
{
    return is_full_itself(e) || (is_shared(e) && !seat_may_take(e->run_limits, &e->seat));
}

bool place_is_at_own_limit(const struct pool *p)
{
    const struct ringsend *e = p->engine;
    return p->conns >= e->options.connections_per_origin ||
           (p->seat.places && !seat_may_take(e->run_limits, &p->seat));
}

/* By powers of two of what it holds. */
static uint32_t rank(const struct pool *p)
{
    return p->conns > 0 ? 32 - (uint32_t)__builtin_clz(p->conns) : 0;
}

bool place_may_have(const struct pool *p)
{
    const struct ringsend *e = p->engine;
    const struct ringsend_limits *l = e->run_limits;
    uint32_t half = (e->conns_limit + 1) / 2;
    if (p->standing == STANDING_PROVEN || shared_or(e, &l->pools_proven, e->pools_proven) == 0)
        return true;
    if (p->standing == STANDING_MUTE)
        return is_shared(e) ? seat_may_be_mute(l, &e->seat) : e->silent_mute < half;
    return p->conns == 0 || p->conns + shared_or(e, &l->places.taken, e->conns_open) < limit_of(e);
}

/* The first in that line, unless it must wait longer than others. */
static struct pool *head_of(const struct list *line)
{
    if (list_empty(line))
        return NULL;
    struct pool *p = LIST_OWNER(line->next, struct pool, blocked);
    return place_may_have(p) ? p : NULL;
}

struct pool *place_first(const struct ringsend *e)
{
    struct pool *first = NULL;
    for (uint32_t i = 0; i < PLACE_RANKS && e->blocked_count > 0 && !first; i++) {
        for (uint32_t standing = 0; standing < STANDINGS; standing++) {
            struct pool *p = head_of(&e->blocked[standing][i]);
            if (p && (!first || p->blocked_ns < first->blocked_ns))
                first = p;
        }
    }
    return first;
}

bool place_is_free(const struct pool *p)
{
    return !place_is_full(p->engine) && !place_is_at_own_limit(p);
}

bool place_is_there(const struct pool *p)
{
    if (!place_is_free(p) || !place_may_have(p))
        return false;
    const struct pool *first = place_first(p->engine);
    return !first || first == p || rank(p) < rank(first);
}

void place_wake_first(struct ringsend *e)
{
    struct pool *first = place_first(e);
    if (first)
        pool_wake(first);
}

/* Of the mute ones: who holds the fewest may have the place of one that has had its turn. */
static void wake_mute(struct ringsend *e)
{
    for (uint32_t i = 0; i < PLACE_RANKS && !list_empty(&e->overdue); i++) {
        const struct list *line = &e->blocked[STANDING_MUTE][i];
        if (list_empty(line))
            continue;
        pool_wake(LIST_OWNER(line->next, struct pool, blocked));
        return;
    }
}

void place_overdue(struct ringsend *e)
{
    place_wake_first(e);
    wake_mute(e);
}

/* ---- the line ---- */

static void enter(struct pool *p)
{
    struct ringsend *e = p->engine;
    if (list_empty(&p->blocked)) {
        e->blocked_count++;
        p->blocked_ns = e->now_ns;
    }
    list_remove(&p->blocked);
    list_push_back(&e->blocked[p->standing][rank(p)], &p->blocked);
}

static void leave(struct pool *p)
{
    list_remove(&p->blocked);
    p->engine->blocked_count--;
}

void place_forget(struct pool *p)
{
    struct ringsend *e = p->engine;
    if (!list_empty(&p->blocked))
        leave(p);
    e->pools_proven -= p->standing == STANDING_PROVEN;
    if (is_shared(e) && p->standing == STANDING_PROVEN)
        seats_standing(e->run_limits, &e->seat, -1, 0);
}

/* How many connections its origins would have now. */
static uint32_t wanted(const struct pool *p)
{
    uint32_t count = 0;
    for (struct list *node = p->waiting.next; node != &p->waiting; node = node->next)
        count += gates_demand(LIST_OWNER(node, struct origin, in_waiting));
    return count;
}

/* Whose request has waited for longest. */
static struct request *first_waiting(const struct pool *p)
{
    struct request *first = NULL;
    for (struct list *node = p->waiting.next; node != &p->waiting; node = node->next) {
        struct request *r = queue_first(LIST_OWNER(node, struct origin, in_waiting));
        if (r && (!first || r->queued_ns < first->queued_ns))
            first = r;
    }
    return first;
}

uint32_t place_demand(const struct pool *p)
{
    return wanted(p) + (p->dialing && p->racers == 0);
}

uint32_t place_leaving(const struct pool *p)
{
    return place_is_at_own_limit(p) ? p->conns_leaving : p->engine->conns_leaving;
}

void place_wish(const struct request *r)
{
    struct pool *p = r->origin->pool;
    struct ringsend *e = p->engine;
    bool own = place_is_at_own_limit(p);
    CHECK(r->origin->wish == WISH_NONE);
    r->origin->wish = own ? WISH_OWN : WISH_PLACE;
    p->wishes[r->origin->wish]++;
    if (own)
        return;
    if (list_empty(&p->blocked))
        enter(p);
    if (!place_is_full(e))
        place_wake_first(e); /* there is one, for another */
}

/* Who leaves the line calls the next one, for the place that it was called for may be left over. */
void place_run_ends(struct pool *p, bool waits_for_own)
{
    struct ringsend *e = p->engine;
    /* While it looks for an address, or has all that it may have, none of its origins could use
     * one, whatever it lacked in its last run. */
    bool may_open = (p->step == POOL_OPEN || p->step == POOL_RACE) &&
                    p->conns < e->options.connections_per_origin;
    bool wants = may_open && p->wishes[WISH_PLACE] > 0;
    /* What is still idle was kept for requests that a gate holds back now, or for none: others may
     * have more use for its place. */
    if (!list_empty(&p->idle) && place_first(e) != p)
        place_wake_first(e);
    if (list_empty(&p->blocked) || wants ||
        (place_demand(p) > 0 && place_is_full(e) && !waits_for_own))
        return;
    leave(p);
    place_overdue(e);
}

/* ---- what is held ---- */

static bool is_mute(const struct pool *p)
{
    return p->standing == STANDING_MUTE;
}

/* A connection comes, which is silent, or goes. */
static void count(struct pool *p, int32_t more, int32_t silent_more)
{
    struct ringsend *e = p->engine;
    p->conns += (uint32_t)more;
    p->silent += (uint32_t)silent_more;
    e->conns_open += (uint32_t)more;
    e->silent_mute += is_mute(p) ? (uint32_t)silent_more : 0;
    if (!list_empty(&p->blocked))
        enter(p);
}

bool place_claim(struct pool *p, bool ahead)
{
    struct ringsend *e = p->engine;
    return !is_shared(e) || seats_take(e->run_limits, &e->seat, &p->seat, ahead, is_mute(p));
}

void place_unclaim(struct pool *p)
{
    struct ringsend *e = p->engine;
    if (is_shared(e))
        seats_give(e->run_limits, &e->seat, &p->seat, false, is_mute(p));
}

void place_take(struct pool *p)
{
    struct ringsend *e = p->engine;
    CHECK(e->conns_open < e->options.connections_max);
    CHECK(p->conns < e->options.connections_per_origin);
    count(p, 1, 1);
    CHECK(!is_shared(e) || e->seat.held == e->conns_open);
    if (e->conns_open - e->riders > e->stats.connections_peak)
        e->stats.connections_peak = e->conns_open - e->riders;
}

void place_leaves(struct pool *p)
{
    struct ringsend *e = p->engine;
    e->conns_leaving++;
    p->conns_leaving++;
    if (is_shared(e))
        seats_leaving(&e->seat, &p->seat);
}

void place_give_back(struct conn *c)
{
    struct pool *p = c->pool;
    struct ringsend *e = p->engine;
    e->conns_leaving--;
    p->conns_leaving--;
    if (is_shared(e))
        seats_give(e->run_limits, &e->seat, &p->seat, true, is_mute(p) && c->silent);
    count(p, -1, -(int32_t)c->silent);
    place_overdue(e);
}

void place_set_silent(struct conn *c, bool silent)
{
    struct pool *p = c->pool;
    struct ringsend *e = p->engine;
    int32_t more = silent - c->silent;
    c->silent = silent;
    p->silent += (uint32_t)more;
    if (!is_mute(p) || more == 0)
        return;
    e->silent_mute += (uint32_t)more;
    if (is_shared(e))
        seats_standing(e->run_limits, &e->seat, 0, more);
    if (more < 0)
        place_overdue(e);
}

bool place_mute_hold_much(const struct ringsend *e)
{
    return shared_or(e, &e->run_limits->silent_mute, e->silent_mute) > limit_of(e) / 2;
}

bool place_is_over_limit(const struct ringsend *e)
{
    return e->conns_open - e->conns_leaving > e->conns_limit ||
           (is_shared(e) && run_places_are_over(&e->run_limits->places));
}

/* Another engine has more right to it than who waits here. */
static bool is_for_another_engine(const struct pool *p, const struct request *ours)
{
    const struct ringsend *e = p->engine;
    uint64_t since_ns = ours ? ours->queued_ns : TIMER_NEVER;
    return seat_is_outdone(&e->seat, since_ns) ||
           (p->seat.places && seat_is_outdone(&p->seat, since_ns));
}

bool place_is_kept(const struct conn *c)
{
    struct pool *p = c->pool;
    struct ringsend *e = p->engine;
    if (place_is_over_limit(e))
        return false;
    struct pool *other = place_first(e);
    bool is_alone = !other || other == p;
    if (is_alone && !is_shared(e))
        return true;
    struct request *ours = wanted(p) > 0 ? first_waiting(p) : NULL;
    if (is_shared(e) && is_for_another_engine(p, ours))
        return false;
    if (is_alone || e->conns_leaving >= place_demand(other))
        return true;
    struct request *theirs = other->dialing ? other->dialing : first_waiting(other);
    if (!ours || other->conns + 1 < p->conns)
        return false;
    return other->conns > 0 || ours->queued_ns <= theirs->queued_ns;
}

void place_heard(struct pool *p, bool answered)
{
    struct ringsend *e = p->engine;
    enum standing was = p->standing, is = answered ? STANDING_PROVEN : STANDING_MUTE;
    if (was == is)
        return;
    p->standing = is;
    int32_t proven = (is == STANDING_PROVEN) - (was == STANDING_PROVEN);
    int32_t mute = (int32_t)p->silent * ((is == STANDING_MUTE) - (was == STANDING_MUTE));
    e->pools_proven += (uint32_t)proven;
    e->silent_mute += (uint32_t)mute;
    if (is_shared(e))
        seats_standing(e->run_limits, &e->seat, proven, mute);
    if (!list_empty(&p->blocked))
        enter(p);
    place_wake_first(e);
}

/* ---- the run ---- */

void place_join(struct ringsend *e)
{
    e->seat = (struct seat){.engine = e};
    list_init(&e->called);
    list_init(&e->seat.in_called);
    if (is_shared(e))
        seat_join(e->run_limits, &e->seat, &e->run_limits->places);
}

void place_leave(struct ringsend *e)
{
    if (!e->seat.places)
        return;
    seats_standing(e->run_limits, &e->seat, -(int32_t)e->pools_proven, -(int32_t)e->silent_mute);
    seat_leave(e->run_limits, &e->seat, e->conns_leaving);
}

void place_broke(struct ringsend *e)
{
    if (!is_shared(e))
        return;
    seat_wish(e->run_limits, &e->seat, 0, false, false);
    for (uint32_t i = 0; i < e->pools_mark; i++)
        if (e->pools[i].seat.places)
            seat_wish(e->run_limits, &e->pools[i].seat, 0, false, false);
}

bool place_is_called(const struct ringsend *e)
{
    return is_shared(e) && __atomic_load_n(&e->is_called, __ATOMIC_SEQ_CST);
}

void place_hear_calls(struct ringsend *e)
{
    struct seat *s;
    while (is_shared(e) && (s = seat_called(e))) {
        if (s->pool)
            pool_wake(s->pool);
        else
            place_wake_first(e);
    }
}

void place_stats(const struct ringsend *e, struct ringsend_stats *stats)
{
    stats->connections_limit = limit_of(e);
    stats->connections_peak = shared_or(e, &e->run_limits->places.peak, e->stats.connections_peak);
}
