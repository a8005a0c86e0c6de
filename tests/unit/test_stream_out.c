/* Streamed request bodies on the real kernel: each source, each way it can fail, and its end in
 * each phase. */
#include "ringsend.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "stream_peer.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/mman.h>

enum { BODY_BYTES = 700001, PIECE_BYTES = 300000 };

static char body[BODY_BYTES];
static int body_file; /* holds `body` behind OFFSET other bytes */
enum { OFFSET = 5 };

static int start(void **state)
{
    for (size_t i = 0; i < BODY_BYTES; i++)
        body[i] = (char)(i * 7 + i / 251);
    body_file = memfd_create("body", MFD_CLOEXEC);
    if (write(body_file, "XXXXX", OFFSET) != OFFSET ||
        write(body_file, body, BODY_BYTES) != BODY_BYTES)
        return -1;
    return stream_peer_start(state);
}

static struct ringsend_request post(const struct stream_peer *peer, const char *path,
                                    uint32_t flags)
{
    static char url[128];
    snprintf(url, sizeof url, "%s%s", peer->url, path);
    return (struct ringsend_request){.size = sizeof(struct ringsend_request),
                                     .url = {url, strlen(url)},
                                     .flags = flags,
                                     .body_fd = body_file,
                                     .body_at = OFFSET,
                                     .body_bytes = RINGSEND_UNKNOWN};
}

static struct ringsend *engine_new(void)
{
    struct ringsend_options options = {.size = sizeof options,
                                       .connections_max = 4,
                                       .tries = 2,
                                       .backoff_min_ns = 1,
                                       .backoff_max_ns = 1};
    struct ringsend *engine;
    assert_int_equal(ringsend_new(&engine, &options), 0);
    return engine;
}

static void assert_echo(const struct ringsend_result *result, size_t bytes, bool chunked)
{
    char report[96];
    stream_report(report, sizeof report, bytes, stream_hash(0, body, bytes), chunked);
    assert_int_equal(result->error, RINGSEND_OK);
    assert_int_equal(result->status, 200);
    assert_int_equal(result->body.bytes, strlen(report));
    assert_memory_equal(result->body.data, report, strlen(report));
}

/* ---- From a descriptor ---- */

static void a_file_is_sent_from_its_position(void **state)
{
    static const size_t lengths[] = {0, 1, 1000, 131072, 131073, 400000, BODY_BYTES};
    struct ringsend *engine = engine_new();
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        struct ringsend_request r = post(*state, "echo", RINGSEND_BODY_FD);
        r.body_bytes = lengths[i];
        assert_echo(result_of(engine, &r), lengths[i], false);
        assert_int_equal(lseek(body_file, 0, SEEK_CUR), OFFSET + BODY_BYTES); /* not moved */
    }
    struct ringsend_request r = post(*state, "echo", RINGSEND_BODY_FD);
    assert_echo(result_of(engine, &r), BODY_BYTES, true);
    r.body_at = OFFSET + BODY_BYTES;
    assert_echo(result_of(engine, &r), 0, true);
    r.body_at = RINGSEND_SEQUENTIAL;
    lseek(body_file, OFFSET, SEEK_SET);
    assert_echo(result_of(engine, &r), BODY_BYTES, true);
    struct ringsend_stats stats = {.size = sizeof stats};
    ringsend_stats(engine, &stats);
    assert_int_equal(stats.connections_opened, 2); /* the last one is fresh */
    ringsend_free(engine);
}

static void a_pipe_is_sent_as_it_comes(void **state)
{
    for (int known = 0; known <= 1; known++) {
        struct ringsend *engine = engine_new();
        int ends[2];
        assert_int_equal(pipe2(ends, known ? O_NONBLOCK : 0), 0); /* which makes no difference */
        struct ringsend_request r = post(*state, "echo", RINGSEND_BODY_FD);
        r.body_fd = ends[0];
        r.body_at = RINGSEND_SEQUENTIAL;
        r.body_bytes = known ? 30000 : RINGSEND_UNKNOWN;
        assert_int_equal(ringsend_submit(engine, &r), 0);
        for (size_t at = 0; at < 30000; at += 1000) {
            assert_int_equal(ringsend_run(engine, 100000), 0);
            assert_int_equal(write(ends[1], body + at, 1000), 1000);
        }
        if (!known)
            close(ends[1]);
        assert_echo(next(engine), 30000, !known);
        ringsend_free(engine);
        close(ends[0]);
        if (known)
            close(ends[1]);
    }
}

