/* ring.h over epoll, for where the kernel or a sandbox refuses io_uring.
 *
 * What it owns: an epoll descriptor, two eventfds, the table of sockets (epoll_sockets.c), the
 * operations on other descriptors and the threads for those (epoll_files.c), receive buffers, and
 * two queues: of what was prepared, and of completions.
 *
 * What was prepared is done at the next submit-and-wait and not before, as with io_uring: who has
 * prepared a send may still note that it is about to leave. What cannot be done at once waits for
 * an event or a thread.
 *
 * Choices that the code below does not explain by itself:
 *   - Both eventfds are registered with EPOLLET and never read: each write is an edge.
 *   - A submit-and-wait that has completions already returns without a look at the descriptors; the
 *     next one looks. Who wants a picture of what is there asks for 0 completions, and has it.
 *   - There is no min-wait: one completion is always enough. It would have to sleep all of it, for
 *     the kernel wakes at the first event.
 *
 * epoll_pwait2 is 5.11's: before, and where a filter does not know it (EPERM), ppoll waits on the
 * epoll descriptor, since epoll_wait counts in milliseconds.
 *
 * Invariants: every operation is in exactly one place: prepared, waiting (a flag of its socket, or
 * among the files), or completed; a buffer is free, or in one completion and then the caller's. */
#include "uring/epoll_ring.h"

#include "base/check.h"
#include "base/time.h"
#include "uring/kernel.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
    EVENTS_AT_ONCE = 128,
    DESCRIPTORS_SPARE = 32, /* for files, lookups and the ring's own, beside its sockets */
};

/* ---- Preparing ------------------------------------------------------------------------------ */

static struct epoll_prepared *prepare(struct ring *ring, struct ring_tag tag, enum ring_kind kind)
{
    struct epoll_ring *r = (struct epoll_ring *)ring;
    struct epoll_prepared *asked = &r->spare;
    if (epoll_grow((void **)&r->prepared, &r->prepared_room, r->prepared_count,
                   sizeof(*r->prepared)))
        asked = &r->prepared[r->prepared_count++];
    else
        r->broken = -ENOMEM;
    *asked = (struct epoll_prepared){.tag = tag, .kind = kind};
    asked->tag.generation &= RING_GENERATION_MASK;
    return asked;
}

static void epoll_connect(struct ring *ring, struct ring_tag tag, const struct sockaddr *address,
                          socklen_t address_bytes, enum ring_use use)
{
    struct epoll_prepared *asked = prepare(ring, tag, RING_CONNECT);
    asked->from = address;
    asked->bytes = address_bytes;
    asked->use = use;
}

static void epoll_reset(struct ring *ring, struct ring_tag tag)
{
    prepare(ring, tag, RING_CONNECT)->flags = 1;
}

static void epoll_send(struct ring *ring, struct ring_tag tag, const void *data, size_t bytes)
{
    struct epoll_prepared *asked = prepare(ring, tag, RING_SEND);
    asked->from = data;
    asked->bytes = bytes;
}

static void epoll_send_parts(struct ring *ring, struct ring_tag tag, const struct msghdr *message)
{
    struct epoll_prepared *asked = prepare(ring, tag, RING_SEND);
    asked->message = message;
    asked->bytes = SIZE_MAX;
}

static void epoll_recv(struct ring *ring, struct ring_tag tag)
{
    (void)prepare(ring, tag, RING_RECV);
}

static void epoll_cancel(struct ring *ring, struct ring_tag tag, enum ring_kind kind)
{
    prepare(ring, tag, RING_CANCEL)->target = kind;
}

static void epoll_close(struct ring *ring, struct ring_tag tag)
{
    (void)prepare(ring, tag, RING_CLOSE);
}

static void epoll_install(struct ring *ring, struct ring_tag tag)
{
    (void)prepare(ring, tag, RING_INSTALL);
}

static void epoll_accept(struct ring *ring, struct ring_tag tag, int listen_fd)
{
    prepare(ring, tag, RING_ACCEPT)->fd = listen_fd;
}

