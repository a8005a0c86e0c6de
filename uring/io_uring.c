/* ring.h over io_uring: the sole user of liburing.
 *
 * What it owns: the two queues, the table of direct descriptors, one group of provided receive
 * buffers, an eventfd for ring_wake.
 *
 * Life: ring_new makes the ring *disabled* (R_DISABLED), so that it has no owner yet, and registers
 * what it needs; the first enter enables it and so binds it to that thread (SINGLE_ISSUER). From
 * then on it only enters. An error of the enter itself sticks in `broken`; the ring never enters
 * again.
 *
 * DEFER_TASKRUN (6.1) means that nothing completes behind our back: sockets that became ready are
 * served, and linked operations go on, only inside an enter that asks for events. Every enter here
 * does. Kernels without it get COOP_TASKRUN or nothing: dearer, otherwise alike.
 *
 * Choices that the code below does not explain by itself:
 *   - The submission queue is published and entered by hand, not by io_uring_submit...: min-wait
 *     (6.12) has no function before liburing 2.8, and the library's waits may enter twice. What is
 *     touched (ktail, khead, sqe_head, sqe_tail, array) is part of the library's fixed ABI.
 *   - The wake-up is a multishot poll of the eventfd, which reports every write, so that the
 *     counter need not be read. Unlike a pending read it has no memory that a late completion
 *     could write to after ring_free: rings are dismantled asynchronously.
 *   - ring_fd is an eventfd registered with the ring, not the ring itself: with DEFER_TASKRUN a
 *     poll of the ring is not woken by work that waits for an enter (seen with Linux 6.18). It is
 *     made on demand, since it costs a read per enter. A ring_wake writes to it as well: what one
 *     eventfd starts in the kernel, a write to another is put off to the end of an RCU grace
 *     period, tens of milliseconds, and Linux 6.18 does it once in a registration's life and never
 *     again.
 *   - Until a connect's chain has come to its last link, a cancel cannot find it. Such a cancel is
 *     tried again here; `connects` knows which chains are still under way.
 *
 * Invariants: an operation's entries are submitted in one enter; every operation posts one
 * completion (CQE_SKIP_SUCCESS only within a chain); returned buffers and prepared entries reach
 * the kernel at the next enter. */
#include "uring/ring.h"

#include "base/check.h"
#include "uring/io_uring.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static uint64_t user_data_pack(struct ring_tag tag, enum ring_kind kind, enum ring_kind target)
{
    return (uint64_t)target << 60 | (uint64_t)kind << 56 |
           (uint64_t)(tag.generation & RING_GENERATION_MASK) << 32 | tag.slot;
}

/* ---- Making and freeing --------------------------------------------------------------------- */

static int buffers_map(struct ring *ring)
{
    size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE);
    size_t ring_bytes = ring->buffers * sizeof(struct io_uring_buf);
    ring_bytes = (ring_bytes + page_bytes - 1) / page_bytes * page_bytes;
    ring->mapping_bytes = ring_bytes + (size_t)ring->buffers * ring->buffer_bytes;
    void *mapping =
        mmap(NULL, ring->mapping_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapping == MAP_FAILED)
        return errno == ENOMEM ? -ENOBUFS : -errno;
    /* A huge page would make two megabytes resident at the first byte. Kernels without huge pages
     * refuse this, and need it not. */
    (void)madvise(mapping, ring->mapping_bytes, MADV_NOHUGEPAGE);
    ring->buffer_ring = mapping;
    ring->buffer_data = (char *)mapping + ring_bytes;
    BUFFER_HIDE(ring->buffer_data, ring->mapping_bytes - ring_bytes);
    return 0;
}

static void buffers_unmap(struct ring *ring)
{
    if (ring->buffer_ring == NULL)
        return;
    BUFFER_SHOW(ring->buffer_data, (size_t)ring->buffers * ring->buffer_bytes);
    munmap(ring->buffer_ring, ring->mapping_bytes);
}

