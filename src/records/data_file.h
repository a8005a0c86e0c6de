/* The content of a record's data file, read through the engine's ring into a buffer. */
#ifndef RINGSEND_RECORDS_DATA_FILE_H
#define RINGSEND_RECORDS_DATA_FILE_H

#include "base/buf.h"
#include "base/span.h"
#include "engine/file.h"
#include "records/record.h"

#include <stdbool.h>
#include <stddef.h>

enum data_file_step {
    DATA_FILE_OPENING,
    DATA_FILE_LOOKING, /* what kind of file it is, and how large */
    DATA_FILE_READING
};

struct data_file_own;

/* Zeroed before its first use. Most records have none: what is large is there only meanwhile. */
struct data_file {
    enum data_file_step step;
    struct buf_pool *pool;
    struct buf *into;
    size_t start_bytes; /* that were in it before */
    struct ringsend_bytes path;
    struct file *file;         /* not null exactly while it is under way; likewise: */
    struct data_file_own *own; /* what the kernel looks at, besides */
    size_t stat_bytes;         /* the file's size; 0: known only at its end */
};

enum data_file_next {
    DATA_FILE_WAIT,  /* until ringsend_run has finished the read under way */
    DATA_FILE_DONE,  /* the content is in the buffer */
    DATA_FILE_FAILED /* *error says why */
};

/* Opens the file and starts to read it into the buffer, behind what is there. The path's bytes are
 * borrowed until the end. */
enum data_file_next data_file_begin(struct data_file *data, struct ringsend *engine,
                                    struct buf_pool *pool, struct ringsend_bytes path,
                                    struct buf *into, struct record_error *error);
/* Takes the end of a read and starts the next one. After DATA_FILE_DONE and DATA_FILE_FAILED it is
 * over. */
enum data_file_next data_file_turn(struct data_file *data, struct record_error *error);
/* Cancels what is under way. Harmless when nothing is. */
void data_file_end(struct data_file *data);

/* ---- for who has no engine: these wait for the disk ---- */

/* Whether it could be loaded, as far as can be told without reading it. */
bool data_file_look(struct ringsend_bytes path, struct record_error *error);
/* Loads it likewise; on an error some of it may be there. */
bool data_file_now(struct ringsend_bytes path, struct buf_pool *pool, struct buf *into,
                   struct record_error *error);

#endif
