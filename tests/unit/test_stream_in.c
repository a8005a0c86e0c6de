/* Streamed responses on the real kernel: each sink, back-pressure, each way it can fail, and its
 * end in each phase. */
#include "ringsend.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "stream_peer.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>

enum {
    LARGE_BYTES = 20000000,
    /* A window, the piece before it, both with what doubling leaves unused, and the receive
     * buffers. */
    HELD_BYTES_MAX = 4 << 20,
};

static const char *const kinds[] = {"bytes", "chunks", "end"};
static const size_t lengths[] = {0, 1, 5000, 300001, 3000000};
enum { KINDS = 3, LENGTHS = 5 };

static struct ringsend_request get(const struct stream_peer *peer, const char *kind, size_t bytes,
                                   uint32_t flags)
{
    static char url[128];
    snprintf(url, sizeof url, "%s%s/%zu", peer->url, kind, bytes);
    return (struct ringsend_request){.size = sizeof(struct ringsend_request),
                                     .url = {url, strlen(url)},
                                     .flags = flags,
                                     .response_fd = -1};
}

static struct ringsend *engine_new(const char *retry_if)
{
    struct ringsend_options options = {.size = sizeof options,
                                       .connections_max = 4,
                                       .tries = 2,
                                       .body_max_bytes = 100,
                                       .backoff_min_ns = 1,
                                       .backoff_max_ns = 1,
                                       .store_headers = true,
                                       .decode = true,
                                       .retry_if = retry_if};
    struct ringsend *engine;
    assert_int_equal(ringsend_new(&engine, &options), 0);
    return engine;
}

static struct ringsend_stats stats_of(struct ringsend *engine)
{
    struct ringsend_stats stats = {.size = sizeof stats};
    ringsend_stats(engine, &stats);
    return stats;
}

static void assert_bytes(const char *data, size_t at, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        if (data[i] != stream_byte(at + i))
            fail_msg("byte %zu is wrong", at + i);
}

/* Takes what a pipe holds. */
static size_t drain(int fd, size_t at, size_t bytes)
{
    static char data[1 << 16];
    ssize_t n = read(fd, data, bytes < sizeof data ? bytes : sizeof data);
    assert_true(n > 0);
    assert_bytes(data, at, (size_t)n);
    return (size_t)n;
}

/* ---- To a descriptor ---- */

static void a_file_is_written_at_its_position(void **state)
{
    struct ringsend *engine = engine_new(NULL);
    int fd = memfd_create("response", MFD_CLOEXEC);
    size_t end = 3;
    assert_int_equal(write(fd, "abc", 3), 3);
    for (size_t i = 0; i < KINDS * LENGTHS; i++) {
        size_t bytes = lengths[i / KINDS];
        struct ringsend_request r = get(*state, kinds[i % KINDS], bytes, RINGSEND_RESPONSE_FD);
        r.response_fd = fd;
        const struct ringsend_result *result = result_of(engine, &r);
        assert_int_equal(result->error, RINGSEND_OK);
        assert_true(result->ok);
        assert_int_equal(result->status, 200);
        assert_int_equal(result->body.bytes, 0);
        assert_int_equal(result->packed_bytes, bytes);
        assert_true(result->headers_count > 0);
        assert_int_equal(lseek(fd, 0, SEEK_CUR), (long)(end + bytes));
        char *data = mmap(NULL, end + bytes, PROT_READ, MAP_SHARED, fd, 0);
        assert_bytes(data + end, 0, bytes);
        munmap(data, end + bytes);
        end += bytes;
    }
    /* Only those that end with the stream cost a connection. */
    assert_int_equal(stats_of(engine).connections_opened, LENGTHS);
    ringsend_free(engine);
    close(fd);
}

static void a_slow_pipe_holds_the_peer_back(void **state)
{
    struct ringsend *engine = engine_new(NULL);
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    struct ringsend_request r = get(*state, "bytes", LARGE_BYTES, RINGSEND_RESPONSE_FD);
    r.response_fd = ends[1];
    assert_int_equal(ringsend_submit(engine, &r), 0);
    size_t at = 0;
    for (int turn = 0; turn < 300; turn++) {
        assert_int_equal(ringsend_run(engine, 100000), 0);
        assert_true(stats_of(engine).bytes_received < HELD_BYTES_MAX);
    }
    while (at < LARGE_BYTES) {
        struct pollfd readable = {.fd = ends[0], .events = POLLIN};
        while (poll(&readable, 1, 0) == 0)
            ringsend_run(engine, 1000000);
        at += drain(ends[0], at, LARGE_BYTES - at);
        assert_true(stats_of(engine).memory_bytes < 2 * HELD_BYTES_MAX);
    }
    const struct ringsend_result *result = next(engine);
    assert_int_equal(result->error, RINGSEND_OK);
    assert_int_equal(result->packed_bytes, LARGE_BYTES);
    ringsend_free(engine);
    close(ends[0]);
    close(ends[1]);
}