/* Frees all but the queues. */
static void ring_free_memory(struct ring *ring)
{
    if (ring->wake_fd >= 0)
        close(ring->wake_fd);
    if (ring->event_fd >= 0)
        close(ring->event_fd);
    buffers_unmap(ring);
    free(ring->connects);
    free(ring);
}

static void buffer_provide(struct ring *ring, uint32_t buffer)
{
    char *data = ring->buffer_data + (size_t)buffer * ring->buffer_bytes;
    io_uring_buf_ring_add(ring->buffer_ring, data, ring->buffer_bytes, (unsigned short)buffer,
                          io_uring_buf_ring_mask(ring->buffers), (int)ring->buffers_returned++);
}

static void wake_arm(struct ring *ring);

int ring_new(struct ring **ring, const struct ring_options *options)
{
    CHECK(options->sockets_max > 0 && options->buffer_bytes > 0);
    CHECK(options->buffers > 0 && options->buffers <= BUFFERS_MAX);
    struct ring *r = calloc(1, sizeof(*r));
    if (r == NULL)
        return -ENOBUFS;
    r->sockets_max = options->sockets_max;
    r->buffers = power_of_two_at_least(options->buffers);
    r->buffer_bytes = options->buffer_bytes;
    r->stamps = options->stamps;
    r->connects = calloc(r->sockets_max, sizeof(*r->connects));
    r->event_fd = -1;
    r->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int result = r->wake_fd < 0 ? -errno : 0;
    if (r->connects == NULL)
        result = -ENOBUFS;
    if (result == 0)
        result = buffers_map(r);
    if (result == 0)
        result = ring_open_queues(r);
    if (result != 0) {
        ring_free_memory(r);
        return result;
    }
    for (uint32_t i = 0; i < r->buffers; i++)
        buffer_provide(r, i);
    wake_arm(r);
    *ring = r;
    return 0;
}

void ring_free(struct ring *ring)
{
    if (ring == NULL)
        return;
    io_uring_queue_exit(&ring->uring);
    ring_free_memory(ring);
}

struct ring_features ring_features(const struct ring *ring)
{
    return ring->features;
}

struct ring_counters ring_counters(const struct ring *ring)
{
    return ring->counters;
}

/* ---- Entering the kernel -------------------------------------------------------------------- */

/* Gives the ring to this thread. liburing 2.3 declares io_uring_enable_rings, but its shared
 * library lacks it. */
static int ring_enable(struct ring *ring)
{
    int result =
        io_uring_register((unsigned)ring->uring.ring_fd, IORING_REGISTER_ENABLE_RINGS, NULL, 0);
    if (result < 0)
        return result;
    ring->enabled = true;
    /* Saves the lookup of the descriptor at each enter (5.18). */
    ring->features.ring_fd = io_uring_register_ring_fd(&ring->uring) == 1;
    return 0;
}

/* What it announced is taken care of by the enter that follows. */
static void event_drain(struct ring *ring)
{
    uint64_t count;
    int fd = atomic_load_explicit(&ring->event_fd, memory_order_relaxed);
    ssize_t bytes = fd >= 0 ? read(fd, &count, sizeof(count)) : 0;
    (void)bytes; /* nothing there is fine, too */
}

/* The one place that enters: hands over all that was prepared, runs what the kernel deferred, and
 * with wait_nr > 0 waits for that many completions. 0, or the error that broke the ring. */
