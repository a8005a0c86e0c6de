/* The places that several engines have together. The limit counts all sockets of all engines,
 * half-open and closing ones included: a place is taken under the lock before the socket is made,
 * and given back when it is gone.
 *
 * Who finds none stands in line, as one for each engine (its seat), and one for each origin of an
 * engine where origins are bounded. A free place is for the seat that holds the fewest; among
 * equals for the one that has waited longest since it took or gave back one. Others may have a
 * place when more are free than seats are before them. So no engine's share is lost while it has no
 * use for it, and none starves beside one that is faster.
 *
 * Calls. A seat that is called looks again: its engine is woken, in its next turn it runs whoever
 * waits, and closes idle connections that others want. Called are: who is next for a place that is
 * free; who has idle connections, when somebody wants more than is about to be given back. That is
 * all that costs a system call, and only when somebody waits.
 *
 * Without the lock: an exchange on a kept connection reads `wants`. A seat's idleness is stored
 * before `wants` is read, and `wants` before idleness is (both sequentially consistent): one of the
 * two sees the other.
 *
 * Invariants, when the lock is free: `taken` is what the seats hold together; a place that is free
 * has as many seats called for it, or awake, as are in line and it is for. */
#include "engine/run_places.h"

#include "base/list.h"
#include "base/timers.h"
#include "engine/engine.h"
#include "engine/origin.h"
#include "engine/run_limits.h"
#include "ringsend.h"
#include "uring/ring.h"

/* So much may be asked of others at a time: more only makes them close what is soon to be used
 * again. */
enum { WANTS_MAX = 8 };

#define LOAD(from) __atomic_load_n(&(from), __ATOMIC_SEQ_CST)
#define STORE(to, value) __atomic_store_n(&(to), value, __ATOMIC_SEQ_CST)
#define ADD(to, value) __atomic_fetch_add(&(to), value, __ATOMIC_SEQ_CST)

#define EACH_SEAT(p, s)                                                                 \
    for (struct list *node = (p)->seats.next, *next = node->next;                       \
         node != &(p)->seats && ((s) = LIST_OWNER(node, struct seat, in_places), true); \
         node = next, next = node->next)

void run_places_init(struct run_places *p, uint32_t limit)
{
    *p = (struct run_places){.limit = limit, .fewest = UINT32_MAX};
    list_init(&p->seats);
}

/* ---- the line; locked ---- */

static bool is_before(const struct seat *a, const struct seat *b)
{
    if (a->held != b->held)
        return a->held < b->held;
    if (b->wants == 0 || a->since_ns != b->since_ns)
        return b->wants == 0 || a->since_ns < b->since_ns;
    return a->number < b->number;
}

static uint32_t seats_before(const struct run_places *p, const struct seat *s)
{
    uint32_t count = 0;
    const struct seat *other;
    EACH_SEAT(p, other)
    count += other != s && other->wants > 0 && is_before(other, s);
    return count;
}

static bool allows(const struct run_places *p, const struct seat *s)
{
    return p->taken < p->limit && seats_before(p, s) < p->limit - p->taken;
}

/* `by`, which runs now, needs no waking: it looks before it sleeps. */
static void call(struct seat *s, const struct ringsend *by)
{
    struct ringsend *e = s->engine;
    if (!list_empty(&s->in_called))
        return;
    bool was_called = e->is_called;
    list_push_back(&e->called, &s->in_called);
    STORE(e->is_called, true); /* before it wakes, or it finds none */
    if (e != by && !was_called)
        ring_wake(e->ring);
}

/* The first ones in line, as many as there are places. */
static void call_next(const struct run_places *p, const struct ringsend *by)
{
    struct seat *s;
    if (p->taken >= p->limit)
        return;
    EACH_SEAT(p, s)
    if (s->wants > 0 && allows(p, s))
        call(s, by);
}

/* More places are free than those in line want. */
static bool has_spare(const struct run_places *p)
{
    return p->taken < p->limit && p->wants < p->limit - p->taken;
}

static void call_waiting(const struct run_places *p, const struct ringsend *by)
{
    struct seat *s;
    EACH_SEAT(p, s)
    {
        if (s->waits)
            call(s, by);
    }
}

/* `asked`: those alone that would close one for it, or who asks and who is called wake each other
 * for as long as what is leaving takes. */
