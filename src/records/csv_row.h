/* One row of CSV (RFC 4180), or of a table with escapes, into its fields, which are UTF-8. */
#ifndef RINGSEND_RECORDS_CSV_ROW_H
#define RINGSEND_RECORDS_CSV_ROW_H

#include "base/buf.h"
#include "base/span.h"
#include "records/encoding.h"

#include <stdbool.h>
#include <stddef.h>

/* How rows are written. */
struct csv_dialect {
    char delimiter;
    bool escapes; /* as databases write tables (COPY, mysql -B): no quotes; \t, \n, \\ and their
                     like are escapes, and \N is nothing */
    enum encoding encoding;
};

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
                             const struct csv_dialect *dialect, size_t *at, const char **why);
/* Where in the text of a row that can be read its field `index` stands, behind the quote if it
 * begins with one. */
size_t csv_row_at(struct ringsend_bytes text, const struct csv_dialect *dialect, size_t index);
size_t csv_row_count(const struct csv_row *row);
struct ringsend_bytes csv_row_field(const struct csv_row *row, size_t index);
void csv_row_release(struct csv_row *row, struct buf_pool *pool);

#endif
