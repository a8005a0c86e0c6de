/* The requests that wait at an origin, in order. */
#ifndef RINGSEND_ENGINE_QUEUE_H
#define RINGSEND_ENGINE_QUEUE_H

#include "base/list.h"

#include <stdbool.h>

struct origin;
struct request;

void queue_add(struct origin *o, struct request *r, bool in_front);
void queue_remove(struct request *r);                /* it waits no more; harmless if it does not */
struct request *queue_first(const struct origin *o); /* the longest waiting one */
/* Of origin.waiting or origin.retries; for_idle: that a reused connection is good enough for. */
struct request *queue_first_of(const struct list waiting[2], bool for_idle);

#endif
