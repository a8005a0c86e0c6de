/* Which connections make way for others. */
#ifndef RINGSEND_ENGINE_MAKE_WAY_H
#define RINGSEND_ENGINE_MAKE_WAY_H

struct conn;
struct pool;
struct request;
struct ringsend;

/* It lacks a place, as place_wish has noted: makes one where that is in our hands. */
void make_way_for(const struct request *r);
/* Takes back one that is being made, with the whole race that it is in: its request waits again. */
void make_way_take_back(struct conn *c);
/* In the line of an origin that engines share: says what the pool wants there, and closes what it
 * holds for others. */
void make_way_in_own_line(struct pool *p);
void make_way_to_limit(struct ringsend *e); /* which has changed */
/* Before the engine sleeps or returns: gives up what other engines want, and tells them what it
 * wants. */
void make_way_turn_ends(struct ringsend *e);

#endif
