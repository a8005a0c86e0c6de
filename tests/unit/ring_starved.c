/* The program with 64 receive buffers for all its connections: the linker (--wrap) leads the very
 * same object files to a ring_new that grants no more. How often a receive ended for want of one is
 * told at the end of each ring, on standard error. */
#include "uring/ring_ops.h"

#include "base/check.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

enum { BUFFERS = 64 };

int __real_ring_new(struct ring **ring, const struct ring_options *options);
int __wrap_ring_new(struct ring **ring, const struct ring_options *options);

/* A ring of the program belongs to a thread, and so does what is here. */
static _Thread_local const struct ring_ops *real;
static _Thread_local struct ring_ops starved;
static _Thread_local uint64_t ended;

static unsigned starved_reap(struct ring *ring, struct ring_completion *completions, unsigned max)
{
    unsigned count = real->reap(ring, completions, max);
    for (unsigned i = 0; i < count; i++)
        ended += completions[i].kind == RING_RECV && completions[i].result == -ENOBUFS;
    return count;
}

static void starved_free(struct ring *ring)
{
    fprintf(stderr, "starved %" PRIu64 " times\n", ended);
    real->free(ring);
}

int __wrap_ring_new(struct ring **ring, const struct ring_options *options)
{
    struct ring_options few = *options;
    few.buffers = BUFFERS;
    int error = __real_ring_new(ring, &few);
    if (error != 0)
        return error;
    CHECK(real == NULL);
    real = (*ring)->ops;
    starved = *real;
    starved.reap = starved_reap;
    starved.free = starved_free;
    (*ring)->ops = &starved;
    return 0;
}