static void what_cannot_be_written_is_reported(void **state)
{
    struct ringsend *engine = engine_new(NULL);
    struct ringsend_request r = get(*state, "bytes", 300001, RINGSEND_RESPONSE_FD);
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    r.response_fd = ends[0];
    const struct ringsend_result *result = result_of(engine, &r);
    assert_int_equal(result->error, RINGSEND_E_BODY_WRITE);
    assert_string_equal(result->detail, "Bad file descriptor");
    assert_int_equal(result->attempts, 1);
    assert_int_equal(result->status, 200);
    close(ends[0]);
    signal(SIGPIPE, SIG_IGN);
    r.response_fd = ends[1];
    result = result_of(engine, &r);
    assert_int_equal(result->error, RINGSEND_E_BODY_WRITE);
    assert_string_equal(result->detail, "Broken pipe");
    close(ends[1]);

    /* What a full disk does: a part is taken, and it would not be safe to go on. */
    int fd = memfd_create("response", MFD_CLOEXEC);
    struct rlimit before, small;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = 3001;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    r.response_fd = fd;
    result = result_of(engine, &r);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(result->error, RINGSEND_E_BODY_WRITE);
    assert_int_equal(strncmp(result->detail, "a write ended after 3001 of ", 28), 0);
    close(fd);
    ringsend_free(engine);
}

/* ---- In pieces ---- */

/* Takes pieces to the final result, which it returns. */
static const struct ringsend_result *take_all(struct ringsend *engine, size_t *bytes)
{
    const struct ringsend_result *result;
    for (*bytes = 0; (result = next(engine))->kind == RINGSEND_PIECE;
         *bytes += result->body.bytes) {
        assert_true(result->body.bytes > 0);
        assert_int_equal(result->status, 200);
        assert_true(result->headers_count > 0);
        assert_memory_equal(result->headers[0].name.data, "X-Kind", 6);
        assert_memory_equal(result->headers[0].value.data, "/", 1);
        assert_bytes(result->body.data, *bytes, result->body.bytes);
    }
    assert_int_equal(result->kind, RINGSEND_FINAL);
    return result;
}

static void pieces_are_taken(void **state)
{
    struct ringsend *engine = engine_new(NULL);
    for (size_t i = 0; i < KINDS * LENGTHS; i++) {
        size_t bytes = lengths[i / KINDS], got;
        struct ringsend_request r = get(*state, kinds[i % KINDS], bytes, RINGSEND_RESPONSE_PIECES);
        assert_int_equal(ringsend_submit(engine, &r), 0);
        const struct ringsend_result *result = take_all(engine, &got);
        assert_int_equal(got, bytes);
        assert_int_equal(result->error, RINGSEND_OK);
        assert_int_equal(result->packed_bytes, bytes);
        assert_int_equal(result->body.bytes, 0);
        /* It was not decoded. */
        assert_int_equal(result->encoding.bytes, i % KINDS == 1 && bytes > 0 ? 2 : 0);
        assert_int_equal(ringsend_run(engine, 0), 0);
        assert_true(ringsend_idle(engine));
    }
    assert_int_equal(stats_of(engine).connections_opened, LENGTHS);
    struct stream_peer *peer = *state;
    assert_int_equal(peer->accepting, 0); /* though options.decode */
    ringsend_free(engine);
}

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void who_takes_nothing_holds_the_peer_back(void **state)
{
    for (int hold = 0; hold <= 1; hold++) {
        struct ringsend *engine = engine_new(NULL);
        struct ringsend_request r = get(*state, "chunks", LARGE_BYTES, RINGSEND_RESPONSE_PIECES);
        const struct ringsend_result *result;
        size_t got;
        assert_int_equal(ringsend_submit(engine, &r), 0);
        if (hold)
            assert_int_equal(ringsend_hold(engine, r.handle, true), 0);
        for (int turn = 0; turn < 300; turn++) {
            int ready = ringsend_run(engine, 100000);
            assert_true(ready == 0 || (ready == 1 && !hold));
            assert_true(ready == 0 || stats_of(engine).next_deadline_ns <= now_ns());
            assert_true(stats_of(engine).bytes_received < HELD_BYTES_MAX);
        }
        /* Others go on meanwhile: the shared buffers are not held. */
        struct ringsend_request other = get(*state, "bytes", 50, 0);
        assert_int_equal(ringsend_submit(engine, &other), 0);
        if (hold)
            assert_ptr_equal(next(engine)->request, &other);
        else
            while (ringsend_run(engine, 100000) < 2)
                ;
        /* What lies ready is taken back. */
        assert_int_equal(ringsend_hold(engine, r.handle, true), 0);
        assert_int_equal(ringsend_reap(engine, &result, 1), hold ? 0 : 1);
        if (!hold)
            assert_ptr_equal(result->request, &other);
        assert_int_equal(ringsend_run(engine, 0), 0);
        assert_int_equal(ringsend_hold(engine, r.handle, false), 0);
        assert_int_equal(take_all(engine, &got)->error, RINGSEND_OK);
        assert_int_equal(got, LARGE_BYTES);
        ringsend_free(engine);
    }
}

