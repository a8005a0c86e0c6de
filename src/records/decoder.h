/* Takes gzip and zstd off the bytes of an input as they come. Which of them it is, if any, its
 * first bytes say (RFC 1952 2.3.1, RFC 8878 3.1.1 and 3.1.2), whatever its name; several gzip
 * members or zstd frames one after another are one text, and zeros behind them, which fill a tape's
 * block, nothing. What is read is what `gzip -dc` and `zstd -dc` read.
 *
 * Output comes in blocks of a fixed size: what a small file may grow to is no matter. Memory is
 * bounded by the window: 32 KiB of gzip, up to 128 MiB of zstd, as the file says (--long, --ultra).
 *
 * Of other codings, and of text that is not UTF-8, the first bytes are known too: so that they can
 * be called by their names. */
#ifndef RINGSEND_RECORDS_DECODER_H
#define RINGSEND_RECORDS_DECODER_H

#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>

struct decoder;

enum { DECODER_MAGIC_BYTES = 10 };

enum decoder_kind {
    DECODER_UNKNOWN, /* the bytes may still become one of the others */
    DECODER_NONE,    /* not compressed */
    DECODER_GZIP,
    DECODER_ZSTD,
    DECODER_FOREIGN /* something that is not read: decoder_foreign_text */
};

/* What the first bytes say. */
enum decoder_kind decoder_kind_of(struct ringsend_bytes start);

/* What it is, and what to do about it. Of bytes that are DECODER_FOREIGN. */
const char *decoder_foreign_text(struct ringsend_bytes start);

/* Null when memory is out. */
struct decoder *decoder_new(enum decoder_kind kind);
void decoder_free(struct decoder *decoder);

/* Takes bytes off `encoded` and writes up to out_bytes of what they stand for to `out`. Returns how
 * many; 0: all of `encoded` was taken, or an error was found. */
size_t decoder_run(struct decoder *decoder, struct ringsend_bytes *encoded, char *out,
                   size_t out_bytes);
/* At the end of the input: makes it an error if something is missing. */
void decoder_end(struct decoder *decoder);
/* What is wrong with the input, or null. Lives as long as the decoder. */
const char *decoder_error(const struct decoder *decoder);
/* The error is in what stands behind data that were whole: what was made of them is all there is.
 */
bool decoder_was_whole(const struct decoder *decoder);

#endif
