/* Results as CSV, byte for byte. */
#include "results/result_csv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define NO_TIMES ",0,0,0,0,0,0"

static struct buf_pool pool;

static void assert_row(const struct result_line *result, const char *expected)
{
    struct buf out = {0};
    assert_true(buf_append(&pool, &out, "before\r\n", 8));
    assert_true(result_csv_write(result, &pool, &out));
    if (out.bytes - 8 != strlen(expected) || memcmp(out.data + 8, expected, out.bytes - 8) != 0)
        fail_msg("wrote    %.*sexpected %s", (int)(out.bytes - 8), out.data + 8, expected);
    buf_release(&pool, &out);
    assert_int_equal(pool.used_bytes, 0);
}

static void begins_with_a_header(void **state)
{
    (void)state;
    struct buf out = {0};
    assert_true(result_csv_write_header(NULL, &pool, &out));
    static const char expected[] =
        "id,line,file,ok,status,attempts,error,detail,ambiguous,retry_after,encoding,body,body_"
        "base64,"
        "body_file,queue_us,dns_us,connect_us,tls_us,first_byte_us,total_us,headers,trace\r\n";
    assert_int_equal(out.bytes, sizeof expected - 1);
    assert_memory_equal(out.data, expected, out.bytes);
    buf_release(&pool, &out);
}

static void writes_every_column(void **state)
{
    (void)state;
    static const struct ringsend_header headers[] = {{{"A", 1}, {"x,\"y\"", 5}}};
    static const struct ringsend_attempt attempt = {.status = 503, .total_ns = 5000};
    struct result_line result = {
        .id = SPAN("\"a \\\"b\\\", c\""),
        .line = 42,
        .file = SPAN("\"in, put\""),
        .status = 503,
        .attempts = 4,
        .error = RINGSEND_E_TRUNCATED_BODY,
        .detail = "12 of 20 bytes",
        .body = {"one\ntwo", 7},
        .encoding = SPAN("gzip, br"),
        .ambiguous = true,
        .retry_after_ns = 60000000001,
        .headers = headers,
        .headers_count = 1,
        .times = {.queue_ns = 1999, .total_ns = UINT64_MAX},
        .trace = &attempt,
        .trace_count = 1,
    };
    assert_row(
        &result,
        "\"a \"\"b\"\", c\",42,\"in, put\",false,503,4,truncated_body,12 of 20 bytes,true,61,"
        "\"gzip, br\",\"one\ntwo\",,,1,0,0,0,0,18446744073709551,"
        "\"{\"\"a\"\":\"\"x,\\\"\"y\\\"\"\"\"}\","
        "\"[{\"\"began\"\":0,\"\"reused\"\":false,\"\"status\"\":503,\"\"error\"\":null,"
        "\"\"dns\"\":0,\"\"connect\"\":0,\"\"tls\"\":0,\"\"first_byte\"\":0,"
        "\"\"total\"\":5}]\"\r\n");
}

static void leaves_absent_fields_empty(void **state)
{
    (void)state;
    struct result_line result = {.line = 7, .error = RINGSEND_E_CONNECT_REFUSED};
    assert_row(&result, "7,7,,false,,0,connect_refused,nothing listens at this address and port,"
                        "false,,,,," NO_TIMES ",,\r\n");
    struct result_line ok = {.id = SPAN("{\"k\":1}"), .line = 1, .ok = true, .status = 204};
    assert_row(&ok, "\"{\"\"k\"\":1}\",1,,true,204,0,,,false,,,,," NO_TIMES ",,\r\n");
}

static void writes_bodies(void **state)
{
    (void)state;
    static const struct {
        struct ringsend_bytes body;
        const char *fields; /* body, body_base64 */
    } rows[] = {
        {{"plain", 5}, "plain,"},         {{"a,b", 3}, "\"a,b\","}, {{"\"", 1}, "\"\"\"\","},
        {{"\r", 1}, "\"\r\","},           {{" x", 2}, "\" x\","},   {{"x ", 2}, "\"x \","},
        {{"h\xc3\xa9", 3}, "h\xc3\xa9,"}, {{"a\xff", 2}, ",Yf8="},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char expected[200];
        struct result_line result = {.line = 1, .ok = true, .status = 200, .body = rows[i].body};
        snprintf(expected, sizeof expected, "1,1,,true,200,0,,,false,,,%s," NO_TIMES ",,\r\n",
                 rows[i].fields);
        assert_row(&result, expected);
        result.without_body = true;
        assert_row(&result, "1,1,,true,200,0,,,false,,,,," NO_TIMES ",,\r\n");
        result.without_body = false;
        result.body_file = SPAN("\"d/1\"");
        assert_row(&result, "1,1,,true,200,0,,,false,,,,,d/1" NO_TIMES ",,\r\n");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(begins_with_a_header),
        cmocka_unit_test(writes_every_column),
        cmocka_unit_test(leaves_absent_fields_empty),
        cmocka_unit_test(writes_bodies),
    };
    buf_pool_init(&pool);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    buf_pool_free(&pool);
    return failed;
}
