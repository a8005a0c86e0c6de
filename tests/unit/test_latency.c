/* The server's chances: latencies with the two quantiles that were asked for, faults in the
 * shares that were asked for, and both the same again for the same seed. All of it is arithmetic on
 * a fixed seed, so a failure repeats. */
#include "serve/fault.h"
#include "serve/latency.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

enum { DRAWS = 100000 };

static const uint64_t MS = 1000000;

static int compare(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return a < b ? -1 : a > b;
}

static void assert_within(double value, double expected, double tolerance)
{
    if (value < expected * (1 - tolerance) || value > expected * (1 + tolerance))
        fail_msg("%.0f is not within %.0f %% of %.0f", value, tolerance * 100, expected);
}

/* Draws many latencies, sorted. */
static uint64_t *draw_latencies(uint64_t p50_ns, uint64_t p99_ns)
{
    struct fault_plan plan = {.seed = 11};
    latency_init(&plan.latency, p50_ns, p99_ns);
    uint64_t *drawn = malloc(DRAWS * sizeof *drawn);
    assert_non_null(drawn);
    for (uint64_t i = 0; i < DRAWS; i++)
        drawn[i] = fault_draw(&plan, i).delay_ns;
    qsort(drawn, DRAWS, sizeof *drawn, compare);
    return drawn;
}

static void quantiles_are_the_ones_asked_for(void **state)
{
    (void)state;
    uint64_t *drawn = draw_latencies(50 * MS, 400 * MS);
    const size_t median = DRAWS / 2, hundredth = DRAWS / 100;
    assert_within((double)drawn[median], 50e6, 0.02);
    assert_within((double)drawn[99 * hundredth], 400e6, 0.02);
    /* Log-normal: the first percentile lies as far below the median, by ratio, as the 99th above.
     */
    assert_within((double)drawn[hundredth], 6.25e6, 0.03);
    free(drawn);
}

static void a_single_latency_is_kept_exactly(void **state)
{
    (void)state;
    struct latency latency;
    latency_init(&latency, 81600000, 81600000);
    assert_int_equal(latency_ns(&latency, 0, 0), 81600000);
    assert_int_equal(latency_ns(&latency, UINT64_MAX, UINT64_MAX), 81600000);
    latency_init(&latency, 0, 0);
    assert_int_equal(latency_ns(&latency, 1, 2), 0);
}

static void the_longest_latency_is_bounded(void **state)
{
    (void)state;
    struct latency latency;
    latency_init(&latency, LATENCY_NS_MAX / 2, LATENCY_NS_MAX);
    /* The smallest first number makes the largest deviation, here upwards. */
    assert_int_equal(latency_ns(&latency, 0, 0), LATENCY_NS_MAX);
    /* And downwards, half a circle on. */
    assert_true(latency_ns(&latency, 0, (uint64_t)1 << 63) < LATENCY_NS_MAX / 2);
}

static const struct fault_plan troubled = {.seed = 5,
                                           .reset = 0.1,
                                           .close = 0.05,
                                           .stall = 0.02,
                                           .statuses = {{500, 0.2}, {503, 0.03}},
                                           .statuses_count = 2};

static void faults_come_in_their_shares(void **state)
{
    (void)state;
    unsigned kinds[FAULT_STALL + 1] = {0}, statuses[3] = {0};
    for (uint64_t i = 0; i < DRAWS; i++) {
        struct fault fault = fault_draw(&troubled, i);
        kinds[fault.kind]++;
        if (fault.kind == FAULT_ANSWER)
            statuses[fault.status]++;
        else
            assert_int_equal(fault.status, 0);
    }
    assert_within(kinds[FAULT_RESET], 0.1 * DRAWS, 0.05);
    assert_within(kinds[FAULT_CLOSE], 0.05 * DRAWS, 0.05);
    assert_within(kinds[FAULT_STALL], 0.02 * DRAWS, 0.05);
    assert_within(statuses[0], 0.6 * DRAWS, 0.05);
    assert_within(statuses[1], 0.2 * DRAWS, 0.05);
    assert_within(statuses[2], 0.03 * DRAWS, 0.05);
}

static void the_whole_and_nothing_are_exact(void **state)
{
    (void)state;
    const struct fault_plan none = {.seed = 1};
    const struct fault_plan all = {.seed = 1, .statuses = {{404, 1}}, .statuses_count = 1};
    for (uint64_t i = 0; i < DRAWS; i++) {
        struct fault fault = fault_draw(&none, i);
        assert_true(fault.kind == FAULT_ANSWER && fault.status == 0 && fault.delay_ns == 0);
        fault = fault_draw(&all, i);
        assert_true(fault.kind == FAULT_ANSWER && fault.status == 1);
    }
}

static void a_seed_repeats_and_latency_does_not_move_the_faults(void **state)
{
    (void)state;
    struct fault_plan slow = troubled, other = troubled;
    latency_init(&slow.latency, 10 * MS, 90 * MS);
    other.seed++;
    unsigned differences = 0;
    for (uint64_t i = 0; i < 1000; i++) {
        struct fault fault = fault_draw(&troubled, i);
        struct fault same = fault_draw(&slow, i);
        struct fault changed = fault_draw(&other, i);
        assert_true(fault.kind == same.kind && fault.status == same.status);
        assert_int_equal(same.delay_ns, fault_draw(&slow, i).delay_ns);
        differences += fault.kind != changed.kind || fault.status != changed.status;
    }
    assert_true(differences > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quantiles_are_the_ones_asked_for),
        cmocka_unit_test(a_single_latency_is_kept_exactly),
        cmocka_unit_test(the_longest_latency_is_bounded),
        cmocka_unit_test(faults_come_in_their_shares),
        cmocka_unit_test(the_whole_and_nothing_are_exact),
        cmocka_unit_test(a_seed_repeats_and_latency_does_not_move_the_faults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
