/* The library in somebody else's loop: poll on ringsend_fd and stats.next_deadline_ns alone must
 * bring every request to its result, on the real kernel. */
#include "ringsend.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "peer.h"

#include <time.h>

enum { REQUESTS = 20, TURNS_MAX = 100000 };

static int until_ms(uint64_t at_ns)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    uint64_t now_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
    if (at_ns == UINT64_MAX)
        return -1;
    return at_ns <= now_ns ? 0 : (int)((at_ns - now_ns + 999999) / 1000000);
}

/* One turn of a host's loop. */
static size_t turn(struct ringsend *engine, const struct ringsend_result **results, size_t max)
{
    struct ringsend_stats stats = {.size = sizeof stats};
    ringsend_stats(engine, &stats);
    struct pollfd fd = {.fd = ringsend_fd(engine), .events = POLLIN};
    assert_true(poll(&fd, 1, until_ms(stats.next_deadline_ns)) >= 0);
    assert_true(ringsend_run(engine, 0) >= 0);
    return ringsend_reap(engine, results, max);
}

static void poll_alone_brings_results(void **state)
{
    struct peer *peer = *state;
    struct ringsend *engine;
    struct ringsend_options options = {
        .size = sizeof options, .connections_max = 1, .requests_max = REQUESTS};
    struct ringsend_request requests[REQUESTS];
    assert_int_equal(ringsend_new(&engine, &options), 0);
    size_t submitted = 0, done = 0;
    for (int turns = 0; done < REQUESTS && turns < TURNS_MAX; turns++) {
        const struct ringsend_result *results[REQUESTS];
        if (submitted < REQUESTS) {
            struct ringsend_request *r = &requests[submitted++];
            *r =
                (struct ringsend_request){.size = sizeof *r, .url = {peer->url, strlen(peer->url)}};
            assert_int_equal(ringsend_submit(engine, r), 0);
        }
        size_t count = turn(engine, results, REQUESTS);
        for (size_t i = 0; i < count; i++) {
            assert_int_equal(results[i]->error, RINGSEND_OK);
            assert_int_equal(results[i]->status, 200);
            assert_int_equal(results[i]->attempts, 1);
        }
        done += count;
    }
    assert_int_equal(done, REQUESTS);
    ringsend_free(engine);
}

/* The next piece of a response comes when the life of the one before is over: that is a run's work,
 * though the kernel has nothing to tell. */
static void poll_alone_brings_pieces(void **state)
{
    struct peer *peer = *state;
    struct ringsend *engine;
    char url[80];
    snprintf(url, sizeof url, "%sbig", peer->url);
    struct ringsend_request r = {
        .size = sizeof r, .url = {url, strlen(url)}, .flags = RINGSEND_RESPONSE_PIECES};
    assert_int_equal(ringsend_new(&engine, NULL), 0);
    assert_int_equal(ringsend_submit(engine, &r), 0);
    size_t got = 0;
    bool done = false;
    for (int turns = 0; !done && turns < TURNS_MAX; turns++) {
        const struct ringsend_result *result;
        if (turn(engine, &result, 1) == 0)
            continue;
        done = result->kind == RINGSEND_FINAL;
        assert_int_equal(result->error, RINGSEND_OK);
        got += result->body.bytes;
        struct ringsend_stats stats = {.size = sizeof stats};
        ringsend_stats(engine, &stats);
        assert_true(done || until_ms(stats.next_deadline_ns) == 0);
    }
    assert_true(done);
    assert_int_equal(got, PEER_BIG_BYTES);
    ringsend_free(engine);
}

static void no_option_overflows(void **state)
{
    struct peer *peer = *state;
    const uint64_t lengths[] = {RINGSEND_NEVER - 1, RINGSEND_NEVER};
    for (size_t i = 0; i < 2; i++) {
        struct ringsend_options o = {.size = sizeof o,
                                     .connections_max = 1,
                                     .connect_timeout_ns = lengths[i],
                                     .handshake_timeout_ns = lengths[i],
                                     .first_byte_timeout_ns = lengths[i],
                                     .attempt_timeout_ns = lengths[i],
                                     .deadline_ns = lengths[i],
                                     .idle_timeout_ns = lengths[i],
                                     .retry_after_max_ns = lengths[i]};
        struct ringsend *engine;
        assert_int_equal(ringsend_new(&engine, &o), 0);
        for (int n = 0; n < 3; n++) {
            struct ringsend_request r = {.size = sizeof r, .url = {peer->url, strlen(peer->url)}};
            const struct ringsend_result *result;
            assert_int_equal(ringsend_submit(engine, &r), 0);
            while (ringsend_run(engine, RINGSEND_NEVER) == 0)
                ;
            assert_int_equal(ringsend_reap(engine, &result, 1), 1);
            assert_int_equal(result->error, RINGSEND_OK);
        }
        struct ringsend_stats stats = {.size = sizeof stats};
        ringsend_stats(engine, &stats);
        assert_int_equal(stats.connections_opened, 1);
        ringsend_free(engine);
    }
}

