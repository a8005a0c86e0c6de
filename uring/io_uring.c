/* ring.h over io_uring.
 *
 * What it owns: the two queues, the table of direct descriptors, one group of provided receive
 * buffers, an eventfd for ring_wake.
 *
 * Life: io_uring_ring_new makes the ring *disabled* (R_DISABLED), so that it has no owner yet, and
 * registers what it needs; the first enter enables it and so binds it to that thread
 * (SINGLE_ISSUER). From then on it only enters (io_uring_enter.c).
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
 *   - A receive on a unix socket brings one piece: kernels are known whose multishot receive loses
 *     the end of the stream when the peer's last bytes and its shutdown come together (liburing
 *     issue 1549). Which ones a slot holds, the family says that it was connected to, or that of
 *     the listener; with one unix listener all accepted sockets count as such.
 *   - The socket of a connection with a source (ring_options.source) is made and bound by system
 *     calls, and put into the table: io_uring binds since 6.11 alone. When that fails, an operation
 *     of no effect brings the completion, and `unbound` the error.
 *   - Until a connect's chain has come to its last link, a cancel cannot find it. Such a cancel is
 *     tried again here; `connects` knows which chains are still under way.
 *
 * Invariants: an operation's entries are submitted in one enter; every operation posts one
 * completion (CQE_SKIP_SUCCESS only within a chain); returned buffers and prepared entries reach
 * the kernel at the next enter. */
#include "uring/io_uring.h"

#include "base/check.h"
#include "uring/kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

static uint64_t user_data_pack(struct ring_tag tag, enum ring_kind kind, enum ring_kind target)
{
    return (uint64_t)target << 60 | (uint64_t)kind << 56 |
           (uint64_t)(tag.generation & RING_GENERATION_MASK) << 32 | tag.slot;
}

/* ---- Memory, freeing ------------------------------------------------------------------------- */

static int buffers_map(struct uring *u)
{
    size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE);
    size_t ring_bytes = u->buffers * sizeof(struct io_uring_buf);
    ring_bytes = (ring_bytes + page_bytes - 1) / page_bytes * page_bytes;
    u->mapping_bytes = ring_bytes + (size_t)u->buffers * u->buffer_bytes;
    void *mapping =
        mmap(NULL, u->mapping_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapping == MAP_FAILED)
        return errno == ENOMEM ? -ENOBUFS : -errno;
    /* A huge page would make two megabytes resident at the first byte. Kernels without huge pages
     * refuse this, and need it not. */
    (void)madvise(mapping, u->mapping_bytes, MADV_NOHUGEPAGE);
    u->buffer_ring = mapping;
    u->buffer_data = (char *)mapping + ring_bytes;
    BUFFER_HIDE(u->buffer_data, u->mapping_bytes - ring_bytes);
    return 0;
}

static void buffers_unmap(struct uring *u)
{
    if (u->buffer_ring == NULL)
        return;
    BUFFER_SHOW(u->buffer_data, (size_t)u->buffers * u->buffer_bytes);
    munmap(u->buffer_ring, u->mapping_bytes);
}

/* Frees all but the queues. */
static void free_memory(struct uring *u)
{
    if (u->wake_fd >= 0)
        close(u->wake_fd);
    if (u->event_fd >= 0)
        close(u->event_fd);
    buffers_unmap(u);
    free(u->connects);
    free(u->one_shot);
    free(u->unbound);
    free(u);
}

static void buffer_provide(struct uring *u, uint32_t buffer)
{
    char *data = u->buffer_data + (size_t)buffer * u->buffer_bytes;
    io_uring_buf_ring_add(u->buffer_ring, data, u->buffer_bytes, (unsigned short)buffer,
                          io_uring_buf_ring_mask(u->buffers), (int)u->buffers_returned++);
}

static void uring_free(struct ring *ring)
{
    struct uring *u = (struct uring *)ring;
    io_uring_queue_exit(&u->io);
    free_memory(u);
}

/* ---- Wake-ups ------------------------------------------------------------------------------- */