static void both_ways_at_once(void **state)
{
    struct ringsend *engine = engine_new(NULL);
    struct ringsend_request r =
        get(*state, "bytes", 300001, RINGSEND_RESPONSE_PIECES | RINGSEND_BODY_PIECES);
    static const char piece[1000];
    r.body_bytes = 5000;
    size_t wants = 0, got = 0;
    const struct ringsend_result *result;
    assert_int_equal(ringsend_submit(engine, &r), 0);
    while ((result = next(engine))->kind != RINGSEND_FINAL) {
        if (result->kind == RINGSEND_WANTS) {
            wants++;
            assert_int_equal(
                ringsend_body(engine, r.handle, (struct ringsend_bytes){piece, 1000}, false), 0);
        } else {
            got += result->body.bytes;
        }
    }
    assert_int_equal(wants, 5);
    assert_int_equal(got, 300001);
    ringsend_free(engine);
}

/* Runs until the response to a held request is complete. */
static void await_bytes(struct ringsend *engine, uint64_t bytes)
{
    while (stats_of(engine).bytes_received < bytes)
        ringsend_run(engine, 100000);
}

/* It is the result when the body is out: not before the host has given the rest of it. */
static void behind_an_early_response_the_rest_is_asked_for(void **state)
{
    static const char answer[] = "HTTP/1.1 200 OK\r\nX-Kind: /soon/10\r\n"
                                 "Content-Length: 10\r\n\r\n0123456789";
    struct ringsend *engine = engine_new(NULL);
    struct ringsend_request r =
        get(*state, "soon", 10, RINGSEND_RESPONSE_PIECES | RINGSEND_BODY_PIECES);
    const struct ringsend_result *result;
    int given = 0;
    r.body_bytes = RINGSEND_UNKNOWN;
    assert_int_equal(ringsend_submit(engine, &r), 0);
    assert_int_equal(ringsend_hold(engine, r.handle, true), 0);
    assert_int_equal(next(engine)->kind, RINGSEND_WANTS);
    await_bytes(engine, sizeof answer - 1);
    assert_int_equal(ringsend_hold(engine, r.handle, false), 0);
    assert_int_equal(next(engine)->body.bytes, 10);
    for (int turn = 0; turn < 10; turn++)
        assert_int_equal(ringsend_run(engine, 100000), 0);
    assert_int_equal(ringsend_body(engine, r.handle, (struct ringsend_bytes){"x", 1}, false), 0);
    while ((result = next(engine))->kind == RINGSEND_WANTS)
        assert_int_equal(
            ringsend_body(engine, r.handle, (struct ringsend_bytes){"y", 1}, ++given == 3), 0);
    assert_int_equal(given, 3);
    assert_int_equal(result->error, RINGSEND_OK);
    assert_true(result->ok);
    ringsend_free(engine);
}

/* ---- Which responses, and how often ---- */

static void other_statuses_are_stored(void **state)
{
    struct ringsend *engine = engine_new(NULL);
    static const uint32_t flags[] = {RINGSEND_RESPONSE_FD, RINGSEND_RESPONSE_PIECES,
                                     RINGSEND_RESPONSE_DISCARD};
    for (size_t i = 0; i < 3; i++) {
        struct ringsend_request r = get(*state, "busy", 50, flags[i]);
        r.response_fd = 12345; /* not touched */
        const struct ringsend_result *result = result_of(engine, &r);
        assert_int_equal(result->error, RINGSEND_OK);
        assert_int_equal(result->status, 503);
        assert_int_equal(result->attempts, 2);
        assert_int_equal(result->body.bytes, 50);
        assert_bytes(result->body.data, 0, 50);
        r = get(*state, "busy", 101, flags[i]);
        r.response_fd = 12345;
        assert_int_equal(result_of(engine, &r)->error, RINGSEND_E_BODY_TOO_LARGE);
    }
    ringsend_free(engine);
}

