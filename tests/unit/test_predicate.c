/* Predicates. A row is an expression, a response, and whether it holds; the body is placed so that
 * it ends where memory ends, and is also cut at each byte, by which it stops being JSON and must
 * leave every path unknown. Expressions that cannot be compiled have their column and the start of
 * the reason. */
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
    {".a == null && body == \"\"", "", true, 0},

    /* what is read though it is no strict JSON */
    {".a == 1", "\xef\xbb\xbf{\"a\":1}", true, 0},
    {".a == 1", "\xef\xbb\xbf \r\n{\"a\":1}\n", true, 0},
    {".a == 1", "{\"a\":1,\"b\":\"\xff\"}", true, 0},
    {".a == null || .b != 1", "{\"a\":\"caf\xe9\",\"b\":1}", false, 0},
    {".a == 1", "{\"b\":\"\\ud800\",\"a\":1}", true, 0},
    {".a == 1", "{\"b\":\"\\udc00\\ud83d\\n\\ud83d\",\"a\":1}", true, 0},
    {".b == \"\xef\xbf\xbdx\xf0\x9f\x98\x80\"", "{\"b\":\"\\ud83dx\\ud83d\\ude00\"}", true, 0},
    {".b == \"\xef\xbf\xbd"
     "A\"",
     "{\"b\":\"\\ud83d\\u0041\"}", true, 0},
    {".a == 1", "{\"b\":\"tab\tline\n\",\"a\":1}", true, 0},
    {".a == 1 && .b == null && .c == null && .d[1] == null",
     "{\"b\":NaN,\"c\":Infinity,\"d\":[0,-Infinity],\"a\":1}", true, 0},
    {".a == 1 && .n == 1e400", "{\"n\":1e400,\"a\":1}", true, 0},

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

/* A body that is no JSON: what hangs on its paths is unknown, what does not is judged. */
static const struct {
    const char *text, *body;
    enum predicate_truth truth;
} unknowns[] = {
    {".a == null", "<html>", PREDICATE_UNKNOWN},
    {"!.a", "<html>", PREDICATE_UNKNOWN},
    {"exists(.a)", "{\"a\":1}x", PREDICATE_UNKNOWN},
    {".a contains \"x\"", "oops", PREDICATE_UNKNOWN},
    {".a != 1", "{\"a\":1,}", PREDICATE_UNKNOWN},
    {".a == 1", "{\"a\":1}\n{\"a\":1}", PREDICATE_UNKNOWN},
    {".a == 1", "{\"a\":1", PREDICATE_UNKNOWN},
    {".a == 1", "{'a':1}", PREDICATE_UNKNOWN},
    {".a == 1", "{\"a\":1,\"b\":Nan}", PREDICATE_UNKNOWN},
    {".a == 1", "{\"a\":1,\"b\":-Inf}", PREDICATE_UNKNOWN},
    {".a == 1", "{\"a\":1,\"b\":\"\\x\"}", PREDICATE_UNKNOWN},
    {".a == 1", " ", PREDICATE_UNKNOWN},
    {".a == 1", "\xef\xbb\xbf", PREDICATE_UNKNOWN},
    {".a == 1", "\xff\xfe{", PREDICATE_UNKNOWN},
    {".a == .b", "{", PREDICATE_UNKNOWN},
    {"status == 200 || .a == 1", "<html>", PREDICATE_HOLDS},
    {".a == 1 || status == 200", "<html>", PREDICATE_HOLDS},
    {".a == 1 || status == 201", "<html>", PREDICATE_UNKNOWN},
    {".a == 1 && status == 201", "<html>", PREDICATE_FAILS},
    {"status == 201 && .a == 1", "<html>", PREDICATE_FAILS},
    {"status == 200 && .a == 1", "<html>", PREDICATE_UNKNOWN},
    {"!(.a == 1 && status == 201)", "<html>", PREDICATE_HOLDS},
    {"body contains \"<html\" || .a == 1", "<html>", PREDICATE_HOLDS},
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

static enum predicate_truth truth_of(const struct predicate *p, int status, const char *body,
                                     size_t bytes)
{
    struct predicate_fault fault = {0};
    struct predicate_view view = {.status = status ? status : 200,
                                  .empty_is_null = true,
                                  .body = {guard_put(&guard, body, bytes), bytes},
                                  .header_text = header_text,
                                  .headers = headers,
                                  .headers_count = sizeof headers / sizeof *headers};
    enum predicate_truth truth = predicate_judge(p, &view, &fault);
    assert_int_equal(truth == PREDICATE_UNKNOWN, fault.text != NULL);
    assert_true(fault.column <= bytes + 1);
    return truth;
}

static bool holds(const struct predicate *p, int status, const char *body, size_t bytes)
{
    return truth_of(p, status, body, bytes) == PREDICATE_HOLDS;
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

static void says_what_is_unknown(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof unknowns / sizeof *unknowns; i++) {
        struct predicate *p = compile(unknowns[i].text);
        enum predicate_truth truth = truth_of(p, 0, unknowns[i].body, strlen(unknowns[i].body));
        if (truth != unknowns[i].truth)
            fail_msg("%s is %d, not %d, for %s", unknowns[i].text, (int)truth,
                     (int)unknowns[i].truth, unknowns[i].body);
        predicate_free(p);
    }
}

/* A body that is packed is unknown, to `body` as well; an empty one where it may not be. */
static void says_what_is_unreadable(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool wants_body, unknown_if_packed, unknown_if_empty;
    } asked[] = {
        {".a == 1", true, true, true},
        {"body contains \"x\"", true, true, false},
        {"status == 200", false, false, false},
        {"header(\"x-state\") == \"busy\"", false, false, false},
        {"false && .a", true, false, false},
    };
    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) {
        struct predicate *p = compile(asked[i].text);
        struct predicate_fault fault = {0};
        struct predicate_view view = {.status = 200,
                                      .body = {"{\"a\":1}", 7},
                                      .unreadable = "packed",
                                      .header_text = header_text,
                                      .headers = headers,
                                      .headers_count = 1};
        assert_int_equal(predicate_wants_body(p), asked[i].wants_body);
        assert_int_equal(predicate_judge(p, &view, &fault) == PREDICATE_UNKNOWN,
                         asked[i].unknown_if_packed);
        if (asked[i].unknown_if_packed)
            assert_string_equal(fault.text, "packed");
        view.unreadable = NULL;
        view.body.bytes = 0;
        assert_int_equal(predicate_judge(p, &view, &fault) == PREDICATE_UNKNOWN,
                         asked[i].unknown_if_empty);
        predicate_free(p);
    }
}

