/* The controller of --adaptive against modelled platforms: one whose throughput stops growing at a
 * knee, one that takes only so many connections. */
#include "batch/adaptive.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define MS 1000000ull

struct platform {
    uint32_t knee;        /* requests worked on at a time; more wait */
    uint32_t cap;         /* more connections than that are pushed back */
    uint64_t work_ns;     /* of one request */
    uint32_t noise;       /* % by which times vary from turn to turn */
    uint32_t records_max; /* at work at most, whatever the limit */
};

static uint64_t seed;

static uint64_t draw(uint64_t below)
{
    uint64_t z = seed += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    return (z ^ (z >> 27)) % below;
}

struct run {
    struct adaptive a;
    struct adaptive_sample s;
    double completed, pushed_back; /* with their fractions */
    uint32_t least, most;          /* limits since `from` */
};

static void begin(struct run *run, uint32_t limit_max)
{
    *run = (struct run){.s = {.now_ns = 1}};
    seed = 1;
    adaptive_init(&run->a, limit_max, 1);
}

/* Turns of 20 ms of a closed loop: all of the limit is used. */
static void work(struct run *run, const struct platform *p, uint32_t turns)
{
    run->least = UINT32_MAX;
    run->most = 0;
    for (uint32_t i = 0; i < turns; i++) {
        uint32_t busy = run->a.limit < p->records_max ? run->a.limit : p->records_max;
        uint32_t served = busy < p->cap ? busy : p->cap;
        uint32_t at_work = served < p->knee ? served : p->knee;
        double noise = 1 + ((double)draw(2 * p->noise + 1) - p->noise) / 100;
        double time_ns = (double)p->work_ns * served / at_work * noise;
        double done = served * 20 * MS / time_ns;
        run->completed += done;
        run->s.service_ns += (uint64_t)(done * time_ns);
        run->pushed_back += (double)(busy - served) * 20 * MS / time_ns;
        run->s.completed = (uint64_t)run->completed;
        run->s.pushed_back = (uint64_t)run->pushed_back;
        run->s.busy = busy;
        run->s.now_ns += 20 * MS;
        uint32_t before = run->a.limit;
        bool moved = adaptive_take(&run->a, &run->s);
        assert_int_equal(moved, run->a.limit != before);
        assert_in_range(run->a.limit, 1, run->a.limit_max);
        assert_true(!moved || strlen(run->a.reason) > 10);
        run->least = run->a.limit < run->least ? run->a.limit : run->least;
        run->most = run->a.limit > run->most ? run->a.limit : run->most;
    }
}

static const struct platform endless = {1000, 1000, 50 * MS, 5, 1000};

static void uses_all_where_nothing_speaks_against(void **state)
{
    (void)state;
    struct run run;
    begin(&run, 40);
    work(&run, &endless, 200);
    assert_int_equal(run.a.limit, 40);
    work(&run, &endless, 2000);
    assert_int_equal(run.least, 40);
}

static void finds_the_knee(void **state)
{
    static const uint32_t knees[] = {1, 2, 3, 5, 8, 20};
    (void)state;
    for (size_t i = 0; i < sizeof knees / sizeof *knees; i++) {
        struct platform p = {knees[i], 1000, 50 * MS, 5, 1000};
        struct run run;
        begin(&run, 40);
        work(&run, &p, 1000);
        work(&run, &p, 3000);
        if (run.least < p.knee || run.most > p.knee * 5 / 3 + 1)
            fail_msg("knee %u: between %u and %u", p.knee, run.least, run.most);
    }
}

static void noise_does_not_starve_it(void **state)
{
    struct platform p = {8, 1000, 50 * MS, 25, 1000};
    struct run run;
    (void)state;
    begin(&run, 40);
    work(&run, &p, 1000);
    work(&run, &p, 3000);
    assert_in_range(run.least, 6, 8 * 5 / 3 + 1);
}

static void stays_below_a_cap(void **state)
{
    struct platform p = {1000, 8, 50 * MS, 5, 1000};
    struct run run;
    (void)state;
    begin(&run, 40);
    work(&run, &p, 1000);
    double completed = run.completed, pushed_back = run.pushed_back;
    work(&run, &p, 5000);
    assert_in_range(run.least, 5, 8);
    assert_in_range(run.most, 8, 9);
    assert_true(run.pushed_back - pushed_back < (run.completed - completed) / 100);
    assert_non_null(strstr(run.a.reason, "possible"));
}

static void says_what_was_pushed_back(void **state)
{
    struct run run;
    (void)state;
    begin(&run, 40);
    run.a.limit = 20;
    run.s = (struct adaptive_sample){200 * MS, 75, 75 * 50 * MS, 5, 20};
    assert_true(adaptive_take(&run.a, &run.s));
    assert_int_equal(run.a.limit, 15);
    assert_string_equal(run.a.reason, "5 of 80 attempts were pushed back");
    /* All of a round. */
    begin(&run, 40);
    run.s = (struct adaptive_sample){200 * MS, 0, 0, 9, 1};
    assert_false(adaptive_take(&run.a, &run.s));
    assert_int_equal(run.a.limit, 1);
}

static void does_not_grow_unused(void **state)
{
    struct platform p = endless;
    struct run run;
    (void)state;
    p.records_max = 4;
    begin(&run, 40);
    work(&run, &p, 2000);
    assert_in_range(run.a.limit, 4, 8);
}

/* A platform that has become slower for good is no reason to stay at one connection. */
static void learns_a_slower_platform(void **state)
{
    struct platform slower = endless;
    struct run run;
    (void)state;
    slower.work_ns *= 4;
    begin(&run, 40);
    work(&run, &endless, 500);
    work(&run, &slower, 3000);
    assert_int_equal(run.a.limit, 40);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(uses_all_where_nothing_speaks_against),
        cmocka_unit_test(finds_the_knee),
        cmocka_unit_test(noise_does_not_starve_it),
        cmocka_unit_test(stays_below_a_cap),
        cmocka_unit_test(says_what_was_pushed_back),
        cmocka_unit_test(does_not_grow_unused),
        cmocka_unit_test(learns_a_slower_platform),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
