/* The content of a record's data file, read through the engine's ring into a buffer. */
#ifndef RINGSEND_RECORDS_DATA_FILE_H
#define RINGSEND_RECORDS_DATA_FILE_H

#include "base/buf.h"
#include "base/span.h"
#include "engine/file.h"
#include "records/record.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

enum load_step {
    LOAD_OPENING,
    LOAD_LOOKING, /* what kind of file it is, and how large */
    LOAD_READING
};

/* Zeroed before its first use. */
struct load {
    enum load_step step;
    struct buf_pool *pool;
    struct buf *into;
    struct ringsend_bytes path;
    struct file *file;  /* not null exactly while it is under way */
    char *name;         /* the same path for open(2) */
    struct statx about; /* from LOAD_READING on: its kind and size */
    size_t told_bytes;  /* the file's size; 0: known only at its end */
};

enum load_next {
    LOAD_WAIT,  /* until ringsend_run has finished the read under way */
    LOAD_DONE,  /* the content is in the buffer */
    LOAD_FAILED /* *error says why */
};

/* Opens the file and starts to read it into the empty buffer. The path's bytes are borrowed until
 * the end. */
enum load_next load_begin(struct load *load, struct ringsend *engine, struct buf_pool *pool,
                          struct ringsend_bytes path, struct buf *into, struct record_error *error);
/* Takes the end of a read and starts the next one. After LOAD_DONE and LOAD_FAILED it is over. */
enum load_next load_turn(struct load *load, struct record_error *error);
/* Cancels what is under way. Harmless when nothing is. */
void load_end(struct load *load);

/* ---- for who has no engine: these wait for the disk ---- */

/* Whether it could be loaded, as far as can be told without reading it. */
bool load_look(struct ringsend_bytes path, struct record_error *error);
/* Loads it into the empty buffer; on an error some of it may be there. */
bool load_now(struct ringsend_bytes path, struct buf_pool *pool, struct buf *into,
              struct record_error *error);

#endif