static size_t put(char *body, size_t at, const char *text)
{
    memcpy(body + at, text, strlen(text));
    return at + strlen(text);
}

/* Containers inside each other, all of one kind, and `.a` behind them. */
static size_t nest(char *body, size_t depth, bool objects)
{
    size_t at = put(body, 0, "{\"x\":");
    for (size_t i = 1; i < depth; i++)
        at = put(body, at, objects ? "{\"k\":" : "[");
    at = put(body, at, "0");
    for (size_t i = 1; i < depth; i++)
        at = put(body, at, objects ? "}" : "]");
    return put(body, at, ",\"a\":1}");
}

static void reads_deep_bodies(void **state)
{
    (void)state;
    static const size_t depths[] = {2, 63, 64, 65, 66, 127, 128, 129, 9999, 10000, 10001};
    struct predicate *p = compile(".a == 1");
    struct predicate_fault fault;
    static char body[100000];
    for (size_t i = 0; i < 2 * sizeof depths / sizeof *depths; i++) {
        bool objects = i % 2 == 1;
        struct predicate_view view = {.status = 200};
        view.body = (struct ringsend_bytes){body, nest(body, depths[i / 2], objects)};
        assert_int_equal(predicate_judge(p, &view, &fault),
                         depths[i / 2] <= 10000 ? PREDICATE_HOLDS : PREDICATE_UNKNOWN);
        body[view.body.bytes - 8] = objects ? ']' : '}'; /* closes what it did not open */
        assert_int_equal(predicate_judge(p, &view, &fault), PREDICATE_UNKNOWN);
    }
    predicate_free(p);
}

static void truncated_bodies_have_no_paths(void **state)
{
    (void)state;
    static const char body[] = "{\"a\":{\"b\":[1,\"x\\u0041\",{\"c\":null}]},\"d\":-1.5e3}";
    struct predicate *p =
        compile("exists(.a) || exists(.a.b[1]) || exists(.a.b[2].c) || exists(.d) || exists(.)");
    assert_true(holds(p, 0, body, sizeof body - 1));
    for (size_t bytes = 0; bytes < sizeof body - 1; bytes++)
        assert_int_equal(truth_of(p, 0, body, bytes),
                         bytes > 0 ? PREDICATE_UNKNOWN : PREDICATE_FAILS);
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
        cmocka_unit_test(says_what_is_unknown),
        cmocka_unit_test(says_what_is_unreadable),
        cmocka_unit_test(reads_deep_bodies),
        cmocka_unit_test(truncated_bodies_have_no_paths),
        cmocka_unit_test(searches_through_escapes),
        cmocka_unit_test(asks_for_headers),
        cmocka_unit_test(refuses),
        cmocka_unit_test(has_limits),
    };
    return cmocka_run_group_tests(tests, open_guard, NULL);
}
