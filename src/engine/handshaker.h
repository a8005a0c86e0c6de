/* The public-key work of TLS handshakes, off the loop: 2 to 11 ms of CPU each, which would stand in
 * the way of every other exchange. Ownership of the TLS passes to a worker thread and back.
 *
 * tests/sim/world/sim_handshaker.c stands in for it in the simulation. */
#ifndef RINGSEND_ENGINE_HANDSHAKER_H
#define RINGSEND_ENGINE_HANDSHAKER_H

#include "base/workers.h"

#include <stdbool.h>
#include <stddef.h>

struct handshaker;
struct ring;
struct tls;

/* One call of tls_feed. From handshaker_start until handshaker_next returns it, it and the tls
 * belong to the worker. */
struct handshake {
    struct work work; /* first; the handshaker's */
    struct tls *tls;
    const char *cipher; /* what the peer sent */
    size_t bytes;
    size_t used; /* result */
    void *owner; /* the caller's */
};

/* Null: memory is out. The ring must outlive it. */
struct handshaker *handshaker_new(struct ring *ring);
/* Waits for the handshakes that are under way, as they can be when the ring broke: the worker uses
 * what is freed next. Null is allowed. */
void handshaker_free(struct handshaker *handshaker);
/* When not one thread can be had, the work is done at once, here. */
void handshaker_start(struct handshaker *handshaker, struct handshake *handshake);
/* A finished one, or null. ring_wake announces it. */
struct handshake *handshaker_next(struct handshaker *handshaker);

#endif
