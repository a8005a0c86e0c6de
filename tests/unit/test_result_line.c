/* Result lines, byte for byte as docs/ringsend-records.5 has them. */
#include "base/json_put.h"
#include "results/result_line.h"

#include "guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define NO_TIMES \
    "\"us\":{\"queue\":0,\"dns\":0,\"connect\":0,\"tls\":0,\"first_byte\":0,\"total\":0}}\n"

static struct buf_pool pool;

static void assert_line(const struct result_line *result, const char *expected)
{
    struct buf out = {0};
    assert_true(buf_append(&pool, &out, "before\n", 7));
    assert_true(result_line_write(result, &pool, &out));
    if (out.bytes - 7 != strlen(expected) || memcmp(out.data + 7, expected, out.bytes - 7) != 0)
        fail_msg("wrote    %.*sexpected %s", (int)(out.bytes - 7), out.data + 7, expected);
    buf_release(&pool, &out);
    assert_int_equal(pool.used_bytes, 0);
}

static void writes_every_key(void **state)
{
    (void)state;
    struct result_line result = {
        .id = SPAN("[1, \"a\"]"),
        .line = 42,
        .file = SPAN("\"in.jsonl\""),
        .ok = false,
        .status = 503,
        .attempts = 4,
        .error = RINGSEND_E_TRUNCATED_BODY,
        .detail = "12 of 20 bytes",
        .body = {"busy", 4},
        .ambiguous = true,
        .times = {1999, 2000, 3999999, 0, 5000000, UINT64_MAX},
    };
    assert_line(&result, "{\"id\":[1, \"a\"],\"line\":42,\"file\":\"in.jsonl\",\"ok\":false,"
                         "\"status\":503,\"attempts\":4,\"error\":\"truncated_body\","
                         "\"detail\":\"12 of 20 bytes\",\"body\":\"busy\",\"ambiguous\":true,"
                         "\"us\":{\"queue\":1,\"dns\":2,\"connect\":3999,\"tls\":0,"
                         "\"first_byte\":5000,\"total\":18446744073709551}}\n");
}

static void writes_each_attempt(void **state)
{
    (void)state;
    const struct ringsend_attempt attempts[] = {
        {.began_ns = 1000,
         .connect_ns = 2000,
         .total_ns = 3000,
         .wait_ns = 4000,
         .wait = RINGSEND_WAIT_BACKOFF,
         .error = RINGSEND_E_CONNECT_REFUSED},
        {UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX,
         RINGSEND_WAIT_RETRY_AFTER, RINGSEND_E_TLS_CLIENT_CERTIFICATE, 599, true, UINT64_MAX},
        {.status = 204},
    };
    struct result_line result = {
        .line = 1, .ok = true, .status = 204, .attempts = 3, .trace = attempts, .trace_count = 3};
#define MAX "18446744073709551"
    assert_line(
        &result,
        "{\"id\":1,\"line\":1,\"ok\":true,\"status\":204,\"attempts\":3,\"error\":null,"
        "\"body\":\"\",\"us\":{\"queue\":0,\"dns\":0,\"connect\":0,\"tls\":0,"
        "\"first_byte\":0,\"total\":0},\"trace\":["
        "{\"began\":1,\"reused\":false,\"status\":null,\"error\":\"connect_refused\",\"dns\":0,"
        "\"connect\":2,\"tls\":0,\"first_byte\":0,\"total\":3,\"wait\":4,\"for\":\"backoff\"},"
        "{\"began\":" MAX ",\"reused\":true,\"status\":599,\"error\":\"tls_client_certificate\","
        "\"dns\":" MAX ",\"connect\":" MAX ",\"tls\":" MAX ",\"first_byte\":" MAX ",\"total\":" MAX
        ",\"pause\":" MAX ",\"wait\":" MAX ",\"for\":\"retry_after\"},"
        "{\"began\":0,\"reused\":false,\"status\":204,\"error\":null,\"dns\":0,\"connect\":0,"
        "\"tls\":0,\"first_byte\":0,\"total\":0}]}\n");
#undef MAX
}

/* In whole seconds, rounded up, and only where it may help. */
static void has_what_was_asked_for(void **state)
{
    (void)state;
    struct result_line result = {
        .line = 1, .status = 429, .attempts = 4, .retry_after_ns = 3599000000001};
    assert_line(&result,
                "{\"id\":1,\"line\":1,\"ok\":false,\"status\":429,\"attempts\":4,\"error\":null,"
                "\"body\":\"\",\"retry_after\":3600," NO_TIMES);
    result.ok = true;
    assert_line(&result,
                "{\"id\":1,\"line\":1,\"ok\":true,\"status\":429,\"attempts\":4,\"error\":null,"
                "\"body\":\"\"," NO_TIMES);
}

