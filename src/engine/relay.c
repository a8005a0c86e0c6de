#include "engine/relay.h"

#include "base/base64.h"
#include "base/check.h"
#include "base/memory.h"
#include "base/span.h"
#include "engine/engine.h"
#include "engine/host.h"
#include "engine/pool.h"
#include "http/head.h"
#include "http/proxy.h"
#include "http/tunnel.h"
#include "ringsend.h"

#include <stdio.h>
#include <string.h>

#define AUTH_NAME "Proxy-Authorization: Basic "

static bool is_socks(const struct relay *w)
{
    return w->proxy.kind == PROXY_SOCKS5 || w->proxy.kind == PROXY_SOCKS5H;
}

/* ---- what the proxy alone is told ---- */

static size_t pair_bytes(const struct proxy *p)
{
    return p->user_bytes + 1 + p->password_bytes;
}

static bool sends_user(const struct relay *w)
{
    return w->proxy.has_user && !is_socks(w);
}

static size_t fields_bytes(const struct relay *w, const struct ringsend_options *o)
{
    size_t bytes = sends_user(w) ? sizeof AUTH_NAME + base64_bytes(pair_bytes(&w->proxy)) + 2 : 0;
    for (size_t i = 0; i < o->proxy_headers_count && !is_socks(w); i++)
        bytes += o->proxy_headers[i].name.bytes + o->proxy_headers[i].value.bytes + 4;
    return bytes;
}

static char *put(char *to, struct ringsend_bytes s)
{
    if (s.bytes > 0)
        memcpy(to, s.data, s.bytes);
    return to + s.bytes;
}

static char *put_user(char *to, const struct proxy *p)
{
    char pair[PROXY_USER_BYTES_MAX + 1 + PROXY_PASSWORD_BYTES_MAX], *end = pair;
    end = put(end, (struct ringsend_bytes){p->user, p->user_bytes});
    *end++ = ':';
    end = put(end, (struct ringsend_bytes){p->password, p->password_bytes});
    to = put(to, SPAN(AUTH_NAME));
    to = base64_encode((struct ringsend_bytes){pair, (size_t)(end - pair)}, to);
    explicit_bzero(pair, sizeof pair);
    return put(to, SPAN("\r\n"));
}

static void put_fields(struct relay *w, const struct ringsend_options *o, char *to)
{
    char *begin = to;
    if (sends_user(w))
        to = put_user(to, &w->proxy);
    for (size_t i = 0; i < o->proxy_headers_count && !is_socks(w); i++) {
        to = put(to, o->proxy_headers[i].name);
        to = put(to, SPAN(": "));
        to = put(to, o->proxy_headers[i].value);
        to = put(to, SPAN("\r\n"));
    }
    w->fields = (struct ringsend_bytes){begin, (size_t)(to - begin)};
}

/* ---- the options ---- */

static const char *headers_fault(const struct ringsend_options *o)
{
    struct head head = {
        .method = SPAN("GET"), .fields = o->proxy_headers, .fields_count = o->proxy_headers_count};
    const char *detail = NULL;
    return head_check(&head, &detail) == RINGSEND_OK ? NULL : detail;
}

static enum relay_kind kind_of(const struct relay *w, bool https, const struct ringsend_options *o)
{
    bool by_head = w->proxy.kind == PROXY_HTTP;
    if (w->proxy.kind == PROXY_TCP)
        return RELAY_BLIND;
    return by_head && !https && !o->proxy_tunnel && !o->proxy_queues ? RELAY_ABSOLUTE
                                                                     : RELAY_TUNNEL;
}

static const char *read_relay(struct ringsend *e, bool https, const char *text)
{
    struct relay *w = &e->relays->by_scheme[https];
    const struct ringsend_options *o = &e->options;
    const char *fault = proxy_read(&w->proxy, span_of(text));
    if (!fault && o->proxy_user && !w->proxy.has_user)
        fault = proxy_set_user(&w->proxy, span_of(o->proxy_user));
    if (fault)
        return fault;
    if (w->proxy.kind == PROXY_TCP && !o->proxy_queues)
        return "a proxy's scheme is http, socks5 or socks5h";
    if (is_socks(w) && w->proxy.password_bytes > UINT8_MAX)
        return "SOCKS5 has no passwords above 255 bytes";
    w->kind = kind_of(w, https, o);
    w->queues = o->proxy_queues;
    w->looks_up = w->proxy.kind == PROXY_SOCKS5;
    size_t host_bytes = w->proxy.url.host.bytes;
    w->text_bytes = host_bytes + fields_bytes(w, o) + 1;
    w->text = memory_take(&e->memory, w->text_bytes);
    if (!w->text)
        return "";
    put(w->text, w->proxy.url.host);
    w->proxy.url.host.data = w->text;
    put_fields(w, o, w->text + host_bytes);
    e->relays->given[https] = true;
    return NULL;
}

