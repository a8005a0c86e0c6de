/* Hints in headers. What of it comes through a response, byte by byte, is in test_response.c. */
#include "http/response_hints.h"

#include "guard.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* Of the clock of the tests: 14 November 2023, 22:13:20 UTC. */
#define NOW_MS INT64_C(1700000000000)

struct row {
    const char *lines;
    int64_t after_ms, reset_ms; /* waits from NOW_MS on, of any status but 429 */
};

/* What each platform documents, or sends. */
static const struct row rows[] = {
    /* RFC 9110 10.2.3, with fractions, offsets and forms of others */
    {"Retry-After: 120", 120000, 0},
    {"retry-after:0", 0, 0},
    {"Retry-After: 1.5", 1500, 0},
    {"Retry-After: 0.0301", 31, 0},
    {"Retry-After: 5s", 5000, 0},
    {"Retry-After: 1m30s", 90000, 0},
    {"Retry-After: Tue, 14 Nov 2023 22:13:27 GMT", 7000, 0},
    {"Retry-After: Tuesday, 14-Nov-23 22:13:27 GMT", 7000, 0},
    {"Retry-After: Tue Nov 14 22:13:27 2023", 7000, 0},
    {"Retry-After: Tue, 14 Nov 2023 22:13:27 +0000", 7000, 0},
    {"Retry-After: Tue, 14 Nov 2023 23:13:27 +0100", 7000, 0},
    {"Retry-After: Tue, 14 Nov 2023 22:13:27 UTC", 7000, 0},
    {"Retry-After: 2023-11-14T22:13:27.250Z", 7250, 0},
    {"Retry-After: Tue, 14 Nov 2023 22:13:11 GMT", -9000, 0},
    {"Retry-After: 99999999999999999999", INT64_C(2147483648000), 0},
    {"Retry-After: -1", 0, 0},
    {"Retry-After: soon", 0, 0},
    {"Retry-After: 1e3", 0, 0},
    {"Retry-After: ", 0, 0},
    /* OpenAI's and Azure's clients take milliseconds before seconds, in either order */
    {"retry-after-ms: 120\r\nretry-after: 1", 120, 0},
    {"retry-after: 1\r\nretry-after-ms: 120", 120, 0},
    {"Retry-After-Ms: 120.5", 121, 0},
    {"x-ms-retry-after-ms: 38", 38, 0},
    {"retry-after-ms: soon\r\nretry-after: 1", 1000, 0},
    {"X-Rate-Limit-Retry-After-Seconds: 3", 3000, 0}, /* Bucket4j */
    {"X-RateLimit-Retry-After-Ms: 3", 0, 0},
    /* draft-ietf-httpapi-ratelimit-headers 03 to 06 */
    {"RateLimit-Limit: 100, 100;w=60\r\nRateLimit-Remaining: 0\r\nRateLimit-Reset: 30", 0, 30000},
    {"RateLimit-Remaining: 1\r\nRateLimit-Reset: 30", 0, 0},
    {"RateLimit-Remaining: 00\r\nRateLimit-Reset: 3", 0, 3000},
    {"RateLimit-Remaining: -0\r\nRateLimit-Reset: 30", 0, 0},
    {"RateLimit-Remaining: \r\nRateLimit-Reset: 30", 0, 0},
    {"RateLimit-Remaining: 0", 0, 0},
    {"RateLimit-Remaining: 0\r\nRateLimit-Reset: ", 0, 0},
    {"RateLimit-Remaining: 0\r\nRateLimit-Reset: .5", 0, 0},
    {"RateLimit-Remaining: 0\r\nRateLimit-Reset: 1.", 0, 0},
    {"RateLimit-Reset: 30", 0, 0},
    /* 07 */
    {"RateLimit: limit=100, remaining=0, reset=50", 0, 50000},
    {"RateLimit: limit=100, remaining=7, reset=50", 0, 0},
    /* 08 to 10 */
    {"RateLimit: \"default\";r=0;t=30", 0, 30000},
    {"RateLimit: default ; r=0 ; t=30", 0, 30000},
    {"RateLimit: \"a\";r=1;t=90, \"b\";r=0;t=20,\"c\";r=0;t=40;pk=:x:,\"d\";t=50;r=0", 0, 50000},
    {"RateLimit: \"a\";r=0;t=5\r\nRateLimit: \"b\";r=0;t=4", 0, 5000},
    {"RateLimit: \"a,b;r=9;t=9\";r=0;t=5", 0, 5000},
    {"RateLimit: \"p\";r=0;t=5;pk=:QQ==:, \"p\";r=8;t=90;pk=:Qg==:", 0, 5000},
    {"RateLimit: \"a\";r=3;t=5", 0, 0},
    {"RateLimit: \"a\";r=0", 0, 0},
    {"RateLimit: \"a\";t=9", 0, 0},
    {"RateLimit: \"a\";r=0;t=-9", 0, 0},
    {"RateLimit: ;;,;=,r=,t=", 0, 0},
    {"RateLimit: \"", 0, 0},
    {"RateLimit-Policy: \"a\";r=0;t=9", 0, 0},
    {"RateLimit-Policy: \"a\";q=10;w=60, \"b\";q=1000;w=3600\r\nRateLimit: \"a\";r=0", 0, 60000},
    {"RateLimit: \"a\";r=0\r\nRateLimit-Policy: \"b\";q=9;w=7,\"a\";q=10;w=60", 0, 60000},
    {"RateLimit-Policy: \"a\";q=10;w=60\r\nRateLimit: \"a\";r=0;t=2", 0, 2000},
    /* GitHub, GitLab, Intercom: a moment in seconds */
    {"X-RateLimit-Limit: 5000\r\nX-RateLimit-Remaining: 0\r\nX-RateLimit-Reset: 1700000042\r\n"
     "X-RateLimit-Used: 5000\r\nX-RateLimit-Resource: core",
     0, 42000},
    {"RateLimit-Remaining: 0\r\nRateLimit-Reset: 1700000060\r\n"
     "RateLimit-ResetTime: Tue, 14 Nov 2023 22:14:20 GMT",
     0, 60000},
    /* Linear, Mailgun: in milliseconds; of each limit */
    {"X-RateLimit-Requests-Remaining: 0\r\nX-RateLimit-Requests-Reset: 1700000007250\r\n"
     "X-RateLimit-Complexity-Remaining: 9\r\nX-RateLimit-Complexity-Reset: 1700003600000",
     0, 7250},
    /* Okta, Twitter */
    {"X-Rate-Limit-Limit: 600\r\nX-Rate-Limit-Remaining: 0\r\nX-Rate-Limit-Reset: 1700000009", 0,
     9000},
    {"x-rate-limit-limit: 900\r\nx-rate-limit-reset: 1700000900\r\nx-rate-limit-remaining: 0", 0,
     900000},
    /* Reddit */
    {"X-Ratelimit-Used: 600\r\nX-Ratelimit-Remaining: 0.0\r\nX-Ratelimit-Reset: 213", 0, 213000},
    {"X-Ratelimit-Remaining: 0.4\r\nX-Ratelimit-Reset: 213", 0, 213000},
    {"X-Ratelimit-Remaining: 1.0\r\nX-Ratelimit-Reset: 213", 0, 0},
    /* Discord */
    {"X-RateLimit-Limit: 5\r\nX-RateLimit-Remaining: 0\r\nX-RateLimit-Reset: 1700000001.470\r\n"
     "X-RateLimit-Reset-After: 1.470\r\nX-RateLimit-Bucket: abcd1234",
     0, 1470},
    {"X-RateLimit-Remaining: 0\r\nX-RateLimit-Reset-After: 1700000000", 0, INT64_C(1700000000000)},
    /* Atlassian, Vimeo: RFC 3339, with or without seconds */
    {"X-RateLimit-Remaining: 0\r\nX-RateLimit-Reset: 2023-11-14T22:14Z", 0, 40000},
    {"X-RateLimit-Remaining: 0\r\nX-RateLimit-Reset: 2023-11-14T23:13:30+01:00", 0, 10000},
    /* Docker Hub: the window behind it */
    {"ratelimit-limit: 100;w=21600\r\nratelimit-remaining: 0;w=21600\r\nratelimit-reset: 9", 0,
     9000},
    /* Kong: of each window, with one reset */
    {"X-RateLimit-Remaining-Minute: 3\r\nRateLimit-Remaining: 0\r\nRateLimit-Reset: 17", 0, 17000},
    /* OpenAI, Azure, Groq: durations, the larger of those used up */
    {"x-ratelimit-remaining-requests: 0\r\nx-ratelimit-remaining-tokens: 149984\r\n"
     "x-ratelimit-reset-requests: 120ms\r\nx-ratelimit-reset-tokens: 6m0s",
     0, 120},
    {"x-ratelimit-limit-requests: 60\r\nx-ratelimit-limit-tokens: 150000\r\n"
     "x-ratelimit-remaining-requests: 0\r\nx-ratelimit-remaining-tokens: 0\r\n"
     "x-ratelimit-reset-requests: 120ms\r\nx-ratelimit-reset-tokens: 6m0s",
     0, 360000},
    {"x-ratelimit-remaining-tokens: 0\r\nx-ratelimit-reset-tokens: 7.66s", 0, 7660},
    {"x-ratelimit-remaining-tokens: 0\r\nx-ratelimit-reset-tokens: 2m59.56s", 0, 179560},
    {"x-ratelimit-remaining-tokens: 0\r\nx-ratelimit-reset-tokens: 1d2h", 0, 93600000},
    {"x-ratelimit-remaining-tokens: 0\r\nx-ratelimit-reset-tokens: 17\xc2\xb5s", 0, 1},
    {"x-ratelimit-remaining-tokens: 0\r\nx-ratelimit-reset-tokens: 6m0", 0, 0},
    {"x-ratelimit-remaining-tokens: 0\r\nx-ratelimit-reset-requests: 1s", 0, 0},
    /* Anthropic */
    {"anthropic-ratelimit-requests-limit: 50\r\nanthropic-ratelimit-requests-remaining: 0\r\n"
     "anthropic-ratelimit-requests-reset: 2023-11-14T22:13:21Z\r\n"
     "anthropic-ratelimit-output-tokens-remaining: 0\r\n"
     "anthropic-ratelimit-output-tokens-reset: 2023-11-14T22:13:23.5Z\r\n"
     "anthropic-ratelimit-input-tokens-remaining: 8000\r\n"
     "anthropic-ratelimit-input-tokens-reset: 2023-11-14T22:19:00Z\r\nretry-after: 2",
     2000, 3500},
    /* nothing of a limit */
    {"X-RateLimit-Reset: 30\r\nX-RateLimit-Remaining: 0", 0, 30000},
    {"X-RateLimit-Remaining: 0\r\nX-RateLimit-Reset: 999999999", 0, INT64_C(999999999000)},
    {"X-RateLimit-Remaining: 0\r\nX-RateLimit-Reset: -1", 0, 0},
    {"X-RateLimit-Remaining: 0\r\nX-RateLimit-Reset: 1600000000", 0, INT64_C(-100000000000)},
    {"Ratelimited-Remaining: 0\r\nRatelimited-Reset: 9", 0, 0},
    {"X-Rate-Remaining: 0\r\nX-Rate-Reset: 9", 0, 0},
    {"X-Rated-Limit-Remaining: 0\r\nX-Rated-Limit-Reset: 9", 0, 0},
    {"X-Retry-After: 5", 0, 0},
    /* more limits than are looked at */
    {"X-RateLimit-Remaining-A: 0\r\nX-RateLimit-Reset-A: 1\r\nX-RateLimit-Remaining-B: 1\r\n"
     "X-RateLimit-Remaining-C: 1\r\nX-RateLimit-Remaining-D: 1\r\nX-RateLimit-Remaining-E: 1\r\n"
     "X-RateLimit-Remaining-F: 1\r\nX-RateLimit-Remaining-G: 0\r\nX-RateLimit-Reset-G: 9",
     0, 1000},
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
            &hints, hint_of((struct ringsend_bytes){lines, name_bytes}),
            (struct ringsend_bytes){guard_put(guard, value, value_bytes), value_bytes});
        lines += line_bytes + (lines[line_bytes] ? 2 : 0);
    }
    return hints;
}

