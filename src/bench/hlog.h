/* HdrHistogram logs (.hlog, format 1.3): lines of text, each with the histogram of an interval and,
 * when a log holds several kinds, its tag. Times of ours are in nanoseconds. */
#ifndef RINGSEND_BENCH_HLOG_H
#define RINGSEND_BENCH_HLOG_H

#include "base/histogram.h"
#include "ringsend.h"

#include <stddef.h>
#include <stdint.h>

enum { HLOG_HEAD_BYTES = 512 };

/* The tag of our logs' lines that hold those of a run's response times that are lower bounds. They
 * are in the lines without a tag as well. */
#define HLOG_BOUNDS "response_bounds"

/* ---- writing ---- */

/* The lines at the start of a log whose intervals are told from `start_unix_ms` on. NUL-terminated.
 */
void hlog_head(char out[HLOG_HEAD_BYTES], uint64_t start_unix_ms);
/* One interval with its line feed, as a text that the caller frees. tag: null for none, else
 * without comma, space and line feed. Null when memory is out. */
char *hlog_line(const char *tag, uint64_t from_ns, uint64_t to_ns, const struct histogram *h);
/* The same of a histogram that hdr_encode has made a text of already. */
char *hlog_line_of_text(const char *tag, uint64_t from_ns, uint64_t to_ns, uint64_t max_ns,
                        const char *histogram);

/* ---- reading ---- */

struct hlog {
    const char *at, *end;
    uint64_t line;     /* the one read last, counted from 1 */
    const char *error; /* static text, once HLOG_BAD was returned */
};

struct hlog_interval {
    struct ringsend_bytes tag;       /* empty: none */
    double start_s, length_s;        /* start: as it stands there */
    struct ringsend_bytes histogram; /* for hdr_decode */
};

enum hlog_next { HLOG_INTERVAL, HLOG_END, HLOG_BAD };

void hlog_init(struct hlog *log, struct ringsend_bytes text);
/* The next interval, whose spans lie in the log's text; comments, legends and empty lines are
 * passed over. After HLOG_BAD reading may go on behind that line. */
enum hlog_next hlog_next(struct hlog *log, struct hlog_interval *interval);

#endif
