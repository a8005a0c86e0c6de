/* How the ring waits and wakes, which thread owns it, and how it is refused. Limits and filters
 * that cannot be taken back (memlock, descriptors, seccomp) are set in forked children. */
#include "refuse.h"
#include "ring_fixture.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/utsname.h>

static void *wake_from_thread(void *unused)
{
    (void)unused;
    ring_wake(ring);
    return NULL;
}

static int wake_from_child(const int *unused)
{
    (void)unused;
    ring_wake(ring);
    return 0;
}

static void test_wake(void **state)
{
    pthread_t waker;
    (void)state;
    ring_wake(ring); /* before the ring's first enter */
    assert_int_equal(await_last(RING_WAKE, 0), 0);
    assert_nothing_comes();
    for (int i = 0; i < 3; i++) {
        assert_int_equal(pthread_create(&waker, NULL, wake_from_thread, NULL), 0);
        assert_int_equal(pthread_join(waker, NULL), 0);
        struct ring_completion c = await(RING_WAKE, 0);
        assert_int_equal(c.generation, 0);
        assert_false(c.more);
        pid_t child = begin_child(wake_from_child, NULL);
        assert_int_equal(await_last(RING_WAKE, 0), 0);
        end_child(child);
    }
    assert_nothing_comes();
}

/* ---- Waiting -------------------------------------------------------------------------------- */

static void test_deadline(void **state)
{
    uint64_t past_ns = ring_now_ns(ring);
    (void)state;
    assert_int_equal(turn((struct ring_wait){.want = 1, .deadline_ns = past_ns}), 0);
    assert_int_equal(turn((struct ring_wait){.want = 1, .deadline_ns = 0}), 0);
    uint64_t soon_ns = ring_now_ns(ring) + 2000000;
    assert_int_equal(turn((struct ring_wait){.want = 1, .deadline_ns = soon_ns}), 0);
    assert_true(ring_now_ns(ring) >= soon_ns);
    /* An hour of min-wait does not hold the deadline back. */
    assert_int_equal(turn((struct ring_wait){.want = 4,
                                             .min_wait_ns = 3600000000000,
                                             .deadline_ns = ring_now_ns(ring) + 2000000}),
                     0);
    assert_int_equal(turn(NO_WAIT), 0);
    assert_int_equal(ring_counters(ring).enters, 5);
}

/* Two of four wanted completions: the min-wait ends, and both come. */
static void test_min_wait_ends_with_fewer(void **state)
{
    char bytes[2];
    SKIP_ON_EPOLL();
    int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);
    (void)state;
    assert_true(turn(NO_WAIT) >= 0);
    ring_read(ring, tag(0), zero, &bytes[0], 1, 0);
    ring_read(ring, tag(1), zero, &bytes[1], 1, 0);
    assert_int_equal(
        turn((struct ring_wait){.want = 4, .min_wait_ns = 1000000, .deadline_ns = RING_FOREVER}),
        2);
    assert_int_equal(ring_counters(ring).enters, 2);
    close(zero);
}

/* Nothing within the min-wait, one thing after it: one enter, and it does not end empty-handed. */
static void test_min_wait_goes_on_until_one(void **state)
{
    const struct itimerspec later = {.it_value.tv_nsec = 30000000};
    uint64_t expirations;
    int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
    (void)state;
    assert_int_equal(timerfd_settime(timer, 0, &later, NULL), 0);
    ring_read(ring, tag(0), timer, &expirations, sizeof(expirations), -1);
    assert_int_equal(
        turn((struct ring_wait){.want = 4, .min_wait_ns = 1000000, .deadline_ns = RING_FOREVER}),
        1);
    assert_int_equal(await_last(RING_READ, 0), 8);
    close(timer);
}

/* Waits for a byte, then passes it on. */
static int pass_on(const int *in_and_out)
{
    char byte;
    return read(in_and_out[0], &byte, 1) == 1 && write(in_and_out[1], &byte, 1) == 1 ? 0 : 1;
}

/* A send that completes while it is submitted is not what the caller wants to be woken for. */
static void test_min_wait_does_not_count_the_send(void **state)
{
    char byte;
    int ends[2];
    (void)state;
    if (ring_features(ring).min_wait != RING_MIN_WAIT_USED)
        skip();
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    int peer = connect_pair(1);
    ring_read(ring, tag(0), ends[0], &byte, 1, -1);
    assert_nothing_comes();
    const int in_and_out[2] = {peer, ends[1]};
    pid_t child = begin_child(pass_on, in_and_out);
    ring_send(ring, tag(1), "!", 1);
    int ready = turn(
        (struct ring_wait){.want = 1, .min_wait_ns = 3600000000000, .deadline_ns = RING_FOREVER});
    assert_int_equal(ready, 2);
    assert_int_equal(await_last(RING_READ, 0), 1);
    assert_int_equal(await_last(RING_SEND, 1), 1);
    end_child(child);
    close_slot(1);
    close(peer);
    close(ends[0]);
    close(ends[1]);
}

