/* Rates as people write them, in options of every command and in conditions. */
#ifndef RINGSEND_BASE_RATE_H
#define RINGSEND_BASE_RATE_H

#include "base/span.h"

#include <stdbool.h>
#include <stdint.h>

/* So many in so long, both above 0. */
struct rate {
    uint64_t count;
    uint64_t per_ns;
};

/* "50/s", "100/m", "5/15s", "9/ms", "1/h", "0.5/s": a number, a slash, and a time as duration.h has
 * it, or its unit alone for one of it; a bare number is per second. Exact: a fraction makes the
 * time longer ("0.5/s" is 1 in 2 s). No sign, no exponent, no white space. False when it is none of
 * these, 0, or beyond what the fields hold. */
bool rate_parse(struct ringsend_bytes text, struct rate *rate);
double rate_per_s(const struct rate *rate);

#endif
