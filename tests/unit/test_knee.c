/* The knee and the cap of modelled platforms, found in few steps. */
#include "bench/knee.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static uint64_t seed;

/* -noise .. +noise, in parts of 100. */
static double draw_noise(int noise)
{
    uint64_t z = seed += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = z ^ (z >> 27);
    return noise ? (double)(z % (2u * (unsigned)noise + 1)) / 100 - noise / 100.0 : 0;
}

static struct knee probe(uint32_t connections_max, uint32_t knee, uint32_t cap, int noise)
{
    struct knee k = {.connections_max = connections_max};
    uint32_t n;
    while ((n = knee_next(&k)) > 0) {
        assert_in_range(n, 1, connections_max);
        for (uint32_t i = 0; i < k.count; i++)
            assert_int_not_equal(k.steps[i].connections, n);
        double rate = 10.0 * (n < knee ? n : knee) * (1 + draw_noise(noise));
        knee_add(&k, (struct knee_step){n, n > cap ? 0 : rate, n > cap});
    }
    return k;
}

static void finds_each_knee(void **state)
{
    (void)state;
    for (uint32_t knee = 1; knee <= 64; knee++) {
        struct knee k = probe(256, knee, 256, 0);
        assert_int_equal(knee_cap(&k), 0);
        assert_in_range(knee_at(&k), knee * 9 / 10, knee + knee / 8);
        assert_true(k.count <= 14);
    }
}

static void finds_each_cap(void **state)
{
    (void)state;
    for (uint32_t cap = 1; cap < 256; cap++) {
        struct knee k = probe(256, 10000, cap, 0);
        assert_in_range(knee_cap(&k), cap - cap / 8, cap);
        assert_int_equal(knee_at(&k) <= cap, 1);
        assert_true(k.count <= 16);
    }
}

static void article(void **state)
{
    (void)state;
    struct knee k = probe(64, 2, 64, 0);
    assert_int_equal(knee_at(&k), 2);
    assert_int_equal(k.count, 4); /* 1, 2, 4, 8 */
}

static void both(void **state)
{
    (void)state;
    struct knee k = probe(64, 4, 6, 0);
    assert_int_equal(knee_at(&k), 4);
    assert_int_equal(knee_cap(&k), 6);
}

static void noise(void **state)
{
    (void)state;
    for (seed = 0; seed < 50;) {
        uint64_t began = seed;
        struct knee k = probe(64, 8, 64, 4);
        assert_in_range(knee_at(&k), 7, 9);
        seed = began + 1;
    }
}

static void goes_no_further_than_asked(void **state)
{
    static const uint32_t maxima[] = {1, 2, 3, 7, 40, 1000};
    (void)state;
    for (size_t i = 0; i < sizeof maxima / sizeof *maxima; i++) {
        struct knee k = probe(maxima[i], 100000, 100000, 0);
        assert_in_range(knee_at(&k), maxima[i] - maxima[i] / 5, maxima[i]);
    }
}

static void knows_nothing_of_the_dead(void **state)
{
    (void)state;
    struct knee k = probe(64, 8, 0, 0);
    assert_int_equal(k.count, 1);
    assert_int_equal(knee_at(&k), 0);
    assert_int_equal(knee_cap(&k), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_each_knee),
        cmocka_unit_test(finds_each_cap),
        cmocka_unit_test(article),
        cmocka_unit_test(both),
        cmocka_unit_test(noise),
        cmocka_unit_test(goes_no_further_than_asked),
        cmocka_unit_test(knows_nothing_of_the_dead),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
