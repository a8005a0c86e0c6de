/* What a caller's request must be before the engine takes it: all that can be seen without one. */
#include "engine/well_formed.h"

#include "base/errors.h"
#include "base/limits.h"
#include "base/span.h"
#include "engine/options.h"
#include "engine/stream.h"
#include "http/head.h"
#include "http/url.h"
#include "ringsend.h"

#include <stddef.h>
#include <stdint.h>

/* A flag of a later version must not be overlooked by this one. */
#define FLAGS_KNOWN                                                                            \
    ((uint32_t)(RINGSEND_AT_LEAST_ONCE | RINGSEND_KEYED | RINGSEND_HAS_BODY) | BODY_STREAMED | \
     RESPONSE_STREAMED)

/* The oldest header's request ended with its handle. */
#define REQUEST_BYTES_MIN (offsetof(struct ringsend_request, handle) + sizeof(uint64_t))

/* Of the fields that an older header lacks. */
static bool stream_is_well_formed(const struct ringsend_request *r)
{
    uint32_t in = r->flags & RESPONSE_STREAMED;
    if ((in & (in - 1)) != 0)
        return false; /* more than one */
    if (in == RINGSEND_RESPONSE_FD &&
        (r->size < offsetof(struct ringsend_request, response_fd) + sizeof r->response_fd ||
         r->response_fd < 0))
        return false;
    if (!(r->flags & BODY_STREAMED))
        return true;
    if (r->size < offsetof(struct ringsend_request, body_bytes) + sizeof r->body_bytes ||
        (r->flags & BODY_STREAMED) == BODY_STREAMED || r->body.bytes > 0)
        return false;
    if (r->flags & RINGSEND_BODY_PIECES)
        return true;
    uint64_t at = r->body_at > 0 ? (uint64_t)r->body_at : 0;
    return r->body_fd >= 0 && r->body_at >= RINGSEND_SEQUENTIAL &&
           (r->body_bytes == RINGSEND_UNKNOWN || r->body_bytes <= INT64_MAX - at);
}

static bool is_there(struct ringsend_bytes text)
{
    return text.bytes == 0 || text.data;
}

static bool are_there(const struct ringsend_request *r)
{
    bool there = is_there(r->method) && is_there(r->url) && is_there(r->body) &&
                 (r->headers_count == 0 || r->headers);
    for (size_t i = 0; there && i < r->headers_count; i++)
        there = is_there(r->headers[i].name) && is_there(r->headers[i].value);
    return there;
}

bool request_is_well_formed(const struct ringsend_request *r)
{
    return r && r->size >= REQUEST_BYTES_MIN &&
           (r->size <= sizeof *r || struct_is_zero_beyond(r, sizeof *r, r->size)) &&
           r->headers_count <= LIMIT_HEADERS && r->tries <= LIMIT_TRIES && are_there(r) &&
           r->body.bytes <= LIMIT_BODY_BYTES && !(r->flags & ~FLAGS_KNOWN) &&
           (!(r->flags & (BODY_STREAMED | RESPONSE_STREAMED)) || stream_is_well_formed(r));
}

static bool has_body(const struct ringsend_request *r)
{
    return r->body.bytes > 0 || (r->flags & (BODY_STREAMED | RINGSEND_HAS_BODY));
}

struct ringsend_bytes request_method(const struct ringsend_request *r)
{
    if (r->method.bytes > 0)
        return r->method;
    return has_body(r) ? SPAN("POST") : SPAN("GET");
}

enum ringsend_error request_make_head(struct head *head, const struct ringsend_request *r,
                                      bool accepts_codings, struct url_start *start,
                                      const char **detail)
{
    bool streamed = (r->flags & BODY_STREAMED) != 0;
    *head = (struct head){.method = request_method(r),
                          .fields = r->headers,
                          .fields_count = r->headers_count,
                          .has_body = has_body(r),
                          .chunked = streamed && r->body_bytes == RINGSEND_UNKNOWN,
                          .body_bytes = streamed ? r->body_bytes : r->body.bytes,
                          .accepts_codings = accepts_codings};
    enum ringsend_error error = start ? url_parse_next(&head->url, r->url, start, detail)
                                      : url_parse(&head->url, r->url, detail);
    if (error == RINGSEND_OK)
        error = head_check(head, detail);
    if (error == RINGSEND_OK && head->bytes > LIMIT_HEAD_BYTES) {
        error = RINGSEND_E_BAD_HEADER;
        *detail = "the request's head is larger than 1 MiB";
    }
    return error;
}

int ringsend_check(const struct ringsend_request *r, const char **detail)
{
    struct head head;
    const char *why = NULL;
    int error = request_is_well_formed(r) ? -(int)request_make_head(&head, r, false, NULL, &why)
                                          : -RINGSEND_E_INVALID;
    if (detail)
        *detail = why;
    return error;
}