static void call_idle(const struct run_places *p, const struct ringsend *by, bool asked)
{
    struct seat *s;
    EACH_SEAT(p, s)
    if (s->engine != by && LOAD(s->idle) && (!asked || seat_is_asked(s)))
        call(s, by);
}

/* What is read without the lock. */
static void publish(struct run_places *p)
{
    const struct seat *first = NULL;
    struct seat *s;
    uint32_t wants = 0;
    EACH_SEAT(p, s)
    {
        wants += s->wants;
        if (s->wants > 0 && (!first || is_before(s, first)))
            first = s;
    }
    STORE(p->fewest, first ? first->held : UINT32_MAX);
    STORE(p->first_since_ns, first ? first->since_ns : 0);
    STORE(p->wants, wants);
}

static void publish_mute(struct ringsend_limits *l)
{
    uint32_t fewest = UINT32_MAX;
    const struct seat *s;
    EACH_SEAT(&l->places, s)
    if (s->waits_mute && s->mute < fewest)
        fewest = s->mute;
    STORE(l->mute_fewest, fewest);
}

static void count_mute(struct ringsend_limits *l, struct seat *run, int32_t more)
{
    run->mute += (uint32_t)more;
    STORE(l->silent_mute, l->silent_mute + (uint32_t)more);
    if (more != 0 && l->mute_fewest < UINT32_MAX)
        publish_mute(l);
}

static void take(struct seat *s)
{
    struct run_places *p = s->places;
    s->since_ns = s->engine->now_ns;
    s->held++;
    STORE(p->taken, p->taken + 1);
    if (p->taken > p->peak)
        STORE(p->peak, p->taken);
    if (p->wants > 0)
        publish(p);
}

/* `taken` first: who reads the two the other way round finds not more than there are. */
static void give(struct seat *s, bool has_left)
{
    struct run_places *p = s->places;
    s->since_ns = s->engine->now_ns;
    s->held--;
    STORE(p->taken, p->taken - 1);
    if (has_left)
        ADD(p->leaving, -1u);
    if (p->wants > 0)
        publish(p);
    call_next(p, s->engine);
}

/* ---- taking and giving back ---- */

void seat_join(struct ringsend_limits *l, struct seat *s, struct run_places *p)
{
    limits_lock(l);
    s->places = p;
    s->number = p->joined++;
    list_push_back(&p->seats, &s->in_places);
    limits_unlock(l);
}

void seat_leave(struct ringsend_limits *l, struct seat *s, uint32_t leaving)
{
    if (!s->places)
        return;
    limits_lock(l);
    list_remove(&s->in_called);
    s->wants = 0;
    s->waits = s->waits_mute = false;
    for (; s->held > 0; leaving -= leaving > 0) /* its ring broke, and they are closed now */
        give(s, leaving > 0);
    list_remove(&s->in_places);
    seat_has_idle(s, false);
    publish(s->places);
    call_next(s->places, s->engine);
    if (!s->pool)
        publish_mute(l);
    call_waiting(s->places, s->engine);
    s->places = NULL;
    limits_unlock(l);
}

bool seat_may_take(struct ringsend_limits *l, const struct seat *s)
{
    const struct run_places *p = s->places;
    if (LOAD(p->taken) >= LOAD(p->limit))
        return false;
    if (LOAD(p->wants) == s->wants)
        return true;
    limits_lock(l);
    bool may = allows(p, s);
    limits_unlock(l);
    return may;
}

bool seat_may_be_mute(const struct ringsend_limits *l, const struct seat *run)
{
    return LOAD(l->pools_proven) == 0 || (LOAD(l->silent_mute) < (LOAD(l->places.limit) + 1) / 2 &&
                                          LOAD(l->mute_fewest) >= run->mute);
}

bool seats_take(struct ringsend_limits *l, struct seat *run, struct seat *origin, bool is_first,
                bool is_mute)
{
    limits_lock(l);
    const struct run_places *all = run->places, *its = origin->places;
    bool may = is_first ? all->taken < all->limit && (!its || its->taken < its->limit)
                        : allows(all, run) && (!its || allows(its, origin));
    may &= !is_mute || seat_may_be_mute(l, run);
    if (may) {
        take(run);
        if (its)
            take(origin);
        count_mute(l, run, is_mute);
    }
    limits_unlock(l);
    return may;
}