static int uring_fd(struct ring *ring)
{
    struct uring *u = (struct uring *)ring;
    int fd = atomic_load_explicit(&u->event_fd, memory_order_relaxed);
    if (fd >= 0)
        return fd;
    fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (fd < 0)
        return -errno;
    int result = io_uring_register_eventfd(&u->io, fd);
    if (result < 0) {
        close(fd);
        return result;
    }
    atomic_store(&u->event_fd, fd);
    kernel_signal(fd); /* for what was there before it, and for a ring_wake that has not seen it */
    return fd;
}

/* ---- Preparing ------------------------------------------------------------------------------ */

/* Makes room for entries that must be submitted together, by submitting what is there. */
static void sq_reserve(struct uring *u, unsigned entries)
{
    for (unsigned tries = 0; io_uring_sq_space_left(&u->io) < entries; tries++) {
        if (tries == SUBMIT_TRIES_MAX)
            u->broken = -EAGAIN;
        if (uring_enter(u, 0, NULL) < 0)
            return;
    }
}

static struct io_uring_sqe *sqe_next(struct uring *u)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(&u->io);
    return sqe != NULL ? sqe : &u->spare;
}

/* A place for an operation of one entry. Not inlined into each of them: they are many. */
__attribute__((noinline)) static struct io_uring_sqe *operation_new(struct uring *u)
{
    sq_reserve(u, 1);
    return sqe_next(u);
}

/* The liburing functions reset flags and user_data; hence this comes last. */
static void operation_name(struct uring *u, struct io_uring_sqe *sqe, struct ring_tag tag,
                           enum ring_kind kind)
{
    io_uring_sqe_set_data64(sqe, user_data_pack(tag, kind, 0));
    u->operations_prepared++;
}

static int slot_fd(const struct uring *u, struct ring_tag tag)
{
    CHECK(tag.slot < u->sockets_max);
    return (int)tag.slot;
}

static void wake_arm(struct uring *u)
{
    struct io_uring_sqe *sqe = operation_new(u);
    io_uring_prep_poll_multishot(sqe, u->wake_fd, POLLIN);
    operation_name(u, sqe, (struct ring_tag){0}, RING_WAKE);
}

/* A full completion queue ended the poll. A new one reports at once what is already readable, so
 * the counter goes to 0 first: those wake-ups are in the completion at hand. */
static void wake_arm_again(struct uring *u)
{
    uint64_t count;
    ssize_t got = read(u->wake_fd, &count, sizeof(count));
    (void)got;
    wake_arm(u);
}