static void test_ready_completions_are_not_slept_on(void **state)
{
    const struct ring_wait wait = {
        .want = 100, .min_wait_ns = 3600000000000, .deadline_ns = RING_FOREVER};
    (void)state;
    ring_cancel(ring, tag(0), RING_RECV); /* completes at once: nothing is there */
    assert_int_equal(ring_submit_and_wait(ring, &NO_WAIT), 1);
    ring_cancel(ring, tag(1), RING_RECV);
    assert_int_equal(ring_submit_and_wait(ring, &wait), 2);
    assert_int_equal(ring_reap(ring, inbox, 1), 1);
    assert_int_equal(ring_submit_and_wait(ring, &wait), 1);
    assert_int_equal(ring_reap(ring, inbox, INBOX), 1);
    assert_int_equal(ring_reap(ring, inbox, INBOX), 0);
}

static void on_alarm(int signal)
{
    (void)signal;
}

static void test_signal_ends_the_wait(void **state)
{
    const struct sigaction action = {.sa_handler = on_alarm};
    /* Repeats, in case the first comes before the wait. */
    const struct itimerval often = {.it_value.tv_usec = 5000, .it_interval.tv_usec = 5000};
    const struct itimerval never = {0};
    struct sigaction before;
    (void)state;
    if (under_valgrind())
        skip();
    assert_int_equal(sigaction(SIGALRM, &action, &before), 0);
    assert_true(turn(NO_WAIT) >= 0);
    assert_int_equal(setitimer(ITIMER_REAL, &often, NULL), 0);
    assert_int_equal(turn(FOR_ONE), 0);
    assert_int_equal(setitimer(ITIMER_REAL, &never, NULL), 0);
    assert_int_equal(sigaction(SIGALRM, &before, NULL), 0);
}

static void test_descriptor_polls_readable(void **state)
{
    char byte;
    int ends[2];
    struct pollfd polled = {.fd = ring_fd(ring), .events = POLLIN};
    (void)state;
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    ring_read(ring, tag(0), ends[0], &byte, 1, -1);
    assert_nothing_comes();
    assert_int_equal(poll(&polled, 1, 0), 0);
    assert_int_equal(write(ends[1], "x", 1), 1);
    assert_int_equal(poll(&polled, 1, -1), 1);
    assert_int_equal(await_last(RING_READ, 0), 1);
    /* It may be readable once more for what was just reaped, but not for ever. */
    assert_nothing_comes();
    assert_int_equal(poll(&polled, 1, 0), 0);
    for (int i = 0; i < 3; i++) { /* kernels pass on the first one by themselves */
        ring_wake(ring);
        assert_int_equal(poll(&polled, 1, -1), 1);
        assert_int_equal(await_last(RING_WAKE, 0), 0);
        assert_nothing_comes();
    }
    close(ends[0]);
    close(ends[1]);
}

/* Made here, run there. */
static void *run_elsewhere(void *argument)
{
    char *byte = argument;
    int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);
    ring_read(ring, tag(0), zero, byte, 1, 0);
    int ready = turn(FOR_ONE);
    close(zero);
    ring_free(ring);
    ring = NULL;
    return ready == 1 ? argument : NULL;
}

static void test_other_thread_runs_it(void **state)
{
    char byte = 1;
    pthread_t thread;
    void *result;
    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, run_elsewhere, &byte), 0);
    assert_int_equal(pthread_join(thread, &result), 0);
    assert_ptr_equal(result, &byte);
    assert_int_equal(byte, 0);
}

static void test_features_are_those_of_the_kernel(void **state)
{
    (void)state;
    SKIP_ON_EPOLL();
    assert_true(turn(NO_WAIT) >= 0);
    struct ring_features features = ring_features(ring);
    if ((kernel->refused_flags & IORING_SETUP_DEFER_TASKRUN) != 0)
        assert_false(features.defer_taskrun);
    if (kernel->hidden_features != 0) {
        assert_int_equal(features.min_wait, RING_MIN_WAIT_LACKING);
        assert_false(features.direct_sockopt);
    }
    assert_int_equal(features.sq_entries, 128);
    assert_int_equal(features.cq_entries, 512);
}

static void test_clocks(void **state)
{
    struct timespec now;
    (void)state;
    assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &now), 0);
    assert_true(ring_now_ns(ring) / 1000000000 >= (uint64_t)now.tv_sec);
    assert_int_equal(clock_gettime(CLOCK_REALTIME, &now), 0);
    int64_t before_ms = now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
    int64_t wall_ms = ring_wall_ms(ring);
    assert_true(wall_ms >= before_ms && wall_ms < before_ms + 3600000);
}

