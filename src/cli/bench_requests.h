/* The requests that a benchmark sends over and over, read into memory once: nothing is parsed or formatted
 * while it is measured. */
#ifndef RINGSEND_CLI_BENCH_REQUESTS_H
#define RINGSEND_CLI_BENCH_REQUESTS_H

#include "base/buf.h"
#include "batch/record.h"
#include "cli/bench_options.h"
#include "ringsend.h"

#include <stddef.h>

struct bench_requests {
    const char *command; /* whose requests they are, for messages */
    struct ringsend_request *requests;
    size_t count;
    struct buf_pool pool;
    struct record *records; /* behind the requests, when they are from files */
    size_t capacity;
    struct buf *bodies; /* of data files and --data, by request */
};

/* EXIT_OK; or the exit status, with the message told. Free it in any case. */
int bench_requests_read(struct bench_requests *b, const struct bench_options *o);
void bench_requests_free(struct bench_requests *b);

#endif
