/* The pace: the bound holds over every window, whatever the clock does, and nothing is lost below
 * it. */
#include "engine/pace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define MS 1000000ull
#define S 1000000000ull

__extension__ typedef unsigned __int128 wide;

enum { STARTS_MAX = 2000 };

static uint64_t seed;

static uint64_t draw(uint64_t below)
{
    uint64_t z = seed += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (z ^ (z >> 31)) % below;
}

/* Between 1 and max, small and large ones equally often. */
static uint64_t draw_size(uint64_t max)
{
    return 1 + draw(max >> draw(64 - (unsigned)__builtin_clzll(max)));
}

struct rate {
    uint32_t count, burst;
    uint64_t per_ns;
};

/* In every window from one start to a later one, both in it: starts <= rate x window + burst.
 * burst 0: a window of per_ns holds no more than count. */
static void assert_bound(const uint64_t *starts, size_t count, const struct rate *rate)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t k = i; k < count; k++) {
            uint64_t window_ns = starts[k] - starts[i];
            wide allowed = (wide)rate->count * window_ns + (wide)rate->burst * rate->per_ns;
            bool good = rate->burst ? (wide)(k - i + 1) * rate->per_ns <= allowed
                                    : window_ns > rate->per_ns || k - i + 1 <= rate->count;
            if (!good)
                fail_msg("%zu starts within %llu ns (%u in %llu, burst %u)", k - i + 1,
                         (unsigned long long)window_ns, rate->count,
                         (unsigned long long)rate->per_ns, rate->burst);
        }
    }
}

static void holds_over_any_window(void **state)
{
    static uint64_t starts[STARTS_MAX];
    (void)state;
    for (uint64_t round = 1; round <= 1000; round++) {
        seed = round;
        struct pace p;
        /* Without a burst small counts, which a few hundred starts can exceed. */
        bool bursts = draw(2);
        struct rate rate = {.count = (uint32_t)draw_size(bursts ? 1000000000 : 200),
                            .burst = bursts ? (uint32_t)draw_size(1000000) : 0,
                            .per_ns = draw_size(3600 * S)};
        pace_init(&p, rate.count, rate.per_ns, rate.burst, draw(2) ? 0 : draw_size(3600 * S));
        uint64_t now_ns = draw_size(UINT64_MAX / 4);
        size_t count = 0;
        /* Greedy, with wake-ups that come late, early, or at once. */
        for (unsigned turn = 0; turn < 300; turn++) {
            unsigned wanted = (unsigned)draw_size(8);
            for (; wanted > 0 && count < STARTS_MAX && pace_allows(&p, now_ns); wanted--) {
                pace_take(&p);
                starts[count++] = now_ns;
            }
            if (!pace_allows(&p, now_ns) && draw(4))
                now_ns = pace_next_ns(&p, now_ns);
            now_ns += draw(3) ? draw_size(draw(2) ? rate.per_ns : rate.per_ns / rate.count + 1) : 0;
        }
        assert_true(count > 0);
        assert_bound(starts, count < 300 ? count : 300, &rate);
    }
}

/* After a no, pace_next_ns is in the future and ends in a yes; one nanosecond before, without a
 * turn to share, it is still a no. */
static void next_is_when_it_allows(void **state)
{
    (void)state;
    for (uint64_t round = 1; round <= 20000; round++) {
        seed = round;
        struct pace p;
        pace_init(&p, (uint32_t)draw_size(1000000000), draw_size(3600 * S), 1,
                  draw(2) ? 0 : draw_size(3600 * S));
        uint64_t now_ns = draw_size(UINT64_MAX / 4);
        for (unsigned i = 0; i < 5; i++) {
            now_ns += draw_size(10 * S);
            if (pace_allows(&p, now_ns))
                pace_take(&p);
            if (pace_allows(&p, now_ns))
                continue;
            uint64_t next_ns = pace_next_ns(&p, now_ns);
            assert_true(next_ns > now_ns);
            struct pace before = p;
            assert_false(pace_allows(&before, next_ns - 1));
            assert_true(pace_allows(&p, next_ns));
            now_ns = next_ns;
        }
    }
}