/* Both, and in this order, so that whom the second one wakes finds what the first one brings. */
static void uring_wake(struct ring *ring)
{
    struct uring *u = (struct uring *)ring;
    int saved = errno;
    kernel_signal(u->wake_fd);
    int fd = atomic_load(&u->event_fd);
    if (fd >= 0)
        kernel_signal(fd);
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

/* A bound socket in the slot. 0, or a negated errno. */
static int open_bound(struct uring *u, int slot, int family, enum ring_use use)
{
    static const int off = 0, on = 1;
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    bool one = use == RING_FOR_ONE;
    (void)setsockopt(fd, IPPROTO_TCP, one ? TCP_QUICKACK : TCP_NODELAY, one ? &off : &on,
                     sizeof(on));
    int result = kernel_source_bind(&u->ring, fd, family);
    if (result == 0)
        result = io_uring_register_files_update(&u->io, (unsigned)slot, &fd, 1);
    close(fd);
    return result < 0 ? result : 0;
}

static void connect_bound(struct uring *u, struct ring_tag tag, const struct sockaddr *address,
                          socklen_t address_bytes, enum ring_use use)
{
    int slot = slot_fd(u, tag);
    u->unbound[slot] = open_bound(u, slot, address->sa_family, use);
    struct io_uring_sqe *sqe = operation_new(u);
    if (u->unbound[slot] < 0) {
        io_uring_prep_nop(sqe);
        u->inline_prepared++;
    } else {
        io_uring_prep_connect(sqe, slot, address, address_bytes);
        io_uring_sqe_set_flags(sqe, IOSQE_FIXED_FILE);
    }
    operation_name(u, sqe, tag, RING_CONNECT);
    u->connects[slot] = (tag.generation & RING_GENERATION_MASK) | CONNECT_IN_FLIGHT;
    u->one_shot[slot] = false;
}

static void uring_connect(struct ring *ring, struct ring_tag tag, const struct sockaddr *address,
                          socklen_t address_bytes, enum ring_use use)
{
    struct uring *u = (struct uring *)ring;
    /* A member that fails posts the chain's one completion, and its successors go silently. The
     * last one is not skipped: kernels before 6.12 could lose it. */
    const unsigned member = IOSQE_IO_LINK | IOSQE_CQE_SKIP_SUCCESS;
    int slot = slot_fd(u, tag);
    if (u->unbound != NULL && address->sa_family != AF_UNIX) {
        connect_bound(u, tag, address, address_bytes, use);
        return;
    }
    sq_reserve(u, CONNECT_CHAIN);
    struct io_uring_sqe *sqe = sqe_next(u);
    /* A blocking connect to a unix socket sleeps in the kernel until its listener's queue has room:
     * a worker thread for each, and nothing tells why. */
    bool is_unix = address->sa_family == AF_UNIX;
    io_uring_prep_socket_direct(sqe, address->sa_family,
                                SOCK_STREAM | (is_unix ? SOCK_NONBLOCK : 0), 0, tag.slot, 0);
    io_uring_sqe_set_flags(sqe, member);
    io_uring_sqe_set_data64(sqe, user_data_pack(tag, RING_CONNECT, 0));
    if (u->ring.features.direct_sockopt &&
        (address->sa_family == AF_INET || address->sa_family == AF_INET6)) {
        sqe = sqe_next(u);
        prepare_option(sqe, slot, use);
        io_uring_sqe_set_flags(sqe, member | IOSQE_FIXED_FILE);
        io_uring_sqe_set_data64(sqe, user_data_pack(tag, RING_CONNECT, 0));
    }
    sqe = sqe_next(u);
    io_uring_prep_connect(sqe, slot, address, address_bytes);
    io_uring_sqe_set_flags(sqe, IOSQE_FIXED_FILE);
    operation_name(u, sqe, tag, RING_CONNECT);
    u->connects[slot] = (tag.generation & RING_GENERATION_MASK) | CONNECT_IN_FLIGHT;
    u->one_shot[slot] = is_unix;
}

static void uring_send(struct ring *ring, struct ring_tag tag, const void *data, size_t bytes)
{
    struct uring *u = (struct uring *)ring;
    CHECK(bytes <= TRANSFER_BYTES_MAX);
    struct io_uring_sqe *sqe = operation_new(u);
    io_uring_prep_send(sqe, slot_fd(u, tag), data, bytes, MSG_WAITALL | MSG_NOSIGNAL);
    io_uring_sqe_set_flags(sqe, IOSQE_FIXED_FILE);
    operation_name(u, sqe, tag, RING_SEND);
    u->inline_prepared++;
}

static void uring_send_parts(struct ring *ring, struct ring_tag tag, const struct msghdr *message)
{
    struct uring *u = (struct uring *)ring;
    struct io_uring_sqe *sqe = operation_new(u);
    io_uring_prep_sendmsg(sqe, slot_fd(u, tag), message, MSG_WAITALL | MSG_NOSIGNAL);
    io_uring_sqe_set_flags(sqe, IOSQE_FIXED_FILE);
    operation_name(u, sqe, tag, RING_SEND);
    u->inline_prepared++;
}

/* Data that come without a head are moved to where they would be with one. */
static size_t one_shot_bytes(const struct uring *u)
{
    return u->buffer_bytes - (u->stamps ? RECEIVE_HEAD_BYTES : 0);
}

static void uring_recv(struct ring *ring, struct ring_tag tag)
{
    struct uring *u = (struct uring *)ring;
    struct io_uring_sqe *sqe = operation_new(u);
    static const struct msghdr with_control = {.msg_controllen = STAMP_CONTROL_BYTES};
    if (u->one_shot[tag.slot])
        io_uring_prep_recv(sqe, slot_fd(u, tag), NULL, one_shot_bytes(u), 0);
    else if (u->stamps)
        io_uring_prep_recvmsg_multishot(sqe, slot_fd(u, tag),
                                        (struct msghdr *)(uintptr_t)&with_control, 0);
    else
        io_uring_prep_recv_multishot(sqe, slot_fd(u, tag), NULL, 0, 0);
    /* Without POLL_FIRST an idle socket would ask for a buffer as well, and fail for want of one.
     */
    sqe->ioprio |= IORING_RECVSEND_POLL_FIRST;
    sqe->buf_group = BUFFER_GROUP;
    io_uring_sqe_set_flags(sqe, IOSQE_FIXED_FILE | IOSQE_BUFFER_SELECT);
    operation_name(u, sqe, tag, RING_RECV);
}

static void uring_cancel(struct ring *ring, struct ring_tag tag, enum ring_kind kind)
{
    struct uring *u = (struct uring *)ring;
    struct io_uring_sqe *sqe = operation_new(u);
    io_uring_prep_cancel64(sqe, user_data_pack(tag, kind, 0), 0);
    io_uring_sqe_set_data64(sqe, user_data_pack(tag, RING_CANCEL, kind));
    u->operations_prepared++;
    u->inline_prepared++;
}

/* Connecting to no address dissolves a connection (connect(2)); TCP tells the peer with a reset. It
 * needs no SO_LINGER, which direct descriptors can have only since 6.7. */
static void uring_reset(struct ring *ring, struct ring_tag tag)
{
    struct uring *u = (struct uring *)ring;
    static const struct sockaddr nowhere = {.sa_family = AF_UNSPEC};
    struct io_uring_sqe *sqe = operation_new(u);
    io_uring_prep_connect(sqe, slot_fd(u, tag), &nowhere, sizeof(nowhere));
    io_uring_sqe_set_flags(sqe, IOSQE_FIXED_FILE);
    operation_name(u, sqe, tag, RING_CONNECT);
    u->inline_prepared++;
}

static void uring_close(struct ring *ring, struct ring_tag tag)
{
    struct uring *u = (struct uring *)ring;
    struct io_uring_sqe *sqe = operation_new(u);
    io_uring_prep_close_direct(sqe, (unsigned)slot_fd(u, tag));
    operation_name(u, sqe, tag, RING_CLOSE);
    u->inline_prepared++;
}

static void uring_install(struct ring *ring, struct ring_tag tag)
{
    struct uring *u = (struct uring *)ring;
    struct io_uring_sqe *sqe = operation_new(u);
    memset(sqe, 0, sizeof(*sqe));
    sqe->opcode = OPERATION_FIXED_FD_INSTALL;
    sqe->fd = slot_fd(u, tag);
    io_uring_sqe_set_flags(sqe, IOSQE_FIXED_FILE);
    operation_name(u, sqe, tag, RING_INSTALL);
    u->inline_prepared++;
}

static bool uring_stamps_on(const struct ring *ring, int descriptor)
{
    const struct uring *u = (const struct uring *)ring;
    return u->stamps && kernel_stamps_on(descriptor);
}

static void uring_accept(struct ring *ring, struct ring_tag tag, int listen_fd)
{
    struct uring *u = (struct uring *)ring;
    struct io_uring_sqe *sqe = operation_new(u);
    io_uring_prep_multishot_accept_direct(sqe, listen_fd, NULL, NULL, 0);
    operation_name(u, sqe, tag, RING_ACCEPT);
    int family = AF_UNSPEC;
    socklen_t bytes = sizeof(family);
    (void)getsockopt(listen_fd, SOL_SOCKET, SO_DOMAIN, &family, &bytes);
    u->accepts_unix |= family == AF_UNIX;
}

/* Files: short transfers are within the contract, so longer ones are cut. */
static unsigned transfer_bytes(size_t bytes)
{
    return bytes < TRANSFER_BYTES_MAX ? (unsigned)bytes : (unsigned)TRANSFER_BYTES_MAX;
}

static void uring_read(struct ring *ring, struct ring_tag tag, int fd, void *data, size_t bytes,
                       int64_t offset)
{
    struct uring *u = (struct uring *)ring;
    struct io_uring_sqe *sqe = operation_new(u);
    io_uring_prep_read(sqe, fd, data, transfer_bytes(bytes), (uint64_t)offset);
    operation_name(u, sqe, tag, RING_READ);
}

static void uring_append(struct ring *ring, struct ring_tag tag, int fd, const void *data,
                         size_t bytes)
{
    struct uring *u = (struct uring *)ring;
    struct io_uring_sqe *sqe = operation_new(u);
    io_uring_prep_write(sqe, fd, data, transfer_bytes(bytes), (uint64_t)-1);
    operation_name(u, sqe, tag, RING_APPEND);
}

static void uring_sync(struct ring *ring, struct ring_tag tag, int fd, bool whole)
{
    struct uring *u = (struct uring *)ring;
    struct io_uring_sqe *sqe = operation_new(u);
    io_uring_prep_fsync(sqe, fd, whole ? 0 : IORING_FSYNC_DATASYNC);
    operation_name(u, sqe, tag, RING_SYNC);
}

static void uring_open(struct ring *ring, struct ring_tag tag, const char *path, int flags)
{
    struct uring *u = (struct uring *)ring;
    struct io_uring_sqe *sqe = operation_new(u);
    io_uring_prep_openat(sqe, AT_FDCWD, path, flags | O_CLOEXEC, 0600);
    operation_name(u, sqe, tag, RING_OPEN);
}

static void uring_stat(struct ring *ring, struct ring_tag tag, int fd, struct statx *about)
{
    struct uring *u = (struct uring *)ring;
    struct io_uring_sqe *sqe = operation_new(u);
    io_uring_prep_statx(sqe, fd, "", AT_EMPTY_PATH, STATX_TYPE | STATX_NLINK | STATX_SIZE, about);
    operation_name(u, sqe, tag, RING_STAT);
}

/* ---- Received data, completions ------------------------------------------------------------- */

static const char *uring_buffer(const struct ring *ring, int32_t buffer)
{
    const struct uring *u = (const struct uring *)ring;
    CHECK(buffer >= 0 && (uint32_t)buffer < u->buffers);
    return u->buffer_data + (size_t)buffer * u->buffer_bytes + (u->stamps ? RECEIVE_HEAD_BYTES : 0);
}

static void uring_buffer_return(struct ring *ring, int32_t buffer)
{
    struct uring *u = (struct uring *)ring;
    CHECK(buffer >= 0 && (uint32_t)buffer < u->buffers);
    CHECK(u->buffers_returned < u->buffers);
    BUFFER_HIDE(u->buffer_data + (size_t)buffer * u->buffer_bytes, u->buffer_bytes);
    buffer_provide(u, (uint32_t)buffer);
}

/* Keeps `connects`, and sees whether a cancel must go again: it came while its chain was on the way
 * from one link to the next, where the kernel does not look. */
static bool cancel_again(struct uring *u, uint64_t user_data, const struct ring_completion *c)
{
    uint32_t in_flight = c->generation | CONNECT_IN_FLIGHT;
    if (c->kind == RING_CONNECT && u->connects[c->slot] == in_flight)
        u->connects[c->slot] = 0;
    if (c->kind != RING_CANCEL || user_data >> 60 != RING_CONNECT || c->result != -ENOENT ||
        c->slot >= u->sockets_max || u->connects[c->slot] != in_flight)
        return false;
    uring_cancel(&u->ring, (struct ring_tag){c->slot, c->generation}, RING_CONNECT);
    return true;
}

/* With stamps the kernel puts a head and the control data before the data, and counts them. */
static void unpack_message(const struct uring *u, int32_t buffer, struct ring_completion *c)
{
    char *data = u->buffer_data + (size_t)buffer * u->buffer_bytes;
    struct io_uring_recvmsg_out out;
    if (u->one_shot[c->slot]) {
        memmove(data + RECEIVE_HEAD_BYTES, data, (size_t)c->result);
        return;
    }
    CHECK(c->result >= RECEIVE_HEAD_BYTES);
    memcpy(&out, data, sizeof(out));
    c->result -= RECEIVE_HEAD_BYTES;
    c->stamp_ns = kernel_stamp_of_control(data + sizeof(out), out.controllen);
}

/* False: nothing for the caller. */
static bool completion_take(struct uring *u, const struct io_uring_cqe *cqe,
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
            wake_arm_again(u);
        c.result = 0;
        c.more = false;
    }
    if (cancel_again(u, user_data, &c))
        return false;
    if (c.kind == RING_CONNECT && u->unbound != NULL && u->unbound[c.slot] < 0) {
        c.result = u->unbound[c.slot];
        u->unbound[c.slot] = 0;
    }
    if (c.kind == RING_ACCEPT && c.result >= 0)
        u->one_shot[c.result] = u->accepts_unix;
    if ((cqe->flags & IORING_CQE_F_BUFFER) != 0) {
        int32_t buffer = (int32_t)(cqe->flags >> IORING_CQE_BUFFER_SHIFT);
        BUFFER_SHOW(u->buffer_data + (size_t)buffer * u->buffer_bytes, u->buffer_bytes);
        if (u->stamps && c.result > 0)
            unpack_message(u, buffer, &c);
        if (c.result > 0) {
            c.buffer = buffer;
        } else {
            uring_buffer_return(&u->ring, buffer);
        }
    }
    *completion = c;
    return true;
}

