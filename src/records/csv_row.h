/* One row of CSV (RFC 4180) into its fields. */
#ifndef RINGSEND_RECORDS_CSV_ROW_H
#define RINGSEND_RECORDS_CSV_ROW_H

#include "base/buf.h"
#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>

/* Zeroed before its first use. */
struct csv_row {
    struct buf texts; /* all fields, one after another */
    struct buf ends;  /* size_t: where each ends in `texts` */
};

enum csv_result {
    CSV_ROW_READ,
    CSV_ROW_BAD, /* *at and *why say where and why */
    CSV_ROW_NO_MEMORY
};

/* Reads `text`, a row with or without the CR of its line end, into an empty row. Spaces belong to
 * fields; a quote opens a quoted field only where the field starts, and elsewhere it is an error,
 * as is what stands between a closing quote and the delimiter. */
enum csv_result csv_row_read(struct csv_row *row, struct buf_pool *pool, struct ringsend_bytes text,
                             char delimiter, size_t *at, const char **why);
/* Where in the text of a row that can be read its field `index` stands, behind the quote if it
 * begins with one. */
size_t csv_row_at(struct ringsend_bytes text, char delimiter, size_t index);
size_t csv_row_count(const struct csv_row *row);
struct ringsend_bytes csv_row_field(const struct csv_row *row, size_t index);
void csv_row_release(struct csv_row *row, struct buf_pool *pool);

#endif
