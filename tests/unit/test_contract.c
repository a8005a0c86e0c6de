/* What the header says, tried as a host program would: sizes, bounds, null pointers, room for
 * posts, the end of a result's life. */
#include "ringsend.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "peer.h"

#include <stdatomic.h>

#define S 1000000000ull

static struct ringsend_request get(const char *url)
{
    return (struct ringsend_request){.size = sizeof(struct ringsend_request),
                                     .url = {url, strlen(url)}};
}

static struct ringsend *engine_new(const struct ringsend_options *options)
{
    struct ringsend *engine;
    assert_int_equal(ringsend_new(&engine, options), 0);
    return engine;
}

/* ---- Sizes ---- */

static void a_struct_of_a_later_version(void **state)
{
    struct peer *peer = *state;
    struct {
        struct ringsend_options known;
        char later[64];
    } options = {.known = {.connections_max = 3}};
    struct {
        struct ringsend_request known;
        char later[64];
    } request = {.known = get(peer->url)};
    char message[200] = "";
    struct ringsend *engine = NULL;
    options.known.size = sizeof options;
    options.known.message = message;
    options.known.message_bytes = sizeof message;
    options.later[63] = 1;
    assert_int_equal(ringsend_new(&engine, &options.known), -RINGSEND_E_INVALID);
    assert_non_null(strstr(message, "size"));
    assert_null(engine);
    options.later[63] = 0;
    assert_int_equal(ringsend_new(&engine, &options.known), 0);
    request.known.size = sizeof request;
    request.later[0] = 1;
    assert_int_equal(ringsend_submit(engine, &request.known), -RINGSEND_E_INVALID);
    request.later[0] = 0;
    assert_int_equal(ringsend_submit(engine, &request.known), 0);
    struct {
        struct ringsend_stats known;
        char later[64];
    } stats = {.known = {.size = sizeof stats}};
    ringsend_stats(engine, &stats.known);
    assert_int_equal(stats.known.size, sizeof(struct ringsend_stats));
    assert_int_equal(stats.known.connections_limit, 3);
    ringsend_free(engine);
}

static void a_size_that_is_none(void **state)
{
    static const size_t sizes[] = {0, 1, sizeof(size_t) - 1, 1 << 20, SIZE_MAX};
    struct peer *peer = *state;
    struct ringsend *engine = engine_new(NULL);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct ringsend_request request = get(peer->url);
        struct ringsend_options options = {.size = sizes[i]};
        struct ringsend *other;
        request.size = sizes[i];
        assert_int_equal(ringsend_submit(engine, &request), -RINGSEND_E_INVALID);
        assert_int_equal(ringsend_new(&other, &options), -RINGSEND_E_INVALID);
    }
    ringsend_free(engine);
}

/* ---- Null with a length ---- */

static void null_with_a_length_is_refused(void **state)
{
    struct peer *peer = *state;
    struct ringsend *engine = engine_new(NULL);
    const struct ringsend_bytes nothing = {NULL, 5}, text = {"text", 4};
    struct ringsend_header no_name = {nothing, text}, no_value = {text, nothing};
    struct ringsend_request requests[7];
    for (int i = 0; i < 7; i++)
        requests[i] = get(peer->url);
    requests[0].url = nothing;
    requests[1].method = nothing;
    requests[2].body = nothing;
    requests[3].headers_count = 1;
    for (int i = 4; i < 6; i++) {
        requests[i].headers = i == 4 ? &no_name : &no_value;
        requests[i].headers_count = 1;
    }
    for (int i = 0; i < 6; i++) {
        assert_int_equal(ringsend_submit(engine, &requests[i]), -RINGSEND_E_INVALID);
        assert_int_equal(ringsend_post(engine, &requests[i]), -RINGSEND_E_INVALID);
        assert_int_equal(ringsend_check(&requests[i], NULL), -RINGSEND_E_INVALID);
    }
    assert_int_equal(ringsend_submit(engine, NULL), -RINGSEND_E_INVALID);
    assert_int_equal(ringsend_check(NULL, NULL), -RINGSEND_E_INVALID);
    /* An empty one may be null. */
    struct ringsend_header empty = {text, {NULL, 0}};
    requests[6].headers = &empty;
    requests[6].headers_count = 1;
    requests[6].flags = RINGSEND_HAS_BODY;
    assert_int_equal(ringsend_check(&requests[6], NULL), 0);
    ringsend_free(engine);
}

/* ---- Bounds, and what is said of them ---- */

