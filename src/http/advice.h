/* Advice of a peer in the headers of a response: how long it keeps an idle connection, and how long
 * it wants to be left alone. Pure readers of header values, for response.c. */
#ifndef RINGSEND_HTTP_ADVICE_H
#define RINGSEND_HTTP_ADVICE_H

#include "base/span.h"

#include <stdbool.h>
#include <stdint.h>

enum advice_kind {
    ADVICE_NONE,
    ADVICE_KEEP_ALIVE,  /* Keep-Alive: timeout=5 */
    ADVICE_RETRY_AFTER, /* Retry-After: 120, or a date (RFC 9110 10.2.3) */
    ADVICE_REMAINING,   /* RateLimit-Remaining, X-RateLimit-Remaining: 0 */
    ADVICE_RESET,       /* RateLimit-Reset, X-RateLimit-Reset: 30, or seconds since 1970 */
    ADVICE_LIMIT        /* RateLimit: "default";r=0;t=30 (draft-ietf-httpapi-ratelimit-headers) */
};

struct advice {
    bool has_keep_alive_s;
    uint32_t keep_alive_s;
    bool has_retry_after;
    int64_t retry_after_s; /* seconds; when retry_after_is_date: since 1970 */
    bool retry_after_is_date;
    bool used_up; /* nothing remains of a rate limit until its reset */
    bool has_reset;
    int64_t reset_s; /* seconds; when reset_is_date: since 1970 */
    bool reset_is_date;
};

/* Of a header's name. */
enum advice_kind advice_kind_of(struct ringsend_bytes name);
/* Takes in a header's value, trimmed; what cannot be understood is no advice. */
void advice_read(struct advice *advice, enum advice_kind kind, struct ringsend_bytes value);

#endif
