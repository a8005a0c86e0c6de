/* Answers as bytes. Those that do not depend on the request are written once, at the start, and
 * then sent as they stand. They carry no Date: a prebuilt one would go stale while it is sent, and
 * RFC 9110 6.6.1 leaves it out for servers without a clock. */
#ifndef RINGSEND_SERVE_ANSWER_H
#define RINGSEND_SERVE_ANSWER_H

#include "base/span.h"
#include "serve/limits.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    ANSWER_HEAD_BYTES_MAX = 512 + LIMITS_HEAD_BYTES_MAX,
    ANSWER_FILLER_KEPT_MAX = 1 << 20, /* more is made while it is sent */
};

struct answer_head {
    unsigned status;
    const char *type;      /* Content-Type */
    uint64_t body_bytes;   /* Content-Length */
    uint64_t keep_alive_s; /* advertised unless 0 */
    int64_t retry_after_s; /* -1: none */
    const char *limits;    /* lines that tell of these; null: none */
};

/* One answer, once for each value of the Connection header: [0] keep-alive, [1] close. The body
 * follows the head directly. */
struct answer {
    unsigned status;
    uint64_t filler_bytes; /* so much filler is to follow, which is not kept */
    struct {
        char *data;
        size_t bytes, head_bytes;
    } form[2];
};

/* Statuses whose answer has no body whatever it says (RFC 9112 6.3). */
static inline bool answer_is_bodyless(unsigned status)
{
    return status == 204 || status == 304;
}

/* Writes the head with its blank line; `out` holds ANSWER_HEAD_BYTES_MAX. Returns its length. */
size_t answer_head_write(const struct answer_head *head, bool close, char *out);
/* body: head->body_bytes of it; null: filler, kept or not as it suits. False when memory is out;
 * what there is, is freed by answer_free. */
bool answer_build(struct answer *answer, const struct answer_head *head, const char *body);
void answer_free(struct answer *answer);
/* "Not Found"; empty for statuses without a registered phrase, as RFC 9112 4 allows. */
const char *answer_reason(unsigned status);

#endif
