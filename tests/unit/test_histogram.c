/* The histogram against the exact answer: values are kept beside it and sorted. */
#include "base/histogram.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int compare(const void *a, const void *b)
{
    uint64_t x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return x < y ? -1 : x > y;
}

static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

static void is_zero_when_empty(void **state)
{
    (void)state;
    struct histogram h;
    assert_true(histogram_init(&h, 5));
    assert_int_equal(h.count, 0);
    assert_int_equal(histogram_quantile(&h, 0.5), 0);
    assert_int_equal(histogram_quantile(&h, 1), 0);
    histogram_free(&h);
}

static void is_exact_for_small_values(void **state)
{
    (void)state;
    struct histogram h;
    assert_true(histogram_init(&h, 7));
    for (uint64_t value = 1; value <= 100; value++)
        histogram_add(&h, value);
    assert_int_equal(histogram_quantile(&h, 0), 1);
    assert_int_equal(histogram_quantile(&h, 0.01), 1);
    assert_int_equal(histogram_quantile(&h, 0.5), 50);
    assert_int_equal(histogram_quantile(&h, 0.505), 51);
    assert_int_equal(histogram_quantile(&h, 0.9), 90);
    assert_int_equal(histogram_quantile(&h, 1), 100);
    assert_int_equal(h.min, 1);
    assert_int_equal(h.max, 100);
    histogram_free(&h);
}

/* Values of all magnitudes: never below the exact quantile, and above it by at most the bucket. */
static void keeps_its_precision(void **state)
{
    (void)state;
    enum { VALUES = 5000 };
    static uint64_t values[VALUES];
    for (unsigned precision = 1; precision <= 12; precision++) {
        struct histogram h;
        uint64_t seed = 88172645463325252u + precision;
        assert_true(histogram_init(&h, precision));
        for (size_t i = 0; i < VALUES; i++) {
            uint64_t random = next_random(&seed);
            values[i] = random >> (next_random(&seed) % 64);
            histogram_add(&h, values[i]);
        }
        qsort(values, VALUES, sizeof values[0], compare);
        for (size_t rank = 1; rank <= VALUES; rank += 7) {
            uint64_t exact = values[rank - 1];
            uint64_t message = histogram_quantile(&h, ((double)rank - 0.5) / VALUES);
            assert_true(message >= exact);
            assert_true(message - exact <= exact >> precision);
        }
        assert_true(histogram_quantile(&h, 1) == values[VALUES - 1]);
        assert_true(h.min == values[0] && h.max == values[VALUES - 1]);
        histogram_free(&h);
    }
}

static void takes_the_extremes(void **state)
{
    (void)state;
    struct histogram h;
    assert_true(histogram_init(&h, 12));
    histogram_add(&h, UINT64_MAX);
    histogram_add(&h, 0);
    assert_true(histogram_quantile(&h, 1) == UINT64_MAX);
    assert_int_equal(histogram_quantile(&h, 0.5), 0);
    assert_int_equal(h.min, 0);
    assert_true(h.max == UINT64_MAX);
    histogram_free(&h);
}

static void merges_as_if_added(void **state)
{
    (void)state;
    struct histogram all, odd, even, empty;
    assert_true(histogram_init(&all, 6) && histogram_init(&odd, 6) && histogram_init(&even, 6) &&
                histogram_init(&empty, 6));
    uint64_t seed = 1;
    for (int i = 0; i < 1000; i++) {
        uint64_t value = next_random(&seed) % 1000000;
        histogram_add(&all, value);
        histogram_add(i % 2 ? &odd : &even, value);
    }
    histogram_merge(&empty, &odd);
    histogram_merge(&empty, &even);
    struct histogram nothing;
    assert_true(histogram_init(&nothing, 6));
    histogram_merge(&empty, &nothing);
    assert_int_equal(empty.count, all.count);
    assert_int_equal(empty.min, all.min);
    assert_int_equal(empty.max, all.max);
    assert_int_equal(empty.buckets, all.buckets);
    assert_memory_equal(empty.counts, all.counts, all.buckets * sizeof all.counts[0]);
    histogram_free(&all);
    histogram_free(&odd);
    histogram_free(&even);
    histogram_free(&empty);
    histogram_free(&nothing);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_zero_when_empty),  cmocka_unit_test(is_exact_for_small_values),
        cmocka_unit_test(keeps_its_precision), cmocka_unit_test(takes_the_extremes),
        cmocka_unit_test(merges_as_if_added),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
