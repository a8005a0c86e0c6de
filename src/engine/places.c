/* Places: who may open a connection when not all who want one can.
 *
 * The limit, connections_max or less, counts all sockets, half-open and closing ones included.
 * An origin that finds no place, or none that is for it, stands in line (engine.blocked) until
 * it has one or wants none any more. A place that is free is for who holds the fewest, to a
 * factor of two, and among these for who has waited longest: so places go round, and an origin
 * that never answers has its share and no more, however many requests wait for it. Alone, an
 * origin may have them all.
 *
 * Shares do not help where many origins never answer: each would hold its place until a clock
 * runs out, while those that answer give theirs back at once; nor where nobody wants the other
 * places for a moment. So origins have a standing: NEW; PROVEN once a response has come; MUTE
 * once an attempt has ended by a clock without a byte of one, or a connect has had its turn.
 * Beside proven ones, the mute ones hold at most half of the places in silence, together, and a
 * new one, after its first place, has not more than are left. A connection is silent while it is
 * being made and until the first byte of an answer: one that is idle can be closed for others, and
 * one that an answer comes on is not what was to be bounded. Connects that have had their turn
 * make way: turns.c.
 *
 * A connection that becomes idle is kept unless somebody in line has more right to its place.
 *
 * With limits that engines share (run_places.c) the limit is the run's, and who is mute or proven
 * counts over all of them. The engine stands in the run's line while an origin that may have a
 * place stands in this one, and an origin at its limit in that origin's.
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
#include "engine/kept.h"
#include "engine/origin.h"
#include "engine/queue.h"
#include "engine/request.h"
#include "engine/run_limits.h"
#include "engine/turns.h"
#include "http/head.h"
#include "ringsend.h"

static bool is_shared(const struct ringsend *e)
{
    return e->gates->shared;
}

/* Of the engine, or of all together. */
static uint32_t shared_or(const struct ringsend *e, const uint32_t *shared, uint32_t own)
{
    return is_shared(e) ? __atomic_load_n(shared, __ATOMIC_RELAXED) : own;
}

static uint32_t limit_of(const struct ringsend *e)
{
    return shared_or(e, &e->gates->places.limit, e->conns_limit);
}

static bool is_full_itself(const struct ringsend *e)
{
    return e->conns_open >= e->conns_limit;
}

static bool all_full(const struct ringsend *e)
{
    return is_full_itself(e) || (is_shared(e) && !seat_may_take(e->gates, &e->seat));
}

static bool is_at_own_limit(const struct origin *o)
{
    const struct ringsend *e = o->engine;
    return o->conns >= e->options.connections_per_origin ||
           (o->seat.places && !seat_may_take(e->gates, &o->seat));
}

/* By powers of two of what it holds. */
static uint32_t rank(const struct origin *o)
{
    return o->conns > 0 ? 32 - (uint32_t)__builtin_clz(o->conns) : 0;
}

/* Its standing lets it have another place, if there is one. */
static bool may_have(const struct origin *o)
{
    const struct ringsend *e = o->engine;
    const struct ringsend_limits *l = e->gates;
    uint32_t half = (e->conns_limit + 1) / 2;
    if (o->standing == STANDING_PROVEN || shared_or(e, &l->origins_proven, e->origins_proven) == 0)
        return true;
    if (o->standing == STANDING_MUTE)
        return is_shared(e) ? seat_may_be_mute(l, &e->seat) : e->silent_mute < half;
    return o->conns == 0 || o->conns + shared_or(e, &l->places.taken, e->conns_open) < limit_of(e);
}

/* The first in that line, unless it must wait longer than others. */
static struct origin *head_of(const struct list *line)
{
    if (list_empty(line))
        return NULL;
    struct origin *o = LIST_OWNER(line->next, struct origin, blocked);
    return may_have(o) ? o : NULL;
}

struct origin *place_first(const struct ringsend *e)
{
    struct origin *first = NULL;
    for (uint32_t i = 0; i < PLACE_RANKS && e->blocked_count > 0 && !first; i++) {
        for (uint32_t standing = 0; standing < STANDINGS; standing++) {
            struct origin *o = head_of(&e->blocked[standing][i]);
            if (o && (!first || o->blocked_ns < first->blocked_ns))
                first = o;
        }
    }
    return first;
}

