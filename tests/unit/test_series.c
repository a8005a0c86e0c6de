/* The series: seconds out of the parts of several threads. */
#include "bench/series.h"

#include "base/span.h"
#include "bench/hdr.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void hand_in_part(struct series *s, bool is_whole, uint64_t second, uint64_t requests,
                         uint64_t response_ns)
{
    struct series_part part;
    assert_true(series_part_init(&part, is_whole));
    part.counts.requests = requests;
    part.counts.connections = 3;
    for (uint64_t i = 0; i < requests; i++)
        histogram_add(&part.response_ns, response_ns);
    series_hand_in(s, second, &part);
    assert_int_equal(part.counts.requests, 0);
    assert_int_equal(part.response_ns.count, 0);
    assert_int_equal(histogram_quantile(&part.response_ns, 1), 0);
    series_part_free(&part);
}

static void hand_in(struct series *s, uint64_t second, uint64_t requests, uint64_t response_ns)
{
    hand_in_part(s, false, second, requests, response_ns);
}

static struct figures publish(struct series *s)
{
    struct figures f;
    assert_true(figures_init(&f));
    series_publish(s, &f);
    series_free(s);
    return f;
}

static void a_second_is_over_when_all_threads_say_so(void **state)
{
    (void)state;
    struct series *s = series_new(2, false);
    struct figures_second entry;
    hand_in(s, 0, 99, 100);
    hand_in(s, 0, 1, 1000);
    assert_true(series_wait(s, 0, &entry));
    assert_int_equal(entry.requests, 100);
    assert_int_equal(entry.connections, 6);
    assert_int_equal(entry.p50_ns, 100);
    assert_int_equal(entry.p99_ns, 100);
    assert_int_equal(entry.max_ns, 1000);
    hand_in(s, 1, 5, 10);
    series_leave(s, 1); /* the other thread will not see second 1 */
    assert_true(series_wait(s, 1, &entry));
    assert_int_equal(entry.requests, 5);
    series_leave(s, 2);
    assert_false(series_wait(s, 2, &entry));
    struct figures f = publish(s);
    assert_int_equal(f.series_count, 2);
    figures_free(&f);
}

/* Of the last second, too: one that is done earlier does not close it for the other. */
static void a_thread_that_leaves_does_not_close_a_second_for_others(void **state)
{
    (void)state;
    struct series *s = series_new(2, false);
    hand_in(s, 0, 10, 50);
    series_leave(s, 1);
    hand_in(s, 0, 10, 90);
    series_leave(s, 1);
    struct figures f = publish(s);
    assert_int_equal(f.series_count, 1);
    assert_int_equal(f.series[0].requests, 20);
    assert_int_equal(f.series[0].max_ns, 90);
    figures_free(&f);
}

static void a_late_thread_holds_nobody_up_and_loses_no_count(void **state)
{
    (void)state;
    struct series *s = series_new(2, false);
    struct figures_second entry;
    for (uint64_t i = 0; i < 20; i++)
        hand_in(s, i, 10, 50);
    assert_true(series_wait(s, 20 - SERIES_OPEN - 1, &entry));
    for (uint64_t i = 0; i < 20; i++)
        hand_in(s, i, 1, 70);
    series_leave(s, 20);
    series_leave(s, 20);
    struct figures f = publish(s);
    assert_int_equal(f.series_count, 20);
    for (uint64_t i = 0; i < 20; i++)
        assert_int_equal(f.series[i].requests, 11);
    assert_int_equal(f.series[0].max_ns, 50);
    assert_int_equal(f.series[19].max_ns, 70);
    figures_free(&f);
}

static void empty_seconds_count_too(void **state)
{
    (void)state;
    struct series *s = series_new(1, false);
    for (uint64_t i = 0; i < 3; i++)
        hand_in(s, i, 0, 0);
    series_leave(s, 3);
    struct figures f = publish(s);
    assert_int_equal(f.series_count, 3);
    assert_int_equal(f.series[1].p99_ns, 0);
    figures_free(&f);
}

