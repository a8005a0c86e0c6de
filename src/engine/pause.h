/* An origin's pauses, when its platform asks for them. */
#ifndef RINGSEND_ENGINE_PAUSE_H
#define RINGSEND_ENGINE_PAUSE_H

#include <stdbool.h>
#include <stdint.h>

struct attempt;
struct origin;
struct request;
struct response_hints;
struct ringsend;
struct ringsend_stats;

/* What the response asks for, of which the attempt has the status: notes it there. */
void pause_read(struct attempt *a, const struct response_hints *hints, const struct ringsend *e);
void pause_hear(
    struct request *r); /* its origin pauses, if its attempt's response asked for that */
/* When an attempt may begin at the origin; now: it may. */
uint64_t pause_next_ns(const struct origin *o);
uint64_t pause_ends_at_ns(const struct origin *o); /* in the past: it does not pause */
bool pause_is_over(const struct origin *o);        /* with its restart */
void pause_attempt_begins(struct origin *o);       /* the limits are locked */
void pause_stats(const struct ringsend *e, struct ringsend_stats *stats);

#endif
