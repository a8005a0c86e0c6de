/* A table for a pull request: what decides stands in the open, all that the terminal shows behind a
 * click. */
#include "cli/bench/bench_report.h"
#include "cli/bench/threshold_words.h"
#include "cli/bench/times_text.h"
#include "cli/markdown.h"

#include <stdlib.h>

static const struct {
    const char *name;
    double fraction;
} shown[] = {{"p50", 0.5},  {"p75", 0.75},    {"p90", 0.9}, {"p95", 0.95},
             {"p99", 0.99}, {"p99.9", 0.999}, {"max", 1}};

enum { SHOWN = sizeof shown / sizeof *shown };

static void put_head(FILE *out, const struct bench_report *report)
{
    fprintf(out, "|%s rate |",
            report->kind == BENCH_RUN     ? ""
            : report->kind == BENCH_STEPS ? " step |"
                                          : " run | target |");
    for (int i = 0; i < SHOWN; i++)
        fprintf(out, " %s |", shown[i].name);
    fputs(" failed |\n|", out);
    fputs(report->kind == BENCH_RUN     ? ""
          : report->kind == BENCH_STEPS ? "---:|"
                                        : "---:|---|",
          out);
    for (int i = 0; i < SHOWN + 2; i++)
        fputs("---:|", out);
    fputc('\n', out);
}

static void put_row(FILE *out, const struct bench_report *report, size_t index)
{
    const struct figures *f = &report->runs[index];
    uint64_t failed = f->errors_count + f->requests - f->ok, all = f->errors_count + f->requests;
    fputc('|', out);
    if (report->kind != BENCH_RUN)
        fprintf(out, " %zu |", index + 1);
    if (report->kind == BENCH_REPEAT) {
        fputc(' ', out);
        markdown_code(out, f->settings.target, true);
        fputs(" |", out);
    }
    fprintf(out, " %s", rate_text(figures_rate(f)).chars);
    if (f->settings.open_loop)
        fprintf(out, " of %s", rate_text(f->settings.rate).chars);
    fputs("/s |", out);
    for (int i = 0; i < SHOWN; i++)
        fprintf(out, " %s |",
                times_quantile(&f->response_ns, &f->response_bounds_ns, shown[i].fraction).chars);
    fprintf(out, " %llu of %llu", (unsigned long long)failed, (unsigned long long)all);
    if (failed > 0)
        fprintf(out, ", %s", share_text((double)failed / (double)all).chars);
    fputs(" |\n", out);
}

/* An item of a list; what is bad stands out. */
static void put_item(FILE *out, const struct bench_report *report, size_t index, bool is_bad,
                     const char *words)
{
    fprintf(out, "- %s", is_bad ? "**" : "");
    if (report->kind != BENCH_RUN)
        fprintf(out, "%s %zu: ", report->kind == BENCH_STEPS ? "step" : "run", index + 1);
    fprintf(out, "%s%s\n", words, is_bad ? "**" : "");
}

static void put_verdicts(FILE *out, const struct bench_report *report, size_t index)
{
    const struct figures *f = &report->runs[index];
    for (size_t i = 0; i < report->thresholds_count; i++) {
        struct threshold_outcome outcome = threshold_check(&report->thresholds[i], f);
        char words[THRESHOLD_WORDS_BYTES];
        threshold_words(words, sizeof words, &report->thresholds[i], &outcome);
        put_item(out, report, index, outcome.failed, words);
    }
    if (f->ok == 0)
        put_item(out, report, index, true, "no request was ok: what was measured are failures");
    if (figures_generator_is_slow(f))
        put_item(out, report, index, true,
                 "the machine that measured was too slow for the rate: part of the times is its "
                 "own");
    if (figures_is_swamped(f))
        put_item(out, report, index, true, "the server took in more than it answered");
    if (f->stopped_early)
        put_item(out, report, index, true, "stopped by a signal");
}

static bool put_all(FILE *out, const struct bench_report *report)
{
    char *text = bench_text(report);
    if (text)
        markdown_details(out, "All figures", text);
    bool complete = text;
    free(text);
    return complete;
}

bool bench_write_markdown(FILE *out, const struct bench_report *report)
{
    const struct figures_settings *s = &report->runs[0].settings;
    fprintf(out, "### ringsend bench: %s%s", s->method, s->method[0] ? " " : "");
    markdown_code(out, s->target, false);
    for (size_t i = 1; i < report->runs_count; i++) {
        if (!bench_is_first(report, i))
            continue;
        fputs(" and ", out);
        markdown_code(out, report->runs[i].settings.target, false);
    }
    fputs("\n\n", out);
    if (report->comparison)
        compare_put_markdown(out, report->comparison);
    put_head(out, report);
    for (size_t i = 0; i < report->runs_count; i++)
        put_row(out, report, i);
    fprintf(out, "\nResponse times, %s.\n\n",
            s->open_loop ? "from when each request should have started"
                         : "of a closed loop: a slow server is asked less often");
    for (size_t i = 0; i < report->runs_count; i++)
        put_verdicts(out, report, i);
    if (report->runs_count < report->runs_wanted)
        fprintf(out, "- **only %zu of %zu runs were made**\n", report->runs_count,
                report->runs_wanted);
    fputc('\n', out);
    return put_all(out, report);
}
