/* Reads records as the job does, with all that is refused before anything is sent, and sends
 * nothing: no engine, no io_uring. */
#ifndef RINGSEND_BATCH_CHECKER_H
#define RINGSEND_BATCH_CHECKER_H

#include "batch/record.h"
#include "batch/source.h"

#include <stdbool.h>
#include <stdint.h>

enum checker_next {
    CHECKER_GOOD, /* checker->record can be sent */
    CHECKER_BAD,  /* checker->error says why not, `place` where */
    CHECKER_END   /* source->error may say that an input could not be read on */
};

struct checker {
    struct source *source;
    const struct record_defaults *defaults;
    struct buf_pool pool;
    struct record record;
    struct record_error error;
    struct record_place place; /* in its file: the line from 1 on */
    uint64_t records, bad;
};

/* `source` is opened and told its format and range, and not started. False when memory is out;
 * checker_free is due in any case. */
bool checker_init(struct checker *checker, struct source *source,
                  const struct record_defaults *defaults);
/* The next record; the one before it is gone. */
enum checker_next checker_next(struct checker *checker);
/* Stops the source. */
void checker_free(struct checker *checker);

#endif
