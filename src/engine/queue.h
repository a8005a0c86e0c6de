/* The requests that wait at an origin, in order. */
#ifndef RINGSEND_ENGINE_QUEUE_H
#define RINGSEND_ENGINE_QUEUE_H

#include "base/errors.h"
#include "base/list.h"

#include <stdbool.h>
#include <stdint.h>

struct origin;
struct request;

void queue_add(struct origin *o, struct request *r, bool in_front);
void queue_remove(struct request *r); /* it waits no more; harmless if it does not */
void queue_take(struct request *r);   /* the same, as its attempt begins, or goes on */
/* Its attempt goes on at another address: back to the front, not counted. See attempt_redial. */
void queue_redial(struct request *r, enum ringsend_error error, const char *detail);
/* The same, after so long: see attempt_take_back. */
void queue_take_back(struct request *r, uint64_t connect_ns, uint64_t handshake_ns);
struct request *queue_first(const struct origin *o); /* the longest waiting one */
/* Of origin.waiting or origin.retries; for_idle: that a reused connection is good enough for. */
struct request *queue_first_of(const struct list waiting[2], bool for_idle);

#endif
