/* The sockets of the ring over epoll.
 *
 * Each is registered once, for all edges of reading and writing (EPOLLET): `readable` and
 * `writable` say what is known, and are taken back when a call finds nothing. A receive that brings
 * less than its buffer holds has emptied the socket, and spares the call that would say so; unless
 * the stream's end or an error was seen, which only another receive brings to light (epoll(7)).
 *
 * An operation is tried when it is submitted, and again at each edge: a send until all has left, a
 * receive as long as there are bytes and buffers. What a receive leaves for the sake of others goes
 * on at the next submit-and-wait, which then does not sleep. */
#include "base/check.h"
#include "uring/epoll_ring.h"
#include "uring/kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    RECEIVES_PER_TURN = 32, /* of one socket, as many as of io_uring's multishot receive */
    PARTS_AT_ONCE = 8,
    CONTROL_BYTES = 64, /* room for one struct scm_timestamping */
};

static struct epoll_socket *socket_of(const struct epoll_ring *r, struct ring_tag tag)
{
    CHECK(tag.slot < r->sockets_max);
    return &r->sockets[tag.slot];
}

static uint32_t slot_of(const struct epoll_ring *r, const struct epoll_socket *s)
{
    return (uint32_t)(s - r->sockets);
}

static void complete(struct epoll_ring *r, const struct epoll_socket *s, enum ring_kind kind,
                     int32_t result)
{
    epoll_complete(r, (struct ring_tag){slot_of(r, s), s->generation}, kind, result);
}

void epoll_sockets_init(struct epoll_ring *r)
{
    list_init(&r->again);
    for (uint32_t i = 0; i < r->sockets_max; i++) {
        r->sockets[i].fd = -1;
        list_init(&r->sockets[i].again);
    }
}

void epoll_sockets_free(struct epoll_ring *r)
{
    for (uint32_t i = 0; i < r->sockets_max; i++)
        if (r->sockets[i].fd >= 0)
            close(r->sockets[i].fd);
}

/* False: errno tells why. */
static bool watch(const struct epoll_ring *r, const struct epoll_socket *s)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
                                .data.u64 = (uint64_t)slot_of(r, s) << 2 | EPOLL_SOCKET};
    return epoll_ctl(r->epoll_fd, EPOLL_CTL_ADD, s->fd, &event) == 0;
}

static void begin(struct epoll_socket *s, int fd)
{
    struct list again = s->again;
    CHECK(s->fd < 0);
    *s = (struct epoll_socket){.fd = fd, .again = again};
    list_init(&s->again);
}

int32_t epoll_socket_take(struct epoll_ring *r, int fd)
{
    uint32_t slot = 0;
    while (slot < r->sockets_max && r->sockets[slot].fd >= 0)
        slot++;
    if (slot == r->sockets_max) {
        close(fd);
        return -ENFILE;
    }
    struct epoll_socket *s = &r->sockets[slot];
    begin(s, fd);
    if (watch(r, s))
        return (int32_t)slot;
    int error = errno;
    close(fd);
    s->fd = -1;
    return -error;
}

/* ---- Connecting ----------------------------------------------------------------------------- */

/* TCP_QUICKACK set to 0 before the connect has the kernel expect that every acknowledgement finds
 * data to travel with (tcp(7)). */
static void set_option(int fd, int family, enum ring_use use)
{
    static const int off = 0, on = 1;
    if (family != AF_INET && family != AF_INET6)
        return;
    if (use == RING_FOR_ONE)
        (void)setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &off, sizeof(off));
    else
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

static void connect_over(struct epoll_ring *r, struct epoll_socket *s, int32_t result)
{
    CHECK(s->connects);
    s->connects = false;
    complete(r, s, RING_CONNECT, result);
}

static void begin_connect(struct epoll_ring *r, const struct epoll_prepared *asked)
{
    const struct sockaddr *address = asked->from;
    struct epoll_socket *s = socket_of(r, asked->tag);
    int fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        epoll_complete(r, asked->tag, RING_CONNECT, -errno);
        return;
    }
    begin(s, fd);
    s->generation = asked->tag.generation;
    s->connects = true;
    set_option(fd, address->sa_family, asked->use);
    int result = r->ring.has_source && address->sa_family != AF_UNIX
                     ? kernel_source_bind(&r->ring, fd, address->sa_family)
                     : 0;
    if (result < 0) {
        connect_over(r, s, result);
        return;
    }
    result = connect(fd, address, (socklen_t)asked->bytes);
    int error = result == 0 ? 0 : errno;
    /* Only now: a socket that nobody has connected polls as one that has hung up. */
    if ((error == 0 || error == EINPROGRESS) && !watch(r, s))
        error = errno;
    if (error != EINPROGRESS)
        connect_over(r, s, -error);
}

