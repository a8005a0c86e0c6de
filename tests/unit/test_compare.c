/* The rank test against all choices counted one by one, and the comparison on samples of which it
 * is known whether they differ. All of it is arithmetic on fixed seeds, so a failure repeats. */
#include "base/random.h"
#include "bench/compare.h"
#include "bench/rank.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void assert_near(double value, double expected, double tolerance)
{
    if (!(fabs(value - expected) <= tolerance))
        fail_msg("%.6f is not within %g of %.6f", value, tolerance, expected);
}

/* ---- rank test ---- */

/* The chance that a value of b is larger than one of a, ties half, pair by pair. */
static double pairs_b_larger(const double *a, size_t a_count, const double *b, size_t b_count)
{
    double larger = 0;
    for (size_t i = 0; i < a_count; i++) {
        for (size_t k = 0; k < b_count; k++)
            larger += b[k] > a[i] ? 1 : b[k] == a[i] ? 0.5 : 0;
    }
    return larger / (double)(a_count * b_count);
}

/* p by definition: each choice of b_count of all values as b. */
static double choices_p(const double *all, size_t count, size_t b_count, double b_larger)
{
    double far = 0, choices = 0;
    for (unsigned set = 0; set < 1u << count; set++) {
        double a[16], b[16];
        size_t in_a = 0, in_b = 0;
        if ((size_t)__builtin_popcount(set) != b_count)
            continue;
        for (size_t i = 0; i < count; i++) {
            if (set >> i & 1)
                b[in_b++] = all[i];
            else
                a[in_a++] = all[i];
        }
        choices++;
        far += fabs(pairs_b_larger(a, in_a, b, in_b) - 0.5) >= fabs(b_larger - 0.5) - 1e-12;
    }
    return far / choices;
}

static void the_exact_test_counts_all_choices(void **state)
{
    (void)state;
    for (uint64_t round = 0; round < 100; round++) {
        double all[10];
        size_t a_count = 1 + round % 6, b_count = 1 + round / 6 % 4;
        for (size_t i = 0; i < a_count + b_count; i++)
            all[i] = (double)(random_at(round, i) % (round % 2 ? 5 : 1000)); /* odd: many ties */
        struct rank_test test;
        double *b = all + a_count;
        rank_values(all, a_count, b, b_count, &test);
        assert_true(test.exact);
        assert_near(test.b_larger, pairs_b_larger(all, a_count, b, b_count), 1e-12);
        assert_near(test.p, choices_p(all, a_count + b_count, b_count, test.b_larger), 1e-9);
    }
}

static void figures_of_the_tables_come_out(void **state)
{
    (void)state;
    const double a[] = {1, 2, 3, 4, 5}, b[] = {6, 7, 8, 9, 10};
    struct rank_test test;
    rank_values(a, 4, b, 4, &test);
    assert_near(test.p, 2.0 / 70, 1e-12);
    assert_near(test.b_larger, 1, 1e-12);
    rank_values(b, 5, a, 5, &test);
    assert_near(test.p, 2.0 / 252, 1e-12);
    assert_near(test.b_larger, 0, 1e-12);
    rank_values(a, 3, b, 3, &test); /* 5 % cannot be had with three */
    assert_near(test.p, 0.1, 1e-12);
    rank_values(a, 5, a, 5, &test);
    assert_near(test.p, 1, 1e-12);
    rank_values(a, 5, b, 0, &test);
    assert_true(test.p == 1 && test.b_larger == 0.5 && !test.exact);
}

static struct histogram histogram(void)
{
    struct histogram h;
    assert_true(histogram_init(&h, 10));
    return h;
}

static void histograms_agree_with_values(void **state)
{
    (void)state;
    for (uint64_t round = 0; round < 20; round++) {
        struct histogram of_a = histogram(), of_b = histogram();
        double a[20], b[20];
        for (size_t i = 0; i < 20; i++) {
            uint64_t x = random_at(round, i) % (10 + 5 * round);
            uint64_t y = random_at(round, 20 + i) % (10 + 5 * round) + round / 2;
            histogram_add(&of_a, x);
            histogram_add(&of_b, y);
            a[i] = (double)x;
            b[i] = (double)y;
        }
        struct rank_test exact;
        rank_values(a, 20, b, 20, &exact);
        assert_near(rank_b_larger(&of_a, &of_b), exact.b_larger, 1e-12);
        histogram_free(&of_a);
        histogram_free(&of_b);
    }
}

