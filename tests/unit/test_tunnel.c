#include "http/tunnel.h"

#include "base/address.h"
#include "base/span.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* Each answer comes whole, byte by byte, and in two parts cut anywhere: it is the same each time.
 * What stands behind a '|' must not be taken. */
struct row {
    bool socks, user;
    const char *said; /* by the proxy, in turns, each with its end at a '^' */
    enum ringsend_error error;
};

static const struct row rows[] = {
    {.said = "HTTP/1.1 200 OK\r\n\r\n|x"},
    {.said = "HTTP/1.0 200\r\nA: b\r\n\r\n|"},
    {.said = "HTTP/1.1 299 x\nA: b\n\n|\n"},
    {.said = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n|abc"},
    {.said = "HTTP/1.1 103 Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\n\r\n|"},
    {.said = "HTTP/1.1 403 no\r\n\r\n|", .error = RINGSEND_E_PROXY_STATUS},
    {.said = "HTTP/1.1 101 x\r\n\r\n|", .error = RINGSEND_E_PROXY_STATUS},
    {.said = "HTTP/1.1 407 x\r\nA: b\r\n\r\n|body", .error = RINGSEND_E_PROXY_AUTH},
    {.said = "HTTP/1.1 2000 x\r\n|\r\n", .error = RINGSEND_E_PROXY_PROTOCOL},
    {.said = "HTTP/2 200 x\r\n|\r\n", .error = RINGSEND_E_PROXY_PROTOCOL},
    {.said = "HTTP/1.1 099 x\r\n|\r\n", .error = RINGSEND_E_PROXY_PROTOCOL},
    {.said = "\r\n|", .error = RINGSEND_E_PROXY_PROTOCOL},
    {.said = "HTTPS|/1.1 200 OK\r\n\r\n", .error = RINGSEND_E_PROXY_PROTOCOL},
    {.said = "2|20 smtp\r\n", .error = RINGSEND_E_PROXY_PROTOCOL},
    {.socks = true, .said = "\5\1", .error = RINGSEND_E_PROXY_PROTOCOL},
    {.socks = true, .said = "\5\2", .error = RINGSEND_E_PROXY_PROTOCOL},
    {.socks = true, .said = "\5\377|", .error = RINGSEND_E_PROXY_AUTH},
    {.socks = true, .user = true, .said = "\5\377|", .error = RINGSEND_E_PROXY_AUTH},
    {.socks = true, .user = true, .said = "\5\2^\1\1|", .error = RINGSEND_E_PROXY_AUTH},
    {.socks = true, .user = true, .said = "\5\2^\2|", .error = RINGSEND_E_PROXY_PROTOCOL},
    {.socks = true, .said = "\4|", .error = RINGSEND_E_PROXY_PROTOCOL},
    {.socks = true, .said = "HTTP", .error = RINGSEND_E_PROXY_PROTOCOL},
};

static enum tunnel_next feed_parts(struct tunnel *t, const char *said, size_t bytes, size_t cut,
                                   size_t *used)
{
    enum tunnel_next next = TUNNEL_MORE;
    size_t taken;
    *used = 0;
    for (size_t at = 0; at < bytes && next == TUNNEL_MORE; at += taken) {
        size_t part = cut == 0 ? 1 : at < cut && cut < bytes ? cut - at : bytes - at;
        char *copy = malloc(part); /* nothing behind it may be read */
        assert_non_null(copy);
        memcpy(copy, said + at, part);
        next = tunnel_feed(t, (struct ringsend_bytes){copy, part}, &taken);
        free(copy);
        *used += taken;
        assert_true(next != TUNNEL_MORE || taken == part);
    }
    return next;
}

static void say(struct tunnel *t)
{
    char out[4096];
    assert_true(tunnel_say_bytes(t) <= sizeof out);
    assert_true(tunnel_say(t, out) > 0);
    assert_int_equal(tunnel_say(t, out), 0);
}

static void run(const struct row *row, size_t cut)
{
    struct tunnel_ask ask = {.socks = row->socks,
                             .host = SPAN("h.example"),
                             .port = 443,
                             .has_user = row->user,
                             .user = SPAN("me"),
                             .password = SPAN("pw")};
    struct tunnel t;
    enum tunnel_next next = TUNNEL_MORE;
    size_t used = 0, bytes = 0;
    tunnel_begin(&t, &ask);
    for (const char *at = row->said; next == TUNNEL_MORE && at; at = strchr(at, '^')) {
        at += *at == '^';
        say(&t);
        bytes = strcspn(at, "^");
        size_t bar = strcspn(at, "|");
        char *text = malloc(bytes);
        assert_non_null(text);
        memcpy(text, at, bytes);
        bool marked = bar < bytes;
        if (marked)
            memmove(text + bar, text + bar + 1, bytes - bar - 1);
        next = feed_parts(&t, text, bytes - marked, cut, &used);
        free(text);
        bytes = marked ? bar : used;
    }
    assert_int_equal(next, row->error ? TUNNEL_FAILED : TUNNEL_OPEN);
    assert_int_equal(used, bytes);
    if (row->error) {
        assert_int_equal(t.error, row->error);
        assert_true(t.detail[0]);
    }
}

static void answers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (size_t cut = 0; cut < 70; cut++)
            run(&rows[i], cut);
}

