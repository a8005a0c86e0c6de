/* Sets of statuses. */
#ifndef RINGSEND_BASE_STATUS_H
#define RINGSEND_BASE_STATUS_H

#include "ringsend.h"

#include <stdbool.h>

/* status: 100..599. */
static inline bool status_is_in(const struct ringsend_status_set *set, int status)
{
    unsigned bit = (unsigned)status - 100;
    return set->bits[bit / 64] >> (bit % 64) & 1;
}

#endif