void seats_give(struct ringsend_limits *l, struct seat *run, struct seat *origin, bool has_left,
                bool is_mute)
{
    limits_lock(l);
    count_mute(l, run, -(int32_t)is_mute);
    give(run, has_left);
    if (origin->places)
        give(origin, has_left);
    if (is_mute || has_spare(run->places))
        call_waiting(run->places, run->engine);
    limits_unlock(l);
}

void seats_leaving(struct seat *run, struct seat *origin)
{
    ADD(run->places->leaving, 1);
    if (origin->places)
        ADD(origin->places->leaving, 1);
}

/* ---- wishes ---- */

/* Somebody else has idle connections, and more are wanted than are leaving. */
static bool has_to_ask(const struct seat *s)
{
    const struct run_places *p = s->places;
    return LOAD(p->idle) > s->idle && LOAD(p->wants) > LOAD(p->leaving);
}

void seat_wish(struct ringsend_limits *l, struct seat *s, uint32_t wants, bool waits,
               bool waits_mute)
{
    struct run_places *p = s->places;
    wants = wants < WANTS_MAX ? wants : WANTS_MAX;
    bool is_same = wants == s->wants && waits == s->waits && waits_mute == s->waits_mute;
    if (is_same && (wants == 0 || !has_to_ask(s)))
        return;
    limits_lock(l);
    if (s->wants == 0 && wants > 0)
        s->since_ns = s->engine->now_ns;
    s->wants = wants;
    s->waits = waits;
    if (waits_mute != s->waits_mute) {
        s->waits_mute = waits_mute;
        publish_mute(l);
        if (!waits_mute)
            call_waiting(p, s->engine); /* it goes first no more */
    }
    if (!is_same) {
        publish(p);
        call_next(p, s->engine);
        if (has_spare(p))
            call_waiting(p, s->engine); /* those that it wanted are left over */
    }
    if (wants > 0 && has_to_ask(s))
        call_idle(p, s->engine, true);
    limits_unlock(l);
}

void seat_has_idle(struct seat *s, bool idle)
{
    if (s->idle == idle)
        return;
    STORE(s->idle, idle);
    ADD(s->places->idle, idle ? 1u : -1u);
}

bool seat_is_asked(const struct seat *s)
{
    const struct run_places *p = s->places;
    uint32_t wants = LOAD(p->wants);
    return wants > s->wants && wants - s->wants > LOAD(p->leaving);
}

static uint32_t rank(uint32_t held)
{
    return held > 0 ? 32 - (uint32_t)__builtin_clz(held) : 0;
}

/* Where both have use for it, it changes hands only when the other one holds half as many, or none
 * for longer: as a rule that is a new connection in place of one that is warm. */
bool seat_is_outdone(const struct seat *s, uint64_t since_ns)
{
    const struct run_places *p = s->places;
    if (!seat_is_asked(s))
        return false;
    uint32_t fewest = LOAD(p->fewest);
    if (since_ns == TIMER_NEVER)
        return true;
    if (fewest == 0)
        return s->held > 1 || LOAD(p->first_since_ns) < since_ns;
    return fewest + 1 < s->held && rank(fewest) < rank(s->held);
}

bool run_places_are_over(const struct run_places *p)
{
    uint32_t leaving = LOAD(p->leaving), taken = LOAD(p->taken);
    return taken > leaving && taken - leaving > LOAD(p->limit);
}

void seats_standing(struct ringsend_limits *l, struct seat *run, int32_t proven, int32_t mute)
{
    limits_lock(l);
    STORE(l->pools_proven, l->pools_proven + (uint32_t)proven);
    count_mute(l, run, mute);
    call_waiting(&l->places, run->engine);
    limits_unlock(l);
}

void run_places_limit(struct ringsend_limits *l, uint32_t limit, const struct ringsend *by)
{
    limits_lock(l);
    STORE(l->places.limit, limit);
    if (run_places_are_over(&l->places))
        call_idle(&l->places, by, false);
    call_next(&l->places, by);
    call_waiting(&l->places, by);
    limits_unlock(l);
}

struct seat *seat_called(struct ringsend *e)
{
    if (!LOAD(e->is_called))
        return NULL;
    limits_lock(e->run_limits);
    struct list *node = list_pop_front(&e->called);
    STORE(e->is_called, !list_empty(&e->called));
    limits_unlock(e->run_limits);
    return node ? LIST_OWNER(node, struct seat, in_called) : NULL;
}