/* ---- Refusals, in children ------------------------------------------------------------------ */

/* The ring gets smaller and works. The user id is one of its own, as the kernel counts per user. */
static int child_with_little_memlock(const int *sockets)
{
    const struct rlimit limit = {65536, 65536};
    const struct ring_options options = {.backend = RING_IO_URING,
                                         .sockets_max = (uint32_t)*sockets,
                                         .buffers = 128,
                                         .buffer_bytes = 4096};
    char byte = 1;
    if (setrlimit(RLIMIT_MEMLOCK, &limit) != 0)
        return 1;
    if (geteuid() == 0 && setuid(60000 + (uid_t)getpid() % 5000) != 0)
        return 2;
    if (ring_new(&ring, &options) != 0)
        return 3;
    int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);
    inbox_count = 0;
    ring_read(ring, tag(0), zero, &byte, 1, 0);
    if (turn(FOR_ONE) != 1 || byte != 0)
        return 4;
    ring_free(ring);
    close(zero);
    return 0;
}

static void test_memlock_shrinks_the_queues(void **state)
{
    (void)state;
    end_child(begin_child(child_with_little_memlock, &(int){40}));
    end_child(begin_child(child_with_little_memlock, &(int){10000}));
}

static int child_with_few_descriptors(const int *hard)
{
    const struct rlimit limit = {64, (rlim_t)*hard};
    const struct ring_options options = {
        .backend = kernel->backend, .sockets_max = 200, .buffers = 1, .buffer_bytes = 64};
    struct rlimit now;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
        return 1;
    int result = ring_new(&ring, &options);
    if (*hard < 200)
        return result == -EMFILE ? 0 : 2;
    if (result != 0 || getrlimit(RLIMIT_NOFILE, &now) != 0 || now.rlim_cur != now.rlim_max)
        return 3;
    ring_free(ring);
    return 0;
}

static void test_descriptor_limit_is_raised(void **state)
{
    (void)state;
    if (under_valgrind())
        skip();
    for (size_t i = 0; i < sizeof(kernels) / sizeof(kernels[0]); i++) {
        kernel = &kernels[i];
        end_child(begin_child(child_with_few_descriptors, &(int){256}));
        end_child(begin_child(child_with_few_descriptors, &(int){100}));
    }
}

/* A seccomp filter like a container's: io_uring_setup fails with `error`, all else passes. Who
 * insists on io_uring has none, and who does not care epoll, unless memory was short. */
static int child_with_filter(const int *error_code)
{
    const int error = *error_code;
    struct ring_options options = {
        .backend = RING_IO_URING, .sockets_max = 4, .buffers = 1, .buffer_bytes = 64};
    struct ring *untouched = ring;
    char text[512];
    if (!refuse_call(__NR_io_uring_setup, error))
        return 1;
    if (ring_new(&ring, &options) != -error || ring != untouched)
        return 2;
    options.backend = RING_ANY;
    int any = ring_new(&ring, &options);
    if (error == ENOMEM || error == EMFILE)
        return any == -error && ring == untouched ? 0 : 5;
    if (any != 0 || ring_features(ring).backend != RING_EPOLL ||
        ring_features(ring).refused != -error)
        return 6;
    ring_free(ring);
    ring_explain(-error, text, sizeof(text));
    if (strstr(text, "seccomp") == NULL)
        return 3;
    return error == EPERM && strstr(text, "Docker") == NULL ? 4 : 0;
}

static void test_seccomp_refuses(void **state)
{
    (void)state;
    end_child(begin_child(child_with_filter, &(int){EPERM}));
    end_child(begin_child(child_with_filter, &(int){ENOSYS}));
    end_child(begin_child(child_with_filter, &(int){EACCES}));
    end_child(begin_child(child_with_filter, &(int){EUCLEAN}));
    end_child(begin_child(child_with_filter, &(int){ENOMEM}));
    end_child(begin_child(child_with_filter, &(int){EMFILE}));
}

/* A filter that knows some of the three calls and not this one is no better. */
static int child_without_one_of_three(const int *call)
{
    const struct ring_options options = {.sockets_max = 4, .buffers = 1, .buffer_bytes = 64};
    if (!refuse_call(*call, EPERM))
        return 1;
    if (ring_new(&ring, &options) != 0 || ring_features(ring).refused != -EPERM)
        return 2;
    int result = turn((struct ring_wait){.want = 0});
    ring_free(ring);
    return result == 0 ? 0 : 3;
}

