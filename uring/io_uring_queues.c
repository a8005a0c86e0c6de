/* The queues of a ring: made with the best flags that the kernel has, probed for what else it can
 * do, and shrunk until they fit the limits of locked memory. */
#include "base/time.h"
#include "uring/io_uring.h"
#include "uring/kernel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Makes the queues with the best flags that this kernel knows. */
static int queues_make(struct uring *u, uint32_t sq_entries, uint32_t cq_entries)
{
    static const unsigned modes[] = {IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
                                         IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_SUBMIT_ALL,
                                     IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG |
                                         IORING_SETUP_SUBMIT_ALL,
                                     IORING_SETUP_SUBMIT_ALL, 0};
    int result = -EINVAL;
    struct io_uring_params params;
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]) && result == -EINVAL; i++) {
        memset(&params, 0, sizeof(params));
        params.flags =
            modes[i] | IORING_SETUP_R_DISABLED | IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP;
        params.cq_entries = cq_entries;
        result = io_uring_queue_init_params(sq_entries, &u->io, &params);
    }
    if (result < 0)
        return result;
    u->ring.features = (struct ring_features){
        .backend = RING_IO_URING,
        .defer_taskrun = (params.flags & IORING_SETUP_DEFER_TASKRUN) != 0,
        .min_wait = (params.features & FEATURE_MIN_TIMEOUT) != 0 ? RING_MIN_WAIT_UNASKED
                                                                 : RING_MIN_WAIT_LACKING,
        .direct_sockopt = (params.features & FEATURE_RECVSEND_BUNDLE) != 0,
        .sq_entries = params.sq_entries,
        .cq_entries = params.cq_entries,
    };
    /* Entries are always used in order, so the indirection is the identity for good. Newer
     * libraries fill it themselves, or do without. */
    for (uint32_t i = 0; u->io.sq.array != NULL && i < params.sq_entries; i++)
        u->io.sq.array[i] = i;
    return 0;
}

static void install_probe(struct uring *u)
{
    struct io_uring_probe *probe = io_uring_get_probe_ring(&u->io);
    u->ring.features.install =
        probe != NULL && io_uring_opcode_supported(probe, OPERATION_FIXED_FD_INSTALL);
    io_uring_free_probe(probe);
}

/* Multishot receive (6.0) has no flag of its own. DEFER_TASKRUN is younger; without it the
 * zero-copy send, born in the same kernel, tells. */
static int multishot_probe(struct uring *u)
{
    if (u->ring.features.defer_taskrun)
        return 0;
    struct io_uring_probe *probe = io_uring_get_probe_ring(&u->io);
    if (probe == NULL)
        return -EINVAL;
    int supported = io_uring_opcode_supported(probe, IORING_OP_SEND_ZC);
    io_uring_free_probe(probe);
    return supported ? 0 : -EINVAL;
}

/* The table may not be larger than the soft limit of descriptors, though a socket in it uses none
 * of them. */
static int table_register(struct uring *u)
{
    int result = io_uring_register_files_sparse(&u->io, u->sockets_max);
    if (result != -EMFILE || !kernel_raise_descriptors())
        return result;
    return io_uring_register_files_sparse(&u->io, u->sockets_max);
}

/* Whether the queues may be entered: a filter may know the other two calls and not this one. Who
 * asks too early, as here, is told so by the kernel itself. */
static int enter_probe(const struct uring *u)
{
    int result = io_uring_enter2((unsigned)u->io.ring_fd, 0, 0, 0, NULL, 0);
    return result == -EBADFD ? 0 : result;
}

static int uring_try(struct uring *u, uint32_t sq_entries, uint32_t cq_entries)
{
    int result = queues_make(u, sq_entries, cq_entries);
    if (result < 0)
        return result;
    struct io_uring_buf_reg group = {
        .ring_addr = (uintptr_t)u->buffer_ring, .ring_entries = u->buffers, .bgid = BUFFER_GROUP};
    install_probe(u);
    result = multishot_probe(u);
    if (result == 0)
        result = table_register(u);
    if (result == 0)
        result = io_uring_register_buf_ring(&u->io, &group, 0);
    if (result == 0)
        result = enter_probe(u);
    if (result < 0)
        io_uring_queue_exit(&u->io);
    return result;
}

/* Queues and buffer descriptors count against RLIMIT_MEMLOCK (before 5.12 and again from about
 * 6.14). A refused ring's share comes back a moment later, from a kernel thread. */
int uring_open_queues(struct uring *u)
{
    const struct timespec pause = {.tv_nsec = 10 * NS_PER_MS};
    uint64_t sockets = u->sockets_max;
    uint32_t sq = power_of_two_at_least(clamp_u32(2 * sockets, SQ_ENTRIES_MIN, SQ_ENTRIES_MAX));
    uint32_t cq =
        power_of_two_at_least(clamp_u32(4 * sockets + CQ_ROOM, CQ_ENTRIES_MIN, CQ_ENTRIES_MAX));
    for (;;) {
        int result = uring_try(u, sq, cq);
        if (result != -ENOMEM || (sq == SQ_ENTRIES_MIN && cq == CQ_ENTRIES_SHORT))
            return result;
        sq = clamp_u32(sq / 2, SQ_ENTRIES_MIN, SQ_ENTRIES_MAX);
        cq = clamp_u32(cq / 2, CQ_ENTRIES_SHORT, CQ_ENTRIES_MAX);
        nanosleep(&pause, NULL);
    }
}
