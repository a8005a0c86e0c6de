/* Header fields that are kept or understood. */
#include "response_feed.h"

#include <stdio.h>

static void expect_header(const struct response *r, size_t index, const char *name,
                          const char *value)
{
    struct response_header h;
    memcpy(&h, r->header_index.data + index * sizeof h, sizeof h);
    struct ringsend_bytes got_name = {r->headers.data + h.name_at, h.name_bytes};
    struct ringsend_bytes got_value = {r->headers.data + h.value_at, h.value_bytes};
    if (!span_equal(got_name, span_of(name)) || !span_equal(got_value, span_of(value)))
        fail_msg("header %zu is \"%.*s\": \"%.*s\"", index, (int)got_name.bytes, got_name.data,
                 (int)got_value.bytes, got_value.data);
}

static void test_headers_stored(void **state)
{
    (void)state;
    static const char wire[] = "HTTP/1.1 103 Hints\r\nLink: early\r\nX: 1\r\n\r\n" OK200
                               "Server: a  \t\r\nSet-Cookie: one\r\nEmpty:\r\nset-cookie:\t two\r\n"
                               "Folded: x\r\n y\r\nBlank:  \r\n\tz\r\n"
                               "Transfer-Encoding: chunked\r\n\r\n0\r\nTrailer: t\r\n\r\n";
    struct guard guard;
    guard_open(&guard, 4096);
    for (size_t way = 0; way <= sizeof wire - 1; way++) {
        struct response r;
        size_t left;
        response_init(&r, &lax, NULL, false);
        assert_int_equal(feed(&r, &guard, wire, sizeof wire - 1, way, false, &left), RESPONSE_DONE);
        assert_int_equal(r.interim_count, 1);
        assert_int_equal(r.header_index.bytes, 7 * sizeof(struct response_header));
        expect_header(&r, 0, "Server", "a");
        expect_header(&r, 1, "Set-Cookie", "one");
        expect_header(&r, 2, "Empty", "");
        expect_header(&r, 3, "set-cookie", "two");
        expect_header(&r, 4, "Folded", "x y");
        expect_header(&r, 5, "Blank", "z");
        expect_header(&r, 6, "Transfer-Encoding", "chunked");
        response_release(&r);
    }
    struct response_limits unstored = lax;
    unstored.store_headers = false;
    struct response r;
    size_t left;
    response_init(&r, &unstored, NULL, false);
    assert_int_equal(feed(&r, &guard, wire, sizeof wire - 1, 0, false, &left), RESPONSE_DONE);
    assert_null(r.headers.data);
    assert_null(r.header_index.data);
    response_release(&r);
    assert_int_equal(blocks_out, 0);
    guard_close(&guard);
}

struct hint_row {
    const char *line;
    bool has, date;
    int64_t value;
};

static const struct hint_row retry_afters[] = {
    {"Retry-After: 120", true, false, 120},
    {"retry-after:0", true, false, 0},
    {"Retry-After: 7 \t", true, false, 7},
    {"Retry-After: 99999999999999999999", true, false, INT64_C(2147483648)},
    {"Retry-After: Sun, 06 Nov 1994 08:49:37 GMT", true, true, 784111777},
    {"Retry-After: Sunday, 06-Nov-94 08:49:37 GMT", true, true, 784111777},
    {"Retry-After: Sun Nov  6 08:49:37 1994", true, true, 784111777},
    {"Retry-After: Wed Nov 16 08:49:37 1994", true, true, 784975777},
    {"Retry-After: Thu, 01 Jan 1970 00:00:00 GMT", true, true, 0},
    {"Retry-After: Thu, 29 Feb 2024 23:59:60 GMT", true, true, 1709251199},
    {"Retry-After: Friday, 01-Jan-38 00:00:00 GMT", true, true, 2145916800},
    {"Retry-After: 5\r\nRetry-After: 6", true, false, 6},
    {"Retry-After:", false, false, 0},
    {"Retry-After: -1", false, false, 0},
    {"Retry-After: 1.5", true, false, 1},
    {"Retry-After: 5s", true, false, 5},
    {"Retry-After: soon", false, false, 0},
    {"Retry-After: Sun, 06 Nov 1994 08:49:37", false, false, 0},
    {"Retry-After: Sun, 06 Nov 1994 08:49:37 GMT+1", false, false, 0},
    {"Retry-After: Sun, 06 Nov 1994 24:49:37 GMT", false, false, 0},
    {"Retry-After: Sun, 06 Nov 1994 08:60:37 GMT", false, false, 0},
    {"Retry-After: Sun, 06 Nox 1994 08:49:37 GMT", false, false, 0},
    {"Retry-After: Fri, 30 Feb 2024 08:49:37 GMT", false, false, 0},
    {"Retry-After: Fri, 00 Mar 2024 08:49:37 GMT", false, false, 0},
    {"Retry-After: Sun, 6 Nov 1994 08:49:37 GMT", false, false, 0},
    {"Retry-After: Sun, 06 Nov 1994 08:49:37 GMT                                 x", false, false,
     0},
    {"X-Retry-After: 5", false, false, 0},
};

