/* Option values: what is taken, and that everything else ends the program with the usage status. A
 * refusal exits, so each one runs in a child whose stderr is read. */
#include "base/span.h"
#include "cli/options/values.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum kind { COUNT, DURATION, BYTES, SHARE, RATE };

static const uint64_t min = 1000000, max = 86400000000000; /* 1ms and 24h as durations */
enum { RATE_MAX = 10 * 1000 * 1000 };

static void read_value(enum kind kind, const char *text)
{
    switch (kind) {
    case COUNT:
        value_count("send", "--tries", text, 1, 100);
        return;
    case DURATION:
        value_duration_ns("send", "--timeout", text, min, max);
        return;
    case BYTES:
        value_bytes("send", "--max-body", text, 1, 1 << 30);
        return;
    case SHARE:
        value_share("serve", "--reset", text);
        return;
    case RATE:
        value_rate("bench", "--rate", span_of(text), RATE_MAX);
        return;
    }
}

static void assert_refused(enum kind kind, const char *text, const char *says)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        read_value(kind, text);
        _exit(99);
    }
    close(ends[1]);
    char message[1024];
    size_t bytes = 0;
    ssize_t got;
    while ((got = read(ends[0], message + bytes, sizeof message - 1 - bytes)) > 0)
        bytes += (size_t)got;
    message[bytes] = '\0';
    close(ends[0]);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != EXIT_USAGE)
        fail_msg("\"%s\" was not refused", text);
    if (!strstr(message, says) || !strstr(message, text) || !strstr(message, "--help"))
        fail_msg("\"%s\": %s", text, message);
}

static void counts(void **state)
{
    (void)state;
    assert_int_equal(value_count("c", "-o", "1", 1, 100), 1);
    assert_int_equal(value_count("c", "-o", "100", 1, 100), 100);
    assert_int_equal(value_count("c", "-o", "007", 1, 100), 7);
    assert_true(value_count("c", "-o", "18446744073709551615", 0, UINT64_MAX) == UINT64_MAX);
    static const char *const bad[] = {"",   "0",   "101", "-1",  "+1",   " 1",
                                      "1 ", "1.0", "1e1", "0x1", "four", "18446744073709551617"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_refused(COUNT, bad[i], "--tries must be a whole number from 1 to 100");
}

static void durations(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t ns;
    } good[] = {
        {"1", 1000000000},         {"0.25", 250000000},     {"250ms", 250000000},
        {"2s", 2000000000},        {"1.5s", 1500000000},    {"1.5m", 90000000000},
        {"1h", 3600000000000},     {"24h", 86400000000000}, {"5000us", 5000000},
        {"0.3s", 300000000},       {"1000000ns", 1000000},  {"1.0000000009s", 1000000000},
        {"86400", 86400000000000}, {"0.001", 1000000},
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        if (value_duration_ns("c", "-o", good[i].text, min, max) != good[i].ns)
            fail_msg("%s", good[i].text);
    }
    static const char *const bad[] = {"",
                                      "0",
                                      "s",
                                      "ms",
                                      "1.",
                                      ".5",
                                      "1.s",
                                      "-1",
                                      "1 s",
                                      "1S",
                                      "1sec",
                                      "1e3",
                                      "inf",
                                      "1d",
                                      "25h",
                                      "86401",
                                      "1us",
                                      "0.9ms",
                                      "1,5s",
                                      "1.2.3",
                                      "99999999999999999999",
                                      "18446744073709551615h"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_refused(DURATION, bad[i], "--timeout must be a time from 1ms to 24h");
}

static void sizes(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t bytes;
    } good[] = {{"1", 1},           {"4096", 4096},      {"64k", 64 << 10}, {"64K", 64 << 10},
                {"64kB", 64 << 10}, {"64KiB", 64 << 10}, {"16M", 16 << 20}, {"1G", 1 << 30},
                {"1GiB", 1 << 30},  {"512B", 512},       {"1m", 1 << 20}};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        if (value_bytes("c", "-o", good[i].text, 1, 1 << 30) != good[i].bytes)
            fail_msg("%s", good[i].text);
    }
    static const char *const bad[] = {"",     "0",    "k",   "-1",   "1.5M",
                                      "64 k", "1iB",  "2G",  "1T",   "kB",
                                      "1kb",  "1kBB", "1ki", "0x10", "18014398509481985k"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_refused(BYTES, bad[i], "--max-body must be a size from 1 to 1G");
}

