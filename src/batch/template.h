/* Texts of options with places that each record fills: {{column}}, {{column|filter|filter}}.
 *
 *   {{name}}        the value of that column, as it is
 *   {{name|json}}   as a JSON string, with its quotes
 *   {{name|url}}    percent-encoded, all but letters, digits and -._~ (RFC 3986 2.3)
 *   {{name|b64}}    base64 (RFC 4648 section 4)
 *   {{name|trim}}   without white space at its ends
 *   {{env.NAME}}    the environment's, taken when the text is compiled; takes the same filters
 *   {{{{            two braces
 *
 * Filters apply from left to right. White space around names and filters means nothing. In a URL a
 * value whose last filter is not `url` may only hold what cannot change what the URL means:
 * letters, digits and -._~/:,;!$'()* - but a template that begins with a column takes that value as
 * it is: there the URL, or its beginning, is the record's.
 *
 * Compiled once; filling a template in copies bytes, no more. */
#ifndef RINGSEND_BATCH_TEMPLATE_H
#define RINGSEND_BATCH_TEMPLATE_H

#include "base/buf.h"
#include "base/span.h"
#include "batch/secret.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TEMPLATE_NAMES_MAX = 64, TEMPLATE_FILTERS_MAX = 4, TEMPLATE_TOLD_BYTES = 200 };

/* The columns that the templates of a run name, each once; a value's place in the arrays below is
 * its name's place here. */
struct template_names {
    char *names[TEMPLATE_NAMES_MAX]; /* NUL-terminated */
    size_t count;
};

struct template_part {
    size_t literal_bytes; /* of the text, before the column */
    int name;             /* -1: none, at the end of the template */
    uint8_t filters[TEMPLATE_FILTERS_MAX];
    uint8_t filters_count;
};

/* Zeroed: the empty text. */
struct template
{
    char *text; /* all literals, one after another, and a NUL; null: none */
    size_t text_bytes;
    struct template_part *parts;
    size_t parts_count;
};

/* What a template's result is for. */
enum template_use { TEMPLATE_TEXT, TEMPLATE_URL };

/* False: `told` (TEMPLATE_TOLD_BYTES) says why. The values of the environment are added to
 * `secrets`. */
bool template_compile(struct template *t, const char *source, struct template_names *names,
                      struct secrets *secrets, char *told);
void template_free(struct template *t);
void template_names_free(struct template_names *names);
/* It names no column: its text is the same for all records. */
bool template_is_constant(const struct template *t);

enum template_result {
    TEMPLATE_FILLED,
    TEMPLATE_BAD_VALUE, /* *fault says which and why */
    TEMPLATE_NO_MEMORY
};

struct template_fault {
    size_t name;
    const char *why;
};

/* Appends the text with the values in it. */
enum template_result template_fill(const struct template *t, enum template_use use,
                                   const struct ringsend_bytes *values, struct buf_pool *pool,
                                   struct buf *out, struct template_fault *fault);

#endif
