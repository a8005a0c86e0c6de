/* Figures: what is merged over threads, and the series. */
#include "bench/figures.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void adds_threads_up(void **state)
{
    (void)state;
    struct figures all, one;
    assert_true(figures_init(&all) && figures_init(&one));
    one.started = 5;
    one.requests = 4;
    one.in_time = 3;
    one.late_waits = 2;
    one.errors_count = one.timed_out = 1;
    one.errors[RINGSEND_E_TIMEOUT_ATTEMPT] = 1;
    one.statuses[200] = 3;
    one.statuses[599] = 1;
    one.never_started_wait_ns = 7;
    one.cancelled = 3;
    one.rests = 2;
    one.rest_max_ns = 9;
    histogram_add(&one.response_bounds_ns, 5);
    one.tcp.absent = "why";
    for (uint64_t value = 1; value <= 4; value++) {
        histogram_add(&one.response_ns, value * 1000);
        histogram_add(&one.split.receiving_ns, value);
    }
    figures_merge(&all, &one);
    one.never_started_wait_ns = 3;
    figures_merge(&all, &one);
    assert_int_equal(all.started, 10);
    assert_int_equal(all.requests, 8);
    assert_int_equal(all.timed_out, 2);
    assert_int_equal(all.cancelled, 6);
    assert_int_equal(all.rests, 4);
    assert_int_equal(all.rest_max_ns, 9);
    assert_int_equal(all.response_bounds_ns.count, 2);
    assert_int_equal(all.errors[RINGSEND_E_TIMEOUT_ATTEMPT], 2);
    assert_int_equal(all.statuses[200], 6);
    assert_int_equal(all.statuses[599], 2);
    assert_int_equal(all.never_started_wait_ns, 7);
    assert_string_equal(all.tcp.absent, "why");
    assert_int_equal(all.response_ns.count, 8);
    assert_int_equal(all.response_ns.max, 4000);
    assert_int_equal(all.split.receiving_ns.count, 8);
    assert_int_equal(all.service_ns.count, 0);
    figures_free(&one);
    figures_free(&all);
}

static void keeps_every_second(void **state)
{
    (void)state;
    struct figures f;
    assert_true(figures_init(&f));
    for (uint64_t i = 0; i < 1000; i++)
        assert_true(figures_add_second(&f, &(struct figures_second){.requests = i}));
    assert_int_equal(f.series_count, 1000);
    for (uint64_t i = 0; i < 1000; i++)
        assert_int_equal(f.series[i].requests, i);
    figures_free(&f);
    assert_null(f.series);
}

/* 100 values of 1 ms to 100 ms, the last ten of them lower bounds. */
static void percentiles_that_may_be_higher_are_known(void **state)
{
    (void)state;
    struct histogram all, bounds;
    assert_true(histogram_init(&all, 10) && histogram_init(&bounds, 10));
    for (uint64_t i = 1; i <= 100; i++)
        histogram_add(&all, i * 1000000);
    assert_false(figures_is_bound(&all, &bounds, 1));
    for (uint64_t i = 91; i <= 100; i++)
        histogram_add(&bounds, i * 1000000);
    assert_false(figures_is_bound(&all, &bounds, 0.5));
    assert_false(figures_is_bound(&all, &bounds, 0.9));
    assert_true(figures_is_bound(&all, &bounds, 0.91));
    assert_true(figures_is_bound(&all, &bounds, 1));
    histogram_add(&all, 1); /* that one may belong anywhere */
    histogram_add(&bounds, 1);
    assert_true(figures_is_bound(&all, &bounds, 0.5));
    assert_true(figures_is_bound(&all, &bounds, 0.9));
    histogram_add_many(&all, 50000000, 1000); /* next to what is at 50 ms it makes no difference */
    assert_false(figures_is_bound(&all, &bounds, 0.5));
    histogram_free(&all);
    histogram_free(&bounds);
}

static void rate_is_of_the_measured_part(void **state)
{
    (void)state;
    struct figures f = {.requests = 800, .in_time = 500};
    assert_true(figures_rate(&f) == 0);
    f.elapsed_ns = 250000000;
    assert_true(figures_rate(&f) == 2000);
}

static void a_server_is_swamped_when_answers_come_late(void **state)
{
    (void)state;
    struct figures f = {.settings.open_loop = true, .requests = 1000, .in_time = 990};
    assert_false(figures_is_swamped(&f));
    f.in_time = 989;
    assert_true(figures_is_swamped(&f));
    f.in_time = 1100;
    assert_false(figures_is_swamped(&f));
    f.in_time = 0;
    f.settings.open_loop = false;
    assert_false(figures_is_swamped(&f));
}

static uint64_t heat_count(const struct heat *heat)
{
    uint64_t count = 0;
    for (size_t i = 0; i < HEAT_COLUMNS; i++)
        count += i < heat->columns || heat->all[i].count == 0 ? heat->all[i].count : 1000000;
    return count;
}

/* A day in columns: none is lost, and each is where its time is. */
static void columns_of_time_are_merged_and_hold_all(void **state)
{
    (void)state;
    struct heat day, start;
    assert_true(heat_init(&day) && heat_init(&start));
    for (uint64_t second = 0; second < 86400; second++) {
        heat_add(&day, second * 1000000000, second);
        assert_in_range(day.columns, 1, HEAT_COLUMNS);
        if (second == 29)
            assert_int_equal(day.column_ns, 100000000);
        else if (second == 59)
            assert_int_equal(day.column_ns, 200000000);
        else if (second == 299)
            assert_int_equal(day.column_ns, 1000000000);
    }
    assert_int_equal(day.column_ns, 1000000000000);
    assert_int_equal(day.columns, 87);
    assert_int_equal(heat_count(&day), 86400);
    assert_int_equal(day.all[3].count, 1000);
    assert_int_equal(day.all[3].min, 3000);
    heat_add(&start, 5, 1);
    heat_add(&start, 1000000000, 2);
    heat_merge(&start, &day);
    heat_merge(&day, &start);
    assert_int_equal(start.columns, 87);
    assert_int_equal(start.all[0].count, 1002);
    assert_int_equal(heat_count(&day), 2 * 86400 + 2);
    heat_free(&start);
    heat_free(&day);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(percentiles_that_may_be_higher_are_known),
        cmocka_unit_test(adds_threads_up),
        cmocka_unit_test(keeps_every_second),
        cmocka_unit_test(rate_is_of_the_measured_part),
        cmocka_unit_test(columns_of_time_are_merged_and_hold_all),
        cmocka_unit_test(a_server_is_swamped_when_answers_come_late),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