/* What all seconds' texts hold, added up. */
static void sum_of_texts(struct series *s, struct histogram *sum)
{
    struct figures_second entry;
    assert_true(histogram_init(sum, HDR_PRECISION));
    for (uint64_t i = 0; series_wait(s, i, &entry); i++) {
        assert_non_null(entry.times);
        assert_null(hdr_decode(span_of(entry.times), sum));
    }
}

static void a_whole_series_keeps_each_seconds_times(void **state)
{
    (void)state;
    struct series *s = series_new(2, true);
    struct figures_second entry;
    struct histogram second, sum;
    hand_in_part(s, true, 0, 3, 123456);
    hand_in_part(s, true, 0, 4, 123400);
    assert_true(series_wait(s, 0, &entry));
    assert_true(histogram_init(&second, HDR_PRECISION));
    assert_null(hdr_decode(span_of(entry.times), &second));
    assert_int_equal(second.count, 7);
    /* Exact to three digits, not as the percentiles of a second that is for the eye. */
    assert_in_range(entry.p50_ns, 123400, 123400 + 123400 / 1024);
    assert_in_range(histogram_quantile(&second, 0.5), 123400, 123400 + 123400 / 1024);
    histogram_free(&second);
    for (uint64_t i = 1; i < 20; i++)
        hand_in_part(s, true, i, 1, 1000 + i);
    series_leave(s, 20);
    for (uint64_t i = 1; i < 20; i++) /* the other one was asleep */
        hand_in_part(s, true, i, 2, 5000 + i);
    series_leave(s, 20);
    sum_of_texts(s, &sum);
    assert_int_equal(sum.count, 7 + 19 * 3);
    histogram_free(&sum);
    struct figures f = publish(s);
    assert_false(f.series_truncated);
    assert_non_null(f.series[0].times);
    figures_free(&f);
}

/* Whoever looks on has the times of all seconds that it took in time, and nobody adds them up
 * for it. */
static void the_times_so_far_are_those_that_were_taken(void **state)
{
    (void)state;
    for (int is_whole = 0; is_whole <= 1; is_whole++) {
        struct series *s = series_new(1, is_whole);
        struct figures_second entry;
        uint64_t second = 0, all = 0;
        for (; second < 3 * SERIES_OPEN; second++) {
            hand_in_part(s, is_whole, second, 1 + second, 1000 * (1 + second));
            assert_true(series_wait(s, second, &entry));
            all += 1 + second;
            assert_int_equal(series_so_far(s)->count, all);
            assert_int_equal(series_so_far(s)->max, 1000 * (1 + second));
        }
        for (uint64_t i = second; i < second + SERIES_OPEN + 2; i++) /* it stood still meanwhile */
            hand_in_part(s, is_whole, i, 1, 10);
        for (uint64_t i = second; i < second + SERIES_OPEN + 2; i++)
            assert_true(series_wait(s, i, &entry));
        assert_int_equal(series_so_far(s)->count, all + SERIES_OPEN + (is_whole ? 2 : 0));
        assert_int_equal(series_so_far(s)->min, 10);
        series_leave(s, second + SERIES_OPEN + 2);
        struct figures f = publish(s);
        figures_free(&f);
    }
}

/* Nobody waits for the seconds: what is held goes with the series. */
static void a_whole_series_nobody_reads_is_freed(void **state)
{
    (void)state;
    struct series *s = series_new(1, true);
    for (uint64_t i = 0; i < 100; i++)
        hand_in_part(s, true, i, 1, i);
    series_leave(s, 100);
    struct figures f = publish(s);
    assert_int_equal(f.series_count, 100);
    assert_null(f.series[0].times);
    figures_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_second_is_over_when_all_threads_say_so),
        cmocka_unit_test(a_thread_that_leaves_does_not_close_a_second_for_others),
        cmocka_unit_test(a_late_thread_holds_nobody_up_and_loses_no_count),
        cmocka_unit_test(empty_seconds_count_too),
        cmocka_unit_test(a_whole_series_keeps_each_seconds_times),
        cmocka_unit_test(the_times_so_far_are_those_that_were_taken),
        cmocka_unit_test(a_whole_series_nobody_reads_is_freed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
