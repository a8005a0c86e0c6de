/* Predicates on complete responses: what ok_if and retry_if of ringsend.h hold, whose language is
 * explained there. Pure: compiled once, then judged any number of times without allocation, from
 * any thread. */
#ifndef RINGSEND_ENGINE_PREDICATE_H
#define RINGSEND_ENGINE_PREDICATE_H

#include "base/errors.h"
#include "base/memory.h"
#include "base/span.h"
#include "http/response.h"

#include <stdbool.h>
#include <stddef.h>

struct predicate;

/* A response as far as predicates see it. */
struct predicate_view {
    int status;
    struct ringsend_bytes body;
    const char *header_text; /* what `headers` counts its positions from */
    const struct response_header *headers;
    size_t headers_count;
};

/* 0; RINGSEND_E_INVALID with what is wrong and its column in `message`; RINGSEND_E_NO_MEMORY. The
 * text is copied. memory: null for the C library's. */
enum ringsend_error predicate_compile(struct predicate **predicate, struct memory *memory,
                                      const char *text, char *message, size_t message_bytes);
void predicate_free(struct predicate *p);

/* It asks for a header, which must have been stored then. */
bool predicate_wants_headers(const struct predicate *p);
bool predicate_holds(const struct predicate *p, const struct predicate_view *view);

#endif
