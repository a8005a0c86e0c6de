/* What a job has to tell: counts while it runs, causes at its end. */
#ifndef RINGSEND_RESULTS_REPORT_H
#define RINGSEND_RESULTS_REPORT_H

#include "base/histogram.h"
#include "results/failure_groups.h"
#include "results/result_line.h"
#include "ringsend.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { REPORT_STATUS_MAX = 599 };

enum job_end {
    JOB_FINISHED,          /* all inputs were read to their end, or to their error */
    JOB_STOPPED,           /* stop_asked */
    JOB_OUTPUT_FAILED,     /* output_error, output_is_failed_file, output_is_journal */
    JOB_TOO_MANY_FAILURES, /* failures_max, or failures_ppm_max */
    JOB_ABORTED,           /* abort_on holds for abort_status or abort_error */
    JOB_UNREACHED,         /* unreached_max_ns without a connection */
    JOB_NO_NAMES,          /* and that because no name could be looked up */
    JOB_NO_CERTIFICATES,   /* those of the run cannot be read */
    JOB_NO_TOKEN,          /* job_give_up: whoever gives out credentials refuses to */
    JOB_RING_BROKE         /* ringsend_run failed; results are missing */
};

struct job_report {
    enum job_end end;
    uint64_t records, ok, ambiguous, tries;
    uint64_t keys_of_places;                   /* not ok, with a key that was made without an id */
    uint64_t unweighed;                        /* of which --cost finds none of its values */
    uint64_t unjudged;                         /* by predicates, which could not read the body */
    uint64_t by_status[REPORT_STATUS_MAX + 1]; /* complete responses that are not ok */
    uint64_t by_error[RINGSEND_ERROR_COUNT];
    int abort_status;
    enum ringsend_error abort_error;
    uint64_t unreached_ns; /* of trying without a connection so far; 0 from the first one on */
    struct failure_groups failures; /* the same, by cause */
    uint64_t left; /* with a journal: records that were read and left for a later run */
    bool complete; /* all inputs were read to their end, and every record's result is written */
    uint64_t results_lost;       /* records whose results are not in the output */
    uint64_t interrupted;        /* at most so many records' results say that they were stopped or
                                    cancelled, or are lost */
    struct histogram service_ns; /* of all that came to an attempt: total without queue */
    uint64_t elapsed_ns;
    uint64_t ok_most_per_s; /* the most that were ok within a second of the clock */

    int input_error; /* errno of the first input that could not be read on (source.h), else 0 */
    const char *input_error_text; /* with that error: why. The source's */
    const char *input_path;
    bool input_is_other; /* with that error: it is not what the run to go on with has read */
    int output_error;
    /* Which one; none of these: the results. */
    bool output_is_failed_file, output_is_write_out, output_is_journal;
    char output_body[100]; /* the name of the body's file that it is about; empty: it is not */
    /* After a second signal: what the output's reader did not take was given up. */
    bool results_given_up, failed_given_up;
    /* Inputs not read to their end because the job was stopped, the first of them from behind
     * unread_line on. */
    char *const *unread;
    size_t unread_count;
    uint64_t unread_line;
    uint64_t unread_bytes;  /* of the first one, 0: unknown */
    uint64_t unread_number; /* of the first record that was not read */
    bool unread_is_lines;   /* each record of that input is a line of its own */
};

/* False when memory is out. The report is zeroed but for its histogram. */
bool report_init(struct job_report *report);
void report_free(struct job_report *report);
void report_count(struct job_report *report, const struct result_line *line);

#endif
