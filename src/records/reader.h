/* Reads records as the job does, with all that is refused before anything is sent, and sends
 * nothing: no engine, no io_uring. */
#ifndef RINGSEND_RECORDS_READER_H
#define RINGSEND_RECORDS_READER_H

#include "records/record.h"
#include "records/source.h"

#include <stdbool.h>
#include <stdint.h>

enum checker_next {
    CHECKER_GOOD, /* checker->record can be sent, once its data file and its key are there */
    CHECKER_BAD,  /* checker->error says why not */
    CHECKER_END   /* source->error may say that an input could not be read on */
};

struct checker {
    struct source *source;
    const struct record_defaults *defaults;
    struct buf_pool *pool;
    struct record *record;
    struct record_error error;
    struct record_place place; /* of the record in its file, or of its error: the line from 1 on */
    uint64_t records, bad;
};

/* `source` is opened and told its format and range, and not started. False when memory is out;
 * checker_free is due in any case, before the pool goes. */
bool checker_init(struct checker *checker, struct source *source, struct buf_pool *pool,
                  const struct record_defaults *defaults);
/* The next record; the one before it is gone, unless it was taken. */
enum checker_next checker_next(struct checker *checker);
/* Makes a good record the caller's: record_release and free are due. Null when memory is out. */
struct record *checker_take(struct checker *checker);
/* Stops the source. */
void checker_free(struct checker *checker);

#endif
