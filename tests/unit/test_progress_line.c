/* The line of progress: never wider than there is room, at any width; what is left out, in its
 * order. */
#include "cli/send/progress_line.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define S UINT64_C(1000000000)

static const struct progress_state half = {.done = 500,
                                           .failed = 3,
                                           .retries = 12,
                                           .total = 1000,
                                           .total_is_estimate = true,
                                           .in_flight = 40,
                                           .rate = 123.4,
                                           .elapsed_ns = 61 * S,
                                           .left_ns = 125 * S};

static void expect_bar(const struct progress_state *s, unsigned columns, const char *expected)
{
    char text[400];
    progress_bar(s, columns, false, text, sizeof text);
    if (strcmp(text, expected) != 0)
        fail_msg("%u columns: \"%s\", expected \"%s\"", columns, text, expected);
}

static void leaves_out_by_rank(void **state)
{
    (void)state;
    expect_bar(&half, 100,
               "[=============>            ]   50 %  500/~1000  123/s  40 in flight  12 retries  3 "
               "failed  ETA 2:05");
    expect_bar(&half, 80, " 50 %  500/~1000  123/s  40 in flight  12 retries  3 failed  ETA 2:05");
    expect_bar(&half, 60, " 50 %  500/~1000  123/s  40 in flight  3 failed  ETA 2:05");
    expect_bar(&half, 50, " 50 %  500/~1000  123/s  3 failed  ETA 2:05");
    expect_bar(&half, 40, " 50 %  500/~1000  3 failed  ETA 2:05");
    expect_bar(&half, 30, " 50 %  500/~1000  3 failed");
    expect_bar(&half, 20, " 50 %  500/~1000");
    expect_bar(&half, 12, "500/~1000");
    expect_bar(&half, 5, "");
    expect_bar(&half, 0, "");
}

static void knows_little(void **state)
{
    (void)state;
    const struct progress_state piped = {
        .done = 1, .rate = 0.26, .in_flight = 7, .left_ns = UINT64_MAX};
    expect_bar(&piped, 100, "1 record  0.3/s  7 in flight");
    const struct progress_state paused = {
        .done = 20, .total = 20, .paused = 1, .retries = 1, .left_ns = 0, .stopping = true};
    expect_bar(&paused, 50, "100 %  20/20  0/s  paused  1 retry  stopping");
}

static void never_wider_than_the_terminal(void **state)
{
    (void)state;
    const struct progress_state huge = {.done = UINT64_MAX / 2,
                                        .failed = UINT64_MAX,
                                        .retries = UINT64_MAX,
                                        .total = UINT64_MAX,
                                        .total_is_estimate = true,
                                        .in_flight = UINT32_MAX,
                                        .rate = 1e18,
                                        .left_ns = UINT64_MAX - 1};
    const struct progress_state *const states[] = {&half, &huge};
    for (unsigned columns = 0; columns <= 250; columns++) {
        for (size_t i = 0; i < 2; i++) {
            char plain[400], coloured[400];
            progress_bar(states[i], columns, false, plain, sizeof plain);
            assert_true(strlen(plain) < columns || plain[0] == '\0');
            progress_bar(states[i], columns, true, coloured, sizeof coloured);
            /* Colour changes nothing else. */
            char *red = strstr(coloured, "\x1b[31m");
            if (red)
                memmove(red, red + 5, strlen(red + 5) + 1);
            char *off = strstr(coloured, "\x1b[0m");
            if (off)
                memmove(off, off + 4, strlen(off + 4) + 1);
            assert_string_equal(coloured, plain);
        }
    }
    char small[8];
    progress_bar(&half, 250, true, small, sizeof small);
    assert_true(strlen(small) < sizeof small);
}

static void counts_up_to_the_end(void **state)
{
    (void)state;
    for (uint64_t done = 0; done <= 1000; done++) {
        char text[400];
        struct progress_state s = {.done = done, .total = 1000, .left_ns = UINT64_MAX};
        progress_bar(&s, 80, false, text, sizeof text);
        assert_true((strstr(text, "100 %") != NULL) == (done == 1000));
        assert_true((strchr(text, '>') == NULL) == (done == 1000));
    }
}

static void says_times(void **state)
{
    (void)state;
    static const struct {
        uint64_t left_ns;
        const char *text;
    } rows[] = {{0, "ETA 0:00"},           {7 * S, "ETA 0:07"},         {3599 * S, "ETA 59:59"},
                {3600 * S, "ETA 1:00:00"}, {86399 * S, "ETA 23:59:59"}, {277200 * S, "ETA 3d 5h"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[400];
        struct progress_state s = {.done = 1, .total = 2, .left_ns = rows[i].left_ns};
        progress_bar(&s, 80, false, text, sizeof text);
        assert_non_null(strstr(text, rows[i].text));
    }
}

static void speaks_in_sentences(void **state)
{
    (void)state;
    char text[300];
    progress_sentence(&half, text, sizeof text);
    assert_string_equal(text, "500 of about 1000 records (50 %) in 1:01, 123/s, 40 in flight, "
                              "12 retries, 3 failed, about 2:05 left");
    const struct progress_state piped = {
        .done = 7, .retries = 1, .paused = 1, .left_ns = UINT64_MAX, .stopping = true};
    progress_sentence(&piped, text, sizeof text);
    assert_string_equal(text, "7 records in 0:00, 0/s, 0 in flight, 1 retry, 0 failed, paused as "
                              "the platform asked, stopping");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(leaves_out_by_rank),
        cmocka_unit_test(knows_little),
        cmocka_unit_test(never_wider_than_the_terminal),
        cmocka_unit_test(counts_up_to_the_end),
        cmocka_unit_test(says_times),
        cmocka_unit_test(speaks_in_sentences),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
