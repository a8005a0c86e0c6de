/* For whom there is a connection's place. */
#ifndef RINGSEND_ENGINE_PLACES_H
#define RINGSEND_ENGINE_PLACES_H

#include "base/limits.h"

#include <stdbool.h>
#include <stdint.h>

struct conn;
struct origin;
struct request;
struct ringsend;

/* Of an origin, by what its attempts have come to: see places.c. */
enum standing { STANDING_NEW, STANDING_PROVEN, STANDING_MUTE, STANDINGS };

enum { PLACE_RANKS = 17 };
_Static_assert(LIMIT_CONNECTIONS < 1 << (PLACE_RANKS - 1),
               "a rank for each power of two of connections");

struct origin *place_first(const struct ringsend *e); /* who is next; null: nobody waits */
void place_wake_first(struct ringsend *e);
bool place_is_free(const struct origin *o);  /* be it for another */
bool place_is_there(const struct origin *o); /* it may open a connection now */
/* There is none for it: makes one where that is in our hands, and waits in line for it. */
void place_want(struct origin *o, const struct request *r);
uint32_t place_leaving(const struct origin *o);
void place_run_ends(struct origin *o); /* of the origin's run, before gates_end */
void place_forget(struct origin *o);   /* nothing of it is left */
void place_take(struct origin *o);
void place_leaves(struct origin *o); /* its connection is about to be closed */
void place_give_back(struct conn *c);
bool place_is_kept(const struct conn *c); /* idle; false: it must make room for another's */
void place_limit_changed(struct ringsend *e);
bool place_mute_hold_much(const struct ringsend *e); /* mute origins, in silence: over half */
void place_set_silent(struct conn *c, bool silent);
/* It has answered, or let a clock run out instead, or a turn. */
void place_heard(struct origin *o, bool answered);
void place_overdue(struct ringsend *e); /* a connection has had its turn */

#endif
