/* The request head as it goes out (RFC 9112 3): checked first, then written in one piece.
 *
 * No injection: method and header names are tokens, values hold no CR, LF or NUL and no other
 * control character but tab; whatever else is refused, never stripped. The framing is ours: of the
 * headers that concern it a user may give only those that say what is true anyway:
 *
 * - Host: once, in place of ours.
 * - Content-Length: once, if it equals the body's length, which must be known; then sent once.
 * - Connection: once, "close" or "keep-alive".
 * - Transfer-Encoding, Upgrade, TE, Trailer, Expect, Keep-Alive, Proxy-Connection: refused. */
#ifndef RINGSEND_HTTP_HEAD_H
#define RINGSEND_HTTP_HEAD_H

#include "base/errors.h"
#include "base/span.h"
#include "http/url.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct head {
    struct ringsend_bytes method;
    struct url url;
    const struct ringsend_header *fields;
    size_t fields_count;
    uint64_t body_bytes;
    bool has_body; /* else Content-Length is sent only for methods that expect one (POST, PUT,
                      PATCH: 0) */
    bool chunked;  /* it has a body whose length is not known: body_bytes is not looked at */
    bool accepts_codings; /* send Accept-Encoding with all that coding.h knows */

    /* Set by head_by_proxy, behind head_check, which takes them away. */
    bool absolute;                      /* the request line has the whole URL (RFC 9112 3.2.2) */
    struct ringsend_bytes proxy_fields; /* lines for the proxy, each with its end */

    /* Found by head_check. */
    bool close;          /* the user asked for Connection: close */
    bool own_host;       /* the user gave Host */
    bool own_agent;      /* the user gave User-Agent */
    bool own_accept;     /* the user gave Accept */
    bool own_encoding;   /* the user gave Accept-Encoding */
    bool own_length;     /* the user gave Content-Length: ours is sent whatever the method */
    bool own_connection; /* the user gave Connection */
    size_t bytes;        /* exact size of what head_write writes */
};

/* Checks method and fields and fills in the found part. 0, RINGSEND_E_BAD_METHOD or
 * RINGSEND_E_BAD_HEADER with *detail as in url_parse. CONNECT is refused. */
enum ringsend_error head_check(struct head *head, const char **detail);
/* Of a checked one: it goes to a proxy that is to pass it on. The fields are borrowed. */
void head_by_proxy(struct head *head, struct ringsend_bytes proxy_fields);
/* Writes head->bytes bytes to `out`. The head must have passed head_check. */
void head_write(const struct head *head, char *out);

/* True for methods whose repetition has the effect of one (RFC 9110 9.2.2). */
bool head_method_is_idempotent(struct ringsend_bytes method);

#endif
