/* For people: the two sides in columns, the differences with their intervals, a verdict in a
 * sentence, and what the verdict rests on. */
#include "cli/compare_report.h"

#include "bench/hdr.h"
#include "cli/json_out.h"
#include "cli/page.h"
#include "cli/times_json.h"
#include "cli/units.h"

#include <math.h>
#include <stdlib.h>

static const char *const verdict_names[] = {
    [COMPARE_SAME] = "same",
    [COMPARE_BETTER] = "better",
    [COMPARE_WORSE] = "worse",
    [COMPARE_UNDECIDED] = "undecided",
};

bool compare_report_init(struct compare_report *report, const struct sides *sides, double tolerance)
{
    struct compare_side of[2];
    *report = (struct compare_report){.sides = sides, .tolerance = tolerance};
    report->comparisons = calloc(sides->count, sizeof *report->comparisons);
    bool done = report->comparisons != NULL;
    for (size_t b = 1; done && b < sides->count; b++) {
        for (int i = 0; i < 2; i++) {
            const struct side *side = &sides->all[i == 0 ? 0 : b];
            of[i] = (struct compare_side){.runs = side->runs,
                                          .runs_count = side->runs_count,
                                          .errors_known = side->errors_known,
                                          .errors = side->failed,
                                          .requests = side->requests};
        }
        done = compare_sides(&of[0], &of[1], tolerance, &report->comparisons[b - 1]);
    }
    if (!done)
        compare_report_free(report);
    return done;
}

void compare_report_free(struct compare_report *report)
{
    free(report->comparisons);
    report->comparisons = NULL;
}

bool compare_has_worse(const struct compare_report *report)
{
    for (size_t i = 0; i + 1 < report->sides->count; i++) {
        if (report->comparisons[i].verdict == COMPARE_WORSE)
            return true;
    }
    return false;
}

/* ---- words ---- */

/* "+27.5 %" of the ratio 1.275. */
static struct units_text difference_text(double ratio)
{
    struct units_text text = share_text(fabs(ratio - 1)), signed_text;
    snprintf(signed_text.chars, sizeof signed_text.chars, "%c%.30s", ratio >= 1 ? '+' : '-',
             text.chars);
    return signed_text;
}

static struct units_text chance_text(double p)
{
    struct units_text text;
    snprintf(text.chars, sizeof text.chars, p < 0.001 ? "p < 0.001" : "p = %.3f", p);
    return text;
}

static void say_quantile(FILE *out, const char *name, const struct compare_quantile *q)
{
    fprintf(out, "%s by %s (%s to %s)", name, difference_text(q->ratio.value).chars,
            difference_text(q->ratio.low).chars, difference_text(q->ratio.high).chars);
}

static void say_quantiles(FILE *out, const struct comparison *c, enum compare_verdict verdict)
{
    bool p50 = c->p50.verdict == verdict, p99 = c->p99.verdict == verdict;
    if (p50)
        say_quantile(out, "p50", &c->p50);
    if (p99)
        say_quantile(out, p50 ? ", p99" : "p99", &c->p99);
}

static bool has_quantile(const struct comparison *c, enum compare_verdict verdict)
{
    return c->p50.verdict == verdict || c->p99.verdict == verdict;
}

/* One sentence. */
static void say_verdict(FILE *out, const struct comparison *c, double tolerance)
{
    const char *and = "";
    switch (c->verdict) {
    case COMPARE_WORSE:
    case COMPARE_BETTER:
        if (has_quantile(c, c->verdict)) {
            fprintf(out, "%sB is %s, ", c->by_runs ? "" : "in these runs ",
                    c->verdict == COMPARE_WORSE ? "slower" : "faster");
            say_quantiles(out, c, c->verdict);
            and = "; ";
        }
        if (c->errors.verdict == c->verdict)
            fprintf(out, "%s%s of B's requests failed, %s of A's", and,
                    share_text(c->errors.b_share).chars, share_text(c->errors.a_share).chars);
        return;
    case COMPARE_SAME:
        fprintf(out, "no difference beyond the tolerance of %s", share_text(tolerance).chars);
        return;
    case COMPARE_UNDECIDED:
        break;
    }
    fputs("it cannot be told, ", out);
    if (!c->p50.enough || !c->p99.enough) {
        fprintf(out, "too few requests for p99, which needs %d above it on each side",
                COMPARE_TAIL_MIN);
        return;
    }
    say_quantiles(out, c, COMPARE_UNDECIDED);
    fputs("; more or longer runs would tell", out);
}

