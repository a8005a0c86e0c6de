/* What locked memory leaves room for, found out by making rings: the kernel tells nobody how much
 * of a user's limit is used.
 *
 * Queues and buffer descriptors of rings count against RLIMIT_MEMLOCK before Linux 5.12 and from
 * 6.14 on (upstream 26bfa89e25f4; 8078486e1d53 brought it back with memory regions). They are
 * summed by user id (user_struct.locked_vm) over all processes and, where these map to the same id,
 * all containers. Who has CAP_IPC_LOCK in the first user namespace is exempt, which root in a
 * container is not. From 5.12 on they also count against the memory limit of the cgroup. */
#include "uring/kernel.h"

#include <errno.h>
#include <liburing.h>
#include <stdlib.h>
#include <sys/resource.h>

enum { MOST = 16 };

/* Whether a ring is refused with nothing left to lock. */
static bool is_counted(void)
{
    struct rlimit limit, nothing;
    struct io_uring io;
    if (getrlimit(RLIMIT_MEMLOCK, &limit) != 0)
        return false;
    nothing = (struct rlimit){.rlim_cur = 0, .rlim_max = limit.rlim_max};
    if (setrlimit(RLIMIT_MEMLOCK, &nothing) != 0)
        return false;
    int result = io_uring_queue_init(1, &io, 0);
    (void)setrlimit(RLIMIT_MEMLOCK, &limit);
    if (result == 0)
        io_uring_queue_exit(&io);
    return result == -ENOMEM;
}

struct ring_locked ring_locked_memory(const struct ring_options *options)
{
    struct ring_locked found = {.is_counted = is_counted()};
    struct ring *rings[MOST];
    uint32_t queue = 0;
    uint32_t made = 0;
    while (found.is_counted && made < MOST && io_uring_ring_new(&rings[made], options) == 0) {
        uint32_t own = ring_features(rings[made++]).cq_entries;
        if (queue == 0)
            queue = own;
        if (own < queue) /* shrunk, to fit in */
            break;
        found.fit++;
    }
    while (made > 0)
        ring_free(rings[--made]);
    found.or_more = found.fit == MOST;
    return found;
}
