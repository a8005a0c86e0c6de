/* Limits: each is reached, and passed by one. Memory: each growth of a buffer fails in turn. */
#include "response_feed.h"

/* before + count times `unit` + after, on the heap. */
static char *repeat(const char *before, const char *unit, size_t count, const char *after,
                    size_t *bytes)
{
    size_t unit_bytes = strlen(unit);
    *bytes = strlen(before) + unit_bytes * count + strlen(after);
    char *text = malloc(*bytes + 1);
    assert_non_null(text);
    memcpy(text, before, strlen(before));
    char *to = text + strlen(before);
    for (size_t i = 0; i < count; i++, to += unit_bytes)
        memcpy(to, unit, unit_bytes);
    memcpy(to, after, strlen(after) + 1);
    return text;
}

struct limit {
    const char *before, *unit;
    size_t count; /* this many are accepted, one more is not */
    const char *after;
    const struct response_limits *limits;
    enum ringsend_error error;
};

static const struct limit limits[] = {
    /* 17 + 3 + 2 + 176 + 2 = 200 bytes of head */
    {OK200 "a: ", "b", 176, "\r\n\r\n", &narrow, BAD(HEAD_TOO_LARGE)},
    {OK200, "c", 177, ": \r\n\r\n", &narrow, BAD(HEAD_TOO_LARGE)},
    {"HTTP/1.1 200 ", "r", 183, "\r\n\r\n", &narrow, BAD(HEAD_TOO_LARGE)},
    {"HTTP/1.1 200 ", "r", 185, "\n\n", &narrow, BAD(HEAD_TOO_LARGE)},
    {"HTTP/1.1 103 x\r\na: 0123456789\r\n\r\n" OK200 "a: ", "b", 176, "\r\n\r\n", &narrow,
     BAD(HEAD_TOO_LARGE)},
    {OK200, "a: b\r\n", 4, "\r\n", &narrow, BAD(HEAD_TOO_LARGE)},
    {OK200 "a: b", "\r\n c", 3, "\r\n\r\n", &narrow, BAD(HEAD_TOO_LARGE)},
    /* of 18 bytes each: together as many bytes as a head */
    {"", "HTTP/1.1 100 x\r\n\r\n", 11, OK200 "\r\n", &narrow, BAD(TOO_MANY_INTERIM)},
    {OK200 "\r\n", "x", 10, "", &narrow, BAD(BODY_TOO_LARGE)},
    {CHUNKED, "1\r\nx\r\n", 10, "0\r\n\r\n", &narrow, BAD(BODY_TOO_LARGE)},
    /* from the first byte of the first name: 3 + 193 + 4 */
    {CHUNKED "0\r\na: ", "b", 193, "\r\n\r\n", &narrow, BAD(HEAD_TOO_LARGE)},
    {CHUNKED "0\r\n", "c", 195, ":\r\n\r\n", &narrow, BAD(HEAD_TOO_LARGE)},
    {CHUNKED "0\r\n", "a: b\r\n", 5, "\r\n", &narrow, BAD(HEAD_TOO_LARGE)},
    /* "1;" and CRLF, and "0;", twice CRLF, of 64 KiB without a byte of body */
    {CHUNKED "1;", "e", 65532, "\r\nx\r\n0\r\n\r\n", &lax, BAD(HEAD_TOO_LARGE)},
    {CHUNKED "0;", "e", 65530, "\r\n\r\n", &lax, BAD(HEAD_TOO_LARGE)},
    {OK200 "a: ", "b", 65512, "\r\n\r\n", &lax, BAD(HEAD_TOO_LARGE)},
    {OK200, "a: b\r\n", 255, "\r\n", &lax, BAD(HEAD_TOO_LARGE)},
    {"", "HTTP/1.1 100 x\r\n\r\n", 3640, OK200 "\r\n", &lax, BAD(TOO_MANY_INTERIM)},
    /* "1 ;" and CRLF */
    {CHUNKED "1 ;", "\t", 65531, "\r\nx\r\n0\r\n\r\n", &lax, BAD(HEAD_TOO_LARGE)},
    {CHUNKED "1", " ", 65533, "\r\nx\r\n0\r\n\r\n", &lax, BAD(HEAD_TOO_LARGE)},
};

static void test_limits(void **state)
{
    (void)state;
    struct guard guard;
    guard_open(&guard, 128 << 10);
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        const struct limit *l = &limits[i];
        for (size_t over = 0; over <= 1; over++) {
            size_t bytes;
            char *wire = repeat(l->before, l->unit, l->count + over, l->after, &bytes);
            for (size_t way = 0; way <= bytes; way = guard_next_way(way, bytes)) {
                struct response r;
                size_t left;
                response_init(&r, l->limits, NULL, false);
                feed(&r, &guard, wire, bytes, way, false, &left);
                if (r.error == RINGSEND_OK && r.phase == RESPONSE_BODY)
                    response_eof(&r);
                if (r.error != (over ? l->error : RINGSEND_OK))
                    fail_msg("limit %zu, over %zu, way %zu: error %d, %s", i, over, way,
                             (int)r.error, r.detail ? r.detail : "-");
                response_release(&r);
            }
            free(wire);
        }
    }
    guard_close(&guard);
}

/* A Content-Length over the limit fails before a byte of body is there; one up to 64 KiB makes the
 * body's place at once, and a larger one does not. */