static int ring_enter(struct ring *ring, unsigned wait_nr, struct wait_argument *argument)
{
    if (!ring->enabled && ring->broken == 0)
        ring->broken = ring_enable(ring);
    if (ring->broken != 0)
        return ring->broken;
    event_drain(ring);
    if (ring->buffers_returned > 0) {
        io_uring_buf_ring_advance(ring->buffer_ring, (int)ring->buffers_returned);
        ring->buffers_returned = 0;
    }
    struct io_uring_sq *sq = &ring->uring.sq;
    io_uring_smp_store_release(sq->ktail, sq->sqe_tail);
    sq->sqe_head = sq->sqe_tail;

    unsigned flags = IORING_ENTER_GETEVENTS;
    if (ring->features.ring_fd)
        flags |= IORING_ENTER_REGISTERED_RING;
    if (argument != NULL)
        flags |= IORING_ENTER_EXT_ARG;
    int result =
        io_uring_enter2((unsigned)ring->uring.enter_ring_fd, io_uring_sq_ready(&ring->uring),
                        wait_nr, flags, (sigset_t *)argument, sizeof(*argument));
    ring->counters.enters++;
    if (io_uring_sq_ready(&ring->uring) == 0) {
        ring->counters.submitted += ring->operations_prepared;
        ring->operations_prepared = 0;
        ring->inline_prepared = 0;
    }
    /* Deadline, signal; no memory for requests, completions not yet taken: all pass. */
    if (result < 0 && result != -ETIME && result != -EINTR && result != -EAGAIN && result != -EBUSY)
        ring->broken = result;
    return ring->broken;
}

/* Fills in how long to wait, and returns for how many completions; 0: not at all. */
static unsigned wait_plan(const struct ring *ring, const struct ring_wait *wait,
                          struct wait_argument *argument, struct __kernel_timespec *timeout)
{
    if (wait->want == 0 || io_uring_cq_ready(&ring->uring) > 0)
        return 0;
    uint64_t min_wait_ns = ring->features.min_wait ? wait->min_wait_ns : 0;
    argument->signal_mask_bytes = _NSIG / 8;
    if (wait->deadline_ns != RING_FOREVER) {
        uint64_t now_ns = ring_now_ns(ring);
        if (wait->deadline_ns <= now_ns)
            return 0;
        uint64_t left_ns = wait->deadline_ns - now_ns;
        timeout->tv_sec = (int64_t)(left_ns / 1000000000);
        timeout->tv_nsec = (int64_t)(left_ns % 1000000000);
        argument->timeout = (uintptr_t)timeout;
        /* The kernel looks at the timeout only after the min-wait. */
        if (min_wait_ns > left_ns)
            min_wait_ns = left_ns;
    } else if (min_wait_ns > 0) {
        /* Without a timeout the end of the min-wait would end the wait, empty-handed or not. */
        timeout->tv_sec = FOREVER_S;
        argument->timeout = (uintptr_t)timeout;
    }
    argument->min_wait_us = clamp_u32(min_wait_ns / 1000, 0, UINT32_MAX);
    if (argument->min_wait_us == 0)
        return 1;
    /* The kernel counts from the queue's head, so what completes on the way in counts too. */
    return clamp_u32((uint64_t)wait->want + ring->inline_prepared, 1, ring->features.cq_entries);
}

int ring_submit_and_wait(struct ring *ring, const struct ring_wait *wait)
{
    struct __kernel_timespec timeout = {0};
    struct wait_argument argument = {0};
    unsigned wait_nr = wait_plan(ring, wait, &argument, &timeout);
    int result = ring_enter(ring, wait_nr, wait_nr > 0 ? &argument : NULL);
    return result < 0 ? result : (int)io_uring_cq_ready(&ring->uring);
}

/* The kernel raises the flag when something is to be done for the ring, and takes it down when an
 * enter has done all of it; an enter that does not wait stops after some twenty pieces. Without the
 * flag's modes completions are posted as they come. */
bool ring_is_caught_up(const struct ring *ring)
{
    unsigned flags =
        atomic_load_explicit((const _Atomic unsigned *)ring->uring.sq.kflags, memory_order_acquire);
    return (flags & (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW)) == 0 &&
           io_uring_cq_ready(&ring->uring) == 0;
}

unsigned ring_prepared(const struct ring *ring)
{
    return ring->operations_prepared;
}

static void event_signal(int fd)
{
    const uint64_t one = 1;
    /* Fails only when the counter is full, and then the signal is on its way. */
    ssize_t written = write(fd, &one, sizeof(one));
    (void)written;
}

