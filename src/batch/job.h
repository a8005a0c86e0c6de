/* The batch job: records in, results out, in one loop over the engine. It prints nothing: what
 * there is to say stands in its report. */
#ifndef RINGSEND_BATCH_JOB_H
#define RINGSEND_BATCH_JOB_H

#include "base/histogram.h"
#include "batch/record.h"
#include "batch/sink.h"
#include "batch/source.h"
#include "ringsend.h"

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { JOB_STATUS_MAX = 599 };

struct job_options {
    struct ringsend *engine;
    struct source *source; /* opened */
    int results_fd;
    int failed_fd; /* -1: none. Gets the lines of records that are not ok, as they were */
    const struct record_defaults *defaults;
    uint32_t records_max; /* read and not yet finished; at most the engine's requests_max */
    /* Set by signal handlers, which call ringsend_wake then. 1: read no more, finish what is in
     * flight within JOB_GRACE_NS, write all results. 2 and more: cancel what is in flight. */
    const volatile sig_atomic_t *stop_asked;
};

enum job_end {
    JOB_FINISHED,      /* all inputs were read to their end, or to their error */
    JOB_STOPPED,       /* stop_asked */
    JOB_OUTPUT_FAILED, /* output_error, output_is_failed_file */
    JOB_RING_BROKE     /* ringsend_run failed; results are missing */
};

struct job_report {
    enum job_end end;
    uint64_t records, ok, ambiguous, tries;
    uint64_t by_status[JOB_STATUS_MAX + 1]; /* complete responses that are not ok */
    uint64_t by_error[RINGSEND_ERROR_COUNT];
    uint64_t results_lost;       /* records whose results are not in the output */
    uint64_t cut_off;            /* at most so many records' results say that they were stopped or
                                    cancelled, or are lost */
    struct histogram service_ns; /* of all that came to an attempt: total without queue */
    uint64_t elapsed_ns;

    int input_error; /* errno of a read that failed, else 0 */
    const char *input_path;
    int output_error;
    bool output_is_failed_file;
    /* After a second signal: what the output's reader did not take was given up. */
    bool results_given_up, failed_given_up;
    /* Inputs not read to their end because the job was stopped, the first of them from behind
     * unread_line on. */
    char *const *unread;
    size_t unread_count;
    uint64_t unread_line;
    uint64_t unread_bytes; /* of the first one, 0: unknown */
};

struct job;

/* Null when memory is out; the options are copied, what they point to is borrowed. */
struct job *job_new(const struct job_options *options);
/* Runs it to its end, once. The source is stopped then, the descriptors stay open. The report lives
 * as long as the job. */
const struct job_report *job_run(struct job *job);
/* After ringsend_free: when the ring broke, the engine still borrows requests. Null is allowed. */
void job_free(struct job *job);

#endif
