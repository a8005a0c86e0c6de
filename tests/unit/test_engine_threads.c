/* The threads on the real kernel: who gets a request, what comes back of it, and its ends. Also run
 * under TSan. */
#include "batch/job_internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "peer.h"
#include "refuse.h"

#include <errno.h>
#include <stdlib.h>

enum { THREADS = 3, CONNECTIONS = 4, REQUESTS = 60 };

/* What a job has of it: its own engine, slots, a pool. */
struct host {
    struct ringsend *lead;
    struct engine_threads *threads;
    struct buf_pool pool;
    struct ringsend_request requests[REQUESTS];
    struct slot slots[REQUESTS];
    struct list returned;
};

static struct ringsend *new_engine(void)
{
    struct ringsend_options options = {
        .size = sizeof options, .connections_max = CONNECTIONS, .requests_max = REQUESTS};
    struct ringsend *engine;
    assert_int_equal(ringsend_new(&engine, &options), 0);
    return engine;
}

static struct host *host_new(void)
{
    struct host *h = calloc(1, sizeof *h);
    struct thread_engine engines[THREADS];
    assert_non_null(h);
    h->lead = new_engine();
    for (size_t i = 0; i < THREADS; i++)
        engines[i] = (struct thread_engine){.engine = new_engine()};
    h->threads = engine_threads_new(engines, THREADS, h->lead);
    assert_non_null(h->threads);
    buf_pool_init(&h->pool);
    list_init(&h->returned);
    return h;
}

static void host_free(struct host *h)
{
    struct list *node;
    while ((node = list_pop_front(&h->returned))) {
        struct slot *slot = LIST_OWNER(node, struct slot, returned);
        buf_pool_adopt(&h->pool, &slot->kept_memory);
        buf_release(&h->pool, &slot->kept_memory);
    }
    engine_threads_free(h->threads);
    buf_pool_free(&h->pool);
    ringsend_free(h->lead);
    free(h);
}

/* Posts request number i, as if the job's own engine had so many in flight. False: it keeps it. */
static bool post(struct host *h, size_t i, const char *url, uint32_t in_flight)
{
    int error = RINGSEND_E_INVALID;
    h->requests[i] = (struct ringsend_request){
        .size = sizeof h->requests[i], .url = {url, strlen(url)}, .user = &h->slots[i]};
    list_init(&h->slots[i].returned);
    bool posted = engine_threads_post(h->threads, &h->requests[i], in_flight, &error);
    if (posted)
        assert_int_equal(error, RINGSEND_OK);
    return posted;
}

static void await(struct host *h, size_t count)
{
    while (count > 0) {
        assert_true(ringsend_run(h->lead, RINGSEND_NEVER) >= 0);
        size_t n = engine_threads_collect(h->threads, &h->returned);
        assert_true(n <= count);
        count -= n;
    }
}

/* Between threads, and with the job's own engine: whoever has the fewest in flight. */
static void the_one_with_the_most_room(void **state)
{
    const struct peer *peer = *state;
    struct host *h = host_new();
    char url[128];
    snprintf(url, sizeof url, "%shold", peer->url);
    for (size_t round = 0; round < 3; round++) {
        assert_false(post(h, REQUESTS - 1, url, (uint32_t)round));
        for (size_t i = 0; i < THREADS; i++)
            assert_true(post(h, THREADS * round + i, url, (uint32_t)round + 1));
        struct slot *first = &h->slots[THREADS * round];
        assert_true(first[0].thread != first[1].thread && first[1].thread != first[2].thread &&
                    first[0].thread != first[2].thread);
    }
    engine_threads_cancel(h->threads);
    await(h, 3 * THREADS);
    for (size_t i = 0; i < 3 * THREADS; i++) {
        assert_int_equal(h->slots[i].kept.error, RINGSEND_E_CANCELLED);
        assert_true(h->slots[i].cut_short && h->slots[i].kept_whole);
    }
    assert_true(post(h, 3 * THREADS, url, 1)); /* there is room again */
    host_free(h);
}

