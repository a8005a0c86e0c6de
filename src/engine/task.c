/* What every machine needs of the loop, which needs the machines: to wake a task, to give it a
 * deadline, the time of what begins now, and chance. */
#include "engine/task.h"

#include "base/list.h"
#include "base/timers.h"
#include "engine/engine.h"
#include "uring/ring.h"

void task_wake(struct ringsend *e, struct task *task)
{
    if (list_empty(&task->ready))
        list_push_back(&e->ready, &task->ready);
}

void task_wake_first(struct ringsend *e, struct task *task)
{
    list_remove(&task->ready);
    list_push_back(&e->first, &task->ready);
}

void task_deadline(struct ringsend *e, struct task *task, uint64_t at_ns)
{
    timer_set(&e->timers, &task->timer, at_ns);
}

uint64_t engine_random(struct ringsend *e, uint64_t below)
{
    /* splitmix64: jitter needs spread, not secrecy. */
    uint64_t z = (e->random += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    z ^= z >> 31;
    return below ? z % below : 0;
}

uint64_t engine_stamp_ns(const struct ringsend *e)
{
    return e->options.exact_times ? ring_now_ns(e->ring) : e->now_ns;
}
