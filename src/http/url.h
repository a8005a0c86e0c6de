/* URLs of records: absolute http and https, strict, split into what a connection and a request
 * need. Nothing is decoded and nothing repaired: what cannot be sent as it stands is refused (RFC
 * 3986, RFC 9110 4.2). */
#ifndef RINGSEND_HTTP_URL_H
#define RINGSEND_HTTP_URL_H

#include "base/errors.h"
#include "base/limits.h"
#include "base/span.h"

#include <stdbool.h>
#include <stdint.h>

struct url {
    /* Lower or upper case as given; an IPv6 literal without its brackets. */
    struct ringsend_bytes host;
    /* For the Host header: host, brackets included, and the port if it was given. */
    struct ringsend_bytes authority;
    /* Path and query; may lack its leading slash: see target_needs_slash. */
    struct ringsend_bytes target;
    uint16_t port; /* given, or 80, or 443 */
    bool https;
    bool host_is_ipv6;       /* the host stood in brackets */
    bool target_needs_slash; /* "http://h" and "http://h?q": send "/" before `target` */
};

/* All spans point into `text`. On failure *url is unspecified and *detail says in a few words what
 * is wrong and what is expected. The fragment is cut off; userinfo, control characters, spaces and
 * bytes over 0x7e are refused. RINGSEND_E_BAD_URL or 0. */
enum ringsend_error url_parse(struct url *url, struct ringsend_bytes text, const char **detail);

/* Whether a URL can have that host, given without the brackets of IPv6. Otherwise as url_parse. */
enum ringsend_error url_check_host(struct ringsend_bytes host, const char **detail);

/* Scheme and authority of a URL: one that begins with the same bytes need not be understood anew up
 * to there. */
enum { URL_START_BYTES_MAX = sizeof "https://" + LIMIT_HOST_BYTES + sizeof ":65535" };

struct url_start {
    char text[URL_START_BYTES_MAX]; /* "http://host:80" */
    size_t bytes;                   /* 0: none is known */
    size_t scheme_bytes;            /* of "http://" */
    size_t host_bytes;
    bool https, host_is_ipv6;
    uint16_t port;
};

/* As url_parse, of one URL of many: *start, zeroed before the first one, is what the last one began
 * with. */
enum ringsend_error url_parse_next(struct url *url, struct ringsend_bytes text,
                                   struct url_start *start, const char **detail);

#endif
