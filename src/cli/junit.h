/* A JUnit report, as CI systems read it: one suite of cases. */
#ifndef RINGSEND_CLI_JUNIT_H
#define RINGSEND_CLI_JUNIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum junit_outcome {
    JUNIT_PASSED,
    JUNIT_FAILED,
    JUNIT_ERROR,   /* it did not come to a verdict, as it should have */
    JUNIT_SKIPPED, /* there is no verdict, and need not be one */
    JUNIT_OUTCOMES
};

struct junit {
    FILE *cases; /* null: memory was out */
    char *text;  /* of the cases */
    size_t bytes;
    const char *name; /* of the suite, and the class of its cases */
    unsigned counts[JUNIT_OUTCOMES];
    bool incomplete; /* memory was out for a part of it */
};

void junit_begin(struct junit *j, const char *name);
/* Any bytes, here and below: what XML cannot hold becomes U+FFFD. */
void junit_case(struct junit *j, double seconds, enum junit_outcome outcome, const char *name,
                const char *message);
/* Writes the suite, with what was printed for people; started_s since 1970, or 0. False when memory
 * was out for a part of it. */
bool junit_end(struct junit *j, FILE *out, double seconds, int64_t started_s, const char *text);

#endif
