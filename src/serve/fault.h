/* What becomes of a request: the answer it gets, after how long, or the trouble it meets. A fault
 * depends on the seed and the request's number only, so that two runs with one seed hand out the
 * same sequence of faults, however their connections interleave. Pure. */
#ifndef RINGSEND_SERVE_FAULT_H
#define RINGSEND_SERVE_FAULT_H

#include "serve/latency.h"

#include <stdint.h>

enum fault_kind {
    FAULT_ANSWER, /* with the usual answer, or with one of `statuses` */
    FAULT_RESET,  /* the connection breaks instead of an answer */
    FAULT_CLOSE,  /* it is closed in good order, without an answer */
    FAULT_STALL,  /* nothing ever comes */
};

enum { FAULT_STATUSES_MAX = 16 };

struct fault_status {
    uint16_t status;
    double share;
};

/* Shares are 0..1 and their sum is at most 1; the rest is answered as usual. */
struct fault_plan {
    uint64_t seed;
    struct latency latency; /* of every fault but FAULT_STALL */
    double reset, close, stall;
    struct fault_status statuses[FAULT_STATUSES_MAX];
    unsigned statuses_count;
};

struct fault {
    enum fault_kind kind;
    unsigned status; /* FAULT_ANSWER: 0 the usual answer, else 1 + index into `statuses` */
    uint64_t delay_ns;
};

struct fault fault_draw(const struct fault_plan *plan, uint64_t request_number);

#endif
