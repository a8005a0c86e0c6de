/* The requests that a benchmark sends over and over, read into memory once: nothing is parsed or
 * formatted while it is measured. */
#ifndef RINGSEND_CLI_BENCH_BENCH_REQUESTS_H
#define RINGSEND_CLI_BENCH_BENCH_REQUESTS_H

#include "base/buf.h"
#include "cli/options/target_options.h"
#include "records/record.h"
#include "ringsend.h"

#include <stddef.h>

/* A record behind a request. */
struct bench_record {
    struct record *record;
    struct buf body; /* of its data file */
};

struct bench_requests {
    const char *command; /* whose requests they are, for messages */
    struct ringsend_request *requests;
    size_t count;
    struct buf_pool pool;
    struct bench_record *records; /* one for each request; null with a URL */
    size_t capacity;
    struct ringsend_header *headers; /* of a URL whose login is in the netrc; else null */
    char *data;                      /* that --data @FILE has read */
};

/* EXIT_OK; or the exit status, with the message told. Free it in any case. */
int bench_requests_read(struct bench_requests *b, const struct target_options *options);
void bench_requests_free(struct bench_requests *b);

#endif
