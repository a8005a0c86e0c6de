/* How far a run has come, in one line: as wide as a terminal, or as a sentence for a log. Pure. */
#ifndef RINGSEND_CLI_SEND_PROGRESS_LINE_H
#define RINGSEND_CLI_SEND_PROGRESS_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct progress_state {
    uint64_t done, failed,
        retries;    /* records with a result; of those not ok; tries after the first */
    uint64_t total; /* records of the job; 0: unknown */
    bool total_is_estimate;
    uint32_t in_flight; /* requests on a connection */
    uint32_t paused;    /* origins that asked for a pause */
    double rate;        /* records per second, of late */
    uint64_t elapsed_ns;
    uint64_t left_ns; /* an estimate; UINT64_MAX: unknown */
    bool stopping;
};

/* A line of fewer than `columns` columns: what matters most when there is little room, a bar in
 * what is left. Without its line end; text[0] is a NUL when not even one item fits. */
void progress_bar(const struct progress_state *s, unsigned columns, bool colour, char *text,
                  size_t text_bytes);
/* "12345 of about 50000 records (24 %), 1234 per second, ...", without its line end. */
void progress_sentence(const struct progress_state *s, char *text, size_t text_bytes);

#endif
