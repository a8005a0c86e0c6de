/* What of a record its result tells again (--echo): columns of a row, values at paths of a record
 * of JSON, the line, or all of it. It is read out of the record's line when its result is there:
 * nobody pays for it who does not ask, and no record in hand is larger for it. */
#ifndef RINGSEND_RECORDS_ECHO_H
#define RINGSEND_RECORDS_ECHO_H

#include "base/buf.h"
#include "base/span.h"
#include "records/format.h"
#include "base/json_path.h"

#include <stdbool.h>
#include <stddef.h>

struct layout;

/* As it is asked for. */
struct echo {
    bool all;
    char **names; /* of columns, or paths; with `all` columns that must be there */
    size_t count;
    struct json_path *paths; /* of records of JSON, one for each name; else null */
};

/* What is said of it in results: of a path all but its first dot. */
static inline const char *echo_name(const struct echo *echo, size_t i)
{
    return echo->names[i] + (echo->paths != NULL);
}

struct echo_column {
    char *name; /* its own memory, with `json` in it */
    size_t name_bytes;
    struct ringsend_bytes json; /* the name as a JSON string */
    size_t place;               /* of rows: the field */
};

/* Of one input. Zeroed: the whole record is one value without a name. */
struct echo_columns {
    struct echo_column *all;
    size_t count;
};

/* Adds one; false when memory is out. */
bool echo_columns_add(struct echo_columns *columns, struct ringsend_bytes name, size_t place,
                      struct buf_pool *pool);
/* Those of an input without a header row. The same. */
bool echo_columns_of(struct echo_columns *columns, const struct echo *echo, enum format format,
                     struct buf_pool *pool);
void echo_columns_free(struct echo_columns *columns);

/* Of one record. Zeroed before its first use. */
struct echoed {
    const struct echo_columns *columns;
    struct ringsend_bytes *values; /* JSON, in the order of the columns; empty: not known */
    size_t count;                  /* at least one */
    struct buf memory, texts;      /* where they are, and point, when it is not the line */
};

/* From its line, which stands in an input of that layout. What cannot be read is not known. False
 * when memory is out. */
bool echo_record(struct echoed *echoed, struct ringsend_bytes line, const struct layout *layout,
                 struct buf_pool *pool);
void echo_release(struct echoed *echoed, struct buf_pool *pool);

#endif