static void test_one_call_refused_is_io_uring_refused(void **state)
{
    (void)state;
    if (under_valgrind())
        skip();
    end_child(begin_child(child_without_one_of_three, &(int){__NR_io_uring_setup}));
    end_child(begin_child(child_without_one_of_three, &(int){__NR_io_uring_enter}));
    end_child(begin_child(child_without_one_of_three, &(int){__NR_io_uring_register}));
}

/* epoll without calls that are younger than it, or that a filter does not know. */
static int child_without_calls(const int *error)
{
    const struct ring_options options = {
        .backend = RING_EPOLL, .sockets_max = 4, .buffers = 1, .buffer_bytes = 64};
    char bytes[8];
    int ends[2];
    if (!refuse_call(__NR_epoll_pwait2, *error) || !refuse_call(__NR_preadv2, *error) ||
        !refuse_call(__NR_pwritev2, *error) || pipe2(ends, O_CLOEXEC) != 0)
        return 1;
    if (ring_new(&ring, &options) != 0)
        return 2;
    inbox_count = 0;
    uint64_t soon_ns = ring_now_ns(ring) + 2000000;
    if (turn((struct ring_wait){.want = 1, .deadline_ns = soon_ns}) != 0 ||
        ring_now_ns(ring) < soon_ns)
        return 3;
    ring_read(ring, tag(0), ends[0], bytes, sizeof(bytes), -1);
    ring_append(ring, tag(1), ends[1], "abc", 3);
    if (await_last(RING_APPEND, 1) != 3 || await_last(RING_READ, 0) != 3)
        return 4;
    ring_free(ring);
    return memcmp(bytes, "abc", 3) == 0 ? 0 : 5;
}

static void test_epoll_does_without_younger_calls(void **state)
{
    (void)state;
    if (under_valgrind())
        skip();
    end_child(begin_child(child_without_calls, &(int){ENOSYS}));
    end_child(begin_child(child_without_calls, &(int){EPERM}));
}

static void assert_explained(int error, const char *words)
{
    char text[512];
    ring_explain(error, text, sizeof(text));
    if (strstr(text, words) == NULL)
        fail_msg("%d: \"%s\" is not in \"%s\"", error, words, text);
    assert_true(strlen(text) > 20 && text[strlen(text) - 1] == '.');
}

static void test_explanations(void **state)
{
    struct rlimit limit;
    struct utsname system;
    char words[64], small[8];
    (void)state;
    assert_explained(-ENOSYS, "CONFIG_IO_URING");
    assert_int_equal(getrlimit(RLIMIT_MEMLOCK, &limit), 0);
    snprintf(words, sizeof(words), "now %llu KiB", (unsigned long long)limit.rlim_cur / 1024);
    assert_explained(-ENOMEM, limit.rlim_cur == RLIM_INFINITY ? "now unlimited" : words);
    assert_explained(-ENOMEM, "ulimit -l");
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    snprintf(words, sizeof(words), "now %llu)", (unsigned long long)limit.rlim_cur);
    assert_explained(-EMFILE, words);
    assert_explained(-EMFILE, "ulimit -n");
    assert_int_equal(uname(&system), 0);
    assert_explained(-EINVAL, system.release);
    assert_explained(-EINVAL, "6.1");
    assert_explained(-EACCES, "Permission denied");
    assert_explained(EACCES, "SELinux");
    assert_explained(EUCLEAN, "seccomp");
    ring_explain(-ENOSYS, small, sizeof(small));
    assert_int_equal(strlen(small), sizeof(small) - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_RING(test_features_are_those_of_the_kernel),
        ON_RING(test_clocks),
        ON_RING(test_wake),
        ON_RING(test_deadline),
        ON_RING(test_min_wait_ends_with_fewer),
        ON_RING(test_min_wait_goes_on_until_one),
        ON_RING(test_min_wait_does_not_count_the_send),
        ON_RING(test_ready_completions_are_not_slept_on),
        ON_RING(test_signal_ends_the_wait),
        ON_RING(test_descriptor_polls_readable),
        ON_RING(test_other_thread_runs_it),
    };
    const struct CMUnitTest refusals[] = {
        cmocka_unit_test(test_memlock_shrinks_the_queues),
        cmocka_unit_test(test_descriptor_limit_is_raised),
        cmocka_unit_test(test_seccomp_refuses),
        cmocka_unit_test(test_one_call_refused_is_io_uring_refused),
        cmocka_unit_test(test_epoll_does_without_younger_calls),
        cmocka_unit_test(test_explanations),
    };
    int failed = 0;
    RUN_ON_KERNELS(tests, failed);
    failed += cmocka_run_group_tests_name("refusals", refusals, NULL, NULL);
    return failed > 0;
}
