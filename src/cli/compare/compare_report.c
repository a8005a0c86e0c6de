/* For people: the two sides in columns, the differences with their intervals, a verdict in a
 * sentence, and what the verdict rests on. Of steps a row each, and the sentence where there is
 * something to say. */
#include "cli/compare/compare_report.h"

#include "cli/compare/compare_words.h"
#include "cli/terminal.h"
#include "cli/units.h"

#include <stdlib.h>

/* ---- pairs ---- */

static struct compare_side side_of(const struct side *side)
{
    return (struct compare_side){.runs = side->runs,
                                 .bounds = side->bounds,
                                 .runs_count = side->runs_count,
                                 .counts = side->errors_known ? side->counts : NULL};
}

static bool add_pair(struct compare_report *r, size_t a, size_t b)
{
    struct compare_pair *pair = &r->pairs[r->pairs_count++];
    const struct compare_side of_a = side_of(&r->sides->all[a]), of_b = side_of(&r->sides->all[b]);
    *pair = (struct compare_pair){.a = a, .b = b};
    return compare_sides(&of_a, &of_b, r->tolerance, &pair->comparison);
}

static void add_lone(struct compare_report *r, size_t side, size_t other)
{
    r->lone[r->lone_count++] = (struct compare_lone){side, other};
}

/* The steps of the first file against those of the one that begins with side `first`. */
static bool add_steps(struct compare_report *r, size_t first)
{
    for (size_t a = 0; sides_is_of(r->sides, a, 0); a++) {
        size_t b = sides_find_step(r->sides, first, r->sides->all[a].rate);
        if (b == SIDES_NONE)
            add_lone(r, a, first);
        else if (!add_pair(r, a, b))
            return false;
    }
    for (size_t b = first; sides_is_of(r->sides, b, first); b++) {
        if (sides_find_step(r->sides, 0, r->sides->all[b].rate) == SIDES_NONE)
            add_lone(r, b, 0);
    }
    return true;
}

static bool add_all(struct compare_report *r)
{
    const struct sides *sides = r->sides;
    bool done = true;
    for (size_t b = 1; done && b < sides->count; b++) {
        if (sides->all[0].rate == 0)
            done = add_pair(r, 0, b);
        else if (sides->all[b].first == b)
            done = add_steps(r, b);
    }
    return done;
}

bool compare_report_init(struct compare_report *report, const struct sides *sides, double tolerance)
{
    *report = (struct compare_report){.sides = sides, .tolerance = tolerance};
    /* A step of the first file has a pair, or is a lone one, once for each other file. */
    size_t most = 1;
    for (size_t i = 0; i < sides->count; i++)
        most += 1 + (sides->all[i].first == i) * sides->count;
    report->pairs = calloc(most, sizeof *report->pairs);
    report->lone = calloc(most, sizeof *report->lone);
    bool done = report->pairs && report->lone && add_all(report);
    if (!done)
        compare_report_free(report);
    return done;
}

void compare_report_free(struct compare_report *report)
{
    free(report->pairs);
    free(report->lone);
    report->pairs = NULL;
    report->lone = NULL;
    report->pairs_count = report->lone_count = 0;
}

static void print_verdict(FILE *out, enum compare_verdict verdict)
{
    const char *style = verdict == COMPARE_WORSE       ? TERMINAL_RED
                        : verdict == COMPARE_UNDECIDED ? TERMINAL_YELLOW
                                                       : TERMINAL_GREEN;
    fprintf(out, "%s%s%s", terminal_style(fileno(out), style), compare_verdict_names[verdict],
            terminal_style(fileno(out), TERMINAL_PLAIN));
}

static enum compare_verdict worst_of(const struct compare_pair *pairs, size_t count)
{
    static const enum compare_verdict by_weight[] = {COMPARE_WORSE, COMPARE_UNDECIDED, COMPARE_SAME,
                                                     COMPARE_BETTER};
    for (size_t i = 0; i < sizeof by_weight / sizeof by_weight[0]; i++) {
        for (size_t pair = 0; pair < count; pair++) {
            if (pairs[pair].comparison.verdict == by_weight[i])
                return by_weight[i];
        }
    }
    return COMPARE_UNDECIDED;
}

