/* The rate that a platform allows, against models of those that refuse what is above it. */
#include "batch/rate_finder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define MS 1000000ull
#define S 1000000000ull

struct platform {
    double allows_per_s;
    double burst;      /* a bucket of so many; 0: none comes sooner than the rate says */
    double most_per_s; /* that we could send */
    double jitter_ms;
};

struct run {
    struct rate_finder f;
    struct rate_sample s;
    double next_s, level, last_s;
    uint64_t seed;
};

static double draw(struct run *run)
{
    uint64_t z = run->seed += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    return (double)((z ^ (z >> 27)) >> 11) / (double)(1ull << 53);
}

static void begin(struct run *run)
{
    *run = (struct run){.s = {.now_ns = 1}, .next_s = 0.001, .last_s = -1};
    rate_finder_init(&run->f, 1);
}

/* So many seconds; returns what was let through in a second, on the average. */
static double pass(struct run *run, const struct platform *p, double seconds)
{
    uint64_t before = run->s.completed;
    unsigned turns = (unsigned)(seconds * 50);
    for (unsigned turn = 0; turn < turns; turn++) {
        double now_s = (double)(run->s.now_ns + 20 * MS) / S;
        for (; run->next_s < now_s;) {
            double rate = run->f.rate_per_s > 0 ? run->f.rate_per_s : p->most_per_s;
            double at_s = run->next_s + draw(run) * p->jitter_ms / 1000;
            double refill = (at_s - run->last_s) * p->allows_per_s;
            double level = run->level + refill;
            level = level < p->burst + 1 ? level : p->burst + 1;
            if (level >= 1 - 1e-9) {
                run->level = level - 1;
                run->last_s = at_s;
                run->s.completed++;
            } else {
                run->s.refused++;
            }
            run->next_s += 1 / (rate < p->most_per_s ? rate : p->most_per_s);
        }
        run->s.now_ns += 20 * MS;
        rate_finder_take(&run->f, &run->s, true);
    }
    return (double)(run->s.completed - before) / seconds;
}

static void finds(const struct platform *p, double share)
{
    struct run run;
    begin(&run);
    pass(&run, p, 12);
    double got = pass(&run, p, 20);
    if (got < share * p->allows_per_s || run.f.rate_per_s > 1.2 * p->allows_per_s)
        fail_msg("%.1f of %.1f, at a rate of %.1f", got, p->allows_per_s, run.f.rate_per_s);
}

static void what_is_allowed_is_found(void **state)
{
    (void)state;
    finds(&(struct platform){200, 0, 8000, 0.2}, 0.9);
    finds(&(struct platform){200, 0, 300, 0.1}, 0.9);
    finds(&(struct platform){200, 20, 8000, 2}, 0.9);
    finds(&(struct platform){1000, 5, 20000, 0.1}, 0.9);
    finds(&(struct platform){20, 1, 500, 1}, 0.8);
}

static void nothing_is_looked_for_where_nothing_is_refused(void **state)
{
    (void)state;
    struct run run;
    begin(&run);
    pass(&run, &(struct platform){100000, 100, 500, 0}, 5);
    assert_true(run.f.rate_per_s == 0);
}

static void it_is_found_anew(void **state)
{
    (void)state;
    struct platform p = {200, 10, 8000, 0.5};
    struct run run;
    begin(&run);
    pass(&run, &p, 10);
    p.allows_per_s = 60;
    pass(&run, &p, 15);
    assert_true(pass(&run, &p, 10) > 48);
    p.allows_per_s = 300;
    pass(&run, &p, 200);
    assert_true(pass(&run, &p, 10) > 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_allowed_is_found),
        cmocka_unit_test(nothing_is_looked_for_where_nothing_is_refused),
        cmocka_unit_test(it_is_found_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
