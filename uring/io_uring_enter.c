/* The kernel entered: the one place that hands over what was prepared and waits for completions.
 * An error of the enter itself sticks in `broken`; the ring never enters again. */
#include "base/time.h"
#include "uring/io_uring.h"
#include "uring/kernel.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

/* Gives the ring to this thread. liburing 2.3 declares io_uring_enable_rings, but its shared
 * library lacks it. */
static int uring_enable(struct uring *u)
{
    int result = io_uring_register((unsigned)u->io.ring_fd, IORING_REGISTER_ENABLE_RINGS, NULL, 0);
    if (result < 0)
        return result;
    u->enabled = true;
    /* Saves the lookup of the descriptor at each enter (5.18). */
    u->ring.features.ring_fd = io_uring_register_ring_fd(&u->io) == 1;
    return 0;
}

/* What it announced is taken care of by the enter that follows. */
static void event_drain(struct uring *u)
{
    uint64_t count;
    int fd = atomic_load_explicit(&u->event_fd, memory_order_relaxed);
    ssize_t bytes = fd >= 0 ? read(fd, &count, sizeof(count)) : 0;
    (void)bytes; /* nothing there is fine, too */
}

int uring_enter(struct uring *u, unsigned wait_nr, struct wait_argument *argument)
{
    if (!u->enabled && u->broken == 0)
        u->broken = uring_enable(u);
    if (u->broken != 0)
        return u->broken;
    event_drain(u);
    if (u->buffers_returned > 0) {
        io_uring_buf_ring_advance(u->buffer_ring, (int)u->buffers_returned);
        u->buffers_returned = 0;
    }
    struct io_uring_sq *sq = &u->io.sq;
    io_uring_smp_store_release(sq->ktail, sq->sqe_tail);
    sq->sqe_head = sq->sqe_tail;

    unsigned flags = IORING_ENTER_GETEVENTS;
    if (u->ring.features.ring_fd)
        flags |= IORING_ENTER_REGISTERED_RING;
    if (argument != NULL)
        flags |= IORING_ENTER_EXT_ARG;
    int result = io_uring_enter2((unsigned)u->io.enter_ring_fd, io_uring_sq_ready(&u->io), wait_nr,
                                 flags, (sigset_t *)argument, sizeof(*argument));
    u->ring.counters.enters++;
    u->ring.counters.calls++;
    if (io_uring_sq_ready(&u->io) == 0) {
        u->ring.counters.submitted += u->operations_prepared;
        u->operations_prepared = 0;
        u->inline_prepared = 0;
    }
    /* Deadline, signal; no memory for requests, completions not yet taken: all pass. */
    if (result < 0 && result != -ETIME && result != -EINTR && result != -EAGAIN && result != -EBUSY)
        u->broken = result;
    return u->broken;
}

/* Fills in how long to wait, and returns for how many completions; 0: not at all. */
static unsigned wait_plan(const struct uring *u, const struct ring_wait *wait,
                          struct wait_argument *argument, struct __kernel_timespec *timeout)
{
    if (wait->want == 0 || io_uring_cq_ready(&u->io) > 0)
        return 0;
    uint64_t min_wait_ns = u->ring.features.min_wait == RING_MIN_WAIT_USED ? wait->min_wait_ns : 0;
    argument->signal_mask_bytes = _NSIG / 8;
    if (wait->deadline_ns != RING_FOREVER) {
        uint64_t now_ns = kernel_now_ns(&u->ring);
        if (wait->deadline_ns <= now_ns)
            return 0;
        uint64_t left_ns = wait->deadline_ns - now_ns;
        timeout->tv_sec = (int64_t)(left_ns / NS_PER_S);
        timeout->tv_nsec = (int64_t)(left_ns % NS_PER_S);
        argument->timeout = (uintptr_t)timeout;
        /* The kernel looks at the timeout only after the min-wait. */
        if (min_wait_ns > left_ns)
            min_wait_ns = left_ns;
    } else if (min_wait_ns > 0) {
        /* Without a timeout the end of the min-wait would end the wait, empty-handed or not. */
        timeout->tv_sec = FOREVER_S;
        argument->timeout = (uintptr_t)timeout;
    }
    argument->min_wait_us = clamp_u32(min_wait_ns / NS_PER_US, 0, UINT32_MAX);
    if (argument->min_wait_us == 0)
        return 1;
    /* The kernel counts from the queue's head, so what completes on the way in counts too. */
    return clamp_u32((uint64_t)wait->want + u->inline_prepared, 1, u->ring.features.cq_entries);
}

int uring_submit_and_wait(struct ring *ring, const struct ring_wait *wait)
{
    struct uring *u = (struct uring *)ring;
    struct __kernel_timespec timeout = {0};
    struct wait_argument argument = {0};
    unsigned wait_nr = wait_plan(u, wait, &argument, &timeout);
    int result = uring_enter(u, wait_nr, wait_nr > 0 ? &argument : NULL);
    return result < 0 ? result : (int)io_uring_cq_ready(&u->io);
}

/* The kernel raises the flag when something is to be done for the ring, and takes it down when an
 * enter has done all of it; an enter that does not wait stops after some twenty pieces. Without the
 * flag's modes completions are posted as they come. */
bool uring_is_caught_up(const struct ring *ring)
{
    const struct uring *u = (const struct uring *)ring;
    unsigned flags =
        atomic_load_explicit((const _Atomic unsigned *)u->io.sq.kflags, memory_order_acquire);
    return (flags & (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW)) == 0 &&
           io_uring_cq_ready(&u->io) == 0;
}
