#include "http/tunnel.h"

#include "base/address.h"
#include "base/check.h"
#include "base/span.h"
#include "ringsend.h"

#include <stdio.h>
#include <string.h>

enum {
    SOCKS_VERSION = 5,
    SOCKS_AUTH_VERSION = 1,
    SOCKS_NO_AUTH = 0,
    SOCKS_BY_PASSWORD = 2,
    SOCKS_NONE = 0xff,
    SOCKS_CMD_CONNECT = 1,
    SOCKS_IPV4 = 1,
    SOCKS_NAME = 3,
    SOCKS_IPV6 = 4,
    SOCKS_NAME_MAX = 255,
};

void tunnel_begin(struct tunnel *t, const struct tunnel_ask *ask)
{
    *t = (struct tunnel){.ask = ask, .step = ask->socks ? TUNNEL_GREET : TUNNEL_CONNECT};
    CHECK(ask->host.bytes > 0 && ask->host.bytes <= SOCKS_NAME_MAX);
    CHECK(ask->user.bytes <= UINT8_MAX && (!ask->socks || ask->password.bytes <= UINT8_MAX));
}

static enum tunnel_next fail(struct tunnel *t, enum ringsend_error error)
{
    t->error = error;
    t->step = TUNNEL_OVER;
    return TUNNEL_FAILED;
}

/* ---- what is said ---- */

size_t tunnel_say_bytes(const struct tunnel *t)
{
    const struct tunnel_ask *ask = t->ask;
    return 2 * (ask->host.bytes + sizeof "[]:65535") + ask->fields.bytes +
           sizeof "CONNECT  HTTP/1.1\r\nHost: \r\n\r\n" + 2 * SOCKS_NAME_MAX + 16;
}

static char *put(char *to, struct ringsend_bytes s)
{
    if (s.bytes > 0)
        memcpy(to, s.data, s.bytes);
    return to + s.bytes;
}

static char *put_authority(char *to, const struct tunnel_ask *ask)
{
    to = put(to, ask->host_is_ipv6 ? SPAN("[") : SPAN(""));
    to = put(to, ask->host);
    char port[sizeof "]:65535"];
    snprintf(port, sizeof port, "%s:%u", ask->host_is_ipv6 ? "]" : "", ask->port);
    return put(to, span_of(port));
}

static char *say_connect(const struct tunnel_ask *ask, char *to)
{
    to = put(to, SPAN("CONNECT "));
    to = put_authority(to, ask);
    to = put(to, SPAN(" HTTP/1.1\r\nHost: "));
    to = put_authority(to, ask);
    to = put(to, SPAN("\r\n"));
    to = put(to, ask->fields);
    return put(to, SPAN("\r\n"));
}

static char *say_greeting(const struct tunnel_ask *ask, char *to)
{
    *to++ = SOCKS_VERSION;
    *to++ = ask->has_user ? 2 : 1;
    *to++ = SOCKS_NO_AUTH;
    if (ask->has_user)
        *to++ = SOCKS_BY_PASSWORD;
    return to;
}

static char *say_password(const struct tunnel_ask *ask, char *to)
{
    *to++ = SOCKS_AUTH_VERSION;
    *to++ = (char)ask->user.bytes;
    to = put(to, ask->user);
    *to++ = (char)ask->password.bytes;
    return put(to, ask->password);
}

static char *say_request(const struct tunnel_ask *ask, char *to)
{
    const struct address *a = ask->address;
    *to++ = SOCKS_VERSION;
    *to++ = SOCKS_CMD_CONNECT;
    *to++ = 0;
    if (a && a->any.sa_family == AF_INET6) {
        *to++ = SOCKS_IPV6;
        to = put(to, (struct ringsend_bytes){(const char *)&a->v6.sin6_addr, 16});
    } else if (a) {
        *to++ = SOCKS_IPV4;
        to = put(to, (struct ringsend_bytes){(const char *)&a->v4.sin_addr, 4});
    } else {
        *to++ = SOCKS_NAME;
        *to++ = (char)ask->host.bytes;
        to = put(to, ask->host);
    }
    *to++ = (char)(ask->port >> 8);
    *to++ = (char)(ask->port & 0xff);
    return to;
}

