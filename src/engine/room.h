/* Large responses that wait for each other's memory: options.memory_target_bytes. */
#ifndef RINGSEND_ENGINE_ROOM_H
#define RINGSEND_ENGINE_ROOM_H

#include <stdbool.h>

struct exchange;
struct ringsend;

/* After each look at what has come: makes room for the response's body, or lets it wait. */
void room_look(struct exchange *x);
void room_exchange_over(struct exchange *x); /* its exchange has ended */
void room_made(struct ringsend *e);          /* memory has come back: whoever waits looks again */
bool room_for_decoding(const struct ringsend *e);

#endif