static void what_was_passed_on_is_final(void **state)
{
    struct ringsend *engine = engine_new("status == 200");
    size_t got;
    struct ringsend_request r = get(*state, "bytes", 10, RINGSEND_RESPONSE_PIECES);
    assert_int_equal(ringsend_submit(engine, &r), 0);
    const struct ringsend_result *result = take_all(engine, &got);
    assert_int_equal(result->attempts, 1);
    assert_false(result->ok);
    r = get(*state, "bytes", 0, RINGSEND_RESPONSE_PIECES);
    assert_int_equal(result_of(engine, &r)->attempts, 2);
    r = get(*state, "bytes", 10, RINGSEND_RESPONSE_DISCARD);
    assert_int_equal(result_of(engine, &r)->attempts, 2);
    ringsend_free(engine);
}

static void what_came_before_a_break_is_passed_on(void **state)
{
    struct ringsend *engine = engine_new(NULL);
    size_t got;
    for (int hold = 0; hold <= 1; hold++) {
        struct ringsend_request r = get(*state, "break", 2000000, RINGSEND_RESPONSE_PIECES);
        assert_int_equal(ringsend_submit(engine, &r), 0);
        while (ringsend_run(engine, RINGSEND_NEVER) == 0)
            ;
        ringsend_hold(engine, r.handle, hold);
        for (int turn = 0; turn < 50; turn++)
            ringsend_run(engine, 100000);
        ringsend_hold(engine, r.handle, false);
        const struct ringsend_result *result = take_all(engine, &got);
        assert_int_equal(got, 2000000);
        assert_int_equal(result->error, RINGSEND_E_TRUNCATED_BODY);
        assert_int_equal(result->packed_bytes, 2000000);
        assert_int_equal(result->attempts, 1);
    }
    int fd = memfd_create("response", MFD_CLOEXEC);
    struct ringsend_request r = get(*state, "break", 2000000, RINGSEND_RESPONSE_FD);
    r.response_fd = fd;
    const struct ringsend_result *result = result_of(engine, &r);
    assert_int_equal(result->error, RINGSEND_E_TRUNCATED_BODY);
    assert_int_equal(lseek(fd, 0, SEEK_CUR), 2000000);
    close(fd);
    ringsend_free(engine);
}

/* ---- The end in each phase ---- */

enum phase { PIPE_FULL, PIECE_READY, PIECE_HELD, COMPLETE_HELD, PIECE_TAKEN, PHASES };

static bool is_in(enum phase phase, struct ringsend *engine, int pipe_fd)
{
    struct pollfd writable = {.fd = pipe_fd, .events = POLLOUT};
    switch (phase) {
    case PIPE_FULL:
        return poll(&writable, 1, 0) == 0;
    case PIECE_READY:
    case PIECE_TAKEN:
        return ringsend_run(engine, 0) > 0;
    case PIECE_HELD:
    case COMPLETE_HELD:
        return stats_of(engine).bytes_received > 1000;
    case PHASES:
        break;
    }
    return false;
}

/* Leaves a request in the phase, unless its deadline was first. */
static void bring_into(enum phase phase, struct ringsend *engine, struct ringsend_request *r)
{
    const struct ringsend_result *result;
    assert_int_equal(ringsend_submit(engine, r), 0);
    if (phase == PIECE_HELD || phase == COMPLETE_HELD)
        assert_int_equal(ringsend_hold(engine, r->handle, true), 0);
    while (!is_in(phase, engine, r->response_fd) && stats_of(engine).finished == 0)
        ringsend_run(engine, 100000);
    if (phase == PIECE_TAKEN && stats_of(engine).finished == 0)
        assert_int_equal(ringsend_reap(engine, &result, 1), 1);
}

