/* The thread that does handshakes: the one that it does, and the one that is next. Functions run on
 * the engine's thread.
 *
 * tests/sim/world/sim_handshaker.c stands in for it in the simulation. */
#ifndef RINGSEND_ENGINE_HANDSHAKE_WORKER_H
#define RINGSEND_ENGINE_HANDSHAKE_WORKER_H

#include <stdbool.h>

struct handshake;
struct handshake_worker;
struct ring;

struct handshake_worker *handshake_worker_new(struct ring *ring);
/* Waits for what is being done. None is next any more. */
void handshake_worker_free(struct handshake_worker *worker);
/* None is next. True: it was idle, and does this one now; when not one thread can be had, it is
 * done at once, here. False: this one is next. */
bool handshake_worker_give(struct handshake_worker *worker, struct handshake *handshake);
/* The one that is next has not been begun. */
bool handshake_worker_has_next(const struct handshake_worker *worker);
/* None is next any more. False: it has been begun. */
bool handshake_worker_take_back(struct handshake_worker *worker);
/* One that is done, or null. ring_wake announces it. */
struct handshake *handshake_worker_next(struct handshake_worker *worker);

#endif