static void millions_of_values_are_no_trouble(void **state)
{
    (void)state;
    struct histogram a = histogram(), b = histogram();
    histogram_add_many(&a, 10, 5000000000);
    histogram_add_many(&a, 20, 5000000000);
    histogram_add_many(&b, 10, 4999000000);
    histogram_add_many(&b, 20, 5001000000);
    assert_near(rank_b_larger(&a, &b), 0.50005, 1e-9);
    histogram_free(&a);
    histogram_free(&b);
    a = histogram();
    b = histogram();
    histogram_add_many(&a, 7, 1000);
    histogram_add_many(&b, 7, 1000); /* all tied */
    assert_true(rank_b_larger(&a, &b) == 0.5);
    histogram_free(&a);
    histogram_free(&b);
}

/* ---- comparison ---- */

/* A run of exponential latencies with this mean. */
static struct histogram run_of(double mean_ns, size_t requests, uint64_t seed)
{
    struct histogram h = histogram();
    for (size_t i = 0; i < requests; i++)
        histogram_add(&h, (uint64_t)(-log(1 - random_unit(random_at(seed, i))) * mean_ns));
    return h;
}

static struct comparison compare(const struct histogram *a, size_t a_count,
                                 const struct histogram *b, size_t b_count, double tolerance)
{
    struct comparison c;
    struct compare_side of_a = {.runs = a, .runs_count = a_count};
    struct compare_side of_b = {.runs = b, .runs_count = b_count};
    assert_true(compare_sides(&of_a, &of_b, tolerance, &c));
    assert_false(c.errors.known);
    return c;
}

static void assert_ordered(const struct compare_interval *i)
{
    assert_true(i->low <= i->value && i->value <= i->high);
}

/* However many requests: they need not be independent. */
static void single_runs_decide_only_what_is_gross(void **state)
{
    (void)state;
    struct histogram a = run_of(1e6, 100000, 1), b = run_of(1e6, 100000, 2);
    struct histogram slow = run_of(3e6, 100000, 3), gross = run_of(6e6, 100000, 4);
    struct histogram few = run_of(6e6, 1900, 5);
    struct comparison c = compare(&a, 1, &b, 1, 0.05);
    assert_false(c.by_runs);
    assert_int_equal(c.p50.verdict, COMPARE_UNDECIDED);
    assert_int_equal(c.verdict, COMPARE_UNDECIDED);
    assert_near(c.b_larger, 0.5, 0.01);
    assert_near(c.p50.a_ns.value, 1e6 * log(2), 1e4);
    assert_true(isnan(c.p50.a_ns.low) && isnan(c.p99.b_ns.high) && isnan(c.p99.ratio.low));
    c = compare(&a, 1, &slow, 1, 0.05);
    assert_int_equal(c.verdict, COMPARE_UNDECIDED);
    assert_near(c.p50.ratio.value, 3, 0.1);
    assert_near(c.b_larger, 3 / 4.0, 0.005); /* of two exponential variables */
    c = compare(&a, 1, &gross, 1, 0.05);
    assert_int_equal(c.p50.verdict, COMPARE_WORSE);
    assert_int_equal(c.p99.verdict, COMPARE_WORSE);
    assert_int_equal(c.verdict, COMPARE_WORSE);
    assert_int_equal(compare(&gross, 1, &a, 1, 0.05).verdict, COMPARE_BETTER);
    assert_int_equal(compare(&a, 1, &gross, 1, 9).verdict, COMPARE_UNDECIDED);
    c = compare(&a, 1, &few, 1, 0.05);
    assert_true(c.p50.enough && !c.p99.enough);
    assert_int_equal(c.verdict, COMPARE_UNDECIDED);
    histogram_free(&a);
    histogram_free(&b);
    histogram_free(&slow);
    histogram_free(&gross);
    histogram_free(&few);
}

/* Values from 1 ms up to `count`, and behind them those that are lower bounds. */
struct bounded {
    struct histogram all, bounds;
};

static struct bounded bounded_of(uint64_t exact, uint64_t bounds, uint64_t bound_ns)
{
    struct bounded side = {histogram(), histogram()};
    for (uint64_t i = 1; i <= exact; i++)
        histogram_add(&side.all, 1000000 + i);
    histogram_add_many(&side.all, bound_ns, bounds);
    histogram_add_many(&side.bounds, bound_ns, bounds);
    return side;
}

