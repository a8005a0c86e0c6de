/* For whom there is a connection's place. */
#ifndef RINGSEND_ENGINE_PLACES_H
#define RINGSEND_ENGINE_PLACES_H

#include "base/limits.h"

#include <stdbool.h>
#include <stdint.h>

struct conn;
struct origin;
struct pool;
struct request;
struct ringsend;
struct ringsend_stats;

/* Of a pool, by what its attempts have come to: see places.c. */
enum standing { STANDING_NEW, STANDING_PROVEN, STANDING_MUTE, STANDINGS };

/* What an origin lacks since its last run: a place, or one at its own limit. */
enum wish { WISH_NONE, WISH_PLACE, WISH_OWN, WISHES };

enum { PLACE_RANKS = 17 };
_Static_assert(LIMIT_CONNECTIONS < 1 << (PLACE_RANKS - 1),
               "a rank for each power of two of connections");

struct pool *place_first(const struct ringsend *e); /* who is next; null: nobody waits */
void place_wake_first(struct ringsend *e);
bool place_is_free(const struct pool *p);  /* be it for another */
bool place_is_there(const struct pool *p); /* it may open a connection now */
bool place_is_full(const struct ringsend *e);
bool place_is_at_own_limit(const struct pool *p);
bool place_may_have(const struct pool *p); /* its standing lets it have another, if there is one */
bool place_is_over_limit(const struct ringsend *e); /* more connections are to stay than may */
/* There is none for it: it waits for one from now on, in line unless it is its pool's own limit. */
void place_wish(const struct request *r);
uint32_t place_demand(const struct pool *p); /* so many it would open now */
/* So many are about to make room for one of its: at its own limit only its own can. */
uint32_t place_leaving(const struct pool *p);
/* A run of its own, or of one of its origins: see pool_run_ends. */
void place_run_ends(struct pool *p, bool waits_for_own);
void place_forget(struct pool *p); /* nothing of it is left */
void place_take(struct pool *p);
void place_leaves(struct pool *p); /* its connection is about to be closed */
void place_give_back(struct conn *c);
bool place_is_kept(const struct conn *c); /* idle; false: it must make room for another's */
bool place_mute_hold_much(const struct ringsend *e); /* mute pools, in silence: over half */
void place_set_silent(struct conn *c, bool silent);
/* It has answered, or let a clock run out instead, or a turn. */
void place_heard(struct pool *p, bool answered);
void place_overdue(struct ringsend *e); /* a connection has had its turn */

/* ---- with limits that engines share ---- */

/* Takes one of those that engines share, if it is there still: to be used at once, by place_take,
 * or given up. `ahead` of others who wait. */
bool place_claim(struct pool *p, bool ahead);
void place_unclaim(struct pool *p);
/* A turn has taken in what completed: who was called runs. */
void place_hear_calls(struct ringsend *e);
bool place_is_called(const struct ringsend *e);
void place_join(struct ringsend *e);
void place_stats(const struct ringsend *e, struct ringsend_stats *stats);
void place_leave(struct ringsend *e); /* no socket of it is left */
void place_broke(struct ringsend *e); /* it wants nothing any more */

#endif