static uint64_t bytes_sent(struct ringsend *engine)
{
    struct ringsend_stats stats = {.size = sizeof stats};
    ringsend_stats(engine, &stats);
    return stats.bytes_sent;
}

static void what_cannot_be_read_is_reported(void **state)
{
    struct ringsend *engine = engine_new();
    struct ringsend_request r = post(*state, "echo", RINGSEND_BODY_FD);
    r.body_bytes = BODY_BYTES + 1;
    const struct ringsend_result *result = result_of(engine, &r);
    assert_int_equal(result->error, RINGSEND_E_BODY_READ);
    assert_string_equal(result->detail, "it ended after 700001 of 700002 bytes");
    assert_int_equal(result->attempts, 1);
    assert_true(result->ambiguous);

    /* Nothing leaves before the first part of the body is there. */
    int ends[2];
    uint64_t before = bytes_sent(engine);
    assert_int_equal(pipe(ends), 0);
    r.body_at = RINGSEND_SEQUENTIAL;
    r.body_fd = ends[1];
    result = result_of(engine, &r);
    assert_int_equal(result->error, RINGSEND_E_BODY_READ);
    assert_string_equal(result->detail, "Bad file descriptor");
    assert_false(result->ambiguous);
    assert_int_equal(bytes_sent(engine), before);
    close(ends[0]);
    close(ends[1]);
    ringsend_free(engine);
}

/* ---- In pieces ---- */

/* Hands `bytes` of the body over, PIECE_BYTES at a time. */
static const struct ringsend_result *hand_over(struct ringsend *engine, struct ringsend_request *r,
                                               size_t bytes, bool at_once)
{
    size_t at = 0;
    bool more = at_once;
    assert_int_equal(ringsend_submit(engine, r), 0);
    for (;;) {
        if (more) {
            size_t n = bytes - at < PIECE_BYTES ? bytes - at : PIECE_BYTES;
            struct ringsend_bytes piece = {body + at, n};
            at += n;
            assert_int_equal(ringsend_body(engine, r->handle, piece, at == bytes), 0);
            int again = ringsend_body(engine, r->handle, (struct ringsend_bytes){body, 1}, false);
            assert_int_equal(again, at == bytes ? -RINGSEND_E_INVALID : -RINGSEND_E_FULL);
        }
        const struct ringsend_result *result = next(engine);
        if (result->kind == RINGSEND_FINAL)
            return result;
        assert_int_equal(result->kind, RINGSEND_WANTS);
        assert_ptr_equal(result->request, r);
        more = true;
    }
}

static void pieces_are_asked_for(void **state)
{
    struct ringsend *engine = engine_new();
    static const size_t lengths[] = {0, 1, PIECE_BYTES, BODY_BYTES};
    for (size_t i = 0; i < 4 * sizeof lengths / sizeof *lengths; i++) {
        size_t bytes = lengths[i / 4];
        bool chunked = i % 2 == 1, at_once = i % 4 >= 2;
        struct ringsend_request r = post(*state, "echo", RINGSEND_BODY_PIECES);
        r.body_bytes = chunked ? RINGSEND_UNKNOWN : bytes;
        if (bytes > 0 || chunked)
            assert_echo(hand_over(engine, &r, bytes, at_once), bytes, chunked);
        else
            assert_echo(result_of(engine, &r), 0, false);
    }
    ringsend_free(engine);
}

static void empty_pieces_end_nothing(void **state)
{
    struct ringsend *engine = engine_new();
    struct ringsend_request r = post(*state, "echo", RINGSEND_BODY_PIECES);
    assert_int_equal(ringsend_submit(engine, &r), 0);
    static const size_t lengths[] = {0, 3, 0, 0, 4};
    size_t at = 0;
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        struct ringsend_bytes piece = {body + at, lengths[i]};
        assert_int_equal(ringsend_body(engine, r.handle, piece, false), 0);
        assert_int_equal(next(engine)->kind, RINGSEND_WANTS);
        at += lengths[i];
    }
    assert_int_equal(ringsend_body(engine, r.handle, (struct ringsend_bytes){0}, true), 0);
    assert_echo(next(engine), 7, true);
    ringsend_free(engine);
}

