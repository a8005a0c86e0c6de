/* How the records of one input stand in it: its format, and for rows what their columns are. */
#ifndef RINGSEND_RECORDS_LAYOUT_H
#define RINGSEND_RECORDS_LAYOUT_H

#include "base/buf.h"
#include "records/echo.h"
#include "records/format.h"
#include "records/row.h"
#include "records/template.h"

#include <stdbool.h>
#include <stddef.h>

/* Zeroed but for the format, the dialect and the echo before its first use. */
struct layout {
    enum format format;               /* not FORMAT_GUESS */
    struct csv_dialect dialect;       /* of rows */
    const struct echo *echo;          /* null: results tell nothing of the records */
    struct echo_columns echo_columns; /* with it */
    /* csv, tsv: from the header row, not null exactly after it was read. */
    int *places; /* of each column: its name's place in the templates' names, -1: not used */
    size_t columns;
    int row_json, row_form; /* likewise of the whole row */
    struct row_columns row; /* if that is used */
    char *header;           /* the row itself, for files that are to be like the input */
    size_t header_bytes;
};

enum { LAYOUT_MESSAGE_BYTES = 300 };

/* What separates the columns of a header row that has no comma: the most frequent one of a
 * semicolon, a bar and a tab outside of quotes; a comma when there is none. */
char layout_guess_delimiter(struct ringsend_bytes header);

/* Reads the header row, which must have each of the names, once. False: `message`
 * (LAYOUT_MESSAGE_BYTES) says why. */
bool layout_read_header(struct layout *layout, struct ringsend_bytes header,
                        const struct template_names *names, struct buf_pool *pool, char *message);
/* Null: nothing is told of its records, or it is rows whose header was not read. */
static inline const struct echo_columns *layout_echo_columns(const struct layout *layout)
{
    bool known = layout->echo && (layout->places || !format_has_header(layout->format));
    return known ? &layout->echo_columns : NULL;
}
void layout_free(struct layout *layout);

#endif