size_t tunnel_say(struct tunnel *t, char *to)
{
    const char *begin = to;
    switch (t->step) {
    case TUNNEL_CONNECT:
        to = say_connect(t->ask, to);
        t->step = TUNNEL_STATUS;
        break;
    case TUNNEL_GREET:
        to = say_greeting(t->ask, to);
        t->step = TUNNEL_METHOD;
        break;
    case TUNNEL_PASSWORD:
        to = say_password(t->ask, to);
        t->step = TUNNEL_VERDICT;
        break;
    case TUNNEL_REQUEST:
        to = say_request(t->ask, to);
        t->step = TUNNEL_REPLY;
        break;
    case TUNNEL_STATUS:
    case TUNNEL_FIELDS:
    case TUNNEL_METHOD:
    case TUNNEL_VERDICT:
    case TUNNEL_REPLY:
    case TUNNEL_OVER:
        return 0;
    }
    CHECK((size_t)(to - begin) <= tunnel_say_bytes(t));
    t->bytes = t->ask->socks ? 0 : t->bytes;
    return (size_t)(to - begin);
}

/* ---- what HTTP answers ---- */

/* "HTTP/1.0 200 Connection established": from the status on, printable, for people. */
static bool read_status(struct tunnel *t)
{
    const char *line = t->status_line;
    if (t->status_line_bytes < 12 || memcmp(line, "HTTP/1.", 7) != 0 || line[8] != ' ')
        return false;
    for (int i = 9; i < 12; i++) {
        if (line[i] < '0' || line[i] > '9')
            return false;
        t->status = t->status * 10 + line[i] - '0';
    }
    return t->status >= 100 && (t->status_line_bytes == 12 || line[12] == ' ');
}

static enum tunnel_next no_answer(struct tunnel *t, const char *why)
{
    snprintf(t->detail, sizeof t->detail, "%s", why);
    return fail(t, RINGSEND_E_PROXY_PROTOCOL);
}

static enum tunnel_next head_over(struct tunnel *t)
{
    if (t->status < 200 && t->status != 101) {
        t->step = TUNNEL_STATUS;
        t->status = 0;
        t->status_line_bytes = 0;
        return TUNNEL_MORE;
    }
    t->step = TUNNEL_OVER;
    if (t->status >= 200 && t->status < 300)
        return TUNNEL_OPEN;
    snprintf(t->detail, sizeof t->detail, "the proxy answered %.*s", (int)t->status_line_bytes - 9,
             t->status_line + 9);
    /* Some say 401 of a user that they do not know, as tinyproxy does. */
    bool who = t->status == 407 || t->status == 401;
    return fail(t, who ? RINGSEND_E_PROXY_AUTH : RINGSEND_E_PROXY_STATUS);
}

/* A line has ended, in LF with or without CR. */
static enum tunnel_next line_over(struct tunnel *t)
{
    bool is_empty = t->line == 0;
    t->line = 0;
    if (t->step == TUNNEL_FIELDS)
        return is_empty ? head_over(t) : TUNNEL_MORE;
    if (!read_status(t))
        return no_answer(t, "what the proxy answered is no HTTP");
    t->step = TUNNEL_FIELDS;
    return TUNNEL_MORE;
}

static enum tunnel_next feed_byte(struct tunnel *t, char c)
{
    if (++t->bytes > TUNNEL_HEAD_BYTES_MAX)
        return no_answer(t, "the head of the proxy's answer is larger than the limit");
    if (c == '\n')
        return line_over(t);
    if (c == '\r')
        return TUNNEL_MORE;
    t->line++;
    bool is_status = t->step == TUNNEL_STATUS;
    if (is_status && t->line <= 5 && c != "HTTP/"[t->line - 1])
        return no_answer(t, "what the proxy answered is no HTTP");
    if (is_status && t->status_line_bytes < sizeof t->status_line)
        t->status_line[t->status_line_bytes++] = c >= ' ' && c < 0x7f ? c : '?';
    return TUNNEL_MORE;
}

/* ---- what SOCKS5 answers ---- */

/* RFC 1928 6 */
static const char *reply_text(unsigned reply)
{
    static const char *const texts[] = {"",
                                        "general failure",
                                        "not allowed by its rules",
                                        "network unreachable",
                                        "host unreachable",
                                        "connection refused",
                                        "TTL expired",
                                        "command not supported",
                                        "address type not supported"};
    return reply < sizeof texts / sizeof *texts ? texts[reply] : "reply unknown";
}