int ring_fd(struct ring *ring)
{
    int fd = atomic_load_explicit(&ring->event_fd, memory_order_relaxed);
    if (fd >= 0)
        return fd;
    fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (fd < 0)
        return -errno;
    int result = io_uring_register_eventfd(&ring->uring, fd);
    if (result < 0) {
        close(fd);
        return result;
    }
    atomic_store(&ring->event_fd, fd);
    event_signal(fd); /* for what was there before it, and for a ring_wake that has not seen it */
    return fd;
}

/* ---- Preparing ------------------------------------------------------------------------------ */

/* Makes room for entries that must be submitted together, by submitting what is there. */
static void sq_reserve(struct ring *ring, unsigned entries)
{
    for (unsigned tries = 0; io_uring_sq_space_left(&ring->uring) < entries; tries++) {
        if (tries == SUBMIT_TRIES_MAX)
            ring->broken = -EAGAIN;
        if (ring_enter(ring, 0, NULL) < 0)
            return;
    }
}

static struct io_uring_sqe *sqe_next(struct ring *ring)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(&ring->uring);
    return sqe != NULL ? sqe : &ring->spare;
}

/* A place for an operation of one entry. */
static struct io_uring_sqe *operation_new(struct ring *ring)
{
    sq_reserve(ring, 1);
    return sqe_next(ring);
}

/* The liburing functions reset flags and user_data; hence this comes last. */
static void operation_name(struct ring *ring, struct io_uring_sqe *sqe, struct ring_tag tag,
                           enum ring_kind kind)
{
    io_uring_sqe_set_data64(sqe, user_data_pack(tag, kind, 0));
    ring->operations_prepared++;
}

static int slot_fd(const struct ring *ring, struct ring_tag tag)
{
    CHECK(tag.slot < ring->sockets_max);
    return (int)tag.slot;
}

static void wake_arm(struct ring *ring)
{
    struct io_uring_sqe *sqe = operation_new(ring);
    io_uring_prep_poll_multishot(sqe, ring->wake_fd, POLLIN);
    operation_name(ring, sqe, (struct ring_tag){0}, RING_WAKE);
}

/* A full completion queue ended the poll. A new one reports at once what is already readable, so
 * the counter goes to 0 first: those wake-ups are in the completion at hand. */
static void wake_arm_again(struct ring *ring)
{
    uint64_t count;
    ssize_t got = read(ring->wake_fd, &count, sizeof(count));
    (void)got;
    wake_arm(ring);
}

/* Both, and in this order, so that whom the second one wakes finds what the first one brings. */
void ring_wake(struct ring *ring)
{
    int saved = errno;
    event_signal(ring->wake_fd);
    int fd = atomic_load(&ring->event_fd);
    if (fd >= 0)
        event_signal(fd);
    errno = saved;
}

/* setsockopt of a direct descriptor, as its use wants it. TCP_QUICKACK set to 0 before the connect
 * has the kernel expect that every acknowledgement finds data to travel with (tcp(7)). */
static void prepare_option(struct io_uring_sqe *sqe, int slot, enum ring_use use)
{
    static const int off = 0, on = 1;
    const bool one = use == RING_FOR_ONE;
    const uint32_t level_and_name[2] = {IPPROTO_TCP, one ? TCP_QUICKACK : TCP_NODELAY};
    memset(sqe, 0, sizeof(*sqe));
    sqe->opcode = IORING_OP_URING_CMD;
    sqe->fd = slot;
    sqe->cmd_op = SOCKET_COMMAND_SETSOCKOPT;
    memcpy(&sqe->addr, level_and_name, sizeof(level_and_name));
    sqe->file_index = sizeof(on); /* the option's length */
    sqe->addr3 = (uintptr_t)(one ? &off : &on);
}

