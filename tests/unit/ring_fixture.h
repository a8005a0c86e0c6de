/* For tests of the ring against the running kernel: one ring, what came out of it, peers, children.
 *
 * Older kernels are played by standing in for one liburing function, which then refuses set-up
 * flags or hides features; RUN_ON_KERNELS runs a group of tests on each of these kernels, and on
 * epoll. */
#ifndef RINGSEND_TESTS_RING_FIXTURE_H
#define RINGSEND_TESTS_RING_FIXTURE_H

#include "uring/ring.h"

#include <arpa/inet.h>
#include <errno.h>
#include <liburing.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- The kernel being played ---------------------------------------------------------------- */

struct kernel {
    const char *name;
    unsigned refused_flags;
    unsigned hidden_features;
    enum ring_backend backend;
};

static const struct kernel kernels[] = {
    {"this kernel", 0, 0, RING_IO_URING},
    {"6.1", 0, 1u << 14 | 1u << 15, RING_IO_URING},
    {"without DEFER_TASKRUN", IORING_SETUP_DEFER_TASKRUN, 1u << 14 | 1u << 15, RING_IO_URING},
    {"without any flag",
     IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_COOP_TASKRUN | IORING_SETUP_SUBMIT_ALL,
     1u << 14 | 1u << 15, RING_IO_URING},
    {"epoll", 0, 0, RING_EPOLL},
};
static const struct kernel *kernel = &kernels[0];

int io_uring_queue_init_params(unsigned entries, struct io_uring *uring, struct io_uring_params *p)
{
    if ((p->flags & kernel->refused_flags) != 0)
        return -EINVAL;
    int fd = io_uring_setup(entries, p);
    if (fd < 0)
        return fd;
    p->features &= ~kernel->hidden_features;
    int result = io_uring_queue_mmap(fd, p, uring);
    if (result < 0)
        close(fd);
    uring->features = p->features;
    return result;
}

/* ---- Completions that came and have not been asked for -------------------------------------- */

enum { INBOX = 1 << 14, SOCKETS = 64, BUFFERS = 8, BUFFER_BYTES = 1024 };
#define NO_WAIT ((struct ring_wait){.want = 0})
#define FOR_ONE ((struct ring_wait){.want = 1, .deadline_ns = RING_FOREVER})

static struct ring *ring;
static struct ring_completion inbox[INBOX];
static unsigned inbox_count;

static inline int turn(struct ring_wait wait)
{
    int ready = ring_submit_and_wait(ring, &wait);
    if (ready > 0)
        inbox_count += ring_reap(ring, &inbox[inbox_count], INBOX - inbox_count);
    return ready;
}

static inline struct ring_completion await(enum ring_kind kind, uint32_t slot)
{
    for (unsigned i = 0;; i++) {
        while (i == inbox_count)
            assert_true(turn(FOR_ONE) >= 0);
        if (inbox[i].kind == kind && inbox[i].slot == slot) {
            struct ring_completion found = inbox[i];
            inbox_count--;
            memmove(&inbox[i], &inbox[i + 1], (inbox_count - i) * sizeof(inbox[0]));
            return found;
        }
    }
}

/* For operations that give one completion. */
static inline int32_t await_last(enum ring_kind kind, uint32_t slot)
{
    struct ring_completion c = await(kind, slot);
    assert_false(c.more);
    assert_int_equal(c.buffer, -1);
    return c.result;
}

static inline void assert_nothing_comes(void)
{
    for (int i = 0; i < 5; i++)
        assert_true(turn(NO_WAIT) >= 0);
    assert_int_equal(inbox_count, 0);
}

static inline int make(void **state)
{
    const struct ring_options options = {.backend = kernel->backend,
                                         .sockets_max = SOCKETS,
                                         .buffers = BUFFERS,
                                         .buffer_bytes = BUFFER_BYTES,
                                         .min_wait = true};
    (void)state;
    inbox_count = 0;
    return ring_new(&ring, &options);
}

/* What only io_uring has: queues of a fixed size, a kernel that remembers a slot's former life. */
#define SKIP_ON_EPOLL()                    \
    do {                                   \
        if (kernel->backend == RING_EPOLL) \
            skip();                        \
    } while (0)

static inline int unmake(void **state)
{
    (void)state;
    ring_free(ring);
    return 0;
}

static inline struct ring_tag tag(uint32_t slot)
{
    return (struct ring_tag){.slot = slot, .generation = 7};
}

/* Valgrind 3.19 holds signals back while it is inside io_uring_enter, and plays the descriptor
 * limits itself. */
static inline bool under_valgrind(void)
{
    const char *preloaded = getenv("LD_PRELOAD");
    return preloaded != NULL && strstr(preloaded, "vgpreload") != NULL;
}

/* ---- Sockets, children ------------------------------------------------------------------------
 */

static inline int listen_on(struct sockaddr_in *address, int backlog)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    socklen_t bytes = sizeof(*address);
    *address =
        (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(bind(fd, (struct sockaddr *)address, sizeof(*address)), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)address, &bytes), 0);
    assert_int_equal(listen(fd, backlog), 0);
    return fd;
}

static inline void connect_slot(struct ring_tag t, const struct sockaddr_in *address)
{
    ring_connect(ring, t, (const struct sockaddr *)address, sizeof(*address), RING_FOR_MANY);
}

/* A connection between slot `client` and an ordinary descriptor, which is returned. */
static inline int connect_pair(uint32_t client)
{
    struct sockaddr_in address;
    int listener = listen_on(&address, 8);
    connect_slot(tag(client), &address);
    assert_int_equal(await_last(RING_CONNECT, client), 0);
    int peer = accept(listener, NULL, NULL);
    assert_true(peer >= 0);
    close(listener);
    return peer;
}

static inline void close_slot(uint32_t slot)
{
    ring_close(ring, tag(slot));
    assert_int_equal(await_last(RING_CLOSE, slot), 0);
}

/* Runs `body` beside the test, which waits in the ring meanwhile. A process rather than a thread:
 * under valgrind no other thread runs while one is inside io_uring_enter. */
static inline pid_t begin_child(int (*body)(const int *), const int *argument)
{
    pid_t child = fork();
    if (child == 0)
        _exit(body(argument));
    assert_true(child > 0);
    return child;
}

static inline void end_child(pid_t child)
{
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* ---- Running -------------------------------------------------------------------------------- */

#define ON_RING(test) cmocka_unit_test_setup_teardown(test, make, unmake)

/* io_uring is refused here. */
static inline bool ring_refused(void)
{
    char text[512];
    int result = make(NULL);
    if (result == 0)
        ring_free(ring);
    if (result != -EPERM && result != -ENOSYS)
        return false;
    ring_explain(result, text, sizeof(text));
    printf("on epoll alone: %s\n", text);
    return true;
}

/* Adds up the failures in `failed`. epoll comes first: what io_uring leaves behind it in a process
 * ends waits as a signal would (TIF_NOTIFY_SIGNAL, seen with Linux 6.18). */
#define RUN_ON_KERNELS(tests, failed)                                                     \
    do {                                                                                  \
        for (size_t i = sizeof(kernels) / sizeof(kernels[0]); i-- > 0;) {                 \
            kernel = &kernels[i];                                                         \
            if (kernel->backend == RING_EPOLL || !ring_refused())                         \
                (failed) += cmocka_run_group_tests_name(kernel->name, tests, NULL, NULL); \
        }                                                                                 \
    } while (0)

#endif