static unsigned uring_reap(struct ring *ring, struct ring_completion *completions, unsigned max)
{
    struct uring *u = (struct uring *)ring;
    unsigned head, seen = 0, taken = 0;
    struct io_uring_cqe *cqe;
    io_uring_for_each_cqe(&u->io, head, cqe)
    {
        if (taken == max)
            break;
        seen++;
        if (completion_take(u, cqe, &completions[taken]))
            taken++;
    }
    io_uring_cq_advance(&u->io, seen);
    u->ring.counters.completed += taken;
    return taken;
}

static unsigned uring_prepared(const struct ring *ring)
{
    const struct uring *u = (const struct uring *)ring;
    return u->operations_prepared;
}

/* ---- Making --------------------------------------------------------------------------------- */

static const struct ring_ops ops = {
    .free = uring_free,
    .now_ns = kernel_now_ns,
    .wall_ms = kernel_wall_ms,
    .connect = uring_connect,
    .send = uring_send,
    .send_parts = uring_send_parts,
    .recv = uring_recv,
    .cancel = uring_cancel,
    .reset = uring_reset,
    .close = uring_close,
    .accept = uring_accept,
    .install = uring_install,
    .tcp_info = kernel_tcp_info,
    .has_source = kernel_has_source,
    .stamps_on = uring_stamps_on,
    .sent_stamp = kernel_sent_stamp,
    .descriptor_close = kernel_descriptor_close,
    .buffer = uring_buffer,
    .buffer_return = uring_buffer_return,
    .read = uring_read,
    .append = uring_append,
    .sync = uring_sync,
    .open = uring_open,
    .stat = uring_stat,
    .prepared = uring_prepared,
    .wake = uring_wake,
    .fd = uring_fd,
    .submit_and_wait = uring_submit_and_wait,
    .is_caught_up = uring_is_caught_up,
    .reap = uring_reap,
};