void ring_connect(struct ring *ring, struct ring_tag tag, const struct sockaddr *address,
                  socklen_t address_bytes, enum ring_use use)
{
    /* A member that fails posts the chain's one completion, and its successors go silently. The
     * last one is not skipped: kernels before 6.12 could lose it. */
    const unsigned member = IOSQE_IO_LINK | IOSQE_CQE_SKIP_SUCCESS;
    int slot = slot_fd(ring, tag);
    sq_reserve(ring, CONNECT_CHAIN);
    struct io_uring_sqe *sqe = sqe_next(ring);
    io_uring_prep_socket_direct(sqe, address->sa_family, SOCK_STREAM, 0, tag.slot, 0);
    io_uring_sqe_set_flags(sqe, member);
    io_uring_sqe_set_data64(sqe, user_data_pack(tag, RING_CONNECT, 0));
    if (ring->features.direct_sockopt &&
        (address->sa_family == AF_INET || address->sa_family == AF_INET6)) {
        sqe = sqe_next(ring);
        prepare_option(sqe, slot, use);
        io_uring_sqe_set_flags(sqe, member | IOSQE_FIXED_FILE);
        io_uring_sqe_set_data64(sqe, user_data_pack(tag, RING_CONNECT, 0));
    }
    sqe = sqe_next(ring);
    io_uring_prep_connect(sqe, slot, address, address_bytes);
    io_uring_sqe_set_flags(sqe, IOSQE_FIXED_FILE);
    operation_name(ring, sqe, tag, RING_CONNECT);
    ring->connects[slot] = (tag.generation & RING_GENERATION_MASK) | CONNECT_IN_FLIGHT;
}

void ring_send(struct ring *ring, struct ring_tag tag, const void *data, size_t bytes)
{
    CHECK(bytes <= TRANSFER_BYTES_MAX);
    struct io_uring_sqe *sqe = operation_new(ring);
    io_uring_prep_send(sqe, slot_fd(ring, tag), data, bytes, MSG_WAITALL | MSG_NOSIGNAL);
    io_uring_sqe_set_flags(sqe, IOSQE_FIXED_FILE);
    operation_name(ring, sqe, tag, RING_SEND);
    ring->inline_prepared++;
}

void ring_send_parts(struct ring *ring, struct ring_tag tag, const struct msghdr *message)
{
    struct io_uring_sqe *sqe = operation_new(ring);
    io_uring_prep_sendmsg(sqe, slot_fd(ring, tag), message, MSG_WAITALL | MSG_NOSIGNAL);
    io_uring_sqe_set_flags(sqe, IOSQE_FIXED_FILE);
    operation_name(ring, sqe, tag, RING_SEND);
    ring->inline_prepared++;
}

void ring_recv(struct ring *ring, struct ring_tag tag)
{
    struct io_uring_sqe *sqe = operation_new(ring);
    static const struct msghdr with_control = {.msg_controllen = STAMP_CONTROL_BYTES};
    if (ring->stamps)
        io_uring_prep_recvmsg_multishot(sqe, slot_fd(ring, tag),
                                        (struct msghdr *)(uintptr_t)&with_control, 0);
    else
        io_uring_prep_recv_multishot(sqe, slot_fd(ring, tag), NULL, 0, 0);
    /* Without POLL_FIRST an idle socket would ask for a buffer as well, and fail for want of one.
     */
    sqe->ioprio |= IORING_RECVSEND_POLL_FIRST;
    sqe->buf_group = BUFFER_GROUP;
    io_uring_sqe_set_flags(sqe, IOSQE_FIXED_FILE | IOSQE_BUFFER_SELECT);
    operation_name(ring, sqe, tag, RING_RECV);
}

void ring_cancel(struct ring *ring, struct ring_tag tag, enum ring_kind kind)
{
    struct io_uring_sqe *sqe = operation_new(ring);
    io_uring_prep_cancel64(sqe, user_data_pack(tag, kind, 0), 0);
    io_uring_sqe_set_data64(sqe, user_data_pack(tag, RING_CANCEL, kind));
    ring->operations_prepared++;
    ring->inline_prepared++;
}

