/* Where a finished record goes: its result line to the results, and when it is not ok, its own line
 * to the file of failed ones. */
#ifndef RINGSEND_BATCH_OUTPUT_H
#define RINGSEND_BATCH_OUTPUT_H

#include "base/buf.h"
#include "batch/result_line.h"
#include "batch/sink.h"

#include <stdbool.h>
#include <stdint.h>

struct output {
    struct buf_pool *pool;
    struct sink results, failed;
    bool has_failed;
    bool failed_broke; /* with an error: it is that of the file of failed lines */
};

/* failed_fd -1: no such file. The descriptors stay the caller's. 0 or an errno. */
int output_open(struct output *o, struct ringsend *engine, struct buf_pool *pool, int results_fd,
                int failed_fd);
/* The result of a record whose line was `record` (empty: nothing of it was kept). */
void output_put(struct output *o, uint64_t now_ns, const struct result_line *line,
                struct ringsend_bytes record);
/* Moves both on; `flush`: nothing more is to be expected soon. */
void output_turn(struct output *o, uint64_t now_ns, bool flush);
/* How long until output_turn has to be called though nothing else happens. */
uint64_t output_wait_ns(const struct output *o, uint64_t now_ns);
bool output_has_room(const struct output *o);
/* All that was put in is written, or given up after an error. */
bool output_is_idle(const struct output *o);
/* errno of the first failure, else 0. */
int output_error(struct output *o);
void output_close(struct output *o);

#endif
