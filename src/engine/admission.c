/* The gates: what a waiting request passes in the moment in which its attempt would begin, and
 * where it is held back when one is shut.
 *
 *   pause    the platform has asked for one; of one origin                  pause.c
 *            or there are no credentials to ask with now; of the run         credentials.h
 *   budget   how many attempts may be retries; of the whole engine          budget.c
 *   pace     rate, burst and ramp of the whole engine; every attempt        pace.c
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
    if (was_first && first_in(e, gate))
        task_wake(e, &first_in(e, gate)->task);
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

/* The limits are locked. */
static bool allows(struct ringsend *e, enum gate gate)
{
    struct ringsend_limits *l = e->run_limits;
    return gate == GATE_BUDGET ? budget_allows(&l->budget, e->now_ns)
                               : pace_allows(&l->pace, e->now_ns);
}

/* 0: it lets one through now; else when to ask again. */
static uint64_t ask(struct ringsend *e, enum gate gate)
{
    struct ringsend_limits *l = e->run_limits;
    uint64_t again_at_ns = 0;
    limits_lock(l);
    if (!allows(e, gate))
        again_at_ns =
            gate == GATE_BUDGET ? budget_next_ns(&l->budget) : pace_next_ns(&l->pace, e->now_ns);
    limits_unlock(l);
    return again_at_ns;
}

/* It is this origin's turn, and the gate lets one through. Else it stands in line from now on. Who
 * stands in line for a place has had its turn: were it sent to the end of this line, the two lines
 * could send each other the same origins for ever. */
static bool is_open(struct origin *o, enum gate gate)
{
    struct ringsend *e = o->engine;
    bool first = !first_in(e, gate) || first_in(e, gate) == o;
    uint64_t again_at_ns = ask(e, gate);
    if (again_at_ns == 0 && (first || !list_empty(&o->pool->blocked)))
        return true;
    refuse(o, gate, first ? again_at_ns : TIMER_NEVER);
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
    if (retry && (!first || retry->queued_ns <= first->queued_ns) && is_open(o, GATE_BUDGET))
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
        r->wait = RINGSEND_WAIT_RATE;
}

/* Whose turn it is does not count as long as the pace allows a start: who lacks a place cannot take
 * its turn, and origins that wait for a place by turns would wake each other for ever. */
bool gates_are_open(struct request *r)
{
    return attempt_is_redialing(&r->attempt) || ask(r->origin->engine, GATE_PACE) == 0 ||
           is_open(r->origin, GATE_PACE);
}

/* Asks all gates once more and takes from them, as one: with shared limits another engine may have
 * been faster. */
static bool take(struct request *r)
{
    struct origin *o = r->origin;
    struct ringsend *e = o->engine;
    struct ringsend_limits *l = e->run_limits;
    limits_lock(l);
    bool open = pause_until_ns(o) <= e->now_ns && allows(e, GATE_PACE) &&
                (!r->is_retry || allows(e, GATE_BUDGET));
    if (open) {
        pause_attempt_begins(o);
        pace_take(&l->pace);
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
    if (!is_open(o, GATE_PACE))
        return false;
    if (!take(r)) {
        refuse(o, GATE_PACE, e->now_ns); /* asks again in the next turn */
        return false;
    }
    note_wait(r);
    leave_line(o, GATE_PACE);
    if (r->is_retry)
        leave_line(o, GATE_BUDGET);
    else if (r->result.attempts == 0 && first_in(e, GATE_BUDGET) && ask(e, GATE_BUDGET) == 0)
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
    if (o->gates_at_ns < o->task.timer.at_ns)
        task_deadline(e, &o->task, o->gates_at_ns);
}
