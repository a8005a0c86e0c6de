/* What a value may be in its place (place.h), and what the path segments may be that values have a
 * part in.
 *
 * In a URL, a form and a cookie a value that the filter `url` has not encoded may hold only what
 * cannot change what the text means. In a path, of a URL or a file, no segment that a value has a
 * part in may be empty, "." or ".." - not as a server may read a URL either: percent-encoding is
 * undone, once or again, an encoded slash or a backslash parts segments, and what follows a ';' is
 * no more than a parameter (RFC 3986 3.3 and 6.2.2). */
#ifndef RINGSEND_RECORDS_GUARD_H
#define RINGSEND_RECORDS_GUARD_H

#include "base/buf.h"
#include "base/span.h"
#include "records/template.h"

#include <stddef.h>

/* Goes along while a template is filled in. Zeroed but for the text's start and name = -1. */
struct guard {
    size_t segment_start;      /* in the buffer: of the path segment that filling has come to */
    int name;                  /* of the last column that has a part in it; -1: none has */
    enum template_place place; /* of that column */
    struct ringsend_bytes boundary; /* of what is multipart */
};

/* Each returns why it may not be, words that go on behind "the value of ...", or null. After
 * a literal of which the bytes from `before` on were just appended: */
const char *guard_literal(struct guard *guard, const struct buf *out, size_t before);
/* The same after a value, with its filters applied; `next` is the first byte of the literal behind
 * it, NUL at the end of the template. */
const char *guard_value(struct guard *guard, const struct template_part *part,
                        const struct buf *out, size_t before, char next);
/* At the template's end. */
const char *guard_end(struct guard *guard, const struct buf *out);

#endif