static void shares(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double share;
    } good[] = {{"0", 0},    {"1", 1},        {"0.5", 0.5}, {"50%", 0.5},
                {"100%", 1}, {"0.5%", 0.005}, {".25", 0.25}};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_true(value_share("c", "-o", good[i].text) == good[i].share);
    static const char *const bad[] = {"",    "%",   "101%", "2",   "1.1",    "-1%", "nan",
                                      "inf", "5%%", "1e-1", " 5%", "0x1p-2", ".",   "1.2.3"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_refused(SHARE, bad[i], "--reset must be a share from 0% to 100%");
}

static void rates_per_second(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double per_s;
    } good[] = {{"40000/s", 40000}, {"90/m", 1.5}, {"5/5s", 1},        {"0.7", 0.7},
                {"9/ms", 9000},     {"3600/h", 1}, {"1/h", 1 / 3600.0}};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct rate rate = value_rate("c", "-o", span_of(good[i].text), RATE_MAX);
        assert_float_equal(rate_per_s(&rate), good[i].per_s, 1e-12);
    }
    static const char *const bad[] = {"",   "0",   "0.0002/s", "10000001/s",
                                      "5/", "1,2", "1k/s",     "nan"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_refused(RATE, bad[i], "--rate must be a number per time, such as \"50/s\"");
}

static void rates(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint32_t count;
        uint64_t per_ns;
    } good[] = {{"50/s", 50, 1000000000},
                {"100/m", 100, 60000000000},
                {"1/h", 1, 3600000000000},
                {"5/15s", 5, 15000000000},
                {"50/1s", 50, 1000000000},
                {"7", 7, 1000000000},
                {"3/2", 3, 2000000000},
                {"9/ms", 9, 1000000},
                {"1/1.5m", 1, 90000000000},
                {"1000/250ms", 1000, 250000000},
                {"1.5/s", 15, 10000000000},
                {"0.5/m", 5, 600000000000},
                {"2.50", 25, 10000000000},
                {"50.0/s", 50, 1000000000},
                {"0.001", 1, 1000000000000},
                /* brought into bounds, the last one by less than 1 ns of 8.1 s */
                {"5/2h", 1, 1440000000000},
                {"1.5/h", 1, 2400000000000},
                {"2/2h", 1, 3600000000000},
                {"3600000000/h", 1, 1000},
                {"0.123457/s", 1, 8099986231}};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct rate rate = value_rate("c", "-o", span_of(good[i].text), RATE_MAX);
        if (rate.count != good[i].count || rate.per_ns != good[i].per_ns)
            fail_msg("%s: %llu in %llu ns", good[i].text, (unsigned long long)rate.count,
                     (unsigned long long)rate.per_ns);
    }
    static const char *const bad[] = {"",
                                      "/s",
                                      "0/s",
                                      "10000001/s",
                                      "5/",
                                      "5/0s",
                                      "5s",
                                      "1/2h",
                                      "5/s/s",
                                      "1./s",
                                      ".5/s",
                                      "1.5.1/s",
                                      "1e3/s",
                                      "0x10",
                                      "inf",
                                      "0.0/s",
                                      "0.0001/s",
                                      "0.0000000001/s",
                                      "99999999999999999999/s",
                                      "-5/s",
                                      "5 /s",
                                      "5/ s",
                                      "5/fortnights"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_refused(RATE, bad[i], "--rate must be a number per time");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts), cmocka_unit_test(durations), cmocka_unit_test(sizes),
        cmocka_unit_test(shares), cmocka_unit_test(rates),     cmocka_unit_test(rates_per_second),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
