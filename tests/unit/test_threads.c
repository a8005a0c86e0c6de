/* Engines among threads, on the real kernel: posts from many producers, several engines at once,
 * cancels at every moment, frees with work in flight, a hundred lives without a leak. Also run
 * under TSan. */
#include "ringsend.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "peer.h"
#include "refuse.h"

#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__) || defined(UNDER_VALGRIND)
enum { SANITIZED = 1, POSTS = 100, ROUNDS = 60 };
#else
enum { SANITIZED = 0, POSTS = 1000, ROUNDS = 200 };
#endif
enum { PRODUCERS = 10, ENGINES = 4, LIVES = 100, NOBODY = 65534 };

static struct ringsend_request get(const char *url)
{
    return (struct ringsend_request){.size = sizeof(struct ringsend_request),
                                     .url = {url, strlen(url)}};
}

/* Runs until `count` results have been reaped; returns how many are ok. */
static size_t reap_all(struct ringsend *engine, size_t count)
{
    size_t ok = 0;
    while (count > 0) {
        const struct ringsend_result *results[32];
        assert_true(ringsend_run(engine, RINGSEND_NEVER) >= 0);
        size_t n = ringsend_reap(engine, results, 32);
        for (size_t i = 0; i < n; i++)
            ok += results[i]->ok;
        assert_true(n <= count);
        count -= n;
    }
    return ok;
}

/* ---- Posts ---- */

struct producer {
    pthread_t thread;
    struct ringsend *engine;
    /* counts results: who finds the queue full waits for one, as valgrind has no time for
     * spinning */
    sem_t *room;
    const char *url;
    struct ringsend_request requests[POSTS];
    unsigned results[POSTS]; /* counted by the engine's thread */
};

static void *produce(void *argument)
{
    struct producer *p = argument;
    for (size_t i = 0; i < POSTS; i++) {
        p->requests[i] = get(p->url);
        p->requests[i].user = &p->results[i];
        while (ringsend_post(p->engine, &p->requests[i]) == -RINGSEND_E_FULL)
            sem_wait(p->room);
    }
    return NULL;
}

static void ten_producers_get_a_result_for_each_post(void **state)
{
    struct peer *peer = *state;
    struct ringsend *engine;
    struct ringsend_options options = {.size = sizeof options, .requests_max = 50, .posts_max = 16};
    struct producer *producers = calloc(PRODUCERS, sizeof *producers);
    sem_t room;
    sem_init(&room, 0, 0);
    assert_int_equal(ringsend_new(&engine, &options), 0);
    for (size_t i = 0; i < PRODUCERS; i++) {
        producers[i].engine = engine;
        producers[i].room = &room;
        producers[i].url = peer->url;
        assert_int_equal(pthread_create(&producers[i].thread, NULL, produce, &producers[i]), 0);
    }
    for (size_t count = 0; count < PRODUCERS * POSTS;) {
        const struct ringsend_result *results[32];
        assert_true(ringsend_run(engine, RINGSEND_NEVER) >= 0);
        size_t n = ringsend_reap(engine, results, 32);
        for (size_t i = 0; i < n; i++) {
            assert_true(results[i]->ok);
            ++*(unsigned *)results[i]->request->user;
            sem_post(&room);
        }
        count += n;
    }
    assert_true(ringsend_idle(engine));
    for (size_t i = 0; i < PRODUCERS; i++) {
        pthread_join(producers[i].thread, NULL);
        for (size_t n = 0; n < POSTS; n++)
            assert_int_equal(producers[i].results[n], 1);
    }
    ringsend_free(engine);
    sem_destroy(&room);
    free(producers);
}

static void *post_one(void *argument)
{
    struct producer *p = argument;
    p->requests[0] = get(p->url);
    assert_int_equal(ringsend_post(p->engine, &p->requests[0]), 0);
    return NULL;
}

