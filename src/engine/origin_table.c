/* The table of origins: one for each scheme, host and port that a request was ever for, found by
 * hash. When it is full, one makes room that no request uses, nor a connection that nobody
 * else could use; one that
 * pauses only when all of these do, for its pause goes with it. */
#include "engine/origin.h"

#include "base/check.h"
#include "base/list.h"
#include "base/timers.h"
#include "engine/admission.h"
#include "engine/engine.h"
#include "engine/host.h"
#include "engine/pause.h"
#include "engine/pool.h"
#include "engine/run_limits.h"
#include "engine/task.h"
#include "engine/way.h"
#include "http/head.h"
#include "ringsend.h"

void origin_release(struct origin *o)
{
    CHECK(o->requests > 0 && list_empty(&o->unused));
    o->requests--;
    o->pool->requests--;
    if (o->requests == 0 && (o->pool->conns == 0 || o->pool->origins_count > 1))
        list_push_back(&o->engine->unused_origins, &o->unused);
}

static uint32_t hash_of(const struct url *url)
{
    return span_hash_nocase(url->host) ^ url->port ^ (uint32_t)url->https << 16;
}

static bool is_it(const struct origin *o, const struct url *url)
{
    return o->port == url->port && o->https == url->https &&
           span_equal_nocase(span_of(o->host->name), url->host);
}

/* The longest unused one that does not pause, else the one whose pause is over first. Null: all are
 * used. */
static struct origin *least_missed(const struct ringsend *e)
{
    const struct list *unused = &e->unused_origins;
    struct origin *least = NULL;
    for (struct list *node = unused->next; node != unused; node = node->next) {
        struct origin *o = LIST_OWNER(node, struct origin, unused);
        CHECK(o->requests == 0);
        if (pause_is_over(o))
            return o;
        if (!least || pause_ends_at_ns(o) < pause_ends_at_ns(least))
            least = o;
    }
    return least;
}

static void leave_run(struct origin *o)
{
    if (!o->run)
        return;
    limits_origin_give_back(o->engine->run_limits, o->run);
    o->run = NULL;
    o->pause = &o->own_pause;
}

void origins_leave_run(struct ringsend *e)
{
    for (uint32_t i = 0; i < e->origins_mark; i++)
        leave_run(&e->origins[i]);
}

static void join_run(struct origin *o)
{
    struct ringsend_limits *l = o->engine->run_limits;
    const struct origin_key key = {o->host->name, o->port, o->https, o->hash};
    o->pause = &o->own_pause;
    if (!l->shared)
        return;
    o->run = limits_origin(l, &key, o->engine->now_ns);
    o->pause = &o->run->pause;
}

static struct origin *evict(struct ringsend *e)
{
    struct origin *o = least_missed(e);
    if (!o)
        return NULL;
    CHECK(o->waiting_count == 0 && o->wish == WISH_NONE);
    gates_forget(o);
    list_remove(&o->unused);
    struct origin **at = &e->origins_hash[o->hash & e->hash_mask];
    while (*at != o)
        at = &(*at)->hash_next;
    *at = o->hash_next;
    list_remove(&o->task.ready);
    pool_leave(o);
    leave_run(o);
    timer_remove(&e->timers, &o->task.timer);
    host_release(e, o->host);
    if (e->last_origin == o)
        e->last_origin = NULL;
    return o;
}

static struct origin *origin_new(struct ringsend *e, const struct url *url, uint32_t hash)
{
    struct host *h = host_find(e, url);
    h->users++; /* before another origin of this host may be evicted */
    struct origin *o = e->origins_mark < e->origins_max ? &e->origins[e->origins_mark++] : evict(e);
    CHECK(o); /* origins_max is more than requests and connections can use */
    *o = (struct origin){.engine = e,
                         .host = h,
                         .port = url->port,
                         .https = url->https,
                         .hash = hash,
                         .settles_at_ns = TIMER_NEVER,
                         .hash_next = e->origins_hash[hash & e->hash_mask]};
    e->origins_hash[hash & e->hash_mask] = o;
    join_run(o);
    task_init(&o->task, TASK_ORIGIN);
    list_init(&o->in_pool);
    list_init(&o->in_waiting);
    for (int fresh = 0; fresh < 2; fresh++) {
        list_init(&o->waiting[fresh]);
        list_init(&o->retries[fresh]);
    }
    for (int gate = 0; gate < GATES_SHARED; gate++)
        list_init(&o->in_line[gate]);
    list_init(&o->unused);
    struct url to;
    way_divert(e, url, &to);
    struct host *target = e->options.connect_to_count > 0 ? host_find(e, &to) : h;
    pool_join(pool_for(e, o, url, target, to.port), o);
    return o;
}

struct origin *origin_find(struct ringsend *e, const struct url *url)
{
    struct origin *o = e->last_origin;
    if (!o || !is_it(o, url)) {
        uint32_t hash = hash_of(url);
        o = e->origins_hash[hash & e->hash_mask];
        while (o && !is_it(o, url))
            o = o->hash_next;
        if (!o)
            o = origin_new(e, url, hash);
    }
    CHECK(o->pool && o->pool->origins_count > 0);
    list_remove(&o->unused);
    return e->last_origin = o;
}
