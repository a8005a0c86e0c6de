/* References in URLs, as Location headers hold them (RFC 3986 4.1). Pure. */
#ifndef RINGSEND_HTTP_REFERENCE_H
#define RINGSEND_HTTP_REFERENCE_H

#include "base/span.h"

#include <stddef.h>

/* What `reference` is where `base`, an absolute URL, was asked for (RFC 3986 5.2, taken strictly);
 * one without a fragment has that of the base (RFC 9110 10.2.2). Bytes that no URL may hold, but
 * that servers send as they stand, become percent-encoded: spaces and all above 0x7e; control
 * characters stay, for url_parse to refuse. `out` has room for reference_room bytes. Returns how
 * many it takes. */
size_t reference_resolve(struct ringsend_bytes base, struct ringsend_bytes reference, char *out);
static inline size_t reference_room(struct ringsend_bytes base, struct ringsend_bytes reference)
{
    return base.bytes + 3 * reference.bytes + 1;
}
#endif
