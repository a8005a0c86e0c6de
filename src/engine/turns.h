/* For how long a connection that is being made may hold its place. */
#ifndef RINGSEND_ENGINE_TURNS_H
#define RINGSEND_ENGINE_TURNS_H

#include <stdbool.h>
#include <stdint.h>

struct conn;
struct pool;
struct ringsend;

void turns_init(struct ringsend *e);
void turn_begin(struct conn *c); /* of connect or handshake: sets their deadline as well */
void turn_stood(struct conn *c, uint64_t ns); /* for so long it waited for ourselves */
bool turn_is_over(struct conn *c);            /* true: it was taken back at once */
void turn_succeeded(struct conn *c);          /* its connect, or its handshake */
/* Takes back a connection that has had its turn, if there is one, so that the pool has its place.
 */
void turn_take_for(struct pool *p);

#endif