static void wrong_pieces_are_refused(void **state)
{
    struct ringsend *engine = engine_new();
    struct ringsend_request r = post(*state, "echo", RINGSEND_BODY_PIECES);
    struct ringsend_bytes five = {body, 5}, six = {body, 6};
    r.body_bytes = 5;
    assert_int_equal(ringsend_body(engine, 1, five, true), -RINGSEND_E_INVALID);
    assert_int_equal(ringsend_submit(engine, &r), 0);
    assert_int_equal(ringsend_body(engine, r.handle, six, true), -RINGSEND_E_INVALID);
    five.bytes = 4;
    assert_int_equal(ringsend_body(engine, r.handle, five, true), -RINGSEND_E_INVALID);
    five.bytes = 5;
    assert_int_equal(ringsend_body(engine, r.handle, five, false), 0);
    uint64_t handle = r.handle;
    assert_echo(next(engine), 5, false);
    assert_int_equal(ringsend_body(engine, handle, five, true), 0);
    struct ringsend_request plain = post(*state, "hold", 0);
    assert_int_equal(ringsend_submit(engine, &plain), 0);
    assert_int_equal(ringsend_body(engine, plain.handle, five, true), -RINGSEND_E_INVALID);
    ringsend_free(engine);
}

static void a_post_is_asked_for_its_pieces(void **state)
{
    struct ringsend *engine = engine_new();
    struct ringsend_request r = post(*state, "echo", RINGSEND_BODY_PIECES);
    assert_int_equal(ringsend_post(engine, &r), 0);
    const struct ringsend_result *result = next(engine);
    assert_int_equal(result->kind, RINGSEND_WANTS);
    struct ringsend_bytes piece = {body, 10};
    assert_int_equal(ringsend_body(engine, result->request->handle, piece, true), 0);
    assert_echo(next(engine), 10, true);
    ringsend_free(engine);
}

/* What was not taken is not true any more: the host has handed the piece over, or the attempt is
 * over. */
static void a_want_is_taken_back(void **state)
{
    struct ringsend *engine = engine_new();
    struct ringsend_request r = post(*state, "echo", RINGSEND_BODY_PIECES);
    assert_int_equal(ringsend_submit(engine, &r), 0);
    while (ringsend_run(engine, RINGSEND_NEVER) == 0)
        ;
    assert_int_equal(ringsend_body(engine, r.handle, (struct ringsend_bytes){body, 10}, true), 0);
    assert_echo(next(engine), 10, true);

    r = post(*state, "echo", RINGSEND_BODY_PIECES | RINGSEND_KEYED);
    r.tries = 50;
    r.attempt_timeout_ns = 1000000;
    assert_int_equal(ringsend_submit(engine, &r), 0);
    struct ringsend_stats stats = {.size = sizeof stats};
    for (ringsend_stats(engine, &stats); stats.attempts < 3; ringsend_stats(engine, &stats))
        ringsend_run(engine, 100000);
    assert_int_equal(next(engine)->kind, RINGSEND_WANTS);
    ringsend_free(engine);
}

/* ---- Once only, or again ---- */

static void what_can_be_read_again_is_tried_again(void **state)
{
    struct ringsend *engine = engine_new();
    struct ringsend_request r = post(*state, "flaky", RINGSEND_BODY_FD);
    struct stream_peer *peer = *state;
    peer->flaky = 0;
    const struct ringsend_result *result = result_of(engine, &r);
    assert_int_equal(result->attempts, 2);
    assert_echo(result, BODY_BYTES, true);
    struct ringsend_request pieces = post(*state, "flaky", RINGSEND_BODY_PIECES);
    result = hand_over(engine, &pieces, PIECE_BYTES, true);
    assert_int_equal(result->attempts, 2);
    assert_echo(result, PIECE_BYTES, true);
    ringsend_free(engine);
}

