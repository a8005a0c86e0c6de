/* Where memory comes from, and what happens when there is none: every allocation of a run fails in turn,
 * the first, the second, until a run needs no more. Each time a clean error and one result for each
 * request; leaks are found by AddressSanitizer, hangs by the test's time limit.
 *
 * malloc and its kin are wrapped by the linker (meson.build), for what is linked statically: all of ours,
 * nothing of glibc, zlib or the threads of name lookups. */
#include "ringsend.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "peer.h"

#include <fcntl.h>
#include <stdlib.h>

/* ---- The failing allocator ---- */

static _Thread_local long allocations_left = -1; /* before one fails; negative: none will */
static _Thread_local bool has_failed;

static bool fails(void)
{
    if (allocations_left < 0)
        return false;
    if (allocations_left-- > 0)
        return false;
    has_failed = true;
    return true;
}

void *__real_malloc(size_t bytes);
void *__real_calloc(size_t count, size_t bytes);
void *__real_realloc(void *memory, size_t bytes);
char *__real_strdup(const char *text);
void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes);
void *__wrap_realloc(void *memory, size_t bytes);
char *__wrap_strdup(const char *text);

void *__wrap_malloc(size_t bytes)
{
    return fails() ? NULL : __real_malloc(bytes);
}

void *__wrap_calloc(size_t count, size_t bytes)
{
    return fails() ? NULL : __real_calloc(count, bytes);
}

void *__wrap_realloc(void *memory, size_t bytes)
{
    return fails() ? NULL : __real_realloc(memory, bytes);
}

char *__wrap_strdup(const char *text)
{
    return fails() ? NULL : __real_strdup(text);
}

/* ---- The torture ---- */

enum { PATHS = 5 };

static bool is_honest(const struct ringsend_result *result)
{
    return result->ok || result->error == RINGSEND_E_NO_MEMORY ||
           /* a lookup that could not be begun; a predicate that finds no room for the body */
           result->error == RINGSEND_E_DNS_FAILED || result->error == RINGSEND_OK;
}

/* A whole life that uses what there is: name lookup, predicates, headers, traces, decoding, large bodies, streams. */
static void one_life(const struct peer *peer)
{
    static const char *const paths[PATHS] = {"", "big", "third", "big", "big"};
    static const uint32_t flags[PATHS] = {[3] = RINGSEND_RESPONSE_PIECES | RINGSEND_BODY_FD,
                                          [4] = RINGSEND_RESPONSE_FD | RINGSEND_BODY_PIECES};
    int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    char message[128] = "";
    struct ringsend_options options = {.size = sizeof options,
                                       .connections_max = 2,
                                       .tries = 2,
                                       .backoff_min_ns = 1,
                                       .attempt_timeout_ns = 10000000000u,
                                       .ok_if = "status == 200 && .code != 7",
                                       .store_headers = true,
                                       .store_attempts = true,
                                       .decode = true,
                                       .watch_max = 2,
                                       .message = message,
                                       .message_bytes = sizeof message};
    struct ringsend *engine = NULL;
    struct ringsend_request requests[PATHS];
    char urls[PATHS][128];
    size_t accepted = 0, results_count = 0;
    int error = ringsend_new(&engine, &options);
    if (error) {
        assert_int_equal(error, -RINGSEND_E_NO_MEMORY);
        assert_non_null(strstr(message, "memory is out"));
        assert_null(engine);
        close(nothing);
        return;
    }
    for (size_t i = 0; i < PATHS; i++) {
        snprintf(urls[i], sizeof urls[i], "http://%s%s%s", i ? "127.0.0.1" : "localhost",
                 strchr(peer->url + 7, ':'), paths[i]);
        requests[i] = (struct ringsend_request){.size = sizeof requests[i],
                                                .method = {"GET", 3},
                                                .url = {urls[i], strlen(urls[i])},
                                                .flags = flags[i],
                                                .body_fd = nothing,
                                                .response_fd = nothing};
        error = ringsend_submit(engine, &requests[i]);
        assert_true(error == 0 || error == -RINGSEND_E_NO_MEMORY);
        accepted += error == 0;
    }
    while (results_count < accepted) {
        const struct ringsend_result *result;
        assert_true(ringsend_run(engine, RINGSEND_NEVER) >= 0);
        while (ringsend_reap(engine, &result, 1) == 1) {
            assert_true(is_honest(result));
            results_count += result->kind == RINGSEND_FINAL;
        }
    }
    assert_true(ringsend_idle(engine));
    ringsend_free(engine);
    close(nothing);
}

