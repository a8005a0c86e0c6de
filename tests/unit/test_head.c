#include "http/head.h"

#include "guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* A row gives method, URL, fields and body length, and the whole head that must come of it, or the
 * error. The head is written against an unmapped page, exactly head.bytes long. */

#define AGENT "User-Agent: ringsend/" RINGSEND_VERSION "\r\n"
#define OURS "Host: h\r\n" AGENT "Accept: */*\r\n"
#define F(name, value)                    \
    {                                     \
        SPAN_INIT(name), SPAN_INIT(value) \
    }
#define SPAN_INIT(literal)           \
    {                                \
        literal, sizeof(literal) - 1 \
    }
#define NO_BODY (-1)
#define CHUNKED (-2)

struct row {
    const char *method;
    const char *url;
    struct ringsend_header fields[4];
    long body_bytes; /* NO_BODY: none; CHUNKED: not known */
    const char *head;
    enum ringsend_error error;
    bool close;
};

static const struct row rows[] = {
    /* the request line */
    {"GET", "http://h", {}, NO_BODY, "GET / HTTP/1.1\r\n" OURS "\r\n", 0, false},
    {"GET", "http://h?a", {}, NO_BODY, "GET /?a HTTP/1.1\r\n" OURS "\r\n", 0, false},
    {"M-SEARCH", "http://h/x", {}, NO_BODY, "M-SEARCH /x HTTP/1.1\r\n" OURS "\r\n", 0, false},
    {"GET",
     "http://[::1]:81/x#f",
     {},
     NO_BODY,
     "GET /x HTTP/1.1\r\nHost: [::1]:81\r\n" AGENT "Accept: */*\r\n\r\n",
     0,
     false},

    /* Content-Length: with a body, or where one is expected */
    {"POST", "http://h", {}, 5, "POST / HTTP/1.1\r\n" OURS "Content-Length: 5\r\n\r\n", 0, false},
    {"GET", "http://h", {}, 10, "GET / HTTP/1.1\r\n" OURS "Content-Length: 10\r\n\r\n", 0, false},
    {"GET", "http://h", {}, 0, "GET / HTTP/1.1\r\n" OURS "Content-Length: 0\r\n\r\n", 0, false},
    {"POST",
     "http://h",
     {F("x", "y")},
     CHUNKED,
     "POST / HTTP/1.1\r\n" OURS "x: y\r\nTransfer-Encoding: chunked\r\n\r\n",
     0,
     false},
    {"POST", "http://h", {F("Content-Length", "0")}, CHUNKED, NULL, RINGSEND_E_BAD_HEADER, false},
    {"POST", "http://h", {}, -1, "POST / HTTP/1.1\r\n" OURS "Content-Length: 0\r\n\r\n", 0, false},
    {"PUT", "http://h", {}, -1, "PUT / HTTP/1.1\r\n" OURS "Content-Length: 0\r\n\r\n", 0, false},
    {"PATCH",
     "http://h",
     {},
     -1,
     "PATCH / HTTP/1.1\r\n" OURS "Content-Length: 0\r\n\r\n",
     0,
     false},
    {"DELETE", "http://h", {}, NO_BODY, "DELETE / HTTP/1.1\r\n" OURS "\r\n", 0, false},
    {"POST",
     "http://h",
     {F("content-LENGTH", "123456789")},
     123456789,
     "POST / HTTP/1.1\r\n" OURS "Content-Length: 123456789\r\n\r\n",
     0,
     false},
    {"GET",
     "http://h",
     {F("Content-Length", "0"), F("x", "y")},
     NO_BODY,
     "GET / HTTP/1.1\r\n" OURS "x: y\r\nContent-Length: 0\r\n\r\n",
     0,
     false},
    {"POST", "http://h", {F("content-length", "4")}, 5, NULL, RINGSEND_E_BAD_HEADER, false},
    {"POST", "http://h", {F("content-length", "5x")}, 5, NULL, RINGSEND_E_BAD_HEADER, false},
    {"POST", "http://h", {F("content-length", "+5")}, 5, NULL, RINGSEND_E_BAD_HEADER, false},
    {"POST", "http://h", {F("content-length", "")}, 5, NULL, RINGSEND_E_BAD_HEADER, false},
    {"POST",
     "http://h",
     {F("content-length", "18446744073709551621")},
     5,
     NULL,
     RINGSEND_E_BAD_HEADER,
     false},
    {"POST",
     "http://h",
     {F("content-length", "5"), F("Content-Length", "5")},
     5,
     NULL,
     RINGSEND_E_BAD_HEADER,
     false},

    /* fields as given, ours replaced */
    {"GET",
     "http://h",
     {F("X-Case", "  v\t\xc3\xa9 "), F("empty", "")},
     NO_BODY,
     "GET / HTTP/1.1\r\n" OURS "X-Case:   v\t\xc3\xa9 \r\nempty: \r\n\r\n",
     0,
     false},
    {"GET",
     "http://h",
     {F("HOST", "other.example:8"), F("user-agent", "me"), F("accept", "a/b"), F("accept", "c/d")},
     NO_BODY,
     "GET / HTTP/1.1\r\nHOST: other.example:8\r\nuser-agent: me\r\naccept: a/b\r\naccept: "
     "c/d\r\n\r\n",
     0,
     false},
    {"GET", "http://h", {F("host", "a"), F("Host", "a")}, -1, NULL, RINGSEND_E_BAD_HEADER, false},
    {"GET", "http://h", {F("host", "")}, NO_BODY, NULL, RINGSEND_E_BAD_HEADER, false},
    {"GET", "http://h", {F("host", "a b")}, NO_BODY, NULL, RINGSEND_E_BAD_HEADER, false},
    {"GET", "http://h", {F("host", "u@h")}, NO_BODY, NULL, RINGSEND_E_BAD_HEADER, false},
    {"GET",
     "http://h",
     {F("Connection", "Close")},
     NO_BODY,
     "GET / HTTP/1.1\r\n" OURS "Connection: Close\r\n\r\n",
     0,
     true},
    {"GET",
     "http://h",
     {F("connection", "keep-alive")},
     NO_BODY,
     "GET / HTTP/1.1\r\n" OURS "connection: keep-alive\r\n\r\n",
     0,
     false},
    {"GET", "http://h", {F("connection", "upgrade")}, -1, NULL, RINGSEND_E_BAD_HEADER, false},
    {"GET",
     "http://h",
     {F("connection", "close"), F("connection", "keep-alive")},
     -1,
     NULL,
     RINGSEND_E_BAD_HEADER,
     false},

    /* framing and hop-by-hop fields that are ours alone */
    {"POST", "http://h", {F("transfer-encoding", "chunked")}, 1, NULL, RINGSEND_E_BAD_HEADER, 0},
    {"GET", "http://h", {F("Upgrade", "h2c")}, NO_BODY, NULL, RINGSEND_E_BAD_HEADER, false},
    {"GET", "http://h", {F("TE", "trailers")}, NO_BODY, NULL, RINGSEND_E_BAD_HEADER, false},
    {"GET", "http://h", {F("Trailer", "x")}, NO_BODY, NULL, RINGSEND_E_BAD_HEADER, false},
    {"POST", "http://h", {F("Expect", "100-continue")}, 1, NULL, RINGSEND_E_BAD_HEADER, false},
    {"GET", "http://h", {F("keep-alive", "300")}, NO_BODY, NULL, RINGSEND_E_BAD_HEADER, false},
    {"GET", "http://h", {F("Proxy-Connection", "x")}, -1, NULL, RINGSEND_E_BAD_HEADER, false},

    /* injection */
    {"GET", "http://h", {F("a", "b\r\nc: d")}, NO_BODY, NULL, RINGSEND_E_BAD_HEADER, false},
    {"GET", "http://h", {F("a", "b\nc")}, NO_BODY, NULL, RINGSEND_E_BAD_HEADER, false},
    {"GET", "http://h", {F("a", "b\r")}, NO_BODY, NULL, RINGSEND_E_BAD_HEADER, false},
    {"GET", "http://h", {F("a", "b\0c")}, NO_BODY, NULL, RINGSEND_E_BAD_HEADER, false},
    {"GET", "http://h", {F("a", "\x1f")}, NO_BODY, NULL, RINGSEND_E_BAD_HEADER, false},
    {"GET", "http://h", {F("a", "\x7f")}, NO_BODY, NULL, RINGSEND_E_BAD_HEADER, false},
    {"GET", "http://h", {F("", "b")}, NO_BODY, NULL, RINGSEND_E_BAD_HEADER, false},
    {"GET", "http://h", {F("a b", "c")}, NO_BODY, NULL, RINGSEND_E_BAD_HEADER, false},
    {"GET", "http://h", {F("a:", "c")}, NO_BODY, NULL, RINGSEND_E_BAD_HEADER, false},
    {"GET", "http://h", {F("a\r\nb", "c")}, NO_BODY, NULL, RINGSEND_E_BAD_HEADER, false},
    {"GET", "http://h", {F("\xc3\xa9", "c")}, NO_BODY, NULL, RINGSEND_E_BAD_HEADER, false},
    {"", "http://h", {}, NO_BODY, NULL, RINGSEND_E_BAD_METHOD, false},
    {"GE T", "http://h", {}, NO_BODY, NULL, RINGSEND_E_BAD_METHOD, false},
    {"GET\r\n", "http://h", {}, NO_BODY, NULL, RINGSEND_E_BAD_METHOD, false},
    {"CONNECT", "http://h", {}, NO_BODY, NULL, RINGSEND_E_BAD_METHOD, false},
    {"connect", "http://h", {}, NO_BODY, NULL, RINGSEND_E_BAD_METHOD, false},
};

