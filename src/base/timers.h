/* Deadlines in user space: a binary heap whose nearest one becomes the deadline of the ring's wait,
 * so that no timeout is ever given to the kernel.
 *
 * Most deadlines never fire: they are moved later, again and again, by the next request on the same
 * connection. Moving one later or clearing it therefore only writes the timer; its place in the
 * heap is put right when it comes to the top. */
#ifndef RINGSEND_BASE_TIMERS_H
#define RINGSEND_BASE_TIMERS_H

#include <stdbool.h>
#include <stdint.h>

#define TIMER_NEVER UINT64_MAX

struct timer {
    uint64_t at_ns;     /* when it fires; TIMER_NEVER exactly when it is not set */
    uint64_t queued_ns; /* its key in the heap: never later than at_ns */
    uint32_t place;     /* position in the heap + 1; 0 exactly when not in it */
};

struct timers {
    struct timer **heap;
    uint32_t count, capacity;
};

/* A point in time, RINGSEND_NEVER lengths and overflow taken care of. */
static inline uint64_t timer_after(uint64_t now_ns, uint64_t length_ns)
{
    return length_ns >= TIMER_NEVER - now_ns ? TIMER_NEVER : now_ns + length_ns;
}

/* Room for `capacity` timers set at once, all taken now; false when memory is out. */
bool timers_init(struct timers *t, uint32_t capacity);
/* The timers themselves belong to their owners. */
void timers_free(struct timers *t);

void timer_init(struct timer *timer);
/* Sets or moves it; at_ns TIMER_NEVER clears. */
void timer_set(struct timers *t, struct timer *timer, uint64_t at_ns);
void timer_clear(struct timer *timer);
static inline bool timer_is_set(const struct timer *timer)
{
    return timer->at_ns != TIMER_NEVER;
}
/* Takes the timer out of the heap: before the memory of a timer goes. */
void timer_remove(struct timers *t, struct timer *timer);

/* The next timer whose time has come, cleared; null when there is none. */
struct timer *timers_expire(struct timers *t, uint64_t now_ns);
/* When the next one fires; TIMER_NEVER when none is set. */
uint64_t timers_next_ns(struct timers *t);

#endif
