/* The gates: what a waiting request passes in the moment in which its attempt would begin, and
 * where it is held back when one is shut.
 *
 *   pause    the platform has asked for one; of one origin                  pause.c
 *            or there are no credentials to ask with now; of the run         credentials.h
 *   budget   how many attempts may be retries; of the whole engine          budget.c
 *   pace     rate, burst and ramp of the whole engine; every attempt        pace.c
 *            and what attempts weigh, against limits by weight              costs.c
 *
 * A request is let through when it has all else: a connection, or a place and an address for one.
 * Only then does it take from budget and pace, so that what was taken is used at once and the
 * bounds hold for what begins, not for what might. A redial goes on with an attempt and passes all
 * gates. When the budget is shut, first tries go ahead of the retries.
 *
 * Budget and pace are shared by all origins. Those that one holds back stand in its line, and the
 * first of them alone watches the clock; who has passed goes to the end, so that a busy origin does
 * not starve a quiet one. An origin stands in a line exactly when it has asked in its last run and
 * had to wait (in the budget's also while the pace holds it back: the first one there may
 * stand behind another for the pace); who leaves wakes the next. */
#include "engine/admission.h"

#include "base/check.h"
#include "base/list.h"
#include "base/timers.h"
#include "engine/attempt.h"
#include "engine/costs.h"
#include "engine/credentials.h"
#include "engine/engine.h"
#include "engine/origin.h"
#include "engine/pause.h"
#include "engine/pool.h"
#include "engine/queue.h"
#include "engine/request.h"
#include "engine/run_limits.h"
#include "ringsend.h"

static struct origin *first_in(const struct ringsend *e, enum gate gate)
{
    const struct list *line = &e->lines[gate];
    if (list_empty(line))
        return NULL;
    return LIST_OWNER(line->next, struct origin, in_line[gate]);
}

static void leave_line(struct origin *o, enum gate gate)
{
    struct ringsend *e = o->engine;
    bool was_first = first_in(e, gate) == o;
    list_remove(&o->in_line[gate]);
    if (gate == GATE_PACE && e->run_limits->costs.count > 0) {
        limits_lock(e->run_limits);
        costs_leave(&e->run_limits->costs, o);
        limits_unlock(e->run_limits);
    }
    if (was_first && first_in(e, gate))
        task_wake(e, &first_in(e, gate)->task);
}

void gates_freed(struct ringsend *e)
{
    if (first_in(e, GATE_PACE))
        task_wake(e, &first_in(e, GATE_PACE)->task);
}

/* ---- by what, and for how long ---- */

static void set_holds(struct origin *o, uint8_t holds)
{
    struct ringsend *e = o->engine;
    for (unsigned i = 0; i < HELD_KINDS; i++) {
        e->held_origins[i] -= o->holds >> i & 1;
        e->held_origins[i] += holds >> i & 1;
    }
    o->holds = holds;
}

static void note_holds(struct origin *o)
{
    uint8_t holds = 0;
    if (o->waiting_count > 0 && o->refused[GATE_PAUSE])
        holds |= 1u << HELD_BY_PAUSE;
    if (o->retries_count > 0 && o->refused[GATE_BUDGET])
        holds |= 1u << HELD_BY_BUDGET;
    if (o->waiting_count > 0 && o->refused[GATE_PACE])
        holds |= (uint8_t)(1u << o->paced_by);
    if (holds != o->holds)
        set_holds(o, holds);
}

void gates_turn(struct ringsend *e, uint64_t passed_ns)
{
    struct ringsend_stats *s = &e->stats;
    uint64_t *held_ns[HELD_KINDS] = {[HELD_BY_PAUSE] = &s->held_pause_ns,
                                     [HELD_BY_BUDGET] = &s->held_budget_ns,
                                     [HELD_BY_RATE] = &s->held_rate_ns};
    for (unsigned i = 0; i < RINGSEND_COSTS_MAX; i++)
        held_ns[HELD_BY_COST + i] = &s->held_cost_ns[i];
    for (unsigned i = 0; i < HELD_KINDS; i++)
        if (e->held_origins[i] > 0)
            *held_ns[i] += passed_ns;
    if (e->waiting > e->held && e->conns_open >= e->conns_limit)
        s->held_connections_ns += passed_ns;
}

