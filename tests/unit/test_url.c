#include "http/url.h"

#include "guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* Each URL stands against an unmapped page. A row with a host is accepted, one without refused. */

struct row {
    const char *text;
    const char *host;
    uint16_t port;
    const char *authority;
    const char *target;
    bool slash, https, ipv6;
};

#define LABEL_63 "a23456789b123456789c123456789d123456789e123456789f123456789g123"
#define NAME_251                       \
    LABEL_63 "." LABEL_63 "." LABEL_63 \
             ".b23456789b123456789c123456789d12345678901234567890123456789"

static const struct row rows[] = {
    {"http://h", "h", 80, "h", "", true, false, false},
    {"http://h/", "h", 80, "h", "/", false, false, false},
    {"http://h/a/b?q=1&r=%20", "h", 80, "h", "/a/b?q=1&r=%20", false, false, false},
    {"http://h?q", "h", 80, "h", "?q", true, false, false},
    {"http://h/a?b/c?d@e:f", "h", 80, "h", "/a?b/c?d@e:f", false, false, false},
    {"http://h/a#fragment?x", "h", 80, "h", "/a", false, false, false},
    {"http://h#f", "h", 80, "h", "", true, false, false},
    {"http://h/{a}|b", "h", 80, "h", "/{a}|b", false, false, false},
    {"HTTP://Ex-Am_ple.COM:8080/x", "Ex-Am_ple.COM", 8080, "Ex-Am_ple.COM:8080", "/x", false, false,
     false},
    {"http://example.com./", "example.com.", 80, "example.com.", "/", false, false, false},
    {"http://127.0.0.1:1/", "127.0.0.1", 1, "127.0.0.1:1", "/", false, false, false},
    {"http://1.example/", "1.example", 80, "1.example", "/", false, false, false},
    {"http://h:65535", "h", 65535, "h:65535", "", true, false, false},
    {"https://h/x", "h", 443, "h", "/x", false, true, false},
    {"https://h:80/x", "h", 80, "h:80", "/x", false, true, false},
    {"http://[::1]/", "::1", 80, "[::1]", "/", false, false, true},
    {"http://[2001:db8::a]:81?x", "2001:db8::a", 81, "[2001:db8::a]:81", "?x", true, false, true},
    {"http://[::ffff:10.0.0.1]", "::ffff:10.0.0.1", 80, "[::ffff:10.0.0.1]", "", true, false, true},
    {"http://" LABEL_63 "/", LABEL_63, 80, LABEL_63, "/", false, false, false},
    {"http://" NAME_251 ".c", NAME_251 ".c", 80, NAME_251 ".c", "", true, false, false},

    {"", .host = NULL},
    {"h", .host = NULL},
    {"/path", .host = NULL},
    {"ftp://h/", .host = NULL},
    {"http:/h/", .host = NULL},
    {"http://", .host = NULL},
    {"http:///x", .host = NULL},
    {"http://?x", .host = NULL},
    {"http://#x", .host = NULL},
    {"http://:80/", .host = NULL},
    {" http://h/", .host = NULL},
    {"http://u@h/", .host = NULL},
    {"http://u:p@h/", .host = NULL},
    {"http://@h/", .host = NULL},
    {"http://h:/", .host = NULL},
    {"http://h:0/", .host = NULL},
    {"http://h:080/", .host = NULL},
    {"http://h:65536/", .host = NULL},
    {"http://h:99999/", .host = NULL},
    {"http://h:100000/", .host = NULL},
    {"http://h:8x/", .host = NULL},
    {"http://h:+80/", .host = NULL},
    {"http://h:80:80/", .host = NULL},
    {"http://a b/", .host = NULL},
    {"http://h/a b", .host = NULL},
    {"http://h/a\tb", .host = NULL},
    {"http://h/a\r\nX: y", .host = NULL},
    {"http://h/\x7f", .host = NULL},
    {"http://h/\xc3\xa9", .host = NULL},
    {"http://\xc3\xa9/", .host = NULL},
    {"http://h/#\n", .host = NULL},
    {"http://h/%", .host = NULL},
    {"http://h/%2", .host = NULL},
    {"http://h/%2g", .host = NULL},
    {"http://h/%zz", .host = NULL},
    {"http://%68/", .host = NULL},
    {"http://a,b/", .host = NULL},
    {"http://h\\x/", .host = NULL},
    {"http://a..b/", .host = NULL},
    {"http://.a/", .host = NULL},
    {"http://./", .host = NULL},
    {"http://a../", .host = NULL},
    {"http://1.2.3/", .host = NULL},
    {"http://1.2.3.4.5/", .host = NULL},
    {"http://256.1.1.1/", .host = NULL},
    {"http://0177.0.0.1/", .host = NULL},
    {"http://0x7f000001/", .host = NULL},
    {"http://127.0.0.0x1/", .host = NULL},
    {"http://2130706433/", .host = NULL},
    {"http://127.0.0.1./", .host = NULL},
    {"http://[::1", .host = NULL},
    {"http://[::1]x/", .host = NULL},
    {"http://[::1]80/", .host = NULL},
    {"http://[]/", .host = NULL},
    {"http://[::g]/", .host = NULL},
    {"http://[1:2:3]/", .host = NULL},
    {"http://[127.0.0.1]/", .host = NULL},
    {"http://[v1.x]/", .host = NULL},
    {"http://[fe80::1%25eth0]/", .host = NULL},
    {"http://[::1111:2222:3333:4444:5555:6666:7777:8888:9999]/", .host = NULL},
    {"http://::1/", .host = NULL},
    {"http://h]/", .host = NULL},
    {"http://a" LABEL_63 "/", .host = NULL},
    {"http://" NAME_251 ".abc", .host = NULL},
};