/* How many begin within `for_ns` when each wake-up comes `late_ns` late. */
static unsigned run(uint32_t count, uint64_t per_ns, uint32_t burst, uint64_t ramp_ns,
                    uint64_t for_ns, uint64_t late_ns, unsigned *wakes)
{
    struct pace p;
    pace_init(&p, count, per_ns, burst, ramp_ns);
    uint64_t now_ns = 5 * S;
    unsigned starts = 0;
    for (*wakes = 0; now_ns < 5 * S + for_ns; ++*wakes) {
        while (pace_allows(&p, now_ns)) {
            pace_take(&p);
            starts++;
        }
        now_ns = pace_next_ns(&p, now_ns) + late_ns;
    }
    return starts;
}

static void loses_nothing_to_late_wakes(void **state)
{
    (void)state;
    unsigned wakes;
    assert_in_range(run(2000, S, 20, 0, 10 * S, 0, &wakes), 19999, 20020);
    assert_in_range(run(2000, S, 20, 0, 10 * S, 3 * MS, &wakes), 19991, 20020);
    assert_in_range(run(1, 3600 * S, 2, 0, 24 * 3600 * S, 5 * MS, &wakes), 24, 26);
}

/* Without a burst 98 to 100 of a hundred begin, though no window holds more. */
static void is_close_to_its_rate(void **state)
{
    (void)state;
    unsigned wakes;
    assert_in_range(run(100, S, 0, 0, 100 * S, 0, &wakes), 9800, 10000);
    assert_in_range(run(100, S, 0, 0, 100 * S, 4 * MS, &wakes), 9800, 10000);
    assert_in_range(run(2000, S, 0, 0, 10 * S, 3 * MS, &wakes), 19600, 20000);
    assert_in_range(run(5, 15 * S, 0, 0, 1500 * S, 5 * MS, &wakes), 490, 500);
    assert_in_range(run(100, 60 * S, 0, 0, 3600 * S, 5 * MS, &wakes), 5980, 6000);
    assert_in_range(run(1, 3600 * S, 0, 0, 24 * 3600 * S, 5 * MS, &wakes), 24, 24);
    assert_in_range(run(1000000000, S, 0, 0, 10 * MS, 0, &wakes), 8800000, 10000001);
}

/* A wake-up for each start, and less where several share a turn. */
static void wakes_no_more_than_it_starts(void **state)
{
    (void)state;
    unsigned wakes, starts;
    starts = run(100, S, 0, 0, 10 * S, 0, &wakes);
    assert_in_range(wakes, starts - 1, starts);
    starts = run(2000, S, 1, 0, 10 * S, 0, &wakes);
    assert_in_range(wakes, starts - 1, starts);
    run(2000, S, 0, 0, 10 * S, 0, &wakes);
    assert_in_range(wakes, 9990, 10010);
    run(1000000, S, 0, 0, 10 * S, 0, &wakes);
    assert_in_range(wakes, 9990, 10010);
}

/* Half of the full rate's starts during the ramp, a quarter of those in its first half. */
static void ramp_is_linear(void **state)
{
    (void)state;
    unsigned wakes;
    assert_in_range(run(100, S, 1, 30 * S, 15 * S, 0, &wakes), 374, 377);
    assert_in_range(run(100, S, 1, 30 * S, 30 * S, 0, &wakes), 1499, 1502);
    assert_in_range(run(100, S, 1, 30 * S, 40 * S, 0, &wakes), 2499, 2502);
}

/* Idle time fills the bucket to the burst and no further. */
static void burst_is_a_bound(void **state)
{
    (void)state;
    struct pace p;
    pace_init(&p, 10, S, 7, 0);
    for (unsigned round = 1; round < 4; round++) {
        unsigned starts = 0;
        while (pace_allows(&p, round * 1000 * S)) {
            pace_take(&p);
            starts++;
        }
        assert_int_equal(starts, round == 1 ? 1 : 7);
    }
}

static void no_pace_allows_all(void **state)
{
    (void)state;
    struct pace p;
    pace_init(&p, 0, 0, 0, 0);
    for (unsigned i = 0; i < 1000; i++) {
        assert_true(pace_allows(&p, 1));
        pace_take(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(holds_over_any_window),
        cmocka_unit_test(next_is_when_it_allows),
        cmocka_unit_test(loses_nothing_to_late_wakes),
        cmocka_unit_test(is_close_to_its_rate),
        cmocka_unit_test(wakes_no_more_than_it_starts),
        cmocka_unit_test(ramp_is_linear),
        cmocka_unit_test(burst_is_a_bound),
        cmocka_unit_test(no_pace_allows_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
