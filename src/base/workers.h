/* Work off the loop: threads, each started when a piece of work finds none free, for what would
 * block the loop or hold it up (name lookups, the public-key part of TLS handshakes). A finished
 * piece is announced by the owner's wake function and fetched by workers_next.
 *
 * All functions but the pieces' own run on the owner's thread. */
#ifndef RINGSEND_BASE_WORKERS_H
#define RINGSEND_BASE_WORKERS_H

#include <stdbool.h>

struct workers;

/* One piece, embedded in what it is about. From workers_start until workers_next returns it, it
 * belongs to a worker thread. */
struct work {
    struct work *next;
    void (*run)(struct work *work); /* on a worker thread */
    void (*drop)(
        struct work *work); /* on any thread, instead of workers_next, after workers_free */
};

/* `wake(context)` is called on a worker thread whenever a piece is finished, and not any more once
 * workers_free has returned. Null: memory is out. */
struct workers *workers_new(void (*wake)(void *context), void *context, unsigned threads_max);
/* Does not wait for work: a piece that runs goes on to its end, and is then dropped, by a thread
 * that ends by itself. All other threads have ended. Null is allowed. */
void workers_free(struct workers *workers);
/* False when no thread is free and none could be started: the piece is still the caller's. With
 * threads_max of them it waits for one of these. */
bool workers_start(struct workers *workers, struct work *work);
/* A finished piece, or null. */
struct work *workers_next(struct workers *workers);
/* Pieces were started that workers_next has not returned. */
bool workers_are_busy(const struct workers *workers);

#endif