static void test_length_believed(void **state)
{
    (void)state;
    static const char too_large[] = OK200 "Content-Length: 11\r\n\r\n";
    static const char small[] = OK200 "Content-Length: 65536\r\n\r\n";
    static const char large[] = OK200 "Content-Length: 65537\r\n\r\n";
    struct response r;
    size_t used;
    response_init(&r, &narrow, NULL, false);
    assert_int_equal(response_feed(&r, too_large, sizeof too_large - 1, &used), RESPONSE_FAILED);
    assert_int_equal(r.error, RINGSEND_E_BODY_TOO_LARGE);
    assert_int_equal(r.status, 200);
    assert_int_equal(r.phase, RESPONSE_BODY); /* the head was complete: its status counts */
    response_release(&r);

    struct response_limits unstored = lax;
    unstored.store_headers = false;
    response_init(&r, &unstored, NULL, false);
    grows = 0;
    assert_int_equal(response_feed(&r, small, sizeof small - 1, &used), RESPONSE_MORE);
    assert_int_equal(r.body.capacity, 65536);
    for (int i = 0; i < 65536; i++)
        response_feed(&r, "x", 1, &used);
    assert_int_equal(r.phase, RESPONSE_COMPLETE);
    assert_int_equal(grows, 1);
    response_release(&r);

    response_init(&r, &unstored, NULL, false);
    assert_int_equal(response_feed(&r, large, sizeof large - 1, &used), RESPONSE_MORE);
    assert_int_equal(r.body.capacity, 0);
    assert_int_equal(r.phase, RESPONSE_BODY);
    response_release(&r);
    assert_int_equal(blocks_out, 0);
}

/* A body with one of the statuses is not held against the limit, announced or not; others are. */
static void test_streamed(void **state)
{
    (void)state;
    static const struct ringsend_status_set ok = {.bits = {0, 1ull << 36}}; /* 200 */
    static const char *const wires[] = {
        OK200 "Content-Length: 20\r\n\r\n01234567890123456789",
        CHUNKED "f\r\n012345678901234\r\n5\r\n56789\r\n0\r\n\r\n",
        OK200 "\r\n01234567890123456789",
        "HTTP/1.1 103 x\r\n\r\n" OK200 "Content-Length: 20\r\n\r\n01234567890123456789",
        "HTTP/1.1 201 x\r\nContent-Length: 20\r\n\r\n01234567890123456789",
        "HTTP/1.1 201 x\r\n\r\n01234567890",
    };
    struct guard guard;
    guard_open(&guard, 4096);
    for (size_t i = 0; i < 2 * sizeof wires / sizeof wires[0]; i++) {
        const char *wire = wires[i / 2];
        size_t bytes = strlen(wire), left;
        bool discards = i % 2 == 1, streams = strstr(wire, " 201 ") == NULL;
        for (size_t way = 0; way <= bytes; way = guard_next_way(way, bytes)) {
            struct response r;
            response_init(&r, &narrow, NULL, false);
            response_stream(&r, &ok, discards);
            feed(&r, &guard, wire, bytes, way, true, &left);
            assert_int_equal(r.error, streams ? RINGSEND_OK : RINGSEND_E_BODY_TOO_LARGE);
            assert_int_equal(r.streams, streams);
            assert_int_equal(r.streamed_bytes, streams ? 20 : 0);
            if (streams)
                assert_int_equal(r.body.bytes, discards ? 0 : 20);
            if (streams && !discards)
                assert_memory_equal(r.body.data, "01234567890123456789", 20);
            response_release(&r);
        }
    }
    guard_close(&guard);
    assert_int_equal(blocks_out, 0);
}

/* Each growth of a buffer fails in turn. */
static void test_out_of_memory(void **state)
{
    (void)state;
    static const char *const wires[] = {
        OK200 "A: b\r\nContent-Length: 2\r\n\r\nhi",
        CHUNKED "2\r\nhi\r\n2\r\nho\r\n0\r\n\r\n",
        "HTTP/1.1 103 x\r\nLink: y\r\n\r\n" OK200 "Content-Length: 1\r\n\r\nz",
    };
    struct guard guard;
    guard_open(&guard, 4096);
    for (size_t i = 0; i < sizeof wires / sizeof wires[0]; i++) {
        enum ringsend_error error = RINGSEND_E_NO_MEMORY;
        long failing = 0;
        while (error != RINGSEND_OK) {
            grows = 0;
            grow_fails = ++failing;
            struct response r;
            size_t left;
            response_init(&r, &lax, NULL, false);
            feed(&r, &guard, wires[i], strlen(wires[i]), strlen(wires[i]), false, &left);
            error = r.error;
            assert_true(error == RINGSEND_OK || error == RINGSEND_E_NO_MEMORY);
            assert_int_equal(error == RINGSEND_OK, r.phase == RESPONSE_COMPLETE);
            response_release(&r);
            assert_int_equal(blocks_out, 0);
        }
        assert_true(failing > 3);
    }
    grow_fails = 0;
    guard_close(&guard);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_limits, forget),
        cmocka_unit_test_setup(test_length_believed, forget),
        cmocka_unit_test_setup(test_streamed, forget),
        cmocka_unit_test_setup(test_out_of_memory, forget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
