/* Hints of a peer in the headers of a response: how long it keeps an idle connection, and when, and
 * whether, it wants to hear of a request again. Pure readers of header values, for response.c. */
#ifndef RINGSEND_HTTP_RESPONSE_HINTS_H
#define RINGSEND_HTTP_RESPONSE_HINTS_H

#include "base/span.h"

#include <stdbool.h>
#include <stdint.h>

enum hint_kind {
    HINT_NONE,
    HINT_KEEP_ALIVE,     /* Keep-Alive: timeout=5 */
    HINT_RETRY_AFTER,    /* Retry-After: 120, or a date (RFC 9110 10.2.3) */
    HINT_RETRY_AFTER_MS, /* retry-after-ms: 1500 */
    HINT_SHOULD_RETRY,   /* x-should-retry: false */
    HINT_ITEMS,          /* RateLimit: "default";r=0;t=30 */
    HINT_POLICY,         /* RateLimit-Policy: "default";q=100;w=60 */
    HINT_REMAINING,      /* RateLimit-Remaining: 0, and of its many kin */
    HINT_RESET,          /* RateLimit-Reset: 30, or another way to say when */
    HINT_RESET_AFTER     /* X-RateLimit-Reset-After: 1.5 */
};

enum {
    LIMIT_NAME_BITS = 11,
    LIMITS_MAX = 6, /* of one response; others are not looked at */
};

struct hint {
    uint8_t kind;        /* enum hint_kind */
    uint16_t limit_name; /* of the limit it is about: a hash of LIMIT_NAME_BITS */
};

/* Of one limit. */
struct hint_limit {
    uint64_t ms : 48; /* so long until its reset, or its window; a date: since 1970 */
    uint64_t name : LIMIT_NAME_BITS;
    uint64_t has_remaining : 1, used_up : 1;
    uint64_t has_reset : 1, is_date : 1;
    uint64_t has_window : 1;
};

/* So long, and not before that moment (ms since 1970); 0: nothing is said. */
struct hint_wait {
    int64_t ms, date_ms;
};

enum hint_retry { RETRY_UNSAID, RETRY_YES, RETRY_NO };

/* What is asked of whoever may come again. */
struct retry_hint {
    struct hint_wait after; /* Retry-After */
    struct hint_wait reset; /* of the rate limits that are used up */
    enum hint_retry retry;
};

struct response_hints {
    struct hint_limit limits[LIMITS_MAX];
    struct retry_hint said; /* by headers that need no other to be understood */
    uint32_t keep_alive_s;
    bool has_keep_alive_s;
    bool has_after_ms; /* which is more exact than seconds */
    uint8_t limits_count;
};

/* Of a header's name. */
struct hint hint_of(struct ringsend_bytes name);
/* Takes in a header's value, trimmed; what cannot be understood is no hint. */
void response_hints_read(struct response_hints *hints, struct hint hint,
                         struct ringsend_bytes value);
/* Of all headers together. `is_limited`: by the status (429), so a limit of which it is not said
 * what remains of it is used up. */
struct retry_hint response_hints_retry(const struct response_hints *hints, bool is_limited);

#endif
