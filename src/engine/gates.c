/* The gates: what a waiting request passes in the moment in which its attempt would begin, and where
 * it is held back when one is shut.
 *
 *   pace     rate, burst and ramp of the whole engine; every attempt       pace.c
 *
 * A request is asked for at its origin when it has all else: a connection, or a place and an address
 * for one. Only then does it take from the pace, so that what was taken is used at once and the
 * bounds hold for what begins, not for what might. A redial goes on with an attempt and passes.
 *
 * The pace is shared by all origins. Those that it holds back stand in a line, and the first one
 * alone watches the clock; who has passed goes to the end of the line, so that a busy origin does not
 * starve a quiet one. An origin stands in the line exactly when it has asked in its last run and was
 * told to wait; whoever leaves wakes the next. */
#include "engine/engine.h"

static void wake_first(struct ringsend *e, struct list *line)
{
    if (!list_empty(line))
        task_wake(e, &LIST_OWNER(line->next, struct origin, paced)->task);
}

static void leave_line(struct origin *o)
{
    if (list_empty(&o->paced))
        return;
    bool was_first = o->engine->paced.next == &o->paced;
    list_remove(&o->paced);
    if (was_first)
        wake_first(o->engine, &o->engine->paced);
}

void gates_begin(struct origin *o)
{
    o->gates_at_ns = TIMER_NEVER;
    o->pace_asked = false;
}

static bool pace_is_open(struct origin *o)
{
    struct ringsend *e = o->engine;
    if (e->pace.count == 0)
        return true;
    bool first = list_empty(&e->paced) || e->paced.next == &o->paced;
    if (first && pace_allows(&e->pace, e->now_ns))
        return true;
    o->pace_asked = true;
    o->pace_shut_ns = e->now_ns;
    if (first)
        o->gates_at_ns = pace_next_ns(&e->pace, e->now_ns);
    if (list_empty(&o->paced))
        list_push_back(&e->paced, &o->paced);
    return false;
}

bool gates_pass(struct request *r)
{
    struct origin *o = r->origin;
    if (r->redialing)
        return true;
    if (!pace_is_open(o))
        return false;
    pace_take(&o->engine->pace);
    leave_line(o);
    if (o->pace_shut_ns >= r->enqueued_ns)
        r->wait = RINGSEND_WAIT_RATE;
    return true;
}

void gates_end(struct origin *o)
{
    struct ringsend *e = o->engine;
    if (!o->pace_asked)
        leave_line(o);
    e->held -= o->held;
    o->held = o->pace_asked ? o->waiting_count : 0;
    e->held += o->held;
    if (o->gates_at_ns < o->task.timer.at_ns)
        task_deadline(e, &o->task, o->gates_at_ns);
}
