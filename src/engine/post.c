/* Requests from other threads: a bounded queue of many producers and one consumer, without locks.
 *
 * Each cell carries the number of the turn it is ready for (after D. Vyukov): at position p a producer
 * may write when the turn is p, and makes it p + 1; the engine may read when it is p + 1, and makes it
 * p + cells for the next round. (Stored less the cell's index, so that zeroed memory is an empty queue and
 * pages never used stay unmapped. One cell would not do: written and free would look alike.) A producer claims a position by moving `tail`; one that is
 * interrupted between claim and write holds up those behind it, but no thread ever waits for it.
 *
 * Invariant: when a cell has been written, either `signalled` is set and a wake-up is on its way, or the
 * engine is about to look. Only who sets the flag pays for the wake-up, so that a burst costs one. */
#include "engine/engine.h"

#include <stdatomic.h>

struct cell {
    _Atomic size_t turn; /* less its index */
    struct ringsend_request *request;
};

struct posts {
    struct cell *cells;
    size_t mask;
    /* Apart, as producers and the engine write them. */
    _Alignas(64) _Atomic size_t tail;
    _Alignas(64) size_t head; /* the engine's own */
    _Alignas(64) atomic_bool signalled;
};

bool post_init(struct ringsend *e)
{
    size_t cells = 2;
    while (cells < e->options.posts_max)
        cells *= 2;
    struct posts *p = aligned_alloc(_Alignof(struct posts), sizeof *p);
    if (!p)
        return false;
    *p = (struct posts){.mask = cells - 1, .cells = calloc(cells, sizeof *p->cells)};
    e->posts = p;
    return p->cells != NULL;
}

void post_free(struct ringsend *e)
{
    if (e->posts)
        free(e->posts->cells);
    free(e->posts);
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

void post_take(struct ringsend *e)
{
    const char *detail = e->submit_detail; /* is about the last ringsend_submit */
    /* Before looking: what is written from now on brings a wake-up of its own. */
    atomic_exchange(&e->posts->signalled, false);
    while (e->requests_used - e->reaped_count < e->options.requests_max && !post_is_empty(e)) {
        struct ringsend_request *request = pop(e->posts);
        int error = ringsend_submit(e, request);
        if (error < 0)
            request_refuse(e, request, (enum ringsend_error) - error, e->submit_detail);
    }
    e->submit_detail = detail;
}
