/* Histograms as other programs know them: HdrHistogram's V2 encoding, compressed, as base64 text
 * ("HISTFAAA..."), the form in which .hlog files and our JSON carry them. */
#ifndef RINGSEND_BENCH_HDR_H
#define RINGSEND_BENCH_HDR_H

#include "base/histogram.h"
#include "ringsend.h"

enum { HDR_PRECISION = 10 }; /* what three significant digits are in our histograms */

/* The histogram, of HDR_PRECISION, as a text that the caller frees. Buckets are kept exactly; min
 * and max become those of their buckets. Null when memory is out. */
char *hdr_encode(const struct histogram *h);

/* Adds what the text holds. Null, or a static sentence that says what is wrong, and then it may
 * have been added in part. Of three significant digits each bucket is kept exactly; of a coarser or
 * finer histogram each bucket's values count as its largest one. */
const char *hdr_decode(struct ringsend_bytes text, struct histogram *into);

#endif
