#include "http/proxy.h"

#include "base/span.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

struct row {
    const char *text; /* one without a host is refused */
    const char *host;
    uint16_t port;
    enum proxy_kind kind;
    const char *user, *password;
};

static const struct row rows[] = {
    {"proxy", "proxy", 1080, PROXY_HTTP, NULL, NULL},
    {"proxy:3128", "proxy", 3128, PROXY_HTTP, NULL, NULL},
    {"http://proxy:3128/", "proxy", 3128, PROXY_HTTP, NULL, NULL},
    {"socks5://10.0.0.1:1", "10.0.0.1", 1, PROXY_SOCKS5, NULL, NULL},
    {"socks5h://[::1]", "::1", 1080, PROXY_SOCKS5H, NULL, NULL},
    {"[::1]:3128", "::1", 3128, PROXY_HTTP, NULL, NULL},
    {"tcp://h:1", "h", 1, PROXY_TCP, NULL, NULL},
    {"http://u@h:1", "h", 1, PROXY_HTTP, "u", ""},
    {"u:p@h", "h", 1080, PROXY_HTTP, "u", "p"},
    {"http://u%40x:p%3a%2F@h", "h", 1080, PROXY_HTTP, "u@x", "p:/"},
    {"http://u:p@w:x@h", "h", 1080, PROXY_HTTP, "u", "p@w:x"},
    {"http://:p@h", "h", 1080, PROXY_HTTP, "", "p"},
    {"http://%zz:%4@h", "h", 1080, PROXY_HTTP, "%zz", "%4"},

    {"", .host = NULL},
    {"http://", .host = NULL},
    {"https://h", .host = NULL},
    {"socks4://h", .host = NULL},
    {"ftp://h", .host = NULL},
    {"http://h:0", .host = NULL},
    {"http://h:66000", .host = NULL},
    {"http://h/path", .host = NULL},
    {"http://h?q", .host = NULL},
    {"http://a b", .host = NULL},
    {"http://u%0a:p@h", .host = NULL},
    {"http://u:p%00@h", .host = NULL},
    {"u:p@", .host = NULL},
    {"http://u%3ax:p@h", .host = NULL},
};

static bool is(const char *data, size_t bytes, const char *text)
{
    return strlen(text) == bytes && memcmp(data, text, bytes) == 0;
}

static void reads(void **state)
{
    struct proxy *p = malloc(sizeof *p);
    (void)state;
    assert_non_null(p);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct row *row = &rows[i];
        size_t bytes = strlen(row->text);
        char *text = malloc(bytes + 1); /* exactly */
        assert_non_null(text);
        memcpy(text, row->text, bytes);
        text = realloc(text, bytes > 0 ? bytes : 1);
        const char *fault = proxy_read(p, (struct ringsend_bytes){text, bytes});
        if ((fault == NULL) != (row->host != NULL))
            fail_msg("%s: %s", row->text, fault ? fault : "taken");
        if (row->host) {
            assert_true(is(p->url.host.data, p->url.host.bytes, row->host));
            assert_int_equal(p->url.port, row->port);
            assert_int_equal(p->kind, row->kind);
            assert_int_equal(p->has_user, row->user != NULL);
        }
        if (row->host && row->user) {
            assert_true(is(p->user, p->user_bytes, row->user));
            assert_true(is(p->password, p->password_bytes, row->password));
        }
        free(text);
    }
    assert_null(proxy_set_user(p, SPAN("a:b:c")));
    assert_true(is(p->user, p->user_bytes, "a") && is(p->password, p->password_bytes, "b:c"));
    assert_non_null(proxy_set_user(p, SPAN("a:b\n")));
    free(p);
}

static void secrets(void **state)
{
    (void)state;
    struct ringsend_bytes secret = proxy_secret(SPAN("http://u:p@x@h:1"));
    assert_true(is(secret.data, secret.bytes, "u:p@x"));
    secret = proxy_secret(SPAN("u:p@h"));
    assert_true(is(secret.data, secret.bytes, "u:p"));
    assert_int_equal(proxy_secret(SPAN("h:1")).bytes, 0);
}

static const struct {
    const char *list, *url;
    bool excepted;
} exceptions[] = {
    {"*", "http://any/", true},
    {"*,x", "http://any/", false},
    {"", "http://any/", false},
    {"a.example", "http://a.example/", true},
    {"a.example", "http://A.Example./", true},
    {"A.EXAMPLE.", "http://b.a.example/", true},
    {".a.example", "http://a.example/", true},
    {".a.example", "http://b.a.example/", true},
    {"a.example", "http://ba.example/", false},
    {"a.example", "http://example/", false},
    {"a.example:80", "http://a.example/", false},
    {"x, y z\ta.example", "http://a.example/", true},
    {",,x,", "http://x/", true},
    {".", "http://x/", false},
    {"..", "http://x/", false},
    {"10.0.0.1", "http://10.0.0.1/", true},
    {"10.0.0.1", "http://110.0.0.1/", false},
    {"0.0.1", "http://10.0.0.1/", false},
    {"10.0.0.0/8", "http://10.9.8.7/", true},
    {"10.0.0.0/8", "http://11.0.0.0/", false},
    {"10.128.0.0/9", "http://10.127.255.255/", false},
    {"10.128.0.0/9", "http://10.255.0.1/", true},
    {"10.0.0.1/0", "http://10.0.0.1/", true},
    {"10.0.0.1/0", "http://10.0.0.2/", false},
    {"10.0.0.0/33", "http://10.0.0.0/", false},
    {"10.0.0.0/8x", "http://10.0.0.0/", false},
    {"10.0.0.0/8", "http://10.example/", false},
    {"::1", "http://[::1]/", true},
    {"[::1]", "http://[::1]/", true},
    {"0::0:1", "http://[::1]/", true},
    {"fd00::/8", "http://[fd12::1]/", true},
    {"fd00::/8", "http://[fe12::1]/", false},
    {"2001:db8::/33", "http://[2001:db8:8000::1]/", false},
    {"127.0.0.1", "http://localhost/", false},
};

static void excepted(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof exceptions / sizeof *exceptions; i++) {
        struct url url;
        const char *detail = NULL;
        assert_int_equal(url_parse(&url, span_of(exceptions[i].url), &detail), RINGSEND_OK);
        if (proxy_is_excepted(span_of(exceptions[i].list), &url) != exceptions[i].excepted)
            fail_msg("\"%s\" of %s", exceptions[i].list, exceptions[i].url);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads),
        cmocka_unit_test(secrets),
        cmocka_unit_test(excepted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
