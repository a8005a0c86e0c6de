/* The thread for handshakes at its end. How it works for connections, the simulation and the
 * end-to-end tests see; here is what only a ring that broke brings about: it is freed while it
 * works. */
#include "engine/handshaker.h"
#include "uring/ring.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { ROUNDS = 50, HANDSHAKES = 20 };

/* Of no bytes, which tls_feed takes from any TLS, and none. They end with the round, so that a
 * worker that went on would be seen by AddressSanitizer; dropping one aborts. */
static void test_freed_while_it_works(void **state)
{
    struct ring *ring;
    (void)state;
    assert_int_equal(
        ring_new(&ring, &(struct ring_options){.sockets_max = 1, .buffers = 1, .buffer_bytes = 64}),
        0);
    for (int round = 0; round < ROUNDS; round++) {
        struct handshake handshakes[HANDSHAKES] = {0};
        struct handshaker *h = handshaker_new(ring);
        assert_non_null(h);
        for (int i = 0; i < HANDSHAKES; i++)
            handshaker_start(h, &handshakes[i]);
        handshaker_free(h);
        memset(handshakes, 0, sizeof handshakes);
    }
    ring_free(ring);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_freed_while_it_works),
    };
    return cmocka_run_group_tests_name("handshaker", tests, NULL, NULL);
}