enum compare_verdict compare_worst(const struct compare_report *report)
{
    return worst_of(report->pairs, report->pairs_count);
}

/* ---- one pair ---- */

static uint64_t times_of(const struct side *side)
{
    uint64_t times = 0;
    for (size_t i = 0; i < side->runs_count; i++)
        times += side->runs[i].count;
    return times;
}

static void print_side(FILE *out, char letter, const struct side *side)
{
    fprintf(out, "  %c  %s: %zu run%s, %llu response times\n", letter, side->name, side->runs_count,
            plural(side->runs_count), (unsigned long long)times_of(side));
    if (side->never_started > 0)
        fprintf(out, "     %llu requests never started: their waits are lower bounds\n",
                (unsigned long long)side->never_started);
}

static void print_quantile(FILE *out, const char *name, const struct compare_quantile *q)
{
    struct units_text interval = compare_quantile_interval(q);
    fprintf(out, "  %-8s%12s%12s%12s   %s%s%s\n", name,
            compare_time_text(q->a_ns.value, q->a_at_least).chars,
            compare_time_text(q->b_ns.value, q->b_at_least).chars,
            compare_quantile_difference(q).chars, interval.chars, interval.chars[0] ? "  " : "",
            compare_verdict_names[q->verdict]);
}

static void print_other(FILE *out, const char *name, const struct side *a, const struct side *b,
                        double fraction)
{
    fprintf(out, "  %-8s%12s%12s\n", name, compare_percentile_text(a, fraction).chars,
            compare_percentile_text(b, fraction).chars);
}

static void print_pair(FILE *out, const struct comparison *c, const struct side *a,
                       const struct side *b, double tolerance)
{
    print_side(out, 'A', a);
    print_side(out, 'B', b);
    fprintf(out, "  %-8s%12s%12s%12s%s\n", "", "A", "B", "difference",
            c->by_runs ? "   95 % interval" : "");
    print_quantile(out, "p50", &c->p50);
    print_other(out, "p90", a, b, 0.9);
    print_quantile(out, "p99", &c->p99);
    print_other(out, "p99.9", a, b, 0.999);
    print_other(out, "max", a, b, 1);
    if (c->errors.known)
        fprintf(out, "  %-8s%12s%12s%12s   %s%s%s\n", "failed", share_text(c->errors.a_share).chars,
                share_text(c->errors.b_share).chars, "",
                c->by_runs ? compare_chance_text(c->errors.runs.p).chars : "",
                c->by_runs ? "  " : "", compare_verdict_names[c->errors.verdict]);
    print_verdict(out, c->verdict);
    fputs(": ", out);
    compare_say_verdict(out, c, tolerance);
    compare_say_grounds(out, c, a, b, "\n  ");
    fputc('\n', out);
}

/* ---- steps ---- */

static void print_file(FILE *out, char letter, const struct sides *sides, size_t first)
{
    size_t steps = 0;
    uint64_t times = 0;
    for (size_t i = first; sides_is_of(sides, i, first); i++, steps++)
        times += times_of(&sides->all[i]);
    fprintf(out, "  %c  %s: %zu step%s, %llu response times\n", letter, sides->all[first].name,
            steps, plural(steps), (unsigned long long)times);
}

static void print_step_quantile(FILE *out, const struct compare_quantile *q)
{
    fprintf(out, "%9s%9s%8s", compare_time_text(q->a_ns.value, q->a_at_least).chars,
            compare_time_text(q->b_ns.value, q->b_at_least).chars,
            compare_quantile_difference(q).chars);
}

