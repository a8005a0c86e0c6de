/* An origin's pauses, when its platform asks for them. */
#ifndef RINGSEND_ENGINE_PAUSE_H
#define RINGSEND_ENGINE_PAUSE_H

#include <stdbool.h>
#include <stdint.h>

struct origin;
struct request;
struct ringsend;
struct ringsend_stats;

/* What the response of its attempt asks for: notes it, and the origin pauses. */
void pause_hear(struct request *r);
/* When an attempt may begin at the origin; now: it may. */
uint64_t pause_next_ns(const struct origin *o);
uint64_t pause_ends_at_ns(const struct origin *o); /* in the past: it does not pause */
bool pause_is_over(const struct origin *o);        /* with its restart */
void pause_attempt_begins(struct origin *o);       /* the limits are locked */
void pause_stats(const struct ringsend *e, struct ringsend_stats *stats);

#endif