static void each_allocation_fails_in_turn(void **state)
{
    long n = 0;
    do {
        has_failed = false;
        allocations_left = n++;
        one_life(*state);
        allocations_left = -1;
    } while (has_failed);
    print_message("%ld allocations failed, one at a time\n", n - 1);
    assert_true(n > 20);
}

/* ---- The given allocator and the cap ---- */

struct account {
    size_t bytes, most, calls;
};

static void *account_allocate(void *context, size_t bytes)
{
    struct account *a = context;
    a->bytes += bytes;
    a->calls++;
    if (a->bytes > a->most)
        a->most = a->bytes;
    char *memory = malloc(bytes);
    return memory ? memset(memory, 0xa5, bytes) : NULL; /* nobody may count on zeros */
}

static void account_release(void *context, void *memory, size_t bytes)
{
    struct account *a = context;
    assert_true(a->bytes >= bytes);
    a->bytes -= bytes;
    free(memory);
}

/* The error of one GET of this path. */
static enum ringsend_error outcome(struct ringsend *engine, const struct peer *peer,
                                   const char *path)
{
    char url[128];
    snprintf(url, sizeof url, "%s%s", peer->url, path);
    struct ringsend_request request = {.size = sizeof request, .url = {url, strlen(url)}};
    const struct ringsend_result *result;
    assert_int_equal(ringsend_submit(engine, &request), 0);
    while (ringsend_run(engine, RINGSEND_NEVER) == 0) {
    }
    assert_int_equal(ringsend_reap(engine, &result, 1), 1);
    enum ringsend_error error = result->error;
    if (error == RINGSEND_OK)
        assert_int_equal(result->body.bytes, *path ? PEER_BIG_BYTES : 2);
    assert_int_equal(ringsend_run(engine, 0), 0); /* the result's end */
    return error;
}

static uint64_t held(struct ringsend *engine)
{
    struct ringsend_stats stats = {.size = sizeof stats};
    ringsend_stats(engine, &stats);
    return stats.memory_bytes;
}

static void a_given_allocator_is_asked_and_gets_all_back(void **state)
{
    struct account account = {0};
    struct ringsend_allocator allocator = {account_allocate, account_release, &account};
    struct ringsend_options options = {.size = sizeof options, .allocator = &allocator};
    struct ringsend *engine;
    assert_int_equal(ringsend_new(&engine, &options), 0);
    memset(&allocator, 0, sizeof allocator); /* it was copied */
    size_t calls = account.calls;
    assert_true(calls > 5);
    assert_int_equal(held(engine), account.bytes);
    assert_int_equal(outcome(engine, *state, "big"), RINGSEND_OK);
    assert_true(account.most > PEER_BIG_BYTES);
    assert_int_equal(held(engine), account.bytes);
    ringsend_free(engine);
    assert_int_equal(account.bytes, 0);
    struct ringsend_allocator half = {account_allocate, NULL, &account};
    options.allocator = &half;
    assert_int_equal(ringsend_new(&engine, &options), -RINGSEND_E_INVALID);
}

static void a_body_beyond_the_cap_fails_alone(void **state)
{
    struct ringsend_options options = {.size = sizeof options};
    struct ringsend *engine;
    assert_int_equal(ringsend_new(&engine, &options), 0);
    size_t tables = held(engine);
    ringsend_free(engine);
    options.memory_max_bytes = tables + PEER_BIG_BYTES;
    assert_int_equal(ringsend_new(&engine, &options), 0);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(outcome(engine, *state, "big"), RINGSEND_E_NO_MEMORY);
        assert_int_equal(outcome(engine, *state, ""), RINGSEND_OK);
        assert_true(held(engine) <= options.memory_max_bytes);
    }
    ringsend_free(engine);
    /* It grows by doubling: 256 KiB are still held while 512 KiB are taken. */
    options.memory_max_bytes = tables + (1 << 20);
    assert_int_equal(ringsend_new(&engine, &options), 0);
    assert_int_equal(outcome(engine, *state, "big"), RINGSEND_OK);
    ringsend_free(engine);
    char message[128] = "";
    options.memory_max_bytes = tables / 2;
    options.message = message;
    options.message_bytes = sizeof message;
    assert_int_equal(ringsend_new(&engine, &options), -RINGSEND_E_NO_MEMORY);
    assert_non_null(strstr(message, "memory_max_bytes"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_allocation_fails_in_turn),
        cmocka_unit_test(a_given_allocator_is_asked_and_gets_all_back),
        cmocka_unit_test(a_body_beyond_the_cap_fails_alone),
    };
    return cmocka_run_group_tests(tests, peer_start, peer_stop);
}
