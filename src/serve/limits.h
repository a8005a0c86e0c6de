/* What a platform allows, and how it says so: requests and a weight (tokens) in a time, and the
 * headers by which clients are told, in the dialect of a known one. Pure: time in, decision and
 * text out.
 *
 * Requests: so many in each period, which begins with the first one after the period before, as
 * quotas are counted; or with a burst as nginx's limit_req (nodelay) has it: a request comes no
 * earlier than the rate says, but for `burst` of them. Weights: none is taken in by which more than
 * the limit would begin within the time, wherever that begins. */
#ifndef RINGSEND_SERVE_LIMITS_H
#define RINGSEND_SERVE_LIMITS_H

#include "base/cost.h"
#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* In the order of the option's words. */
enum dialect {
    DIALECT_NONE, /* Retry-After in 429 answers, as the options say */
    DIALECT_SILENT,
    DIALECT_RETRY_AFTER,
    DIALECT_OPENAI,
    DIALECT_AZURE,
    DIALECT_ANTHROPIC,
    DIALECT_GITHUB,
    DIALECT_OKTA,
    DIALECT_REDDIT,
    DIALECT_TWITTER,
    DIALECT_X_RATELIMIT,
    DIALECT_IETF_03,
    DIALECT_IETF_07,
    DIALECT_IETF_10,
    DIALECTS
};
#define DIALECT_WORDS                                                                             \
    "none|silent|retry-after|openai|azure|anthropic|github|okta|reddit|twitter|x-ratelimit|ietf-" \
    "03|ietf-07|ietf-10"

enum { LIMITS_HEAD_BYTES_MAX = 640 };

struct limits_plan {
    enum dialect dialect;
    uint64_t requests, requests_per_ns; /* 0: any number */
    bool leaks;                         /* with a burst: */
    uint64_t burst;
    const struct cost *cost;        /* what a request weighs, by its body; null: nothing */
    uint64_t weight, weight_per_ns; /* 0: any */
};

/* What was taken in within weight_per_ns: a queue. */
struct limits_item {
    uint64_t at_ns, weight;
};

struct limits {
    struct limits_plan plan;
    uint64_t period_ns, count; /* the period's begin, 0: none yet; and requests in it */
    uint64_t leak_ns;          /* when the bucket is empty: see limits_take */
    struct limits_item *items;
    size_t items_first, items_count, items_capacity;
    uint64_t weight; /* of them all */
};

void limits_free(struct limits *l);
/* False: it is one too many, and *wait_ns says when it would not be. */
bool limits_take(struct limits *l, uint64_t weight, uint64_t now_ns, uint64_t *wait_ns);
/* Writes header lines; returns their bytes. wait_ns: of a
 * 429; 0: of any other answer. */
size_t limits_write(const struct limits *l, uint64_t wait_ns, uint64_t now_ns, int64_t wall_ms,
                    char out[static LIMITS_HEAD_BYTES_MAX]);

#endif
