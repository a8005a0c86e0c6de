/* Lengths of time as people write them, in options and in records. */
#ifndef RINGSEND_BASE_DURATION_H
#define RINGSEND_BASE_DURATION_H

#include "base/span.h"

#include <stdbool.h>
#include <stdint.h>

/* "250ms", "2s", "1.5m", "1h", "50us", "10ns"; a bare number is seconds. No sign, no exponent, no
 * white space. False when it is none of these or beyond what a uint64_t of nanoseconds holds;
 * digits below a nanosecond are dropped. */
bool duration_parse(struct ringsend_bytes text, uint64_t *ns);

#endif
