/* Filters: what becomes of a value before it stands in its place. {{column|trim|number}} applies
 * them from left to right.
 *
 *   json           as a JSON string, with its quotes
 *   number, bool   as JSON's number, true or false; what is none is refused, and never guessed at:
 *                  007 and NaN are no numbers. true, yes, on, t, y, 1 and their opposites, in any
 *                  case, are bools
 *   null           a value that is empty becomes JSON's null
 *   default:TEXT   a value that is empty becomes TEXT
 *   url            percent-encoded, all but letters, digits and -._~ (RFC 3986 2.3)
 *   form           as in application/x-www-form-urlencoded: the same, and a space as +
 *   b64            base64 (RFC 4648 section 4)
 *   trim           without white space at its ends
 *
 * What is said of an empty value holds before the other filters but trim are asked, wherever it
 * stands among them: {{amount|number|null}} is a number or null. */
#ifndef RINGSEND_RECORDS_FILTER_H
#define RINGSEND_RECORDS_FILTER_H

#include "base/buf.h"
#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    FILTERS_MAX = 5,   /* that are written behind a name */
    FILTERS_ADDED = 2, /* by a value's place */
    FILTER_MESSAGE_BYTES = 200
};

enum filter {
    FILTER_JSON,
    FILTER_URL,
    FILTER_B64,
    FILTER_TRIM,
    FILTER_FORM,
    FILTER_NUMBER,
    FILTER_BOOL,
    FILTER_NULL,
    FILTER_DEFAULT,
    FILTERS_NAMED,
    /* The value is a whole row (row.h): in place of json and form. */
    FILTER_ROW_JSON = FILTERS_NAMED,
    FILTER_ROW_FORM,
    /* Added by a value's place, as the last ones. */
    FILTER_JSON_INSIDE, /* as in a JSON string, without its quotes */
    FILTER_XML          /* & < > and both quotes as references */
};

/* Zeroed: none. */
struct filters {
    uint8_t list[FILTERS_MAX + FILTERS_ADDED]; /* enum filter */
    uint8_t count;
    char *fallback; /* of `default`, else null */
};

/* Reads "|filter|filter", or nothing. False: `message` (FILTER_MESSAGE_BYTES) says why. */
bool filters_read(struct filters *filters, struct ringsend_bytes text, char *message);
void filters_add(struct filters *filters, enum filter filter);
void filters_free(struct filters *filters);

bool filters_have(const struct filters *filters, enum filter filter);
bool filters_end_in(const struct filters *filters, enum filter filter);
/* What comes out is a value of JSON, whatever goes in. */
bool filters_make_json(const struct filters *filters);

enum filter_result {
    FILTER_DONE,
    FILTER_BAD_VALUE, /* *why says why: words that go on behind "the value of ..." */
    FILTER_NO_MEMORY
};

/* Appends what they make of the value. */
enum filter_result filters_apply(const struct filters *filters, struct ringsend_bytes value,
                                 struct buf_pool *pool, struct buf *out, const char **why);

/* Without white space at its ends. */
struct ringsend_bytes filter_trimmed(struct ringsend_bytes text);

#endif
