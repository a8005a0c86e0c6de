/* Thresholds: the grammar with its errors by column, and what they make of a run. */
#include "base/span.h"
#include "bench/threshold.h"
#include "guard.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void what_is_written_is_what_is_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum threshold_subject subject;
        double quantile, limit;
        bool fails_below, fails_at;
    } cases[] = {
        {"p99>20ms", THRESHOLD_RESPONSE, 0.99, 20e6, false, false},
        {" p99 >= 20ms ", THRESHOLD_RESPONSE, 0.99, 20e6, false, true},
        {"p99.9>1.5s", THRESHOLD_RESPONSE, 0.999, 1.5e9, false, false},
        {"p999>1s", THRESHOLD_RESPONSE, 0.999, 1e9, false, false},
        {"p9999>1s", THRESHOLD_RESPONSE, 0.9999, 1e9, false, false},
        {"p5>1us", THRESHOLD_RESPONSE, 0.05, 1e3, false, false},
        {"p100>1h", THRESHOLD_RESPONSE, 1, 3600e9, false, false},
        {"max>100ns", THRESHOLD_RESPONSE, 1, 100, false, false},
        {"response.p50>2m", THRESHOLD_RESPONSE, 0.5, 120e9, false, false},
        {"service.p50>5ms", THRESHOLD_SERVICE, 0.5, 5e6, false, false},
        {"send_lag.max>5ms", THRESHOLD_SEND_LAG, 1, 5e6, false, false},
        {"errors>0.1%", THRESHOLD_ERRORS_SHARE, 0, 0.001, false, false},
        {"errors>0", THRESHOLD_ERRORS, 0, 0, false, false},
        {"errors>=10", THRESHOLD_ERRORS, 0, 10, false, true},
        {"rate<0.99", THRESHOLD_RATE_SHARE, 0, 0.99, true, false},
        {"rate<=99%", THRESHOLD_RATE_SHARE, 0, 0.99, true, true},
        {"rate<900/s", THRESHOLD_RATE, 0, 900, true, false},
        {"rate<900/m", THRESHOLD_RATE, 0, 15, true, false},
        /* k6: what must hold. */
        {"p(99)<800", THRESHOLD_RESPONSE, 0.99, 800e6, false, true},
        {"p(99.9) <= 0.5", THRESHOLD_RESPONSE, 0.999, 0.5e6, false, false},
        {"service.p(95)<2s", THRESHOLD_SERVICE, 0.95, 2e9, false, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct threshold t;
        struct threshold_error error;
        struct guard guard;
        size_t bytes = strlen(cases[i].text);
        guard_open(&guard, bytes);
        struct ringsend_bytes text = {guard_put(&guard, cases[i].text, bytes), bytes};
        if (!threshold_parse(text, &t, &error))
            fail_msg("%s: column %zu: %s", cases[i].text, error.column, error.says);
        assert_int_equal(t.subject, cases[i].subject);
        assert_true(fabs(t.quantile - cases[i].quantile) < 1e-12);
        assert_true(fabs(t.limit - cases[i].limit) <= cases[i].limit * 1e-12);
        assert_int_equal(t.fails_below, cases[i].fails_below);
        assert_int_equal(t.fails_at, cases[i].fails_at);
        assert_true(span_equal(t.text, text));
        guard_close(&guard);
    }
}

static void what_is_wrong_is_told_by_its_column(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t column;
        const char *says;
    } cases[] = {
        {"", 1, "p99, max, errors or rate"},
        {"  ", 1, "p99, max, errors or rate"},
        {"latency>2ms", 1, "p99, max, errors or rate"},
        {"service.errors>2", 9, "p99, max"},
        {"px>2ms", 2, "percentile"},
        {"p>2ms", 2, "percentile"},
        {"p99.>2ms", 2, "percentile"},
        {"p9.9.9>2ms", 2, "percentile"},
        {"p0>2ms", 2, "above 0"},
        {"p100.5>2ms", 2, "up to 100"},
        {"p100.1>2ms", 2, "up to 100"},
        {"p101>2ms", 2, "up to 100"},
        {"p200>2ms", 2, "up to 100"},
        {"p975>2ms", 2, "up to 100"},
        {"p1000>2ms", 2, "up to 100"},
        {"p-1>2ms", 2, "above 0 and up to 100"},
        {"p(101)<2ms", 3, "up to 100"},
        {"service.p101>2ms", 10, "up to 100"},
        {"p(99>2ms", 5, ")"},
        {"p99", 4, "comparison"},
        {"p99=2ms", 4, "comparison"},
        {"p99<20ms", 4, "for being good"},
        {"errors<1%", 7, "for being good"},
        {"rate>0.99", 5, "for being good"},
        {"p(99)>800", 6, "what must hold"},
        {"p99>", 5, "a time is expected"},
        {"p99>fast", 5, "a time is expected"},
        {"p99>-2ms", 5, "a time is expected"},
        {"p99>20", 7, "a unit"},
        {"p99>20 ms", 7, "unit"},
        {"p99>20msec", 7, "unit"},
        {"p99>20ms,p50>1ms", 7, "unit"},
        {"errors>x", 8, "a number or a share"},
        {"errors>0.5", 8, "written with %"},
        {"errors>101%", 8, "at most 100%"},
        {"errors>10 errors>1", 10, "nothing is expected"},
        {"rate<1.5", 6, "at most 1"},
        {"rate<900", 6, "900/s"},
        {"rate<x", 6, "a share or a rate"},
        {"rate<900/x", 9, "900/s"},
        {"rate<0.9 1", 9, "nothing is expected"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct threshold t = {.limit = 7};
        struct threshold_error error;
        if (threshold_parse(span_of(cases[i].text), &t, &error))
            fail_msg("\"%s\" was taken", cases[i].text);
        if (error.column != cases[i].column || !strstr(error.says, cases[i].says))
            fail_msg("\"%s\": column %zu: %s", cases[i].text, error.column, error.says);
        assert_true(t.limit == 7); /* untouched */
    }
}

