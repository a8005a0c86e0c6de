/* Hints of a peer in the headers of a response: how long it keeps an idle connection, and how long
 * it wants to be left alone. Pure readers of header values, for response.c. */
#ifndef RINGSEND_HTTP_RESPONSE_HINTS_H
#define RINGSEND_HTTP_RESPONSE_HINTS_H

#include "base/span.h"

#include <stdbool.h>
#include <stdint.h>

enum hint_kind {
    HINT_NONE,
    HINT_KEEP_ALIVE,  /* Keep-Alive: timeout=5 */
    HINT_RETRY_AFTER, /* Retry-After: 120, or a date (RFC 9110 10.2.3) */
    HINT_REMAINING,   /* RateLimit-Remaining, X-RateLimit-Remaining: 0 */
    HINT_RESET,       /* RateLimit-Reset, X-RateLimit-Reset: 30, or seconds since 1970 */
    HINT_LIMIT        /* RateLimit: "default";r=0;t=30 (draft-ietf-httpapi-ratelimit-headers) */
};

struct response_hints {
    int64_t retry_after_s; /* seconds; when retry_after_is_date: since 1970 */
    int64_t reset_s;       /* seconds; when reset_is_date: since 1970 */
    uint32_t keep_alive_s;
    bool has_keep_alive_s;
    bool has_retry_after, retry_after_is_date;
    bool used_up; /* nothing remains of a rate limit until its reset */
    bool has_reset, reset_is_date;
};

/* Of a header's name. */
enum hint_kind hint_kind_of(struct ringsend_bytes name);
/* Takes in a header's value, trimmed; what cannot be understood is no hint. */
void response_hints_read(struct response_hints *hints, enum hint_kind kind,
                         struct ringsend_bytes value);

#endif
