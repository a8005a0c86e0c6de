/* For how long a connection that is being made may hold its place. */
#ifndef RINGSEND_ENGINE_TURNS_H
#define RINGSEND_ENGINE_TURNS_H

#include "base/time.h"

#include <stdint.h>

struct conn;
struct request;
struct ringsend;

#define TURN_MIN_NS (250 * NS_PER_MS)

void turns_init(struct ringsend *e);
void turn_begin(struct conn *c); /* of connect or handshake: sets their deadline as well */
/* The same, where it waits for a way to be opened: that time is the queue's. */
void turn_waits(struct conn *c);
void turn_waits_no_more(struct conn *c);
/* For so long as it has been with our own worker up to now, its clock and the attempt's have stood;
 * while it is there they stand. Before anybody looks at them. */
void turn_stood(struct conn *c);
/* It may be taken back from now on. A race's: first by its own pool, which is to hear of it. */
void turn_is_over(struct conn *c);
void turn_succeeded(struct conn *c);                /* its connect, or its handshake */
struct request *turn_request(const struct conn *c); /* whom it is being made for; null: nobody */

#endif