void gates_begin(struct origin *o)
{
    o->gates_at_ns = TIMER_NEVER;
    o->refused[GATE_PAUSE] = o->refused[GATE_BUDGET] = o->refused[GATE_PACE] = false;
}

static void refuse(struct origin *o, enum gate gate, uint64_t again_at_ns)
{
    o->refused[gate] = true;
    o->refused_ns[gate] = o->engine->now_ns;
    if (again_at_ns < o->gates_at_ns)
        o->gates_at_ns = again_at_ns;
}

/* The limits are locked. 0: it lets the request through now; else when to ask again. `waits`: it
 * waits until then, and so do others who come meanwhile. */
static uint64_t pace_ns(const struct request *r, bool waits)
{
    struct ringsend_limits *l = r->engine->run_limits;
    uint32_t which = 0;
    r->origin->held_by = HELD_BY_RATE;
    if (!pace_allows(&l->pace, r->engine->now_ns))
        return pace_next_ns(&l->pace, r->engine->now_ns);
    if (!pace_allows(&l->found, r->engine->now_ns))
        return pace_next_ns(&l->found, r->engine->now_ns);
    if (l->costs.count == 0)
        return 0;
    uint64_t again_at_ns = costs_ask(&l->costs, r, waits, &which);
    r->origin->held_by = (uint8_t)(HELD_BY_COST + which);
    return again_at_ns;
}

static uint64_t ask(const struct request *r, enum gate gate, bool waits)
{
    struct ringsend *e = r->engine;
    struct ringsend_limits *l = e->run_limits;
    uint64_t again_at_ns = 0;
    limits_lock(l);
    if (gate == GATE_PACE)
        again_at_ns = pace_ns(r, waits);
    else if (!budget_allows(&l->budget, e->now_ns))
        again_at_ns = budget_next_ns(&l->budget);
    limits_unlock(l);
    return again_at_ns;
}

/* It is this origin's turn, and the gate lets one through. Else it stands in line from now on. Who
 * stands in line for a place has had its turn: were it sent to the end of this line, the two lines
 * could send each other the same origins for ever. */
static bool is_open(const struct request *r, enum gate gate)
{
    struct origin *o = r->origin;
    struct ringsend *e = o->engine;
    bool first = !first_in(e, gate) || first_in(e, gate) == o;
    uint64_t again_at_ns = ask(r, gate, first);
    if (again_at_ns == 0 && (first || !list_empty(&o->pool->blocked)))
        return true;
    refuse(o, gate, first ? again_at_ns : TIMER_NEVER);
    if (gate == GATE_PACE)
        o->paced_by = o->held_by;
    if (list_empty(&o->in_line[gate]))
        list_push_back(&e->lines[gate], &o->in_line[gate]);
    return false;
}

/* Credentials are those of all origins, and when there will be some, nobody can tell. */
static uint64_t pause_until_ns(const struct origin *o)
{
    const struct ringsend *e = o->engine;
    struct credentials *c = e->credentials;
    uint64_t until_ns = pause_next_ns(o), asked_ns = e->now_ns + CREDENTIALS_TICK_NS;
    if (!c || !c->may_begin || until_ns >= asked_ns || c->may_begin(c, e->now_ns))
        return until_ns;
    return asked_ns;
}

struct request *gates_next(struct origin *o, bool for_idle)
{
    struct request *first = queue_first_of(o->waiting, for_idle);
    struct request *retry = queue_first_of(o->retries, for_idle);
    if (first && attempt_is_redialing(&first->attempt))
        return first;
    /* Who only waits for the pace needs no other connection than the one that is there for it. */
    if (o->refused[GATE_PACE])
        return NULL;
    if ((first || retry) && pause_until_ns(o) > o->engine->now_ns) {
        refuse(o, GATE_PAUSE, pause_until_ns(o));
        return NULL;
    }
    if (retry && (!first || retry->queued_ns <= first->queued_ns) && is_open(retry, GATE_BUDGET))
        return retry;
    return first;
}

static uint32_t redials_in(const struct list *waiting)
{
    uint32_t count = 0;
    for (struct list *node = waiting->next; node != waiting; node = node->next, count++)
        if (!attempt_is_redialing(&LIST_OWNER(node, struct request, waiting)->attempt))
            break;
    return count;
}

static uint32_t redials(const struct origin *o)
{
    return redials_in(&o->waiting[false]) + redials_in(&o->waiting[true]);
}

