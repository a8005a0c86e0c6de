#include "http/url.h"

#include "base/check.h"
#include "http/fields.h"

#include <arpa/inet.h>

/* One pass from left to right: scheme, authority, target. A piece is cut off, checked, and the rest
 * handed on; all spans are pieces of the input.
 *
 * Stricter than RFC 3986 where two readers could understand a URL differently, because the record
 * must go to the host its author meant: no userinfo, no percent-encoded host, no empty port, and a
 * host that looks like a number must be an IPv4 address in its four-part form (resolvers would read
 * "0x7f.1" or "0177.0.0.1" as one too). Laxer in path and query: characters that RFC 3986 would see
 * percent-encoded, such as | or {, reach the server as they stand, which is what the user wrote.
 *
 * Most records of a run go to one server: what their URLs begin with is understood once, and
 * compared from then on. That halves what it costs to take a request in, see struct url_start. */

enum { LABEL_BYTES_MAX = 63, PORT_DIGITS_MAX = 5, IPV6_BYTES_MAX = 45 };

static enum ringsend_error refuse(const char **detail, const char *text)
{
    *detail = text;
    return RINGSEND_E_BAD_URL;
}

/* Takes the prefix off, in any case of letters. */
static bool take_prefix(struct ringsend_bytes *rest, struct ringsend_bytes prefix)
{
    if (rest->bytes < prefix.bytes ||
        !span_equal_nocase((struct ringsend_bytes){rest->data, prefix.bytes}, prefix))
        return false;
    rest->data += prefix.bytes;
    rest->bytes -= prefix.bytes;
    return true;
}