/* A sleeping host learns of a post by ringsend_fd alone. */
static void a_post_wakes_a_host_loop(void **state)
{
    struct peer *peer = *state;
    struct producer *p = calloc(1, sizeof *p);
    struct ringsend_options options = {.size = sizeof options,
                                       .first_byte_timeout_ns = RINGSEND_NEVER,
                                       .attempt_timeout_ns = RINGSEND_NEVER,
                                       .idle_timeout_ns = RINGSEND_NEVER};
    p->url = peer->url;
    assert_int_equal(ringsend_new(&p->engine, &options), 0);
    struct pollfd fd = {.fd = ringsend_fd(p->engine), .events = POLLIN};
    const struct ringsend_result *result = NULL;
    for (int round = 0; round < 20; round++) {
        assert_int_equal(ringsend_run(p->engine, 0), 0);
        assert_int_equal(pthread_create(&p->thread, NULL, post_one, p), 0);
        size_t n = 0;
        while (n == 0) {
            struct ringsend_stats stats = {.size = sizeof stats};
            ringsend_stats(p->engine, &stats);
            /* Nothing has a deadline, but for the connect: then there is work, or only the post
             * helps. */
            bool connects = stats.next_deadline_ns != UINT64_MAX;
            assert_true(poll(&fd, 1, connects ? 1 : -1) >= 0);
            assert_true(ringsend_run(p->engine, 0) >= 0);
            n = ringsend_reap(p->engine, &result, 1);
        }
        assert_true(result->ok);
        pthread_join(p->thread, NULL);
    }
    ringsend_free(p->engine);
    free(p);
}

static void posts_are_bounded_and_checked(void **state)
{
    struct peer *peer = *state;
    struct ringsend *engine;
    struct ringsend_options options = {.size = sizeof options, .requests_max = 1, .posts_max = 2};
    struct ringsend_request a = get(peer->url), b = a, c = a, bad = get("ftp://x/");
    const struct ringsend_result *result;
    assert_int_equal(ringsend_new(&engine, &options), 0);
    assert_int_equal(ringsend_post(engine, &bad), -RINGSEND_E_BAD_URL);
    assert_true(ringsend_idle(engine));
    assert_int_equal(ringsend_post(engine, &a), 0);
    assert_int_equal(ringsend_post(engine, &b), 0);
    assert_int_equal(ringsend_post(engine, &c), -RINGSEND_E_FULL);
    assert_false(ringsend_idle(engine));
    /* There is room for one request: the other waits in the queue, and comes in its turn. */
    assert_int_equal(reap_all(engine, 1), 1);
    assert_false(ringsend_idle(engine));
    struct ringsend_stats stats = {.size = sizeof stats};
    ringsend_stats(engine, &stats);
    assert_int_equal(stats.submitted, 1);
    assert_true(stats.next_deadline_ns != UINT64_MAX);
    ringsend_stop(engine);
    assert_int_equal(ringsend_run(engine, RINGSEND_NEVER), 1);
    assert_int_equal(ringsend_reap(engine, &result, 1), 1);
    assert_ptr_equal(result->request, &b);
    assert_int_equal(result->error, RINGSEND_E_STOPPED);
    assert_int_equal(result->attempts, 0);
    assert_true(ringsend_idle(engine));
    ringsend_free(engine);
}

/* ---- Several engines ---- */

/* Before an engine's end all have begun: liburing maps memory past TSan's eyes, which would take
 * another thread's new ring, where this one's was, for a race. */
static pthread_barrier_t all_have_begun;

static void *whole_life(void *argument)
{
    const char *url = argument;
    struct ringsend *engine;
    struct ringsend_request requests[POSTS / 2];
    struct ringsend_options options = {
        .size = sizeof options, .connections_max = 10, .requests_max = POSTS / 2};
    size_t ok = 0;
    assert_int_equal(ringsend_new(&engine, &options), 0);
    for (size_t i = 0; i < POSTS / 2; i++) {
        requests[i] = get(url);
        assert_int_equal(ringsend_submit(engine, &requests[i]), 0);
    }
    ok = reap_all(engine, POSTS / 2);
    pthread_barrier_wait(&all_have_begun);
    ringsend_free(engine);
    return (void *)ok;
}

