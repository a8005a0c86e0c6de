/* Where memory comes from, and what happens when there is none: every allocation of a run fails in
 * turn, the first, the second, until a run needs no more. Each time a clean error and one result
 * for each request; leaks are found by AddressSanitizer, hangs by the test's time limit.
 *
 * malloc and its kin are wrapped by the linker (meson.build), for what is linked statically: all of
 * ours, on the engine's thread and its workers', and what the decoders ask us for; nothing of
 * glibc. */
#include "ringsend.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "peer.h"
#include "tls_peer.h"

#include <fcntl.h>
#include <dirent.h>
#include <stdatomic.h>
#include <stdlib.h>

/* ---- The failing allocator ---- */

static atomic_long allocations_left = -1; /* before one fails; negative: none will */
static atomic_bool has_failed;
static _Thread_local bool spared;

static void spare_this_thread(void)
{
    spared = true;
}

static bool fails(void)
{
    if (spared || allocations_left < 0 || atomic_fetch_sub(&allocations_left, 1) != 0)
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

enum { REQUESTS_MAX = 5 };

struct ask {
    const char *host; /* with its scheme and port before and behind it: the peer's */
    const char *path;
    uint32_t flags;
};

static bool is_honest(const struct ringsend_result *result)
{
    return result->ok || result->error == RINGSEND_E_NO_MEMORY ||
           /* a lookup that could not be begun; a predicate that finds no room for the body */
           result->error == RINGSEND_E_DNS_FAILED || result->error == RINGSEND_OK;
}

/* An engine, or null when memory was out. */
static struct ringsend *new_engine(const struct ringsend_options *more)
{
    struct ringsend_options options = *more;
    struct ringsend *engine = NULL;
    char message[256] = "";
    options.size = sizeof options;
    options.tries = 2;
    options.backoff_min_ns = 1;
    options.attempt_timeout_ns = 10000000000u;
    options.ok_if = ".code == 7 || status == 200";
    options.retry_if = "body contains \"try again\"";
    options.store_headers = options.store_attempts = options.decode = true;
    options.message = message;
    options.message_bytes = sizeof message;
    int error = ringsend_new(&engine, &options);
    if (error == 0)
        return engine;
    assert_int_equal(error, -RINGSEND_E_NO_MEMORY);
    assert_non_null(strstr(message, "memory is out"));
    assert_null(engine);
    return NULL;
}

/* Hands the requests over, the second one by ringsend_post, and takes a result for each. Returns
 * how many are ok. */
static size_t send_all(struct ringsend *engine, const char *scheme, uint16_t port,
                       const struct ask *asks, size_t count)
{
    struct ringsend_request requests[REQUESTS_MAX];
    char urls[REQUESTS_MAX][128];
    size_t accepted = 0, finals = 0, ok = 0;
    int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (size_t i = 0; i < count; i++) {
        int bytes = snprintf(urls[i], sizeof urls[i], "%s://%s:%d/%s", scheme, asks[i].host, port,
                             asks[i].path);
        struct ringsend_request *r = &requests[i];
        *r = (struct ringsend_request){.size = sizeof *r,
                                       .method = {"GET", 3},
                                       .url = {urls[i], (size_t)bytes},
                                       .flags = asks[i].flags,
                                       .body_fd = nothing,
                                       .response_fd = nothing};
        int error = i == 1 ? ringsend_post(engine, r) : ringsend_submit(engine, r);
        assert_true(error == 0 || error == -RINGSEND_E_NO_MEMORY);
        accepted += error == 0;
    }
    while (finals < accepted) {
        const struct ringsend_result *result;
        assert_true(ringsend_run(engine, RINGSEND_NEVER) >= 0);
        while (ringsend_reap(engine, &result, 1) == 1) {
            assert_true(is_honest(result));
            finals += result->kind == RINGSEND_FINAL;
            ok += result->kind == RINGSEND_FINAL && result->ok;
        }
    }
    assert_true(ringsend_idle(engine));
    close(nothing);
    return ok;
}

/* Name lookup, an override, predicates, headers, traces, large bodies, streams, watched
 * connections. */
static void plain_life(uint16_t port)
{
    static const struct ask asks[] = {
        {"localhost", "", 0},
        {"127.0.0.1", "big", 0},
        {"elsewhere", "third", 0},
        {"127.0.0.1", "big", RINGSEND_RESPONSE_PIECES | RINGSEND_BODY_FD},
        {"127.0.0.1", "big", RINGSEND_RESPONSE_FD | RINGSEND_BODY_PIECES},
    };
    const struct ringsend_resolve resolve = {.host = "elsewhere", .addresses = "127.0.0.1"};
    struct ringsend_options options = {
        .connections_max = 2, .watch_max = 2, .resolve = &resolve, .resolve_count = 1};
    struct ringsend *engine = new_engine(&options);
    if (engine && send_all(engine, "http", port, asks, 5) < 5)
        assert_true(has_failed);
    ringsend_free(engine);
}

/* A handshake, sessions resumed, a certificate of our own, each way of unpacking. */
static void tls_life_with(uint16_t port, const struct ringsend_allocator *allocator)
{
    static const struct ask asks[] = {{"127.0.0.1", "", 0},
                                      {"127.0.0.1", "gzip", 0},
                                      {"127.0.0.1", "zstd", 0},
                                      {"127.0.0.1", "br", 0}};
    const char *certificates = getenv("TLS_CERTS");
    char ca[512], cert[512], key[512];
    snprintf(ca, sizeof ca, "%s/root.pem", certificates);
    snprintf(cert, sizeof cert, "%s/client.chain", certificates);
    snprintf(key, sizeof key, "%s/client.key", certificates);
    struct ringsend_options options = {.connections_max = 1,
                                       .ca_file = ca,
                                       .cert_file = cert,
                                       .key_file = key,
                                       .allocator = allocator};
    struct ringsend *engine = new_engine(&options);
    size_t ok = engine ? send_all(engine, "https", port, asks, 4) : 0;
    if (!has_failed) {
        struct ringsend_stats stats = {.size = sizeof stats};
        ringsend_stats(engine, &stats);
        assert_int_equal(ok, 4);
        assert_int_equal(stats.handshakes_full, 1);
        assert_int_equal(stats.handshakes_resumed, 3);
    }
    ringsend_free(engine);
}

static void tls_life(uint16_t port)
{
    tls_life_with(port, NULL);
}

static void torture(void (*life)(uint16_t port), uint16_t port)
{
    long n = 0;
    do {
        has_failed = false;
        allocations_left = n++;
        life(port);
        allocations_left = -1;
    } while (has_failed);
    print_message("%ld allocations failed, one at a time\n", n - 1);
    assert_true(n > 20);
}

static void each_allocation_fails_in_turn(void **state)
{
    const struct peer *peer = *state;
    torture(plain_life, (uint16_t)strtoul(strrchr(peer->url, ':') + 1, NULL, 10));
}

static void each_allocation_fails_in_turn_with_tls(void **state)
{
    struct tls_peer peer = {0};
    (void)state;
    assert_true(tls_peer_start(&peer, getenv("TLS_CERTS"), spare_this_thread));
    torture(tls_life, peer.port);
    tls_peer_stop(&peer);
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
    assert_true(calls > 0);
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

/* Without sockets: those are the peer's, an engine's are not in the process's table. */
static size_t open_descriptors(void)
{
    size_t count = 0;
    DIR *directory = opendir("/proc/self/fd");
    for (const struct dirent *entry; (entry = readdir(directory));) {
        char target[64] = "";
        if (readlinkat(dirfd(directory), entry->d_name, target, sizeof target - 1) > 0)
            count += strncmp(target, "socket:", 7) != 0;
    }
    closedir(directory);
    return count;
}

/* Full and resumed handshakes, TLS's state of each connection, sessions, decoders: a hundred times.
 */
static void a_hundred_lives_with_tls_leave_nothing_behind(void **state)
{
    struct account account = {0};
    const struct ringsend_allocator allocator = {account_allocate, account_release, &account};
    struct tls_peer peer = {0};
    (void)state;
    assert_true(tls_peer_start(&peer, getenv("TLS_CERTS"), NULL));
    size_t descriptors = open_descriptors();
    for (int i = 0; i < 100; i++) {
        tls_life_with(peer.port, &allocator);
        assert_int_equal(account.bytes, 0);
    }
    assert_int_equal(open_descriptors(), descriptors);
    tls_peer_stop(&peer);
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
        cmocka_unit_test(each_allocation_fails_in_turn_with_tls),
        cmocka_unit_test(a_given_allocator_is_asked_and_gets_all_back),
        cmocka_unit_test(a_hundred_lives_with_tls_leave_nothing_behind),
        cmocka_unit_test(a_body_beyond_the_cap_fails_alone),
    };
    return cmocka_run_group_tests(tests, peer_start, peer_stop);
}
