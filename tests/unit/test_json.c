/* The JSON reader: each text is placed so that it ends where memory ends, read by json_skip as a
 * whole, and cut short at each byte, which must never be accepted as a container or crash. */
#include "base/json.h"
#include "guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static struct guard guard;

/* The error and its column, null when `text` is one valid value. */
static const char *error_of(struct ringsend_bytes text, size_t *column)
{
    struct json j;
    struct ringsend_bytes raw = {0};
    json_init(&j, (struct ringsend_bytes){guard_put(&guard, text.data, text.bytes), text.bytes});
    bool valid = json_skip(&j, &raw) && json_end(&j);
    assert_int_equal(valid, j.error == NULL);
    *column = json_column(&j);
    assert_true(*column <= text.bytes + 1);
    return j.error;
}

static void takes_valid_values(void **state)
{
    (void)state;
    static const char *const valid[] = {
        "0",
        "-0",
        "10",
        "-12.5",
        "0.1",
        "1e5",
        "1E+5",
        "1.25e-7",
        "123456789012345678901234567890",
        "true",
        "false",
        "null",
        "\"\"",
        "\"a\"",
        "[]",
        "{}",
        "[ ]",
        "{ }",
        " 1 ",
        "\t\r\n1\n",
        "[1,2,3]",
        "[ 1 , 2 ]",
        "{\"a\":1}",
        "{ \"a\" : 1 , \"b\" : [ ] }",
        "[[],{}]",
        "{\"a\":{\"b\":{\"c\":[1,{\"d\":null}]}}}",
        "[{\"a\":[{}]},[[1]],\"x\"]",
        "{\"\":0}",
        "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
        "\"\\u0000\\uFFFF\\u00e9\"",
        "\"\\ud83d\\ude00\"",
        "\"a long text of more than sixteen bytes, plain\"",
        "\"\x7f\"",
        "\"\xc2\x80\xdf\xbf\"",
        "\"\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf\"",
        "\"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\"",
        "\"1234567\xc3\xa9 2345678\"",
    };
    for (size_t i = 0; i < sizeof valid / sizeof valid[0]; i++) {
        size_t column;
        const char *error = error_of(span_of(valid[i]), &column);
        if (error)
            fail_msg("%s: %s at %zu", valid[i], error, column);
    }
}

struct bad {
    const char *text;
    size_t column;
    const char *says; /* part of the error */
};