static void engines_share_nothing(void **state)
{
    struct peer *peer = *state;
    pthread_t threads[ENGINES];
    pthread_barrier_init(&all_have_begun, NULL, ENGINES);
    for (size_t i = 0; i < ENGINES; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, whole_life, peer->url), 0);
    for (size_t i = 0; i < ENGINES; i++) {
        void *ok;
        pthread_join(threads[i], &ok);
        assert_int_equal((size_t)ok, POSTS / 2);
    }
    pthread_barrier_destroy(&all_have_begun);
}

/* ---- Ends at any moment ---- */

static const char *path_of(const struct peer *peer, int round, char url[128])
{
    static const char *const paths[] = {"", "hold", "big"};
    snprintf(url, 128, "%s%s", peer->url, paths[round % 3]);
    return url;
}

/* After n turns that do not wait, for n from none on: looking up, connecting, sending, receiving,
 * done. */
static void a_cancel_at_any_moment_brings_one_result(void **state)
{
    struct peer *peer = *state;
    struct ringsend *engine;
    char url[128];
    assert_int_equal(ringsend_new(&engine, NULL), 0);
    for (int round = 0; round < ROUNDS; round++) {
        struct ringsend_request request = get(path_of(peer, round, url));
        const struct ringsend_result *result;
        assert_int_equal(ringsend_submit(engine, &request), 0);
        for (int turns = 0; turns < round / 3; turns++)
            assert_true(ringsend_run(engine, 0) >= 0);
        assert_int_equal(ringsend_cancel(engine, request.handle), 0);
        while (ringsend_run(engine, RINGSEND_NEVER) == 0) {
        }
        assert_int_equal(ringsend_reap(engine, &result, 1), 1);
        assert_ptr_equal(result->request, &request);
        assert_true(result->ok || result->error == RINGSEND_E_CANCELLED);
        assert_true(ringsend_idle(engine));
    }
    ringsend_free(engine);
}