static void connect_event(struct epoll_ring *r, struct epoll_socket *s, uint32_t events)
{
    int error = 0;
    socklen_t bytes = sizeof(error);
    if (getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &error, &bytes) != 0)
        error = errno;
    if (error != 0 || (events & EPOLLOUT) != 0)
        connect_over(r, s, -error);
}

/* Connecting to no address dissolves a connection (connect(2)); TCP tells the peer with a reset. */
static void reset(struct epoll_ring *r, const struct epoll_prepared *asked)
{
    static const struct sockaddr nowhere = {.sa_family = AF_UNSPEC};
    const struct epoll_socket *s = socket_of(r, asked->tag);
    int result = connect(s->fd, &nowhere, sizeof(nowhere));
    epoll_complete(r, asked->tag, RING_CONNECT, epoll_result(result, errno));
}

void epoll_connect_do(struct epoll_ring *r, const struct epoll_prepared *asked)
{
    if (asked->flags)
        reset(r, asked);
    else
        begin_connect(r, asked);
}

/* ---- Sending -------------------------------------------------------------------------------- */

/* What is still to be sent, as much as fits. Returns the number of parts. */
static size_t parts_left(const struct epoll_socket *s, struct iovec parts[PARTS_AT_ONCE])
{
    size_t skip = s->sent_bytes, used = 0;
    if (!s->message) {
        parts[0] = (struct iovec){(char *)(uintptr_t)s->data + skip, s->bytes - skip};
        return parts[0].iov_len > 0;
    }
    for (size_t i = 0; i < s->message->msg_iovlen && used < PARTS_AT_ONCE; i++) {
        const struct iovec *from = &s->message->msg_iov[i];
        if (skip >= from->iov_len) {
            skip -= from->iov_len;
            continue;
        }
        parts[used++] = (struct iovec){(char *)from->iov_base + skip, from->iov_len - skip};
        skip = 0;
    }
    return used;
}

static void send_over(struct epoll_ring *r, struct epoll_socket *s, int32_t result)
{
    CHECK(s->sends);
    s->sends = false;
    complete(r, s, RING_SEND, s->sent_bytes > 0 ? (int32_t)s->sent_bytes : result);
}

