/* One result as one line of JSON (docs/ringsend-records.5), keys in this order:
 *
 *   {"id":..,"line":7,"file":"..","ok":true,"status":200,"attempts":1,"error":null,"detail":"..",
 *    "body":"..","encoding":"gzip","headers":{"name":"value","other":["a","b"]},
 *    "location":"..","redirects":["..",..],"ambiguous":true,"processed":true,"retry_after":60,
 *    "us":{"queue":0,"dns":0,"connect":0,"tls":0,"first_byte":0,"total":0},
 *    "trace":[{"began":0,"reused":false,"status":503,"error":null,"dns":0,"connect":0,"tls":0,
 *              "first_byte":0,"total":0,"pause":0,"wait":0,"for":"backoff"},..],
 *    "input":{"column":"value",..}}
 *
 * "file" stands there with several inputs only, "detail" with errors, "ambiguous" when true,
 * "retry_after" (in seconds) when the last response asked for a wait and the record is not ok.
 * Status is null when no response head came. The body is there, be it "", whenever a complete
 * response arrived: as "body" when it is valid UTF-8, else as "body_base64"; or "body_file" names
 * the file that holds it. "location" is that of a redirect which was not followed, "redirects" are
 * the URLs of those that were; "processed" tells of a request that was answered, though what its
 * answer led to has failed. "encoding" is a Content-Encoding that it still has. Header names are in
 * lower case; values that are no UTF-8 are taken as Latin-1. "trace" is there when attempts were
 * stored (struct ringsend_attempt), its "pause" and "wait" when there was one. Times are
 * microseconds. "input" is what is wanted of the record (echo.h): what of that is not known is
 * left out; a whole record, as it stands, or null. */
#ifndef RINGSEND_RESULTS_RESULT_LINE_H
#define RINGSEND_RESULTS_RESULT_LINE_H

#include "base/buf.h"
#include "base/span.h"
#include "records/echo.h"
#include "ringsend.h"

#include <stdbool.h>
#include <stdint.h>

struct result_line {
    struct ringsend_bytes id; /* JSON, taken as it is; empty: the line number */
    uint64_t line;
    struct ringsend_bytes file; /* JSON, as json_append_string made it; empty: no "file" */
    bool ok;
    int status; /* 0: none */
    uint32_t attempts;
    enum ringsend_error error;
    const char *detail; /* null or empty: with an error, the error's own text */
    struct ringsend_bytes body;
    struct ringsend_bytes encoding;        /* that the body still has; empty: none */
    bool without_body;                     /* not to be told */
    struct ringsend_bytes body_file;       /* JSON; empty: none. Told instead of the body */
    const struct ringsend_header *headers; /* null: no "headers" */
    size_t headers_count;
    struct ringsend_bytes location;      /* of a redirect; empty: none */
    struct ringsend_bytes redirect_urls; /* one to a line; empty: none */
    bool ambiguous;
    bool processed;
    bool unjudged; /* counted, not told: the detail says it */
    struct ringsend_times times;
    const struct ringsend_attempt *trace; /* null: no "trace" */
    size_t trace_count;
    uint64_t retry_after_ns;    /* what the last response asked for; 0: nothing */
    const struct echoed *input; /* null: no "input" */

    /* For other forms than this one: */
    uint64_t number;                        /* of the record */
    const struct ringsend_request *request; /* what was, or could not be, sent */
    size_t head_bytes, packed_bytes;        /* of the response's head; of its body as it came */
};

/* The line of a result, without what only the record knows. Borrows all of it. */
struct result_line result_line_of(const struct ringsend_result *result);

/* Makes *kept a copy of a line with all that the engine owns of it (body, encoding, headers, trace,
 * detail), which then lies in *memory; what belongs to the record stays borrowed. False when memory
 * is out. */
bool result_line_keep(const struct result_line *line, struct buf_pool *pool, struct buf *memory,
                      struct result_line *kept);

/* Appends the line with its LF; false when memory is out, and *out is as it was. */
bool result_line_write(const struct result_line *result, struct buf_pool *pool, struct buf *out);

/* The parts that other forms of results have in common with it: the error's words, and the values
 * of "headers", "trace" and "input", written to where there is room for so many bytes. */
struct ringsend_bytes result_line_detail(const struct result_line *result);
/* What the last response of a record that is not ok asked for, rounded up; 0: nothing. */
uint64_t result_line_retry_after_s(const struct result_line *result);
size_t result_line_headers_bytes(const struct result_line *result);
char *result_line_put_headers(char *to, const struct result_line *result);
size_t result_line_trace_bytes(const struct result_line *result);
char *result_line_put_trace(char *to, const struct result_line *result);
size_t result_line_input_bytes(const struct result_line *result);
char *result_line_put_input(char *to, const struct result_line *result);

#endif
