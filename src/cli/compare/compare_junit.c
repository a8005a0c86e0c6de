#include "cli/compare/compare_report.h"
#include "cli/compare/compare_words.h"
#include "cli/junit.h"

#include <stdlib.h>

static enum junit_outcome outcome_of(enum compare_verdict verdict)
{
    return verdict == COMPARE_WORSE       ? JUNIT_FAILED
           : verdict == COMPARE_UNDECIDED ? JUNIT_SKIPPED
                                          : JUNIT_PASSED;
}

/* Null: memory is out. The caller frees it. */
static char *name_of(const struct side *a, const struct side *b)
{
    char *name, at[64] = "";
    if (a->rate > 0)
        snprintf(at, sizeof at, ", at %s a second", rate_text(a->rate).chars);
    return asprintf(&name, "%s is not slower than %s%s", b->name, a->name, at) < 0 ? NULL : name;
}

static void add(struct junit *j, const struct side *a, const struct side *b,
                enum junit_outcome outcome, const char *message)
{
    char *name = name_of(a, b);
    j->incomplete |= !name;
    if (name)
        junit_case(j, 0, outcome, name, message);
    free(name);
}

void compare_add_junit(struct junit *j, const struct compare_report *report)
{
    const struct side *sides = report->sides->all;
    for (size_t i = 0; i < report->pairs_count; i++) {
        const struct compare_pair *pair = &report->pairs[i];
        char *message = NULL;
        size_t bytes;
        FILE *words = open_memstream(&message, &bytes);
        if (words) {
            compare_say_verdict(words, &pair->comparison, report->tolerance);
            fclose(words);
        }
        j->incomplete |= !message;
        add(j, &sides[pair->a], &sides[pair->b], outcome_of(pair->comparison.verdict),
            message ? message : "");
        free(message);
    }
    for (size_t i = 0; i < report->lone_count; i++) {
        const struct compare_lone *lone = &report->lone[i];
        const struct side *side = &sides[lone->side],
                          other = {.name = sides[lone->other].name, .rate = side->rate};
        bool is_first = lone->other != 0;
        add(j, is_first ? side : &other, is_first ? &other : side, JUNIT_SKIPPED,
            "only one of them has a step at this rate");
    }
}

bool compare_write_junit(FILE *out, const struct compare_report *report)
{
    struct junit j;
    char *text = NULL;
    size_t bytes;
    FILE *words = open_memstream(&text, &bytes);
    if (words) {
        compare_print(words, report);
        fclose(words);
    }
    junit_begin(&j, "ringsend compare");
    compare_add_junit(&j, report);
    bool complete = junit_end(&j, out, 0, 0, text);
    free(text);
    return complete;
}
