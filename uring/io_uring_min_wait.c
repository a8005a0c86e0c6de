/* Whether min-wait can be relied on here: tried before a ring waits by it.
 *
 * From 6.12 to 6.18 a kernel may let what completes after the min-wait lie there until `want`
 * completions have come or the timeout has; 6.19, 6.18.3 and 6.12.64 end the wait (upstream commit
 * e15cb2200b93, "io_uring: fix min_wait wakeups for SQPOLL"; liburing issues 1477 and 1504). No
 * version tells, for distributors take fixes over. So one late completion is made to happen, on a
 * ring of two entries in the same mode: a timer becomes readable well after a min-wait of a
 * microsecond, as a socket would (a poll, which wakes for the number of completions that is waited
 * for; a timeout operation would wake in any case), while two are waited for. Who comes back before
 * the timeout was woken by it.
 *
 * Whatever makes this doubtful counts against the kernel: that the thread lost its processor before
 * it slept, so that the timer may have gone off within the min-wait; a signal. A busy machine lets
 * the woken thread stand in the queue for a processor, and it comes back as late as if nothing had
 * woken it: so from the second try on the time in that queue, which the kernel counts (schedstat),
 * is taken off. Where no try tells, min-wait is not used; but under a tracer (strace), which stops
 * the thread at each call so that nothing can be timed, it is: what is shown is to be what happens
 * without one.
 *
 * Costs 0.1 ms where all is well, 1.7 ms where it is not, once in a process. */
#include "base/time.h"
#include "uring/io_uring.h"
#include "uring/kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum {
    TRIES = 8,
    TRIES_LATE = 2, /* of them */
    WANT = 2,
    MIN_WAIT_US = 1,
    LATE_NS = 50 * NS_PER_US, /* after the timer was set: so much is there for the enter to begin */
    TIMEOUT_NS = 800 * NS_PER_US,
};

/* Up to now this thread has stood so long in the queue for a processor; 0 where it is not told. */
static uint64_t queued_ns(int schedstat)
{
    char text[96] = "";
    char *end;
    if (schedstat < 0 || pread(schedstat, text, sizeof(text) - 1, 0) <= 0)
        return 0;
    (void)strtoull(text, &end, 10);
    return strtoull(end, NULL, 10);
}

static enum ring_min_wait wait_for_late_one(struct io_uring *io, int timer, int schedstat)
{
    const struct itimerspec late = {.it_value.tv_nsec = LATE_NS};
    const struct __kernel_timespec timeout = {.tv_nsec = TIMEOUT_NS};
    struct wait_argument argument = {
        .signal_mask_bytes = _NSIG / 8, .min_wait_us = MIN_WAIT_US, .timeout = (uintptr_t)&timeout};
    struct rusage before, after;
    io_uring_prep_poll_add(io_uring_get_sqe(io), timer, POLLIN);
    if (io_uring_submit(io) != 1 || getrusage(RUSAGE_THREAD, &before) != 0)
        return RING_MIN_WAIT_UNPROVEN;
    uint64_t queued_before_ns = queued_ns(schedstat);
    uint64_t began_ns = clock_monotonic_ns();
    if (timerfd_settime(timer, 0, &late, NULL) != 0)
        return RING_MIN_WAIT_UNPROVEN;
    uint64_t set_ns = clock_monotonic_ns();
    int result = io_uring_enter2((unsigned)io->ring_fd, 0, WANT,
                                 IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG,
                                 (sigset_t *)&argument, sizeof(argument));
    uint64_t took_ns = clock_monotonic_ns() - began_ns;
    uint64_t in_queue_ns = queued_ns(schedstat) - queued_before_ns;
    if ((result < 0 && result != -ETIME) || io_uring_cq_ready(io) != 1 ||
        getrusage(RUSAGE_THREAD, &after) != 0 || after.ru_nivcsw != before.ru_nivcsw ||
        after.ru_nvcsw != before.ru_nvcsw + 1 || set_ns - began_ns > LATE_NS / 2)
        return RING_MIN_WAIT_UNPROVEN;
    if (took_ns < TIMEOUT_NS)
        return RING_MIN_WAIT_USED;
    /* Half of it for how exactly that time is counted. */
    return took_ns < in_queue_ns + TIMEOUT_NS / 2 ? RING_MIN_WAIT_USED : RING_MIN_WAIT_LATE;
}

static enum ring_min_wait try_it(unsigned mode, int schedstat)
{
    struct io_uring io;
    struct io_uring_params params = {.flags = mode};
    enum ring_min_wait found = RING_MIN_WAIT_UNPROVEN;
    if (io_uring_queue_init_params(WANT, &io, &params) < 0)
        return found;
    int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (timer >= 0) {
        found = wait_for_late_one(&io, timer, schedstat);
        close(timer);
    }
    io_uring_queue_exit(&io);
    return found;
}

static bool is_traced(void)
{
    static const char name[] = "\nTracerPid:\t";
    char text[1024] = "";
    int status = open("/proc/thread-self/status", O_RDONLY | O_CLOEXEC);
    if (status < 0)
        return false;
    ssize_t bytes = read(status, text, sizeof(text) - 1);
    close(status);
    const char *at = bytes > 0 ? strstr(text, name) : NULL;
    return at && at[sizeof(name) - 1] != '0';
}

static enum ring_min_wait find_out(unsigned mode)
{
    int schedstat = -1, late = 0;
    enum ring_min_wait found = RING_MIN_WAIT_UNPROVEN;
    for (int tries = 0; tries < TRIES && late < TRIES_LATE && found != RING_MIN_WAIT_USED;
         tries++) {
        if (tries == 1 && late == 0 && is_traced())
            return RING_MIN_WAIT_USED;
        if (tries == 1)
            schedstat = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
        found = try_it(mode, schedstat);
        late += found == RING_MIN_WAIT_LATE;
    }
    if (schedstat >= 0)
        close(schedstat);
    return found;
}

enum ring_min_wait uring_min_wait(unsigned mode)
{
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    static enum ring_min_wait known = RING_MIN_WAIT_UNASKED;
    pthread_mutex_lock(&mutex);
    if (known == RING_MIN_WAIT_UNASKED)
        known = find_out(mode);
    enum ring_min_wait found = known;
    pthread_mutex_unlock(&mutex);
    return found;
}
