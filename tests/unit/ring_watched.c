/* What memcheck (valgrind 3.19) does not know of io_uring, told to it between the engine and the
 * ring: the linker (--wrap) leads the very same object files to a ring_new that puts a table of its
 * own before the ring's.
 *
 *   - Valgrind runs one thread at a time, and gives its lock up for system calls that it knows may
 *     block. io_uring_enter is not among them: whoever waits in it keeps every other thread of the
 *     process from running, a peer, a producer or a lookup, for good if it waits for one of these,
 *     and is deaf to SIGTERM. (Seen with a bare program: one thread waits by io_uring_enter for a
 *     read of a pipe that another would write to.) So nobody waits in it here: poll(2) waits on the
 *     ring's descriptor, as any host's loop does.
 *   - What the kernel reads and writes for a submitted operation it does not see. Here bytes that
 *     leave are looked at, and those that a read has brought, no others, count as written. What a
 *     receive brings lies in a mapping, which counts as written from the start. */
#include "uring/ring_ops.h"

#include "base/check.h"

#include <poll.h>
#include <pthread.h>
#include <time.h>
#include <valgrind/memcheck.h>

int __real_ring_new(struct ring **ring, const struct ring_options *options);
int __wrap_ring_new(struct ring **ring, const struct ring_options *options);

static const struct ring_ops *real;

/* ---- Waiting ---- */

static void wait_readable(const struct ring *ring, int descriptor, uint64_t deadline_ns)
{
    struct pollfd fd = {.fd = descriptor, .events = POLLIN};
    uint64_t now_ns = ring_now_ns(ring);
    uint64_t left_ns = deadline_ns > now_ns ? deadline_ns - now_ns : 0;
    struct timespec left = {.tv_sec = (time_t)(left_ns / 1000000000),
                            .tv_nsec = (long)(left_ns % 1000000000)};
    (void)ppoll(&fd, 1, deadline_ns == RING_FOREVER ? NULL : &left, NULL);
}

static int watched_submit_and_wait(struct ring *ring, const struct ring_wait *wait)
{
    static const struct ring_wait not_at_all = {0};
    int descriptor = ring_fd(ring); /* before the enter, or it would not tell of what that starts */
    int ready = real->submit_and_wait(ring, &not_at_all);
    if (descriptor < 0 || ready != 0 || wait->want == 0)
        return ready;
    wait_readable(ring, descriptor, wait->deadline_ns);
    return real->submit_and_wait(ring, &not_at_all);
}

/* ---- Reading ---- */

static _Thread_local struct {
    const struct ring *ring; /* null: free */
    uint32_t slot;
    void *data;
} reads[64];

enum { READS = sizeof reads / sizeof reads[0] };

static void watched_read(struct ring *ring, struct ring_tag tag, int fd, void *data, size_t bytes,
                         int64_t offset)
{
    size_t i = 0;
    while (i < READS && reads[i].ring)
        i++;
    CHECK(i < READS);
    reads[i].ring = ring;
    reads[i].slot = tag.slot;
    reads[i].data = data;
    VALGRIND_CHECK_MEM_IS_ADDRESSABLE(data, bytes);
    real->read(ring, tag, fd, data, bytes, offset);
}

static void read_completed(const struct ring *ring, const struct ring_completion *c)
{
    size_t i = 0;
    while (i < READS && (reads[i].ring != ring || reads[i].slot != c->slot))
        i++;
    CHECK(i < READS);
    reads[i].ring = NULL;
    if (c->result > 0)
        VALGRIND_MAKE_MEM_DEFINED(reads[i].data, c->result);
}

static unsigned watched_reap(struct ring *ring, struct ring_completion *completions, unsigned max)
{
    unsigned count = real->reap(ring, completions, max);
    for (unsigned i = 0; i < count; i++)
        if (completions[i].kind == RING_READ)
            read_completed(ring, &completions[i]);
    return count;
}

/* ---- Writing ---- */

static void watched_append(struct ring *ring, struct ring_tag tag, int fd, const void *data,
                           size_t bytes)
{
    VALGRIND_CHECK_MEM_IS_DEFINED(data, bytes);
    real->append(ring, tag, fd, data, bytes);
}

static void watched_send(struct ring *ring, struct ring_tag tag, const void *data, size_t bytes)
{
    VALGRIND_CHECK_MEM_IS_DEFINED(data, bytes);
    real->send(ring, tag, data, bytes);
}

static void watched_send_parts(struct ring *ring, struct ring_tag tag, const struct msghdr *message)
{
    for (size_t i = 0; i < message->msg_iovlen; i++)
        VALGRIND_CHECK_MEM_IS_DEFINED(message->msg_iov[i].iov_base, message->msg_iov[i].iov_len);
    real->send_parts(ring, tag, message);
}

/* ---- Making ---- */

static struct ring_ops watched;

static void fill_table(void)
{
    watched = *real;
    watched.submit_and_wait = watched_submit_and_wait;
    watched.reap = watched_reap;
    watched.read = watched_read;
    watched.append = watched_append;
    watched.send = watched_send;
    watched.send_parts = watched_send_parts;
}

int __wrap_ring_new(struct ring **ring, const struct ring_options *options)
{
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    int error = __real_ring_new(ring, options);
    if (error)
        return error;
    pthread_mutex_lock(&mutex);
    if (!real) {
        real = (*ring)->ops;
        fill_table();
    }
    CHECK((*ring)->ops == real);
    pthread_mutex_unlock(&mutex);
    (*ring)->ops = &watched;
    return 0;
}
