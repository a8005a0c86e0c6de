/* Content codings: a response's body before it is judged, a stretch in each turn. */
#ifndef RINGSEND_ENGINE_DECODE_H
#define RINGSEND_ENGINE_DECODE_H

#include <stdbool.h>

struct request;
struct ringsend;

void decode_turn(struct ringsend *e); /* a turn begins */
/* The body of its attempt's response has codings, none of them unknown: it gets in line. */
void decode_queue(struct request *r);
bool decode_is_due(const struct request *r); /* it is in line */
/* Goes on. True: it is over, and an error has become the outcome; false: it waits for its turn. */
bool decode_run(struct request *r);
void decode_abandon(struct request *r); /* its body is dropped */

#endif