static void what_is_gone_is_not_tried_again(void **state)
{
    struct ringsend *engine = engine_new();
    struct ringsend_request pieces = post(*state, "flaky", RINGSEND_BODY_PIECES);
    struct stream_peer *peer = *state;
    peer->flaky = 0;
    const struct ringsend_result *result = hand_over(engine, &pieces, BODY_BYTES, true);
    assert_int_equal(result->status, 503);
    assert_int_equal(result->attempts, 1);
    assert_false(result->ambiguous);
    peer->flaky = 0;
    struct ringsend_request r = post(*state, "flaky", RINGSEND_BODY_FD);
    lseek(body_file, OFFSET, SEEK_SET);
    r.body_at = RINGSEND_SEQUENTIAL;
    result = result_of(engine, &r);
    assert_int_equal(result->status, 503);
    assert_int_equal(result->attempts, 1);
    /* The connection of before would have been there. */
    struct ringsend_stats stats = {.size = sizeof stats};
    ringsend_stats(engine, &stats);
    assert_int_equal(stats.connections_opened, 2);
    r = post(*state, "reset", RINGSEND_BODY_FD | RINGSEND_KEYED);
    lseek(body_file, OFFSET, SEEK_SET);
    r.body_at = RINGSEND_SEQUENTIAL;
    result = result_of(engine, &r);
    assert_int_not_equal(result->error, RINGSEND_OK);
    assert_int_equal(result->attempts, 1);
    ringsend_free(engine);
}

/* Descriptors that give BODY_BYTES or fewer, once: a pipe, a socket, a terminal, an event counter.
 */
static int once_only(int kind, int *other, size_t *bytes)
{
    int ends[2];
    *bytes = 3000;
    switch (kind) {
    case 0:
        assert_int_equal(pipe(ends), 0);
        break;
    case 1:
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
        break;
    case 2:
        ends[1] = posix_openpt(O_RDWR | O_NOCTTY);
        assert_true(ends[1] >= 0 && grantpt(ends[1]) == 0 && unlockpt(ends[1]) == 0);
        ends[0] = open(ptsname(ends[1]), O_RDWR | O_NOCTTY);
        assert_true(ends[0] >= 0);
        *bytes = 8;
        assert_int_equal(write(ends[1], "7 bytes\n", 8), 8);
        break;
    default:
        ends[0] = eventfd(5, 0);
        ends[1] = dup(ends[0]);
        *bytes = 8;
    }
    if (kind < 2)
        assert_int_equal(write(ends[1], body, *bytes), *bytes);
    *other = ends[1];
    return ends[0];
}

/* body_at is 0, as in a struct that was zeroed. */
static void what_has_no_positions_is_not_tried_again(void **state)
{
    struct stream_peer *peer = *state;
    for (int kind = 0; kind < 4; kind++) {
        struct ringsend *engine = engine_new();
        struct ringsend_request r = post(peer, "flaky", RINGSEND_BODY_FD | RINGSEND_KEYED);
        int other;
        size_t bytes;
        r.body_at = 0;
        r.body_fd = once_only(kind, &other, &bytes);
        r.body_bytes = bytes / 2; /* the rest would do for another try */
        if (kind >= 2)
            r.body_bytes = bytes;
        peer->flaky = 0;
        const struct ringsend_result *result = result_of(engine, &r);
        assert_int_equal(result->status, 503);
        assert_int_equal(result->attempts, 1);
        assert_false(result->ok);
        close(r.body_fd);
        close(other);
        ringsend_free(engine);
    }
}