int io_uring_ring_new(struct ring **ring, const struct ring_options *options)
{
    CHECK(options->sockets_max > 0 && options->buffer_bytes > 0);
    CHECK(options->buffers > 0 && options->buffers <= BUFFERS_MAX);
    struct uring *u = calloc(1, sizeof(*u));
    if (u == NULL)
        return -ENOBUFS;
    u->ring.ops = &ops;
    u->sockets_max = options->sockets_max;
    u->buffers = power_of_two_at_least(options->buffers);
    u->buffer_bytes = options->buffer_bytes;
    u->stamps = options->stamps;
    u->connects = calloc(u->sockets_max, sizeof(*u->connects));
    u->one_shot = calloc(u->sockets_max, sizeof(*u->one_shot));
    u->event_fd = -1;
    u->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int result = u->wake_fd < 0 ? -errno : 0;
    kernel_source_take(&u->ring, options);
    if (u->ring.has_source)
        u->unbound = calloc(u->sockets_max, sizeof(*u->unbound));
    if (u->connects == NULL || u->one_shot == NULL || (u->ring.has_source && u->unbound == NULL))
        result = -ENOBUFS;
    if (result == 0)
        result = buffers_map(u);
    if (result == 0)
        result = uring_open_queues(u);
    if (result != 0) {
        free_memory(u);
        return result;
    }
    if (options->min_wait && u->ring.features.min_wait == RING_MIN_WAIT_UNASKED)
        u->ring.features.min_wait = uring_min_wait(u->io.flags & MODE_FLAGS);
    for (uint32_t i = 0; i < u->buffers; i++)
        buffer_provide(u, i);
    wake_arm(u);
    *ring = &u->ring;
    return 0;
}
