/* Whether headers carry an idempotency key: the one rule of the engine and of who sets
 * RINGSEND_KEYED.
 *
 * A key tells a platform that two requests are one. An empty value tells it nothing, nor does a
 * pair of quotes around nothing (the header's value is a structured string); and of several headers
 * of the name nobody knows which one the platform takes. So a key is one header whose value is not
 * blank. */
#ifndef RINGSEND_BASE_KEY_H
#define RINGSEND_BASE_KEY_H

#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>

#define KEY_HEADER SPAN("Idempotency-Key")

static inline bool key_is_blank(struct ringsend_bytes value)
{
    for (size_t i = 0; i < value.bytes; i++) {
        if (!memchr(" \t\"", value.data[i], 3))
            return false;
    }
    return true;
}

struct key_count {
    size_t given, blank;
};

static inline struct key_count key_count(const struct ringsend_header *headers, size_t count,
                                         struct ringsend_bytes name)
{
    struct key_count found = {0};
    for (size_t i = 0; i < count; i++) {
        bool is_it = span_equal_nocase(headers[i].name, name);
        bool blank = is_it && key_is_blank(headers[i].value);
        found.given += is_it && !blank;
        found.blank += blank;
    }
    return found;
}

static inline bool key_is_given(const struct ringsend_header *headers, size_t count,
                                struct ringsend_bytes name)
{
    struct key_count found = key_count(headers, count, name);
    return found.given == 1 && found.blank == 0;
}

/* There are such headers, and they carry no key: whatever else is said, nothing may rely on one. */
static inline bool key_is_denied(const struct ringsend_header *headers, size_t count)
{
    struct key_count found = key_count(headers, count, KEY_HEADER);
    return found.given > 1 || found.blank > 0;
}

#endif
