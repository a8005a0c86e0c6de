/* Reads records as the job does, with all that is refused before anything is sent, and sends
 * nothing: no engine, no io_uring. */
#ifndef RINGSEND_RECORDS_READER_H
#define RINGSEND_RECORDS_READER_H

#include "records/keys_seen.h"
#include "records/record.h"
#include "records/source.h"

#include <stdbool.h>
#include <stdint.h>

enum record_reader_next {
    RECORD_READER_GOOD, /* reader->record can be sent, once its data file and its key are there */
    RECORD_READER_BAD,  /* reader->error says why not */
    RECORD_READER_END   /* source->error may say that an input could not be read on */
};

struct record_reader {
    struct source *source;
    const struct record_defaults *defaults;
    struct buf_pool *pool;
    struct record *record;
    struct record_error error;
    struct keys_seen *keys;    /* to find keys that two records share; null: nobody asks */
    struct record_place place; /* of the record in its file, or of its error: the line from 1 on */
    uint64_t records, bad;
};

/* `source` is opened and told its format and range, and not started. False when memory is out;
 * record_reader_free is due in any case, before the pool goes. */
bool record_reader_init(struct record_reader *reader, struct source *source, struct buf_pool *pool,
                        const struct record_defaults *defaults);
/* The next record; the one before it is gone, unless it was taken. */
enum record_reader_next record_reader_next(struct record_reader *reader);
/* Loads what its body is made of into the empty `data`, which then is, or may be, the body. It
 * waits for the disk. */
bool record_reader_load(struct record_reader *reader, struct buf *data);
/* Makes a good record the caller's: record_release and free are due. Null when memory is out. */
struct record *record_reader_take(struct record_reader *reader);
/* Stops the source. */
void record_reader_free(struct record_reader *reader);

#endif
