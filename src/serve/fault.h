/* What becomes of a request: the answer it gets, after how long, or the trouble it meets. A fate
 * depends on the seed and the request's number only, so that two runs with one seed hand out the
 * same sequence of faults, however their connections interleave. Pure. */
#ifndef RINGSEND_SERVE_FAULT_H
#define RINGSEND_SERVE_FAULT_H

#include "serve/latency.h"

#include <stdint.h>

enum fate_kind {
    FATE_ANSWER, /* with the usual answer, or with one of `statuses` */
    FATE_RESET,  /* the connection breaks instead of an answer */
    FATE_CLOSE,  /* it is closed in good order, without an answer */
    FATE_STALL,  /* nothing ever comes */
};

enum { FATE_STATUSES_MAX = 16 };

struct fate_status {
    uint16_t status;
    double share;
};

/* Shares are 0..1 and their sum is at most 1; the rest is answered as usual. */
struct fate_plan {
    uint64_t seed;
    struct latency latency; /* of every fate but FATE_STALL */
    double reset, close, stall;
    struct fate_status statuses[FATE_STATUSES_MAX];
    unsigned statuses_count;
};

struct fate {
    enum fate_kind kind;
    unsigned status; /* FATE_ANSWER: 0 the usual answer, else 1 + index into `statuses` */
    uint64_t delay_ns;
};

struct fate fate_draw(const struct fate_plan *plan, uint64_t request_number);

#endif