/* Connecting to no address dissolves a connection (connect(2)); TCP tells the peer with a reset. It
 * needs no SO_LINGER, which direct descriptors can have only since 6.7. */
void ring_reset(struct ring *ring, struct ring_tag tag)
{
    static const struct sockaddr nowhere = {.sa_family = AF_UNSPEC};
    struct io_uring_sqe *sqe = operation_new(ring);
    io_uring_prep_connect(sqe, slot_fd(ring, tag), &nowhere, sizeof(nowhere));
    io_uring_sqe_set_flags(sqe, IOSQE_FIXED_FILE);
    operation_name(ring, sqe, tag, RING_CONNECT);
    ring->inline_prepared++;
}

void ring_close(struct ring *ring, struct ring_tag tag)
{
    struct io_uring_sqe *sqe = operation_new(ring);
    io_uring_prep_close_direct(sqe, (unsigned)slot_fd(ring, tag));
    operation_name(ring, sqe, tag, RING_CLOSE);
    ring->inline_prepared++;
}

void ring_install(struct ring *ring, struct ring_tag tag)
{
    struct io_uring_sqe *sqe = operation_new(ring);
    memset(sqe, 0, sizeof(*sqe));
    sqe->opcode = OPERATION_FIXED_FD_INSTALL;
    sqe->fd = slot_fd(ring, tag);
    io_uring_sqe_set_flags(sqe, IOSQE_FIXED_FILE);
    operation_name(ring, sqe, tag, RING_INSTALL);
    ring->inline_prepared++;
}

void ring_accept(struct ring *ring, struct ring_tag tag, int listen_fd)
{
    struct io_uring_sqe *sqe = operation_new(ring);
    io_uring_prep_multishot_accept_direct(sqe, listen_fd, NULL, NULL, 0);
    operation_name(ring, sqe, tag, RING_ACCEPT);
}

/* Files: short transfers are within the contract, so longer ones are cut. */
static unsigned transfer_bytes(size_t bytes)
{
    return bytes < TRANSFER_BYTES_MAX ? (unsigned)bytes : (unsigned)TRANSFER_BYTES_MAX;
}

void ring_read(struct ring *ring, struct ring_tag tag, int fd, void *data, size_t bytes,
               int64_t offset)
{
    struct io_uring_sqe *sqe = operation_new(ring);
    io_uring_prep_read(sqe, fd, data, transfer_bytes(bytes), (uint64_t)offset);
    operation_name(ring, sqe, tag, RING_READ);
}

void ring_append(struct ring *ring, struct ring_tag tag, int fd, const void *data, size_t bytes)
{
    struct io_uring_sqe *sqe = operation_new(ring);
    io_uring_prep_write(sqe, fd, data, transfer_bytes(bytes), (uint64_t)-1);
    operation_name(ring, sqe, tag, RING_APPEND);
}

void ring_sync(struct ring *ring, struct ring_tag tag, int fd, bool whole)
{
    struct io_uring_sqe *sqe = operation_new(ring);
    io_uring_prep_fsync(sqe, fd, whole ? 0 : IORING_FSYNC_DATASYNC);
    operation_name(ring, sqe, tag, RING_SYNC);
}

void ring_open(struct ring *ring, struct ring_tag tag, const char *path, int flags)
{
    struct io_uring_sqe *sqe = operation_new(ring);
    io_uring_prep_openat(sqe, AT_FDCWD, path, flags | O_CLOEXEC, 0600);
    operation_name(ring, sqe, tag, RING_OPEN);
}

void ring_stat(struct ring *ring, struct ring_tag tag, int fd, struct statx *about)
{
    struct io_uring_sqe *sqe = operation_new(ring);
    io_uring_prep_statx(sqe, fd, "", AT_EMPTY_PATH, STATX_TYPE | STATX_NLINK | STATX_SIZE, about);
    operation_name(ring, sqe, tag, RING_STAT);
}

/* ---- Received data, completions ------------------------------------------------------------- */

