/* Which idle connection is good for which request, and what its peer does with such ones. */
#ifndef RINGSEND_ENGINE_KEPT_H
#define RINGSEND_ENGINE_KEPT_H

#include <stdbool.h>
#include <stdint.h>

struct conn;
struct pool;
struct request;

void kept_begin(struct pool *p); /* it is new */
/* The peer has ended the connection so long after its latest answer, unannounced and with nothing
 * of another. */
void kept_was_closed(const struct conn *c, uint64_t stood_ns);
void kept_has_spoken(const struct conn *c, uint64_t stood_ns);
/* By what might be the answer to the next request. */
void kept_has_answered(const struct conn *c, uint64_t stood_ns);
/* One that was kept is of no more use: one of these, or for another reason, which says nothing. */
void kept_is_over(const struct conn *c);
/* The idle connection for the request, of at least one; null: none before *settles_at_ns. */
struct conn *kept_for(const struct pool *p, const struct request *r, uint64_t *settles_at_ns);
void kept_is_used(struct conn *c, const struct request *r); /* one of these */
void kept_trial_over(struct conn *c);                       /* of one that was on_trial */
/* None is to be opened for the request: one that is idle will be good for it very soon. */
bool kept_is_worth_waiting(const struct request *r);
/* A request waits for it, idle as it is, to have stood long enough: very soon. */
bool kept_is_awaited(const struct conn *c);
/* The idle connection, of at least one, to be closed to make place for a new one; null: none. */
struct conn *kept_to_spare(const struct pool *p, const struct request *r);

#endif
