/* An engine over a ring of the caller's making: ringsend_new for those who bring another one than
 * the library's, as the simulation does. */
#ifndef RINGSEND_ENGINE_ON_RING_H
#define RINGSEND_ENGINE_ON_RING_H

#include "ringsend.h"
#include "uring/ring.h"

int engine_new_on(struct ringsend **engine, const struct ringsend_options *options,
                  ring_make_fn *make_ring);

#endif