static void expect_span(const struct row *row, const char *what, struct ringsend_bytes got,
                        const char *text)
{
    if (!span_equal(got, span_of(text)))
        fail_msg("%s: %s is \"%.*s\", not \"%s\"", row->text, what, (int)got.bytes, got.data, text);
}

static void test_rows(void **state)
{
    (void)state;
    struct guard guard;
    guard_open(&guard, 4096);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct row *row = &rows[i];
        struct ringsend_bytes text = {guard_put(&guard, row->text, strlen(row->text)),
                                      strlen(row->text)};
        struct url url;
        const char *detail = NULL;
        enum ringsend_error error = url_parse(&url, text, &detail);
        if (!row->host) {
            if (error != RINGSEND_E_BAD_URL || !detail)
                fail_msg("%s: error %d, detail %s", row->text, (int)error, detail ? detail : "-");
            continue;
        }
        if (error != RINGSEND_OK)
            fail_msg("%s: refused: %s", row->text, detail);
        expect_span(row, "host", url.host, row->host);
        expect_span(row, "authority", url.authority, row->authority);
        expect_span(row, "target", url.target, row->target);
        if (url.port != row->port || url.target_needs_slash != row->slash ||
            url.https != row->https || url.host_is_ipv6 != row->ipv6)
            fail_msg("%s: port %d, slash %d, https %d, ipv6 %d", row->text, url.port,
                     url.target_needs_slash, url.https, url.host_is_ipv6);
    }
    guard_close(&guard);
}

static void test_hosts_alone(void **state)
{
    (void)state;
    static const char *const good[] = {"h",         "Ex-Am_ple.COM", "example.com.",
                                       "127.0.0.1", "::1",           "2001:db8::7"};
    static const char *const bad[] = {"",      "*",   "*.h",          "a b",  "a..b", "1.2.3",
                                      "[::1]", "::g", "fe80::1%eth0", "h:80", "h/"};
    const char *detail = NULL;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_int_equal(url_check_host(span_of(good[i]), &detail), RINGSEND_OK);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        detail = NULL;
        assert_int_equal(url_check_host(span_of(bad[i]), &detail), RINGSEND_E_BAD_URL);
        assert_non_null(detail);
    }
}