static void results_come_back_whole(void **state)
{
    const struct peer *peer = *state;
    struct host *h = host_new();
    char url[128];
    snprintf(url, sizeof url, "%sbig", peer->url);
    for (size_t i = 0; i < REQUESTS; i++)
        assert_true(post(h, i, i % 10 ? peer->url : url, REQUESTS));
    await(h, REQUESTS);
    for (size_t i = 0; i < REQUESTS; i++) {
        const struct result_line *line = &h->slots[i].kept;
        assert_true(h->slots[i].kept_whole && !h->slots[i].cut_short && line->ok);
        assert_int_equal(line->status, 200);
        assert_int_equal(line->body.bytes, i % 10 ? 2 : PEER_BIG_BYTES);
        assert_ptr_equal(line->body.data, h->slots[i].kept_memory.data); /* not the engine's */
    }
    struct ringsend_stats stats = {.size = sizeof stats};
    engine_threads_add_stats(h->threads, &stats);
    assert_int_equal(stats.finished, REQUESTS);
    engine_threads_end(h->threads);
    stats = (struct ringsend_stats){.size = sizeof stats};
    engine_threads_add_stats(h->threads, &stats); /* of those that have gone, too */
    assert_int_equal(stats.finished, REQUESTS);
    assert_false(engine_threads_broke(h->threads));
    host_free(h);
}

static void who_was_stopped_takes_no_more(void **state)
{
    const struct peer *peer = *state;
    struct host *h = host_new();
    assert_true(post(h, 0, peer->url, REQUESTS));
    await(h, 1);
    engine_threads_stop(h->threads);
    engine_threads_stop(h->threads);
    /* The word may be heard a little later than these are taken, but not for ever. */
    size_t i = 1;
    do {
        assert_true(post(h, i, peer->url, REQUESTS));
        await(h, 1);
    } while (h->slots[i].kept.ok && ++i < REQUESTS);
    assert_int_equal(h->slots[i].kept.error, RINGSEND_E_STOPPED);
    host_free(h);
}

/* Some are in flight, others are back and nobody took them. */
static void an_end_at_any_moment(void **state)
{
    const struct peer *peer = *state;
    char urls[2][128];
    snprintf(urls[0], sizeof urls[0], "%shold", peer->url);
    snprintf(urls[1], sizeof urls[1], "%sbig", peer->url);
    for (int turns = 0; turns < 10; turns++) {
        struct host *h = host_new();
        for (size_t i = 0; i < REQUESTS / 2; i++)
            assert_true(post(h, i, urls[i % 2], REQUESTS));
        for (int i = 0; i < turns; i++)
            assert_true(ringsend_run(h->lead, 100000) >= 0);
        host_free(h);
    }
}

static void *threads_that_may_not_enter(void *argument)
{
    struct host **h = argument;
    if (refuse_call(__NR_io_uring_enter, EBADFD))
        *h = host_new();
    return NULL;
}

/* Its threads are started by one that may not enter the kernel's rings: theirs break at once. The
 * error is the one that a ring answers while it is made, so that nobody takes it for refused. */
static void a_broken_ring_is_reported(void **state)
{
    const struct peer *peer = *state;
    struct host *h = NULL;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, threads_that_may_not_enter, &h), 0);
    pthread_join(thread, NULL);
    if (!h) {
        skip();
        return;
    }
    assert_true(ringsend_run(h->lead, RINGSEND_NEVER) >= 0); /* it was woken */
    assert_true(engine_threads_broke(h->threads));
    assert_true(post(h, 0, peer->url, REQUESTS)); /* others may not know it yet */
    engine_threads_stop(h->threads);
    engine_threads_cancel(h->threads);
    assert_int_equal(engine_threads_collect(h->threads, &h->returned), 0);
    host_free(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_one_with_the_most_room),    cmocka_unit_test(results_come_back_whole),
        cmocka_unit_test(who_was_stopped_takes_no_more), cmocka_unit_test(an_end_at_any_moment),
        cmocka_unit_test(a_broken_ring_is_reported),
    };
    return cmocka_run_group_tests(tests, peer_start, peer_stop);
}
