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
    const char *unreadable;  /* why the body is not what its server meant, or null. Static text */
    bool empty_is_null;      /* an empty body is no fault: its paths are null */
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
/* It asks for the body, or for a path into it. */
bool predicate_wants_body(const struct predicate *p);

/* Unknown: it hangs on a body that cannot be read, and holds for some bodies and not for others. */
enum predicate_truth { PREDICATE_FAILS, PREDICATE_HOLDS, PREDICATE_UNKNOWN };

/* Why it is unknown. */
struct predicate_fault {
    const char *text; /* static */
    size_t
        column; /* byte of the body from 1 on where it stops being JSON; 0: it is not about that */
};
/* The fault is written with PREDICATE_UNKNOWN only. */
enum predicate_truth predicate_judge(const struct predicate *p, const struct predicate_view *view,
                                     struct predicate_fault *fault);

#endif
