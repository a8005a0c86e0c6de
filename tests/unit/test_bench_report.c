/* The report of a benchmark: JSON that holds whatever texts it is given, a histogram in text that
 * leaves nothing out, units that people would write. */
#include "base/json.h"
#include "base/random.h"
#include "base/span.h"
#include "cli/bench/bench_report.h"
#include "cli/bench/live_view.h"
#include "cli/bench/threshold_words.h"
#include "cli/json_out.h"
#include "cli/units.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void times_are_written_as_people_do(void **state)
{
    (void)state;
    static const struct {
        uint64_t ns;
        const char *text;
    } cases[] = {
        {0, "0 ns"},
        {1, "1 ns"},
        {999, "999 ns"},
        {1000, "1 us"},
        {1530, "1.53 us"},
        {15300, "15.3 us"},
        {153400, "153 us"},
        {999400, "999 us"},
        {999600, "1.00 ms"},
        {1000000, "1 ms"},
        {2500000000, "2.50 s"},
        {59980000000, "1.00 min"},
        {90000000000, "1.50 min"},
        {7200000000000, "2 h"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_string_equal(duration_text(cases[i].ns).chars, cases[i].text);
    assert_string_equal(bytes_text(999999).chars, "1.00 MB");
    assert_string_equal(share_text(0).chars, "0 %");
    assert_string_equal(share_text(0.00001).chars, "<0.01 %");
    assert_string_equal(share_text(0.123).chars, "12.3 %");
    assert_string_equal(share_text(1).chars, "100 %");
}

static void two_amounts_are_told_apart(void **state)
{
    (void)state;
    assert_string_equal(duration_text_beside(25040000, 25000000).chars, "25.04 ms");
    assert_string_equal(duration_text_beside(25000000, 25040000).chars, "25.00 ms");
    assert_string_equal(duration_text_beside(21900000, 25000000).chars, "21.9 ms");
    assert_string_equal(duration_text_beside(999999999, 1000000000).chars, "0.999999999 s");
    assert_string_equal(rate_text_beside(4999.7, 5000).chars, "4999.7");
    assert_string_equal(share_text_beside(0.9996, 1).chars, "99.96 %");
    assert_string_equal(share_text_beside(0.00004, 0.00001).chars, "0.004 %");
    assert_string_equal(share_text_beside(0.00001, 0.001).chars, "<0.01 %");
}

static void assert_says(const char *condition, struct threshold_outcome outcome, const char *says)
{
    struct threshold t;
    struct threshold_error error;
    char words[THRESHOLD_WORDS_BYTES];
    assert_true(threshold_parse(span_of(condition), &t, &error));
    threshold_words(words, sizeof words, &t, &outcome);
    assert_string_equal(words, says);
}

static void a_verdict_says_what_was_found_and_what_was_asked(void **state)
{
    (void)state;
    const struct {
        const char *condition;
        double value;
        bool failed;
        const char *says;
    } cases[] = {
        {"p99>25ms", 21.9e6, false, "p99 21.9 ms, not above 25 ms: passed"},
        {"p99>25ms", 27e6, true, "p99 27 ms, above 25 ms: FAILED"},
        {"max>=2s", 2e9, true, "max 2 s, not below 2 s: FAILED"},
        {"max>=2s", 1e9, false, "max 1 s, below 2 s: passed"},
        {"service.p99.9 > 5ms", 5.001e6, true, "service.p99.9 5.001 ms, above 5.000 ms: FAILED"},
        {"send_lag.p50>1us", 800, false, "send_lag.p50 800 ns, not above 1 us: passed"},
        {"p(99)<800", 812e6, true, "p(99) 812 ms, not below 800 ms: FAILED"},
        {"p(99)<800", 700e6, false, "p(99) 700 ms, below 800 ms: passed"},
        {"p(95)<=0.5", 0.4e6, false, "p(95) 400 us, not above 500 us: passed"},
        {"errors>0", 0, false, "errors 0, not above 0: passed"},
        {"errors>=10", 12, true, "errors 12, not below 10: FAILED"},
        {"errors>0.1%", 0.005, true, "errors 0.50 %, above 0.10 %: FAILED"},
        {"rate<900/s", 850, true, "rate 850 a second, below 900 a second: FAILED"},
        {"rate<=900/s", 901, false, "rate 901 a second, above 900 a second: passed"},
        {"rate<99%", 0.996, false, "rate 99.6 % of that asked for, not below 99 %: passed"},
        {"rate<=0.99", 0.99, true, "rate 99 % of that asked for, not above 99 %: FAILED"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_says(cases[i].condition,
                    (struct threshold_outcome){
                        .failed = cases[i].failed, .measured = true, .value = cases[i].value},
                    cases[i].says);
    assert_says("p99>2s", (struct threshold_outcome){true, true, 3e9, true},
                "p99 at least 3 s, above 2 s: FAILED");
    assert_says("p99>2s", (struct threshold_outcome){false, true, 1e9, true},
                "p99 at least 1 s, not known to be above 2 s: passed");
    assert_says("p99>2s", (struct threshold_outcome){true, true, 1e9, true},
                "p99 at least 1 s, as every request was given up or never started: FAILED");
    assert_says("p99>2s", (struct threshold_outcome){true, false, 0, false},
                "p99 unknown, as no response came: FAILED");
}

/* What a writer wrote; the caller frees it. */
static char *json_of(const char *text)
{
    char *out = NULL;
    size_t bytes;
    FILE *file = open_memstream(&out, &bytes);
    assert_non_null(file);
    struct json_out j = {.out = file};
    json_words(&j, NULL, text);
    fclose(file);
    return out;
}

static void any_text_is_kept_in_json_and_harmless_in_a_page(void **state)
{
    (void)state;
    static const struct {
        const char *text, *kept;
    } cases[] = {
        {"", ""},
        {"plain", "plain"},
        {"</script><!--", "</script><!--"},
        {"\"\\'&\x01\n\x7f", "\"\\'&\x01\n\x7f"},
        {"h\xc3\xa9 \xe2\x80\xa8 \xf0\x9f\x98\x80", "h\xc3\xa9 \xe2\x80\xa8 \xf0\x9f\x98\x80"},
        {"\xff|\xc3", "\xef\xbf\xbd|\xef\xbf\xbd"},               /* no UTF-8 */
        {"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"}, /* a surrogate */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *out = json_of(cases[i].text), decoded[64];
        struct json j;
        struct json_string string;
        assert_null(strpbrk(out, "<>&'"));
        json_init(&j, span_of(out));
        assert_true(json_string(&j, &string) && json_end(&j));
        size_t bytes = json_decode(string, decoded);
        assert_int_equal(bytes, strlen(cases[i].kept));
        assert_memory_equal(decoded, cases[i].kept, bytes);
        free(out);
    }
}

static struct bench_report report_of(const struct figures *f, enum bench_kind kind)
{
    static const struct figures_environment environment = {.kernel = "</script>\xff"};
    return (struct bench_report){.kind = kind,
                                 .runs = f,
                                 .runs_count = 1,
                                 .environment = &environment,
                                 .command = "ringsend"};
}

__attribute__((noinline)) static char *written(bool (*write)(FILE *, const struct bench_report *),
                                               const struct bench_report *report)
{
    char *out = NULL;
    size_t bytes;
    FILE *file = open_memstream(&out, &bytes);
    assert_non_null(file);
    assert_true(write(file, report));
    fclose(file);
    return out;
}

static void fill(struct figures *f, uint64_t seed)
{
    assert_true(figures_init(f));
    f->settings.target = "http://h/\"<x>\n\xc3";
    f->settings.method = "GET";
    f->elapsed_ns = 1000000000;
    for (uint64_t i = 0; i < seed * 10; i++)
        histogram_add(&f->response_ns,
                      random_at(seed, 2 * i) >> (random_at(seed, 2 * i + 1) % (seed + 1)));
    f->requests = f->in_time = f->response_ns.count;
}

/* Nothing but JSON, with nothing measured and with times of all sizes. */
static void the_report_is_json(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 60; seed += 7) {
        for (enum bench_kind kind = BENCH_RUN; kind <= BENCH_REPEAT; kind++) {
            struct figures f;
            fill(&f, seed);
            struct bench_report report = report_of(&f, kind);
            char *text = written(bench_write_json, &report);
            struct json j;
            json_init(&j, span_of(text));
            assert_true(json_skip(&j, NULL) && json_end(&j));
            free(text);
            free(written(bench_write_csv, &report));
            free(written(bench_write_hlog, &report));
            figures_free(&f);
        }
    }
}

/* Adds up the shares of the histogram's lines; each is rounded to three digits. */
static double shares(const char *text, unsigned *lines)
{
    static const char start[] = "response time from\n";
    double sum = 0;
    const char *line = strstr(text, start);
    assert_non_null(line);
    *lines = 0;
    for (line += sizeof start - 1; strncmp(line, "  connections", 13) != 0;) {
        const char *percent = strchr(line, '%'), *end = strchr(line, '\n');
        assert_true(percent && end && percent < end && end - line <= 80);
        const char *number = percent - 1; /* behind a space: " 12.3 %" */
        while (number[-1] != ' ')
            number--;
        sum += *number == '<' ? 0.005 : strtod(number, NULL);
        ++*lines;
        line = end + 1;
    }
    return sum;
}

static bool print(FILE *out, const struct bench_report *report)
{
    bench_print(out, report);
    return true;
}

static void the_histogram_in_text_leaves_nothing_out(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed < 64; seed++) {
        struct figures f;
        unsigned lines;
        fill(&f, seed);
        struct bench_report report = report_of(&f, BENCH_RUN);
        char *text = written(print, &report);
        double sum = shares(text, &lines);
        if (fabs(sum - 100) > 0.5)
            fail_msg("seed %u: %.2f %%", (unsigned)seed, sum);
        assert_in_range(lines, 1, 20);
        free(text);
        figures_free(&f);
    }
}

/* The bucket of a value below a bin's end may reach beyond it. */
static void the_last_bin_takes_what_is_left(void **state)
{
    (void)state;
    struct figures f;
    unsigned lines;
    fill(&f, 0);
    histogram_add(&f.response_ns, 100000000);
    histogram_add(&f.response_ns, 999999999);
    struct bench_report report = report_of(&f, BENCH_RUN);
    char *text = written(print, &report);
    assert_true(fabs(shares(text, &lines) - 100) < 0.5);
    free(text);
    figures_free(&f);
}

static void nothing_measured_is_no_trouble(void **state)
{
    (void)state;
    struct figures f;
    fill(&f, 0);
    struct bench_report report = report_of(&f, BENCH_RUN);
    char *text = written(print, &report);
    assert_null(strstr(text, "nan"));
    assert_null(strstr(text, "p50"));
    free(text);
    figures_free(&f);
}

static void who_else_had_the_processor_is_reported(void **state)
{
    (void)state;
    struct figures f;
    fill(&f, 1);
    f.late_loop = 3;
    struct bench_report report = report_of(&f, BENCH_RUN);
    char *text = written(print, &report);
    assert_null(strstr(text, "meanwhile"));
    free(text);
    f.waited_share = 0.256;
    f.stolen_share = 0.004;
    text = written(print, &report);
    assert_non_null(strstr(text, "processor for 25.6 %, the hypervisor for 0.40 %"));
    free(text);
    figures_free(&f);
}

/* No line is as long as the terminal is wide, and all fit into it, whatever its size and the names;
 * of these only text is shown. */
static void the_live_view_fits(void **state)
{
    (void)state;
    struct figures f;
    fill(&f, 20);
    f.settings.target = "http://h/\x1b[2J\xc3\xa4\xc2\x9b\xff\xc3\xb6\t";
    f.settings.duration_ns = 10000000000;
    f.settings.open_loop = true;
    const struct live_view view = {
        .settings = &f.settings,
        .seconds = 3,
        .last = {.requests = 100, .p50_ns = 5, .p99_ns = 7, .max_ns = 9, .waiting = 3},
        .requests = 200,
        .bad = 3,
        .times = &f.response_ns};
    for (unsigned columns = 0; columns < 120; columns++) {
        for (unsigned rows = 0; rows < 30; rows++) {
            char *text = NULL, *rest;
            size_t bytes, lines = 0;
            FILE *out = open_memstream(&text, &bytes);
            assert_true(live_view_print(out, &view, columns, rows, false));
            fclose(out);
            for (char *line = strtok_r(text, "\n", &rest); line;
                 line = strtok_r(NULL, "\n", &rest)) {
                char *end = strstr(line, "\x1b[K");
                assert_true(end && !strchr(end + 1, 0x1b) && strlen(end) == 3);
                *end = '\0';
                assert_null(strpbrk(line, "\x1b\t\x9b\xff"));
                assert_true(strlen(line) < (columns > 0 ? columns : 1));
                lines++;
            }
            assert_true(lines == 0 || lines < rows);
            free(text);
        }
    }
    figures_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_live_view_fits),
        cmocka_unit_test(times_are_written_as_people_do),
        cmocka_unit_test(two_amounts_are_told_apart),
        cmocka_unit_test(a_verdict_says_what_was_found_and_what_was_asked),
        cmocka_unit_test(any_text_is_kept_in_json_and_harmless_in_a_page),
        cmocka_unit_test(the_report_is_json),
        cmocka_unit_test(the_histogram_in_text_leaves_nothing_out),
        cmocka_unit_test(the_last_bin_takes_what_is_left),
        cmocka_unit_test(nothing_measured_is_no_trouble),
        cmocka_unit_test(who_else_had_the_processor_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