static enum tunnel_next method_chosen(struct tunnel *t)
{
    if (t->got[1] == SOCKS_NO_AUTH) {
        t->step = TUNNEL_REQUEST;
        return TUNNEL_MORE;
    }
    if (t->got[1] == SOCKS_BY_PASSWORD && t->ask->has_user) {
        t->step = TUNNEL_PASSWORD;
        return TUNNEL_MORE;
    }
    if (t->got[1] != SOCKS_NONE)
        return no_answer(t, "the SOCKS proxy chose a method that was not offered");
    snprintf(t->detail, sizeof t->detail, "the SOCKS proxy takes none of the methods offered: %s",
             t->ask->has_user ? "user and password, or nothing" : "no user was given");
    return fail(t, RINGSEND_E_PROXY_AUTH);
}

static enum tunnel_next replied(struct tunnel *t)
{
    t->status = t->got[1];
    t->step = TUNNEL_OVER;
    if (t->status == 0)
        return TUNNEL_OPEN;
    snprintf(t->detail, sizeof t->detail, "the SOCKS proxy answered %d: %s", t->status,
             reply_text((unsigned)t->status));
    return fail(t, RINGSEND_E_SOCKS_REFUSED);
}

/* So many bytes it has in all, as far as that is known. */
static uint32_t reply_bytes(const struct tunnel *t)
{
    if (t->step != TUNNEL_REPLY)
        return 2;
    if (t->bytes < 5 || t->got[1] != 0)
        return t->bytes >= 2 && t->got[1] != 0 ? t->bytes : 5;
    switch (t->got[3]) {
    case SOCKS_IPV4:
        return 4 + 4 + 2;
    case SOCKS_IPV6:
        return 4 + 16 + 2;
    case SOCKS_NAME:
        return 4 + 1 + (uint32_t)t->got[4] + 2;
    default:
        return 5;
    }
}

static enum tunnel_next feed_socks_byte(struct tunnel *t, unsigned char c)
{
    bool is_verdict = t->step == TUNNEL_VERDICT;
    CHECK(t->bytes < sizeof t->got);
    t->got[t->bytes++] = c;
    if (t->got[0] != (is_verdict ? SOCKS_AUTH_VERSION : SOCKS_VERSION))
        return no_answer(t, "what the proxy answered is no SOCKS5");
    if (t->bytes < reply_bytes(t))
        return TUNNEL_MORE;
    if (t->step == TUNNEL_METHOD)
        return method_chosen(t);
    if (t->step == TUNNEL_REPLY && t->got[1] == 0 && t->bytes == 5)
        return no_answer(t, "the SOCKS proxy's reply has an address of no known type");
    if (t->step == TUNNEL_REPLY)
        return replied(t);
    if (t->got[1] != 0) {
        snprintf(t->detail, sizeof t->detail, "the SOCKS proxy refused user and password");
        return fail(t, RINGSEND_E_PROXY_AUTH);
    }
    t->step = TUNNEL_REQUEST;
    return TUNNEL_MORE;
}

/* ---- both ---- */

static bool is_proxys_turn(const struct tunnel *t)
{
    return t->step == TUNNEL_STATUS || t->step == TUNNEL_FIELDS || t->step == TUNNEL_METHOD ||
           t->step == TUNNEL_VERDICT || t->step == TUNNEL_REPLY;
}

enum tunnel_next tunnel_feed(struct tunnel *t, struct ringsend_bytes got, size_t *used)
{
    enum tunnel_next next = TUNNEL_MORE;
    *used = 0;
    while (next == TUNNEL_MORE && *used < got.bytes) {
        if (!is_proxys_turn(t))
            return no_answer(t, "the proxy answered before it was asked");
        t->answered = true;
        char c = got.data[(*used)++];
        next = t->ask->socks ? feed_socks_byte(t, (unsigned char)c) : feed_byte(t, c);
    }
    return next;
}

void tunnel_ended(struct tunnel *t, const char *how)
{
    snprintf(t->detail, sizeof t->detail, "%s%s", how ? how : "the proxy closed the connection",
             t->answered ? " within its answer" : " without an answer");
    fail(t, RINGSEND_E_PROXY_CLOSED);
}
