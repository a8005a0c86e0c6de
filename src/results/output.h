/* Where a finished record goes: its result to the results, as a line of JSON or in another form; in
 * the user's form to a second place, if so wanted; and when it is not ok, its own line to the file
 * of failed ones. With a journal the results, the failed lines and the records' states go together,
 * block by block. */
#ifndef RINGSEND_RESULTS_OUTPUT_H
#define RINGSEND_RESULTS_OUTPUT_H

#include "base/buf.h"
#include "base/machine.h"
#include "results/output_options.h"
#include "results/result_line.h"
#include "results/sink.h"

#include <stdbool.h>
#include <stdint.h>

/* Of the block that is being written, with a journal. Steps of what is not wanted, or not there,
 * are over at once. */
#define OUTPUT_STEPS(STEP)                                        \
    /* there is none */                                           \
    STEP(OUTPUT_FILLING, STEP_TO(OUTPUT_SYNCING_INTENT))          \
    /* sync: waits until the intent is durable */                 \
    STEP(OUTPUT_SYNCING_INTENT, STEP_TO(OUTPUT_WRITING_FAILED))   \
    /* waits for the append of failed lines */                    \
    STEP(OUTPUT_WRITING_FAILED, STEP_TO(OUTPUT_WRITING_RESULTS))  \
    /* waits for the append of results */                         \
    STEP(OUTPUT_WRITING_RESULTS, STEP_TO(OUTPUT_SYNCING_RESULTS)) \
    /* sync: waits until the results are durable */               \
    STEP(OUTPUT_SYNCING_RESULTS, STEP_TO(OUTPUT_SYNCING_FAILED))  \
    /* the same of the failed lines */                            \
    STEP(OUTPUT_SYNCING_FAILED, STEP_TO(OUTPUT_FILLING))

enum output_step { OUTPUT_STEPS(STEP_ENUM) };

struct output {
    struct output_options options;
    struct buf_pool *pool;
    struct sink results, failed, write_out;
    bool has_failed, has_write_out;
    struct ringsend_bytes
        failed_header; /* a file of failed ones begins with it; empty: with none */
    /* With options.input: what a table's head names of the records; set before the first row. */
    const struct echo_columns *input_columns;
    bool results_begun;  /* the head of a table is there, or none is wanted */
    struct sink *broken; /* which of them the error is about; null: none, or the journal */

    struct journal *journal; /* of the options */
    enum output_step step;
    struct buf entries;        /* struct journal_entry of the results in results.filling */
    struct file *journal_file; /* to sync it; null without */
    bool journal_syncing;      /* its sync was started and not taken */
    int journal_error;         /* errno, or 0 */
};

/* The options are copied, what they point to is borrowed. The descriptors stay the caller's. 0 or
 * an errno. */
int output_open(struct output *o, struct ringsend *engine, struct buf_pool *pool,
                const struct output_options *options);
/* Puts the head of a table in, unless it is there: due at the end, when there may be no row. */
void output_begin_results(struct output *o);
/* The result of the record with this number, whose line was `record` (empty: nothing of it was
 * kept). Of what the line holds only what the options ask for is told. */
void output_put(struct output *o, uint64_t number, struct result_line *line,
                struct ringsend_bytes record);
/* The same in two steps, for a result whose turn has not come: what would be written for it, added
 * to *result and *write_out (of no other use); then that, with the record's line, or null if it is
 * ok. False when memory is out. */
bool output_format(const struct output_options *options, struct buf_pool *pool,
                   struct result_line *line, struct buf *result, struct buf *write_out);
void output_put_formatted(struct output *o, uint64_t number, const struct buf *result,
                          const struct buf *write_out, const struct ringsend_bytes *failed);
/* Moves all on; `flush`: nothing more is to be expected soon. */
void output_turn(struct output *o, uint64_t now_ns, bool flush);
/* How long until output_turn has to be called though nothing else happens. */
uint64_t output_wait_ns(const struct output *o, uint64_t now_ns);
bool output_has_room(const struct output *o);
/* All that was put in is written, or given up after an error. */
bool output_is_idle(const struct output *o);
/* errno of a failure, else 0; o->broken then says whose. */
int output_error(struct output *o);
void output_close(struct output *o);

#endif
