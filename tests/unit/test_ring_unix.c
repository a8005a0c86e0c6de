/* Unix sockets through the ring: the end of a stream is not lost, though it comes together with the
 * last bytes. */
#include "ring_fixture.h"

#include <fcntl.h>
#include <stddef.h>
#include <sys/un.h>

enum { ROUNDS = 10000, ROUNDS_PLAYED = 200 };

static int listen_on_unix(struct sockaddr_un *address, socklen_t *bytes)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    *bytes = sizeof(*address);
    /* No name: the kernel finds one that is free (unix(7), autobind). */
    assert_int_equal(bind(fd, (struct sockaddr *)address, sizeof(sa_family_t)), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)address, bytes), 0);
    assert_int_equal(listen(fd, 8), 0);
    return fd;
}

static void fill(char *data, size_t bytes, unsigned round)
{
    for (size_t i = 0; i < bytes; i++)
        data[i] = (char)(round * 7 + i);
}

/* Sends and shuts down at once; all comes, and the end of it, however often it is to be asked. */
static void exchange(uint32_t slot, int peer, unsigned round, bool asks_first)
{
    char sent[3 * BUFFER_BYTES];
    size_t bytes = 1 + round % sizeof(sent), got = 0;
    fill(sent, bytes, round);
    if (asks_first) {
        ring_recv(ring, tag(slot));
        assert_true(turn(NO_WAIT) >= 0);
    }
    assert_int_equal(send(peer, sent, bytes, MSG_NOSIGNAL), bytes);
    assert_int_equal(shutdown(peer, SHUT_WR), 0);
    if (!asks_first)
        ring_recv(ring, tag(slot));
    for (;;) {
        struct ring_completion c = await(RING_RECV, slot);
        if (c.result == 0) {
            assert_false(c.more);
            break;
        }
        if (c.result < 0)
            fail_msg("%s after %zu of %zu bytes", strerror(-c.result), got, bytes);
        assert_true(got + (size_t)c.result <= bytes);
        assert_memory_equal(ring_buffer(ring, c.buffer), sent + got, (size_t)c.result);
        got += (size_t)c.result;
        ring_buffer_return(ring, c.buffer);
        if (kernel->backend == RING_IO_URING)
            assert_false(c.more);
        if (!c.more)
            ring_recv(ring, tag(slot));
    }
    assert_int_equal(got, bytes);
}

static unsigned rounds(void)
{
    bool whole = kernel->hidden_features == 0 && !under_valgrind();
    return whole ? ROUNDS : ROUNDS_PLAYED;
}

static void test_connected(void **state)
{
    struct sockaddr_un address;
    socklen_t bytes;
    int listener = listen_on_unix(&address, &bytes);
    (void)state;
    for (unsigned i = 0; i < rounds(); i++) {
        uint32_t slot = i % SOCKETS;
        ring_connect(ring, tag(slot), (struct sockaddr *)&address, bytes, RING_FOR_MANY);
        assert_int_equal(await_last(RING_CONNECT, slot), 0);
        int peer = accept(listener, NULL, NULL);
        assert_true(peer >= 0);
        exchange(slot, peer, i, i % 2 == 0);
        close_slot(slot);
        close(peer);
    }
    close(listener);
}

static void test_accepted(void **state)
{
    struct sockaddr_un address;
    socklen_t bytes;
    int listener = listen_on_unix(&address, &bytes);
    (void)state;
    ring_accept(ring, tag(SOCKETS), listener);
    for (unsigned i = 0; i < rounds() / 10; i++) {
        int peer = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(connect(peer, (struct sockaddr *)&address, bytes), 0);
        struct ring_completion c = await(RING_ACCEPT, SOCKETS);
        assert_true(c.result >= 0 && c.more);
        exchange((uint32_t)c.result, peer, i, i % 2 == 0);
        close_slot((uint32_t)c.result);
        close(peer);
    }
    close(listener);
}

/* A slot that held a unix socket holds one of TCP, whose receive goes on and on; and back. */
static void test_a_slot_changes_its_family(void **state)
{
    struct sockaddr_un address;
    socklen_t bytes;
    int listener = listen_on_unix(&address, &bytes);
    (void)state;
    for (int i = 0; i < 3; i++) {
        ring_connect(ring, tag(3), (struct sockaddr *)&address, bytes, RING_FOR_MANY);
        assert_int_equal(await_last(RING_CONNECT, 3), 0);
        int peer = accept(listener, NULL, NULL);
        exchange(3, peer, 5, true);
        close_slot(3);
        close(peer);
        peer = connect_pair(3);
        ring_recv(ring, tag(3));
        assert_int_equal(send(peer, "x", 1, MSG_NOSIGNAL), 1);
        struct ring_completion c = await(RING_RECV, 3);
        assert_int_equal(c.result, 1);
        assert_true(c.more);
        ring_buffer_return(ring, c.buffer);
        assert_int_equal(shutdown(peer, SHUT_WR), 0);
        assert_int_equal(await_last(RING_RECV, 3), 0);
        close_slot(3);
        close(peer);
    }
    close(listener);
}

static int make_with_stamps(void **state)
{
    const struct ring_options options = {.backend = kernel->backend,
                                         .sockets_max = SOCKETS,
                                         .buffers = BUFFERS,
                                         .buffer_bytes = BUFFER_BYTES,
                                         .stamps = true};
    (void)state;
    inbox_count = 0;
    return ring_new(&ring, &options);
}

static void test_with_stamps(void **state)
{
    struct sockaddr_un address;
    socklen_t bytes;
    int listener = listen_on_unix(&address, &bytes);
    (void)state;
    for (unsigned i = 0; i < 3 * BUFFER_BYTES; i += 100) {
        ring_connect(ring, tag(0), (struct sockaddr *)&address, bytes, RING_FOR_MANY);
        assert_int_equal(await_last(RING_CONNECT, 0), 0);
        int peer = accept(listener, NULL, NULL);
        exchange(0, peer, i, false);
        close_slot(0);
        close(peer);
    }
    close(listener);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_RING(test_connected),
        ON_RING(test_accepted),
        ON_RING(test_a_slot_changes_its_family),
        cmocka_unit_test_setup_teardown(test_with_stamps, make_with_stamps, unmake),
    };
    int failed = 0;
    RUN_ON_KERNELS(tests, failed);
    return failed > 0;
}
