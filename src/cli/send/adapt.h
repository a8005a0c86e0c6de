/* --adaptive: samples the engine while a job runs, moves its limit of connections as
 * batch/adaptive.h decides, and says why. */
#ifndef RINGSEND_CLI_SEND_ADAPT_H
#define RINGSEND_CLI_SEND_ADAPT_H

#include "batch/adaptive.h"
#include "ringsend.h"

struct adapt {
    struct ringsend *engine; /* null: there is nothing to do */
    bool quiet;
    uint32_t told; /* the limit that was told of last */
    uint64_t sampled_ns;
    struct adaptive adaptive;
};

/* The engine is at its first limit from now on. */
void adapt_begin(struct adapt *adapt, struct ringsend *engine, uint32_t limit_max, bool quiet);
/* Between two turns of the job. */
void adapt_turn(struct adapt *adapt);
/* How long a turn may wait. */
uint64_t adapt_wait_ns(const struct adapt *adapt);

#endif