/* What the verdict rests on, in sentences, each behind `start`. */
static void say_grounds(FILE *out, const struct comparison *c, const struct side *a,
                        const struct side *b, const char *start)
{
    if (c->by_runs)
        fprintf(out, "%sJudged by runs, %zu and %zu: rank test of their p50 %s, of their p99 %s.",
                start, a->runs_count, b->runs_count, chance_text(c->p50.runs.p).chars,
                chance_text(c->p99.runs.p).chars);
    else
        fprintf(out,
                "%sJudged by requests, as if each were independent of the others."
                "%sOther runs may differ by more: with %d a side and up, runs are judged.",
                start, start, COMPARE_RUNS_MIN);
    fprintf(out, "%sA request of B is slower than one of A in %s of cases (rank test, %s).", start,
            share_text(c->requests.b_larger).chars, chance_text(c->requests.p).chars);
    if (a->slow + b->slow > 0)
        fprintf(out,
                "%sThe machine that measured was too slow in %zu of A's runs and %zu of B's: part "
                "of%stheir times is its own.",
                start, a->slow, b->slow, start);
}

/* ---- for people ---- */

static bool merged(const struct side *side, struct histogram *all)
{
    if (!histogram_init(all, HDR_PRECISION))
        return false;
    for (size_t i = 0; i < side->runs_count; i++)
        histogram_merge(all, &side->runs[i]);
    return true;
}

static void print_side(FILE *out, char letter, const struct side *side)
{
    uint64_t responses = 0;
    for (size_t i = 0; i < side->runs_count; i++)
        responses += side->runs[i].count;
    fprintf(out, "  %c  %s: %zu run%s, %llu times\n", letter, side->name, side->runs_count,
            plural(side->runs_count), (unsigned long long)responses);
}

static void print_quantile(FILE *out, const char *name, const struct compare_quantile *q)
{
    fprintf(out, "  %-8s%12s%12s%12s   %s to %s  %s\n", name,
            duration_text((uint64_t)q->a_ns.value).chars,
            duration_text((uint64_t)q->b_ns.value).chars, difference_text(q->ratio.value).chars,
            difference_text(q->ratio.low).chars, difference_text(q->ratio.high).chars,
            verdict_names[q->verdict]);
}

static void print_other(FILE *out, const char *name, const struct side *a, const struct side *b,
                        double fraction)
{
    struct histogram of_a = {0}, of_b = {0};
    if (merged(a, &of_a) && merged(b, &of_b))
        fprintf(out, "  %-8s%12s%12s\n", name,
                duration_text(histogram_quantile(&of_a, fraction)).chars,
                duration_text(histogram_quantile(&of_b, fraction)).chars);
    histogram_free(&of_a);
    histogram_free(&of_b);
}

static void print_pair(FILE *out, const struct comparison *c, const struct side *a,
                       const struct side *b, double tolerance)
{
    print_side(out, 'A', a);
    print_side(out, 'B', b);
    fprintf(out, "  %-8s%12s%12s%12s   95 %% interval\n", "", "A", "B", "difference");
    print_quantile(out, "p50", &c->p50);
    print_other(out, "p90", a, b, 0.9);
    print_quantile(out, "p99", &c->p99);
    print_other(out, "p99.9", a, b, 0.999);
    print_other(out, "max", a, b, 1);
    if (c->errors.known)
        fprintf(out, "  %-8s%12s%12s%12s   %s  %s\n", "failed", share_text(c->errors.a_share).chars,
                share_text(c->errors.b_share).chars, "", chance_text(c->errors.p).chars,
                verdict_names[c->errors.verdict]);
    fprintf(out, "%s: ", verdict_names[c->verdict]);
    say_verdict(out, c, tolerance);
    say_grounds(out, c, a, b, "\n  ");
    fputc('\n', out);
}

void compare_print(FILE *out, const struct compare_report *report)
{
    const struct sides *sides = report->sides;
    for (size_t i = 1; i < sides->count; i++) {
        if (i > 1)
            fputc('\n', out);
        print_pair(out, &report->comparisons[i - 1], &sides->all[0], &sides->all[i],
                   report->tolerance);
    }
}