/* Names in lower case, several values as a list, bytes that are no UTF-8 as Latin-1. */
static void writes_headers(void **state)
{
    (void)state;
    static const struct ringsend_header headers[] = {
        {{"Set-Cookie", 10}, {"a=\"1\"", 5}}, {{"X", 1}, {"\xe9\t\\", 3}},
        {{"set-cookie", 10}, {"b", 1}},       {{"y", 1}, {"\xc3\xa9", 2}},
        {{"SET-COOKIE", 10}, {"", 0}},
    };
    struct result_line result = {
        .line = 1, .ok = true, .status = 200, .headers = headers, .headers_count = 5};
#define START "{\"id\":1,\"line\":1,\"ok\":true,\"status\":200,\"attempts\":0,\"error\":null,"
    assert_line(&result,
                START "\"body\":\"\",\"headers\":{\"set-cookie\":[\"a=\\\"1\\\"\",\"b\",\"\"],"
                      "\"x\":\"\xc3\xa9\\t\\\\\",\"y\":\"\xc3\xa9\"}," NO_TIMES);
    result.headers_count = 0;
    assert_line(&result, START "\"body\":\"\",\"headers\":{}," NO_TIMES);
}

static void says_where_the_body_is(void **state)
{
    (void)state;
    struct result_line result = {.line = 1,
                                 .ok = true,
                                 .status = 200,
                                 .body = SPAN("x"),
                                 .encoding = SPAN("g\"z"),
                                 .body_file = SPAN("\"d/1\"")};
    assert_line(&result, START "\"body_file\":\"d/1\",\"encoding\":\"g\\\"z\"," NO_TIMES);
    result.body_file = (struct ringsend_bytes){0};
    result.without_body = true;
    assert_line(&result, START "\"encoding\":\"g\\\"z\"," NO_TIMES);
#undef START
}

/* An error without words of its own has those of the table. */
static void leaves_absent_keys_out(void **state)
{
    (void)state;
    struct result_line ok = {.line = 1, .ok = true, .status = 204, .attempts = 1};
    assert_line(&ok, "{\"id\":1,\"line\":1,\"ok\":true,\"status\":204,\"attempts\":1,"
                     "\"error\":null,\"body\":\"\"," NO_TIMES);
    struct result_line failed = {.line = UINT64_MAX, .error = RINGSEND_E_CONNECT_REFUSED};
    assert_line(&failed, "{\"id\":18446744073709551615,\"line\":18446744073709551615,\"ok\":false,"
                         "\"status\":null,\"attempts\":0,\"error\":\"connect_refused\","
                         "\"detail\":\"nothing listens at this address and port\"," NO_TIMES);
    failed.detail = "";
    failed.line = 2;
    assert_line(&failed, "{\"id\":2,\"line\":2,\"ok\":false,\"status\":null,\"attempts\":0,"
                         "\"error\":\"connect_refused\","
                         "\"detail\":\"nothing listens at this address and port\"," NO_TIMES);
}

static void names_every_error(void **state)
{
    (void)state;
    for (int error = 1; error < RINGSEND_ERROR_COUNT; error++) {
        struct result_line result = {.line = 1, .error = (enum ringsend_error)error};
        char expected[512];
        snprintf(expected, sizeof expected,
                 "{\"id\":1,\"line\":1,\"ok\":false,\"status\":null,\"attempts\":0,"
                 "\"error\":\"%s\",\"detail\":\"%s\"," NO_TIMES,
                 ringsend_error_name((enum ringsend_error)error),
                 ringsend_error_text((enum ringsend_error)error));
        assert_line(&result, expected);
    }
}

struct body {
    struct ringsend_bytes bytes;
    const char *becomes;
};

static const struct body bodies[] = {
    {{"", 0}, "\"body\":\"\""},
    {{"plain text of more than eight bytes", 35},
     "\"body\":\"plain text of more than eight bytes\""},
    {{"{\"a\":\"b\\\"}", 10}, "\"body\":\"{\\\"a\\\":\\\"b\\\\\\\"}\""},
    {{"\b\f\n\r\t", 5}, "\"body\":\"\\b\\f\\n\\r\\t\""},
    {{"\0\x01\x1f\x7f", 4}, "\"body\":\"\\u0000\\u0001\\u001f\x7f\""},
    {{"1234567\n12345678\n", 17}, "\"body\":\"1234567\\n12345678\\n\""},
    {{"h\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80", 12},
     "\"body\":\"h\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80\""},
    {{"\xc3\xa9\"\xc3\xa9", 5}, "\"body\":\"\xc3\xa9\\\"\xc3\xa9\""},
    {{"\xff", 1}, "\"body_base64\":\"/w==\""},
    {{"a\xff", 2}, "\"body_base64\":\"Yf8=\""},
    {{"ab\xff", 3}, "\"body_base64\":\"YWL/\""},
    {{"\x00\x10\x83\x10\x51\x87", 6}, "\"body_base64\":\"ABCDEFGH\""},
    {{"text\xc3", 5}, "\"body_base64\":\"dGV4dMM=\""}, /* cut sequence */
    {{"\xed\xa0\x80", 3}, "\"body_base64\":\"7aCA\""}, /* surrogate */
    {{"\xc0\x80", 2}, "\"body_base64\":\"wIA=\""},     /* overlong */
    {{"\xf8\x88\x80\x80\x80", 5}, "\"body_base64\":\"+IiAgIA=\""},
};