static struct comparison compare_bounded(const struct bounded *a, const struct bounded *b,
                                         size_t runs)
{
    struct histogram all[2][5], bounds[2][5];
    for (size_t i = 0; i < runs; i++) {
        all[0][i] = a->all;
        all[1][i] = b->all;
        bounds[0][i] = a->bounds;
        bounds[1][i] = b->bounds;
    }
    struct comparison c;
    struct compare_side of_a = {all[0], bounds[0], runs, NULL};
    struct compare_side of_b = {all[1], bounds[1], runs, NULL};
    assert_true(compare_sides(&of_a, &of_b, 0.05, &c));
    return c;
}

/* B hangs for half of its requests: it is worse at least by so much. Of A nothing of that kind is
 * known. */
static void lower_bounds_decide_where_they_can(void **state)
{
    (void)state;
    struct bounded good = bounded_of(3000, 0, 0), hangs = bounded_of(1500, 1500, 900000000);
    struct bounded low = bounded_of(2000, 1000, 1); /* they may be anything */
    for (size_t runs = 1; runs <= 5; runs += 4) {
        struct comparison c = compare_bounded(&good, &hangs, runs);
        assert_int_equal(c.p99.verdict, COMPARE_WORSE);
        assert_true(c.p99.b_at_least && !c.p99.a_at_least);
        assert_int_equal(c.verdict, COMPARE_WORSE);
        assert_int_equal(compare_bounded(&hangs, &good, runs).verdict, COMPARE_BETTER);
        c = compare_bounded(&hangs, &hangs, runs);
        assert_int_equal(c.p99.verdict, COMPARE_UNDECIDED);
        assert_true(runs == 1 || (c.p99.ratio.low == 0 && isinf(c.p99.ratio.high)));
        c = compare_bounded(&good, &low, runs);
        assert_int_equal(c.p99.verdict, COMPARE_UNDECIDED);
        assert_true(c.p99.b_at_least);
    }
    struct bounded *const all[] = {&good, &hangs, &low};
    for (size_t i = 0; i < 3; i++) {
        histogram_free(&all[i]->all);
        histogram_free(&all[i]->bounds);
    }
}

/* Five runs a side whose means differ from run to run by up to a fifth: as one sample of requests
 * they would look surely different. */
static void what_differs_from_run_to_run_is_not_taken_for_a_difference(void **state)
{
    (void)state;
    static const double means[] = {1.0e6, 1.1e6, 0.9e6, 1.2e6, 0.95e6};
    static const double others[] = {1.15e6, 0.95e6, 1.2e6, 1.05e6, 1.1e6};
    struct histogram a[5], b[5], slow[5];
    for (size_t i = 0; i < 5; i++) {
        a[i] = run_of(means[i], 20000, i);
        b[i] = run_of(others[i], 20000, 10 + i);
        slow[i] = run_of(others[i] * 1.5, 20000, 20 + i);
    }
    struct comparison c = compare(a, 5, b, 5, 0.01);
    assert_true(c.by_runs && c.p50.runs.exact);
    assert_int_equal(c.p50.verdict, COMPARE_UNDECIDED);
    assert_int_equal(c.verdict, COMPARE_UNDECIDED);
    assert_true(c.p50.ratio.low < 1 && c.p50.ratio.high > 1.05);
    assert_ordered(&c.p50.a_ns);
    assert_ordered(&c.p99.b_ns);
    assert_ordered(&c.p99.ratio);
    assert_true(c.p50.runs.p > 0.05);
    assert_int_equal(compare(a, 5, b, 3, 0.01).by_runs, false);
    assert_int_equal(compare(a, 5, b, 3, 0.01).verdict, COMPARE_UNDECIDED);
    c = compare(a, 5, slow, 5, 0.1);
    assert_int_equal(c.p50.verdict, COMPARE_WORSE);
    assert_int_equal(c.p99.verdict, COMPARE_WORSE);
    assert_near(c.p50.runs.p, 2.0 / 252, 1e-9);
    for (size_t i = 0; i < 5; i++) {
        histogram_free(&a[i]);
        histogram_free(&b[i]);
        histogram_free(&slow[i]);
    }
}

static struct comparison compare_with_errors(size_t runs, const uint64_t *a_errors,
                                             const uint64_t *b_errors)
{
    struct histogram h[5];
    struct compare_counts of_a[5], of_b[5];
    struct comparison c;
    for (size_t i = 0; i < runs; i++) {
        h[i] = histogram();
        histogram_add_many(&h[i], 1000000, 100000);
        of_a[i] = (struct compare_counts){a_errors[i], 2000 - a_errors[i]};
        of_b[i] = (struct compare_counts){b_errors[i], 2000 - b_errors[i]};
    }
    struct compare_side a = {h, NULL, runs, of_a}, b = {h, NULL, runs, of_b};
    assert_true(compare_sides(&a, &b, 0.05, &c));
    assert_true(c.errors.known);
    for (size_t i = 0; i < runs; i++)
        histogram_free(&h[i]);
    return c;
}

