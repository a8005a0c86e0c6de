/* What `ringsend compare` says, and `ringsend bench --vs` at its end. */
#ifndef RINGSEND_CLI_COMPARE_REPORT_H
#define RINGSEND_CLI_COMPARE_REPORT_H

#include "bench/compare.h"
#include "cli/sides.h"

#include <stdbool.h>
#include <stdio.h>

/* The first side against each of the others. */
struct compare_report {
    const struct sides *sides;      /* two or more */
    double tolerance;               /* 0.05: differences up to 5 % do not count */
    struct comparison *comparisons; /* one less than there are sides */
};

/* False when memory is out. */
bool compare_report_init(struct compare_report *report, const struct sides *sides,
                         double tolerance);
void compare_report_free(struct compare_report *report);

/* A side is worse than the first one. */
bool compare_has_worse(const struct compare_report *report);

void compare_print(FILE *out, const struct compare_report *report);
/* False when memory was out for a part of it; errors of the stream stay there. */
bool compare_write_json(FILE *out, const struct compare_report *report);
bool compare_write_html(FILE *out, const struct compare_report *report);

#endif