/* With bytes of NUL, which no row can hold. */
static void socks_opens(void **state)
{
    static const struct {
        const char *reply;
        size_t bytes;
    } replies[] = {
        {"\5\0\0\1\1\2\3\4\0\1", 10},
        {"\5\0\0\3\4host\0\1", 11},
        {"\5\0\0\3\0\0\1", 7},
        {"\5\0\0\4"
         "0123456789abcdef\0\1",
         22},
    };
    (void)state;
    for (size_t i = 0; i < sizeof replies / sizeof *replies; i++) {
        for (size_t cut = 0; cut < 24; cut++) {
            struct tunnel_ask ask = {.socks = true, .host = SPAN("h"), .port = 1};
            struct tunnel t;
            size_t used;
            tunnel_begin(&t, &ask);
            say(&t);
            assert_int_equal(feed_parts(&t, "\5\0", 2, cut, &used), TUNNEL_MORE);
            say(&t);
            assert_int_equal(feed_parts(&t, replies[i].reply, replies[i].bytes, cut, &used),
                             TUNNEL_OPEN);
            assert_int_equal(used, replies[i].bytes);
        }
    }
}

static void expect_said(const struct tunnel_ask *ask, const char *answer, size_t answer_bytes,
                        const char *expected, size_t bytes)
{
    struct tunnel t;
    char out[4096];
    size_t used;
    tunnel_begin(&t, ask);
    if (answer) {
        tunnel_say(&t, out);
        tunnel_feed(&t, (struct ringsend_bytes){answer, answer_bytes}, &used);
    }
    assert_int_equal(tunnel_say(&t, out), bytes);
    assert_memory_equal(out, expected, bytes);
}

static void what_is_said(void **state)
{
    struct address v4, v6;
    uint32_t count;
    (void)state;
    assert_null(addresses_read("1.2.3.4", &v4, 1, &count));
    assert_null(addresses_read("::1", &v6, 1, &count));
    struct tunnel_ask ask = {.host = SPAN("::1"),
                             .host_is_ipv6 = true,
                             .port = 8443,
                             .fields = SPAN("Proxy-Authorization: Basic eA==\r\n")};
    static const char head[] = "CONNECT [::1]:8443 HTTP/1.1\r\nHost: [::1]:8443\r\n"
                               "Proxy-Authorization: Basic eA==\r\n\r\n";
    expect_said(&ask, NULL, 0, head, sizeof head - 1);
    struct tunnel_ask socks = {.socks = true, .host = SPAN("h.example"), .port = 443};
    expect_said(&socks, NULL, 0, "\5\1\0", 3);
    expect_said(&socks, "\5\0", 2, "\5\1\0\3\11h.example\1\273", 16);
    socks.address = &v4;
    expect_said(&socks, "\5\0", 2, "\5\1\0\1\1\2\3\4\1\273", 10);
    socks.address = &v6;
    expect_said(&socks, "\5\0", 2, "\5\1\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\1\273", 22);
    socks.has_user = true;
    socks.user = SPAN("me");
    socks.password = SPAN("pw!");
    expect_said(&socks, NULL, 0, "\5\2\0\2", 4);
    expect_said(&socks, "\5\2", 2, "\1\2me\3pw!", 8);
}

static void too_large(void **state)
{
    struct tunnel_ask ask = {.host = SPAN("h"), .port = 1};
    struct tunnel t;
    size_t used, all = 0;
    enum tunnel_next next = TUNNEL_MORE;
    (void)state;
    tunnel_begin(&t, &ask);
    say(&t);
    feed_parts(&t, "HTTP/1.1 200 OK\r\n", 17, 20, &used);
    for (; next == TUNNEL_MORE && all < 2 * TUNNEL_HEAD_BYTES_MAX; all += used)
        next = tunnel_feed(&t, SPAN("a: b\r\n"), &used);
    assert_int_equal(next, TUNNEL_FAILED);
    assert_int_equal(t.error, RINGSEND_E_PROXY_PROTOCOL);
    tunnel_begin(&t, &ask);
    say(&t);
    tunnel_ended(&t, NULL);
    assert_int_equal(t.error, RINGSEND_E_PROXY_CLOSED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers),
        cmocka_unit_test(socks_opens),
        cmocka_unit_test(what_is_said),
        cmocka_unit_test(too_large),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
