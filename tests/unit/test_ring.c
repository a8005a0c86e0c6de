/* The ring's operations against the running kernel: sockets over loopback, files, pipes, and more
 * of them than the queues hold. */
#include "ring_fixture.h"

#include <fcntl.h>
#include <linux/tcp.h>

static void assert_received(uint32_t slot, const char *text)
{
    struct ring_completion c = await(RING_RECV, slot);
    assert_int_equal(c.result, (int)strlen(text));
    assert_true(c.buffer >= 0 && c.buffer < BUFFERS);
    assert_memory_equal(ring_buffer(ring, c.buffer), text, strlen(text));
    ring_buffer_return(ring, c.buffer);
}

/* Both ends on the ring. The kernel takes the lowest free slot for the accepted one. */
static void test_round_trip(void **state)
{
    struct sockaddr_in address;
    int listener = listen_on(&address, 8);
    struct iovec parts[2] = {{(void *)(uintptr_t) "good ", 5}, {(void *)(uintptr_t) "day", 3}};
    const struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    (void)state;

    ring_accept(ring, tag(5), listener);
    connect_slot(tag(SOCKETS - 1), &address);
    assert_int_equal(await_last(RING_CONNECT, SOCKETS - 1), 0);
    struct ring_completion accepted = await(RING_ACCEPT, 5);
    assert_true(accepted.more);
    uint32_t server = (uint32_t)accepted.result;
    assert_int_equal(server, 0);

    ring_recv(ring, tag(server));
    ring_recv(ring, tag(SOCKETS - 1));
    ring_send(ring, tag(SOCKETS - 1), "hello", 5);
    assert_int_equal(await_last(RING_SEND, SOCKETS - 1), 5);
    assert_received(server, "hello");
    ring_send_parts(ring, tag(server), &message);
    assert_int_equal(await_last(RING_SEND, server), 8);
    assert_received(SOCKETS - 1, "good day");

    ring_cancel(ring, tag(SOCKETS - 1), RING_RECV);
    assert_int_equal(await_last(RING_RECV, SOCKETS - 1), -ECANCELED);
    close_slot(SOCKETS - 1);
    assert_int_equal(await_last(RING_RECV, server), 0);
    close_slot(server);
    ring_cancel(ring, tag(5), RING_ACCEPT);
    assert_int_equal(await_last(RING_ACCEPT, 5), -ECANCELED);
    assert_int_equal(await_last(RING_CANCEL, 5), 0);
    assert_int_equal(await_last(RING_CANCEL, SOCKETS - 1), 0);
    assert_nothing_comes();
    close(listener);
}

/* A descriptor beside the slot: it tells of the connection, and ends it only together with the
 * slot. */
static void test_install(void **state)
{
    struct ring_tcp tcp = {0};
    char byte;
    (void)state;
    if (!ring_features(ring).install)
        skip();
    int server = connect_pair(2);
    ring_install(ring, tag(2));
    int descriptor = await_last(RING_INSTALL, 2);
    assert_true(descriptor >= 0);
    assert_true(fcntl(descriptor, F_GETFD) & FD_CLOEXEC);
    assert_true(ring_tcp_info(ring, descriptor, &tcp));
    assert_true(tcp.rtt_us > 0);
    assert_int_equal(tcp.retransmits, 0);
    close_slot(2);
    assert_int_equal(recv(server, &byte, 1, MSG_DONTWAIT), -1);
    ring_descriptor_close(ring, descriptor);
    assert_false(ring_tcp_info(ring, descriptor, &tcp));
    assert_int_equal(recv(server, &byte, 1, 0), 0);
    close(server);
}

static void test_connect_refused(void **state)
{
    struct sockaddr_in address;
    (void)state;
    close(listen_on(&address, 1));
    connect_slot(tag(3), &address);
    assert_int_equal(await_last(RING_CONNECT, 3), -ECONNREFUSED);
    close_slot(3);
    assert_nothing_comes();
}

/* Whichever link of the chain fails, one completion comes. */
static void test_connect_fails_at_first_link(void **state)
{
    const struct sockaddr address = {.sa_family = AF_MAX + 1};
    (void)state;
    ring_connect(ring, tag(3), &address, sizeof(address), RING_FOR_MANY);
    assert_int_equal(await_last(RING_CONNECT, 3), -EAFNOSUPPORT);
    assert_nothing_comes();
    ring_close(ring, tag(3)); /* an empty slot */
    assert_int_equal(await_last(RING_CLOSE, 3), -EBADF);
}

