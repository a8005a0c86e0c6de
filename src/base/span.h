/* Spans: helpers for struct ringsend_bytes, a borrowed run of bytes that is never owned, never
 * NUL-terminated, and may be empty. */
#ifndef RINGSEND_BASE_SPAN_H
#define RINGSEND_BASE_SPAN_H

#include "base/ascii.h"
#include "ringsend.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

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
    return a.bytes == b.bytes && ascii_equal_nocase(a.data, b.data, a.bytes);
}

/* Takes the optional white space off both ends (RFC 9110 5.6.3). */
static inline struct ringsend_bytes span_trim(struct ringsend_bytes s)
{
    while (s.bytes > 0 && (s.data[0] == ' ' || s.data[0] == '\t')) {
        s.data++;
        s.bytes--;
    }
    while (s.bytes > 0 && (s.data[s.bytes - 1] == ' ' || s.data[s.bytes - 1] == '\t'))
        s.bytes--;
    return s;
}

/* FNV-1a over ASCII letters of either case. */
static inline uint32_t span_hash_nocase(struct ringsend_bytes a)
{
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < a.bytes; i++) {
        unsigned char c = (unsigned char)ascii_lower(a.data[i]);
        hash = (hash ^ c) * 16777619u;
    }
    return hash;
}

#endif
