#include "http/proxy.h"

#include "base/ascii.h"
#include "base/span.h"
#include "http/url.h"

#include <arpa/inet.h>
#include <string.h>

enum { PORT_DEFAULT = 1080 };

static const struct {
    const char *scheme;
    enum proxy_kind kind;
} schemes[] = {
    {"http", PROXY_HTTP},
    {"socks5", PROXY_SOCKS5},
    {"socks5h", PROXY_SOCKS5H},
    {"tcp", PROXY_TCP},
};

/* ---- what names it ---- */

static struct ringsend_bytes from(struct ringsend_bytes s, size_t at)
{
    return (struct ringsend_bytes){s.data + at, s.bytes - at};
}

/* Takes "SCHEME://" off the text. */
static const char *read_scheme(struct proxy *p, struct ringsend_bytes *text)
{
    const char *colon = memmem(text->data, text->bytes, "://", 3);
    p->kind = PROXY_HTTP;
    if (!colon)
        return NULL;
    struct ringsend_bytes scheme = {text->data, (size_t)(colon - text->data)};
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        if (!span_equal_nocase(scheme, span_of(schemes[i].scheme)))
            continue;
        p->kind = schemes[i].kind;
        *text = from(*text, scheme.bytes + 3);
        return NULL;
    }
    return "a proxy's scheme is http, socks5 or socks5h";
}

static int hex_digit(char c)
{
    char low = ascii_lower(c);
    if (c >= '0' && c <= '9')
        return c - '0';
    return low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}

/* What is no escape stands for itself, as with curl. */
static bool decode(struct ringsend_bytes text, char *to, size_t max, size_t *bytes)
{
    size_t count = 0;
    for (size_t i = 0; i < text.bytes; i++) {
        int high = -1, low = -1;
        if (text.data[i] == '%' && i + 2 < text.bytes) {
            high = hex_digit(text.data[i + 1]);
            low = hex_digit(text.data[i + 2]);
        }
        char c = high >= 0 && low >= 0 ? (char)(high * 16 + low) : text.data[i];
        if (high >= 0 && low >= 0)
            i += 2;
        if (count == max || (unsigned char)c < 0x20 || c == 0x7f)
            return false;
        to[count++] = c;
    }
    *bytes = count;
    return true;
}

static const char *read_userinfo(struct proxy *p, struct ringsend_bytes info)
{
    const char *colon = memchr(info.data, ':', info.bytes);
    size_t user_bytes = colon ? (size_t)(colon - info.data) : info.bytes;
    struct ringsend_bytes user = {info.data, user_bytes};
    struct ringsend_bytes password = from(info, colon ? user_bytes + 1 : info.bytes);
    p->has_user = true;
    if (!decode(user, p->user, sizeof p->user, &p->user_bytes) ||
        !decode(password, p->password, sizeof p->password, &p->password_bytes))
        return "user or password of the proxy is too long, or holds a control character";
    return memchr(p->user, ':', p->user_bytes) ? "a proxy's user holds no colon" : NULL;
}

struct ringsend_bytes proxy_secret(struct ringsend_bytes text)
{
    const char *colon = memmem(text.data, text.bytes, "://", 3);
    struct ringsend_bytes rest = colon ? from(text, (size_t)(colon - text.data) + 3) : text;
    const char *at = memrchr(rest.data, '@', rest.bytes);
    rest.bytes = at ? (size_t)(at - rest.data) : 0;
    return rest;
}

/* Host and port have the form that they have in a URL. */
static const char *read_authority(struct proxy *p, struct ringsend_bytes text)
{
    char url[URL_START_BYTES_MAX + 16] = "http://";
    size_t scheme_bytes = strlen(url);
    const char *detail = "host or port of the proxy cannot be used";
    if (text.bytes > 0 && text.data[text.bytes - 1] == '/')
        text.bytes--;
    if (text.bytes == 0 || text.bytes > sizeof url - scheme_bytes ||
        memchr(text.data, '/', text.bytes) || memchr(text.data, '?', text.bytes) ||
        memchr(text.data, '#', text.bytes))
        return text.bytes == 0 ? "it names no host" : "a proxy is HOST[:PORT], without a path";
    memcpy(url + scheme_bytes, text.data, text.bytes);
    struct ringsend_bytes whole = {url, scheme_bytes + text.bytes};
    if (url_parse(&p->url, whole, &detail) != RINGSEND_OK)
        return detail;
    const char *close = memchr(text.data, ']', text.bytes);
    size_t host_at = (size_t)(p->url.host.data - url) - scheme_bytes;
    bool has_port = memchr(close ? close : text.data, ':',
                           close ? text.bytes - (size_t)(close - text.data) : text.bytes);
    if (!has_port)
        p->url.port = PORT_DEFAULT;
    p->url.host.data = text.data + host_at;
    p->url.authority = text;
    p->url.target = SPAN("");
    return NULL;
}

