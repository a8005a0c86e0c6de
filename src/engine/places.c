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
 * Beside proven ones, the mute ones have at most half of the places together, and a new one,
 * after its first place, not more than are left. Connects that have had their turn make way:
 * turns.c.
 *
 * A connection that becomes idle is kept unless somebody in line has more right to its place.
 *
 * Invariants: who stands in line has wanted a place in its last run and could not have one;
 * when a place is free, the first one whom it is for is awake. */
#include "engine/engine.h"

static bool all_full(const struct ringsend *e)
{
    return e->conns_open >= e->conns_limit;
}

static bool is_at_own_limit(const struct origin *o)
{
    return o->conns >= o->engine->options.connections_per_origin;
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
    uint32_t half = (e->conns_limit + 1) / 2;
    if (o->standing == STANDING_PROVEN || e->origins_proven == 0)
        return true;
    if (o->standing == STANDING_MUTE)
        return e->conns_mute < half;
    return o->conns == 0 || o->conns + e->conns_open < e->conns_limit;
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
    if (!list_empty(&o->blocked))
        leave(o);
    o->engine->origins_proven -= o->standing == STANDING_PROVEN;
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

void place_want(struct origin *o, const struct request *r)
{
    struct ringsend *e = o->engine;
    bool own = is_at_own_limit(o);
    struct list *idle = own ? &o->idle : &e->idle_lru;
    o->wants_place = !own;
    if (!own && list_empty(&o->blocked))
        enter(o);
    bool is_full = own || all_full(e);
    if (!is_full)
        place_wake_first(e); /* there is one, for another */
    if (place_leaving(o) >= demand(o))
        return;
    if (!is_full || list_empty(idle)) {
        if (!own && (o->standing == STANDING_MUTE || (is_full && may_have(o))))
            turn_take_for(o);
        return;
    }
    struct conn *c = own ? kept_to_spare(o, r) : LIST_OWNER(idle->next, struct conn, idle_lru);
    if (c)
        conn_abandon(c, RINGSEND_OK, NULL);
}

/* Who leaves the line calls the next one, for the place that it was called for may be left over. */
void place_run_ends(struct origin *o)
{
    struct ringsend *e = o->engine;
    bool wants = o->wants_place, waits_for_own = o->settles_at_ns != TIMER_NEVER;
    o->wants_place = false;
    if (list_empty(&o->blocked) || wants || (demand(o) > 0 && all_full(e) && !waits_for_own))
        return;
    leave(o);
    place_overdue(e);
}

/* ---- what is held ---- */

static void count(struct origin *o, uint32_t before)
{
    struct ringsend *e = o->engine;
    e->conns_open += o->conns - before;
    if (o->standing == STANDING_MUTE)
        e->conns_mute += o->conns - before;
    if (!list_empty(&o->blocked))
        enter(o);
}

void place_take(struct origin *o)
{
    struct ringsend *e = o->engine;
    CHECK(e->conns_open < e->options.connections_max);
    CHECK(o->conns < e->options.connections_per_origin);
    count(o, o->conns++);
    if (e->conns_open > e->stats.connections_peak)
        e->stats.connections_peak = e->conns_open;
}

void place_give_back(struct origin *o)
{
    count(o, o->conns--);
    place_overdue(o->engine);
}

/* More connections are to stay than may. */
static bool is_over_limit(const struct ringsend *e)
{
    return e->conns_open - e->conns_leaving > e->conns_limit;
}

void place_limit_changed(struct ringsend *e)
{
    while (is_over_limit(e) && !list_empty(&e->idle_lru))
        conn_abandon(LIST_OWNER(e->idle_lru.next, struct conn, idle_lru), RINGSEND_OK, NULL);
    place_wake_first(e);
}

bool place_is_kept(const struct conn *c)
{
    struct origin *o = c->origin;
    struct ringsend *e = o->engine;
    if (is_over_limit(e))
        return false;
    struct origin *other = place_first(e);
    if (!other || other == o || e->conns_leaving >= demand(other))
        return true;
    struct request *ours = gates_demand(o) > 0 ? queue_first(o) : NULL;
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
    e->origins_proven += (is == STANDING_PROVEN) - (was == STANDING_PROVEN);
    e->conns_mute += is == STANDING_MUTE ? o->conns : 0;
    e->conns_mute -= was == STANDING_MUTE ? o->conns : 0;
    if (!list_empty(&o->blocked))
        enter(o);
    place_wake_first(e);
}
