#include "base/time.h"
#include "cli/bench/bench_report.h"
#include "cli/bench/threshold_words.h"
#include "cli/junit.h"
#include "cli/units.h"

#include <stdlib.h>

static double seconds_of(const struct figures *f)
{
    return (double)(f->elapsed_ns + f->drained_ns) / NS_PER_S;
}

/* `what`, behind which of several runs it is said of. Null: memory is out. The caller frees it. */
static char *name_of(const struct bench_report *report, size_t index, const char *what)
{
    const struct figures_settings *s = &report->runs[index].settings;
    char *name;
    int bytes = report->kind == BENCH_STEPS ? asprintf(&name, "step %zu, %s a second: %s",
                                                       index + 1, rate_text(s->rate).chars, what)
                : report->kind == BENCH_REPEAT
                    ? asprintf(&name, "run %zu, %s: %s", index + 1, s->target, what)
                    : asprintf(&name, "%s", what);
    return bytes < 0 ? NULL : name;
}

static void add_answers(struct junit *j, const struct bench_report *report, size_t index)
{
    char *name;
    bool failed = bench_has_failed_wholly(report, index);
    if (!bench_is_first(report, index))
        return;
    if (asprintf(&name, "%s answers", report->runs[index].settings.target) < 0) {
        j->incomplete = true;
        return;
    }
    junit_case(j, 0, failed ? JUNIT_FAILED : JUNIT_PASSED, name, "no request was ok");
    free(name);
}

static void add_thresholds(struct junit *j, const struct bench_report *report, size_t index)
{
    for (size_t i = 0; i < report->thresholds_count; i++) {
        const struct threshold *t = &report->thresholds[i];
        struct threshold_outcome outcome = threshold_check(t, &report->runs[index]);
        char words[THRESHOLD_WORDS_BYTES], condition[THRESHOLD_WORDS_BYTES];
        threshold_words(words, sizeof words, t, &outcome);
        threshold_condition(condition, sizeof condition, t);
        char *name = name_of(report, index, condition);
        j->incomplete |= !name;
        if (name)
            junit_case(j, seconds_of(&report->runs[index]),
                       outcome.failed ? JUNIT_FAILED : JUNIT_PASSED, name, words);
        free(name);
    }
}

static void add_whole(struct junit *j, const struct bench_report *report)
{
    char message[80] = "stopped by a signal";
    bool stopped = false;
    for (size_t i = 0; i < report->runs_count; i++)
        stopped |= report->runs[i].stopped_early;
    bool lacks = report->runs_count < report->runs_wanted;
    if (lacks)
        snprintf(message, sizeof message, "only %zu of %zu runs were made", report->runs_count,
                 report->runs_wanted);
    junit_case(j, 0, stopped || lacks ? JUNIT_ERROR : JUNIT_PASSED, "all runs came to their end",
               message);
}

bool bench_write_junit(FILE *out, const struct bench_report *report)
{
    struct junit j;
    double seconds = 0;
    char *text = bench_text(report);
    junit_begin(&j, "ringsend bench");
    for (size_t i = 0; i < report->runs_count; i++) {
        add_answers(&j, report, i);
        add_thresholds(&j, report, i);
        seconds += seconds_of(&report->runs[i]);
    }
    if (report->comparison)
        compare_add_junit(&j, report->comparison);
    add_whole(&j, report);
    bool complete = junit_end(&j, out, seconds, report->environment->started_s, text);
    free(text);
    return complete;
}