const char *proxy_read(struct proxy *p, struct ringsend_bytes text)
{
    *p = (struct proxy){0};
    struct ringsend_bytes secret = proxy_secret(text);
    const char *fault = read_scheme(p, &text);
    const char *at = memrchr(text.data, '@', text.bytes);
    if (!fault && at)
        fault = read_userinfo(p, secret);
    if (at)
        text = from(text, (size_t)(at - text.data) + 1);
    return fault ? fault : read_authority(p, text);
}

const char *proxy_set_user(struct proxy *p, struct ringsend_bytes pair)
{
    const char *colon = memchr(pair.data, ':', pair.bytes);
    size_t user_bytes = colon ? (size_t)(colon - pair.data) : pair.bytes;
    struct ringsend_bytes password = from(pair, colon ? user_bytes + 1 : pair.bytes);
    if (user_bytes > sizeof p->user || password.bytes > sizeof p->password)
        return "user or password of the proxy is too long";
    for (size_t i = 0; i < pair.bytes; i++)
        if ((unsigned char)pair.data[i] < 0x20 || pair.data[i] == 0x7f)
            return "user or password of the proxy holds a control character";
    p->has_user = true;
    p->user_bytes = user_bytes;
    p->password_bytes = password.bytes;
    memcpy(p->user, pair.data, user_bytes);
    if (password.bytes > 0)
        memcpy(p->password, password.data, password.bytes);
    return NULL;
}

/* ---- for whom it is not ---- */

static bool is_below(struct ringsend_bytes item, struct ringsend_bytes host)
{
    if (item.bytes > 0 && item.data[item.bytes - 1] == '.')
        item.bytes--;
    if (item.bytes > 0 && item.data[0] == '.')
        item = from(item, 1);
    if (host.bytes > 0 && host.data[host.bytes - 1] == '.')
        host.bytes--;
    if (item.bytes == 0 || item.bytes > host.bytes)
        return false;
    size_t before = host.bytes - item.bytes;
    return (before == 0 || host.data[before - 1] == '.') &&
           span_equal_nocase(item, from(host, before));
}

struct network {
    int family;
    unsigned bits;
    unsigned char bytes[16];
};

static bool read_address(struct ringsend_bytes text, int family, struct network *n)
{
    char name[INET6_ADDRSTRLEN] = "";
    n->family = family;
    n->bits = family == AF_INET ? 32 : 128;
    if (text.bytes == 0 || text.bytes >= sizeof name)
        return false;
    memcpy(name, text.data, text.bytes);
    return inet_pton(family, name, n->bytes) == 1;
}

/* ADDRESS or ADDRESS/BITS; /0 is the whole address, as with curl. */
static bool read_network(struct ringsend_bytes item, int family, struct network *n)
{
    const char *slash = memchr(item.data, '/', item.bytes);
    struct ringsend_bytes address = {item.data, slash ? (size_t)(slash - item.data) : item.bytes};
    if (address.bytes > 1 && address.data[0] == '[' && address.data[address.bytes - 1] == ']')
        address = (struct ringsend_bytes){address.data + 1, address.bytes - 2};
    if (!read_address(address, family, n))
        return false;
    unsigned bits = 0;
    for (const char *c = slash ? slash + 1 : NULL; c && c < item.data + item.bytes; c++) {
        if (*c < '0' || *c > '9' || bits > n->bits)
            return false;
        bits = bits * 10 + (unsigned)(*c - '0');
    }
    if (bits > n->bits)
        return false;
    n->bits = bits > 0 ? bits : n->bits;
    return true;
}

static bool is_within(const struct network *address, const struct network *n)
{
    unsigned whole = n->bits / 8, rest = n->bits % 8;
    if (memcmp(address->bytes, n->bytes, whole) != 0)
        return false;
    unsigned mask = 0xff00u >> rest & 0xff;
    return rest == 0 || ((address->bytes[whole] ^ n->bytes[whole]) & mask) == 0;
}

static bool is_separator(char c)
{
    return c == ',' || c == ' ' || c == '\t';
}

bool proxy_is_excepted(struct ringsend_bytes list, const struct url *url)
{
    struct network address, n;
    bool is_address = read_address(url->host, url->host_is_ipv6 ? AF_INET6 : AF_INET, &address);
    if (list.bytes == 1 && list.data[0] == '*')
        return true;
    for (size_t at = 0; at < list.bytes;) {
        size_t end = at;
        while (end < list.bytes && !is_separator(list.data[end]))
            end++;
        struct ringsend_bytes item = {list.data + at, end - at};
        if (is_address ? read_network(item, address.family, &n) && is_within(&address, &n)
                       : is_below(item, url->host))
            return true;
        at = end + 1;
    }
    return false;
}
