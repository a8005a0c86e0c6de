/* Formats of --write-out: each variable, escapes, and what is refused. */
#include "results/write_out.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct buf_pool pool;

static const struct ringsend_header headers[] = {
    {{"Content-Type", 12}, {"text/plain", 10}},
    {{"x", 1}, {"1", 1}},
    {{"X", 1}, {"2", 1}},
};
static const struct ringsend_request post = {.url = {"HTTPS://h/a", 11}, .body = {"data", 4}};
static const struct ringsend_request get = {.url = {"http://h/b", 10}, .method = {"FETCH", 5}};
static const struct ringsend_request nothing;

static const struct result_line full = {
    .id = {"\"a\\n\"", 5},
    .line = 3,
    .file = {"\"in \\\"x\\\"\"", 10},
    .ok = true,
    .status = 200,
    .attempts = 3,
    .body = {"body\n", 5},
    .body_file = {"\"d/2-a\"", 7},
    .headers = headers,
    .headers_count = 3,
    .times = {.queue_ns = 2000000,
              .dns_ns = 1000,
              .connect_ns = 2000,
              .tls_ns = 4000,
              .first_byte_ns = 8000,
              .total_ns = 12345678901},
    .number = 2,
    .request = &post,
    .head_bytes = 77,
    .packed_bytes = 4,
};
static const struct result_line failed = {
    .line = 4,
    .error = RINGSEND_E_CONNECT_REFUSED,
    .ambiguous = true,
    .attempts = 1,
    .request = &get,
};
static const struct result_line unreadable = {
    .line = 5, .error = RINGSEND_E_BAD_RECORD, .detail = "column 1", .request = &nothing};

static const struct {
    const char *format;
    const char *of_full, *of_failed, *of_unreadable;
} rows[] = {
    {"", "", "", ""},
    {"x%%y\\n\\t\\r\\\\\\q%z%", "x%y\n\t\r\\\\q%z%", "x%y\n\t\r\\\\q%z%", "x%y\n\t\r\\\\q%z%"},
    {"%{http_code},%{response_code}", "200,200", "000,000", "000,000"},
    {"%{id}|%{line}|%{urlnum}|%{file}", "a\n|3|2|in \"x\"", "4|4|0|", "5|5|0|"},
    {"%{ok} %{ambiguous} %{attempts} %{num_retries}", "true false 3 2", "false true 1 0",
     "false false 0 0"},
    {"%{error}:%{errormsg}", ":", "connect_refused:nothing listens at this address and port",
     "bad_record:column 1"},
    {"%{method} %{url} %{url_effective} %{scheme}", "POST HTTPS://h/a HTTPS://h/a https",
     "FETCH http://h/b http://h/b http", "GET   http"},
    {"%{body}%{filename_effective}", "body\nd/2-a", "", ""},
    {"%{content_type};%header{X};%header{none};%{num_headers}", "text/plain;1;;3", ";;;0", ";;;0"},
    {"%{header_json}", "{\"content-type\":\"text/plain\",\"x\":[\"1\",\"2\"]}", "{}", "{}"},
    {"%{size_download} %{size_header} %{size_upload}", "4 77 4", "0 0 0", "0 0 0"},
    {"%{time_namelookup} %{time_connect} %{time_appconnect} %{time_pretransfer}",
     "0.000001 0.000003 0.000007 0.000007", "0.000000 0.000000 0.000000 0.000000",
     "0.000000 0.000000 0.000000 0.000000"},
    {"%{time_starttransfer} %{time_total} %{time_queue}", "0.000015 12.343678 0.002000",
     "0.000000 0.000000 0.000000", "0.000000 0.000000 0.000000"},
};

static struct write_out *compile(const char *format)
{
    char message[200] = "";
    struct write_out *w = NULL;
    if (write_out_compile(&w, format, message, sizeof message) != RINGSEND_OK)
        fail_msg("%s: %s", format, message);
    return w;
}

static void expect(const char *format, const struct result_line *result, const char *expected)
{
    struct buf out = {0};
    struct write_out *w = compile(format);
    assert_true(write_out_put(w, result, &pool, &out));
    if (!span_equal((struct ringsend_bytes){out.data, out.bytes}, span_of(expected)))
        fail_msg("%s: wrote \"%.*s\", expected \"%s\"", format, (int)out.bytes, out.data, expected);
    buf_release(&pool, &out);
    write_out_free(w);
}

static void writes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        expect(rows[i].format, &full, rows[i].of_full);
        expect(rows[i].format, &failed, rows[i].of_failed);
        expect(rows[i].format, &unreadable, rows[i].of_unreadable);
    }
}

static void hides_secrets(void **state)
{
    (void)state;
    static const struct ringsend_request request = {
        .url = {"http://u:p@h/known?api_key=k&x=1", 32}};
    struct result_line result = {.line = 1, .request = &request};
    struct secrets secrets = {0};
    struct buf out = {0};
    assert_true(secrets_add(&secrets, SPAN("known")));
    struct write_out *w = compile("%{url} %{url_effective}");
    write_out_hide(w, &secrets);
    assert_true(write_out_put(w, &result, &pool, &out));
    assert_true(span_equal((struct ringsend_bytes){out.data, out.bytes},
                           SPAN("http://***@h/***?api_key=***&x=1 "
                                "http://***@h/***?api_key=***&x=1")));
    buf_release(&pool, &out);
    write_out_free(w);
    secrets_free(&secrets);
    expect("%{url}", &result, "http://***@h/known?api_key=***&x=1");
}

static void knows_when_headers_are_wanted(void **state)
{
    (void)state;
    static const char *const wanting[] = {"%{content_type}", "%{header_json}", "%{num_headers}",
                                          "a %header{x} b"};
    for (size_t i = 0; i < sizeof wanting / sizeof *wanting; i++) {
        struct write_out *w = compile(wanting[i]);
        assert_true(write_out_wants_headers(w));
        write_out_free(w);
    }
    struct write_out *w = compile("%{http_code} %{size_header}");
    assert_false(write_out_wants_headers(w));
    write_out_free(w);
}

static void refuses(void **state)
{
    (void)state;
    static const struct {
        const char *format, *message;
    } bad[] = {
        {"%{http_cod}", "there is no variable \"http_cod\""},
        {"%{HTTP_CODE}", "there is no variable \"HTTP_CODE\""},
        {"%{}", "there is no variable \"\""},
        {"x %{http_code", "a closing brace is missing in \"%{http_code\""},
        {"%header{x", "a closing brace is missing in \"%header{x\""},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char message[200] = "";
        struct write_out *w = NULL;
        assert_int_equal(write_out_compile(&w, bad[i].format, message, sizeof message),
                         RINGSEND_E_INVALID);
        assert_null(w);
        assert_string_equal(message, bad[i].message);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes),
        cmocka_unit_test(hides_secrets),
        cmocka_unit_test(knows_when_headers_are_wanted),
        cmocka_unit_test(refuses),
    };
    buf_pool_init(&pool);
    int result = cmocka_run_group_tests(tests, NULL, NULL);
    buf_pool_free(&pool);
    return result;
}