static void test_connect_ipv6(void **state)
{
    struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    socklen_t bytes = sizeof(address);
    int listener = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    (void)state;
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, bytes) != 0)
        skip();
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &bytes), 0);
    assert_int_equal(listen(listener, 1), 0);
    ring_connect(ring, tag(1), (struct sockaddr *)&address, bytes, RING_FOR_MANY);
    assert_int_equal(await_last(RING_CONNECT, 1), 0);
    close_slot(1);
    close(listener);
}

/* How many segments a server has got when it has answered a request: the connection's third one is
 * the first that its own socket counts. */
static uint32_t segments_of_exchange(int listener, const struct sockaddr_in *address,
                                     enum ring_use use)
{
    struct tcp_info info;
    socklen_t bytes = sizeof(info);
    char question[4];
    ring_connect(ring, tag(1), (const struct sockaddr *)address, sizeof(*address), use);
    assert_int_equal(await_last(RING_CONNECT, 1), 0);
    ring_send(ring, tag(1), "ping", 4);
    assert_int_equal(await_last(RING_SEND, 1), 4);
    int peer = accept(listener, NULL, NULL);
    assert_true(peer >= 0);
    assert_int_equal(read(peer, question, sizeof(question)), 4);
    assert_int_equal(write(peer, "pong", 4), 4);
    assert_int_equal(getsockopt(peer, IPPROTO_TCP, TCP_INFO, &info, &bytes), 0);
    close(peer);
    close_slot(1);
    return info.tcpi_segs_in;
}

/* The kernel holds the two acknowledgements back for 40 ms at least: to be held up for longer than
 * that in each of a hundred tries is out of the question. */
static void test_connect_for_one(void **state)
{
    struct sockaddr_in address;
    int listener = listen_on(&address, 8);
    uint32_t least = UINT32_MAX, many = segments_of_exchange(listener, &address, RING_FOR_MANY);
    (void)state;
    for (int i = 0; i < 100 && least >= many; i++) {
        uint32_t one = segments_of_exchange(listener, &address, RING_FOR_ONE);
        least = one < least ? one : least;
    }
    if (ring_features(ring).direct_sockopt)
        assert_int_equal(least, many - 2);
    else
        assert_int_equal(least, many);
    close(listener);
}

/* A listener whose queue is full answers nothing; plain sockets fill it. */
struct black_hole {
    struct sockaddr_in address;
    int listener, fillers[4];
};

static void black_hole_open(struct black_hole *hole)
{
    hole->listener = listen_on(&hole->address, 0);
    for (int i = 0; i < 4; i++) {
        hole->fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        (void)connect(hole->fillers[i], (struct sockaddr *)&hole->address, sizeof(hole->address));
    }
}

static void black_hole_close(struct black_hole *hole)
{
    close(hole->listener);
    for (int i = 0; i < 4; i++)
        close(hole->fillers[i]);
}

static void test_cancel_connect(void **state)
{
    struct black_hole hole;
    (void)state;
    black_hole_open(&hole);
    connect_slot(tag(3), &hole.address);
    assert_nothing_comes();
    ring_cancel(ring, tag(3), RING_CONNECT);
    assert_int_equal(await_last(RING_CONNECT, 3), -ECANCELED);
    assert_int_equal(await_last(RING_CANCEL, 3), 0);
    close_slot(3);
    assert_nothing_comes();
    black_hole_close(&hole);
}

/* The chain has not come to its connect when the cancel arrives. */
static void test_cancel_connect_in_the_same_submit(void **state)
{
    struct black_hole hole;
    (void)state;
    black_hole_open(&hole);
    for (uint32_t slot = 0; slot < 30; slot++) {
        connect_slot(tag(slot), &hole.address);
        ring_cancel(ring, tag(slot), RING_CONNECT);
    }
    for (uint32_t slot = 0; slot < 30; slot++) {
        assert_int_equal(await_last(RING_CONNECT, slot), -ECANCELED);
        (void)await_last(RING_CANCEL, slot);
    }
    assert_nothing_comes();
    black_hole_close(&hole);
}

static void test_cancel_of_nothing(void **state)
{
    (void)state;
    ring_cancel(ring, tag(3), RING_CONNECT);
    assert_int_equal(await_last(RING_CANCEL, 3), -ENOENT);
    ring_cancel(ring, tag(3), RING_RECV);
    assert_int_equal(await_last(RING_CANCEL, 3), -ENOENT);
    assert_nothing_comes();
}