static void send_on(struct epoll_ring *r, struct epoll_socket *s)
{
    struct iovec parts[PARTS_AT_ONCE];
    struct msghdr message = {.msg_iov = parts};
    while (s->writable && (message.msg_iovlen = parts_left(s, parts)) > 0) {
        ssize_t sent = sendmsg(s->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
        r->ring.counters.calls++;
        if (sent >= 0) {
            s->sent_bytes += (size_t)sent;
        } else if (errno == EAGAIN) {
            s->writable = false;
        } else if (errno != EINTR) {
            send_over(r, s, -errno);
            return;
        }
    }
    if (s->writable)
        send_over(r, s, 0);
}

void epoll_send_do(struct epoll_ring *r, const struct epoll_prepared *asked)
{
    struct epoll_socket *s = socket_of(r, asked->tag);
    if (s->fd < 0) {
        epoll_complete(r, asked->tag, RING_SEND, -EBADF);
        return;
    }
    bool is_message = asked->bytes == SIZE_MAX;
    CHECK(!s->sends);
    s->sends = true;
    s->generation = asked->tag.generation;
    s->message = is_message ? asked->message : NULL;
    s->data = is_message ? NULL : asked->from;
    s->bytes = asked->bytes;
    s->sent_bytes = 0;
    s->writable = true; /* the kernel says when it is not */
    send_on(r, s);
}

/* ---- Receiving ------------------------------------------------------------------------------ */

static ssize_t receive_stamped(const struct epoll_socket *s, struct iovec *part, uint64_t *stamp_ns)
{
    _Alignas(struct cmsghdr) char control[CONTROL_BYTES];
    struct msghdr message = {.msg_iov = part,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = sizeof(control)};
    ssize_t got = recvmsg(s->fd, &message, MSG_DONTWAIT);
    if (got > 0)
        *stamp_ns = kernel_stamp_of_control(control, message.msg_controllen);
    return got;
}

static void receive_over(struct epoll_ring *r, struct epoll_socket *s, int32_t result)
{
    CHECK(s->receives);
    s->receives = false;
    list_remove(&s->again);
    complete(r, s, RING_RECV, result);
}

/* One buffer's worth. False: nothing more for now, or the receive is over. */
static bool receive_some(struct epoll_ring *r, struct epoll_socket *s)
{
    uint64_t stamp_ns = 0;
    int32_t buffer = epoll_buffer_take(r);
    if (buffer < 0) {
        receive_over(r, s, -ENOBUFS);
        return false;
    }
    char *data = r->buffer_data + (size_t)buffer * r->buffer_bytes;
    struct iovec part = {data, r->buffer_bytes};
    ssize_t got = r->stamps ? receive_stamped(s, &part, &stamp_ns)
                            : recv(s->fd, data, r->buffer_bytes, MSG_DONTWAIT);
    int error = errno;
    r->ring.counters.calls++;
    if (got <= 0)
        ring_buffer_return(&r->ring, buffer);
    if (got < 0 && error == EINTR)
        return true;
    if (got < 0 && error == EAGAIN) {
        s->readable = false;
        return false;
    }
    if (got <= 0) {
        receive_over(r, s, epoll_result(got, error));
        return false;
    }
    if ((size_t)got < r->buffer_bytes && !s->hung)
        s->readable = false;
    epoll_completion(r, &(struct ring_completion){.slot = slot_of(r, s),
                                                  .generation = s->generation,
                                                  .kind = RING_RECV,
                                                  .result = (int32_t)got,
                                                  .buffer = buffer,
                                                  .more = true,
                                                  .stamp_ns = stamp_ns});
    return s->readable;
}

static void receive_on(struct epoll_ring *r, struct epoll_socket *s)
{
    unsigned left = RECEIVES_PER_TURN;
    list_remove(&s->again);
    while (left > 0 && s->readable && receive_some(r, s))
        left--;
    if (left == 0 && s->readable && s->receives)
        list_push_back(&r->again, &s->again);
}

void epoll_recv_do(struct epoll_ring *r, const struct epoll_prepared *asked)
{
    struct epoll_socket *s = socket_of(r, asked->tag);
    if (s->fd < 0) {
        epoll_complete(r, asked->tag, RING_RECV, -EBADF);
        return;
    }
    CHECK(!s->receives);
    s->receives = true;
    s->generation = asked->tag.generation;
    receive_on(r, s);
}

void epoll_sockets_go_on(struct epoll_ring *r)
{
    struct list now, *node;
    list_init(&now);
    list_append_all(&now, &r->again);
    while ((node = list_pop_front(&now)))
        receive_on(r, LIST_OWNER(node, struct epoll_socket, again));
}

/* ---- The rest ------------------------------------------------------------------------------- */

void epoll_close_do(struct epoll_ring *r, const struct epoll_prepared *asked)
{
    struct epoll_socket *s = socket_of(r, asked->tag);
    CHECK(!s->connects && !s->sends && !s->receives);
    int fd = s->fd;
    s->fd = -1;
    /* With another descriptor for it, it would go on to tell of itself (epoll(7), Q6). */
    if (fd >= 0 && s->installed)
        (void)epoll_ctl(r->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
    int result = fd < 0 ? -EBADF : 0;
    if (fd >= 0)
        close(fd);
    epoll_complete(r, asked->tag, RING_CLOSE, result);
}

void epoll_install_do(struct epoll_ring *r, const struct epoll_prepared *asked)
{
    struct epoll_socket *s = socket_of(r, asked->tag);
    int descriptor = fcntl(s->fd, F_DUPFD_CLOEXEC, 0);
    int error = errno;
    s->installed |= descriptor >= 0;
    epoll_complete(r, asked->tag, RING_INSTALL, epoll_result(descriptor, error));
}

int32_t epoll_socket_cancel(struct epoll_ring *r, const struct epoll_prepared *asked)
{
    struct epoll_socket *s = socket_of(r, asked->tag);
    if (s->fd < 0 || !ring_tag_matches(s->generation, asked->tag.generation & RING_GENERATION_MASK))
        return -ENOENT;
    if (asked->target == RING_CONNECT && s->connects)
        connect_over(r, s, -ECANCELED);
    else if (asked->target == RING_SEND && s->sends)
        send_over(r, s, -ECANCELED);
    else if (asked->target == RING_RECV && s->receives)
        receive_over(r, s, -ECANCELED);
    else
        return -ENOENT;
    return 0;
}

void epoll_socket_event(struct epoll_ring *r, uint32_t slot, uint32_t events)
{
    struct epoll_socket *s = &r->sockets[slot];
    CHECK(slot < r->sockets_max && s->fd >= 0);
    s->hung |= (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
    s->readable |= (events & ~(uint32_t)EPOLLOUT) != 0;
    s->writable |= (events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0;
    if (s->connects)
        connect_event(r, s, events);
    if (s->sends && s->writable)
        send_on(r, s);
    if (s->receives && s->readable)
        receive_on(r, s);
}
