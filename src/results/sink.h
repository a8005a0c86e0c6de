/* An output of whole lines: filled in one buffer while the ring appends the other, so that neither
 * a slow disk nor a slow reader of a pipe holds up the loop. A sink that is full is back-pressure:
 * the job asks sink_has_room before it takes another record. */
#ifndef RINGSEND_RESULTS_SINK_H
#define RINGSEND_RESULTS_SINK_H

#include "base/buf.h"
#include "base/machine.h"
#include "base/span.h"
#include "engine/file.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is kept whole when a write fails or is given up. */
enum sink_shape {
    SINK_LINES, /* ends in LF */
    SINK_ROWS,  /* likewise, but not inside of double quotes (CSV) */
    SINK_TEXT   /* nothing: no line need end */
};

/* Of the lines that were sealed last. */
#define SINK_STEPS(STEP)                                               \
    /* there are none: all that came is in `filling` */                \
    STEP(SINK_FILLING, STEP_TO(SINK_SEALED) | STEP_TO(SINK_SYNCING))   \
    /* not given to the ring yet; after an error never */              \
    STEP(SINK_SEALED, STEP_TO(SINK_APPENDING) | STEP_TO(SINK_FILLING)) \
    /* waits for the append */                                         \
    STEP(SINK_APPENDING, STEP_TO(SINK_FILLING))                        \
    /* waits for the sync */                                           \
    STEP(SINK_SYNCING, STEP_TO(SINK_FILLING))

enum sink_step { SINK_STEPS(STEP_ENUM) };

struct sink {
    struct buf_pool *pool;
    enum sink_shape shape;
    struct file *file; /* null after sink_close */
    int fd;
    enum sink_step step;
    struct buf filling;      /* whole lines only */
    struct buf writing;      /* sealed: given to the ring, or about to be */
    uint64_t flush_after_ns; /* lines wait for others until so long after those before them */
    uint64_t sealed_ns;      /* when these were; 0: never */
    uint64_t filling_lines, writing_lines;
    bool filling_preface, writing_preface; /* it begins with a line that is no record's */
    uint64_t lines;                        /* put in so far */
    uint64_t lines_kept;                   /* of these, wholly written */
    bool regular;                          /* a regular file, which can be cut */
    int flags_before;                      /* of fd, when O_APPEND was added; else -1 */
    int64_t end_bytes; /* of a regular file: its size after the last finished append */
    int error;         /* errno of the first failure: nothing is written from then on; else 0 */
    bool given_up;     /* by sink_close: there was no error, but lines were still to be written */
};

/* Takes `fd`, which stays the caller's and open. 0 or an errno. */
int sink_open(struct sink *s, struct ringsend *engine, struct buf_pool *pool, int fd,
              enum sink_shape shape);
/* What was appended to sink_buffer, if it could be, is no record's. Before anything else. */
void sink_preface(struct sink *s, bool appended);

/* Lines go in by either way: appended to sink_buffer and told by sink_added, or with sink_put,
 * which adds the LF. */
struct buf *sink_buffer(struct sink *s);
void sink_added(struct sink *s, bool appended);
void sink_put(struct sink *s, struct ringsend_bytes line);

/* Takes the end of an append, and starts the next when enough is there, or it waited long enough,
 * or `flush` says that nothing more is to be expected soon. */
void sink_turn(struct sink *s, uint64_t now_ns, bool flush);

/* The same step by step, for who has something to do between: lines are to be written when
 * sink_is_due; sink_seal takes those that are there out; sink_start writes them, and sink_is_over
 * is true when that is done, or was nothing, or has failed. sink_sync makes them durable, and is
 * over likewise. */
bool sink_is_due(const struct sink *s, uint64_t now_ns, bool flush);
void sink_seal(struct sink *s, uint64_t now_ns);
void sink_start(struct sink *s);
void sink_sync(struct sink *s);
bool sink_is_over(struct sink *s);
/* An operation of it was started whose end was not taken. */
bool sink_is_busy(const struct sink *s);

/* How long until sink_turn has to be called though nothing else happens. */
uint64_t sink_wait_ns(const struct sink *s, uint64_t now_ns);
bool sink_has_room(const struct sink *s);
/* All that was put in is written, or given up after an error. */
bool sink_is_idle(const struct sink *s);

/* Ends an append that is still under way and, after that or an error, cuts a regular file behind
 * its last whole line. */
void sink_close(struct sink *s);

#endif
