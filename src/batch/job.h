/* The batch job: records in, results out, turn by turn over the engine. It prints nothing: what
 * there is to say stands in its report. */
#ifndef RINGSEND_BATCH_JOB_H
#define RINGSEND_BATCH_JOB_H

#include "batch/engine_threads.h"
#include "batch/serial.h"
#include "records/record.h"
#include "records/source.h"
#include "records/weigh.h"
#include "results/output_options.h"
#include "results/report.h"
#include "ringsend.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    JOB_SHARE_RECORDS = 100,
    JOB_QUIET_MAX = 3 * 4096, /* with the engine, for hosts that do not answer */
    JOB_ASIDE_MAX = 4096      /* wait for others: to go to the engine; ordered: to be put out */
};

struct job_options {
    struct ringsend *engine;
    struct source *source;   /* opened */
    size_t inputs_untouched; /* with a journal that is gone on with: so many of its first inputs are
                                files that nobody has changed since, and need not be read again */
    struct output_options output; /* the file of failed lines gets those of records that are not ok,
                                     as they were */
    const struct record_defaults *defaults;
    /* More engines, each for a thread of its own; they become the job's, also when job_new fails.
     */
    const struct thread_engine *thread_engines;
    size_t thread_engines_count;
    uint32_t connections; /* of all engines together at most */
    /* Null: none. Records with the same value there are sent one after another, in their order. */
    const struct json_path *serialize;
    const struct weights *weights; /* what records weigh; null: nothing */
    /* Results come in the order of the input: so many at most wait for that. */
    bool ordered;
    /* Reasons to stop as after a first signal; 0 and null: none. Failures are results that are not
     * ok; as a share they count once JOB_SHARE_RECORDS have results. */
    uint64_t failures_max;     /* so many are too many */
    uint32_t failures_ppm_max; /* so many of a million are */
    const struct ringsend_outcomes *abort_on;
    uint64_t unreached_max_ns; /* of trying, without any connection; 0: without end */
    /* So many records with the engine keep its connections busy. Beyond them are those for hosts
     * that do not answer: see job_going_max. */
    uint32_t window;
    /* About so much may results hold until they are written, and a share of it records until they
     * are sent: beyond that results stay with their engines. 0: no bound. */
    size_t memory_bytes;
    /* Null, or is shown each result of this run before it is written; the line is its for as long
     * as the call takes. */
    void (*show)(void *context, const struct result_line *line);
    void *show_context;
    /* Set by signal handlers, which call ringsend_wake then. 1: read no more, finish what is in
     * flight within JOB_GRACE_NS, write all results. 2 and more: cancel what is in flight. */
    const atomic_int *stop_asked;
};

struct job;

/* What each engine's requests_max must be. */
uint32_t job_going_max(uint32_t window);

/* Null when memory is out; the options are copied, what they point to is borrowed. */
struct job *job_new(const struct job_options *options);
/* Works once around the loop, waiting at most wait_ns for something to happen; it also returns when
 * results came, ringsend_wake was called, or just so. False when all is over: then job_end. */
bool job_turn(struct job *job, uint64_t wait_ns);
/* For that reason it is to stop, as if it had found it itself. */
void job_give_up(struct job *job, enum job_end why);
/* How far it has come; its causes are set by job_end. Lives as long as the job. */
const struct job_report *job_report(const struct job *job);
/* Has those of the other engines brought up to date, soon. */
void job_ask_stats(struct job *job);
/* The figures of all its engines together. Until ringsend_free. */
void job_stats(struct job *job, struct ringsend_stats *stats);
/* After the last turn. The source is stopped, the outputs are written as far as they can be; the
 * descriptors stay open. */
const struct job_report *job_end(struct job *job);
/* After ringsend_free: when the ring broke, the engine still borrows requests. Null is allowed. */
void job_free(struct job *job);

#endif