uint32_t gates_demand(const struct origin *o)
{
    if (o->refused[GATE_PACE] || pause_until_ns(o) > o->engine->now_ns)
        return redials(o);
    return o->refused[GATE_BUDGET] ? o->waiting_count - o->retries_count : o->waiting_count;
}

/* The gate that held it back last, if one did. */
static void note_wait(struct request *r)
{
    const uint64_t *refused_ns = r->origin->refused_ns;
    if (!r->is_retry)
        return;
    if (refused_ns[GATE_PAUSE] >= r->enqueued_ns && r->wait != RINGSEND_WAIT_RETRY_AFTER)
        r->wait = RINGSEND_WAIT_PAUSE;
    if (refused_ns[GATE_BUDGET] >= r->enqueued_ns) {
        r->wait = RINGSEND_WAIT_BUDGET;
        r->engine->stats.retries_held++;
    }
    if (refused_ns[GATE_PACE] >= r->enqueued_ns &&
        (r->wait != RINGSEND_WAIT_BUDGET || refused_ns[GATE_PACE] > refused_ns[GATE_BUDGET]))
        r->wait = r->origin->paced_by == HELD_BY_RATE ? RINGSEND_WAIT_RATE : RINGSEND_WAIT_COST;
}

/* Whose turn it is does not count as long as the pace allows a start: who lacks a place cannot take
 * its turn, and origins that wait for a place by turns would wake each other for ever. */
bool gates_are_open(struct request *r)
{
    return attempt_is_redialing(&r->attempt) || ask(r, GATE_PACE, false) == 0 ||
           is_open(r, GATE_PACE);
}

/* Asks all gates once more and takes from them, as one: with shared limits another engine may have
 * been faster. */
static bool take(struct request *r)
{
    struct origin *o = r->origin;
    struct ringsend *e = o->engine;
    struct ringsend_limits *l = e->run_limits;
    limits_lock(l);
    bool open = pause_until_ns(o) <= e->now_ns && pace_ns(r, true) == 0 &&
                (!r->is_retry || budget_allows(&l->budget, e->now_ns));
    if (open) {
        pause_attempt_begins(o);
        pace_take(&l->pace);
        pace_take(&l->found);
        costs_take(&l->costs, r);
        if (r->is_retry)
            budget_take(&l->budget);
        else if (r->result.attempts == 0)
            budget_first_try(&l->budget);
    }
    limits_unlock(l);
    return open;
}

bool gates_pass(struct request *r)
{
    struct origin *o = r->origin;
    struct ringsend *e = o->engine;
    if (attempt_is_redialing(&r->attempt))
        return true;
    if (!is_open(r, GATE_PACE))
        return false;
    if (!take(r)) {
        refuse(o, GATE_PACE, e->now_ns); /* asks again in the next turn */
        return false;
    }
    note_wait(r);
    leave_line(o, GATE_PACE);
    if (r->is_retry)
        leave_line(o, GATE_BUDGET);
    else if (r->result.attempts == 0 && first_in(e, GATE_BUDGET) && ask(r, GATE_BUDGET, false) == 0)
        task_wake(e, &first_in(e, GATE_BUDGET)->task);
    return true;
}

/* It may not have run since its last request went. */
void gates_forget(struct origin *o)
{
    CHECK(o->waiting_count == 0);
    leave_line(o, GATE_PACE);
    leave_line(o, GATE_BUDGET);
    o->engine->held -= o->held;
    o->held = 0;
    set_holds(o, 0);
}

void gates_end(struct origin *o)
{
    struct ringsend *e = o->engine;
    if (!o->refused[GATE_PACE])
        leave_line(o, GATE_PACE);
    if (!o->refused[GATE_PACE] && !o->refused[GATE_BUDGET])
        leave_line(o, GATE_BUDGET);
    e->held -= o->held;
    bool all = o->refused[GATE_PAUSE] || o->refused[GATE_PACE] || o->short_holds ||
               o->settles_at_ns != TIMER_NEVER;
    o->held = all ? o->waiting_count : o->refused[GATE_BUDGET] ? o->retries_count : 0;
    e->held += o->held;
    note_holds(o);
    if (o->gates_at_ns < o->task.timer.at_ns)
        task_deadline(e, &o->task, o->gates_at_ns);
}
