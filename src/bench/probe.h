/* One step of a probe: so many connections, as fast as answers come, for a while. Nothing is sent
 * twice, and the step ends early when the platform pushes back: what it does not take is not forced
 * upon it. */
#ifndef RINGSEND_BENCH_PROBE_H
#define RINGSEND_BENCH_PROBE_H

#include "base/histogram.h"
#include "ringsend.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Borrowed. */
struct probe_settings {
    /* Times, TLS, what counts as ok; the rest is set here. */
    const struct ringsend_options *engine;
    const struct ringsend_request *requests; /* sent in turn, over and over */
    size_t requests_count;
    /* Measured for so long, after a fifth of it that is not. Longer, up to ten times, when answers
     * are so slow that fewer than two for each connection come. */
    uint64_t step_ns;
};

struct probe_step {
    uint32_t connections;
    uint64_t elapsed_ns;         /* of what was measured */
    uint64_t ok;                 /* good answers within it */
    uint64_t good;               /* in the whole step */
    uint64_t others;             /* answers that are not ok, likewise */
    uint64_t errors;             /* and attempts without one */
    uint64_t pushed_back;        /* of both, as ringsend_stats counts them */
    bool too_many;               /* 1 % or more was pushed back, and not just one or two */
    int status;                  /* of an answer that was not ok; 0: none */
    enum ringsend_error error;   /* of an attempt without one */
    struct histogram service_ns; /* of all that were ok: sent to last byte */
};

/* 0, or the negated enum ringsend_error with a sentence in `message`. probe_step_free in any case.
 */
int probe_step_run(struct probe_step *step, const struct probe_settings *settings,
                   uint32_t connections, char *message, size_t message_bytes);
void probe_step_free(struct probe_step *step);
/* Good answers per second. */
double probe_step_rate(const struct probe_step *step);

#endif
