/* Texts of options with places that each record fills: {{column}}, {{column|filter|filter}}.
 *
 *   {{name}}        the value of that column, as it is
 *   {{name|FILTER}} what filters make of it (filter.h)
 *   {{.a.b[0]}}     of records of JSON: the value at that path (json_path.h); a string's text, of
 *                   another value its bytes. In place of a JSON value, without a filter that makes
 *                   one: the value as it stands
 *   {{*|json}}      the whole row as a JSON object, its columns' names and values in their order
 *   {{*|form}}      the same as name=value&name=value
 *   {{env.NAME}}    the environment's, taken when the text is compiled; takes the same filters
 *   {{{{            two braces
 *
 * White space around names and filters means nothing. What the environment gives is the operator's,
 * and literal text from then on.
 *
 * A value is data, wherever it stands: what the text is (enum template_use) gives each column its
 * place (place.h), and the place says what becomes of the value, or that it is refused (guard.h).
 *
 * Compiled once; filling a template in copies bytes, no more. */
#ifndef RINGSEND_RECORDS_TEMPLATE_H
#define RINGSEND_RECORDS_TEMPLATE_H

#include "base/buf.h"
#include "base/span.h"
#include "records/filter.h"
#include "records/secret.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct row_types;

enum { TEMPLATE_NAMES_MAX = 64, TEMPLATE_MESSAGE_BYTES = 320 };

/* The names of whole rows: a bar is in no column's name here. */
#define ROW_JSON "*|json"
#define ROW_FORM "*|form"

/* The name of a path whose value is wanted as it stands in the record begins with this: "=.a.b". */
#define RAW_MARK '='

/* The columns that the templates of a run name, each once; a value's place in the arrays below is
 * its name's place here. */
struct template_names {
    char *names[TEMPLATE_NAMES_MAX]; /* NUL-terminated */
    size_t count;
    const struct row_types *types; /* of the columns of whole rows; null: none */
    bool are_paths;                /* into records of JSON: set before the first is compiled */
};

enum template_place {
    PLACE_FREE,        /* in a text without structure */
    PLACE_START,       /* the beginning of a URL, with nothing before it */
    PLACE_SEGMENT,     /* in a URL's path */
    PLACE_QUERY,       /* in its query or fragment */
    PLACE_FILE,        /* in a file path */
    PLACE_JSON_STRING, /* inside the quotes of a JSON string that is no member's name */
    PLACE_JSON_VALUE,  /* in place of a JSON value */
    /* in a JSON string whose text is JSON once more: */
    PLACE_NESTED_STRING, /* inside the quotes of a string of that */
    PLACE_NESTED_JSON,   /* in place of a value of that, made a string by the filter json */
    PLACE_NESTED_VALUE,  /* in place of another value of that */
    PLACE_FORM,          /* in a form's name or value */
    PLACE_PART_HEAD,     /* in the head of a part of multipart/form-data and its kind */
    PLACE_PART_BODY,     /* in the body of one */
    PLACE_COOKIE,        /* in a cookie's name or value */
    PLACE_XML            /* in text, or between an attribute's quotes */
};

struct template_part {
    size_t literal_bytes; /* of the text, before the column */
    int name;             /* -1: none, at the end of the template */
    struct filters filters;
    uint8_t place; /* enum template_place */
    bool is_raw;   /* the value of a path, as it stands */
};

/* Zeroed: the empty text. */
struct template
{
    char *text; /* all literals, one after another, and a NUL; null: none */
    size_t text_bytes;
    struct template_part *parts;
    size_t parts_count;
    size_t boundary_bytes; /* what the text begins with parts what is multipart; 0: it is not */
    bool is_json;          /* a body: whatever the values are, it is JSON */
};

/* What a template's text is. */
enum template_use {
    TEMPLATE_TEXT,
    TEMPLATE_URL,
    TEMPLATE_FILE,   /* a path */
    TEMPLATE_HEADER, /* JSON if it looks like it, else text */
    TEMPLATE_COOKIE, /* the value of the header of that name */
    TEMPLATE_BODY,   /* what it looks like: JSON, XML, a form, text */
    TEMPLATE_JSON,
    TEMPLATE_FORM,
    TEMPLATE_MULTIPART,
    TEMPLATE_XML
};

/* What a body with that Content-Type is; TEMPLATE_BODY without one. */
enum template_use template_use_of(struct ringsend_bytes content_type);

/* False: `message` (TEMPLATE_MESSAGE_BYTES) says why. The values of the environment are added to
 * `secrets`. */
bool template_compile(struct template *t, const char *source, enum template_use use,
                      struct template_names *names, struct secrets *secrets, char *message);
void template_free(struct template *t);
void template_names_free(struct template_names *names);
/* Without one that is there. False: there are too many, or memory is out. */
bool template_names_add(struct template_names *names, struct ringsend_bytes name);
/* Its place; -1: it is none of them. */
int template_names_find(const struct template_names *names, struct ringsend_bytes name);
/* It names no column: its text is the same for all records. */
static inline bool template_is_constant(const struct template *t)
{
    return t->parts_count <= 1;
}

enum template_result {
    TEMPLATE_FILLED,
    TEMPLATE_BAD_VALUE, /* *fault says which and why */
    TEMPLATE_NO_MEMORY
};

struct template_fault {
    size_t name;
    const char *why; /* goes on behind "the value of ..." */
};

/* In place of the value of a path that leads nowhere. */
extern const char template_missing[];

/* Adds the values of columns that are secrets by their names, as they are and filtered. */
bool template_add_secrets(const struct template *t, const struct template_names *names,
                          const struct ringsend_bytes *values, struct buf_pool *pool,
                          struct secrets *secrets);

/* Appends the text with the values in it. */
enum template_result template_fill(const struct template *t, const struct ringsend_bytes *values,
                                   struct buf_pool *pool, struct buf *out,
                                   struct template_fault *fault);

#endif