static void print_steps_table(FILE *out, const struct sides *sides,
                              const struct compare_pair *pairs, size_t count)
{
    fprintf(out, "  %8s%9s%9s%8s%9s%9s%8s%8s%8s\n", "rate", "p50 A", "p50 B", "diff", "p99 A",
            "p99 B", "diff", "fail A", "fail B");
    for (size_t i = 0; i < count; i++) {
        const struct comparison *c = &pairs[i].comparison;
        fprintf(out, "  %8s", rate_text(sides->all[pairs[i].a].rate).chars);
        print_step_quantile(out, &c->p50);
        print_step_quantile(out, &c->p99);
        fprintf(out, "%8s%8s  %s\n", share_text(c->errors.a_share).chars,
                share_text(c->errors.b_share).chars, compare_verdict_names[c->verdict]);
    }
}

static void print_lone(FILE *out, const struct compare_report *report, size_t first)
{
    const struct sides *sides = report->sides;
    size_t said = SIDES_NONE; /* the file without */
    for (size_t i = 0; i < report->lone_count; i++) {
        const struct compare_lone *lone = &report->lone[i];
        const struct side *side = &sides->all[lone->side];
        if (lone->other != first && side->first != first)
            continue;
        fprintf(out, "%s%s",
                lone->other == said    ? ", "
                : lone->other == first ? "  only in A: "
                : said == SIDES_NONE   ? "  only in B: "
                                       : "\n  only in B: ",
                rate_text(side->rate).chars);
        said = lone->other;
    }
    if (said != SIDES_NONE)
        fputc('\n', out);
}

static void print_steps_verdict(FILE *out, const struct compare_report *report,
                                const struct compare_pair *pairs, size_t count)
{
    size_t counts[COMPARE_UNDECIDED + 1] = {0};
    for (size_t i = 0; i < count; i++)
        counts[pairs[i].comparison.verdict]++;
    print_verdict(out, worst_of(pairs, count));
    fprintf(out, ": of %zu rate%s", count, plural(count));
    for (size_t i = 0, said = 0; i <= COMPARE_UNDECIDED; i++) {
        if (counts[i] > 0)
            fprintf(out, "%s %zu %s", said++ == 0 ? ":" : ",", counts[i], compare_verdict_names[i]);
    }
    for (size_t i = 0; i < count; i++) {
        if (pairs[i].comparison.verdict == COMPARE_SAME)
            continue;
        fprintf(out, "\n  %s: ", rate_text(report->sides->all[pairs[i].a].rate).chars);
        compare_say_verdict(out, &pairs[i].comparison, report->tolerance);
    }
}

/* The first file's steps against those of the file that begins with side `first`. */
static void print_steps(FILE *out, const struct compare_report *report, size_t first,
                        const struct compare_pair *pairs, size_t count)
{
    const struct sides *sides = report->sides;
    bool by_runs = true;
    size_t a_slow = 0, b_slow = 0;
    for (size_t i = 0; i < count; i++) {
        by_runs &= pairs[i].comparison.by_runs;
        a_slow += sides->all[pairs[i].a].slow;
        b_slow += sides->all[pairs[i].b].slow;
    }
    print_file(out, 'A', sides, 0);
    print_file(out, 'B', sides, first);
    print_steps_table(out, sides, pairs, count);
    print_lone(out, report, first);
    print_steps_verdict(out, report, pairs, count);
    compare_say_basis(out, by_runs, "\n  ");
    compare_say_slow(out, a_slow, b_slow, "\n  ");
    fputc('\n', out);
}

/* ---- all ---- */

void compare_print(FILE *out, const struct compare_report *report)
{
    const struct sides *sides = report->sides;
    for (size_t i = 0, next; i < report->pairs_count; i = next) {
        const struct compare_pair *pair = &report->pairs[i];
        size_t first = sides->all[pair->b].first;
        next = i + 1;
        if (i > 0)
            fputc('\n', out);
        if (sides->all[0].rate == 0) {
            print_pair(out, &pair->comparison, &sides->all[pair->a], &sides->all[pair->b],
                       report->tolerance);
            continue;
        }
        while (next < report->pairs_count && sides->all[report->pairs[next].b].first == first)
            next++;
        print_steps(out, report, first, pair, next - i);
    }
}
