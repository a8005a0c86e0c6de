/* Progress on standard error while a job runs: a bar where that is a terminal, else a line now and
 * then. Polled between two turns of the job; costs nothing in between but a look at the clock. */
#ifndef RINGSEND_CLI_SEND_PROGRESS_H
#define RINGSEND_CLI_SEND_PROGRESS_H

#include "batch/job.h"
#include "cli/send/progress_line.h"
#include "records/source.h"
#include "results/report.h"
#include "ringsend.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum progress_mode {
    PROGRESS_AUTO, /* a bar on a terminal that results do not go to, else lines */
    PROGRESS_BAR,  /* redrawn ten times a second, in the terminal's width of that moment */
    PROGRESS_LOG,  /* a line every ten seconds */
    PROGRESS_NONE
};

struct progress {
    enum progress_mode mode; /* never AUTO */
    bool colour;
    struct job *job;
    const struct source *source;
    const struct job_report *report;
    const atomic_int *stop_asked, *state_asked; /* counted by signal handlers */
    uint64_t done_before, not_ok_before;        /* records with results of earlier runs; of these */
    int states_printed;
    uint64_t began_ns, next_ns;   /* when the next line is due */
    uint64_t sampled_ns, sampled; /* when the rate was looked at, and how many were done */
    double rate;                  /* smoothed over some seconds; below 0: not known yet */
};

/* Reads "auto", "bar", "log" or "none". False: none of these. */
bool progress_mode_read(const char *text, enum progress_mode *mode);
/* What AUTO comes to here. */
enum progress_mode progress_mode_here(bool results_on_stdout);

/* The other fields are set; all that they point to outlives it. */
void progress_begin(struct progress *p);
/* Between two turns of the job. */
void progress_turn(struct progress *p);
/* How long a turn may wait. */
uint64_t progress_wait_ns(const struct progress *p);

#endif
