/* Where results go, and in which form. */
#ifndef RINGSEND_RESULTS_OUTPUT_OPTIONS_H
#define RINGSEND_RESULTS_OUTPUT_OPTIONS_H

#include "journal/journal.h"
#include "journal/parked.h"
#include "results/write_out.h"

#include <stdbool.h>

enum result_form {
    RESULT_JSON,
    RESULT_CSV,
    RESULT_WRITE_OUT /* as -w says */
};

struct output_options {
    int results_fd;
    int failed_fd;    /* -1: none */
    int write_out_fd; /* gets `write_out` besides the results; -1: nothing does */
    enum result_form form;
    const struct write_out *write_out; /* for RESULT_WRITE_OUT and write_out_fd */
    uint64_t flush_after_ns;           /* results wait so long for others to be written with */
    bool headers;                      /* tell them in lines and rows */
    bool trace;                        /* the same of the attempts, where they were stored */
    bool input;                        /* results tell something of their records */
    bool without_body;
    const char *bodies;  /* a directory: bodies go to files of their own in it; null: they do not */
    bool bodies_replace; /* files that are there */
    /* Null: none. Else results_fd is a regular file, and what the journal calls done is not sent
     * again. Records that a stop keeps from their result then get none, and are left for a later
     * run. */
    struct journal *journal;
    bool sync; /* with a journal, which syncs: it holds through a loss of power, too */
    const char
        *parked_path; /* with a journal: where results wait for their turn until a later run */
    const struct parked *parked; /* of an earlier run; null: none */
};

#endif