bool place_is_free(const struct origin *o)
{
    return !all_full(o->engine) && !is_at_own_limit(o);
}

bool place_is_there(const struct origin *o)
{
    if (!place_is_free(o) || !may_have(o))
        return false;
    const struct origin *first = place_first(o->engine);
    return !first || first == o || rank(o) < rank(first);
}

void place_wake_first(struct ringsend *e)
{
    struct origin *first = place_first(e);
    if (first)
        task_wake(e, &first->task);
}

/* Of the mute ones: who holds the fewest may have the place of one that has had its turn. */
static void wake_mute(struct ringsend *e)
{
    for (uint32_t i = 0; i < PLACE_RANKS && !list_empty(&e->overdue); i++) {
        const struct list *line = &e->blocked[STANDING_MUTE][i];
        if (list_empty(line))
            continue;
        task_wake(e, &LIST_OWNER(line->next, struct origin, blocked)->task);
        return;
    }
}

void place_overdue(struct ringsend *e)
{
    place_wake_first(e);
    wake_mute(e);
}

/* ---- the line ---- */

static void enter(struct origin *o)
{
    struct ringsend *e = o->engine;
    if (list_empty(&o->blocked)) {
        e->blocked_count++;
        o->blocked_ns = e->now_ns;
    }
    list_remove(&o->blocked);
    list_push_back(&e->blocked[o->standing][rank(o)], &o->blocked);
}

static void leave(struct origin *o)
{
    list_remove(&o->blocked);
    o->engine->blocked_count--;
}

void place_forget(struct origin *o)
{
    struct ringsend *e = o->engine;
    if (!list_empty(&o->blocked))
        leave(o);
    e->origins_proven -= o->standing == STANDING_PROVEN;
    if (is_shared(e) && o->standing == STANDING_PROVEN)
        seats_standing(e->gates, &e->seat, -1, 0);
}

/* How many connections it would open now. */
static uint32_t demand(const struct origin *o)
{
    return gates_demand(o) + (o->dialing && o->racers == 0);
}

/* Connections that are about to make room for one of its: at its own limit only its own can. */
uint32_t place_leaving(const struct origin *o)
{
    return is_at_own_limit(o) ? o->conns_leaving : o->engine->conns_leaving;
}

/* The one that has been idle for longest; its own only if none is left to stand there for the
 * request itself. Null: none. */
static struct conn *to_close_for(const struct origin *o, const struct request *r)
{
    const struct ringsend *e = o->engine;
    for (struct list *node = e->idle_lru.next; node != &e->idle_lru; node = node->next) {
        struct conn *c = LIST_OWNER(node, struct conn, idle_lru);
        if (c->origin == o)
            c = kept_to_spare(o, r);
        if (c)
            return c;
    }
    return NULL;
}

void place_want(struct origin *o, const struct request *r)
{
    struct ringsend *e = o->engine;
    bool own = is_at_own_limit(o);
    struct list *idle = own ? &o->idle : &e->idle_lru;
    o->wants_place = !own;
    o->wants_own = own;
    if (!own && list_empty(&o->blocked))
        enter(o);
    bool is_full = own || all_full(e);
    if (!is_full)
        place_wake_first(e); /* there is one, for another */
    if (place_leaving(o) >= demand(o))
        return;
    if (!own && !may_have(o)) {
        if (o->standing == STANDING_MUTE)
            turn_take_for(o); /* of another mute one */
    } else if (is_full && !list_empty(idle)) {
        struct conn *c = own ? kept_to_spare(o, r) : to_close_for(o, r);
        if (c)
            conn_abandon(c, RINGSEND_OK, NULL);
    } else if (is_full && !own) {
        turn_take_for(o);
    }
}

/* In the line of an origin that engines share, and what it holds there for others. Who waits for a
 * place of the run stands in this line as well: else two of one engine, each first here only while
 * it stands here, would send each other back and forth between the lines. */
static void look_at_own_line(struct origin *o)
{
    struct ringsend *e = o->engine;
    bool may = (o->wants_own || o->wants_place) && o->conns < e->options.connections_per_origin;
    seat_has_idle(&o->seat, !list_empty(&o->idle));
    seat_wish(e->gates, &o->seat, may ? demand(o) : 0, false, false);
    while (!list_empty(&o->idle) && seat_is_asked(&o->seat))
        conn_abandon(LIST_OWNER(o->idle.prev, struct conn, idle), RINGSEND_OK, NULL);
    if (may && o->wants_own && seat_may_take(e->gates, &o->seat))
        task_wake(e, &o->task); /* it was given back meanwhile */
}

