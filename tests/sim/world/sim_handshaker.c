/* engine/handshaker.h without a thread: the work is done at a later moment of the virtual time, so
 * that a run depends on its seed alone.
 *
 * Until that moment the TLS is the worker's. Nothing is done to it earlier, so that whoever frees
 * it or what it is to be fed meanwhile is found out by the address sanitizer; its memory is
 * poisoned, so that whoever looks at it is, too. Several at once come back in any order. */
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

struct handshaker {
    struct ring *ring;
    struct work *first, **last; /* done */
    uint32_t under_way;         /* started and not yet taken back */
};

/* What a piece of work is until it is done. */
struct handoff {
    struct handshaker *handshaker;
    struct handshake *handshake;
    size_t tls_bytes;
    char *cipher; /* as it was */
};

static uint32_t handed_off_now;

uint32_t sim_handshakes_handed_off(void)
{
    return handed_off_now;
}

struct handshaker *handshaker_new(struct ring *ring)
{
    struct handshaker *h = calloc(1, sizeof *h);
    if (!h)
        return NULL;
    h->ring = ring;
    h->last = &h->first;
    return h;
}

void handshaker_free(struct handshaker *h)
{
    while (h && sim_ring_broke() && handed_off_now > 0) {
        /* Waits for the worker, as the real one does. */
        sim.now_ns = sim_next_ns();
        sim_run_due();
    }
    if (h && !sim_ring_broke())
        SIM_CHECK(h->under_way == 0, "%u handshakes were not taken back", h->under_way);
    free(h);
}

static void work_ends(void *context, uint64_t unused, uint64_t unused_too)
{
    struct handoff *handoff = context;
    struct handshaker *h = handoff->handshaker;
    struct handshake *handshake = handoff->handshake;

    (void)unused;
    (void)unused_too;
    handed_off_now--;
    UNPOISON(handshake->tls, handoff->tls_bytes);
    SIM_CHECK(memcmp(handoff->cipher, handshake->cipher, handshake->bytes) == 0,
              "the bytes of a handshake were changed while the worker had them");
    handshake->used = tls_feed(handshake->tls, handshake->cipher, handshake->bytes);
    handshake->work.next = NULL;
    *h->last = &handshake->work;
    h->last = &handshake->work.next;
    ring_wake(h->ring);
    free(handoff->cipher);
    free(handoff);
}

void handshaker_start(struct handshaker *h, struct handshake *handshake)
{
    struct handoff *handoff = malloc(sizeof *handoff);
    uint64_t took_ns = sim_between(0, sim.faults.worker_ns);

    SIM_CHECK(handoff, "out of memory");
    SIM_CHECK(handshake->bytes > 0, "a handshake has nothing to work on");
    *handoff =
        (struct handoff){h, handshake, sim_tls_memory(handshake->tls), malloc(handshake->bytes)};
    SIM_CHECK(handoff->cipher, "out of memory");
    memcpy(handoff->cipher, handshake->cipher, handshake->bytes);
    h->under_way++;
    handed_off_now++;
    if (sim_chance(sim.faults.worker_absent)) {
        work_ends(handoff, 0, 0);
        return;
    }
    POISON(handshake->tls, handoff->tls_bytes);
    sim_at(sim.now_ns + took_ns, work_ends, handoff, 0, 0);
}

struct handshake *handshaker_next(struct handshaker *h)
{
    struct work *work = h->first;
    if (!work)
        return NULL;
    h->first = work->next;
    if (!h->first)
        h->last = &h->first;
    h->under_way--;
    return (struct handshake *)work;
}