/* A slot's new life starts while an operation of the former one is in flight. */
static void test_stale_generation(void **state)
{
    const struct ring_tag old = {.slot = 9, .generation = 0x1000005};
    const struct ring_tag new = {.slot = 9, .generation = 0x1000006};
    struct sockaddr_in address;
    SKIP_ON_EPOLL();
    int listener = listen_on(&address, 8);
    (void)state;
    connect_slot(old, &address);
    struct ring_completion c = await(RING_CONNECT, 9);
    assert_int_equal(c.result, 0);
    assert_true(ring_tag_matches(old.generation, c.generation));
    assert_false(ring_tag_matches(new.generation, c.generation));
    int peer = accept(listener, NULL, NULL);

    ring_recv(ring, old);
    connect_slot(new, &address);
    c = await(RING_CONNECT, 9);
    assert_true(ring_tag_matches(new.generation, c.generation));
    ring_cancel(ring, new, RING_RECV);
    assert_int_equal(await_last(RING_CANCEL, 9), -ENOENT);

    assert_int_equal(write(peer, "late", 4), 4);
    c = await(RING_RECV, 9);
    assert_true(ring_tag_matches(old.generation, c.generation));
    assert_int_equal(c.result, 4);
    ring_buffer_return(ring, c.buffer);
    close(peer);
    c = await(RING_RECV, 9);
    assert_int_equal(c.result, 0);
    assert_int_equal(c.generation, 5);
    ring_close(ring, new);
    assert_int_equal(await_last(RING_CLOSE, 9), 0);
    close(listener);
}

/* More data than buffers: the receive ends, and goes on where it was once buffers came back. */
static void test_out_of_buffers(void **state)
{
    static char data[3 * BUFFERS * BUFFER_BYTES];
    size_t received = 0;
    unsigned starved = 0;
    struct ring_completion kept[BUFFERS];
    unsigned kept_count = 0;
    (void)state;
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (char)(i / 7);
    int peer = connect_pair(1);
    assert_int_equal(write(peer, data, sizeof(data)), sizeof(data));
    ring_recv(ring, tag(1));
    while (received < sizeof(data)) {
        struct ring_completion c = await(RING_RECV, 1);
        if (c.result > 0) {
            assert_memory_equal(ring_buffer(ring, c.buffer), data + received, c.result);
            received += (size_t)c.result;
            kept[kept_count++] = c;
        }
        if (c.more)
            continue;
        if (c.result < 0) {
            assert_int_equal(c.result, -ENOBUFS);
            assert_int_equal(kept_count, BUFFERS);
            starved++;
        }
        while (kept_count > 0)
            ring_buffer_return(ring, kept[--kept_count].buffer);
        ring_recv(ring, tag(1));
    }
    assert_true(starved >= 2);
    ring_cancel(ring, tag(1), RING_RECV);
    int32_t end = await_last(RING_RECV, 1);
    assert_true(end == -ECANCELED || end == -ENOBUFS);
    close_slot(1);
    close(peer);
}

/* A receive on an idle socket asks for no buffer, so the lack of them does not end it. */
static void test_idle_receive_needs_no_buffer(void **state)
{
    static char data[BUFFERS * BUFFER_BYTES];
    int32_t kept[BUFFERS];
    (void)state;
    int busy = connect_pair(1), idle = connect_pair(2);
    assert_int_equal(write(busy, data, sizeof(data)), sizeof(data));
    ring_recv(ring, tag(1));
    for (int i = 0; i < BUFFERS; i++)
        kept[i] = await(RING_RECV, 1).buffer;
    inbox_count = 0; /* perhaps the busy one's -ENOBUFS */
    ring_recv(ring, tag(2));
    assert_nothing_comes();
    for (int i = 0; i < BUFFERS; i++)
        ring_buffer_return(ring, kept[i]);
    assert_nothing_comes(); /* and the buffers are the kernel's again */
    assert_int_equal(write(idle, "now", 3), 3);
    assert_received(2, "now");
    close(busy);
    close(idle);
}

#define BIG_BYTES ((size_t)8 << 20)

/* Not to the end of the stream: it is itself at the other end, where that is a descriptor. */
static int drain(const int *fd)
{
    static char sink[1 << 16];
    size_t total = 0;
    for (ssize_t n; total < 2 * BIG_BYTES && (n = read(*fd, sink, sizeof(sink))) > 0;)
        total += (size_t)n;
    return total == 2 * BIG_BYTES ? 0 : 1;
}