static const char *read_all(struct ringsend *e)
{
    const struct ringsend_options *o = &e->options;
    const char *texts[2] = {o->proxy_http, o->proxy_https};
    e->relays = memory_take_zeroed(&e->memory, sizeof *e->relays);
    if (!e->relays)
        return "";
    const char *fault = headers_fault(o);
    size_t bytes = o->no_proxy ? strlen(o->no_proxy) : 0;
    char *excepted = bytes > 0 ? memory_take(&e->memory, bytes) : NULL;
    if (bytes > 0 && !excepted)
        return "";
    if (bytes > 0)
        e->relays->excepted = (struct ringsend_bytes){memcpy(excepted, o->no_proxy, bytes), bytes};
    for (int https = 0; https < 2 && !fault; https++)
        if (texts[https])
            fault = read_relay(e, https, texts[https]);
    return fault;
}

bool relays_read(struct ringsend *e, char *message, size_t message_bytes)
{
    struct ringsend_options *o = &e->options;
    const char *fault = o->proxy_http || o->proxy_https ? read_all(e) : NULL;
    if (fault)
        snprintf(message, message_bytes, "%s%s", fault[0] ? "the proxy: " : "", fault);
    /* Theirs, and read. */
    o->proxy_http = o->proxy_https = o->proxy_user = o->no_proxy = NULL;
    o->proxy_headers = NULL;
    return !fault;
}

void relays_free(struct ringsend *e)
{
    struct relays *all = e->relays;
    if (!all)
        return;
    for (int https = 0; https < 2; https++) {
        struct relay *w = &all->by_scheme[https];
        if (w->text)
            explicit_bzero(w->text, w->text_bytes);
        memory_give_back(&e->memory, w->text, w->text_bytes);
    }
    memory_give_back(&e->memory, (char *)(uintptr_t)all->excepted.data, all->excepted.bytes);
    explicit_bzero(all, sizeof *all);
    memory_give_back(&e->memory, all, sizeof *all);
    e->relays = NULL;
}

/* ---- which ---- */

const struct relay *relay_for(const struct ringsend *e, const struct url *url)
{
    const struct relays *all = e->relays;
    if (!all || !all->given[url->https] || proxy_is_excepted(all->excepted, url))
        return NULL;
    return &all->by_scheme[url->https];
}

enum ringsend_error relay_check(const struct ringsend *e, const struct url *url,
                                const char **detail)
{
    const struct relay *w = relay_for(e, url);
    if (!w || w->kind != RELAY_BLIND || url->https)
        return RINGSEND_OK;
    *detail = "a gate in TCP mode is for https alone: http would leave before its turn";
    return RINGSEND_E_BAD_URL;
}

void relay_head(const struct pool *p, struct head *head)
{
    if (p->relay && p->relay->kind == RELAY_ABSOLUTE)
        head_by_proxy(head, p->relay->fields);
}

/* Literals have been read as one by now: they have the one address. */
static const struct address *address_of(const struct pool *p)
{
    const struct host *h = p->peer;
    bool is_literal = h->fixed && h->addresses_count == 1;
    if (!p->relay->looks_up &&
        !(is_literal && p->relay->proxy.kind == PROXY_SOCKS5H && !h->override))
        return NULL;
    CHECK(h->addresses_count > 0);
    return &h->addresses[p->peer_turn % h->addresses_count];
}

struct tunnel_ask relay_ask(const struct pool *p)
{
    const struct relay *w = p->relay;
    struct ringsend_bytes name = span_of(p->peer->name);
    CHECK(w && w->kind == RELAY_TUNNEL);
    return (struct tunnel_ask){.socks = is_socks(w),
                               .host = name,
                               .host_is_ipv6 = memchr(name.data, ':', name.bytes),
                               .port = p->peer_port,
                               .address = address_of(p),
                               .fields = w->fields,
                               .user = {w->proxy.user, w->proxy.user_bytes},
                               .password = {w->proxy.password, w->proxy.password_bytes},
                               .has_user = w->proxy.has_user};
}