/* Who leaves the line calls the next one, for the place that it was called for may be left over. */
void place_run_ends(struct origin *o)
{
    struct ringsend *e = o->engine;
    bool wants = o->wants_place, waits_for_own = o->settles_at_ns != TIMER_NEVER;
    if (o->seat.places)
        look_at_own_line(o);
    o->wants_place = o->wants_own = false;
    if (list_empty(&o->blocked) || wants || (demand(o) > 0 && all_full(e) && !waits_for_own))
        return;
    leave(o);
    place_overdue(e);
}

/* ---- what is held ---- */

static bool is_mute(const struct origin *o)
{
    return o->standing == STANDING_MUTE;
}

/* A connection comes, which is silent, or goes. */
static void count(struct origin *o, int32_t more, int32_t silent_more)
{
    struct ringsend *e = o->engine;
    o->conns += (uint32_t)more;
    o->silent += (uint32_t)silent_more;
    e->conns_open += (uint32_t)more;
    e->silent_mute += is_mute(o) ? (uint32_t)silent_more : 0;
    if (!list_empty(&o->blocked))
        enter(o);
}

bool place_claim(struct origin *o, bool ahead)
{
    struct ringsend *e = o->engine;
    return !is_shared(e) || seats_take(e->gates, &e->seat, &o->seat, ahead, is_mute(o));
}

void place_unclaim(struct origin *o)
{
    struct ringsend *e = o->engine;
    if (is_shared(e))
        seats_give(e->gates, &e->seat, &o->seat, false, is_mute(o));
}

void place_take(struct origin *o)
{
    struct ringsend *e = o->engine;
    CHECK(e->conns_open < e->options.connections_max);
    CHECK(o->conns < e->options.connections_per_origin);
    count(o, 1, 1);
    CHECK(!is_shared(e) || e->seat.held == e->conns_open);
    if (e->conns_open > e->stats.connections_peak)
        e->stats.connections_peak = e->conns_open;
}

void place_leaves(struct origin *o)
{
    struct ringsend *e = o->engine;
    e->conns_leaving++;
    o->conns_leaving++;
    if (is_shared(e))
        seats_leaving(&e->seat, &o->seat);
}

void place_give_back(struct conn *c)
{
    struct origin *o = c->origin;
    struct ringsend *e = o->engine;
    e->conns_leaving--;
    o->conns_leaving--;
    if (is_shared(e))
        seats_give(e->gates, &e->seat, &o->seat, true, is_mute(o) && c->silent);
    count(o, -1, -(int32_t)c->silent);
    place_overdue(e);
}

void place_set_silent(struct conn *c, bool silent)
{
    struct origin *o = c->origin;
    struct ringsend *e = o->engine;
    int32_t more = silent - c->silent;
    c->silent = silent;
    o->silent += (uint32_t)more;
    if (!is_mute(o) || more == 0)
        return;
    e->silent_mute += (uint32_t)more;
    if (is_shared(e))
        seats_standing(e->gates, &e->seat, 0, more);
    if (more < 0)
        place_overdue(e);
}

bool place_mute_hold_much(const struct ringsend *e)
{
    return shared_or(e, &e->gates->silent_mute, e->silent_mute) > limit_of(e) / 2;
}

/* More connections are to stay than may. */
static bool is_over_limit(const struct ringsend *e)
{
    return e->conns_open - e->conns_leaving > e->conns_limit ||
           (is_shared(e) && run_places_are_over(&e->gates->places));
}

void place_limit_changed(struct ringsend *e)
{
    while (is_over_limit(e) && !list_empty(&e->idle_lru))
        conn_abandon(LIST_OWNER(e->idle_lru.next, struct conn, idle_lru), RINGSEND_OK, NULL);
    place_wake_first(e);
}

/* Another engine has more right to it than who waits here. */
static bool is_for_another_engine(const struct origin *o, const struct request *ours)
{
    const struct ringsend *e = o->engine;
    uint64_t since_ns = ours ? ours->queued_ns : TIMER_NEVER;
    return seat_is_outdone(&e->seat, since_ns) ||
           (o->seat.places && seat_is_outdone(&o->seat, since_ns));
}

