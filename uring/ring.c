/* Rings made, of each backend. */
#include "uring/ring.h"

#include "base/check.h"
#include "uring/kernel.h"

static ring_make_fn *const makers[RING_BACKENDS] = {[RING_IO_URING] = io_uring_ring_new};

int ring_new(struct ring **ring, const struct ring_options *options)
{
    CHECK(options->backend < RING_BACKENDS);
    return makers[options->backend](ring, options);
}
