/* What records weigh, by --cost: by their bodies, once these are whole, and by the columns of their
 * rows. */
#ifndef RINGSEND_RECORDS_WEIGH_H
#define RINGSEND_RECORDS_WEIGH_H

#include "base/buf.h"
#include "base/cost.h"
#include "records/layout.h"
#include "records/record.h"

#include <stddef.h>

struct weights {
    const struct cost *costs;
    size_t count;                       /* of them, RINGSEND_COSTS_MAX at most */
    const struct template_names *names; /* the columns' are among them; null: there are none */
};

/* Writes the costs of its request. False: one of these expressions has found none of the values
 * that it names. */
bool weigh(const struct weights *weights, struct record *record, const struct layout *layout,
           struct buf_pool *pool);

#endif
