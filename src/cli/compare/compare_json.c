/* For programs, and the page. */
#include "base/time.h"
#include "bench/hdr.h"
#include "cli/bench/times_json.h"
#include "cli/compare/compare_report.h"
#include "cli/compare/compare_words.h"
#include "cli/json_out.h"
#include "cli/page.h"

#include <math.h>
#include <stdlib.h>

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
    put_interval(j, "a_us", &q->a_ns, NS_PER_US);
    put_interval(j, "b_us", &q->b_ns, NS_PER_US);
    json_flag(j, "a_at_least", q->a_at_least);
    json_flag(j, "b_at_least", q->b_at_least);
    put_interval(j, "ratio", &q->ratio, 1);
    if (by_runs)
        put_rank(j, "runs", &q->runs);
    json_words(j, "verdict", compare_verdict_names[q->verdict]);
    json_end_with(j, '}');
}

/* A sentence for `words`. */
static void put_sentences(struct json_out *j, const struct compare_report *report,
                          const struct compare_pair *pair)
{
    const struct side *sides = report->sides->all;
    for (int i = 0; i < 2; i++) {
        char *text = NULL;
        size_t bytes = 0;
        FILE *out = open_memstream(&text, &bytes);
        if (out && i == 0)
            compare_say_verdict(out, &pair->comparison, report->tolerance);
        else if (out)
            compare_say_grounds(out, &pair->comparison, &sides[pair->a], &sides[pair->b], " ");
        j->incomplete |= !out || fclose(out) != 0;
        json_words(j, i == 0 ? "words" : "grounds", text);
        free(text);
    }
}

static void put_comparison(struct json_out *j, const struct compare_report *report,
                           const struct compare_pair *pair)
{
    const struct comparison *c = &pair->comparison;
    json_begin(j, NULL, '{');
    json_count(j, "a", pair->a);
    json_count(j, "b", pair->b);
    json_words(j, "verdict", compare_verdict_names[c->verdict]);
    put_sentences(j, report, pair);
    json_flag(j, "by_runs", c->by_runs);
    put_quantile(j, "p50", &c->p50, c->by_runs);
    put_quantile(j, "p99", &c->p99, c->by_runs);
    json_begin(j, "requests", '{');
    json_real(j, "b_larger", c->b_larger);
    json_end_with(j, '}');
    if (c->errors.known) {
        json_begin(j, "failed", '{');
        json_real(j, "a_share", c->errors.a_share);
        json_real(j, "b_share", c->errors.b_share);
        json_real(j, "p", c->by_runs ? c->errors.runs.p : NAN);
        json_words(j, "verdict", compare_verdict_names[c->errors.verdict]);
        json_end_with(j, '}');
    }
    json_end_with(j, '}');
}

static void put_side(struct json_out *j, const struct side *side)
{
    struct histogram all, bounds;
    if (side_merge(side, &all, &bounds)) {
        json_begin(j, NULL, '{');
        json_words(j, "name", side->name);
        if (side->rate > 0)
            json_real(j, "rate_target", side->rate);
        json_count(j, "runs", side->runs_count);
        json_count(j, "never_started", side->never_started);
        json_count(j, "slow", side->slow);
        json_count(j, "swamped", side->swamped);
        json_checked(j, "settings", side->settings);
        json_checked(j, "environment", side->environment);
        json_checked(j, "command", side->command);
        json_quantiles(j, "response_us", &all);
        json_bounds(j, "lower_bounds", &all, &bounds);
        json_curve(j, "curve", &all);
        json_end_with(j, '}');
    } else {
        j->incomplete = true;
    }
    histogram_free(&all);
    histogram_free(&bounds);
}

void compare_put_json(struct json_out *j, const char *key, const struct compare_report *report)
{
    json_begin(j, key, '{');
    json_words(j, "ringsend", "compare");
    json_real(j, "tolerance", report->tolerance);
    json_words(j, "verdict", compare_verdict_names[compare_worst(report)]);
    json_begin(j, "sides", '[');
    for (size_t i = 0; i < report->sides->count; i++)
        put_side(j, &report->sides->all[i]);
    json_end_with(j, ']');
    json_begin(j, "comparisons", '[');
    for (size_t i = 0; i < report->pairs_count; i++)
        put_comparison(j, report, &report->pairs[i]);
    json_end_with(j, ']');
    json_begin(j, "unpaired", '[');
    for (size_t i = 0; i < report->lone_count; i++) {
        json_begin(j, NULL, '{');
        json_count(j, "side", report->lone[i].side);
        json_words(j, "missing_in", report->sides->all[report->lone[i].other].name);
        json_end_with(j, '}');
    }
    json_end_with(j, ']');
    json_end_with(j, '}');
}

bool compare_write_json(FILE *out, const struct compare_report *report)
{
    struct json_out j = {.out = out};
    compare_put_json(&j, NULL, report);
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
