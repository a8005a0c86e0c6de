/* The retry budget: the bound holds over every window, and what it allows is given. */
#include "engine/budget.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define S 1000000000ull

enum { EVENTS = 400 };

static uint64_t seed;

static uint64_t draw(uint64_t below)
{
    uint64_t z = seed += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (z ^ (z >> 31)) % below;
}

struct event {
    uint64_t at_ns;
    bool retry;
};

static void assert_bound(const struct event *events, unsigned count, uint32_t percent,
                         uint32_t per_s)
{
    for (unsigned i = 0; i < count; i++) {
        unsigned firsts = 0, retries = 0;
        for (unsigned k = i; k < count; k++) {
            firsts += !events[k].retry;
            retries += events[k].retry;
            long double window_s = (long double)(events[k].at_ns - events[i].at_ns) / S;
            long double reserve = 10.0L * per_s;
            long double allowed = firsts * percent / 100.0L + per_s * window_s + reserve;
            if (retries > allowed + 1e-6L)
                fail_msg("%u retries beside %u first tries within %.9Lf s: %u %% + %u/s", retries,
                         firsts, window_s, percent, per_s);
        }
    }
}

static void holds_over_any_window(void **state)
{
    static struct event events[EVENTS];
    (void)state;
    for (uint64_t round = 1; round <= 500; round++) {
        seed = round;
        uint32_t percent = (uint32_t)draw(round % 2 ? 30 : 1001), per_s = 1 + (uint32_t)draw(20);
        uint64_t now_ns = draw(1000 * S), pause_ns = 1 + draw(round % 3 ? S / 10 : 10 * S);
        uint32_t retries_share = 1 + (uint32_t)draw(100);
        struct budget b;
        budget_init(&b, true, percent, per_s, now_ns);
        for (unsigned i = 0; i < EVENTS;) {
            now_ns += draw(2) ? draw(pause_ns) : 0;
            bool retry = draw(100) < retries_share;
            if (retry && !budget_allows(&b, now_ns)) {
                if (draw(2))
                    now_ns = budget_next_ns(&b);
                continue;
            }
            if (retry)
                budget_take(&b);
            else
                budget_first_try(&b);
            events[i++] = (struct event){now_ns, retry};
        }
        assert_bound(events, EVENTS, percent, per_s);
    }
}

static unsigned take_all(struct budget *b, uint64_t now_ns)
{
    unsigned taken = 0;
    for (; taken < 100000 && budget_allows(b, now_ns); taken++)
        budget_take(b);
    return taken;
}

static void gives_what_it_allows(void **state)
{
    (void)state;
    struct budget b;
    budget_init(&b, true, 20, 10, 5 * S);
    assert_int_equal(take_all(&b, 5 * S), 100);
    assert_int_equal(budget_next_ns(&b), 5 * S + S / 10);
    assert_false(budget_allows(&b, 5 * S + S / 10 - 1));
    assert_int_equal(take_all(&b, 5 * S + S / 10), 1);
    for (unsigned i = 0; i < 5; i++) {
        assert_false(budget_allows(&b, 5 * S + S / 10));
        budget_first_try(&b);
    }
    assert_int_equal(take_all(&b, 5 * S + S / 10), 1);
    assert_int_equal(take_all(&b, 10 * S), 49);
    assert_int_equal(take_all(&b, 1000000 * S), 100);
    for (unsigned i = 0; i < 10000; i++)
        budget_first_try(&b);
    assert_int_equal(take_all(&b, 1000000 * S), 100);
}

static void unbounded_allows_all(void **state)
{
    (void)state;
    struct budget b;
    budget_init(&b, false, 0, 0, 0);
    budget_first_try(&b);
    assert_int_equal(take_all(&b, 1), 100000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(holds_over_any_window),
        cmocka_unit_test(gives_what_it_allows),
        cmocka_unit_test(unbounded_allows_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
