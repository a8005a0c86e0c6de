/* Requests from other threads: a bounded queue of many producers and one consumer, without locks.
 *
 * Each cell carries the number of the turn it is ready for (after D. Vyukov): at position p a
 * producer may write when the turn is p, and makes it p + 1; the engine may read when it is p + 1,
 * and makes it p + cells for the next round. (Stored less the cell's index, so that zeroed memory
 * is an empty queue and pages never used stay unmapped. One cell would not do: written and free
 * would look alike.) A producer claims a position by moving `tail`; one that is interrupted between
 * claim and write holds up those behind it, but no thread ever waits for it.
 *
 * Invariant: when a cell has been written, either `signalled` is set and a wake-up is on its way,
 * or the engine is about to look. Only who sets the flag pays for the wake-up, so that a burst
 * costs one.
 *
 * Who finds it full may sleep until there is room: `rounds` counts how often the engine has made
 * some while anybody slept, and is the futex. A sleeper reads it before it tries, so that no room
 * is missed. */
#include "engine/post.h"

#include "base/errors.h"
#include "base/time.h"
#include "base/timers.h"
#include "engine/engine.h"
#include "engine/request.h"
#include "ringsend.h"
#include "uring/ring.h"

#include <errno.h>
#include <linux/futex.h>
#include <limits.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <unistd.h>

struct cell {
    _Atomic size_t turn; /* less its index */
    struct ringsend_request *request;
};

struct posts {
    size_t mask;
    /* Apart, as producers and the engine write them. */
    char apart_tail[64];
    _Atomic size_t tail;
    char apart_head[64];
    size_t head; /* the engine's own */
    char apart_signalled[64];
    atomic_bool signalled;
    _Atomic uint32_t rounds, sleepers;
    struct cell cells[];
};

static size_t cells_of(uint32_t posts_max)
{
    size_t cells = 2;
    while (cells < posts_max)
        cells *= 2;
    return cells;
}

size_t posts_bytes(uint32_t posts_max)
{
    return sizeof(struct posts) + cells_of(posts_max) * sizeof(struct cell);
}

void posts_init(struct posts *p, uint32_t posts_max)
{
    p->mask = cells_of(posts_max) - 1;
}

static struct cell *cell_at(struct posts *p, size_t at)
{
    return &p->cells[at & p->mask];
}

static size_t turn_at(struct posts *p, size_t at)
{
    return atomic_load_explicit(&cell_at(p, at)->turn, memory_order_acquire) + (at & p->mask);
}

static void set_turn(struct posts *p, size_t at, size_t turn)
{
    atomic_store_explicit(&cell_at(p, at)->turn, turn - (at & p->mask), memory_order_release);
}

static int push(struct posts *p, struct ringsend_request *request)
{
    size_t at = atomic_load_explicit(&p->tail, memory_order_relaxed);
    for (;;) {
        size_t turn = turn_at(p, at);
        if (turn == at) {
            if (atomic_compare_exchange_weak_explicit(&p->tail, &at, at + 1, memory_order_relaxed,
                                                      memory_order_relaxed))
                break;
        } else if ((ptrdiff_t)(turn - at) < 0) {
            return -RINGSEND_E_FULL; /* the engine has not taken what lies there */
        } else {
            at = atomic_load_explicit(&p->tail, memory_order_relaxed);
        }
    }
    cell_at(p, at)->request = request;
    set_turn(p, at, at + 1);
    return 0;
}

int ringsend_post(struct ringsend *e, struct ringsend_request *request)
{
    const char *detail;
    int error = ringsend_check(request, &detail);
    if (error == 0)
        error = push(e->posts, request);
    if (error == 0 && !atomic_exchange(&e->posts->signalled, true))
        ring_wake(e->ring);
    return error;
}

/* Until `rounds` is no longer that, or the time has come, or a signal. */
static void sleep_until(struct posts *p, uint32_t rounds, uint64_t until_ns)
{
    struct timespec until = timespec_of_ns(until_ns);
    syscall(SYS_futex, &p->rounds, FUTEX_WAIT_BITSET_PRIVATE, rounds,
            until_ns == RINGSEND_NEVER ? NULL : &until, NULL, FUTEX_BITSET_MATCH_ANY);
}

int ringsend_post_wait(struct ringsend *e, struct ringsend_request *request, uint64_t wait_ns)
{
    struct posts *p = e->posts;
    int error = ringsend_post(e, request);
    if (error != -RINGSEND_E_FULL || wait_ns == 0)
        return error;
    uint64_t until_ns = timer_after(clock_monotonic_ns(), wait_ns);
    atomic_fetch_add(&p->sleepers, 1);
    for (;;) {
        uint32_t rounds = atomic_load(&p->rounds);
        error = ringsend_post(e, request);
        if (error != -RINGSEND_E_FULL || clock_monotonic_ns() >= until_ns)
            break;
        sleep_until(p, rounds, until_ns);
    }
    atomic_fetch_sub(&p->sleepers, 1);
    return error;
}

static void wake_sleepers(struct posts *p)
{
    if (atomic_load(&p->sleepers) == 0)
        return;
    atomic_fetch_add(&p->rounds, 1);
    syscall(SYS_futex, &p->rounds, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

bool post_is_empty(const struct ringsend *e)
{
    struct posts *p = e->posts;
    return turn_at(p, p->head) != p->head + 1;
}

static struct ringsend_request *pop(struct posts *p)
{
    struct ringsend_request *request = cell_at(p, p->head)->request;
    set_turn(p, p->head, p->head + p->mask + 1);
    p->head++;
    return request;
}

void post_take(struct ringsend *e,
               int (*submit)(struct ringsend *e, struct ringsend_request *request))
{
    const char *detail = e->submit_detail; /* is about the last ringsend_submit */
    size_t head = e->posts->head;
    /* Before looking: what is written from now on brings a wake-up of its own. */
    atomic_exchange(&e->posts->signalled, false);
    while (e->requests_used - e->reaped_count < e->options.requests_max && !post_is_empty(e)) {
        struct ringsend_request *request = pop(e->posts);
        int error = submit(e, request);
        if (error < 0)
            request_refuse(e, request, (enum ringsend_error) - error, e->submit_detail);
    }
    if (e->posts->head != head)
        wake_sleepers(e->posts);
    e->submit_detail = detail;
}