static void bad_options_are_named(void **state)
{
    (void)state;
    char message[128] = "";
    struct ringsend *engine = NULL;
    struct ringsend_options o = {.size = sizeof o,
                                 .connections_max = 40000,
                                 .message = message,
                                 .message_bytes = sizeof message};
    assert_int_equal(ringsend_new(&engine, &o), -RINGSEND_E_INVALID);
    assert_non_null(strstr(message, "connections_max"));
    assert_null(engine);
    struct ringsend_options never = {.size = sizeof never, .backoff_max_ns = RINGSEND_NEVER};
    assert_int_equal(ringsend_new(&engine, &never), -RINGSEND_E_INVALID);
    const struct ringsend_resolve resolve = {"h.test", 0, "127.0.0.1,localhost"};
    struct ringsend_options given = {.size = sizeof given,
                                     .resolve = &resolve,
                                     .resolve_count = 1,
                                     .message = message,
                                     .message_bytes = sizeof message};
    assert_int_equal(ringsend_new(&engine, &given), -RINGSEND_E_INVALID);
    assert_non_null(strstr(message, "host \"h.test\", addresses \"127.0.0.1,localhost\""));
    assert_null(engine);
    const struct ringsend_resolve wild = {"*.test", 0, "127.0.0.1"};
    given.resolve = &wild;
    assert_int_equal(ringsend_new(&engine, &given), -RINGSEND_E_INVALID);
    assert_non_null(strstr(message, "host \"*.test\", addresses \"127.0.0.1\""));
    assert_null(engine);
}

static void bad_requests_are_refused(void **state)
{
    struct peer *peer = *state;
    struct ringsend *engine;
    assert_int_equal(ringsend_new(&engine, NULL), 0);
    struct ringsend_request r = {.size = sizeof r, .url = {peer->url, strlen(peer->url)}};
    r.flags = 1u << 31;
    assert_int_equal(ringsend_submit(engine, &r), -RINGSEND_E_INVALID);
    r.flags = 0;
    r.tries = 101;
    assert_int_equal(ringsend_submit(engine, &r), -RINGSEND_E_INVALID);
    r.tries = 0;
    static char large[2 << 20];
    memset(large, 'a', sizeof large);
    struct ringsend_header header = {{"x", 1}, {large, sizeof large}};
    r.headers = &header;
    r.headers_count = 1;
    assert_int_equal(ringsend_submit(engine, &r), -RINGSEND_E_BAD_HEADER);
    assert_non_null(ringsend_submit_detail(engine));
    ringsend_free(engine);
}

/* Built against the first header, whose request ended with its handle; what lies behind it is not
 * ours. */
static void an_older_request_is_taken(void **state)
{
    struct peer *peer = *state;
    struct ringsend *engine;
    const struct ringsend_result *result;
    struct ringsend_request r = {.size = offsetof(struct ringsend_request, in_doubt),
                                 .url = {peer->url, strlen(peer->url)}};
    unsigned char mark = 1;
    r.in_doubt = &mark;
    r.in_doubt_mask = 1;
    assert_int_equal(ringsend_new(&engine, NULL), 0);
    assert_int_equal(ringsend_submit(engine, &r), 0);
    while (ringsend_run(engine, RINGSEND_NEVER) == 0)
        ;
    assert_int_equal(ringsend_reap(engine, &result, 1), 1);
    assert_true(result->ok);
    assert_int_equal(mark, 1);
    r.in_doubt_mask = 2;
    assert_int_equal(ringsend_run(engine, 0), 0);
    assert_int_equal(ringsend_submit(engine, &r), 0);
    while (ringsend_run(engine, RINGSEND_NEVER) == 0)
        ;
    assert_int_equal(mark, 1);
    r.size = offsetof(struct ringsend_request, handle);
    assert_int_equal(ringsend_submit(engine, &r), -RINGSEND_E_INVALID);
    ringsend_free(engine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(poll_alone_brings_results), cmocka_unit_test(poll_alone_brings_pieces),
        cmocka_unit_test(no_option_overflows),       cmocka_unit_test(bad_options_are_named),
        cmocka_unit_test(bad_requests_are_refused),  cmocka_unit_test(an_older_request_is_taken),
    };
    return cmocka_run_group_tests(tests, peer_start, peer_stop);
}
