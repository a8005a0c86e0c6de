/* The pieces that lines of output are made of: each is measured first, then written behind `to`,
 * whose room is then not looked at again, and returns its end. */
#ifndef RINGSEND_BASE_JSON_PUT_H
#define RINGSEND_BASE_JSON_PUT_H

#include "base/buf.h"
#include "base/span.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { NUMBER_BYTES = 20 }; /* of a uint64_t, at most */

static inline char *put(char *to, struct ringsend_bytes bytes)
{
    if (bytes.bytes > 0) /* of nothing, data may be null */
        memcpy(to, bytes.data, bytes.bytes);
    return to + bytes.bytes;
}

static inline char *put_number(char *to, uint64_t number)
{
    char digits[NUMBER_BYTES];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    return put(to, (struct ringsend_bytes){digits + at, sizeof digits - at});
}

/* A text as the inside of a JSON string. */
struct measure {
    size_t json_bytes; /* of the valid part */
    size_t valid_bytes;
    size_t text_bytes;
};

/* Stops at the first byte that is no UTF-8. text.data is not null. */
struct measure measure_text(struct ringsend_bytes text);
/* Writes the valid part of a measured text, escaped. */
char *put_text(char *to, struct ringsend_bytes text, struct measure m);

/* Any bytes as a JSON string with its quotes, in at most QUOTED_BYTES(bytes): what is no UTF-8 as
 * U+FFFD, or, when it is a header's value, as Latin-1, which it then is by tradition. */
#define QUOTED_BYTES(bytes) ((bytes)*6 + 2)
char *put_quoted(char *to, struct ringsend_bytes text);
char *put_quoted_header(char *to, struct ringsend_bytes value);

/* Appends `text` as a JSON string, bytes that are no UTF-8 as U+FFFD: for names of files, which may
 * be any bytes. False when memory is out. */
bool json_append_string(struct ringsend_bytes text, struct buf_pool *pool, struct buf *out);

#endif
