/* What records weigh: the grammar with its errors by column, and what comes out of it. */
#include "base/cost.h"
#include "guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char BODY[] =
    "{\"model\":\"m\",\"prompt\":\"gr\\u00fc\xc3\x9f"
    "e\",\"max_tokens\":250,\"n\":\" 7 \","
    "\"on\":true,\"off\":false,\"no\":null,\"list\":[1,2,[3]],\"a-b\":{\"odd key\":-2.5e1},"
    "\"big\":1e30,\"huge\":123456789012345678901234567890,\"small\":1e-3,\"text\":\"1x\"}";

static bool field(void *context, const char *column, struct ringsend_bytes *text)
{
    (void)context;
    if (strcmp(column, "tokens") != 0)
        return false;
    *text = SPAN("12.5");
    return true;
}

static void what_comes_out(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t cost;
        uint32_t found;
    } rows[] = {
        {"12", 12, 0},
        {"0.25", 1, 0},
        {"0", 0, 0},
        {".max_tokens", 250, 1},
        {"len(.prompt) / 4 + .max_tokens", 252, 2},
        {"len(.prompt)", 5, 1},
        {"len(.list)", 9, 1},
        {"len(.max_tokens)", 3, 1},
        {"len(.no)", 0, 0},
        {"len(.absent)", 0, 0},
        {"1 + 2 * 3", 7, 0},
        {"(1 + 2) * 3", 9, 0},
        {"10 - 2 - 3", 5, 0},
        {"100 / 10 / 5", 2, 0},
        {"2 * -3 + 10", 4, 0},
        {"-1", 0, 0},
        {"--1", 0, 0}, /* refused below */
        {"0 - 5 + .max_tokens", 245, 1},
        {"min(3, 2, 9)", 2, 0},
        {"max(3, min(7, .max_tokens), 5)", 7, 1},
        {"max(.absent, 64)", 64, 0},
        {".n + .on + .off", 8, 3},
        {".no + .text + .list", 0, 2},
        {".a-b.\"odd key\" + 26", 1, 1},
        {".list[1] + .list[2][0]", 5, 2},
        {".small", 1, 1},
        {".big", COST_MAX, 1},
        {".huge * .huge", COST_MAX, 2},
        {"0 - .big", 0, 1},
        {"1 / 0", COST_MAX, 0},
        {"0 / 0", 0, 0},
        {".big / .big * 3", 3, 2},
        {"bytes", sizeof BODY - 1, 0},
        {"column(\"tokens\") * 2", 25, 1},
        {"len(column(\"tokens\"))", 4, 1},
        {"column(\"none\")", 0, 0},
        {"  .max_tokens\t+1 ", 251, 1},
    };
    static struct cost cost;
    size_t column;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint32_t found;
        const char *fault = cost_read(&cost, rows[i].text, &column);
        if (strncmp(rows[i].text, "--", 2) == 0) {
            assert_non_null(fault);
            continue;
        }
        if (fault)
            fail_msg("%s: column %zu: %s", rows[i].text, column, fault);
        uint64_t got =
            cost_of(&cost, (struct ringsend_bytes){BODY, sizeof BODY - 1}, field, NULL, &found);
        if (got != rows[i].cost || found != rows[i].found)
            fail_msg("%s: %llu of %u", rows[i].text, (unsigned long long)got, found);
    }
}

static void bodies_of_any_kind(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "", "x", "{", "[1]", "{\"a\":", "{\"a\":\"", "{\"a\":1e", "{\"a\":-}", "null", "\"a\""};
    static struct cost cost;
    size_t column;
    uint32_t found;
    struct guard guard;
    guard_open(&guard, 4096);
    assert_null(cost_read(&cost, ".a + len(.a) + column(\"a\")", &column));
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        size_t bytes = strlen(bodies[i]);
        struct ringsend_bytes body = {guard_put(&guard, bodies[i], bytes), bytes};
        assert_int_equal(cost_of(&cost, body, NULL, NULL, &found), 0);
        assert_int_equal(found, 0);
    }
    guard_close(&guard);
    assert_string_equal(cost_column(&cost, 0), "a");
    assert_null(cost_column(&cost, 1));
}

static void mistakes(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t column;
        const char *fault;
    } rows[] = {
        {"", 1, "expected a number"},
        {"  ", 3, "expected a number"},
        {"1 +", 4, "expected a number"},
        {"1 2", 3, "or the end"},
        {"(1", 3, "expected )"},
        {"1)", 2, "or the end"},
        {"1.", 2, "12 or 0.25"},
        {"1e3", 2, "12 or 0.25"},
        {"1.2.3", 4, "12 or 0.25"},
        {"tokens", 1, "expected a number"},
        {".", 2, "a key"},
        {".a..b", 4, "a key"},
        {".a[x]", 4, "number or"},
        {"len(3)", 5, "expected a path"},
        {"len .a", 5, "expected ("},
        {"lenx(.a)", 1, "expected a number"},
        {"min(1)", 7, "two values"},
        {"min(1, 2", 9, ", or )"},
        {"column(a)", 8, "in quotes"},
        {"column(\"\")", 9, "a name"},
        {"column(\"a", 9, "a name"},
        {"1 % 2", 3, "or the end"},
        {"((((((((((((((((((1", 17, "16 deep"},
        {".a+.b+.c+.d+.e+.f+.g+.h+.i", 25, "more than 8"},
    };
    static struct cost cost;
    size_t column;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *fault = cost_read(&cost, rows[i].text, &column);
        if (!fault || !strstr(fault, rows[i].fault) || column != rows[i].column)
            fail_msg("%s: column %zu: %s", rows[i].text, column, fault ? fault : "none");
    }
    char text[COST_BYTES_MAX + 2];
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = i % 2 ? '+' : '1';
    text[COST_BYTES_MAX + 1] = '\0';
    assert_non_null(strstr(cost_read(&cost, text, &column), "1024 bytes"));
    text[COST_BYTES_MAX - 1] = '\0';
    assert_non_null(strstr(cost_read(&cost, text, &column), "64 parts"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_comes_out),
        cmocka_unit_test(bodies_of_any_kind),
        cmocka_unit_test(mistakes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
