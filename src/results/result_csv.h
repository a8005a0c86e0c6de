/* Results as rows of CSV (RFC 4180): a header row, then one row for each, ending in CRLF. The
 * columns are always the same, whatever the options; what is absent is empty:
 *
 *   id line file ok status attempts error detail ambiguous retry_after encoding body body_base64
 *   body_file queue_us dns_us connect_us tls_us first_byte_us total_us headers trace
 *
 * and, where something of the record is wanted, its columns behind these, as input.NAME, or input
 * for a whole record. They hold what the keys of a result line hold; an id that is a string stands
 * there as its text, and headers and trace are JSON. Fields are quoted where they have to be; line
 * breaks inside of quotes are data. */
#ifndef RINGSEND_RESULTS_RESULT_CSV_H
#define RINGSEND_RESULTS_RESULT_CSV_H

#include "results/result_line.h"

/* Append to *out; false when memory is out, and *out is as it was. `input` null: nothing of the
 * record is wanted. */
bool result_csv_write_header(const struct echo_columns *input, struct buf_pool *pool,
                             struct buf *out);
bool result_csv_write(const struct result_line *result, struct buf_pool *pool, struct buf *out);
/* What was appended from `start` on becomes a field: quoted, if it has to be. False when memory is
 * out. */
bool result_csv_quote(struct buf_pool *pool, struct buf *out, size_t start);

#endif