const char *ring_buffer(const struct ring *ring, int32_t buffer)
{
    CHECK(buffer >= 0 && (uint32_t)buffer < ring->buffers);
    return ring->buffer_data + (size_t)buffer * ring->buffer_bytes +
           (ring->stamps ? RECEIVE_HEAD_BYTES : 0);
}

void ring_buffer_return(struct ring *ring, int32_t buffer)
{
    CHECK(buffer >= 0 && (uint32_t)buffer < ring->buffers);
    CHECK(ring->buffers_returned < ring->buffers);
    BUFFER_HIDE(ring->buffer_data + (size_t)buffer * ring->buffer_bytes, ring->buffer_bytes);
    buffer_provide(ring, (uint32_t)buffer);
}

/* Keeps `connects`, and sees whether a cancel must go again: it came while its chain was on the way
 * from one link to the next, where the kernel does not look. */
static bool cancel_again(struct ring *ring, uint64_t user_data, const struct ring_completion *c)
{
    uint32_t in_flight = c->generation | CONNECT_IN_FLIGHT;
    if (c->kind == RING_CONNECT && ring->connects[c->slot] == in_flight)
        ring->connects[c->slot] = 0;
    if (c->kind != RING_CANCEL || user_data >> 60 != RING_CONNECT || c->result != -ENOENT ||
        c->slot >= ring->sockets_max || ring->connects[c->slot] != in_flight)
        return false;
    ring_cancel(ring, (struct ring_tag){c->slot, c->generation}, RING_CONNECT);
    return true;
}

/* With stamps the kernel puts a head and the control data before the data, and counts them. */
static void unpack_message(const struct ring *ring, int32_t buffer, struct ring_completion *c)
{
    char *data = ring->buffer_data + (size_t)buffer * ring->buffer_bytes;
    struct io_uring_recvmsg_out out;
    CHECK(c->result >= RECEIVE_HEAD_BYTES);
    memcpy(&out, data, sizeof(out));
    c->result -= RECEIVE_HEAD_BYTES;
    c->stamp_ns = stamp_of_control(ring, data + sizeof(out), out.controllen);
}

/* False: nothing for the caller. */
static bool completion_take(struct ring *ring, const struct io_uring_cqe *cqe,
                            struct ring_completion *completion)
{
    uint64_t user_data = cqe->user_data;
    struct ring_completion c = {
        .slot = (uint32_t)user_data,
        .generation = (uint32_t)(user_data >> 32) & RING_GENERATION_MASK,
        .kind = (enum ring_kind)(user_data >> 56 & 0xf),
        .result = cqe->res,
        .buffer = -1,
        .more = (cqe->flags & IORING_CQE_F_MORE) != 0,
    };
    if (c.kind == RING_WAKE) {
        if (!c.more)
            wake_arm_again(ring);
        c.result = 0;
        c.more = false;
    }
    if (cancel_again(ring, user_data, &c))
        return false;
    if ((cqe->flags & IORING_CQE_F_BUFFER) != 0) {
        int32_t buffer = (int32_t)(cqe->flags >> IORING_CQE_BUFFER_SHIFT);
        BUFFER_SHOW(ring->buffer_data + (size_t)buffer * ring->buffer_bytes, ring->buffer_bytes);
        if (ring->stamps && c.result > 0)
            unpack_message(ring, buffer, &c);
        if (c.result > 0) {
            c.buffer = buffer;
        } else {
            ring_buffer_return(ring, buffer);
        }
    }
    *completion = c;
    return true;
}

unsigned ring_reap(struct ring *ring, struct ring_completion *completions, unsigned max)
{
    unsigned head, seen = 0, taken = 0;
    struct io_uring_cqe *cqe;
    io_uring_for_each_cqe(&ring->uring, head, cqe)
    {
        if (taken == max)
            break;
        seen++;
        if (completion_take(ring, cqe, &completions[taken]))
            taken++;
    }
    io_uring_cq_advance(&ring->uring, seen);
    ring->counters.completed += taken;
    return taken;
}
