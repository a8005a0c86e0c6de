/* The series: one entry a second, out of what each thread saw in that second.
 *
 * A thread counts into a struct series_part of its own and hands it in when the second is over. A
 * second is closed, and its entry made, when all threads have handed it in. A thread that is late
 * by SERIES_OPEN seconds holds nobody up: the second is closed without it, and its counts are added
 * when they come; only the percentiles lack them. In a whole series its times go to the second that
 * is open then, so that none is missing in the sum.
 *
 * A series is whole when the response times of each second are kept. They are exact then, and take
 * 450 kB a second until they are made a text, by the thread that takes the entries: the others have
 * no time for it.
 *
 * Any thread may call series_hand_in; one other takes the entries as they are closed. */
#ifndef RINGSEND_BENCH_SERIES_H
#define RINGSEND_BENCH_SERIES_H

#include "base/histogram.h"
#include "bench/figures.h"

#include <stdbool.h>
#include <stdint.h>

enum { SERIES_OPEN = 8 };

/* One thread's second. */
struct series_part {
    struct figures_second counts; /* percentiles unused; connections and waiting of this thread */
    struct histogram response_ns;
    struct histogram rtt_us;
};

struct series;

/* Null when memory is out. */
struct series *series_new(uint32_t threads, bool is_whole);
void series_free(struct series *s);

/* False when memory is out. */
bool series_part_init(struct series_part *part, bool is_whole);
void series_part_free(struct series_part *part);

/* Second number `second` is over for one thread, which has handed in all before it. *part is empty
 * again after that. */
void series_hand_in(struct series *s, uint64_t second, struct series_part *part);
/* The thread, which has handed in so many seconds, hands in no more. */
void series_leave(struct series *s, uint64_t seconds);

/* Waits for the entry of second number `second`. False when no thread hands in any more and there
 * is none. To be called for each in turn; entry->times stays the series' own. */
bool series_wait(struct series *s, uint64_t second, struct figures_second *entry);
/* The response times of the seconds that were taken. For the same thread; who takes a second later
 * than SERIES_OPEN seconds after its end misses its times. */
const struct histogram *series_so_far(const struct series *s);
/* Moves all entries into *figures, once all threads have left. */
void series_publish(struct series *s, struct figures *figures);

#endif