bool place_is_kept(const struct conn *c)
{
    struct origin *o = c->origin;
    struct ringsend *e = o->engine;
    if (is_over_limit(e))
        return false;
    struct request *ours = gates_demand(o) > 0 ? queue_first(o) : NULL;
    if (is_shared(e) && is_for_another_engine(o, ours))
        return false;
    struct origin *other = place_first(e);
    if (!other || other == o || e->conns_leaving >= demand(other))
        return true;
    struct request *theirs = other->dialing ? other->dialing : queue_first(other);
    if (!ours || other->conns + 1 < o->conns)
        return false;
    return other->conns > 0 || ours->queued_ns <= theirs->queued_ns;
}

void place_heard(struct origin *o, bool answered)
{
    struct ringsend *e = o->engine;
    enum standing was = o->standing, is = answered ? STANDING_PROVEN : STANDING_MUTE;
    if (was == is)
        return;
    o->standing = is;
    int32_t proven = (is == STANDING_PROVEN) - (was == STANDING_PROVEN);
    int32_t mute = (int32_t)o->silent * ((is == STANDING_MUTE) - (was == STANDING_MUTE));
    e->origins_proven += (uint32_t)proven;
    e->silent_mute += (uint32_t)mute;
    if (is_shared(e))
        seats_standing(e->gates, &e->seat, proven, mute);
    if (!list_empty(&o->blocked))
        enter(o);
    place_wake_first(e);
}

/* ---- the run ---- */

void place_join(struct ringsend *e)
{
    e->seat = (struct seat){.engine = e};
    list_init(&e->called);
    list_init(&e->seat.in_called);
    if (is_shared(e))
        seat_join(e->gates, &e->seat, &e->gates->places);
}

void place_leave(struct ringsend *e)
{
    for (uint32_t i = 0; i < e->origins_mark; i++)
        origin_leave_run(&e->origins[i]);
    if (!e->seat.places)
        return;
    seats_standing(e->gates, &e->seat, -(int32_t)e->origins_proven, -(int32_t)e->silent_mute);
    seat_leave(e->gates, &e->seat, e->conns_leaving);
}

void place_broke(struct ringsend *e)
{
    if (!is_shared(e))
        return;
    seat_wish(e->gates, &e->seat, 0, false, false);
    for (uint32_t i = 0; i < e->origins_mark; i++)
        if (e->origins[i].seat.places)
            seat_wish(e->gates, &e->origins[i].seat, 0, false, false);
}

bool place_is_called(const struct ringsend *e)
{
    return is_shared(e) && __atomic_load_n(&e->is_called, __ATOMIC_SEQ_CST);
}

void place_hear_calls(struct ringsend *e)
{
    struct seat *s;
    while (is_shared(e) && (s = seat_called(e))) {
        if (s->task)
            task_wake(e, s->task);
        else
            place_wake_first(e);
    }
}

void place_stats(const struct ringsend *e, struct ringsend_stats *stats)
{
    stats->connections_limit = limit_of(e);
    stats->connections_peak = shared_or(e, &e->gates->places.peak, e->stats.connections_peak);
}

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
    if (is_over_limit(e) && !list_empty(&e->idle_lru))
        return LIST_OWNER(e->idle_lru.next, struct conn, idle_lru);
    return seat_is_asked(&e->seat) ? spare(e) : NULL;
}

/* What is idle now, after all have run, nobody here has use for. Calls are heard last, as this may
 * call itself: who sleeps with one that it has not heard is woken by no other. */
void place_turn_ends(struct ringsend *e)
{
    struct seat *s = &e->seat;
    if (!is_shared(e))
        return;
    seat_has_idle(s, spare(e) != NULL);
    bool may = !is_full_itself(e);
    const struct origin *first = may ? place_first(e) : NULL;
    uint32_t wants = first ? demand(first) : 0;
    bool waits = may && !first && e->blocked_count > 0;
    seat_wish(e->gates, s, first && wants == 0 ? 1 : wants, waits, waits && mute_ones_wait(e));
    /* After its own wish, as this counts: who wants less itself is asked for more. */
    struct conn *c;
    while (list_empty(&e->ready) && (c = to_give_up(e)))
        conn_abandon(c, RINGSEND_OK, NULL);
    if (waits)
        place_wake_first(e); /* it may have one since it looked */
    place_hear_calls(e);
}