static void test_rows(void **state)
{
    (void)state;
    struct guard guard;
    guard_open(&guard, 4096);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct row *row = &rows[i];
        const char *detail = NULL;
        struct head head = {
            .method = span_of(row->method),
            .fields = row->fields,
            .has_body = row->body_bytes != NO_BODY,
            .chunked = row->body_bytes == CHUNKED,
            .body_bytes = row->body_bytes >= 0 ? (size_t)row->body_bytes : 0,
            /* What head_check finds must not depend on what stood there. */
            .close = true,
            .own_host = true,
            .own_length = true,
            .own_connection = true,
        };
        while (head.fields_count < 4 && row->fields[head.fields_count].name.data)
            head.fields_count++;
        assert_int_equal(url_parse(&head.url, span_of(row->url), &detail), 0);
        enum ringsend_error error = head_check(&head, &detail);
        if (error != row->error || (error && !detail))
            fail_msg("row %zu: error %d, not %d (%s)", i, (int)error, (int)row->error,
                     detail ? detail : "no detail");
        if (error)
            continue;
        if (head.bytes != strlen(row->head) || head.close != row->close)
            fail_msg("row %zu: %zu bytes, not %zu; close %d", i, head.bytes, strlen(row->head),
                     head.close);
        char *out = guard.base + guard.capacity - head.bytes;
        out[-1] = '#';
        head_write(&head, out);
        if (memcmp(out, row->head, head.bytes) != 0 || out[-1] != '#')
            fail_msg("row %zu: wrote %.*s", i, (int)head.bytes, out);
    }
    guard_close(&guard);
}

