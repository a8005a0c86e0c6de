/* More threads for a job: each runs an engine of its own, and nothing else. The job's thread reads,
 * writes, decides and runs the first engine; to the others it posts requests, and gets their
 * results back as copies, with a wake-up.
 *
 *   job's thread        slots in flight  --ringsend_post-->   engine of a mate
 *                       results          <--returned, mutex-- (copied into the slot)
 *
 * A slot in flight belongs to the mate until it comes back. */
#ifndef RINGSEND_BATCH_ENGINE_THREADS_H
#define RINGSEND_BATCH_ENGINE_THREADS_H

#include "base/list.h"
#include "ringsend.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct slot;

enum { CREW_MAX = 64 };

struct crew_engine {
    struct ringsend *engine;
    /* of results on their way to the job; then it holds more back. 0: no bound */
    size_t returned_bytes_max;
};

struct crew;

/* Starts a thread for each of the engines, which nobody may touch from then on. `lead` is woken
 * when results are back. Null when memory or threads are out; the engines are freed in any case. */
struct crew *crew_new(const struct crew_engine *engines, size_t count, struct ringsend *lead);
/* Joins the threads and frees their engines, which cancels what is in flight: slots of it stay as
 * they are, and there are no mates any more. */
void crew_end(struct crew *crew);
/* The same, if it has not been done, and frees it. Null is allowed. */
void crew_free(struct crew *crew);

/* Gives the request of a slot, which is its `user`, to the mate with the fewest in flight: true
 * when these are fewer than `in_flight`, those of the job's own engine. *error: as ringsend_post's,
 * negated. */
bool crew_post(struct crew *crew, struct ringsend_request *request, uint32_t in_flight, int *error);
/* Moves slots that came back into the list (slot.returned): each has its result in slot.kept, and
 * slot.cut_short. Returns how many. */
size_t crew_collect(struct crew *crew, struct list *returned);
void crew_stop(struct crew *crew);        /* ringsend_stop to all */
void crew_cancel(struct crew *crew);      /* ends all that is in flight early */
bool crew_broke(const struct crew *crew); /* a ring failed: results are missing */
/* Has the mates' figures brought up to date, soon. */
void crew_ask_stats(struct crew *crew);
/* Adds the mates' figures, as of their last results or of when they were asked for last. */
void crew_add_stats(struct crew *crew, struct ringsend_stats *stats);

#endif