static void an_end_comes_in_each_phase(void **state)
{
    for (int i = 0; i < 3 * PHASES; i++) {
        enum phase phase = (enum phase)(i / 3);
        struct ringsend *engine = engine_new(NULL);
        int ends[2];
        assert_int_equal(pipe(ends), 0);
        struct ringsend_request r =
            get(*state, "bytes", phase == COMPLETE_HELD ? 1000 : LARGE_BYTES,
                phase == PIPE_FULL ? RINGSEND_RESPONSE_FD : RINGSEND_RESPONSE_PIECES);
        r.response_fd = ends[1];
        if (i % 3 == 0)
            r.deadline_ns = 50000000;
        bring_into(phase, engine, &r);
        if (i % 3 == 1)
            assert_int_equal(ringsend_cancel(engine, r.handle), 0);
        if (i % 3 < 2) {
            const struct ringsend_result *result;
            while (stats_of(engine).finished == 0)
                ringsend_run(engine, 1000000);
            /* Pieces that nobody has taken are gone. */
            assert_int_equal(ringsend_reap(engine, &result, 1), 1);
            assert_int_equal(result->kind, RINGSEND_FINAL);
            assert_int_equal(result->error,
                             i % 3 == 0 ? RINGSEND_E_TIMEOUT_RECORD : RINGSEND_E_CANCELLED);
            assert_int_equal(ringsend_run(engine, 0), 0);
            assert_true(ringsend_idle(engine));
        }
        ringsend_free(engine);
        close(ends[0]);
        close(ends[1]);
    }
}

static void bad_streams_are_refused(void **state)
{
    struct ringsend *engine = engine_new(NULL);
    struct ringsend_request r = get(*state, "bytes", 1, RINGSEND_RESPONSE_FD);
    assert_int_equal(ringsend_submit(engine, &r), -RINGSEND_E_INVALID);
    r.response_fd = 0;
    r.size = offsetof(struct ringsend_request, response_fd);
    assert_int_equal(ringsend_submit(engine, &r), -RINGSEND_E_INVALID);
    r.size = sizeof r;
    r.flags |= RINGSEND_RESPONSE_DISCARD;
    assert_int_equal(ringsend_submit(engine, &r), -RINGSEND_E_INVALID);
    assert_int_equal(ringsend_hold(engine, 7, true), -RINGSEND_E_INVALID);
    r.flags = RINGSEND_RESPONSE_DISCARD;
    assert_int_equal(ringsend_submit(engine, &r), 0);
    uint64_t handle = r.handle;
    assert_int_equal(ringsend_hold(engine, handle, true), -RINGSEND_E_INVALID);
    assert_int_equal(next(engine)->packed_bytes, 1);
    assert_int_equal(ringsend_hold(engine, handle, true), 0);
    ringsend_free(engine);
}

/* Four streams that never stop, and no result before their end: a call that is not to wait, or not
 * for long, ends all the same, and says that there is more to do. */
static void a_call_ends_whatever_flows(void **state)
{
    enum { STREAMS = 4, TURNS_MAX = 101 };
    struct ringsend *engine = engine_new(NULL);
    struct ringsend_request r[STREAMS];
    int null = open("/dev/null", O_WRONLY);
    for (int i = 0; i < STREAMS; i++) {
        r[i] = get(*state, "bytes", 3 * (size_t)LARGE_BYTES, RINGSEND_RESPONSE_FD);
        r[i].response_fd = null;
        assert_int_equal(ringsend_submit(engine, &r[i]), 0);
    }
    for (int done = 0; done < STREAMS;) {
        uint64_t enters = stats_of(engine).enters;
        int ready = ringsend_run(engine, 0);
        assert_true(ready >= 0);
        struct ringsend_stats stats = stats_of(engine);
        assert_true(stats.enters - enters <= TURNS_MAX);
        const struct ringsend_result *result;
        for (; ringsend_reap(engine, &result, 1) == 1; done++)
            assert_int_equal(result->error, RINGSEND_OK);
        struct pollfd more = {.fd = ringsend_fd(engine), .events = POLLIN};
        if (stats.next_deadline_ns > now_ns())
            poll(&more, 1, 1);
    }
    close(null);
    ringsend_free(engine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_is_written_at_its_position),
        cmocka_unit_test(a_slow_pipe_holds_the_peer_back),
        cmocka_unit_test(a_call_ends_whatever_flows),
        cmocka_unit_test(what_cannot_be_written_is_reported),
        cmocka_unit_test(pieces_are_taken),
        cmocka_unit_test(who_takes_nothing_holds_the_peer_back),
        cmocka_unit_test(both_ways_at_once),
        cmocka_unit_test(behind_an_early_response_the_rest_is_asked_for),
        cmocka_unit_test(other_statuses_are_stored),
        cmocka_unit_test(what_was_passed_on_is_final),
        cmocka_unit_test(what_came_before_a_break_is_passed_on),
        cmocka_unit_test(an_end_comes_in_each_phase),
        cmocka_unit_test(bad_streams_are_refused),
    };
    return cmocka_run_group_tests(tests, stream_peer_start, stream_peer_stop);
}