/* The peer reads nothing until the send is under way; MSG_WAITALL makes it one completion. */
static void test_big_send(void **state)
{
    char *data = calloc(1, BIG_BYTES);
    struct iovec parts[2] = {{data, BIG_BYTES / 2}, {data + BIG_BYTES / 2, BIG_BYTES / 2}};
    const struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    (void)state;
    int peer = connect_pair(1);
    ring_send(ring, tag(1), data, BIG_BYTES);
    assert_nothing_comes();
    pid_t reader = begin_child(drain, &peer);
    assert_int_equal(await_last(RING_SEND, 1), BIG_BYTES);
    ring_send_parts(ring, tag(1), &message);
    assert_int_equal(await_last(RING_SEND, 1), BIG_BYTES);
    close_slot(1);
    end_child(reader);
    close(peer);
    free(data);
}

/* SIGPIPE would end this program. */
static void test_send_to_the_gone(void **state)
{
    int32_t result = 0;
    (void)state;
    close(connect_pair(1));
    for (int i = 0; i < 100 && result >= 0; i++) {
        ring_send(ring, tag(1), "x", 1);
        result = await_last(RING_SEND, 1);
    }
    assert_true(result == -EPIPE || result == -ECONNRESET);
    close_slot(1);
}

static void test_accept_into_a_full_table(void **state)
{
    struct sockaddr_in address;
    int listener = listen_on(&address, 128), clients[SOCKETS + 1];
    struct ring_completion c = {.more = true};
    unsigned accepted = 0;
    (void)state;
    for (int i = 0; i <= SOCKETS; i++) {
        clients[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(connect(clients[i], (struct sockaddr *)&address, sizeof(address)), 0);
    }
    ring_accept(ring, tag(0), listener);
    while (c.more) {
        c = await(RING_ACCEPT, 0);
        accepted += c.result >= 0;
    }
    assert_int_equal(accepted, SOCKETS);
    assert_int_equal(c.result, -ENFILE);
    for (int i = 0; i <= SOCKETS; i++)
        close(clients[i]);
    close(listener);
}

/* ---- Files, wake-ups ------------------------------------------------------------------------ */

static void test_file(void **state)
{
    char back[16] = "";
    FILE *file = tmpfile();
    (void)state;
    ring_append(ring, tag(0), fileno(file), "one,", 4);
    assert_int_equal(await_last(RING_APPEND, 0), 4);
    ring_append(ring, tag(0), fileno(file), "two", 3);
    assert_int_equal(await_last(RING_APPEND, 0), 3);
    ring_sync(ring, tag(0), fileno(file), false);
    assert_int_equal(await_last(RING_SYNC, 0), 0);
    int directory = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ring_sync(ring, tag(0), directory, true);
    assert_int_equal(await_last(RING_SYNC, 0), 0);
    close(directory);
    ring_read(ring, tag(0), fileno(file), back, sizeof(back), 2);
    assert_int_equal(await_last(RING_READ, 0), 5);
    assert_string_equal(back, "e,two");
    assert_int_equal(lseek(fileno(file), 1, SEEK_SET), 1);
    ring_read(ring, tag(0), fileno(file), back, 4, -1);
    assert_int_equal(await_last(RING_READ, 0), 4);
    assert_memory_equal(back, "ne,t", 4);
    ring_read(ring, tag(0), fileno(file), back, sizeof(back), 7);
    assert_int_equal(await_last(RING_READ, 0), 0);
    ring_read(ring, tag(0), -1, back, sizeof(back), 0);
    assert_int_equal(await_last(RING_READ, 0), -EBADF);
    struct statx about = {0};
    ring_stat(ring, tag(0), fileno(file), &about);
    assert_int_equal(await_last(RING_STAT, 0), 0);
    assert_true(S_ISREG(about.stx_mode));
    assert_int_equal(about.stx_size, 7);
    ring_stat(ring, tag(0), -1, &about);
    assert_int_equal(await_last(RING_STAT, 0), -EBADF);
    fclose(file);
    ring_open(ring, tag(0), "/dev/zero", O_RDONLY);
    int fd = await_last(RING_OPEN, 0);
    assert_true(fd > STDERR_FILENO);
    assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
    ring_read(ring, tag(0), fd, back, 3, -1);
    assert_int_equal(await_last(RING_READ, 0), 3);
    close(fd);
    ring_open(ring, tag(0), "/nowhere/at/all", O_RDONLY);
    assert_int_equal(await_last(RING_OPEN, 0), -ENOENT);
}

static void test_pipe_read_and_cancel(void **state)
{
    char back[16];
    int ends[2];
    (void)state;
    /* O_NONBLOCK: what a user's shell leaves on a pipe must not turn into -EAGAIN. */
    assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    ring_read(ring, tag(900), ends[0], back, sizeof(back), -1);
    assert_nothing_comes();
    ring_append(ring, tag(901), ends[1], "pipe", 4);
    assert_int_equal(await_last(RING_APPEND, 901), 4);
    assert_int_equal(await_last(RING_READ, 900), 4);
    ring_read(ring, tag(900), ends[0], back, sizeof(back), -1);
    assert_nothing_comes();
    ring_cancel(ring, tag(900), RING_READ);
    assert_int_equal(await_last(RING_READ, 900), -ECANCELED);
    assert_int_equal(await_last(RING_CANCEL, 900), 0);
    close(ends[1]);
    ring_read(ring, tag(900), ends[0], back, sizeof(back), -1);
    assert_int_equal(await_last(RING_READ, 900), 0);
    close(ends[0]);
}

/* Ten thousand operations before the first submit: more than both queues hold. The wake-up that
 * falls among them may find no room, and later ones still come. */
static void test_more_operations_than_entries(void **state)
{
    enum { OPERATIONS = 10000 };
    static char bytes[OPERATIONS];
    static unsigned seen[OPERATIONS];
    int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);
    (void)state;
    memset(bytes, 1, sizeof(bytes));
    memset(seen, 0, sizeof(seen));
    for (uint32_t i = 0; i < OPERATIONS; i++) {
        ring_read(ring, tag(i), zero, &bytes[i], 1, 0);
        if (i == OPERATIONS / 2)
            ring_wake(ring);
    }
    assert_true(ring_features(ring).cq_entries < OPERATIONS); /* 0: as many as there are */
    assert_int_equal(await_last(RING_WAKE, 0), 0);
    while (inbox_count < OPERATIONS)
        assert_true(turn(FOR_ONE) > 0);
    for (unsigned i = 0; i < OPERATIONS; i++) {
        assert_int_equal(inbox[i].kind, RING_READ);
        assert_int_equal(inbox[i].result, 1);
        seen[inbox[i].slot]++;
    }
    for (unsigned i = 0; i < OPERATIONS; i++) {
        assert_int_equal(seen[i], 1);
        assert_int_equal(bytes[i], 0);
    }
    inbox_count = 0;
    assert_nothing_comes();
    assert_int_equal(ring_counters(ring).completed, OPERATIONS + 1);
    assert_true(ring_counters(ring).submitted >= OPERATIONS);
    ring_wake(ring);
    assert_int_equal(await_last(RING_WAKE, 0), 0);
    close(zero);
}

