/* --adaptive: samples a job's engines while it runs, moves their limit of connections as
 * batch/adaptive.h decides, and says why. */
#ifndef RINGSEND_CLI_SEND_ADAPT_H
#define RINGSEND_CLI_SEND_ADAPT_H

#include "batch/adaptive.h"
#include "batch/rate_finder.h"
#include "batch/job.h"
#include "ringsend.h"

struct adapt {
    struct job *job;         /* null: there is nothing to do */
    struct ringsend *engine; /* whose limit is that of all */
    bool quiet;
    uint32_t reported; /* the limit that was told of last */
    uint64_t sampled_ns;
    struct adaptive adaptive;
    struct rate_finder rate;
    uint64_t refused_counted; /* so many refusals were told to `adaptive` */
};

/* The job's engines are at their first limit from now on; `engine` is one that the caller's thread
 * runs. */
void adapt_begin(struct adapt *adapt, struct job *job, struct ringsend *engine, uint32_t limit_max,
                 bool quiet);
/* Between two turns of the job. */
void adapt_turn(struct adapt *adapt);
/* How long a turn may wait. */
uint64_t adapt_wait_ns(const struct adapt *adapt);

#endif
