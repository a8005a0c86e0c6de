/* Strict JSON (RFC 8259), read value by value where it lies: no tree, no allocation, no recursion.
 *
 * The caller asks for what it expects and gets spans into the text; whatever it does not care for
 * it skips, and that is checked just as strictly. The first error sticks: from then on each call
 * returns false, and `error` and json_column say what is wrong where.
 *
 * Stricter than the RFC's grammar in one point: an escaped surrogate without its other half
 * ("\ud800") is refused, because it stands for no character and cannot be sent as UTF-8.
 *
 * Lenient, it takes what others' writers are known for, where the meaning is plain: a byte order
 * mark ahead, such a half surrogate (read as U+FFFD), bytes in strings that are not UTF-8, raw
 * control characters there, NaN and Infinity (read as null), and nesting up to
 * LIMIT_JSON_DEPTH_LENIENT. */
#ifndef RINGSEND_BASE_JSON_H
#define RINGSEND_BASE_JSON_H

#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>

enum json_kind {
    JSON_NONE, /* no value can start like this, or the text is at its end */
    JSON_OBJECT,
    JSON_ARRAY,
    JSON_STRING,
    JSON_NUMBER,
    JSON_TRUE,
    JSON_FALSE,
    JSON_NULL
};

struct json {
    const char *start, *at, *end;
    unsigned depth; /* objects and arrays entered and not yet left; LIMIT_JSON_DEPTH at most */
    bool fresh;     /* true exactly between entering a container and its first member */
    bool lenient;
    const char *error; /* static text; null exactly while all is well */
};

/* A checked string as it stands between its quotes. */
struct json_string {
    struct ringsend_bytes raw;
    bool escaped; /* holds a backslash, so that `raw` is not yet the text */
};

void json_init(struct json *j, struct ringsend_bytes text);
void json_init_lenient(struct json *j, struct ringsend_bytes text);

/* The kind of the value that comes next, judged by its first byte. */
enum json_kind json_peek(struct json *j);

/* Enter the object or array that comes next. */
bool json_object(struct json *j);
bool json_array(struct json *j);
/* To the next member of the object, or element of the array, entered last: true when there is one,
 * whose value must then be read or skipped; false when the container has ended, or on error. */
bool json_member(struct json *j, struct json_string *key);
bool json_element(struct json *j);

bool json_string(struct json *j, struct json_string *string);
bool json_number(struct json *j, struct ringsend_bytes *number);
/* Any value; *raw (which may be null) gets its very bytes. */
bool json_skip(struct json *j, struct ringsend_bytes *raw);
/* Nothing but white space is left. */
bool json_end(struct json *j);

/* Byte position of the error, counted from 1. */
size_t json_column(const struct json *j);

/* Writes the text of a checked string to `out`, which has room for raw.bytes; returns how many
 * bytes it wrote. */
size_t json_decode(struct json_string string, char *out);

/* The text of a checked string piece by piece, for who has no room for all of it. */
struct json_text {
    const char *at, *end;
    char decoded[4]; /* what the escape passed last stands for */
};

static inline struct json_text json_text_of(struct json_string string)
{
    return (struct json_text){.at = string.raw.data, .end = string.raw.data + string.raw.bytes};
}
/* The next piece, at least a byte long and valid until the next call; false at the end. */
bool json_text_next(struct json_text *text, struct ringsend_bytes *piece);

#endif