static void a_free_at_any_moment_waits_for_the_kernel(void **state)
{
    struct peer *peer = *state;
    char url[3][128];
    for (int round = 0; round < ROUNDS / 2; round++) {
        struct ringsend *engine;
        struct ringsend_request requests[12];
        assert_int_equal(ringsend_new(&engine, NULL), 0);
        for (int i = 0; i < 12; i++) {
            requests[i] = get(path_of(peer, i, url[i % 3]));
            assert_int_equal(ringsend_submit(engine, &requests[i]), 0);
        }
        for (int turns = 0; turns < round; turns++)
            assert_true(ringsend_run(engine, 0) >= 0);
        ringsend_free(engine);
        memset(requests, 0xa5, sizeof requests);
    }
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

static void one_life(const char *url)
{
    struct ringsend *engine;
    char named[128];
    snprintf(named, sizeof named, "http://localhost%s", strrchr(url, ':'));
    struct ringsend_request requests[] = {get(url), get(named)}; /* the second is looked up */
    assert_int_equal(ringsend_new(&engine, NULL), 0);
    assert_int_equal(ringsend_submit(engine, &requests[0]), 0);
    assert_int_equal(ringsend_submit(engine, &requests[1]), 0);
    assert_int_equal(reap_all(engine, 2), 2);
    ringsend_free(engine);
}

static long resident_kib(void)
{
    long kib = -1;
    char line[128];
    FILE *file = fopen("/proc/self/status", "re");
    while (file && kib < 0 && fgets(line, sizeof line, file))
        if (strncmp(line, "VmRSS:", 6) == 0)
            kib = strtol(line + 6, NULL, 10);
    if (file)
        fclose(file);
    return kib;
}

static void a_hundred_lives_leave_nothing_behind(void **state)
{
    struct peer *peer = *state;
    one_life(peer->url);
    size_t descriptors = open_descriptors();
    /* Sanitizers keep freed memory, and have leak checks of their own. */
    long kib = SANITIZED ? 0 : resident_kib();
    for (int i = 0; i < LIVES; i++)
        one_life(peer->url);
    assert_int_equal(open_descriptors(), descriptors);
    kib = SANITIZED ? 0 : resident_kib() - kib;
    assert_true(kib < LIVES * 4); /* less than a page for each */
}

/* After requests, 20 at a time: what an engine costs that is left alone, its connections gone. */
static struct ringsend *idle_engine(const char *url)
{
    enum { AT_ONCE = 20 };
    struct ringsend *engine;
    struct ringsend_options options = {.size = sizeof options, .idle_timeout_ns = 1000000};
    struct ringsend_request requests[AT_ONCE];
    struct ringsend_stats stats = {.size = sizeof stats};
    assert_int_equal(ringsend_new(&engine, &options), 0);
    ringsend_stats(engine, &stats);
    uint64_t bytes = stats.memory_bytes;
    for (size_t n = 0; n < AT_ONCE; n++) {
        requests[n] = get(url);
        assert_int_equal(ringsend_submit(engine, &requests[n]), 0);
    }
    assert_int_equal(reap_all(engine, AT_ONCE), AT_ONCE);
    do {
        assert_int_equal(ringsend_run(engine, 1000000), 0);
        ringsend_stats(engine, &stats);
    } while (stats.connections_open > 0);
    assert_int_equal(stats.memory_bytes, bytes);
    return engine;
}

static void an_idle_engine_is_small(void **state)
{
    struct peer *peer = *state;
    static const char *const paths[] = {"", "big"};
    enum { IDLE = 10 };
    struct ringsend *engines[IDLE];
    char url[128];
    if (SANITIZED)
        skip();
    for (size_t n = 0; n < sizeof paths / sizeof *paths; n++) {
        snprintf(url, sizeof url, "%s%s", peer->url, paths[n]);
        ringsend_free(idle_engine(url));
        long kib = resident_kib();
        for (size_t i = 0; i < IDLE; i++)
            engines[i] = idle_engine(url);
        kib = (resident_kib() - kib) / IDLE;
        print_message("an idle engine, after /%s: %ld KiB resident\n", paths[n], kib);
        assert_true(kib <= 3000);
        for (size_t i = 0; i < IDLE; i++)
            ringsend_free(engines[i]);
    }
}

/* ---- A ring that breaks ---- */

/* Memory that is never given back: a broken ring's engine keeps what the kernel may still look at.
 */
enum { HEAP_BYTES = 64 << 20 };

struct heap {
    char *memory;
    size_t used;
};

static void *heap_allocate(void *context, size_t bytes)
{
    struct heap *heap = context;
    void *memory = heap->memory + heap->used;
    heap->used += (bytes + 63) / 64 * 64;
    return heap->used <= HEAP_BYTES ? memory : NULL;
}

static void heap_release(void *context, void *memory, size_t bytes)
{
    (void)context;
    (void)memory;
    (void)bytes;
}

struct breaking {
    struct ringsend *engine;
    const char *url;
    atomic_bool over;
    atomic_uint wakes;
    bool refused;
};

static void *post_and_wake(void *argument)
{
    struct breaking *b = argument;
    struct ringsend_request *requests = calloc(POSTS, sizeof *requests);
    for (size_t i = 0; !atomic_load(&b->over); i++) {
        struct ringsend_request *r = &requests[i % POSTS];
        if (i < POSTS) {
            *r = get(b->url);
            (void)ringsend_post(b->engine, r); /* the last ones find no room */
        }
        ringsend_wake(b->engine);
        b->wakes++;
        sched_yield();
    }
    return requests;
}

/* Its own thread: the filter stays with it. */
static void *run_until_it_breaks(void *argument)
{
    struct breaking *b = argument;
    struct heap heap = {mmap(NULL, HEAP_BYTES, PROT_READ | PROT_WRITE,
                             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0),
                        0};
    struct ringsend_allocator allocator = {heap_allocate, heap_release, &heap};
    struct ringsend_options options = {.size = sizeof options, .allocator = &allocator};
    const struct ringsend_result *result;
    pthread_t producers[PRODUCERS];
    void *requests[PRODUCERS];
    assert_int_equal(ringsend_new(&b->engine, &options), 0);
    for (size_t i = 0; i < PRODUCERS; i++)
        assert_int_equal(pthread_create(&producers[i], NULL, post_and_wake, b), 0);
    for (size_t done = 0; done < PRODUCERS;) {
        assert_true(ringsend_run(b->engine, RINGSEND_NEVER) >= 0);
        while (ringsend_reap(b->engine, &result, 1) == 1)
            done++;
    }
    b->refused = refuse_call(__NR_io_uring_enter, EPERM);
    for (int i = 0; b->refused && i < 3; i++) {
        unsigned wakes = b->wakes;
        assert_int_equal(ringsend_run(b->engine, RINGSEND_NEVER), -RINGSEND_E_RING);
        while (ringsend_reap(b->engine, &result, 1) == 1)
            assert_true(result->ok || result->error != RINGSEND_OK);
        ringsend_cancel_all(b->engine);
        while (b->wakes == wakes)
            sched_yield(); /* they do not mind */
    }
    b->over = true;
    for (size_t i = 0; i < PRODUCERS; i++)
        pthread_join(producers[i], &requests[i]);
    ringsend_free(b->engine);
    for (size_t i = 0; i < PRODUCERS; i++)
        free(requests[i]);
    munmap(heap.memory, HEAP_BYTES);
    return NULL;
}

static void a_ring_may_break_while_others_post(void **state)
{
    struct peer *peer = *state;
    struct breaking b = {.url = peer->url};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, run_until_it_breaks, &b), 0);
    pthread_join(thread, NULL);
    if (!b.refused)
        skip();
}