static int64_t wait_ms(struct hint_wait wait)
{
    int64_t until_ms = wait.date_ms ? wait.date_ms - NOW_MS : wait.ms;
    return until_ms > wait.ms || !wait.ms ? until_ms : wait.ms;
}

static void reads_limits(void **state)
{
    (void)state;
    struct guard guard;
    guard_open(&guard, 4096);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct response_hints hints = read_lines(&guard, rows[i].lines);
        struct retry_hint hint = response_hints_retry(&hints, false);
        int64_t after_ms = wait_ms(hint.after), reset_ms = wait_ms(hint.reset);
        if (after_ms != rows[i].after_ms || reset_ms != rows[i].reset_ms)
            fail_msg("%s: %lld %lld", rows[i].lines, (long long)after_ms, (long long)reset_ms);
        assert_int_equal(hint.retry, RETRY_UNSAID);
    }
    guard_close(&guard);
}

/* A 429 says by itself that something is used up: the reset of which nothing is said but when. */
static void a_refusal_makes_a_lone_reset_count(void **state)
{
    (void)state;
    static const struct row limited[] = {
        {"X-RateLimit-Reset: 30", 0, 30000},
        {"X-Sentry-Rate-Limit-Reset: 1700000030", 0, 30000},
        {"Retry-After: 2\r\nX-RateLimit-Reset: 30", 2000, 0},
        {"X-RateLimit-Remaining: 5\r\nX-RateLimit-Reset: 30", 0, 0},
        {"RateLimit: \"a\";r=0;t=4\r\nX-RateLimit-Reset: 30", 0, 4000},
        {"x-ratelimit-remaining-tokens: 0\r\nx-ratelimit-reset-tokens: 1s\r\n"
         "x-ratelimit-reset-requests: 9s",
         0, 1000},
        {"RateLimit-Policy: \"a\";q=9;w=60", 0, 0},
    };
    struct guard guard;
    guard_open(&guard, 4096);
    for (size_t i = 0; i < sizeof limited / sizeof *limited; i++) {
        struct response_hints hints = read_lines(&guard, limited[i].lines);
        struct retry_hint hint = response_hints_retry(&hints, true);
        if (wait_ms(hint.after) != limited[i].after_ms ||
            wait_ms(hint.reset) != limited[i].reset_ms)
            fail_msg("%s: %lld", limited[i].lines, (long long)wait_ms(hint.reset));
    }
    guard_close(&guard);
}

static void reads_whether_to_come_again(void **state)
{
    (void)state;
    static const struct {
        const char *lines;
        enum hint_retry retry;
    } lines[] = {
        {"x-should-retry: true", RETRY_YES},      {"X-Should-Retry: FALSE", RETRY_NO},
        {"Stripe-Should-Retry: true", RETRY_YES}, {"x-should-retry: perhaps", RETRY_UNSAID},
        {"x-should-retry: ", RETRY_UNSAID},
    };
    struct guard guard;
    guard_open(&guard, 4096);
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        struct response_hints hints = read_lines(&guard, lines[i].lines);
        assert_int_equal(response_hints_retry(&hints, false).retry, lines[i].retry);
    }
    guard_close(&guard);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_limits),
        cmocka_unit_test(a_refusal_makes_a_lone_reset_count),
        cmocka_unit_test(reads_whether_to_come_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
