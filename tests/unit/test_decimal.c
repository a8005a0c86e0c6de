/* Exact comparison of JSON numbers: a row holds two and how they compare, and is also read the
 * other way round and with both signs turned. */
#include "base/decimal.h"
#include "guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

struct row {
    const char *a, *b;
    int order;
};

static const struct row rows[] = {
    {"0", "0", 0},
    {"0", "0.000", 0},
    {"0", "0e99", 0},
    {"1", "1.0", 0},
    {"1", "10e-1", 0},
    {"100", "1E+2", 0},
    {"0.1", "0.10", 0},
    {"0.001", "1e-3", 0},
    {"1200", "1.2e3", 0},
    {"0.05", "0.5e-1", 0},
    {"10.5", "105e-1", 0},
    {"1", "2", -1},
    {"9", "10", -1},
    {"99", "100", -1},
    {"0", "0.0001", -1},
    {"0.9999", "1", -1},
    {"1.1", "1.11", -1},
    {"12", "12.000000000000000000000000001", -1},
    {"9007199254740992", "9007199254740993", -1},
    {"18446744073709551615", "18446744073709551616", -1},
    {"1e400", "1e401", -1},
    {"1e-401", "1e-400", -1},
    {"99e999999999999999999999", "99e999999999999999999999", 0},
    {"1", "1e999999999999999999999", -1},
    {"1e-999999999999999999999", "1", -1},
    {"0", "1e-999999999999999999999", -1},
};

static int sign(int n)
{
    return (n > 0) - (n < 0);
}

static int compare(const char *a, const char *b)
{
    static struct guard left, right;
    if (!left.base) {
        guard_open(&left, 100);
        guard_open(&right, 100);
    }
    struct ringsend_bytes x = {guard_put(&left, a, strlen(a)), strlen(a)};
    struct ringsend_bytes y = {guard_put(&right, b, strlen(b)), strlen(b)};
    assert_true(decimal_is_valid(x));
    assert_true(decimal_is_valid(y));
    return sign(decimal_compare(x, y));
}

static void compares(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char a[80], b[80];
        snprintf(a, sizeof a, "-%s", rows[i].a);
        snprintf(b, sizeof b, "-%s", rows[i].b);
        if (compare(rows[i].a, rows[i].b) != rows[i].order ||
            compare(rows[i].b, rows[i].a) != -rows[i].order || compare(a, b) != -rows[i].order ||
            compare(b, a) != rows[i].order)
            fail_msg("%s and %s", rows[i].a, rows[i].b);
    }
    assert_int_equal(compare("-1", "0"), -1);
    assert_int_equal(compare("-0", "0"), 0);
    assert_int_equal(compare("-5", "3"), -1);
}

/* Whatever a double can tell apart. */
static void agrees_with_doubles(void **state)
{
    (void)state;
    uint64_t random = 1;
    for (int i = 0; i < 100000; i++) {
        char a[64], b[64];
        double value[2];
        for (int k = 0; k < 2; k++) {
            random = random * 6364136223846793005u + 1442695040888963407u;
            int64_t digits = (int64_t)(random >> 33) % 2000 - 1000;
            value[k] = (double)digits / 64;
            snprintf(k ? b : a, sizeof a, random >> 62 & 1 ? "%.6f" : "%.7e", value[k]);
        }
        if (compare(a, b) != (value[0] > value[1]) - (value[0] < value[1]))
            fail_msg("%s and %s", a, b);
    }
}

static void knows_numbers(void **state)
{
    (void)state;
    static const char *const bad[] = {"",   " 1",  "1 ", "01",  "+1", "1.",
                                      ".5", "0x1", "1e", "--1", "5s"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (decimal_is_valid(span_of(bad[i])))
            fail_msg("\"%s\" is no number", bad[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compares),
        cmocka_unit_test(agrees_with_doubles),
        cmocka_unit_test(knows_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