/* ---- In processes of their own ---- */

/* Locked memory counts per user: an engine that kept some would leave none for those after it. The
 * kernel takes a ring apart after its close, so the next engine may have to ask more than once. */
static void live_with_little_locked_memory(void)
{
    struct rlimit limit = {.rlim_cur = 512 << 10, .rlim_max = 512 << 10};
    if (setrlimit(RLIMIT_MEMLOCK, &limit) != 0 || setgid(NOBODY) != 0 || setuid(NOBODY) != 0)
        _exit(2);
    for (int i = 0; i < LIVES; i++) {
        struct ringsend *engine = NULL;
        for (long tries = 0; !engine && tries < 1000 * 1000; tries++)
            if (ringsend_new(&engine, NULL) != 0)
                sched_yield();
        if (!engine)
            _exit(1);
        ringsend_free(engine);
    }
    _exit(0);
}

static int status_of_child(void (*run)(void))
{
    int status = -1;
    pid_t child = fork();
    if (child == 0)
        run();
    assert_true(child > 0 && waitpid(child, &status, 0) == child);
    return status;
}

static void a_hundred_lives_lock_no_memory(void **state)
{
    (void)state;
    if (SANITIZED || geteuid() != 0)
        skip();
    assert_int_equal(status_of_child(live_with_little_locked_memory), 0);
}

#ifdef RINGSEND_SLOW_CHECKS
static void *stop_it(void *engine)
{
    ringsend_stop(engine);
    return NULL;
}

static void use_from_two_threads(void)
{
    struct rlimit no_core = {0};
    struct ringsend *engine;
    pthread_t thread;
    setrlimit(RLIMIT_CORE, &no_core);
    fclose(stderr);
    if (ringsend_new(&engine, NULL) != 0 || ringsend_run(engine, 0) != 0 ||
        pthread_create(&thread, NULL, stop_it, engine) != 0)
        _exit(2);
    pthread_join(thread, NULL);
    _exit(0);
}

static void the_wrong_thread_is_caught(void **state)
{
    (void)state;
    int status = status_of_child(use_from_two_threads);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ten_producers_get_a_result_for_each_post),
        cmocka_unit_test(a_post_wakes_a_host_loop),
        cmocka_unit_test(posts_are_bounded_and_checked),
        cmocka_unit_test(engines_share_nothing),
        cmocka_unit_test(a_cancel_at_any_moment_brings_one_result),
        cmocka_unit_test(a_free_at_any_moment_waits_for_the_kernel),
        cmocka_unit_test(a_ring_may_break_while_others_post),
        cmocka_unit_test(a_hundred_lives_leave_nothing_behind),
        cmocka_unit_test(an_idle_engine_is_small),
        cmocka_unit_test(a_hundred_lives_lock_no_memory),
#ifdef RINGSEND_SLOW_CHECKS
        cmocka_unit_test(the_wrong_thread_is_caught),
#endif
    };
    return cmocka_run_group_tests(tests, peer_start, peer_stop);
}
