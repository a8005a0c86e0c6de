/* Every maximum of the program, with the relations that must hold between them. */
#ifndef RINGSEND_BASE_LIMITS_H
#define RINGSEND_BASE_LIMITS_H

#include "base/time.h"

enum {
    LIMIT_STREAMS = 1000, /* exchanges of HTTP/2 on a connection */
    /* Records */
    LIMIT_LINE_BYTES = 16 << 20, /* a record's line; longer ones are skipped in constant memory */
    LIMIT_JSON_DEPTH = 64,
    LIMIT_JSON_DEPTH_LENIENT = 10000, /* of what others wrote: as deep as common readers go */
    LIMIT_HEADERS = 256,              /* of one request, defaults included */

    /* Engine */
    LIMIT_CONNECTIONS = 32768, /* io_uring's own bound on entries without CLAMP is the same */
    LIMIT_TRIES = 100,
    LIMIT_REDIRECTS = 1000,
    LIMIT_BUDGET_PERCENT = 1000,
    LIMIT_BUDGET_PER_S = 1000 * 1000,
    LIMIT_RATE_COUNT = 1000 * 1000 * 1000,
    LIMIT_RATE_BURST = 1000 * 1000,
    LIMIT_REQUESTS = 1 << 20,   /* accepted at once */
    LIMIT_HEAD_BYTES = 1 << 20, /* of a request */
    LIMIT_BODY_BYTES = 1 << 30, /* of a request: one send's result is an int32_t */
    LIMIT_FILES = 64,           /* file.h files of one engine */
    LIMIT_ADDRESSES = 256,      /* of one host that are remembered */
    LIMIT_ADDRESSES_GIVEN = 64, /* the same of those that the options give */
    LIMIT_OVERRIDES = 256,      /* hosts whose addresses the options give */
    LIMIT_LOOKUPS = 512,    /* names at a time: each may hold a thread and a descriptor for 40 s */
    LIMIT_HOST_BYTES = 253, /* a DNS name, RFC 1035 2.3.4 */

    /* Receive buffers: two per connection, within these bounds. */
    LIMIT_BUFFERS_MIN = 128,
    LIMIT_BUFFERS_MAX = 1024,
    LIMIT_BUFFER_BYTES = 4096,
};

/* Of limits by weight: see cost.h. */
#define LIMIT_COST (INT64_C(1) << 40)

/* Lengths of time, in nanoseconds: beyond what an enumerator holds. */
#define LIMIT_RATE_PER_NS NS_PER_HOUR       /* a rate is so many in an hour at most */
#define LIMIT_RAMP_NS NS_PER_HOUR           /* of a rate */
#define LIMIT_BACKOFF_NS (24 * NS_PER_HOUR) /* the longest of the waits between tries */
/* What options and records may ask for; the engine itself takes any. */
#define LIMIT_TIMEOUT_MIN_NS NS_PER_MS
#define LIMIT_TIMEOUT_MAX_NS (24 * NS_PER_HOUR)

_Static_assert(LIMIT_CONNECTIONS <= 1 << 24, "a slot must fit the ring's completion tag");
_Static_assert((long long)LIMIT_HEAD_BYTES + LIMIT_BODY_BYTES <= 0x7fffffff, "a send's result");
_Static_assert((LIMIT_BUFFERS_MAX & (LIMIT_BUFFERS_MAX - 1)) == 0,
               "buffer rings are powers of two");

#endif
