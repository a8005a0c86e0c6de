/* A task: what a coroutine keeps on its stack, kept in a struct. Its owner embeds it, and finds
 * itself again by the kind; its run function says where it is, what it waits for, and what it does
 * next. */
#ifndef RINGSEND_ENGINE_TASK_H
#define RINGSEND_ENGINE_TASK_H

#include "base/list.h"
#include "base/timers.h"

enum task_next {
    TASK_AGAIN, /* the step changed: run on */
    TASK_WAIT,  /* until an operation, another task or the deadline wakes it */
    TASK_DONE   /* over; its memory may be somebody else's already */
};

enum task_kind { TASK_REQUEST, TASK_ORIGIN, TASK_POOL, TASK_CONN, TASK_EXCHANGE, TASK_LOOKUPS };

struct task {
    enum task_kind kind;
    struct list ready;  /* in engine.ready or engine.first exactly when it is to run */
    struct timer timer; /* its nearest deadline */
};

/* It is not to run, and has no deadline. */
static inline void task_init(struct task *task, enum task_kind kind)
{
    task->kind = kind;
    timer_init(&task->timer);
    list_init(&task->ready);
}

#endif
