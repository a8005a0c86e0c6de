/* Predicates. A row is an expression, a response, and whether it holds; the body is placed so that it
 * ends where memory ends, and is also cut at each byte, by which it stops being JSON and must leave
 * no path a value. Expressions that cannot be compiled have their column and the start of the reason. */
#include "engine/predicate.h"
#include "guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

struct row {
    const char *text;
    const char *body;
    bool holds;
    int status; /* 0: 200 */
};

static const struct row rows[] = {
    /* the status */
    {"status == 200", "", true, 0},
    {"status == 200", "", false, 201},
    {"status >= 200 && status < 300", "", true, 299},
    {"status >= 200 && status < 300", "", false, 300},
    {"status != 404 && status != 410", "", false, 410},
    {"status == 2e2", "", true, 0},
    {"status == \"200\"", "", false, 0},
    {"200 == status", "", true, 0},
    {"status", "", true, 0},

    /* literals and their truth */
    {"true", "", true, 0},
    {"false", "", false, 0},
    {"null", "", false, 0},
    {"0", "", true, 0},
    {"\"\"", "", true, 0},
    {"1.0 == 1 && -1 < 1 && 1e3 >= 1000", "", true, 0},
    {"\"a\" < \"b\" && \"a\" < \"ab\" && \"\\u00e9\" == \"\xc3\xa9\"", "", true, 0},
    {"\"10\" < \"9\"", "", true, 0},

    /* and, or, not: precedence and parentheses */
    {"true || false && false", "", true, 0},
    {"(true || false) && false", "", false, 0},
    {"!false && !null && !!true", "", true, 0},
    {"!(1 == 2)", "", true, 0},
    {" ( ( status == 200 ) ) ", "", true, 0},
    {"(1 == 1) == true", "", true, 0},
    {"false || false || true", "", true, 0},
    {"true && true && false", "", false, 0},

    /* paths */
    {".code == 0", "{\"code\":0}", true, 0},
    {".code == 0", "{\"code\":-1}", false, 0},
    {".code == 0", " {\"x\":[1,{}],\"code\" : 0.0 } ", true, 0},
    {".a.b[1].c == \"x\"", "{\"a\":{\"b\":[0,{\"c\":\"x\"}]}}", true, 0},
    {".a.b[1].c == \"x\"", "{\"a\":{\"b\":[{\"c\":\"x\"},0]}}", false, 0},
    {".\"odd key\".x-y_z2 == 1", "{\"odd key\":{\"x-y_z2\":1}}", true, 0},
    {".[\"odd key\"][0] == 1", "{\"odd key\":[1]}", true, 0},
    {".\"\" == 1", "{\"\":1}", true, 0},
    {".[2] == 3", "[1,2,3]", true, 0},
    {".[0][0] == 7", "[[7]]", true, 0},
    {". == 5", "5", true, 0},
    {". == \"x\"", "\"x\"", true, 0},
    {". == null", "null", true, 0},
    {".a == 1", "{\"\\u0061\":1}", true, 0},
    {".\"\\u0061\" == 1", "{\"a\":1}", true, 0},
    {".a == 1", "{\"ab\":1}", false, 0},
    {".ab == 1", "{\"a\":1}", false, 0},
    {".a == .b", "{\"a\":[1],\"b\":[1]}", false, 0},
    {".a == .b", "{\"a\":\"x\\n\",\"b\":\"\\u0078\\u000a\"}", true, 0},
    {".a < .b", "{\"a\":\"x\\u0061\",\"b\":\"xb\"}", true, 0},
    {".n > 9007199254740992", "{\"n\":9007199254740993}", true, 0},
    {".a[0] == 1", "{\"a\":{\"0\":1}}", false, 0},
    {".\"0\" == 1", "[1]", false, 0},
    {".a.b == 1 && .a.c == 2 && .a", "{\"a\":{\"c\":2,\"b\":1}}", true, 0},
    {".ok", "{\"ok\":true}", true, 0},
    {".ok", "{\"ok\":false}", false, 0},
    {"!.error", "{\"error\":null}", true, 0},
    {"!.error", "{}", true, 0},
    {"!.error", "{\"error\":{\"type\":\"overloaded\"}}", false, 0},
    {".error.type == \"overloaded\"", "{\"error\":{\"type\":\"overloaded\"}}", true, 0},

    /* a repeated key: the last one counts, with all it holds */
    {".a == 2", "{\"a\":1,\"a\":2}", true, 0},
    {".a.b == null", "{\"a\":{\"b\":1},\"a\":{}}", true, 0},
    {"exists(.a.b)", "{\"a\":{\"b\":1},\"a\":3}", false, 0},

    /* what is missing is null */
    {".a == null", "{}", true, 0},
    {".a == null", "{\"a\":0}", false, 0},
    {".a.b.c == null", "{\"a\":1}", true, 0},
    {".a != 1", "{}", true, 0},
    {".a < 1 || .a >= 1", "{}", false, 0},
    {".a == .b", "{}", true, 0},
    {"exists(.a)", "{\"a\":null}", true, 0},
    {"exists(.a)", "{}", false, 0},
    {"exists(.)", "0", true, 0},
    {"exists(.)", "", false, 0},

    /* a body that is no JSON */
    {".a == null", "<html>", true, 0},
    {"exists(.a)", "{\"a\":1}x", false, 0},
    {".a == 1", "{\"a\":1,}", false, 0},
    {".a == 1", "{\"a\":1,\"b\":\"\xff\"}", false, 0},
    {".a == null && body == \"\"", "", true, 0},

    /* kinds do not mix */
    {".a == 0", "{\"a\":\"0\"}", false, 0},
    {".a == 0", "{\"a\":false}", false, 0},
    {".a == false", "{\"a\":null}", false, 0},
    {".a < \"x\" || .a > \"x\"", "{\"a\":1}", false, 0},
    {".a <= null", "{\"a\":null}", false, 0},
    {".a != .a", "{\"a\":{}}", true, 0},

    /* contains */
    {"body contains \"over\"", "The server is overloaded", true, 0},
    {"body contains \"Over\"", "The server is overloaded", false, 0},
    {"body contains \"\"", "", true, 0},
    {"body contains \"\\\\n\"", "a\\nb", true, 0},
    {"!(body contains \"x\")", "abc", true, 0},
    {".m contains \"a\\nb\"", "{\"m\":\"xa\\nby\"}", true, 0},
    {".m contains \"aab\"", "{\"m\":\"a\\u0061aab\"}", true, 0},
    {".m contains \"abcabd\"", "{\"m\":\"\\u0061bcabcabd\"}", true, 0},
    {".m contains \"abcabd\"", "{\"m\":\"\\u0061bcabcabcab\"}", false, 0},
    {".m contains \"1\"", "{\"m\":1}", false, 0},
    {".m contains \"x\" && .n contains \"y\"", "{\"m\":\"\\\"x\",\"n\":\"\\\"y\"}", true, 0},

    /* headers */
    {"header(\"x-state\") == \"busy\"", "", true, 0},
    {"header(\"X-STATE\") == \"busy\"", "", true, 0},
    {"header(\"x-state\") contains \"us\"", "", true, 0},
    {"header(\"x-code\") == 7", "", true, 0},
    {"8 > header(\"x-code\")", "", true, 0},
    {"header(\"x-code\") == \"07.0\"", "", false, 0},
    {"header(\"x-code\") == \"7.0\"", "", true, 0},
    {"header(\"x-state\") == 7", "", false, 0},
    {"header(\"absent\") == null", "", true, 0},
    {"header(\"twice\") == \"first\"", "", true, 0},
    {"!header(\"absent\") && header(\"empty\") == \"\"", "", true, 0},
};