static struct threshold_outcome check(const struct figures *f, const char *text)
{
    struct threshold t;
    struct threshold_error error;
    assert_true(threshold_parse(span_of(text), &t, &error));
    return threshold_check(&t, f);
}

/* 1000 responses in 10 s of 110 a second asked for, from 1 to 1000 ms; 4 with status 500, and 6
 * errors. */
static void fill(struct figures *f)
{
    assert_true(figures_init(f));
    f->settings.open_loop = true;
    f->settings.rate = 110;
    f->elapsed_ns = 10000000000;
    f->requests = f->in_time = 1000;
    f->ok = 996;
    f->errors_count = 6;
    for (uint64_t i = 1; i <= 1000; i++) {
        histogram_add(&f->response_ns, i * 1000000);
        histogram_add(&f->service_ns, i * 100000);
        histogram_add(&f->send_lag_ns, 1024);
    }
}

static void a_run_fails_when_the_condition_is_true(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double value;
        bool failed;
    } cases[] = {
        {"p50>499ms", 500e6, true},
        {"p50>501ms", 500e6, false},
        {"max>999ms", 1000e6, true},
        {"max>=1s", 1000e6, true},
        {"max>1s", 1000e6, false},
        {"p(100)<1000", 1000e6, true},
        {"p(100)<=1000", 1000e6, false},
        {"p(50)<502", 500e6, false},
        {"service.p50>49ms", 50e6, true},
        {"service.p50>51ms", 50e6, false},
        {"send_lag.p99>1us", 1024, true},
        {"send_lag.p99>1.1us", 1024, false},
        {"errors>9", 10, true},
        {"errors>10", 10, false},
        {"errors>0.9%", 10 / 1006.0, true},
        {"errors>1%", 10 / 1006.0, false},
        {"rate<101/s", 100, true},
        {"rate<100/s", 100, false},
        {"rate<0.99", 100 / 110.0, true},
        {"rate<0.9", 100 / 110.0, false},
    };
    struct figures f;
    fill(&f);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct threshold_outcome outcome = check(&f, cases[i].text);
        assert_true(outcome.measured);
        if (fabs(outcome.value - cases[i].value) > cases[i].value * 0.001)
            fail_msg("%s: %g", cases[i].text, outcome.value);
        if (outcome.failed != cases[i].failed)
            fail_msg("%s: %s", cases[i].text, outcome.failed ? "failed" : "passed");
    }
    figures_free(&f);
}

static void a_run_without_responses_does_not_pass_for_a_fast_one(void **state)
{
    (void)state;
    struct figures f;
    assert_true(figures_init(&f));
    struct threshold_outcome outcome = check(&f, "p99>20ms");
    assert_true(outcome.failed && !outcome.measured);
    assert_true(check(&f, "p(99)<800").failed);
    assert_true(check(&f, "rate<0.99").failed);
    assert_false(check(&f, "errors>0").failed);
    figures_free(&f);
}

/* Half of the requests never started: with what they had waited, as lower bounds. */
static void what_never_started_is_in_the_percentiles(void **state)
{
    (void)state;
    struct figures f;
    assert_true(figures_init(&f));
    histogram_add_many(&f.response_ns, 1000000, 500);
    assert_false(check(&f, "p99>500ms").failed || check(&f, "p99>500ms").at_least);
    histogram_add_many(&f.response_ns, 2000000000, 500);
    histogram_add_many(&f.response_bounds_ns, 2000000000, 500);
    struct threshold_outcome outcome = check(&f, "p99>500ms");
    assert_true(outcome.failed && outcome.measured && outcome.at_least);
    outcome = check(&f, "p50>500ms");
    assert_false(outcome.failed || outcome.at_least);
    outcome = check(&f, "p99>3s");
    assert_true(!outcome.failed && outcome.at_least);
    histogram_clear(&f.response_ns); /* nothing else came */
    histogram_add_many(&f.response_ns, 2000000000, 500);
    outcome = check(&f, "p99>3s");
    assert_true(outcome.failed && outcome.measured && outcome.at_least);
    figures_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_what_is_read),
        cmocka_unit_test(what_is_wrong_is_told_by_its_column),
        cmocka_unit_test(a_run_fails_when_the_condition_is_true),
        cmocka_unit_test(a_run_without_responses_does_not_pass_for_a_fast_one),
        cmocka_unit_test(what_never_started_is_in_the_percentiles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
