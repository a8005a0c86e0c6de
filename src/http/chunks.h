/* Chunked bodies (RFC 9112 7.1): which bytes matter to a parser that knows no extensions. Pure.
 *
 * Behind the digits of a chunk's size white space and extensions may stand, which nobody here
 * wants: white space must be followed by a ';' or the line's end, and all from the first of either
 * up to the CR is left out, without looking into quotes, for no CR, LF or other control character
 * but tab may stand there in any case. The parser gets the digits and the CRLF, so that both know
 * the same size and the same end of the chunk; and whatever else is wrong with sizes, line ends and
 * trailers is for the parser to find. */
#ifndef RINGSEND_HTTP_CHUNKS_H
#define RINGSEND_HTTP_CHUNKS_H

#include <stdint.h>

/* Where the next byte stands. */
enum chunk_step {
    CHUNK_SIZE,      /* in the digits, or before them */
    CHUNK_SPACE,     /* in the white space behind them */
    CHUNK_EXTENSION, /* behind a ';' */
    CHUNK_DATA,      /* in the size's line end, the data, or the line end behind these */
    CHUNK_LAST       /* behind the last size: trailers */
};

/* Zeroed: before the first chunk. */
struct chunks {
    uint8_t step;    /* enum chunk_step */
    uint32_t digits; /* of the size being read */
    uint64_t left;   /* the size, so far; in the data, bytes up to the next size */
};

enum chunk_run {
    CHUNK_RUN_TAKEN,    /* for the parser */
    CHUNK_RUN_LEFT_OUT, /* not for it */
    CHUNK_RUN_BAD       /* here stands what cannot stand behind a size */
};

/* The longest run of one kind from `at` on, at least a byte but with CHUNK_RUN_BAD. Returns where
 * it ends. `at` is before `end`. */
const char *chunks_run(struct chunks *c, const char *at, const char *end, enum chunk_run *kind);

#endif
