/* The public-key work of TLS handshakes, off the loop: 2 to 11 ms of CPU each, and for a hostile
 * chain ten times that, which would stand in the way of every other exchange. Who is next, and who
 * does it: handshake_worker.h. All functions run on the engine's thread. */
#ifndef RINGSEND_ENGINE_HANDSHAKER_H
#define RINGSEND_ENGINE_HANDSHAKER_H

#include "base/list.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct handshaker;
struct ring;
struct tls;

enum handshake_step {
    HANDSHAKE_IDLE,
    HANDSHAKE_WAITS, /* in its lane */
    HANDSHAKE_NEXT,  /* with the worker, to be done after the one that is being done */
    HANDSHAKE_GIVEN  /* being done, or done and not yet told */
};

/* Those of one origin: lanes take turns. */
struct lane {
    struct list node;     /* in handshaker.lanes exactly while some wait */
    struct list waiting;  /* handshake.node, in the order of coming */
    uint64_t at_ns;       /* its next one's place among all lanes'; see handshaker.c */
    uint64_t expected_ns; /* what its last one has cost */
};

/* One call of tls_feed. From handshaker_start until handshaker_next returns it, or it is withdrawn,
 * it and the tls belong to the handshaker. Zeroed to begin with. */
struct handshake {
    struct list node;
    enum handshake_step step;
    struct lane *lane;
    struct handshake *next_done; /* the worker's */
    struct tls *tls;
    const char *cipher; /* what the peer sent */
    size_t bytes;
    size_t used;         /* result */
    uint64_t took_ns;    /* likewise: of CPU */
    uint64_t before_ns;  /* its lane's at_ns when it was its turn, */
    uint64_t charged_ns; /* and by how much that has moved on since */
    void *owner;         /* the caller's */
};

void lane_init(struct lane *lane);

/* Null: memory is out. The ring must outlive it. */
struct handshaker *handshaker_new(struct ring *ring);
/* Waits for the one that is under way, as it can be when the ring broke: the worker uses what is
 * freed next. Those that wait are not done. Null is allowed. */
void handshaker_free(struct handshaker *handshaker);
void handshaker_start(struct handshaker *handshaker, struct handshake *handshake,
                      struct lane *lane);
/* Nobody wants it any more. False: it is being done, and handshaker_next will return it. */
bool handshaker_withdraw(struct handshaker *handshaker, struct handshake *handshake);
/* A finished one, or null. ring_wake announces it. */
struct handshake *handshaker_next(struct handshaker *handshaker);

#endif
