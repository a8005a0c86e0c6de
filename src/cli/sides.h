/* What is compared: sides, each with the response times of one run or several. They come from the
 * JSON of `ringsend bench`, from HdrHistogram logs, or from runs just made. */
#ifndef RINGSEND_CLI_SIDES_H
#define RINGSEND_CLI_SIDES_H

#include "base/histogram.h"
#include "bench/compare.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct side {
    char *name;
    struct histogram runs[COMPARE_RUNS_MAX];
    size_t runs_count;
    bool errors_known;
    uint64_t failed;   /* errors, and responses with a status that is no success */
    uint64_t requests; /* the other responses */
    size_t slow;       /* runs in which the machine that measured was too slow */
};

struct sides {
    struct side *all; /* zeroed at first */
    size_t count;
};

void sides_free(struct sides *sides);

struct side_run {
    const char *name; /* runs of one name, from `first` on, are one side */
    const struct histogram *response_ns;
    bool errors_known;
    uint64_t failed, requests;
    bool slow;
};

/* Adds a run to the side of its name among those from number `first` on, or makes it. Null, or a
 * static sentence that says why it cannot be added. */
const char *sides_add(struct sides *sides, size_t first, const struct side_run *run);
/* Adds what a file holds: a side, or one for each target when it holds runs of several. Of steps at several rates
 * the one with the rate `step`, 0: none is asked for. False, with a sentence in `message`, when it cannot be read.
 */
bool sides_add_file(struct sides *sides, const char *path, double step, char *message,
                    size_t message_bytes);

#endif