static void errors_are_not_hidden_by_good_latencies(void **state)
{
    (void)state;
    static const uint64_t none[5] = {0}, few[5] = {1, 0, 2, 1, 0}, many[5] = {20, 25, 19, 30, 22};
    static const uint64_t burst[5] = {900, 0, 0, 1, 0};
    assert_int_equal(compare_with_errors(5, none, none).verdict, COMPARE_SAME);
    assert_int_equal(compare_with_errors(5, none, few).verdict, COMPARE_SAME);
    assert_int_equal(compare_with_errors(5, few, many).verdict, COMPARE_WORSE);
    assert_int_equal(compare_with_errors(5, many, none).verdict, COMPARE_BETTER);
    assert_int_equal(compare_with_errors(5, few, burst).verdict, COMPARE_SAME); /* all of one run */
    assert_near(compare_with_errors(5, none, many).errors.b_share, 0.0116, 1e-12);
}

static void errors_of_single_runs_decide_only_what_is_gross(void **state)
{
    (void)state;
    static const struct {
        uint64_t a, b;
        enum compare_verdict verdict;
    } cases[] = {
        {0, 0, COMPARE_SAME},       {7, 7, COMPARE_SAME},     {0, 390, COMPARE_UNDECIDED},
        {0, 410, COMPARE_WORSE},    {450, 0, COMPARE_BETTER}, {200, 800, COMPARE_UNDECIDED},
        {200, 1200, COMPARE_WORSE}, {0, 2000, COMPARE_WORSE}, {2000, 2000, COMPARE_SAME}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(compare_with_errors(1, &cases[i].a, &cases[i].b).errors.verdict,
                         cases[i].verdict);
}

/* A few that all failed are no accident of a queue. */
static void a_side_that_only_fails_is_worse(void **state)
{
    (void)state;
    static const struct compare_counts good = {0, 3000}, bad = {30, 0}, nearly = {29, 1};
    struct histogram h = run_of(1e6, 3000, 1), none = histogram();
    struct comparison c;
    struct compare_side a = {&h, NULL, 1, &good}, b = {&none, NULL, 1, &bad};
    assert_true(compare_sides(&a, &b, 0.05, &c));
    assert_int_equal(c.verdict, COMPARE_WORSE);
    assert_true(compare_sides(&b, &a, 0.05, &c));
    assert_int_equal(c.verdict, COMPARE_BETTER);
    b.counts = &nearly;
    assert_true(compare_sides(&a, &b, 0.05, &c));
    assert_int_equal(c.verdict, COMPARE_UNDECIDED);
    histogram_free(&h);
    histogram_free(&none);
}

static void a_side_without_responses_is_no_fast_one(void **state)
{
    (void)state;
    struct histogram h = run_of(1e6, 1000, 1), none = histogram();
    struct comparison c = compare(&h, 1, &none, 1, 0.05);
    assert_int_equal(c.verdict, COMPARE_UNDECIDED);
    assert_true(c.b_larger == 0.5);
    static const struct compare_counts good = {0, 2000}, bad = {2000, 0};
    struct compare_side a = {&h, NULL, 1, &good}, b = {&none, NULL, 1, &bad};
    assert_true(compare_sides(&a, &b, 0.05, &c));
    assert_int_equal(c.verdict, COMPARE_WORSE);
    histogram_free(&h);
    histogram_free(&none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_exact_test_counts_all_choices),
        cmocka_unit_test(figures_of_the_tables_come_out),
        cmocka_unit_test(histograms_agree_with_values),
        cmocka_unit_test(millions_of_values_are_no_trouble),
        cmocka_unit_test(single_runs_decide_only_what_is_gross),
        cmocka_unit_test(lower_bounds_decide_where_they_can),
        cmocka_unit_test(what_differs_from_run_to_run_is_not_taken_for_a_difference),
        cmocka_unit_test(errors_are_not_hidden_by_good_latencies),
        cmocka_unit_test(errors_of_single_runs_decide_only_what_is_gross),
        cmocka_unit_test(a_side_that_only_fails_is_worse),
        cmocka_unit_test(a_side_without_responses_is_no_fast_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
