/* One worker thread: it takes a second core where there is one, and more would take CPU from the
 * loop. */
#include "engine/handshaker.h"

#include "base/check.h"
#include "tls/tls.h"
#include "uring/ring.h"

#include <sched.h>
#include <stdlib.h>

struct handshaker {
    struct workers *workers;
    struct ring *ring;
    struct work *done_here; /* finished on the engine's own thread */
};

static void run(struct work *work)
{
    struct handshake *h = (struct handshake *)work;
    h->used = tls_feed(h->tls, h->cipher, h->bytes);
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

struct handshaker *handshaker_new(struct ring *ring)
{
    struct handshaker *h = calloc(1, sizeof *h);
    if (!h)
        return NULL;
    h->ring = ring;
    h->workers = workers_new(wake, ring, 1);
    if (h->workers)
        return h;
    free(h);
    return NULL;
}

void handshaker_free(struct handshaker *h)
{
    if (!h)
        return;
    while (workers_are_busy(h->workers))
        if (!workers_next(h->workers))
            sched_yield();
    workers_free(h->workers);
    free(h);
}

void handshaker_start(struct handshaker *h, struct handshake *handshake)
{
    handshake->work.run = run;
    handshake->work.drop = drop;
    if (workers_start(h->workers, &handshake->work))
        return;
    run(&handshake->work);
    handshake->work.next = h->done_here;
    h->done_here = &handshake->work;
    ring_wake(h->ring);
}

struct handshake *handshaker_next(struct handshaker *h)
{
    struct work *work = h->done_here;
    if (work)
        h->done_here = work->next;
    else
        work = workers_next(h->workers);
    return (struct handshake *)work;
}
