/* Rings made, of each backend. */
#include "uring/ring.h"

#include "base/check.h"
#include "uring/kernel.h"
#include "uring/ring_ops.h"

#include <errno.h>

/* Nothing else is a reason: what is only short of memory or descriptors has its own cure. */
static bool is_refusal(int error)
{
    return error == -EPERM || error == -ENOSYS || error == -EINVAL;
}

static int any_ring_new(struct ring **ring, const struct ring_options *options)
{
    int refused = io_uring_ring_new(ring, options);
    if (!is_refusal(refused))
        return refused;
    int error = epoll_ring_new(ring, options);
    if (error == 0)
        (*ring)->features.refused = refused;
    return error;
}

static ring_make_fn *const makers[RING_BACKENDS] = {
    [RING_ANY] = any_ring_new, [RING_IO_URING] = io_uring_ring_new, [RING_EPOLL] = epoll_ring_new};

int ring_new(struct ring **ring, const struct ring_options *options)
{
    CHECK(options->backend < RING_BACKENDS);
    return makers[options->backend](ring, options);
}
