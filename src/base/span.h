/* Spans: helpers for struct ringsend_bytes, a borrowed run of bytes that is never owned, never
 * NUL-terminated, and may be empty. */
#ifndef RINGSEND_BASE_SPAN_H
#define RINGSEND_BASE_SPAN_H

#include "ringsend.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

/* From a string literal. */
#define SPAN(literal) ((struct ringsend_bytes){(literal), sizeof(literal) - 1})

static inline struct ringsend_bytes span_of(const char *text)
{
    return (struct ringsend_bytes){text, strlen(text)};
}

static inline bool span_equal(struct ringsend_bytes a, struct ringsend_bytes b)
{
    return a.bytes == b.bytes && (a.bytes == 0 || memcmp(a.data, b.data, a.bytes) == 0);
}

/* ASCII only, as header names (RFC 9110 5.1) and host names compare. */
static inline bool span_equal_nocase(struct ringsend_bytes a, struct ringsend_bytes b)
{
    return a.bytes == b.bytes && (a.bytes == 0 || strncasecmp(a.data, b.data, a.bytes) == 0);
}

#endif