static const char header_text[] = "x-statebusyX-Code7.0twicefirsttwicesecondempty";
static const struct response_header headers[] = {
    {0, 7, 7, 4}, {11, 6, 17, 3}, {20, 5, 25, 5}, {30, 5, 35, 6}, {41, 5, 46, 0},
};

static struct guard guard;

static struct predicate *compile(const char *text)
{
    char message[256] = "";
    struct predicate *p = NULL;
    if (predicate_compile(&p, NULL, text, message, sizeof message) != RINGSEND_OK)
        fail_msg("%s: %s", text, message);
    return p;
}

static bool holds(const struct predicate *p, int status, const char *body, size_t bytes)
{
    struct predicate_view view = {.status = status ? status : 200,
                                  .body = {guard_put(&guard, body, bytes), bytes},
                                  .header_text = header_text,
                                  .headers = headers,
                                  .headers_count = sizeof headers / sizeof *headers};
    return predicate_holds(p, &view);
}

static void judges(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct predicate *p = compile(rows[i].text);
        if (holds(p, rows[i].status, rows[i].body, strlen(rows[i].body)) != rows[i].holds)
            fail_msg("%s should %shold for %s", rows[i].text, rows[i].holds ? "" : "not ",
                     rows[i].body);
        predicate_free(p);
    }
}

static void cut_bodies_have_no_paths(void **state)
{
    (void)state;
    static const char body[] = "{\"a\":{\"b\":[1,\"x\\u0041\",{\"c\":null}]},\"d\":-1.5e3}";
    struct predicate *p =
        compile("exists(.a) || exists(.a.b[1]) || exists(.a.b[2].c) || exists(.d) || exists(.)");
    assert_true(holds(p, 0, body, sizeof body - 1));
    for (size_t bytes = 0; bytes < sizeof body - 1; bytes++)
        assert_false(holds(p, 0, body, bytes));
    predicate_free(p);
}