static void what_cannot_give_a_body_is_reported(void **state)
{
    static const struct {
        const char *path;
        int flags;
        const char *detail;
    } rows[] = {{"/", O_RDONLY | O_DIRECTORY, "Is a directory"},
                {"/dev/null", O_WRONLY, "Bad file descriptor"},
                {"/dev/null", O_PATH, "Bad file descriptor"},
                {"/dev/null", O_RDONLY, "it ended after 0 of 5 bytes"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct ringsend *engine = engine_new();
        struct ringsend_request r = post(*state, "echo", RINGSEND_BODY_FD);
        r.body_at = 0;
        r.body_bytes = 5;
        r.body_fd = open(rows[i].path, rows[i].flags);
        assert_true(r.body_fd >= 0);
        const struct ringsend_result *result = result_of(engine, &r);
        assert_int_equal(result->error, RINGSEND_E_BODY_READ);
        assert_string_equal(result->detail, rows[i].detail);
        assert_false(result->ambiguous);
        close(r.body_fd);
        ringsend_free(engine);
    }
}

/* Another try sends what is in the file then; one that is too short by then is told. */
static void a_file_that_changes_between_tries(void **state)
{
    struct stream_peer *peer = *state;
    struct ringsend *engine = engine_new();
    int file = memfd_create("changing", MFD_CLOEXEC);
    struct ringsend_request r = post(peer, "flaky", RINGSEND_BODY_FD);
    assert_int_equal(write(file, body, 5000), 5000);
    r.body_fd = file;
    r.body_at = 0;
    r.body_bytes = 4000; /* it may grow: the rest is none of ours */
    peer->flaky = 0;
    assert_echo(result_of(engine, &r), 4000, false);
    r.body_bytes = 6000;
    peer->flaky = 1;
    const struct ringsend_result *result = result_of(engine, &r);
    assert_int_equal(result->error, RINGSEND_E_BODY_READ);
    assert_string_equal(result->detail, "it ended after 5000 of 6000 bytes");
    assert_int_equal(result->attempts, 1);
    close(file);
    ringsend_free(engine);
}

/* ---- The end in each phase ---- */

static void an_early_response_decides(void **state)
{
    struct ringsend *engine = engine_new();
    int ends[2];
    char byte;
    assert_int_equal(pipe(ends), 0);
    struct ringsend_request r = post(*state, "early", RINGSEND_BODY_FD);
    r.body_fd = ends[0];
    r.body_at = RINGSEND_SEQUENTIAL;
    assert_int_equal(write(ends[1], "x", 1), 1);
    const struct ringsend_result *result = result_of(engine, &r);
    assert_int_equal(result->error, RINGSEND_OK);
    assert_int_equal(result->status, 413);
    /* The read was cancelled, and waited for: this byte is ours. */
    assert_int_equal(write(ends[1], "y", 1), 1);
    assert_int_equal(read(ends[0], &byte, 1), 1);
    assert_int_equal(byte, 'y');

    struct ringsend_request pieces = post(*state, "early", RINGSEND_BODY_PIECES);
    assert_int_equal(ringsend_submit(engine, &pieces), 0);
    while ((result = next(engine))->kind == RINGSEND_WANTS)
        ;
    assert_int_equal(result->status, 413);
    close(ends[0]);
    close(ends[1]);
    ringsend_free(engine);
}

/* While the first part of the body is awaited nothing of the request has left: that cannot be its
 * response. */
static void an_answer_before_the_question_is_none(void **state)
{
    (void)state;
    struct ringsend *engine = engine_new();
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t bytes = sizeof address;
    char url[64];
    int ends[2], listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, bytes), 0);
    assert_int_equal(listen(listener, 5), 0);
    getsockname(listener, (struct sockaddr *)&address, &bytes);
    snprintf(url, sizeof url, "http://127.0.0.1:%d/", ntohs(address.sin_port));
    struct ringsend_request r = {.size = sizeof r,
                                 .url = {url, strlen(url)},
                                 .flags = RINGSEND_BODY_FD,
                                 .tries = 1,
                                 .body_fd = ends[0],
                                 .body_at = RINGSEND_SEQUENTIAL,
                                 .body_bytes = 5};
    assert_int_equal(ringsend_submit(engine, &r), 0);
    ringsend_run(engine, 0);
    int fd = accept(listener, NULL, NULL);
    static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    assert_int_equal(write(fd, answer, sizeof answer - 1), sizeof answer - 1);
    const struct ringsend_result *result = next(engine);
    assert_int_equal(result->error, RINGSEND_E_SEND_FAILED);
    assert_string_equal(result->detail, "the peer sent data before it was asked");
    ringsend_free(engine);
    close(fd);
    close(listener);
    close(ends[0]);
    close(ends[1]);
}

enum phase { QUEUED, WAITING_FOR_PIPE, WAITING_FOR_PIECE, SENDING, PHASES };

/* Leaves a request in the phase. */
static void bring_into(enum phase phase, struct ringsend *engine, struct ringsend_request *r,
                       int pipe_fd)
{
    struct ringsend_bytes whole = {body, BODY_BYTES};
    if (phase == QUEUED || phase == WAITING_FOR_PIPE) {
        r->body_fd = pipe_fd;
        r->body_at = RINGSEND_SEQUENTIAL;
    } else {
        r->flags = RINGSEND_BODY_PIECES;
    }
    assert_int_equal(ringsend_submit(engine, r), 0);
    if (phase == QUEUED)
        return;
    for (int turns = 0; turns < 5; turns++)
        ringsend_run(engine, 200000);
    /* The peer does not read: kernel buffers fill up some time. */
    for (int pieces = 0; phase == SENDING && pieces < 100; pieces++) {
        const struct ringsend_result *result;
        if (ringsend_body(engine, r->handle, whole, false) != 0)
            break;
        ringsend_run(engine, 10000000);
        ringsend_reap(engine, &result, 1);
    }
}