static void test_idempotent(void **state)
{
    (void)state;
    static const char *const yes[] = {"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"};
    static const char *const no[] = {"POST", "PATCH", "get", "GETX", "", "LOCK"};
    for (size_t i = 0; i < 6; i++) {
        assert_true(head_method_is_idempotent(span_of(yes[i])));
        assert_false(head_method_is_idempotent(span_of(no[i])));
    }
}

static void expect_head(const struct ringsend_header *fields, size_t count, const char *expected)
{
    char out[400];
    const char *detail = NULL;
    struct head head = {
        .method = SPAN("GET"), .fields = fields, .fields_count = count, .accepts_codings = true};
    assert_int_equal(url_parse(&head.url, SPAN("http://h/"), &detail), RINGSEND_OK);
    assert_int_equal(head_check(&head, &detail), RINGSEND_OK);
    assert_int_equal(head.bytes, strlen(expected));
    head_write(&head, out);
    assert_memory_equal(out, expected, head.bytes);
}

/* Unless the user says what to accept. */
static void test_accepts_codings(void **state)
{
    (void)state;
    static const struct ringsend_header fields[] = {F("ACCEPT-encoding", "br")};
    expect_head(NULL, 0,
                "GET / HTTP/1.1\r\n" OURS "Accept-Encoding: gzip, deflate, br, zstd\r\n\r\n");
    expect_head(fields, 1, "GET / HTTP/1.1\r\n" OURS "ACCEPT-encoding: br\r\n\r\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows),
                                       cmocka_unit_test(test_accepts_codings),
                                       cmocka_unit_test(test_idempotent)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
