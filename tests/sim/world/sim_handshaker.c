/* engine/handshake_worker.h without a thread: the work is done at a later moment of the virtual
 * time, so that a run depends on its seed alone.
 *
 * From when it begins until that moment the TLS is the worker's. Nothing is done to it earlier, so
 * that whoever frees it or what it is to be fed meanwhile is found out by the address sanitizer;
 * its memory is poisoned, so that whoever looks at it is, too. */
#include "engine/handshake_worker.h"

#include "engine/handshaker.h"
#include "tests/sim/world/sim_ring.h"
#include "tests/sim/world/sim_tls.h"

#include "tls/tls.h"
#include "uring/ring.h"

#include <stdlib.h>
#include <string.h>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#define POISON(at, bytes) ASAN_POISON_MEMORY_REGION(at, bytes)
#define UNPOISON(at, bytes) ASAN_UNPOISON_MEMORY_REGION(at, bytes)
#else
#define POISON(at, bytes) ((void)(at), (void)(bytes))
#define UNPOISON(at, bytes) ((void)(at), (void)(bytes))
#endif

struct handshake_worker {
    struct ring *ring;
    struct handshake *doing, *next;
    struct handshake *done; /* next_done, latest first */
    uint32_t under_way;     /* given and not yet returned */
    size_t tls_bytes;       /* of what it is doing */
    char *cipher;           /* the same, as it was */
};

static uint32_t handed_off_now, worked_on;

uint32_t sim_handshakes_handed_off(void)
{
    return handed_off_now;
}

uint32_t sim_handshakes_worked_on(void)
{
    return worked_on;
}

struct handshake_worker *handshake_worker_new(struct ring *ring)
{
    struct handshake_worker *w = calloc(1, sizeof *w);
    if (w)
        w->ring = ring;
    return w;
}

void handshake_worker_free(struct handshake_worker *w)
{
    SIM_CHECK(!w->next, "a handshake is next for a worker that goes");
    while (sim_ring_broke() && w->doing) {
        /* Waits for the worker, as the real one does. */
        sim.now_ns = sim_next_ns();
        sim_run_due();
    }
    if (!sim_ring_broke())
        SIM_CHECK(w->under_way == 0, "%u handshakes were not taken back", w->under_way);
    free(w);
}

static void begin(struct handshake_worker *w, struct handshake *handshake);

static void work_ends(void *context, uint64_t took_ns, uint64_t unused)
{
    struct handshake_worker *w = context;
    struct handshake *h = w->doing, *next = w->next;

    (void)unused;
    handed_off_now--;
    worked_on++;
    UNPOISON(h->tls, w->tls_bytes);
    SIM_CHECK(memcmp(w->cipher, h->cipher, h->bytes) == 0,
              "the bytes of a handshake were changed while the worker had them");
    free(w->cipher);
    h->used = tls_feed(h->tls, h->cipher, h->bytes);
    h->took_ns = took_ns;
    h->next_done = w->done;
    w->done = h;
    w->doing = w->next = NULL;
    ring_wake(w->ring);
    if (next)
        begin(w, next);
}

static void begin(struct handshake_worker *w, struct handshake *h)
{
    uint64_t took_ns = sim_tls_work_ns(h->tls);

    SIM_CHECK(h->bytes > 0, "a handshake has nothing to work on");
    w->doing = h;
    w->tls_bytes = sim_tls_memory(h->tls);
    w->cipher = malloc(h->bytes);
    SIM_CHECK(w->cipher, "out of memory");
    memcpy(w->cipher, h->cipher, h->bytes);
    handed_off_now++;
    if (sim_chance(sim.faults.worker_absent)) {
        work_ends(w, took_ns, 0);
        return;
    }
    POISON(h->tls, w->tls_bytes);
    sim_at(sim.now_ns + took_ns, work_ends, w, took_ns, 0);
}

bool handshake_worker_give(struct handshake_worker *w, struct handshake *handshake)
{
    SIM_CHECK(!w->next, "the worker has a next one");
    w->under_way++;
    if (w->doing) {
        w->next = handshake;
        return false;
    }
    begin(w, handshake);
    return true;
}

bool handshake_worker_has_next(const struct handshake_worker *w)
{
    return w->next != NULL;
}

bool handshake_worker_take_back(struct handshake_worker *w)
{
    bool got = w->next != NULL;

    w->under_way -= got;
    w->next = NULL;
    return got;
}

struct handshake *handshake_worker_next(struct handshake_worker *w)
{
    struct handshake *h = w->done;

    if (!h)
        return NULL;
    w->done = h->next_done;
    w->under_way--;
    return h;
}
