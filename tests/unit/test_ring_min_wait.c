/* Whether min-wait can be relied on, as it is found out when a ring is made. Once in a process:
 * each test has one of its own. A kernel that sleeps over late completions, and some that are in
 * doubt, are played by standing in for the one liburing function that enters with a min-wait. */
#include "refuse.h"
#include "ring_fixture.h"

#include "uring/io_uring.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>

static enum { AS_IT_IS, SLEEPS_OVER, INTERRUPTS, ENDS_EARLY, STARTS_LATE } played;
static int min_waits; /* entered with one */

static int enter(unsigned fd, unsigned submit, unsigned want, unsigned flags, void *argument)
{
    long result = syscall(__NR_io_uring_enter, fd, submit, want, flags, argument,
                          sizeof(struct wait_argument));
    return result < 0 ? -errno : (int)result;
}

static void pause_us(long us)
{
    nanosleep(&(struct timespec){.tv_nsec = us * 1000}, NULL);
}

int io_uring_enter2(unsigned int fd, unsigned int to_submit, unsigned int min_complete,
                    unsigned int flags, sigset_t *sig, size_t sz)
{
    static const struct __kernel_timespec at_once = {.tv_nsec = 1000};
    struct wait_argument argument = {0};
    if ((flags & IORING_ENTER_EXT_ARG) != 0 && sig)
        memcpy(&argument, sig, sz);
    if (argument.min_wait_us == 0)
        return enter(fd, to_submit, min_complete, flags, sig);
    min_waits++;
    if (played == INTERRUPTS)
        return -EINTR;
    if (played == STARTS_LATE)
        pause_us(500);
    if (played == SLEEPS_OVER || played == STARTS_LATE) {
        /* What was there when the min-wait ended counts, nothing that comes later. */
        pause_us(argument.min_wait_us);
        argument.min_wait_us = 0;
    }
    if (played == ENDS_EARLY) {
        argument.min_wait_us = 0;
        argument.timeout = (uintptr_t)&at_once;
    }
    return enter(fd, to_submit, min_complete, flags, &argument);
}

static enum ring_min_wait found(bool asked)
{
    const struct ring_options options = {.backend = RING_IO_URING,
                                         .sockets_max = 4,
                                         .buffers = 1,
                                         .buffer_bytes = 64,
                                         .min_wait = asked};
    if (ring_new(&ring, &options) != 0)
        return RING_MIN_WAIT_LACKING;
    return ring_features(ring).min_wait;
}

static bool is_lacking(void)
{
    bool lacking = found(false) == RING_MIN_WAIT_LACKING;
    if (ring)
        ring_free(ring);
    ring = NULL;
    return lacking;
}

static int run_in_child(int (*body)(const int *), int argument)
{
    int status;
    pid_t child = begin_child(body, &argument);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static int child_finds(const int *how)
{
    played = *how;
    return (int)found(true);
}

/* What comes 20 ms after the min-wait ends a wait of seconds. */
static int child_sees_it_kept(const int *unused)
{
    const struct itimerspec later = {.it_value.tv_nsec = 20000000};
    uint64_t expirations, until_ns;
    (void)unused;
    enum ring_min_wait here = found(false);
    int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
    ring->features.min_wait = RING_MIN_WAIT_USED;
    timerfd_settime(timer, 0, &later, NULL);
    ring_read(ring, tag(0), timer, &expirations, sizeof(expirations), -1);
    until_ns = ring_now_ns(ring) + 5000000000;
    turn((struct ring_wait){.want = 2, .min_wait_ns = 1000, .deadline_ns = until_ns});
    return here != RING_MIN_WAIT_UNASKED ? 2 : ring_now_ns(ring) < until_ns;
}

/* A busy machine may have it look late now and then, and is not believed here at once. */
static void test_a_good_kernel_is_found_good(void **state)
{
    (void)state;
    if (is_lacking())
        skip();
    for (int i = 0; i < 10; i++)
        if (run_in_child(child_finds, AS_IT_IS) == RING_MIN_WAIT_USED)
            return;
    if (run_in_child(child_sees_it_kept, 0) == 1)
        fail_msg("min-wait works, and is found not to");
    skip();
}

static void test_a_bad_one_is_found_bad(void **state)
{
    (void)state;
    if (is_lacking())
        skip();
    for (int i = 0; i < 5; i++) {
        int here = run_in_child(child_finds, SLEEPS_OVER);
        assert_true(here == RING_MIN_WAIT_LATE || here == RING_MIN_WAIT_UNPROVEN);
    }
}

/* The late one comes before the wait has begun, and says nothing. */
static void test_doubt_counts_against_it(void **state)
{
    (void)state;
    if (is_lacking())
        skip();
    assert_int_equal(run_in_child(child_finds, INTERRUPTS), RING_MIN_WAIT_UNPROVEN);
    assert_int_equal(run_in_child(child_finds, ENDS_EARLY), RING_MIN_WAIT_UNPROVEN);
    assert_int_not_equal(run_in_child(child_finds, STARTS_LATE), RING_MIN_WAIT_USED);
}

static int child_without_timers(const int *unused)
{
    (void)unused;
    return refuse_call(__NR_timerfd_create, EPERM) ? (int)found(true) : -1;
}

static void test_where_it_cannot_be_tried_it_is_not_used(void **state)
{
    (void)state;
    if (is_lacking())
        skip();
    assert_int_equal(run_in_child(child_without_timers, 0), RING_MIN_WAIT_UNPROVEN);
}

/* With the verdict late, a wait for many ends with the first that comes, and enters without a
 * min-wait. */
static int child_waits_on_a_bad_one(const int *unused)
{
    char byte;
    int ends[2];
    (void)unused;
    played = SLEEPS_OVER;
    if (found(true) == RING_MIN_WAIT_USED || pipe2(ends, O_CLOEXEC) != 0)
        return 1;
    int before = min_waits;
    ring_read(ring, tag(0), ends[0], &byte, 1, -1);
    if (write(ends[1], "x", 1) != 1)
        return 2;
    int ready = turn((struct ring_wait){
        .want = 8, .min_wait_ns = 200000, .deadline_ns = ring_now_ns(ring) + 60000000000});
    return ready == 1 && min_waits == before ? 0 : 3;
}

static void test_a_bad_one_is_not_waited_by(void **state)
{
    (void)state;
    if (is_lacking())
        skip();
    assert_int_equal(run_in_child(child_waits_on_a_bad_one, 0), 0);
}

static int child_makes_three(const int *unused)
{
    (void)unused;
    found(false);
    if (min_waits != 0)
        return 1;
    enum ring_min_wait first = found(true);
    int tries = min_waits;
    return tries >= 1 && tries <= 8 && found(true) == first && min_waits == tries ? 0 : 2;
}

static void test_it_is_tried_once_and_for_who_wants_it(void **state)
{
    (void)state;
    if (is_lacking())
        skip();
    assert_int_equal(run_in_child(child_makes_three, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_good_kernel_is_found_good),
        cmocka_unit_test(test_a_bad_one_is_found_bad),
        cmocka_unit_test(test_doubt_counts_against_it),
        cmocka_unit_test(test_where_it_cannot_be_tried_it_is_not_used),
        cmocka_unit_test(test_a_bad_one_is_not_waited_by),
        cmocka_unit_test(test_it_is_tried_once_and_for_who_wants_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