static const struct bad bad[] = {
    {"", 1, "ends"},
    {"  ", 3, "ends"},
    {"x", 1, "expected a value"},
    {"nul", 1, "true, false or null"},
    {"True", 1, "expected a value"},
    {"truE", 1, "true, false or null"},
    {"NaN", 1, "expected a value"},
    {"+1", 1, "expected a value"},
    {".5", 1, "expected a value"},
    {"01", 2, "start with 0"},
    {"-01", 3, "start with 0"},
    {"-", 2, "digit"},
    {"-a", 2, "digit"},
    {"1.", 3, "decimal point"},
    {"1.e5", 3, "decimal point"},
    {"1e", 3, "exponent"},
    {"1e+", 4, "exponent"},
    {"1 2", 3, "follows"},
    {"1,", 2, "follows"},
    {"{}}", 3, "follows"},
    {"[1", 3, "',' or ']'"},
    {"[1,", 4, "ends"},
    {"[1,]", 4, "after ','"},
    {"[,1]", 2, "expected a value"},
    {"[1 2]", 4, "',' or ']'"},
    {"[1}", 3, "',' or ']'"},
    {"{", 2, "key"},
    {"{\"a\"}", 5, "':'"},
    {"{\"a\":}", 6, "expected a value"},
    {"{\"a\":1,}", 8, "key"},
    {"{a:1}", 2, "key"},
    {"{'a':1}", 2, "key"},
    {"{\"a\":1 \"b\":2}", 8, "',' or '}'"},
    {"{\"a\":1]", 7, "',' or '}'"},
    {"{\"a\" 1}", 6, "':'"},
    {"\"", 2, "does not end"},
    {"\"abc", 5, "does not end"},
    {"\"abc\\", 5, "does not end"},
    {"\"\\x\"", 2, "escape"},
    {"\"\\u12\"", 2, "four hex"},
    {"\"\\u12g4\"", 2, "four hex"},
    {"\"\\ud800\"", 2, "surrogate"},
    {"\"\\udc00\"", 2, "surrogate"},
    {"\"\\ud800\\u0041\"", 2, "surrogate"},
    {"\"\\ud800\\ud800\"", 2, "surrogate"},
    {"\"\\ud800\\n\"", 2, "surrogate"},
    {"\"a\x01\"", 3, "control"},
    {"\"a\tb\"", 3, "control"},
    {"\"0123456789\x1f\"", 12, "control"},
    {"\"\x80\"", 2, "UTF-8"},
    {"\"\xc0\xaf\"", 2, "UTF-8"},         /* overlong */
    {"\"\xc1\xbf\"", 2, "UTF-8"},         /* overlong */
    {"\"\xe0\x9f\xbf\"", 2, "UTF-8"},     /* overlong */
    {"\"\xf0\x8f\xbf\xbf\"", 2, "UTF-8"}, /* overlong */
    {"\"\xed\xa0\x80\"", 2, "UTF-8"},     /* surrogate */
    {"\"\xf4\x90\x80\x80\"", 2, "UTF-8"}, /* U+110000 */
    {"\"\xf5\x80\x80\x80\"", 2, "UTF-8"},
    {"\"ab\xe2\x82\"", 4, "UTF-8"}, /* cut by the quote */
    {"\"ab\xe2\x82", 4, "UTF-8"},   /* cut by the end */
    {"\xef\xbb\xbf"
     "1",
     1, "expected a value"}, /* the mark is the source's matter */
};

static void refuses_with_column_and_cause(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        size_t column;
        const char *error = error_of(span_of(bad[i].text), &column);
        if (!error)
            fail_msg("accepted: %s", bad[i].text);
        if (column != bad[i].column || !strstr(error, bad[i].says))
            fail_msg("%s: %s at %zu, not \"%s\" at %zu", bad[i].text, error, column, bad[i].says,
                     bad[i].column);
    }
}

static void refuses_every_truncation(void **state)
{
    (void)state;
    static const char text[] = "{\"key\":[1.5e+3,\"t\\n\\u00e9\\ud83d\\ude00\xe2\x82\xac\",true,"
                               "false,null,{\"a\":{}}],\"b\":-0}";
    size_t column;
    assert_null(error_of(SPAN(text), &column));
    for (size_t bytes = 0; bytes < sizeof text - 1; bytes++)
        assert_non_null(error_of((struct ringsend_bytes){text, bytes}, &column));
}

static void limits_depth(void **state)
{
    (void)state;
    char text[2 * 65 + 1];
    for (size_t depth = 1; depth <= 65; depth++) {
        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        size_t column;
        const char *error = error_of((struct ringsend_bytes){text, 2 * depth}, &column);
        if (depth <= 64)
            assert_null(error);
        else
            assert_string_equal(error, "nested more than 64 levels deep");
    }
}

/* Objects and arrays in all mixtures of one depth: each level is closed as it was opened. */
static void keeps_kinds_of_levels_apart(void **state)
{
    (void)state;
    for (unsigned mix = 0; mix < 256; mix++) {
        char text[128];
        size_t at = 0;
        for (unsigned level = 0; level < 8; level++)
            at += (size_t)snprintf(text + at, sizeof text - at, "%s",
                                   mix >> level & 1 ? "[0," : "{\"a\":0,\"b\":");
        text[at++] = '0';
        for (unsigned level = 8; level-- > 0;)
            text[at++] = mix >> level & 1 ? ']' : '}';
        size_t column;
        assert_null(error_of((struct ringsend_bytes){text, at}, &column));
        text[at - 1 - mix % 8] ^= ']' ^ '}'; /* one is closed as the other kind */
        assert_non_null(error_of((struct ringsend_bytes){text, at}, &column));
    }
}