static void an_end_comes_in_each_phase(void **state)
{
    for (int phase = 0; phase < 2 * PHASES; phase++) {
        struct ringsend *engine = engine_new();
        int ends[2];
        assert_int_equal(pipe(ends), 0);
        struct ringsend_request r = post(*state, "hold", RINGSEND_BODY_FD);
        bring_into((enum phase)(phase / 2), engine, &r, ends[0]);
        if (phase % 2 == 0) {
            const struct ringsend_result *result;
            assert_int_equal(ringsend_cancel(engine, r.handle), 0);
            while ((result = next(engine))->kind != RINGSEND_FINAL)
                ;
            assert_int_equal(result->error, RINGSEND_E_CANCELLED);
            assert_int_equal(ringsend_run(engine, 0), 0);
            assert_true(ringsend_idle(engine));
        }
        ringsend_free(engine);
        close(ends[0]);
        close(ends[1]);
    }
}

static void a_stuck_body_ends_by_its_clock(void **state)
{
    struct ringsend *engine = engine_new();
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    struct ringsend_request r = post(*state, "echo", RINGSEND_BODY_FD);
    r.body_fd = ends[0];
    r.body_at = RINGSEND_SEQUENTIAL;
    r.attempt_timeout_ns = 1000000;
    r.tries = 2;
    const struct ringsend_result *result = result_of(engine, &r);
    assert_int_equal(result->error, RINGSEND_E_TIMEOUT_ATTEMPT);
    assert_int_equal(result->attempts, 2); /* nothing was read, so nothing is lost */
    assert_false(result->ambiguous);
    /* On a busy machine it may not even have been connected. */
    assert_true(strcmp(result->detail, "while waiting for the request's body") == 0 ||
                strcmp(result->detail, "while connecting") == 0);
    close(ends[0]);
    close(ends[1]);
    ringsend_free(engine);
}

static void bad_streams_are_refused(void **state)
{
    struct ringsend *engine = engine_new();
    struct ringsend_request good = post(*state, "echo", RINGSEND_BODY_FD), bad;
#define REFUSED(change)                                                       \
    do {                                                                      \
        bad = good;                                                           \
        change;                                                               \
        assert_int_equal(ringsend_submit(engine, &bad), -RINGSEND_E_INVALID); \
    } while (0)
    REFUSED(bad.flags |= RINGSEND_BODY_PIECES);
    REFUSED(bad.body_fd = -1);
    REFUSED(bad.body_at = -2);
    REFUSED(bad.body_bytes = (uint64_t)INT64_MAX - OFFSET + 1);
    REFUSED((bad.body.data = "x", bad.body.bytes = 1));
    REFUSED(bad.size = offsetof(struct ringsend_request, body_bytes));
    struct ringsend_header length = {{"Content-Length", 14}, {"5", 1}};
    good.headers = &length;
    good.headers_count = 1;
    assert_int_equal(ringsend_submit(engine, &good), -RINGSEND_E_BAD_HEADER);
    good.body_bytes = 5;
    assert_echo(result_of(engine, &good), 5, false);
    ringsend_free(engine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_is_sent_from_its_position),
        cmocka_unit_test(a_pipe_is_sent_as_it_comes),
        cmocka_unit_test(what_cannot_be_read_is_reported),
        cmocka_unit_test(pieces_are_asked_for),
        cmocka_unit_test(empty_pieces_end_nothing),
        cmocka_unit_test(wrong_pieces_are_refused),
        cmocka_unit_test(a_post_is_asked_for_its_pieces),
        cmocka_unit_test(a_want_is_taken_back),
        cmocka_unit_test(an_answer_before_the_question_is_none),
        cmocka_unit_test(what_can_be_read_again_is_tried_again),
        cmocka_unit_test(what_is_gone_is_not_tried_again),
        cmocka_unit_test(what_has_no_positions_is_not_tried_again),
        cmocka_unit_test(what_cannot_give_a_body_is_reported),
        cmocka_unit_test(a_file_that_changes_between_tries),
        cmocka_unit_test(an_early_response_decides),
        cmocka_unit_test(an_end_comes_in_each_phase),
        cmocka_unit_test(a_stuck_body_ends_by_its_clock),
        cmocka_unit_test(bad_streams_are_refused),
    };
    return cmocka_run_group_tests(tests, start, stream_peer_stop);
}