/* Escapes wherever they can stand: each letter of the text either plain or escaped. */
static void searches_through_escapes(void **state)
{
    (void)state;
    static const char needle[] = "aabaab";
    struct predicate *found = compile(".m contains \"aabaab\""),
                     *equal = compile(".m == \"aabaab\"");
    struct predicate *not_found = compile(".m contains \"aabaac\"");
    for (unsigned mask = 0; mask < 1u << 6; mask++) {
        char body[80] = "{\"m\":\"";
        size_t at = strlen(body);
        for (unsigned i = 0; i < 6; i++)
            at += (size_t)snprintf(body + at, sizeof body - at, mask >> i & 1 ? "\\u%04x" : "%c",
                                   needle[i]);
        at += (size_t)snprintf(body + at, sizeof body - at, "\"}");
        assert_true(holds(found, 0, body, at));
        assert_true(holds(equal, 0, body, at));
        assert_false(holds(not_found, 0, body, at));
    }
    predicate_free(found);
    predicate_free(equal);
    predicate_free(not_found);
}

static void asks_for_headers(void **state)
{
    (void)state;
    struct predicate *with = compile("true || header(\"x\") == null"),
                     *without = compile(".header");
    assert_true(predicate_wants_headers(with));
    assert_false(predicate_wants_headers(without));
    predicate_free(with);
    predicate_free(without);
}

static const struct {
    const char *text;
    const char *message;
} bad[] = {
    {"", "column 1: the expression ends"},
    {"   ", "column 4: the expression ends"},
    {"status = 200", "column 8: to compare, write =="},
    {"status == ", "column 11: the expression ends"},
    {"status == 200 &", "column 15: expected '&&'"},
    {"status == 200 &&", "column 17: the expression ends"},
    {"state == 1", "column 1: unknown word"},
    {"true and false", "column 6: expected '&&'"},
    {"(true", "column 6: expected ')'"},
    {"true)", "column 5: expected '&&'"},
    {"1 < 2 < 3", "column 7: comparisons cannot be chained"},
    {"!.a == 1", "column 5: say by parentheses"},
    {"!!.a == 1", "column 6: say by parentheses"},
    {".a. == 1", "column 4: expected a key"},
    {".a[ == 1", "column 5: expected an element's number"},
    {".a[1 == 1", "column 6: expected ']'"},
    {".a[1234567890]", "column 13: expected ']'"},
    {".a[-1]", "column 4: expected an element's number"},
    {".\"a", "column 4: the string does not end"},
    {"\"\\x\"", "column 2: unknown escape"},
    {"01", "column 2: a number cannot start with 0"},
    {"body contains .a", "column 15: expected a text"},
    {"header(x)", "column 8: expected the header's name"},
    {"header \"x\"", "column 8: expected the header's name"},
    {"header(\"x\"", "column 11: expected ')'"},
    {"exists(status)", "column 8: expected a path"},
    {"exists(.a", "column 10: expected ')'"},
    {"#", "column 1: expected a value"},
};

static void refuses(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char message[256] = "";
        struct predicate *p = NULL;
        if (predicate_compile(&p, NULL, bad[i].text, message, sizeof message) !=
                RINGSEND_E_INVALID ||
            p || strncmp(message, bad[i].message, strlen(bad[i].message)) != 0)
            fail_msg("%s: \"%s\", expected \"%s\"", bad[i].text, message, bad[i].message);
    }
}

/* `unit` over and over, each with a number behind it when `numbered`, must be refused by `reason`
 * before the text as a whole is too long. */
static void check_limit(const char *start, const char *unit, bool numbered, const char *reason)
{
    char text[5000], message[256] = "";
    struct predicate *p = NULL;
    size_t at = (size_t)snprintf(text, sizeof text, "%s", start);
    for (int i = 0; at < 4000; i++) {
        at += (size_t)snprintf(text + at, sizeof text - at, "%s", unit);
        if (numbered)
            at += (size_t)snprintf(text + at, sizeof text - at, "%d", i);
    }
    assert_int_equal(predicate_compile(&p, NULL, text, message, sizeof message),
                     RINGSEND_E_INVALID);
    if (!strstr(message, reason))
        fail_msg("%s %s: \"%s\", expected \"%s\"", start, unit, message, reason);
}

static void has_limits(void **state)
{
    (void)state;
    check_limit("", "(", false, "nested more than 32");
    check_limit("", "!", false, "nested more than 32");
    check_limit("1", " && 1", false, "more than 128 parts");
    check_limit("1", " || .a", true, "more than 32 different paths");
    check_limit("", ".a", true, "more than 127 steps");
    char *text = calloc(1, 4098), message[256];
    struct predicate *p = NULL;
    memset(text, ' ', 4097);
    text[4096] = '1';
    assert_int_equal(predicate_compile(&p, NULL, text, message, sizeof message),
                     RINGSEND_E_INVALID);
    text[4096] = '\0';
    text[4095] = '1';
    assert_int_equal(predicate_compile(&p, NULL, text, message, sizeof message), RINGSEND_OK);
    predicate_free(p);
    free(text);
}

static int open_guard(void **state)
{
    (void)state;
    guard_open(&guard, 4096);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(judges),
        cmocka_unit_test(cut_bodies_have_no_paths),
        cmocka_unit_test(searches_through_escapes),
        cmocka_unit_test(asks_for_headers),
        cmocka_unit_test(refuses),
        cmocka_unit_test(has_limits),
    };
    return cmocka_run_group_tests(tests, open_guard, NULL);
}
