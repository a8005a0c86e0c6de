/* Content codings (RFC 9110 8.4): which ones a body has, and taking them off. Pure: bytes in, bytes
 * out, in bounded memory.
 *
 * Known are gzip (x-gzip), deflate (with zlib's wrapper or, as some servers send it, without), br
 * and zstd, at most CODING_MAX of them upon each other. One that is not known leaves the body as it
 * is. */
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

/* ---- Taking them off ---- */

/* One body, on its way to be plain. */
struct decoding {
    struct codings codings; /* still on it: the last `count` says is taken off first */
    struct unpack *unpack;
    struct buf_pool *pool;
    uint64_t bytes_max;
    struct buf
        body;    /* with these codings on it; plain after DECODING_DONE: the caller may take it */
    bool inside; /* the last coding's stream has begun: */
    enum unpack_kind kind;
    struct ringsend_bytes in;  /* of `body`, not yet read */
    struct buf out;            /* made of it so far */
    enum ringsend_error error; /* DECODING_FAILED: BAD_ENCODING, BODY_TOO_LARGE, NO_MEMORY; */
    const char *detail;        /* the detail says more. Static, null with NO_MEMORY */
};

enum decoding_next {
    DECODING_MORE, /* the allowance is used up */
    DECODING_DONE,
    DECODING_FAILED
};

/* Takes over the body, with the codings on it, none of them unknown. An empty body stays empty. The
 * unpacker is nobody else's until the end. */
void decoding_begin(struct decoding *d, const struct codings *codings, struct unpack *unpack,
                    struct buf_pool *pool, struct buf *body, uint64_t bytes_max);
/* Goes on until about *allowance bytes were read and made together, which it takes off it. */
enum decoding_next decoding_step(struct decoding *d, size_t *allowance);
/* At any time: gives back what memory it still has. */
void decoding_end(struct decoding *d);

#endif
