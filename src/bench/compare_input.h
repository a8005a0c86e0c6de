/* What is compared: sides, each with the response times of one run or several. They come from the
 * JSON of `ringsend bench`, from HdrHistogram logs, or from runs just made. */
#ifndef RINGSEND_BENCH_COMPARE_INPUT_H
#define RINGSEND_BENCH_COMPARE_INPUT_H

#include "base/histogram.h"
#include "bench/compare.h"
#include "ringsend.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct side {
    char *name;
    double rate;  /* of the step that it is; 0: it is none */
    size_t first; /* number of the first side of the same file */
    struct histogram runs[COMPARE_RUNS_MAX];
    struct histogram bounds[COMPARE_RUNS_MAX]; /* of their times: lower bounds */
    size_t runs_count;
    bool errors_known;
    struct compare_counts counts[COMPARE_RUNS_MAX];
    uint64_t never_started; /* of all runs */
    size_t slow;            /* runs in which the machine that measured was too slow */
    size_t swamped;         /* runs in which the server took in more than it answered */
    /* Of its first run, as JSON, checked; null: unknown. */
    char *settings, *environment, *command;
};

struct sides {
    struct side *all; /* zeroed at first */
    size_t count;
};

void sides_free(struct sides *sides);

struct side_run {
    const char *name; /* runs of one name and rate, from `first` on, are one side */
    double rate;      /* of a step, else 0 */
    const struct histogram *response_ns;
    const struct histogram *bounds_ns; /* null: none */
    bool errors_known;
    struct compare_counts
        counts; /* failed: errors, and responses with a status that is no success */
    uint64_t never_started;
    bool slow, swamped;
    struct ringsend_bytes settings; /* JSON; empty: unknown */
};

/* Adds a run to its side among those from number `first` on, or makes it. Null, or a
 * static sentence that says why it cannot be added. */
const char *sides_add(struct sides *sides, size_t first, const struct side_run *run);
/* Adds what a file holds: a side; one for each target when it holds runs of several; one for each
 * rate when it holds steps. With `step` above 0 the step at that rate alone, which is then a side
 * like any other. False, with a sentence in `message`, when it cannot be read. */
bool sides_add_file(struct sides *sides, const char *path, double step, char *message,
                    size_t message_bytes);

#define SIDES_NONE SIZE_MAX

/* There is a side of that number, and it is of the file that begins with side `first`. */
bool sides_is_of(const struct sides *sides, size_t number, size_t first);
/* The step at that rate of the file that begins with side `first`, or SIDES_NONE. */
size_t sides_find_step(const struct sides *sides, size_t first, double rate);
/* The times of all runs of a side in one histogram, and those that are lower bounds, to be freed in
 * any case. False when memory is out. */
bool side_merge(const struct side *side, struct histogram *all, struct histogram *bounds);

#endif
