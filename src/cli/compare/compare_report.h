/* What `ringsend compare` says, and `ringsend bench --vs` at its end. */
#ifndef RINGSEND_CLI_COMPARE_COMPARE_REPORT_H
#define RINGSEND_CLI_COMPARE_COMPARE_REPORT_H

#include "bench/compare.h"
#include "bench/compare_input.h"
#include "cli/json_out.h"
#include "cli/junit.h"

#include <stdbool.h>
#include <stdio.h>

/* Side b against side a. */
struct compare_pair {
    size_t a, b;
    struct comparison comparison;
};

/* A step at whose rate the other file has none. */
struct compare_lone {
    size_t side;
    size_t other; /* the first side of that file */
};

/* The first side against each of the others; of files with steps, each step of the first file
 * against that at the same rate of each of the others. */
struct compare_report {
    const struct sides *sides;  /* two or more; all steps, or none */
    double tolerance;           /* 0.05: differences up to 5 % do not count */
    struct compare_pair *pairs; /* by b's file, then by a */
    size_t pairs_count;
    struct compare_lone *lone; /* by the file that is no `a`, its own steps last */
    size_t lone_count;
};

/* False when memory is out. */
bool compare_report_init(struct compare_report *report, const struct sides *sides,
                         double tolerance);
void compare_report_free(struct compare_report *report);

/* The worst verdict of all, the same counting as worse than better; undecided when there is none.
 */
enum compare_verdict compare_worst(const struct compare_report *report);

void compare_print(FILE *out, const struct compare_report *report);
/* False when memory was out for a part of it; errors of the stream stay there. */
bool compare_write_json(FILE *out, const struct compare_report *report);
bool compare_write_html(FILE *out, const struct compare_report *report);
/* A case for each pair: worse has failed, what is undecided was skipped. */
bool compare_write_junit(FILE *out, const struct compare_report *report);
bool compare_write_markdown(FILE *out, const struct compare_report *report);
/* The same among others, and under another heading. */
void compare_add_junit(struct junit *j, const struct compare_report *report);
void compare_put_markdown(FILE *out, const struct compare_report *report);
/* The same object inside of another. */
void compare_put_json(struct json_out *j, const char *key, const struct compare_report *report);

#endif
