/* The heap of deadlines: timers fire in the order of their times, each once, whatever was moved,
 * cleared or removed meanwhile. The last test compares it with a plain array, which is too slow for
 * an engine and too simple to be wrong. */
#include "base/timers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void nothing_set_nothing_fires(void **state)
{
    (void)state;
    struct timers t;
    assert_true(timers_init(&t, 1));
    assert_true(timers_next_ns(&t) == TIMER_NEVER);
    assert_null(timers_expire(&t, TIMER_NEVER - 1));
    timers_free(&t);
}

static void fires_at_its_time_and_once(void **state)
{
    (void)state;
    struct timers t;
    struct timer a;
    assert_true(timers_init(&t, 1));
    timer_init(&a);
    assert_false(timer_is_set(&a));
    timer_set(&t, &a, 100);
    assert_true(timer_is_set(&a));
    assert_int_equal(timers_next_ns(&t), 100);
    assert_null(timers_expire(&t, 99));
    assert_ptr_equal(timers_expire(&t, 100), &a);
    assert_false(timer_is_set(&a));
    assert_null(timers_expire(&t, 1000));
    timers_free(&t);
}

static void fires_in_order(void **state)
{
    (void)state;
    static const uint64_t times[] = {50, 10, 90, 30, 70, 20, 80, 40, 60};
    enum { COUNT = sizeof times / sizeof *times };
    struct timers t;
    struct timer all[COUNT];
    assert_true(timers_init(&t, COUNT));
    for (size_t i = 0; i < COUNT; i++) {
        timer_init(&all[i]);
        timer_set(&t, &all[i], times[i]);
    }
    for (uint64_t now = 10; now <= 90; now += 10) {
        assert_int_equal(timers_next_ns(&t), now);
        const struct timer *fired = timers_expire(&t, 1000);
        assert_non_null(fired);
        assert_int_equal(times[fired - all], now);
    }
    assert_null(timers_expire(&t, 1000));
    timers_free(&t);
}

static void moved_timers_fire_at_their_last_time(void **state)
{
    (void)state;
    struct timers t;
    struct timer later, sooner, still;
    assert_true(timers_init(&t, 3));
    timer_init(&later);
    timer_init(&sooner);
    timer_init(&still);
    timer_set(&t, &later, 10);
    timer_set(&t, &sooner, 50);
    timer_set(&t, &still, 30);
    timer_set(&t, &later, 40);
    timer_set(&t, &sooner, 20);
    assert_int_equal(timers_next_ns(&t), 20);
    assert_ptr_equal(timers_expire(&t, 100), &sooner);
    assert_ptr_equal(timers_expire(&t, 100), &still);
    assert_ptr_equal(timers_expire(&t, 100), &later);
    assert_null(timers_expire(&t, 100));
    timers_free(&t);
}

static void cleared_and_removed_timers_do_not_fire(void **state)
{
    (void)state;
    struct timers t;
    struct timer cleared, removed, again;
    assert_true(timers_init(&t, 3));
    timer_init(&cleared);
    timer_init(&removed);
    timer_init(&again);
    timer_set(&t, &cleared, 1);
    timer_set(&t, &removed, 2);
    timer_set(&t, &again, 3);
    timer_clear(&cleared);
    timer_remove(&t, &removed);
    timer_clear(&again);
    timer_set(&t, &again, 5);
    assert_int_equal(removed.place, 0);
    assert_ptr_equal(timers_expire(&t, 100), &again);
    assert_null(timers_expire(&t, 100));
    assert_true(timers_next_ns(&t) == TIMER_NEVER);
    timer_remove(&t, &cleared); /* harmless though long out of the heap */
    timers_free(&t);
}

/* The heap's shape, as the top of timers.c promises it. */
static void check_heap(const struct timers *t)
{
    for (uint32_t i = 0; i < t->count; i++) {
        assert_int_equal(t->heap[i]->place, i + 1);
        assert_true(t->heap[i]->queued_ns <= t->heap[i]->at_ns);
        if (i > 0)
            assert_true(t->heap[(i - 1) / 2]->queued_ns <= t->heap[i]->queued_ns);
    }
}

static uint64_t nearest(const struct timer *all, size_t count)
{
    uint64_t at_ns = TIMER_NEVER;
    for (size_t i = 0; i < count; i++)
        at_ns = all[i].at_ns < at_ns ? all[i].at_ns : at_ns;
    return at_ns;
}

static uint64_t step(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return *seed >> 33;
}

static void agrees_with_a_plain_array(void **state)
{
    (void)state;
    enum { COUNT = 100 };
    struct timers t;
    struct timer all[COUNT];
    uint64_t seed = 1, now = 0;
    assert_true(timers_init(&t, COUNT));
    for (size_t i = 0; i < COUNT; i++)
        timer_init(&all[i]);
    for (int turn = 0; turn < 20000; turn++) {
        struct timer *timer = &all[step(&seed) % COUNT];
        uint64_t choice = step(&seed) % 10;
        if (choice < 6)
            timer_set(&t, timer, now + 1 + step(&seed) % 1000);
        else if (choice == 6)
            timer_clear(timer);
        else if (choice == 7)
            timer_remove(&t, timer);
        else
            now += step(&seed) % 100;
        check_heap(&t);
        assert_true(timers_next_ns(&t) == nearest(all, COUNT));
        for (uint64_t due; (due = nearest(all, COUNT)) <= now;) {
            struct timer copy[COUNT];
            for (size_t i = 0; i < COUNT; i++)
                copy[i] = all[i];
            const struct timer *fired = timers_expire(&t, now);
            assert_non_null(fired);
            assert_true(copy[fired - all].at_ns == due);
        }
        assert_null(timers_expire(&t, now));
    }
    timers_free(&t);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_set_nothing_fires),
        cmocka_unit_test(fires_at_its_time_and_once),
        cmocka_unit_test(fires_in_order),
        cmocka_unit_test(moved_timers_fire_at_their_last_time),
        cmocka_unit_test(cleared_and_removed_timers_do_not_fire),
        cmocka_unit_test(agrees_with_a_plain_array),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
