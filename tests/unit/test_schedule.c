/* The schedule: that it keeps its times however long it runs, splits among threads, ramps, and
 * draws Poisson arrivals that are some. */
#include "bench/schedule.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define S 1000000000ull
#define BEGIN (12345 * S)

static struct schedule make(struct schedule_options o)
{
    struct schedule s;
    o.begin_ns = BEGIN;
    o.threads = o.threads ? o.threads : 1;
    schedule_init(&s, &o);
    return s;
}

static void constant_starts_are_evenly_spaced(void **state)
{
    (void)state;
    struct schedule s = make((struct schedule_options){.rate = 1000});
    for (uint64_t i = 0; i < 5000; i++, schedule_advance(&s))
        assert_int_equal(s.at_ns, BEGIN + i * 1000000);
}

/* 3 per second: an interval that no number of nanoseconds is. */
static void constant_starts_do_not_drift(void **state)
{
    (void)state;
    struct schedule s = make((struct schedule_options){.rate = 3});
    for (uint64_t i = 0; i < 3000000; i++)
        schedule_advance(&s);
    assert_int_equal(s.at_ns, BEGIN + 1000000 * S);
}

static void threads_take_turns(void **state)
{
    (void)state;
    struct schedule t[3];
    for (uint32_t i = 0; i < 3; i++)
        t[i] = make((struct schedule_options){.rate = 1000, .thread = i, .threads = 3});
    for (uint64_t i = 0; i < 3000; i++) {
        assert_int_equal(t[i % 3].at_ns, BEGIN + i * 1000000);
        schedule_advance(&t[i % 3]);
    }
}

static void a_ramp_begins_with_nothing_and_ends_at_the_rate(void **state)
{
    (void)state;
    struct schedule s = make((struct schedule_options){.rate = 1000, .ramp_ns = 2 * S});
    uint64_t in_ramp = 0, in_first_half = 0, last_ns = BEGIN;
    for (; s.at_ns < BEGIN + 2 * S; schedule_advance(&s)) {
        assert_true(s.at_ns >= last_ns);
        last_ns = s.at_ns;
        in_ramp++;
        in_first_half += s.at_ns < BEGIN + S;
    }
    /* The areas of the triangles. */
    assert_int_equal(in_ramp, 1000);
    assert_int_equal(in_first_half, 250);
    assert_int_equal(s.at_ns, BEGIN + 2 * S);
    schedule_advance(&s);
    assert_int_equal(s.at_ns, BEGIN + 2 * S + 1000000);
}

static void poisson_intervals_are_exponential(void **state)
{
    (void)state;
    struct schedule s =
        make((struct schedule_options){.rate = 1000, .arrivals = ARRIVALS_POISSON, .seed = 7});
    enum { COUNT = 100000 };
    uint64_t last_ns = BEGIN, longer = 0;
    for (int i = 0; i < COUNT; i++, schedule_advance(&s)) {
        assert_true(s.at_ns >= last_ns);
        longer += s.at_ns - last_ns > 1000000;
        last_ns = s.at_ns;
    }
    /* The mean, within four standard errors (1/sqrt(COUNT) of it); and 1/e of them are longer than
     * it. */
    double mean_ns = (double)(last_ns - BEGIN) / COUNT;
    assert_true(fabs(mean_ns - 1e6) < 4 * 1e6 / sqrt(COUNT));
    double share = (double)longer / COUNT;
    assert_true(fabs(share - exp(-1)) < 4 * sqrt(exp(-1) * (1 - exp(-1)) / COUNT));
}

static void poisson_repeats_by_seed_and_differs_by_thread(void **state)
{
    (void)state;
    struct schedule_options o = {.rate = 10, .arrivals = ARRIVALS_POISSON, .seed = 7};
    struct schedule a = make(o), b = make(o), other = a;
    o.seed = 8;
    struct schedule seed = make(o);
    o = (struct schedule_options){
        .rate = 10, .arrivals = ARRIVALS_POISSON, .seed = 7, .thread = 1, .threads = 2};
    struct schedule thread = make(o);
    uint64_t last_ns = 0;
    for (int i = 0; i < 20000; i++) {
        assert_int_equal(a.at_ns, b.at_ns);
        assert_int_equal(a.at_ns, other.at_ns);
        assert_int_not_equal(a.at_ns, seed.at_ns);
        assert_int_not_equal(a.at_ns, thread.at_ns);
        last_ns = thread.at_ns;
        schedule_advance(&a);
        schedule_advance(&b);
        schedule_advance(&other);
        schedule_advance(&seed);
        schedule_advance(&thread);
    }
    /* One of two threads has half the rate: 20,000 starts take 4,000 s. */
    assert_true(fabs((double)(last_ns - BEGIN) / (4000.0 * S) - 1) < 4 / sqrt(20000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(constant_starts_are_evenly_spaced),
        cmocka_unit_test(constant_starts_do_not_drift),
        cmocka_unit_test(threads_take_turns),
        cmocka_unit_test(a_ramp_begins_with_nothing_and_ends_at_the_rate),
        cmocka_unit_test(poisson_intervals_are_exponential),
        cmocka_unit_test(poisson_repeats_by_seed_and_differs_by_thread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