static void writes_bodies(void **state)
{
    (void)state;
    struct guard guard;
    guard_open(&guard, 4096);
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        struct ringsend_bytes bytes = bodies[i].bytes;
        const char *data = guard_put(&guard, bytes.data, bytes.bytes);
        struct result_line result = {
            .line = 1, .ok = true, .status = 200, .attempts = 1, .body = {data, bytes.bytes}};
        char expected[512];
        snprintf(expected, sizeof expected,
                 "{\"id\":1,\"line\":1,\"ok\":true,\"status\":200,\"attempts\":1,\"error\":null,%"
                 "s," NO_TIMES,
                 bodies[i].becomes);
        assert_line(&result, expected);
    }
    guard_close(&guard);
}

/* Every byte at every place of a word: escaped alone, and where the fast path takes turns. */
static void escapes_at_every_place(void **state)
{
    (void)state;
    for (unsigned byte = 0; byte < 0x80; byte++) {
        for (size_t place = 0; place < 24; place++) {
            char body[24], expected[64], escaped[8];
            memset(body, 'x', sizeof body);
            body[place] = (char)byte;
            const char *letter = byte ? strchr("\"\"\\\\\bb\ff\nn\rr\tt", (int)byte) : NULL;
            if (byte < 0x20 || byte == '"' || byte == '\\') {
                if (letter)
                    snprintf(escaped, sizeof escaped, "\\%c", letter[1]);
                else
                    snprintf(escaped, sizeof escaped, "\\u%04x", byte);
            } else {
                snprintf(escaped, sizeof escaped, "%c", (char)byte);
            }
            snprintf(expected, sizeof expected, "\"%.*s%s%.*s\"", (int)place, body, escaped,
                     (int)(sizeof body - place - 1), body + place + 1);
            struct buf out = {0};
            assert_true(
                json_append_string((struct ringsend_bytes){body, sizeof body}, &pool, &out));
            assert_int_equal(out.bytes, strlen(expected));
            assert_memory_equal(out.data, expected, out.bytes);
            buf_release(&pool, &out);
        }
    }
}

static void quotes_what_is_no_utf8(void **state)
{
    (void)state;
    struct buf out = {0};
    assert_true(json_append_string(SPAN("a\xff\xfe\"\xc3\xa9\xc3"), &pool, &out));
    static const char expected[] = "\"a\xef\xbf\xbd\xef\xbf\xbd\\\"\xc3\xa9\xef\xbf\xbd\"";
    assert_int_equal(out.bytes, sizeof expected - 1);
    assert_memory_equal(out.data, expected, out.bytes);
    buf_release(&pool, &out);
}

/* A detail that was cut inside a sequence loses the rest of it. */
static void mends_a_cut_detail(void **state)
{
    (void)state;
    struct result_line result = {
        .line = 1, .error = RINGSEND_E_BAD_RECORD, .detail = "key \"\xe2\x82\xac\xe2\x82"};
    assert_line(&result, "{\"id\":1,\"line\":1,\"ok\":false,\"status\":null,\"attempts\":0,"
                         "\"error\":\"bad_record\",\"detail\":\"key \\\"\xe2\x82\xac\"," NO_TIMES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_every_key),       cmocka_unit_test(writes_each_attempt),
        cmocka_unit_test(has_what_was_asked_for), cmocka_unit_test(leaves_absent_keys_out),
        cmocka_unit_test(names_every_error),      cmocka_unit_test(writes_bodies),
        cmocka_unit_test(escapes_at_every_place), cmocka_unit_test(quotes_what_is_no_utf8),
        cmocka_unit_test(mends_a_cut_detail),     cmocka_unit_test(writes_headers),
        cmocka_unit_test(says_where_the_body_is),
    };
    buf_pool_init(&pool);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    buf_pool_free(&pool);
    return failed;
}
