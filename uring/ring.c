/* Rings made, of each backend. */
#include "uring/ring.h"

#include "base/check.h"
#include "uring/kernel.h"
#include "uring/ring_ops.h"

#include <errno.h>

/* Filters answer with any error they like (SystemCallErrorNumber= of systemd.exec(5)), and SELinux
 * with EACCES. No reason is only what is short of memory or descriptors: it has its own cure. */
static bool is_refusal(int error)
{
    static const int short_of[] = {0, -ENOMEM, -ENOBUFS, -EMFILE, -ENFILE};
    for (size_t i = 0; i < sizeof(short_of) / sizeof(short_of[0]); i++)
        if (error == short_of[i])
            return false;
    return true;
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