static void epoll_read(struct ring *ring, struct ring_tag tag, int fd, void *data, size_t bytes,
                       int64_t offset)
{
    struct epoll_prepared *asked = prepare(ring, tag, RING_READ);
    asked->fd = fd;
    asked->to = data;
    asked->bytes = bytes;
    asked->offset = offset;
}

static void epoll_append(struct ring *ring, struct ring_tag tag, int fd, const void *data,
                         size_t bytes)
{
    struct epoll_prepared *asked = prepare(ring, tag, RING_APPEND);
    asked->fd = fd;
    asked->from = data;
    asked->bytes = bytes;
}

static void epoll_sync(struct ring *ring, struct ring_tag tag, int fd, bool whole)
{
    struct epoll_prepared *asked = prepare(ring, tag, RING_SYNC);
    asked->fd = fd;
    asked->flags = whole;
}

static void epoll_open(struct ring *ring, struct ring_tag tag, const char *path, int flags)
{
    struct epoll_prepared *asked = prepare(ring, tag, RING_OPEN);
    asked->from = path;
    asked->flags = flags;
}

static void epoll_stat(struct ring *ring, struct ring_tag tag, int fd, struct statx *about)
{
    struct epoll_prepared *asked = prepare(ring, tag, RING_STAT);
    asked->fd = fd;
    asked->to = about;
}

static unsigned epoll_prepared_count(const struct ring *ring)
{
    return (unsigned)((const struct epoll_ring *)ring)->prepared_count;
}

static bool epoll_stamps_on(const struct ring *ring, int descriptor)
{
    return ((const struct epoll_ring *)ring)->stamps && kernel_stamps_on(descriptor);
}

/* ---- Submitting ----------------------------------------------------------------------------- */

static void cancel(struct epoll_ring *r, const struct epoll_prepared *asked)
{
    enum ring_kind target = asked->target;
    bool is_socket = target == RING_CONNECT || target == RING_SEND || target == RING_RECV;
    int32_t result = is_socket ? epoll_socket_cancel(r, asked) : epoll_file_cancel(r, asked);
    epoll_complete(r, asked->tag, RING_CANCEL, result);
}

static void submit(struct epoll_ring *r)
{
    static void (*const doers[RING_KINDS])(struct epoll_ring *, const struct epoll_prepared *) = {
        [RING_CONNECT] = epoll_connect_do, [RING_SEND] = epoll_send_do,
        [RING_RECV] = epoll_recv_do,       [RING_CLOSE] = epoll_close_do,
        [RING_INSTALL] = epoll_install_do, [RING_CANCEL] = cancel,
        [RING_READ] = epoll_file_do,       [RING_APPEND] = epoll_file_do,
        [RING_SYNC] = epoll_file_do,       [RING_OPEN] = epoll_file_do,
        [RING_STAT] = epoll_file_do,       [RING_ACCEPT] = epoll_file_do,
    };
    for (size_t i = 0; i < r->prepared_count; i++)
        doers[r->prepared[i].kind](r, &r->prepared[i]);
    r->ring.counters.submitted += r->prepared_count;
    r->prepared_count = 0;
}

/* ---- Waiting -------------------------------------------------------------------------------- */

static void epoll_wake(struct ring *ring)
{
    int saved = errno;
    kernel_signal(((const struct epoll_ring *)ring)->wake_fd);
    errno = saved;
}

static int epoll_ring_fd(struct ring *ring)
{
    struct epoll_ring *r = (struct epoll_ring *)ring;
    r->has_fd = true;
    kernel_signal(r->work_fd); /* for what waits already */
    return r->epoll_fd;
}

static void take_event(struct epoll_ring *r, const struct epoll_event *event)
{
    uint64_t about = event->data.u64;
    switch ((enum epoll_about)(about & EPOLL_ABOUT_MASK)) {
    case EPOLL_WAKE:
        epoll_complete(r, (struct ring_tag){0}, RING_WAKE, 0);
        break;
    case EPOLL_WORK:
        epoll_work_done(r);
        break;
    case EPOLL_SOCKET:
        epoll_socket_event(r, (uint32_t)(about >> 2), event->events);
        break;
    case EPOLL_FILE:
        epoll_file_event(r, (struct epoll_file *)(uintptr_t)(about - EPOLL_FILE));
        break;
    }
}