static void bounds_are_reported(void **state)
{
    static const struct ringsend_resolve bad_host = {"a b", 0, "127.0.0.1"},
                                         bad_address = {"host.test", 80, "127.0.0.x"},
                                         nothing = {NULL, 0, NULL};
    const struct {
        struct ringsend_options options;
        const char *word;
    } rows[] = {
        {{.connections_max = 32769}, "connections_max"},
        {{.requests_max = 1048577}, "requests_max"},
        {{.posts_max = 1048577}, "posts_max"},
        {{.tries = 101}, "tries"},
        {{.backoff_max_ns = 86401 * S}, "backoff_max_ns"},
        {{.backoff_min_ns = 86401 * S}, "backoff_min_ns"},
        {{.watch_max = 32769}, "watch_max"},
        {{.rate_count = 1000000001}, "rate"},
        {{.resolve_count = 1}, "resolve is null"},
        {{.resolve = &bad_host, .resolve_count = 257}, "256"},
        {{.resolve = &bad_host, .resolve_count = 1}, "a b"},
        {{.resolve = &bad_address, .resolve_count = 1}, "127.0.0.x"},
        {{.resolve = &bad_address, .resolve_count = 1}, "host.test"},
        {{.resolve = &nothing, .resolve_count = 1}, "(null)"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct ringsend_options options = rows[i].options;
        struct ringsend *engine = NULL;
        char message[300] = "";
        options.size = sizeof options;
        options.message = message;
        options.message_bytes = sizeof message;
        assert_int_equal(ringsend_new(&engine, &options), -RINGSEND_E_INVALID);
        if (!strstr(message, rows[i].word))
            fail_msg("\"%s\" does not name %s", message, rows[i].word);
        assert_null(engine);
    }
    struct ringsend_options most = {.size = sizeof most,
                                    .requests_max = 1048576,
                                    .tries = 100,
                                    .backoff_min_ns = 86400 * S,
                                    .backoff_max_ns = 86400 * S};
    ringsend_free(engine_new(&most));
}

static void features_fit_any_buffer(void **state)
{
    struct ringsend *engine = engine_new(NULL);
    char all[200], some[200];
    (void)state;
    size_t bytes = ringsend_features(engine, all, sizeof all);
    assert_int_equal(bytes, strlen(all));
    assert_int_equal(ringsend_features(engine, NULL, 0), bytes);
    for (size_t room = 0; room <= bytes + 1; room++) {
        memset(some, '#', sizeof some);
        assert_int_equal(ringsend_features(engine, some, room), bytes);
        if (room > 0) {
            assert_memory_equal(some, all, room - 1);
            assert_int_equal(some[room - 1], 0);
        }
        assert_int_equal(some[room], '#');
    }
    ringsend_free(engine);
}

/* ---- Room for posts ---- */

struct poster {
    struct ringsend *engine;
    struct ringsend_request requests[40];
    atomic_int posted;
};

static void *post_all(void *argument)
{
    struct poster *p = argument;
    for (int i = 0; i < 40; i++, p->posted++)
        assert_int_equal(ringsend_post_wait(p->engine, &p->requests[i], RINGSEND_NEVER), 0);
    return NULL;
}

static void a_poster_sleeps_until_there_is_room(void **state)
{
    struct peer *peer = *state;
    struct ringsend_options options = {.size = sizeof options, .requests_max = 2, .posts_max = 2};
    struct poster poster = {.engine = engine_new(&options)};
    pthread_t thread;
    for (int i = 0; i < 40; i++)
        poster.requests[i] = get(peer->url);
    assert_int_equal(pthread_create(&thread, NULL, post_all, &poster), 0);
    while (poster.posted < 2) /* and it cannot post more */
        sched_yield();
    struct ringsend_request late = get(peer->url), bad = get("no URL");
    assert_int_equal(ringsend_post_wait(poster.engine, &late, 0), -RINGSEND_E_FULL);
    assert_int_equal(ringsend_post_wait(poster.engine, &late, 1000000), -RINGSEND_E_FULL);
    assert_int_equal(ringsend_post_wait(poster.engine, &bad, RINGSEND_NEVER), -RINGSEND_E_BAD_URL);
    for (int done = 0; done < 40;) {
        const struct ringsend_result *results[4];
        assert_true(ringsend_run(poster.engine, RINGSEND_NEVER) >= 0);
        size_t n = ringsend_reap(poster.engine, results, 4);
        for (size_t i = 0; i < n; i++)
            assert_true(results[i]->ok);
        done += (int)n;
    }
    pthread_join(thread, NULL);
    ringsend_free(poster.engine);
}

/* ---- The end of a result's life ---- */

static void a_late_look_does_not_go_unseen(void **state)
{
#ifdef RINGSEND_SLOW_CHECKS
    struct peer *peer = *state;
    struct ringsend *engine = engine_new(NULL);
    struct ringsend_request request = get(peer->url);
    const struct ringsend_result *result;
    assert_int_equal(ringsend_submit(engine, &request), 0);
    while (ringsend_run(engine, RINGSEND_NEVER) == 0)
        continue;
    assert_int_equal(ringsend_reap(engine, &result, 1), 1);
    assert_int_equal(result->status, 200);
    ringsend_run(engine, 0);
    assert_int_equal((unsigned)result->status, 0xdbdbdbdb);
    ringsend_free(engine);
#else
    (void)state;
    skip();
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_struct_of_a_later_version),
        cmocka_unit_test(a_size_that_is_none),
        cmocka_unit_test(null_with_a_length_is_refused),
        cmocka_unit_test(bounds_are_reported),
        cmocka_unit_test(features_fit_any_buffer),
        cmocka_unit_test(a_poster_sleeps_until_there_is_room),
        cmocka_unit_test(a_late_look_does_not_go_unseen),
    };
    return cmocka_run_group_tests_name("contract", tests, peer_start, peer_stop);
}
