/* One thread: it takes a second core where there is one, and more would take CPU from the loop. It
 * runs one piece of work (base/workers.h) for as long as there is a handshake behind the one that
 * it does: nobody waits for anybody, as what passes between the two threads does so by exchange of
 * a pointer. */
#include "engine/handshake_worker.h"

#include "base/check.h"
#include "base/time.h"
#include "base/workers.h"
#include "engine/handshaker.h"
#include "tls/tls.h"
#include "uring/ring.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

struct handshake_worker {
    struct work work; /* first */
    struct workers *workers;
    struct ring *ring;
    bool at_work;               /* the work was started, and has not come back */
    struct handshake *first;    /* to be done when it starts */
    struct handshake *finished; /* from done */
    _Atomic(struct handshake *) next;
    _Atomic(struct handshake *) done; /* latest first */
};

static void do_one(struct handshake_worker *w, struct handshake *h)
{
    uint64_t began_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);
    h->used = tls_feed(h->tls, h->cipher, h->bytes);
    h->took_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID) - began_ns;
    h->next_done = atomic_load(&w->done);
    while (!atomic_compare_exchange_weak(&w->done, &h->next_done, h))
        continue;
    ring_wake(w->ring);
}

static void run(struct work *work)
{
    struct handshake_worker *w = (struct handshake_worker *)work;
    struct handshake *h = w->first;
    while (h) {
        do_one(w, h);
        h = atomic_exchange(&w->next, NULL);
    }
}

static void drop(struct work *work)
{
    (void)work;
    UNREACHABLE("a handshake outlived its engine");
}

static void wake(void *ring)
{
    ring_wake(ring);
}

struct handshake_worker *handshake_worker_new(struct ring *ring)
{
    struct handshake_worker *w = calloc(1, sizeof *w);
    if (!w)
        return NULL;
    w->ring = ring;
    w->work.run = run;
    w->work.drop = drop;
    w->workers = workers_new(wake, ring, 1);
    if (w->workers)
        return w;
    free(w);
    return NULL;
}

void handshake_worker_free(struct handshake_worker *w)
{
    CHECK(!handshake_worker_has_next(w));
    while (workers_are_busy(w->workers))
        if (!workers_next(w->workers))
            sched_yield();
    workers_free(w->workers);
    free(w);
}

static void start(struct handshake_worker *w, struct handshake *h)
{
    CHECK(!w->at_work);
    w->first = h;
    w->at_work = workers_start(w->workers, &w->work);
    if (!w->at_work)
        do_one(w, h);
}

bool handshake_worker_give(struct handshake_worker *w, struct handshake *handshake)
{
    bool is_idle = !w->at_work;
    CHECK(!handshake_worker_has_next(w));
    if (is_idle)
        start(w, handshake);
    else
        atomic_store(&w->next, handshake);
    return is_idle;
}

bool handshake_worker_has_next(const struct handshake_worker *w)
{
    return atomic_load(&w->next) != NULL;
}

bool handshake_worker_take_back(struct handshake_worker *w)
{
    return atomic_exchange(&w->next, NULL) != NULL;
}

struct handshake *handshake_worker_next(struct handshake_worker *w)
{
    if (w->at_work && workers_next(w->workers)) {
        w->at_work = false;
        struct handshake *h = atomic_exchange(&w->next, NULL); /* it came too late for the thread */
        if (h)
            start(w, h);
    }
    if (!w->finished)
        w->finished = atomic_exchange(&w->done, NULL);
    struct handshake *h = w->finished;
    if (h)
        w->finished = h->next_done;
    return h;
}