/* Timeout null: for ever. The number of events, or -1 with errno. */
static int wait_for_events(struct epoll_ring *r, struct epoll_event *events,
                           const struct timespec *timeout)
{
    bool looks_only = timeout != NULL && timeout->tv_sec == 0 && timeout->tv_nsec == 0;
    r->ring.counters.calls++;
    if (looks_only || timeout == NULL)
        return epoll_wait(r->epoll_fd, events, EVENTS_AT_ONCE, looks_only ? 0 : -1);
    if (!r->lacks_pwait2) {
        int count = epoll_pwait2(r->epoll_fd, events, EVENTS_AT_ONCE, timeout, NULL);
        if (count >= 0 || (errno != ENOSYS && errno != EPERM))
            return count;
        r->lacks_pwait2 = true;
    }
    struct pollfd fd = {.fd = r->epoll_fd, .events = POLLIN};
    r->ring.counters.calls++;
    int ready = ppoll(&fd, 1, timeout, NULL);
    return ready <= 0 ? ready : epoll_wait(r->epoll_fd, events, EVENTS_AT_ONCE, 0);
}

/* Takes in all events there are. False: the wait was interrupted, or the ring broke. */
static bool collect(struct epoll_ring *r, const struct timespec *timeout)
{
    static const struct timespec at_once = {0};
    struct epoll_event events[EVENTS_AT_ONCE];
    for (uint32_t taken = 0;; timeout = &at_once) {
        int count = wait_for_events(r, events, timeout);
        if (count < 0 && errno != EINTR)
            r->broken = -errno;
        if (count < 0)
            return false;
        for (int i = 0; i < count; i++)
            take_event(r, &events[i]);
        /* New ones may come for ever; each descriptor has had its turn by then. */
        taken += (uint32_t)count;
        if (count < EVENTS_AT_ONCE || taken > 2 * r->sockets_max)
            return true;
    }
}

/* How long to sleep; false: until an event. */
static bool time_left(const struct ring_wait *wait, bool at_once, struct timespec *left)
{
    *left = (struct timespec){0};
    if (at_once)
        return true;
    if (wait->deadline_ns == RING_FOREVER)
        return false;
    uint64_t now_ns = kernel_now_ns(NULL);
    uint64_t left_ns = wait->deadline_ns > now_ns ? wait->deadline_ns - now_ns : 0;
    left->tv_sec = (time_t)(left_ns / NS_PER_S);
    left->tv_nsec = (long)(left_ns % NS_PER_S);
    return true;
}

static int epoll_submit_and_wait(struct ring *ring, const struct ring_wait *wait)
{
    struct epoll_ring *r = (struct epoll_ring *)ring;
    bool goes_on = r->broken == 0;
    r->ring.counters.enters++;
    if (goes_on) {
        submit(r);
        epoll_sockets_go_on(r);
        epoll_work_done(r);
        goes_on = wait->want == 0 || r->completed_count == 0;
    }
    while (goes_on) {
        struct timespec left;
        bool at_once = wait->want == 0 || r->completed_count > 0 || !list_empty(&r->again);
        bool ends = time_left(wait, at_once, &left);
        bool is_last = ends && left.tv_sec == 0 && left.tv_nsec == 0;
        goes_on = collect(r, ends ? &left : NULL) && !is_last && r->completed_count == 0;
    }
    if (r->has_fd && !list_empty(&r->again))
        kernel_signal(r->work_fd);
    return r->broken != 0 ? r->broken : (int)r->completed_count;
}

static bool epoll_is_caught_up(const struct ring *ring)
{
    const struct epoll_ring *r = (const struct epoll_ring *)ring;
    struct pollfd fd = {.fd = r->epoll_fd, .events = POLLIN};
    return r->completed_count == 0 && list_empty(&r->again) && poll(&fd, 1, 0) == 0;
}

/* ---- Making --------------------------------------------------------------------------------- */

