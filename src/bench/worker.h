/* A worker: one thread of the load with its engine. */
#ifndef RINGSEND_BENCH_WORKER_H
#define RINGSEND_BENCH_WORKER_H

#include "bench/figures.h"
#include "bench/load.h"
#include "bench/schedule.h"
#include "bench/series.h"
#include "ringsend.h"

#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Connections of a thread whose TCP_INFO is read, see ringsend_options.watch_max. */
enum { WORKER_WATCHED = 64 };

/* A request in the engine, or the place for one. */
struct slot {
    struct ringsend_request request;
    uint64_t intended_ns;
    bool measured;           /* begun after warm-up and ramp */
    bool waited;             /* for a connection, when its turn had come and been noticed */
    uint64_t rests_until_ns; /* while it is in `resting` */
    bool unstarted;          /* the run ended while the engine had no connection for it yet */
};

struct worker {
    const struct load_options *options;
    struct series *series;
    struct ringsend *engine;
    uint32_t index;
    uint32_t connections; /* its share */
    uint64_t count;       /* its share of settings.requests */
    uint64_t begin_ns, measure_ns;
    uint64_t end_ns; /* UINT64_MAX: when `count` requests are done */

    /* Open loop: starts that are due and not made lie between `next` and `due`, also after the end.
     */
    struct schedule next, due;
    uint64_t waiting;
    uint64_t counted; /* measured starts that were due (closed loop: made) */
    bool ended;       /* no more starts */
    bool cancelled;

    uint32_t flags; /* that each request gets: enum ringsend_request_flags */
    struct slot *slots;
    struct slot **free_slots; /* a stack */
    uint32_t free_count;
    /* Closed loop: those that rest after a failure, a ring in the order in which they came to rest.
     */
    struct slot **resting;
    uint32_t resting_first, resting_count;
    uint64_t failures; /* since the last response */
    uint64_t template; /* index of the next request to send */

    uint64_t second;         /* of the series: the one that `part` is for */
    struct series_part part; /* of that second */
    struct ringsend_tcp_sample samples[3 * WORKER_WATCHED];
    uint64_t retransmits_ended; /* of watched connections that have ended */
    uint64_t ended_ns;          /* when the starts ended */
    uint64_t freed_ns; /* when a connection became free for the first time after that; 0: never */
    uint64_t last_done_ns; /* of a measured request */
    /* Open loop: the longest service time of responses that came before `early_end_ns`, of the
     * first one at least. So long a response may come after the starts' end, and be in time. */
    uint64_t early_end_ns, early_ns;
    struct figures figures;
    sem_t *ended_one; /* posted at the run's end; all but the engine may then be looked at */
    sem_t release;    /* then waited for: the engine is freed, by the thread that it belongs to */
    atomic_bool *failed; /* some worker did: all end */
    int error;           /* negated enum ringsend_error that ended it, else 0 */
    const char *detail;
};

/* False when memory is out; *message may tell more. Free it in any case. */
int worker_init(struct worker *w, const struct load_options *options, struct series *series,
                uint32_t index, char *message, size_t message_bytes);
void worker_free(struct worker *w);
/* When to begin. */
void worker_schedule(struct worker *w, uint64_t begin_ns);
/* The thread's function: runs it to its end. */
void *worker_run(void *worker);

#endif