/* ---- for programs and the page ---- */

static void put_interval(struct json_out *j, const char *key, const struct compare_interval *i,
                         double unit)
{
    json_begin(j, key, '{');
    json_real(j, "value", i->value / unit);
    json_real(j, "low", i->low / unit);
    json_real(j, "high", i->high / unit);
    json_end_with(j, '}');
}

static void put_rank(struct json_out *j, const char *key, const struct rank_test *test)
{
    json_begin(j, key, '{');
    json_real(j, "b_larger", test->b_larger);
    json_real(j, "p", test->p);
    json_flag(j, "exact", test->exact);
    json_end_with(j, '}');
}

static void put_quantile(struct json_out *j, const char *key, const struct compare_quantile *q,
                         bool by_runs)
{
    json_begin(j, key, '{');
    put_interval(j, "a_us", &q->a_ns, 1e3);
    put_interval(j, "b_us", &q->b_ns, 1e3);
    put_interval(j, "ratio", &q->ratio, 1);
    if (by_runs)
        put_rank(j, "runs", &q->runs);
    json_words(j, "verdict", verdict_names[q->verdict]);
    json_end_with(j, '}');
}

/* A sentence for `words`. */
static void put_sentences(struct json_out *j, const struct compare_report *report, size_t b)
{
    const struct comparison *c = &report->comparisons[b - 1];
    for (int i = 0; i < 2; i++) {
        char *text = NULL;
        size_t bytes = 0;
        FILE *out = open_memstream(&text, &bytes);
        if (out && i == 0)
            say_verdict(out, c, report->tolerance);
        else if (out)
            say_grounds(out, c, &report->sides->all[0], &report->sides->all[b], " ");
        j->incomplete |= !out || fclose(out) != 0;
        json_words(j, i == 0 ? "words" : "grounds", text);
        free(text);
    }
}

static void put_comparison(struct json_out *j, const struct compare_report *report, size_t b)
{
    const struct comparison *c = &report->comparisons[b - 1];
    json_begin(j, NULL, '{');
    json_count(j, "a", 0);
    json_count(j, "b", b);
    json_words(j, "verdict", verdict_names[c->verdict]);
    put_sentences(j, report, b);
    json_flag(j, "by_runs", c->by_runs);
    put_quantile(j, "p50", &c->p50, c->by_runs);
    put_quantile(j, "p99", &c->p99, c->by_runs);
    put_rank(j, "requests", &c->requests);
    if (c->errors.known) {
        json_begin(j, "failed", '{');
        json_real(j, "a_share", c->errors.a_share);
        json_real(j, "b_share", c->errors.b_share);
        json_real(j, "p", c->errors.p);
        json_words(j, "verdict", verdict_names[c->errors.verdict]);
        json_end_with(j, '}');
    }
    json_end_with(j, '}');
}

static void put_side(struct json_out *j, const struct side *side)
{
    struct histogram all = {0};
    if (!merged(side, &all)) {
        j->incomplete = true;
        return;
    }
    json_begin(j, NULL, '{');
    json_words(j, "name", side->name);
    json_count(j, "runs", side->runs_count);
    json_quantiles(j, "response_us", &all);
    json_curve(j, "curve", &all);
    json_end_with(j, '}');
    histogram_free(&all);
}

bool compare_write_json(FILE *out, const struct compare_report *report)
{
    struct json_out j = {.out = out};
    json_begin(&j, NULL, '{');
    json_words(&j, "ringsend", "compare");
    json_real(&j, "tolerance", report->tolerance);
    json_begin(&j, "sides", '[');
    for (size_t i = 0; i < report->sides->count; i++)
        put_side(&j, &report->sides->all[i]);
    json_end_with(&j, ']');
    json_begin(&j, "comparisons", '[');
    for (size_t b = 1; b < report->sides->count; b++)
        put_comparison(&j, report, b);
    json_end_with(&j, ']');
    json_end_with(&j, '}');
    fputc('\n', out);
    return !j.incomplete;
}

bool compare_write_html(FILE *out, const struct compare_report *report)
{
    fputs(page_start, out);
    bool complete = compare_write_json(out, report);
    fputs(page_end, out);
    return complete;
}
