/* The load of a benchmark run: threads, each with an engine and its share of connections, rate and
 * count, driven by a schedule (open loop) or by what comes back (closed loop). Figures are merged
 * at the end.
 *
 * Closed loop: each connection carries one request after another. Open loop: a start that is due
 * takes a free connection, or waits for one; its clock runs from when it was due. Waiting starts
 * are a number and a place in the schedule, so that any number of them may wait in constant memory.
 *
 * Nothing is tried again: a second try would hide the first one's failure. */
#ifndef RINGSEND_BENCH_LOAD_H
#define RINGSEND_BENCH_LOAD_H

#include "bench/figures.h"
#include "ringsend.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Borrowed for the load's life. */
struct load_options {
    struct figures_settings settings; /* threads <= connections; rate > 0 in an open loop */
    /* Times, TLS, limits, what counts as ok. Connections, requests, tries, exact_times and spin are
     * set here. */
    const struct ringsend_options *engine;
    /* Sent in turn, over and over; thread k of T sends k, k + T, ... Their `user`, `handle`,
     * `tries` and what becomes of their responses' bodies are ours. */
    const struct ringsend_request *requests;
    size_t requests_count;
    /* Set by signal handlers, which call load_wake then. 1: start no more and wait for what is in
     * flight. 2 and more: cancel that, too. */
    const atomic_int *stop_asked;
};

struct load;

/* Makes engines and memory. 0, or the negated enum ringsend_error with a sentence in `message`. */
int load_new(struct load **load, const struct load_options *options, char *message,
             size_t message_bytes);
/* Starts the threads, once. 0, or -RINGSEND_E_NO_MEMORY when there can be no thread. */
int load_start(struct load *load);
/* Waits until second number `second` of the measured part is over. False: the run is, before that.
 */
bool load_second(struct load *load, uint64_t second, struct figures_second *entry);
/* The response times of the seconds that load_second told of, for the same thread: to 0.8 %, and
 * without those of a second that it was asked for SERIES_OPEN seconds late. */
const struct histogram *load_so_far(const struct load *load);
/* Waits for the run's end and fills *figures, initialised and empty. 0, or the negated enum
 * ringsend_error when the ring broke, or a request of the caller's was refused: then with a
 * sentence in `message`. */
int load_finish(struct load *load, struct figures *figures, char *message, size_t message_bytes);
/* From a signal handler, any thread, before load_free: the threads look at stop_asked. */
void load_wake(struct load *load);
/* Before load_start or after load_finish. Null is allowed. */
void load_free(struct load *load);

/* What the ring of this kernel can do, for figures_environment; known after load_new. */
void load_ring_features(const struct load *load, char *text, size_t text_bytes);
/* Which https origins were spoken to, likewise; known after load_finish. */
void load_tls_origins(const struct load *load, struct figures_origin origins[FIGURES_ORIGINS_MAX]);
/* Which https origin was the one of that number to go over to OpenSSL, in words. 0: there are
 * fewer so far. */
size_t load_tls_move(const struct load *load, size_t number, char *text, size_t text_bytes);

#endif
