/* The way through a proxy, as the wire sees it: what is to be said to the proxy leaves, what it
 * answers is taken in, and then the wire is what it leads to: plain, or TLS with the peer. Nothing
 * of this is left by then, so that the bytes that follow cost what they cost without.
 *
 * Invariant: of one whose kind is WIRE_TUNNEL no byte of a request has been taken. */
#include "base/buf.h"
#include "base/check.h"
#include "base/memory.h"
#include "engine/engine.h"
#include "engine/wire.h"
#include "http/tunnel.h"
#include "ringsend.h"

struct wire_tunnel {
    struct tunnel_ask ask;
    struct tunnel tunnel;
    struct buf out; /* in the send under way */
    bool sending;
    bool broken; /* a send was cut short: what the proxy said before is still to be heard */
};

bool wire_tunnel_open(struct wire *w, const struct tunnel_ask *ask)
{
    struct wire_tunnel *t = memory_take_zeroed(&w->engine->memory, sizeof *t);
    CHECK(w->kind == WIRE_TUNNEL && !w->tunnel && !w->tls);
    if (!t)
        return false;
    t->ask = *ask;
    tunnel_begin(&t->tunnel, &t->ask);
    w->tunnel = t;
    return true;
}

void wire_tunnel_close(struct wire *w)
{
    struct wire_tunnel *t = w->tunnel;
    if (!t)
        return;
    CHECK(!t->sending || w->engine->broken);
    if (!w->engine->broken)
        buf_release(&w->engine->bufs, &t->out);
    memory_give_back(&w->engine->memory, t, sizeof *t);
    w->tunnel = NULL;
}

static enum ringsend_error failed(const struct wire_tunnel *t, const char **detail)
{
    CHECK(t->tunnel.error != RINGSEND_OK);
    *detail = t->tunnel.detail;
    return t->tunnel.error;
}

enum ringsend_error wire_tunnel_received(struct wire *w, struct ringsend_bytes got, bool *opened,
                                         const char **detail)
{
    struct wire_tunnel *t = w->tunnel;
    size_t used;
    CHECK(w->kind == WIRE_TUNNEL && got.bytes > 0);
    if (*opened) {
        *detail = "data came behind the proxy's answer, before anybody was asked";
        return RINGSEND_E_PROXY_PROTOCOL;
    }
    switch (tunnel_feed(&t->tunnel, got, &used)) {
    case TUNNEL_FAILED:
        return failed(t, detail);
    case TUNNEL_MORE:
        return RINGSEND_OK;
    case TUNNEL_OPEN:
        *opened = true;
        got = (struct ringsend_bytes){got.data + used, got.bytes - used};
        return got.bytes > 0 ? wire_tunnel_received(w, got, opened, detail) : RINGSEND_OK;
    }
    UNREACHABLE("what a proxy's answer comes to");
}

enum ringsend_error wire_tunnel_ended(struct wire *w, const char *how, const char **detail)
{
    tunnel_ended(&w->tunnel->tunnel, how);
    return failed(w->tunnel, detail);
}

bool wire_tunnel_is_quiet(const struct wire *w)
{
    CHECK(w->kind == WIRE_TUNNEL && w->tunnel);
    return !w->tunnel->sending;
}

void wire_tunnel_leads_to(struct wire *w, enum wire_kind kind)
{
    CHECK(w->kind == WIRE_TUNNEL && kind != WIRE_TUNNEL && !w->tunnel->sending);
    wire_tunnel_close(w);
    w->kind = kind;
}

enum ringsend_error wire_tunnel_fill(struct wire *w, struct wire_send *send)
{
    struct wire_tunnel *t = w->tunnel;
    CHECK(t && !t->sending && t->out.bytes == 0);
    if (t->broken)
        return RINGSEND_OK;
    if (!buf_reserve(&w->engine->bufs, &t->out, tunnel_say_bytes(&t->tunnel)))
        return RINGSEND_E_NO_MEMORY;
    t->out.bytes = send->bytes = tunnel_say(&t->tunnel, t->out.data);
    t->sending = send->bytes > 0;
    if (t->sending)
        send->parts[send->parts_count++] = (struct iovec){t->out.data, t->out.bytes};
    else
        buf_release(&w->engine->bufs, &t->out);
    return RINGSEND_OK;
}

void wire_tunnel_sent(struct wire *w, bool whole)
{
    struct wire_tunnel *t = w->tunnel;
    CHECK(t && t->sending);
    t->sending = false;
    t->broken |= !whole;
    buf_release(&w->engine->bufs, &t->out);
}
