/* A borrowed run of bytes: never owned, never NUL-terminated, may be empty. */
#ifndef RINGSEND_BASE_SPAN_H
#define RINGSEND_BASE_SPAN_H

#include "ringsend.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

#define span ringsend_bytes

/* From a string literal. */
#define SPAN(literal) ((struct span){(literal), sizeof(literal) - 1})

static inline struct span span_of(const char *text)
{
    return (struct span){text, strlen(text)};
}

static inline bool span_equal(struct span a, struct span b)
{
    return a.bytes == b.bytes && (a.bytes == 0 || memcmp(a.data, b.data, a.bytes) == 0);
}

/* ASCII only, as header names (RFC 9110 5.1) and host names compare. */
static inline bool span_equal_nocase(struct span a, struct span b)
{
    return a.bytes == b.bytes && (a.bytes == 0 || strncasecmp(a.data, b.data, a.bytes) == 0);
}

#endif