static void epoll_free(struct ring *ring)
{
    struct epoll_ring *r = (struct epoll_ring *)ring;
    const int descriptors[] = {r->epoll_fd, r->wake_fd, r->work_fd};
    epoll_files_free(r);
    if (r->sockets)
        epoll_sockets_free(r);
    for (size_t i = 0; i < sizeof(descriptors) / sizeof(descriptors[0]); i++)
        if (descriptors[i] >= 0)
            close(descriptors[i]);
    epoll_buffers_unmake(r);
    free(r->sockets);
    free(r->prepared);
    free(r->completions);
    free(r);
}

static const struct ring_ops ops = {
    .free = epoll_free,
    .now_ns = kernel_now_ns,
    .wall_ms = kernel_wall_ms,
    .connect = epoll_connect,
    .send = epoll_send,
    .send_parts = epoll_send_parts,
    .recv = epoll_recv,
    .cancel = epoll_cancel,
    .reset = epoll_reset,
    .close = epoll_close,
    .accept = epoll_accept,
    .install = epoll_install,
    .tcp_info = kernel_tcp_info,
    .has_source = kernel_has_source,
    .stamps_on = epoll_stamps_on,
    .sent_stamp = kernel_sent_stamp,
    .descriptor_close = kernel_descriptor_close,
    .buffer = epoll_buffer,
    .buffer_return = epoll_buffer_return,
    .read = epoll_read,
    .append = epoll_append,
    .sync = epoll_sync,
    .open = epoll_open,
    .stat = epoll_stat,
    .prepared = epoll_prepared_count,
    .wake = epoll_wake,
    .fd = epoll_ring_fd,
    .submit_and_wait = epoll_submit_and_wait,
    .is_caught_up = epoll_is_caught_up,
    .reap = epoll_reap,
};

/* Each socket is one of the process's descriptors. Whoever fills the table up to the limit finds
 * the last ones taken by others, and connects or accepts later. */
static int see_to_descriptors(uint32_t sockets)
{
    struct rlimit limit = {.rlim_cur = RLIM_INFINITY};
    (void)getrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur < (uint64_t)sockets + DESCRIPTORS_SPARE && kernel_raise_descriptors())
        limit.rlim_cur = limit.rlim_max;
    return limit.rlim_cur < sockets ? -EMFILE : 0;
}

static int watch_eventfd(const struct epoll_ring *r, int fd, enum epoll_about about)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.u64 = about};
    return fd < 0 || epoll_ctl(r->epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0 ? -errno : 0;
}

static int open_descriptors(struct epoll_ring *r)
{
    r->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (r->epoll_fd < 0)
        return -errno;
    r->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int result = watch_eventfd(r, r->wake_fd, EPOLL_WAKE);
    if (result != 0)
        return result;
    r->work_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return watch_eventfd(r, r->work_fd, EPOLL_WORK);
}

int epoll_ring_new(struct ring **ring, const struct ring_options *options)
{
    CHECK(options->sockets_max > 0 && options->buffer_bytes > 0 && options->buffers > 0);
    struct epoll_ring *r = calloc(1, sizeof(*r));
    if (r == NULL)
        return -ENOBUFS;
    r->ring.ops = &ops;
    r->ring.features = (struct ring_features){.backend = RING_EPOLL,
                                              .min_wait = RING_MIN_WAIT_LACKING,
                                              .direct_sockopt = true,
                                              .install = true};
    r->epoll_fd = r->wake_fd = r->work_fd = -1;
    list_init(&r->files);
    r->sockets_max = options->sockets_max;
    r->buffers = options->buffers;
    r->buffer_bytes = options->buffer_bytes;
    r->stamps = options->stamps;
    kernel_source_take(&r->ring, options);
    r->sockets = calloc(r->sockets_max, sizeof(*r->sockets));
    int result = r->sockets != NULL ? epoll_buffers_make(r) : -ENOBUFS;
    if (r->sockets != NULL)
        epoll_sockets_init(r);
    if (result == 0)
        result = see_to_descriptors(r->sockets_max);
    if (result == 0)
        result = open_descriptors(r);
    if (result != 0) {
        epoll_free(&r->ring);
        return result;
    }
    *ring = &r->ring;
    return 0;
}
