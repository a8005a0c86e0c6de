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
/* There is none for it: makes one where that is in our hands, and waits in line for it. */
void place_want(const struct request *r);
uint32_t place_leaving(const struct pool *p);
/* A run of its own, or of one of its origins, before gates_end. `waits_for_own`: that one does for
 * an idle connection to have stood. */
void place_run_ends(struct pool *p, bool waits_for_own);
void place_forget(struct pool *p); /* nothing of it is left */
void place_take(struct pool *p);
void place_leaves(struct pool *p); /* its connection is about to be closed */
void place_give_back(struct conn *c);
bool place_is_kept(const struct conn *c); /* idle; false: it must make room for another's */
void place_limit_changed(struct ringsend *e);
bool place_mute_hold_much(const struct ringsend *e); /* mute pools, in silence: over half */
void place_set_silent(struct conn *c, bool silent);
/* It has answered, or let a clock run out instead, or a turn. */
void place_heard(struct pool *p, bool answered);
void place_overdue(struct ringsend *e); /* a connection has had its turn */

#endif
