#include "cli/compare/compare_words.h"

#include "bench/figures.h"

#include <math.h>

const char *const compare_verdict_names[] = {
    [COMPARE_SAME] = "same",
    [COMPARE_BETTER] = "better",
    [COMPARE_WORSE] = "worse",
    [COMPARE_UNDECIDED] = "undecided",
};

/* "+27.5 %" of the ratio 1.275; "any" when nothing bounds it. */
struct units_text compare_difference_text(double ratio)
{
    if (isinf(ratio))
        return (struct units_text){"any"};
    struct units_text text = share_text(fabs(ratio - 1)), signed_text;
    snprintf(signed_text.chars, sizeof signed_text.chars, "%c%.30s", ratio >= 1 ? '+' : '-',
             text.chars);
    return signed_text;
}

static bool has_both(const struct compare_quantile *q)
{
    return q->a_ns.value > 0 && q->b_ns.value > 0;
}

struct units_text compare_quantile_difference(const struct compare_quantile *q)
{
    return has_both(q) ? compare_difference_text(q->ratio.value) : (struct units_text){"-"};
}

struct units_text compare_quantile_interval(const struct compare_quantile *q)
{
    struct units_text text = {""};
    if (has_both(q) && !isnan(q->ratio.low))
        snprintf(text.chars, sizeof text.chars, "%.13s to %.13s",
                 compare_difference_text(q->ratio.low).chars,
                 compare_difference_text(q->ratio.high).chars);
    return text;
}

struct units_text compare_chance_text(double p)
{
    struct units_text text;
    snprintf(text.chars, sizeof text.chars, p < 0.001 ? "p < 0.001" : "p = %.3f", p);
    return text;
}

struct units_text compare_time_text(double ns, bool at_least)
{
    struct units_text text = {"-"};
    if (ns > 0)
        snprintf(text.chars, sizeof text.chars, "%s%.29s", at_least ? ">=" : "",
                 duration_text((uint64_t)ns).chars);
    return text;
}

struct units_text compare_percentile_text(const struct side *side, double fraction)
{
    struct histogram all, bounds;
    struct units_text text = {""};
    if (side_merge(side, &all, &bounds))
        text = compare_time_text((double)histogram_quantile(&all, fraction),
                                 figures_is_bound(&all, &bounds, fraction));
    histogram_free(&all);
    histogram_free(&bounds);
    return text;
}

static void say_quantile(FILE *out, const char *name, const struct compare_quantile *q)
{
    fprintf(out, "%s by %s%s", name, q->b_at_least && q->ratio.value > 1 ? "at least " : "",
            compare_difference_text(q->ratio.value).chars);
    if (!isnan(q->ratio.low))
        fprintf(out, " (%s to %s)", compare_difference_text(q->ratio.low).chars,
                compare_difference_text(q->ratio.high).chars);
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

void compare_say_verdict(FILE *out, const struct comparison *c, double tolerance)
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
    fputs("it cannot be told", out);
    if (!c->p50.enough || !c->p99.enough) {
        fprintf(out,
                ", too few requests for p99, which needs %d above it on each side (ringsend "
                "bench -n %d)",
                COMPARE_TAIL_MIN, COMPARE_TAIL_MIN * 150);
        return;
    }
    fputs(c->by_runs ? ", " : " from so few runs: ", out);
    say_quantiles(out, c, COMPARE_UNDECIDED);
    if (c->by_runs)
        fputs("; more or longer runs would tell", out);
}

void compare_say_basis(FILE *out, bool by_runs, const char *start)
{
    if (by_runs)
        fprintf(out, "%sJudged by runs.", start);
    else
        fprintf(
            out,
            "%sRequests of one run are not independent of each other, however many: without %d "
            "runs%sa side (ringsend bench --repeat %d) there is a verdict only on what is %g times "
            "as much.",
            start, COMPARE_RUNS_MIN, start, COMPARE_RUNS_MIN, COMPARE_GROSS);
}

void compare_say_slow(FILE *out, size_t a_slow, size_t b_slow, const char *start)
{
    if (a_slow + b_slow > 0)
        fprintf(out,
                "%sThe machine that measured was too slow in %zu of A's runs and %zu of B's: part "
                "of%stheir times is its own.",
                start, a_slow, b_slow, start);
}

void compare_say_grounds(FILE *out, const struct comparison *c, const struct side *a,
                         const struct side *b, const char *start)
{
    if (c->by_runs)
        fprintf(out, "%sJudged by runs, %zu and %zu: rank test of their p50 %s, of their p99 %s.",
                start, a->runs_count, b->runs_count, compare_chance_text(c->p50.runs.p).chars,
                compare_chance_text(c->p99.runs.p).chars);
    else
        compare_say_basis(out, false, start);
    fprintf(out, "%sA request of B is slower than one of A in %s of cases.", start,
            share_text(c->b_larger).chars);
    compare_say_slow(out, a->slow, b->slow, start);
}
