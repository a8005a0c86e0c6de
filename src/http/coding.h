/* Content codings (RFC 9110 8.4): which ones a body has, and taking them off. Pure: bytes in, bytes
 * out, in bounded memory.
 *
 * Known are gzip (x-gzip), deflate (with zlib's wrapper or, as some servers send it, without), br and
 * zstd, at most CODING_MAX of them upon each other. One that is not known leaves the body as it is. */
#ifndef RINGSEND_HTTP_CODING_H
#define RINGSEND_HTTP_CODING_H

#include "base/buf.h"
#include "base/errors.h"
#include "base/span.h"
#include "base/unpack.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CODING_MAX = 2,
    CODING_TEXT_BYTES = 64,
    /* What becomes more than so many times as long as it was, and longer than this, is a bomb. */
    CODING_RATIO_MAX = 1000,
    CODING_RATIO_FROM_BYTES = 1 << 20,
};

/* What to send as Accept-Encoding when all of them may come. */
#define CODING_ACCEPT "gzip, deflate, br, zstd"

enum coding { CODING_GZIP, CODING_DEFLATE, CODING_BROTLI, CODING_ZSTD };

/* Zeroed: none. */
struct codings {
    uint8_t of[CODING_MAX]; /* enum coding, in the order in which they were applied */
    uint8_t count;          /* above CODING_MAX: too many */
    bool unknown;           /* there is one that we cannot take off */
    uint8_t text_bytes;
    char text[CODING_TEXT_BYTES]; /* as the response names them, cut to that size */
};

/* Takes in the value of a Content-Encoding field; of several the lists follow each other. */
void codings_add(struct codings *codings, struct ringsend_bytes value);

/* Takes the codings off the body. An empty body stays empty. On an error, BAD_ENCODING,
 * BODY_TOO_LARGE (over bytes_max, or a bomb) or NO_MEMORY, *detail says more, and the body is as it
 * was. Not to be called when one is unknown. */
enum ringsend_error codings_remove(const struct codings *codings, struct unpack *unpack,
                                   struct buf_pool *pool, struct buf *body, uint64_t bytes_max,
                                   const char **detail);

#endif