static void decodes(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        struct ringsend_bytes text;
    } cases[] = {
        {"\"\"", SPAN("")},
        {"\"plain\"", SPAN("plain")},
        {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", SPAN("\"\\/\b\f\n\r\t")},
        {"\"a\\u0000b\"", SPAN("a\0b")},
        {"\"\\u007f\\u0080\\u07ff\\u0800\\uffff\"",
         SPAN("\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf")},
        {"\"\\ud800\\udc00\\uDBFF\\uDFFF\"", SPAN("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf")},
        {"\"x\\nyyyyyyyyyyyyyyyyyyyyyy\\n\"", SPAN("x\nyyyyyyyyyyyyyyyyyyyyyy\n")},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ringsend_bytes json = span_of(cases[i].json);
        struct json j;
        struct json_string string;
        char out[64];
        json_init(&j,
                  (struct ringsend_bytes){guard_put(&guard, json.data, json.bytes), json.bytes});
        assert_true(json_string(&j, &string) && json_end(&j));
        assert_int_equal(string.escaped, memchr(json.data, '\\', json.bytes) != NULL);
        struct ringsend_bytes text = {out, json_decode(string, out)};
        assert_true(text.bytes <= string.raw.bytes);
        assert_true(span_equal(text, cases[i].text));
    }
}

static void walks_members_and_elements(void **state)
{
    (void)state;
    struct json j;
    struct json_string key;
    struct ringsend_bytes raw = {0};
    json_init(&j, SPAN(" { \"a\" : [ 1 , \"x\" , { } ] , \"b\" : true } "));
    assert_true(json_object(&j));
    assert_true(json_member(&j, &key));
    assert_true(span_equal(key.raw, SPAN("a")));
    assert_int_equal(json_peek(&j), JSON_ARRAY);
    assert_true(json_array(&j));
    assert_int_equal(j.depth, 2);
    assert_true(json_element(&j) && json_number(&j, &raw));
    assert_true(span_equal(raw, SPAN("1")));
    assert_true(json_element(&j) && json_string(&j, &key));
    assert_true(json_element(&j) && json_skip(&j, &raw));
    assert_true(span_equal(raw, SPAN("{ }")));
    assert_false(json_element(&j));
    assert_true(json_member(&j, &key));
    assert_true(json_skip(&j, &raw));
    assert_true(span_equal(raw, SPAN("true")));
    assert_false(json_member(&j, &key));
    assert_int_equal(j.depth, 0);
    assert_true(json_end(&j));
}

static void keeps_the_first_error(void **state)
{
    (void)state;
    struct json j;
    struct ringsend_bytes raw = {0};
    json_init(&j, SPAN("[1x]"));
    assert_true(json_array(&j) && json_element(&j) && json_skip(&j, &raw));
    assert_false(json_element(&j));
    const char *first = j.error;
    assert_false(json_array(&j) || json_element(&j) || json_skip(&j, &raw) || json_end(&j));
    assert_int_equal(json_peek(&j), JSON_NONE);
    assert_ptr_equal(j.error, first);
    assert_int_equal(json_column(&j), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_valid_values),
        cmocka_unit_test(refuses_with_column_and_cause),
        cmocka_unit_test(refuses_every_truncation),
        cmocka_unit_test(limits_depth),
        cmocka_unit_test(keeps_kinds_of_levels_apart),
        cmocka_unit_test(decodes),
        cmocka_unit_test(walks_members_and_elements),
        cmocka_unit_test(keeps_the_first_error),
    };
    guard_open(&guard, 1 << 12);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    guard_close(&guard);
    return failed;
}