static bool is_hex(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* A label that some resolver may take for a number. */
static bool label_is_number(struct ringsend_bytes label)
{
    if (label.bytes >= 2 && label.data[0] == '0' && (label.data[1] | 0x20) == 'x')
        return true;
    for (size_t i = 0; i < label.bytes; i++) {
        if (!is_digit(label.data[i]))
            return false;
    }
    return true;
}

static bool is_ipv4(struct ringsend_bytes host)
{
    char text[INET_ADDRSTRLEN];
    struct in_addr address;
    if (host.bytes >= sizeof text)
        return false;
    memcpy(text, host.data, host.bytes);
    text[host.bytes] = 0;
    return inet_pton(AF_INET, text, &address) == 1;
}

static enum ringsend_error check_name(struct ringsend_bytes host, const char **detail)
{
    if (host.bytes == 0)
        return refuse(detail, "the URL has no host");
    if (host.bytes > LIMIT_HOST_BYTES)
        return refuse(detail, "the host is longer than a DNS name can be (253 bytes)");
    struct ringsend_bytes label = {host.data, 0};
    for (size_t i = 0; i < host.bytes; i++) {
        char c = host.data[i];
        if (c == '.') {
            if (label.bytes == 0)
                return refuse(detail, "a label of the host name is empty");
            /* A dot at the very end belongs to the label before it. */
            if (i + 1 < host.bytes)
                label = (struct ringsend_bytes){host.data + i + 1, 0};
            continue;
        }
        if (!is_letter(c) && !is_digit(c) && c != '-' && c != '_')
            return refuse(detail, "the host may hold letters, digits, '-', '.' and '_' only");
        if (++label.bytes > LABEL_BYTES_MAX)
            return refuse(detail, "a label of the host name is longer than 63 bytes");
    }
    if (label_is_number(label) && !is_ipv4(host))
        return refuse(detail, "the host looks like an IPv4 address but is none (expected a.b.c.d)");
    return RINGSEND_OK;
}

static enum ringsend_error check_ipv6(struct ringsend_bytes host, const char **detail)
{
    char text[IPV6_BYTES_MAX + 1];
    struct in6_addr address;
    if (memchr(host.data, '%', host.bytes))
        return refuse(detail, "IPv6 zone identifiers are not supported");
    if (host.bytes > IPV6_BYTES_MAX)
        return refuse(detail, "the host in brackets is not an IPv6 address");
    memcpy(text, host.data, host.bytes);
    text[host.bytes] = 0;
    if (inet_pton(AF_INET6, text, &address) != 1)
        return refuse(detail, "the host in brackets is not an IPv6 address");
    return RINGSEND_OK;
}

enum ringsend_error url_check_host(struct ringsend_bytes host, const char **detail)
{
    bool is_ipv6 = host.bytes > 0 && memchr(host.data, ':', host.bytes);
    return is_ipv6 ? check_ipv6(host, detail) : check_name(host, detail);
}

static enum ringsend_error check_port(struct url *url, struct ringsend_bytes digits,
                                      const char **detail)
{
    uint64_t port;
    if (digits.bytes == 0 || digits.bytes > PORT_DIGITS_MAX || digits.data[0] == '0' ||
        !span_decimal(digits, UINT32_MAX, &port) || port > UINT16_MAX)
        return refuse(detail, "the port is not a number from 1 to 65535");
    url->port = (uint16_t)port;
    return RINGSEND_OK;
}

static enum ringsend_error parse_authority(struct url *url, const char **detail)
{
    struct ringsend_bytes all = url->authority;
    if (memchr(all.data, '@', all.bytes))
        return refuse(detail, "user and password in a URL are refused: use a header");

    url->host_is_ipv6 = all.bytes > 0 && all.data[0] == '[';
    const char *host_end;
    if (url->host_is_ipv6) {
        host_end = memchr(all.data, ']', all.bytes);
        if (!host_end)
            return refuse(detail, "the '[' before the host has no ']' behind it");
        url->host = (struct ringsend_bytes){all.data + 1, (size_t)(host_end - all.data) - 1};
        host_end++;
    } else {
        host_end = memchr(all.data, ':', all.bytes);
        if (!host_end)
            host_end = all.data + all.bytes;
        url->host = (struct ringsend_bytes){all.data, (size_t)(host_end - all.data)};
    }
    enum ringsend_error error =
        url->host_is_ipv6 ? check_ipv6(url->host, detail) : check_name(url->host, detail);
    if (error)
        return error;

    size_t rest = all.bytes - (size_t)(host_end - all.data);
    if (rest == 0)
        return RINGSEND_OK;
    if (*host_end != ':')
        return refuse(detail, "only ':' and a port may follow the host");
    return check_port(url, (struct ringsend_bytes){host_end + 1, rest - 1}, detail);
}

/* What is not to be passed over. */
static const bool special[256] = {[0 ... 0x20] = true, ['%'] = true, [0x7f ... 0xff] = true};

/* Control characters, spaces and non-ASCII bytes are refused everywhere in the text, the fragment
 * included; a '%' must begin a percent-encoding (RFC 3986 2.1). */
static enum ringsend_error check_characters(struct ringsend_bytes text, const char **detail)
{
    for (size_t i = 0; i < text.bytes; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if (!special[c])
            continue;
        if (c <= 0x20 || c == 0x7f)
            return refuse(detail, "the URL holds a space or control character: percent-encode it");
        if (c > 0x7f)
            return refuse(detail, "the URL holds a non-ASCII byte: percent-encode it, and write "
                                  "host names in their xn-- form");
        if (text.bytes - i < 3 || !is_hex(text.data[i + 1]) || !is_hex(text.data[i + 2]))
            return refuse(detail, "a '%' in the URL is not followed by two hexadecimal digits");
    }
    return RINGSEND_OK;
}

static bool ends_authority(char c)
{
    return c == '/' || c == '?' || c == '#';
}

/* Path and query, and the fragment, which is cut off. */
static void take_target(struct url *url, struct ringsend_bytes rest)
{
    const char *fragment = memchr(rest.data, '#', rest.bytes);
    if (fragment)
        rest.bytes = (size_t)(fragment - rest.data);
    url->target = rest;
    url->target_needs_slash = rest.bytes == 0 || rest.data[0] != '/';
}

enum ringsend_error url_parse(struct url *url, struct ringsend_bytes text, const char **detail)
{
    *url = (struct url){0};
    struct ringsend_bytes rest = text;
    if (take_prefix(&rest, SPAN("http://")))
        url->port = 80;
    else if (take_prefix(&rest, SPAN("https://")))
        url->port = 443;
    else
        return refuse(detail, "the URL does not begin with http:// or https://");
    url->https = url->port == 443;

    enum ringsend_error error = check_characters(rest, detail);
    if (error)
        return error;
    size_t authority_bytes = 0;
    while (authority_bytes < rest.bytes && !ends_authority(rest.data[authority_bytes]))
        authority_bytes++;
    url->authority = (struct ringsend_bytes){rest.data, authority_bytes};
    take_target(url,
                (struct ringsend_bytes){rest.data + authority_bytes, rest.bytes - authority_bytes});
    return parse_authority(url, detail);
}

/* ---- one of many ---- */

static bool begins_with(struct ringsend_bytes text, const struct url_start *start)
{
    return start->bytes > 0 && text.bytes >= start->bytes &&
           memcmp(text.data, start->text, start->bytes) == 0 &&
           (text.bytes == start->bytes || ends_authority(text.data[start->bytes]));
}

static void keep_start(struct url_start *start, const struct url *url, struct ringsend_bytes text)
{
    size_t scheme_bytes = (size_t)(url->authority.data - text.data);
    start->bytes = scheme_bytes + url->authority.bytes;
    CHECK(start->bytes <= sizeof start->text);
    memcpy(start->text, text.data, start->bytes);
    start->scheme_bytes = scheme_bytes;
    start->host_bytes = url->host.bytes;
    start->https = url->https;
    start->host_is_ipv6 = url->host_is_ipv6;
    start->port = url->port;
}

enum ringsend_error url_parse_next(struct url *url, struct ringsend_bytes text,
                                   struct url_start *start, const char **detail)
{
    if (!begins_with(text, start)) {
        enum ringsend_error error = url_parse(url, text, detail);
        if (error == RINGSEND_OK)
            keep_start(start, url, text);
        return error;
    }
    const char *authority = text.data + start->scheme_bytes;
    struct ringsend_bytes rest = {text.data + start->bytes, text.bytes - start->bytes};
    *url = (struct url){.https = start->https,
                        .host = {authority + start->host_is_ipv6, start->host_bytes},
                        .host_is_ipv6 = start->host_is_ipv6,
                        .port = start->port,
                        .authority = {authority, start->bytes - start->scheme_bytes}};
    take_target(url, rest);
    return check_characters(rest, detail);
}