/* Every one behind every other: what the last one began with changes nothing of what is found. */
static void test_one_behind_another(void **state)
{
    (void)state;
    struct guard guard;
    guard_open(&guard, 4096);
    enum { ROWS = sizeof rows / sizeof rows[0] };
    for (size_t i = 0; i < (size_t)ROWS * ROWS; i++) {
        struct url_start start = {.bytes = 0};
        struct url before, url, alone;
        const char *detail = NULL, *alone_detail = NULL;
        url_parse_next(&before, span_of(rows[i / ROWS].text), &start, &detail);
        const char *row = rows[i % ROWS].text;
        struct ringsend_bytes text = {guard_put(&guard, row, strlen(row)), strlen(row)};
        enum ringsend_error error = url_parse_next(&url, text, &start, &detail);
        assert_int_equal(error, url_parse(&alone, text, &alone_detail));
        if (error) {
            assert_non_null(detail);
            continue;
        }
        assert_true(url.https == alone.https && url.host_is_ipv6 == alone.host_is_ipv6 &&
                    url.target_needs_slash == alone.target_needs_slash && url.port == alone.port);
        assert_true(url.host.data == alone.host.data && url.host.bytes == alone.host.bytes);
        assert_true(url.authority.data == alone.authority.data &&
                    url.authority.bytes == alone.authority.bytes);
        assert_true(url.target.data == alone.target.data && url.target.bytes == alone.target.bytes);
    }
    guard_close(&guard);
}

/* The same start with something else behind it: another host, another port, a bad path. */
static void test_what_only_begins_alike(void **state)
{
    (void)state;
    struct url_start start = {.bytes = 0};
    struct url url;
    const char *detail = NULL;
    assert_int_equal(url_parse_next(&url, SPAN("http://h:8/a"), &start, &detail), RINGSEND_OK);
    assert_int_equal(start.bytes, sizeof "http://h:8" - 1);
    assert_int_equal(url_parse_next(&url, SPAN("http://h:8/%zz"), &start, &detail),
                     RINGSEND_E_BAD_URL);
    assert_int_equal(url_parse_next(&url, SPAN("http://h:8 /"), &start, &detail),
                     RINGSEND_E_BAD_URL);
    assert_int_equal(url_parse_next(&url, SPAN("http://h:8@x/"), &start, &detail),
                     RINGSEND_E_BAD_URL);
    assert_int_equal(start.bytes, sizeof "http://h:8" - 1);
    assert_int_equal(url_parse_next(&url, SPAN("http://h:80/"), &start, &detail), RINGSEND_OK);
    assert_int_equal(url.port, 80);
    assert_int_equal(url_parse_next(&url, SPAN("https://h:80/"), &start, &detail), RINGSEND_OK);
    assert_true(url.https);
}

/* Whatever the bytes: an answer, a reason with each refusal, and spans inside the text. */
static void test_mangled(void **state)
{
    (void)state;
    struct guard guard;
    guard_open(&guard, 4096);
    unsigned seed = 1;
    for (int round = 0; round < 20000; round++) {
        const struct row *row = &rows[(size_t)rand_r(&seed) % (sizeof rows / sizeof rows[0])];
        char bytes[512];
        size_t length = strlen(row->text);
        memcpy(bytes, row->text, length);
        for (int edits = rand_r(&seed) % 4; edits > 0 && length > 0; edits--)
            bytes[(size_t)rand_r(&seed) % length] =
                rand_r(&seed) % 2 ? (char)rand_r(&seed) : "/?#:@[]%.0x"[rand_r(&seed) % 11];
        if (length > 0 && rand_r(&seed) % 3 == 0)
            length = (size_t)rand_r(&seed) % length;
        struct ringsend_bytes text = {guard_put(&guard, bytes, length), length};
        struct url url;
        const char *detail = NULL;
        if (url_parse(&url, text, &detail)) {
            assert_non_null(detail);
            continue;
        }
        assert_true(url.host.bytes > 0 && url.port > 0);
        assert_true(url.host.data > text.data);
        assert_true(url.authority.data + url.authority.bytes == url.target.data);
        assert_true(url.target.data + url.target.bytes <= text.data + text.bytes);
        for (size_t i = 0; i < url.target.bytes; i++)
            assert_true(url.target.data[i] > 0x20 && url.target.data[i] < 0x7f);
    }
    guard_close(&guard);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows), cmocka_unit_test(test_hosts_alone),
        cmocka_unit_test(test_one_behind_another), cmocka_unit_test(test_what_only_begins_alike),
        cmocka_unit_test(test_mangled)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
