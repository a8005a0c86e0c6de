/* Tables for a pull request: one a pair, or, of steps, one a file. */
#include "cli/compare/compare_report.h"
#include "cli/compare/compare_words.h"
#include "cli/markdown.h"

static void put_side(FILE *out, char letter, const struct side *side)
{
    fprintf(out, "%c: ", letter);
    markdown_code(out, side->name, false);
    fprintf(out, ", %zu run%s  \n", side->runs_count, plural(side->runs_count));
}

static void put_quantile(FILE *out, const char *name, const struct compare_quantile *q)
{
    fprintf(out, "| %s | %s | %s | %s | %s | %s |\n", name,
            compare_time_text(q->a_ns.value, q->a_at_least).chars,
            compare_time_text(q->b_ns.value, q->b_at_least).chars,
            compare_quantile_difference(q).chars, compare_quantile_interval(q).chars,
            compare_verdict_names[q->verdict]);
}

static void put_other(FILE *out, const char *name, const struct side *a, const struct side *b,
                      double fraction)
{
    fprintf(out, "| %s | %s | %s | | | |\n", name, compare_percentile_text(a, fraction).chars,
            compare_percentile_text(b, fraction).chars);
}

static void put_verdict(FILE *out, const struct comparison *c, double tolerance)
{
    fprintf(out, "**%s**: ", compare_verdict_names[c->verdict]);
    compare_say_verdict(out, c, tolerance);
}

static void put_pair(FILE *out, const struct comparison *c, const struct side *a,
                     const struct side *b, double tolerance)
{
    put_side(out, 'A', a);
    put_side(out, 'B', b);
    fputs("\n| | A | B | difference | 95 % interval | verdict |\n|---|---:|---:|---:|---|---|\n",
          out);
    put_quantile(out, "p50", &c->p50);
    put_other(out, "p75", a, b, 0.75);
    put_other(out, "p90", a, b, 0.9);
    put_other(out, "p95", a, b, 0.95);
    put_quantile(out, "p99", &c->p99);
    put_other(out, "p99.9", a, b, 0.999);
    put_other(out, "max", a, b, 1);
    if (c->errors.known)
        fprintf(out, "| failed | %s | %s | | %s | %s |\n", share_text(c->errors.a_share).chars,
                share_text(c->errors.b_share).chars,
                c->by_runs ? compare_chance_text(c->errors.runs.p).chars : "",
                compare_verdict_names[c->errors.verdict]);
    fputc('\n', out);
    put_verdict(out, c, tolerance);
    compare_say_grounds(out, c, a, b, "\n");
    fputs("\n\n", out);
}

static void put_step(FILE *out, const struct comparison *c, const struct side *a, double tolerance)
{
    fprintf(out, "| %s |", rate_text(a->rate).chars);
    for (int i = 0; i < 2; i++) {
        const struct compare_quantile *q = i == 0 ? &c->p50 : &c->p99;
        fprintf(out, " %s | %s | %s |", compare_time_text(q->a_ns.value, q->a_at_least).chars,
                compare_time_text(q->b_ns.value, q->b_at_least).chars,
                compare_quantile_difference(q).chars);
    }
    fprintf(out, " %s | %s | ", share_text(c->errors.a_share).chars,
            share_text(c->errors.b_share).chars);
    put_verdict(out, c, tolerance);
    fputs(" |\n", out);
}

static void put_steps_head(FILE *out, const struct side *a, const struct side *b)
{
    put_side(out, 'A', a);
    put_side(out, 'B', b);
    fputs(
        "\n| rate | p50 A | p50 B | diff | p99 A | p99 B | diff | failed A | failed B | verdict |\n"
        "|---:|---:|---:|---:|---:|---:|---:|---:|---:|---|\n",
        out);
}

void compare_put_markdown(FILE *out, const struct compare_report *report)
{
    const struct side *sides = report->sides->all;
    for (size_t i = 0; i < report->pairs_count; i++) {
        const struct compare_pair *pair = &report->pairs[i];
        const struct side *a = &sides[pair->a], *b = &sides[pair->b];
        if (a->rate == 0) {
            put_pair(out, &pair->comparison, a, b, report->tolerance);
            continue;
        }
        if (i == 0 || sides[pair[-1].b].first != b->first)
            put_steps_head(out, a, b);
        put_step(out, &pair->comparison, a, report->tolerance);
        if (i + 1 == report->pairs_count || sides[pair[1].b].first != b->first)
            fputc('\n', out);
    }
    for (size_t i = 0; i < report->lone_count; i++) {
        const struct compare_lone *lone = &report->lone[i];
        fprintf(out, "- no step at %s a second: ", rate_text(sides[lone->side].rate).chars);
        markdown_code(out, sides[lone->other].name, false);
        fputc('\n', out);
    }
}

bool compare_write_markdown(FILE *out, const struct compare_report *report)
{
    fprintf(out, "### ringsend compare: %s\n\n", compare_verdict_names[compare_worst(report)]);
    compare_put_markdown(out, report);
    return true;
}