static const struct hint_row keep_alives[] = {
    {"Keep-Alive: timeout=5", true, false, 5},
    {"keep-alive: max=100, Timeout=15", true, false, 15},
    {"Keep-Alive: timeout=0,max=1", true, false, 0},
    {"Keep-Alive: timeout=99999999999", true, false, INT64_C(2147483648)},
    {"Keep-Alive: timeout=", false, false, 0},
    {"Keep-Alive: timeout=x", false, false, 0},
    {"Keep-Alive: timeout", false, false, 0},
    {"Keep-Alive: xtimeout=5", false, false, 0},
    {"Keep-Alive: 5", false, false, 0},
};

/* Runs a whole response with the line in it, in the given way. */
static void read_hints(struct response *r, struct guard *guard, const char *line, size_t way)
{
    char wire[512];
    int bytes =
        snprintf(wire, sizeof wire, "HTTP/1.1 503 Busy\r\n%s\r\nContent-Length: 0\r\n\r\n", line);
    size_t left;
    response_init(r, &lax, NULL, false);
    assert_int_equal(feed(r, guard, wire, (size_t)bytes, way < (size_t)bytes ? way : (size_t)bytes,
                          false, &left),
                     RESPONSE_DONE);
    response_release(r);
}

static void test_hints(void **state)
{
    (void)state;
    struct guard guard;
    guard_open(&guard, 4096);
    for (size_t way = 0; way < 512; way += 3) {
        struct response r;
        for (size_t i = 0; i < sizeof retry_afters / sizeof retry_afters[0]; i++) {
            const struct hint_row *a = &retry_afters[i];
            read_hints(&r, &guard, a->line, way);
            struct hint_wait got = response_hints_retry(&r.hints, false).after;
            int64_t s = (a->date ? got.date_ms : got.ms) / 1000;
            if (s != a->value || (a->date ? got.ms : got.date_ms) != 0)
                fail_msg("%s: %lld %lld", a->line, (long long)got.ms, (long long)got.date_ms);
        }
        for (size_t i = 0; i < sizeof keep_alives / sizeof keep_alives[0]; i++) {
            const struct hint_row *a = &keep_alives[i];
            read_hints(&r, &guard, a->line, way);
            if (r.hints.has_keep_alive_s != a->has || (a->has && r.hints.keep_alive_s != a->value))
                fail_msg("%s: %d %u", a->line, r.hints.has_keep_alive_s, r.hints.keep_alive_s);
        }
    }
    /* What an interim response hinted does not count. */
    struct response r;
    size_t left;
    static const char wire[] =
        "HTTP/1.1 103 x\r\nRetry-After: 5\r\nKeep-Alive: timeout=5\r\n\r\n" OK200
        "Content-Length: 0\r\n\r\n";
    response_init(&r, &lax, NULL, false);
    assert_int_equal(feed(&r, &guard, wire, sizeof wire - 1, 0, false, &left), RESPONSE_DONE);
    assert_false(r.hints.said.after.ms || r.hints.has_keep_alive_s);
    response_release(&r);
    guard_close(&guard);
}

/* Lists over several lines are one; what an interim response says does not count. */
static void test_codings(void **state)
{
    (void)state;
    static const struct {
        const char *lines, *text;
        bool unknown;
    } lists[] = {
        {"Content-Encoding: gzip", "gzip", false},
        {"content-encoding: br\r\nContent-ENCODING:\tzstd", "br, zstd", false},
        {"Content-Encoding: identity", "", false},
        {"Content-Encoding: rot13", "rot13", true},
        {"Content-Encoding: gzip, gzip, gzip, gzip, gzip, gzip, gzip, gzip, gzip, gzip, gzip, "
         "gzip, "
         "gzip, gzip, gzip, gzip, gzip, gzip, gzip, gzip, gzip, gzip, gzip, gzip, gzip, gzip, gzip",
         "unreadable", true},
        {"X-Content-Encoding: gzip", "", false},
    };
    struct guard guard;
    guard_open(&guard, 4096);
    for (size_t way = 0; way < 256; way++) {
        for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
            struct response r;
            char lines[200];
            snprintf(lines, sizeof lines, "X: y\r\n%s", lists[i].lines);
            read_hints(&r, &guard, lines, way);
            if (r.codings.unknown != lists[i].unknown ||
                !span_equal((struct ringsend_bytes){r.codings.text, r.codings.text_bytes},
                            span_of(lists[i].text)))
                fail_msg("%s: %.*s", lists[i].lines, r.codings.text_bytes, r.codings.text);
        }
    }
    struct response r;
    size_t left;
    static const char wire[] =
        "HTTP/1.1 103 x\r\nContent-Encoding: gzip\r\n\r\n" OK200 "Content-Length: 0\r\n\r\n";
    response_init(&r, &lax, NULL, false);
    assert_int_equal(feed(&r, &guard, wire, sizeof wire - 1, 0, false, &left), RESPONSE_DONE);
    assert_int_equal(r.codings.text_bytes, 0);
    response_release(&r);
    guard_close(&guard);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_headers_stored, forget),
        cmocka_unit_test_setup(test_hints, forget),
        cmocka_unit_test_setup(test_codings, forget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
