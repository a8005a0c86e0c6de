/* The table of pools: one for each origin, made with it, but for those that a proxy serves in
 * absolute form: these share one, unless each of them may have only so many connections. One that
 * no origin uses any more has no connections either, and its slot is free. */
#include "base/check.h"
#include "base/list.h"
#include "base/timers.h"
#include "engine/engine.h"
#include "engine/host.h"
#include "engine/kept.h"
#include "engine/origin.h"
#include "engine/places.h"
#include "engine/pool.h"
#include "engine/relay.h"
#include "engine/run_limits.h"
#include "engine/run_places.h"
#include "engine/steps.h"
#include "engine/task.h"
#include "http/url.h"

static void join_run(struct pool *p, uint32_t hash)
{
    struct ringsend_limits *l = p->engine->run_limits;
    const struct origin_key key = {p->name, p->name_port, p->https, hash};
    CHECK(!p->run && p->conns == 0);
    p->seat = (struct seat){.engine = p->engine, .pool = p};
    list_init(&p->seat.in_called);
    if (!l->shared)
        return;
    p->run = limits_origin(l, &key, p->engine->now_ns);
    if (limits_bound_origins(l))
        seat_join(l, &p->seat, &p->run->places);
}

static void leave_run(struct pool *p)
{
    if (!p->run)
        return; /* there are none, or the slot is free */
    struct ringsend_limits *l = p->engine->run_limits;
    seat_leave(l, &p->seat, p->conns_leaving);
    limits_origin_give_back(l, p->run);
    p->run = NULL;
}

void pools_leave_run(struct ringsend *e)
{
    for (uint32_t i = 0; i < e->pools_mark; i++)
        leave_run(&e->pools[i]);
}

static struct pool *pool_new(struct ringsend *e, const struct origin *o, struct host *host,
                             uint16_t port)
{
    struct list *node = list_pop_front(&e->pools_free);
    struct pool *p = node ? LIST_OWNER(node, struct pool, in_host) : &e->pools[e->pools_mark++];
    CHECK(e->pools_mark <= e->origins_max);
    *p = (struct pool){.step = POOL_LOOKUP,
                       .engine = e,
                       .host = host,
                       .name = o->host->name,
                       .port = port,
                       .name_port = o->port,
                       .https = o->https};
    task_init(&p->task, TASK_POOL);
    list_init(&p->origins);
    list_init(&p->waiting);
    list_init(&p->news);
    list_init(&p->carriers);
    if (e->options.http == RINGSEND_HTTP2_KNOWN)
        p->speaks = SPEAKS_HTTP2;
    else if (e->options.http == RINGSEND_HTTP2 && p->https)
        p->speaks = SPEAKS_UNKNOWN;
    list_init(&p->idle);
    list_init(&p->blocked);
    list_init(&p->in_host);
    list_init(&p->in_peer);
    lane_init(&p->handshakes);
    list_push_back(&host->pools, &p->in_host);
    host->users++;
    kept_begin(p);
    return p;
}

static bool is_for_all(const struct ringsend *e, const struct relay *w)
{
    bool bound = e->options.connections_per_origin < e->options.connections_max ||
                 (e->run_limits->shared && limits_bound_origins(e->run_limits));
    return w->kind == RELAY_ABSOLUTE && !bound;
}

/* The one that others have already, or null. */
static struct pool *find_shared(const struct host *proxy, const struct relay *w)
{
    for (struct list *node = proxy->pools.next; node != &proxy->pools; node = node->next) {
        struct pool *p = LIST_OWNER(node, struct pool, in_host);
        CHECK(p->host == proxy);
        if (p->relay == w)
            return p;
    }
    return NULL;
}

static struct pool *pool_by_relay(struct ringsend *e, const struct relay *w, const struct origin *o,
                                  struct host *host, uint16_t port)
{
    struct host *proxy = host_find(e, &w->proxy.url);
    bool shares = is_for_all(e, w);
    struct pool *p = shares ? find_shared(proxy, w) : NULL;
    CHECK(!p || (p->relay == w && p->speaks == SPEAKS_HTTP1));
    if (p)
        return p;
    p = pool_new(e, o, proxy, w->proxy.url.port);
    p->relay = w;
    if (w->kind == RELAY_ABSOLUTE)
        p->speaks = SPEAKS_HTTP1; /* which is what proxies read */
    if (shares) {
        p->name = proxy->name;
        p->name_port = p->port;
    }
    if (w->kind == RELAY_TUNNEL) {
        p->peer = host;
        p->peer_port = port;
        host->users++;
    }
    if (w->looks_up)
        list_push_back(&host->asking, &p->in_peer);
    join_run(p, o->hash);
    return p;
}

struct pool *pool_for(struct ringsend *e, const struct origin *o, const struct url *url,
                      struct host *host, uint16_t port)
{
    const struct relay *w = relay_for(e, url);
    if (w)
        return pool_by_relay(e, w, o, host, port);
    struct pool *p = pool_new(e, o, host, port);
    join_run(p, o->hash);
    return p;
}

static void pool_put(struct pool *p)
{
    struct ringsend *e = p->engine;
    CHECK(p->conns == 0 && p->requests == 0 && list_empty(&p->news) && !p->dialing &&
          list_empty(&p->waiting));
    place_forget(p);
    leave_run(p);
    list_remove(&p->task.ready);
    timer_remove(&e->timers, &p->task.timer);
    list_remove(&p->in_host);
    list_remove(&p->in_peer);
    if (p->peer)
        host_release(e, p->peer);
    host_release(e, p->host);
    p->engine = NULL;
    list_push_front(&e->pools_free, &p->in_host);
}

void pool_join(struct pool *p, struct origin *o)
{
    CHECK(o->requests == 0 && !o->pool);
    o->pool = p;
    struct list *first = p->origins.next;
    list_push_back(&p->origins, &o->in_pool);
    if (++p->origins_count != 2)
        return;
    /* The connections stay without it, too. */
    struct origin *other = LIST_OWNER(first, struct origin, in_pool);
    if (other->requests == 0 && list_empty(&other->unused))
        list_push_back(&p->engine->unused_origins, &other->unused);
}

void pool_leave(struct origin *o)
{
    struct pool *p = o->pool;
    CHECK(o->requests == 0 && list_empty(&o->in_waiting) && p->origins_count > 0);
    origin_unwish(o);
    list_remove(&o->in_pool);
    p->origins_count--;
    CHECK((p->origins_count == 0) == list_empty(&p->origins));
    o->pool = NULL;
    if (p->origins_count == 0)
        pool_put(p);
    else if (p->origins_count == 1 && p->conns > 0) /* it keeps the connections */
        list_remove(&LIST_OWNER(p->origins.next, struct origin, in_pool)->unused);
}
