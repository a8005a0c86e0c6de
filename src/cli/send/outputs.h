/* What `ringsend send` writes: results, failed lines, bodies, and the journal beside the results.
 * Opened so that nothing is overwritten unasked, and gone on with only where a run has left off. */
#ifndef RINGSEND_CLI_SEND_OUTPUTS_H
#define RINGSEND_CLI_SEND_OUTPUTS_H

#include "cli/output_file.h"
#include "cli/send/bodies.h"
#include "cli/send/send_options.h"
#include "journal/journal.h"
#include "journal/parked.h"
#include "records/source.h"
#include "results/report.h"

#include <stdbool.h>
#include <stdint.h>

struct outputs {
    struct output_file results, failed;
    struct bodies bodies;
    char *journal_path;      /* null: the results are no regular file, or no journal is wanted */
    struct journal *journal; /* null: none */
    bool goes_on;            /* with what a run has left */
    bool finished;           /* --resume: that was all, nothing is left to do */
    char *parked_path;       /* beside the journal */
    struct parked *parked;   /* what waits there for its turn; null: nothing */
    size_t inputs_untouched; /* see job_options */
};

enum outputs_use {
    OUTPUTS_UNUSED,   /* nothing was sent */
    OUTPUTS_COMPLETE, /* every record has its result: the journal has done its duty */
    OUTPUTS_LEFT      /* the journal is kept */
};

/* The source is open. An exit status, with the message told; outputs_close is due in any case. */
int outputs_open(struct outputs *outputs, const struct send_options *options,
                 const struct source *source);
int outputs_close(struct outputs *outputs, enum outputs_use use);

#endif
