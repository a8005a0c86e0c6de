/* More threads for a job: each runs an engine of its own, and nothing else. The job's thread reads,
 * writes, decides and runs the first engine; to the others it posts requests, and gets their
 * results back as copies, with a wake-up.
 *
 *   job's thread        slots in flight  --ringsend_post-->   a thread's engine
 *                       results          <--returned, mutex-- (copied into the slot)
 *
 * A slot in flight belongs to that thread until it comes back. */
#ifndef RINGSEND_BATCH_ENGINE_THREADS_H
#define RINGSEND_BATCH_ENGINE_THREADS_H

#include "base/list.h"
#include "ringsend.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct slot;

enum { ENGINE_THREADS_MAX = 64 };

struct thread_engine {
    struct ringsend *engine;
    /* of results on their way to the job; then it holds more back. 0: no bound */
    size_t returned_bytes_max;
};

struct engine_threads;

/* Starts a thread for each of the engines, which nobody may touch from then on. `lead` is woken
 * when results are back. Null when memory or threads are out; the engines are freed in any case. */
struct engine_threads *engine_threads_new(const struct thread_engine *engines, size_t count,
                                          struct ringsend *lead);
/* Joins the threads and frees their engines, which cancels what is in flight: slots of it stay as
 * they are, and there are no threads any more. */
void engine_threads_end(struct engine_threads *threads);
/* The same, if it has not been done, and frees it. Null is allowed. */
void engine_threads_free(struct engine_threads *threads);

/* Gives the request of a slot, which is its `user`, to the thread with the fewest in flight: true
 * when these are fewer than `in_flight`, those of the job's own engine. *error: as ringsend_post's,
 * negated. */
bool engine_threads_post(struct engine_threads *threads, struct ringsend_request *request,
                         uint32_t in_flight, int *error);
/* Moves slots that came back into the list (slot.returned): each has its result in slot.kept, and
 * slot.cut_short. Returns how many. */
size_t engine_threads_collect(struct engine_threads *threads, struct list *returned);
void engine_threads_stop(struct engine_threads *threads);   /* ringsend_stop to all */
void engine_threads_cancel(struct engine_threads *threads); /* ends all that is in flight early */
bool engine_threads_broke(
    const struct engine_threads *threads); /* a ring failed: results are missing */
/* Has the threads' figures brought up to date, soon. */
void engine_threads_ask_stats(struct engine_threads *threads);
/* Adds the threads' figures, as of their last results or of when they were asked for last. */
void engine_threads_add_stats(struct engine_threads *threads, struct ringsend_stats *stats);

#endif
