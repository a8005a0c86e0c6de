/* Hints in headers. What of it comes through a response, byte by byte, is in test_response.c. */
#include "http/response_hints.h"

#include "guard.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

struct row {
    const char *lines;
    bool used_up, is_date;
    int64_t reset;
};

/* used_up: nothing remains until `reset`. */
static const struct row rows[] = {
    {"RateLimit-Remaining: 0\r\nRateLimit-Reset: 30", true, false, 30},
    {"X-RateLimit-Reset: 30\r\nX-RateLimit-Remaining: 0", true, false, 30},
    {"x-ratelimit-remaining: 0\r\nx-ratelimit-reset: 0.2", true, false, 1},
    {"X-RateLimit-Remaining: 0\r\nX-RateLimit-Reset: 7.0", true, false, 7},
    {"X-RateLimit-Remaining: 0\r\nX-RateLimit-Reset: 999999999", true, false, 999999999},
    {"X-RateLimit-Remaining: 0\r\nX-RateLimit-Reset: 1700000000", true, true, 1700000000},
    {"X-RateLimit-Remaining: 0\r\nX-RateLimit-Reset: 1700000000001", true, true, 1700000001},
    {"RateLimit: \"default\";r=0;t=30", true, false, 30},
    {"RateLimit: default ; r=0 ; t=30", true, false, 30},
    {"RateLimit: \"a\";r=1;t=90, \"b\";r=0;t=20,\"c\";r=0;t=40;pk=:x:,\"d\";t=50;r=0", true, false,
     50},
    {"RateLimit: \"a\";r=0;t=5\r\nRateLimit: \"b\";r=0;t=4", true, false, 5},
    {"RateLimit: \"a\";r=3;t=5", false, false, 0},
    {"RateLimit: \"a\";r=0", false, false, 0},
    {"RateLimit: \"a\";t=9", false, false, 0},
    {"RateLimit: \"a\";r=0;t=-9", false, false, 0},
    {"RateLimit: ;;,;=,r=,t=", false, false, 0},
    {"RateLimit-Policy: \"a\";r=0;t=9", false, false, 0},
    {"RateLimit-Remaining: 1\r\nRateLimit-Reset: 30", false, false, 0},
    {"RateLimit-Remaining: 00\r\nRateLimit-Reset: 3", true, false, 3},
    {"RateLimit-Remaining: -0\r\nRateLimit-Reset: 30", false, false, 0},
    {"RateLimit-Remaining: \r\nRateLimit-Reset: 30", false, false, 0},
    {"RateLimit-Remaining: 0", false, false, 0},
    {"RateLimit-Remaining: 0\r\nRateLimit-Reset: ", false, false, 0},
    {"RateLimit-Remaining: 0\r\nRateLimit-Reset: .5", false, false, 0},
    {"RateLimit-Remaining: 0\r\nRateLimit-Reset: 1.", false, false, 0},
    {"RateLimit-Remaining: 0\r\nRateLimit-Reset: 6m0s", false, false, 0},
    {"RateLimit-Reset: 30", false, false, 0},
};

/* Each value against a guard page. */
static struct response_hints read_lines(struct guard *guard, const char *lines)
{
    struct response_hints hints = {0};
    while (*lines) {
        size_t name_bytes = strcspn(lines, ":"), line_bytes = strcspn(lines, "\r");
        const char *value = lines + name_bytes + 1;
        value += strspn(value, " ");
        size_t value_bytes = (size_t)(lines + line_bytes - value);
        while (value_bytes > 0 && value[value_bytes - 1] == ' ')
            value_bytes--;
        response_hints_read(
            &hints, hint_kind_of((struct ringsend_bytes){lines, name_bytes}),
            (struct ringsend_bytes){guard_put(guard, value, value_bytes), value_bytes});
        lines += line_bytes + (lines[line_bytes] ? 2 : 0);
    }
    return hints;
}

static void reads_rate_limits(void **state)
{
    (void)state;
    struct guard guard;
    guard_open(&guard, 4096);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct response_hints a = read_lines(&guard, rows[i].lines);
        bool used_up = a.used_up && a.has_reset;
        if (used_up != rows[i].used_up ||
            (used_up && (a.reset_s != rows[i].reset || a.reset_is_date != rows[i].is_date)))
            fail_msg("%s: %d %lld", rows[i].lines, used_up, (long long)a.reset_s);
    }
    guard_close(&guard);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(reads_rate_limits)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