/* A chain that does not fit behind what is prepared goes into the next submit as a whole. */
static void test_chain_is_never_split(void **state)
{
    struct sockaddr_in address;
    SKIP_ON_EPOLL();
    int listener = listen_on(&address, 256), zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);
    unsigned entries = ring_features(ring).sq_entries;
    char bytes[1];
    (void)state;
    for (unsigned before = 0; before < 8; before++) {
        assert_true(turn(NO_WAIT) >= 0);
        for (unsigned i = 0; i < entries - before; i++)
            ring_read(ring, tag(i), zero, bytes, 1, 0);
        connect_slot(tag(before), &address);
        assert_int_equal(await_last(RING_CONNECT, before), 0);
        for (unsigned i = 0; i < entries - before; i++)
            assert_int_equal(await_last(RING_READ, i), 1);
        close_slot(before);
    }
    close(zero);
    close(listener);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_RING(test_round_trip),
        ON_RING(test_install),
        ON_RING(test_connect_refused),
        ON_RING(test_connect_fails_at_first_link),
        ON_RING(test_connect_ipv6),
        ON_RING(test_connect_for_one),
        ON_RING(test_cancel_connect),
        ON_RING(test_cancel_connect_in_the_same_submit),
        ON_RING(test_cancel_of_nothing),
        ON_RING(test_stale_generation),
        ON_RING(test_out_of_buffers),
        ON_RING(test_idle_receive_needs_no_buffer),
        ON_RING(test_big_send),
        ON_RING(test_send_to_the_gone),
        ON_RING(test_accept_into_a_full_table),
        ON_RING(test_file),
        ON_RING(test_pipe_read_and_cancel),
        ON_RING(test_more_operations_than_entries),
        ON_RING(test_chain_is_never_split),
    };
    int failed = 0;
    RUN_ON_KERNELS(tests, failed);
    return failed > 0;
}
