/* The series: seconds out of the parts of several threads. */
#include "bench/series.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void hand_in(struct series *s, uint64_t second, uint64_t requests, uint64_t response_ns)
{
    struct series_part part;
    assert_true(series_part_init(&part));
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
    struct series *s = series_new(2);
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
    series_leave(s); /* the other thread will not see second 1 */
    assert_true(series_wait(s, 1, &entry));
    assert_int_equal(entry.requests, 5);
    series_leave(s);
    assert_false(series_wait(s, 2, &entry));
    struct figures f = publish(s);
    assert_int_equal(f.series_count, 2);
    figures_free(&f);
}

static void a_late_thread_holds_nobody_up_and_loses_no_count(void **state)
{
    (void)state;
    struct series *s = series_new(2);
    struct figures_second entry;
    for (uint64_t i = 0; i < 20; i++)
        hand_in(s, i, 10, 50);
    assert_true(series_wait(s, 20 - SERIES_OPEN - 1, &entry));
    for (uint64_t i = 0; i < 20; i++)
        hand_in(s, i, 1, 70);
    series_leave(s);
    series_leave(s);
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
    struct series *s = series_new(1);
    for (uint64_t i = 0; i < 3; i++)
        hand_in(s, i, 0, 0);
    series_leave(s);
    struct figures f = publish(s);
    assert_int_equal(f.series_count, 3);
    assert_int_equal(f.series[1].p99_ns, 0);
    figures_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_second_is_over_when_all_threads_say_so),
        cmocka_unit_test(a_late_thread_holds_nobody_up_and_loses_no_count),
        cmocka_unit_test(empty_seconds_count_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
