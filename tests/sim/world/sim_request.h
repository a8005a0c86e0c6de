/* The framing of requests, followed byte by byte: where the head ends, which bytes are body, where
 * the request ends. Followed twice for each connection: as its bytes enter it, and as they arrive.
 */
#ifndef RINGSEND_TESTS_SIM_WORLD_SIM_REQUEST_H
#define RINGSEND_TESTS_SIM_WORLD_SIM_REQUEST_H

#include "tests/sim/sim.h"

enum sim_request_step {
    REQUEST_NONE, /* not a byte yet */
    REQUEST_HEAD,
    REQUEST_BODY,
    REQUEST_CHUNK_HEAD,
    REQUEST_CHUNK,
    REQUEST_CHUNK_END,
    REQUEST_END, /* the line end behind the last chunk */
    REQUEST_DONE
};

/* All zero: before a request. */
struct sim_request {
    enum sim_request_step step;
    struct sim_text head; /* with its blank line */
    bool chunked;
    uint64_t body_bytes; /* so far */
    uint64_t left;       /* of the body by length, or of the chunk */
    char line[16];       /* the chunk's head, or its end */
    uint32_t line_bytes;
};

/* Takes bytes up to the next change; returns how many. *body_bytes of them, the last ones, are
 * body. A request that is malformed ends the run. Not to be called when done. */
size_t sim_request_feed(struct sim_request *q, const char *data, size_t bytes, size_t *body_bytes);
/* Ready for the next one. */
void sim_request_reset(struct sim_request *q);
/* The number behind the head line `name`, which stands there once at most; `missing` when it does
 * not. */
long sim_request_number(const struct sim_request *q, const char *name, long missing);

#endif
