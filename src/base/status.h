/* Sets of statuses. */
#ifndef RINGSEND_BASE_STATUS_H
#define RINGSEND_BASE_STATUS_H

#include "ringsend.h"

#include <stdbool.h>

/* status: 100..999; those from 600 on, which have no meaning, are in no set. */
static inline bool status_is_in(const struct ringsend_status_set *set, int status)
{
    unsigned bit = (unsigned)status - 100;
    return bit < 500 && set->bits[bit / 64] >> (bit % 64) & 1;
}

#endif
