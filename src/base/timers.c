/* Invariants: heap[i]->place == i + 1; a parent's queued_ns is never later than its children's; at
 * the top queued_ns == at_ns after timers_settle, and the top is then the nearest of all. */
#include "base/timers.h"

#include "base/check.h"

#include <stdlib.h>

bool timers_init(struct timers *t, uint32_t capacity)
{
    *t = (struct timers){.capacity = capacity};
    t->heap = calloc(capacity, sizeof(struct timer *));
    return t->heap != NULL;
}

void timers_free(struct timers *t)
{
    free(t->heap);
    *t = (struct timers){0};
}

void timer_init(struct timer *timer)
{
    *timer = (struct timer){.at_ns = TIMER_NEVER};
}

static void put(struct timers *t, uint32_t i, struct timer *timer)
{
    t->heap[i] = timer;
    timer->place = i + 1;
}

static void sift_up(struct timers *t, uint32_t i, struct timer *timer)
{
    while (i > 0) {
        struct timer *parent = t->heap[(i - 1) / 2];
        if (parent->queued_ns <= timer->queued_ns)
            break;
        put(t, i, parent);
        i = (i - 1) / 2;
    }
    put(t, i, timer);
}

static void sift_down(struct timers *t, uint32_t i, struct timer *timer)
{
    for (uint32_t child; (child = 2 * i + 1) < t->count; i = child) {
        if (child + 1 < t->count && t->heap[child + 1]->queued_ns < t->heap[child]->queued_ns)
            child++;
        if (timer->queued_ns <= t->heap[child]->queued_ns)
            break;
        put(t, i, t->heap[child]);
    }
    put(t, i, timer);
}

void timer_set(struct timers *t, struct timer *timer, uint64_t at_ns)
{
    timer->at_ns = at_ns;
    if (at_ns == TIMER_NEVER || (timer->place && timer->queued_ns <= at_ns))
        return;
    timer->queued_ns = at_ns;
    if (timer->place) {
        sift_up(t, timer->place - 1, timer);
        return;
    }
    CHECK(t->count < t->capacity);
    sift_up(t, t->count++, timer);
}

void timer_clear(struct timer *timer)
{
    timer->at_ns = TIMER_NEVER;
}

void timer_remove(struct timers *t, struct timer *timer)
{
    timer->at_ns = TIMER_NEVER;
    if (!timer->place)
        return;
    uint32_t i = timer->place - 1;
    CHECK(i < t->count && t->heap[i] == timer);
    timer->place = 0;
    struct timer *last = t->heap[--t->count];
    if (last == timer)
        return;
    if (i > 0 && last->queued_ns < t->heap[(i - 1) / 2]->queued_ns)
        sift_up(t, i, last);
    else
        sift_down(t, i, last);
}

/* Puts the top right until it tells the truth. */
static void timers_settle(struct timers *t)
{
    while (t->count > 0) {
        struct timer *top = t->heap[0];
        if (top->queued_ns == top->at_ns)
            return;
        if (top->at_ns == TIMER_NEVER) {
            timer_remove(t, top);
        } else {
            top->queued_ns = top->at_ns;
            sift_down(t, 0, top);
        }
    }
}

struct timer *timers_expire(struct timers *t, uint64_t now_ns)
{
    timers_settle(t);
    if (t->count == 0 || t->heap[0]->at_ns > now_ns)
        return NULL;
    struct timer *top = t->heap[0];
    timer_remove(t, top);
    return top;
}

uint64_t timers_next_ns(struct timers *t)
{
    timers_settle(t);
    return t->count ? t->heap[0]->at_ns : TIMER_NEVER;
}
