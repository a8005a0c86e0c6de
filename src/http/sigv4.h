/* AWS Signature Version 4 of a request, in its headers (IAM User Guide, "Create a signed request"):
 * pure, no clock.
 *
 * Signed are Host, X-Amz-Date and all the user's fields but those that others on the way may
 * change; for S3 X-Amz-Content-Sha256 as well, and X-Amz-Security-Token where there is one. */
#ifndef RINGSEND_HTTP_SIGV4_H
#define RINGSEND_HTTP_SIGV4_H

#include "base/buf.h"
#include "http/head.h"

#include <stdbool.h>
#include <stdint.h>

struct sigv4 {
    struct ringsend_bytes region, service;
    struct ringsend_bytes key_id, secret;
    struct ringsend_bytes token; /* of a session; empty: none */
};

/* Appends the lines to be sent with that head, which has passed head_check, in the second wall_s
 * since 1970. False when memory is out. */
bool sigv4_write(const struct sigv4 *keys, const struct head *head, struct ringsend_bytes body,
                 int64_t wall_s, struct buf_pool *pool, struct buf *out);

#endif
