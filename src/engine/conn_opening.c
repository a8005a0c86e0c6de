/* See conn_opening.h. */
#include "engine/conn_opening.h"

#include "base/check.h"
#include "base/list.h"
#include "engine/conn.h"
#include "engine/engine.h"
#include "engine/exchange.h"
#include "engine/http1.h"
#include "engine/http2.h"
#include "engine/pool.h"
#include "engine/relay.h"
#include "engine/stream.h"
#include "engine/task.h"
#include "engine/writer.h"
#include "uring/ring.h"

#include <string.h>

enum wire_kind conn_last_kind(const struct pool *p)
{
    return p->https ? WIRE_TLS : WIRE_PLAIN;
}

enum wire_kind conn_first_kind(const struct pool *p)
{
    CHECK(!p->relay || p->relay->kind != RELAY_TUNNEL || p->peer);
    return p->relay && p->relay->kind == RELAY_TUNNEL ? WIRE_TUNNEL : conn_last_kind(p);
}

static uint64_t idle_ns(const struct ringsend_options *o)
{
    CHECK(o->idle_timeout_ns > 0);
    bool kept_shorter = o->keep_max_ns > 0 && o->keep_max_ns < o->idle_timeout_ns;
    return kept_shorter ? o->keep_max_ns : o->idle_timeout_ns;
}

struct conn *conn_new(struct pool *p, const struct address *address)
{
    struct ringsend *e = p->engine;
    struct list *node = list_pop_front(&e->conns_free);
    struct conn *c = node ? LIST_OWNER(node, struct conn, idle) : &e->conns[e->conns_mark++];
    uint32_t slot = (uint32_t)(c - e->conns), generation = c->generation + 1;
    CHECK(slot < e->options.connections_max && (!node || c->step == CONN_CLOSED));
    *c = (struct conn){.step = CONN_CONNECT,
                       .slot = slot,
                       .generation = generation,
                       .engine = e,
                       .pool = p,
                       .address = *address,
                       .descriptor = -1,
                       .silent = true,
                       .rx_first = -1,
                       .rx_last = -1,
                       .idle_ns = idle_ns(&e->options)};
    c->wire = (struct wire){.kind = WIRE_PLAIN, .engine = e, .owner = &c->task};
    task_init(&c->task, TASK_CONN);
    list_init(&c->in_riders);
    list_init(&c->idle);
    list_init(&c->idle_lru);
    list_init(&c->overdue);
    list_init(&c->starved);
    list_init(&c->in_news);
    writer_init(&c->writer);
    list_init(&c->exchanges);
    task_wake(e, &c->task);
    return c;
}

enum ringsend_error conn_go_on_tunnel(struct conn *c, bool *opened, const char **detail)
{
    enum ringsend_error error = RINGSEND_OK;
    struct ringsend_bytes got;
    int32_t buffer;
    CHECK(c->wire.tunnel && list_empty(&c->writer.pieces));
    while (error == RINGSEND_OK && (buffer = conn_rx_pop(c, &got.data, &got.bytes)) >= 0) {
        error = wire_tunnel_received(&c->wire, got, opened, detail);
        ring_buffer_return(c->engine->ring, buffer);
    }
    if (error == RINGSEND_OK && c->stream_ended)
        error = wire_tunnel_ended(
            &c->wire, c->stream_result < 0 ? strerrordesc_np(-c->stream_result) : NULL, detail);
    if (error == RINGSEND_OK && !*opened)
        error = writer_go_on(c);
    *opened &= error == RINGSEND_OK;
    return error;
}

bool conn_open_wire(struct conn *c)
{
    struct pool *p = c->pool;
    CHECK(c->wire.kind == WIRE_TLS && !c->wire.tls);
    return wire_open(&c->wire, &(struct wire_peer){p->name, p->name_port, &p->handshakes,
                                                   p->sessions_refused < POOL_REFUSALS_MAX,
                                                   http2_protocols(p)});
}

enum ringsend_error conn_go_on_opening(struct conn *c, bool *opened, const char **detail)
{
    enum ringsend_error error = RINGSEND_OK;
    struct ringsend_bytes got;
    int32_t buffer;
    CHECK(c->wire.tls && list_empty(&c->writer.pieces));
    *opened = false;
    while (error == RINGSEND_OK && (buffer = conn_rx_pop(c, &got.data, &got.bytes)) >= 0) {
        error = wire_gather(&c->wire, got);
        ring_buffer_return(c->engine->ring, buffer);
    }
    const struct exchange *x = http1_exchange(c);
    struct wire_news news = {c->stream_ended, x && !stream_has_source(x->request)};
    if (error == RINGSEND_OK)
        error = wire_opening(&c->wire, news, opened, detail);
    if (!*opened && writer_go_on(c) != RINGSEND_OK)
        UNREACHABLE("a send without pieces wants memory");
    return error;
}
