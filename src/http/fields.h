/* What requests and responses share in reading and checking header fields (RFC 9110 5). Private to
 * src/http. */
#ifndef RINGSEND_HTTP_FIELDS_H
#define RINGSEND_HTTP_FIELDS_H

#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static inline bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Reads a number that consists of digits only and of at least one; what is over `max` becomes
 * `max`. max at most UINT64_MAX / 16. */
static inline bool span_decimal(struct ringsend_bytes s, uint64_t max, uint64_t *value)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < s.bytes; i++) {
        if (!is_digit(s.data[i]))
            return false;
        sum = sum * 10 + (uint64_t)(s.data[i] - '0');
        sum = sum < max ? sum : max;
    }
    *value = sum;
    return s.bytes > 0;
}

/* Takes the next member off a comma-separated list (RFC 9110 5.6.1); empty members are members. */
static inline bool list_next(struct ringsend_bytes *rest, struct ringsend_bytes *member)
{
    if (rest->bytes == 0)
        return false;
    const char *comma = memchr(rest->data, ',', rest->bytes);
    size_t bytes = comma ? (size_t)(comma - rest->data) : rest->bytes;
    size_t taken = bytes + (comma ? 1 : 0);
    *member = span_trim((struct ringsend_bytes){rest->data, bytes});
    rest->data += taken;
    rest->bytes -= taken;
    return true;
}

#endif
