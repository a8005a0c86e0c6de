/* The thread for handshakes, at its door. How it works for connections, the simulation and the
 * end-to-end tests see; whose turn it is, test_handshake_turns.c. A ring that broke alone brings
 * about that it is freed while it works. */
#include "engine/handshaker.h"
#include "uring/ring.h"

#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { ROUNDS = 50, HANDSHAKES = 20, LANES = 3 };

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
        struct lane lanes[LANES];
        assert_non_null(h);
        for (int i = 0; i < LANES; i++)
            lane_init(&lanes[i]);
        for (int i = 0; i < HANDSHAKES; i++)
            handshaker_start(h, &handshakes[i], &lanes[i % LANES]);
        handshaker_free(h);
        memset(handshakes, 0, sizeof handshakes);
    }
    ring_free(ring);
}

/* All that were begun come back, and none that was withdrawn. */
static void test_all_come_back(void **state)
{
    struct ring *ring;
    (void)state;
    assert_int_equal(
        ring_new(&ring, &(struct ring_options){.sockets_max = 1, .buffers = 1, .buffer_bytes = 64}),
        0);
    for (int round = 0; round < ROUNDS; round++) {
        struct handshake handshakes[HANDSHAKES] = {0};
        struct handshaker *h = handshaker_new(ring);
        struct lane lanes[LANES];
        int expected = HANDSHAKES;
        for (int i = 0; i < LANES; i++)
            lane_init(&lanes[i]);
        for (int i = 0; i < HANDSHAKES; i++) {
            handshakes[i].used = 1;
            handshaker_start(h, &handshakes[i], &lanes[i % LANES]);
            if (i % 5 == 4 && handshaker_withdraw(h, &handshakes[i - round % 5]))
                expected--;
        }
        for (struct handshake *done; expected > 0; expected -= done != NULL) {
            if ((done = handshaker_next(h)))
                assert_int_equal(done->used, 0);
            else
                sched_yield();
        }
        assert_null(handshaker_next(h));
        handshaker_free(h);
    }
    ring_free(ring);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_freed_while_it_works),
        cmocka_unit_test(test_all_come_back),
    };
    return cmocka_run_group_tests_name("handshaker", tests, NULL, NULL);
}
