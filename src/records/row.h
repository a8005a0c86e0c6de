/* A whole row as one text, {{*|json}} or {{*|form}}: its columns in the order of the header, each
 * with its name. In JSON a value is a string, unless its column has a type: filters (filter.h) that
 * are asked first, as "amount:number|null, paid:bool". */
#ifndef RINGSEND_RECORDS_ROW_H
#define RINGSEND_RECORDS_ROW_H

#include "records/csv_row.h"
#include "records/filter.h"

#include <stdbool.h>
#include <stddef.h>

enum { ROW_MESSAGE_BYTES = 300, ROW_COLUMNS_MAX = 4096 };

struct row_type {
    char *name; /* "*": of all columns that have none of their own */
    struct filters filters;
};

/* Zeroed: none. */
struct row_types {
    struct row_type *all;
    size_t count;
};

/* Reads "NAME:FILTER|FILTER, NAME:FILTER". False: `message` (ROW_MESSAGE_BYTES) says why. */
bool row_types_read(struct row_types *types, const char *text, char *message);
void row_types_free(struct row_types *types);

struct row_column {
    char *json_name, *form_name;   /* with what stands around them */
    const struct filters *filters; /* of its type; null: it is a string */
};

/* The columns of one input. Zeroed: unread. */
struct row_columns {
    struct row_column *all;
    size_t count;
};

/* From a header row. False: `message` (ROW_MESSAGE_BYTES) says why its rows cannot be told as a
 * whole. */
bool row_columns_read(struct row_columns *columns, const struct csv_row *header,
                      const struct row_types *types, struct buf_pool *pool, char *message);
void row_columns_free(struct row_columns *columns);

/* Append the row, which has as many fields as there are columns. The first: on FILTER_BAD_VALUE
 * *column is the one that it is about. The second: false when memory is out. */
enum filter_result row_append_json(const struct row_columns *columns, const struct csv_row *row,
                                   struct buf_pool *pool, struct buf *out, size_t *column,
                                   const char **why);
bool row_append_form(const struct row_columns *columns, const struct csv_row *row,
                     struct buf_pool *pool, struct buf *out);

#endif
