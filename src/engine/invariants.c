/* What must hold between two turns of the loop, counted out: walked with RINGSEND_SLOW_CHECKS only,
 * where a lost wake-up or a wrong count becomes an assertion instead of a hang. */
#include "base/check.h"
#include "base/list.h"
#include "base/timers.h"
#include "engine/attempt.h"
#include "engine/conn.h"
#include "engine/decode.h"
#include "engine/engine.h"
#include "engine/exchange.h"
#include "engine/host.h"
#include "engine/http1.h"
#include "engine/origin.h"
#include "engine/places.h"
#include "engine/pool.h"
#include "engine/request.h"
#include "engine/room.h"
#include "engine/steps.h"
#include "engine/stream.h"
#include "engine/wire.h"
#include "uring/op.h"

/* Something will wake it: an operation, its own or its stream's, the worker, buffers coming back,
 * or its deadline. */
static bool conn_will_go_on(const struct conn *c)
{
    return op_in_flight(&c->connect) || op_in_flight(&c->writer.send) || op_in_flight(&c->recv) ||
           op_in_flight(&c->cancel) || op_in_flight(&c->close) || op_in_flight(&c->install) ||
           !list_empty(&c->starved) || !list_empty(&c->task.ready) ||
           timer_is_set(&c->task.timer) || wire_is_handed_off(&c->wire);
}

static bool exchange_will_go_on(const struct exchange *x)
{
    return x && (!list_empty(&x->crowd) || timer_is_set(&x->task.timer) ||
                 !list_empty(&x->task.ready) || !stream_is_quiet(x) || stream_awaits_host(x));
}

static void check_exchanges(const struct ringsend *e)
{
    uint32_t begun = 0;
    for (uint32_t i = 0; i < e->exchanges_mark; i++) {
        const struct exchange *x = &e->exchanges[i];
        CHECK(x->slot == i && (x->request || x->send == SEND_NONE));
        if (!x->request)
            continue;
        begun += x->send != SEND_NONE;
        CHECK(x->request->exchange == x && x->conn->step < CONN_CLOSE);
        CHECK(http1_exchange(x->conn) == x && x->conn->exchanges.prev == &x->node);
    }
    CHECK(begun == e->exchanges_open);
}

static void check_conns(const struct ringsend *e)
{
    uint32_t open = 0, leaving = 0, idle = 0;
    for (uint32_t i = 0; i < e->conns_mark; i++) {
        const struct conn *c = &e->conns[i];
        if (c->step == CONN_CLOSED)
            continue;
        open++;
        leaving += c->step >= CONN_SHUTTING_DOWN;
        CHECK(conn_will_go_on(c) || exchange_will_go_on(http1_exchange(c)) ||
              (c->carrier && c->carrier != c));
        CHECK(list_empty(&c->overdue) || c->step == CONN_CONNECTING || c->step == CONN_TUNNELING ||
              c->step == CONN_HANDSHAKING);
        CHECK(list_empty(&c->idle) == list_empty(&c->idle_lru));
        if (!list_empty(&c->idle)) {
            idle++;
            CHECK(c->step == CONN_READY && list_empty(&c->exchanges));
        }
    }
    CHECK(open == e->conns_open && leaving == e->conns_leaving);
    uint32_t in_line = 0;
    for (const struct list *node = e->idle_lru.next; node != &e->idle_lru; node = node->next)
        in_line++;
    CHECK(idle == in_line);
}

static void check_requests(const struct ringsend *e)
{
    uint32_t used = 0, waiting = 0;
    for (uint32_t i = 0; i < e->requests_mark; i++) {
        const struct request *r = &e->requests[i];
        if (!r->user)
            continue;
        used++;
        waiting += !list_empty(&r->waiting);
        enum attempt_step a = r->attempt.step;
        bool tries = r->step == REQUEST_TRYING, in_line = !list_empty(&r->waiting);
        CHECK((tries && (a == ATTEMPT_QUEUED || a == ATTEMPT_REDIALING)) == in_line);
        CHECK(!r->exchange || (tries && a == ATTEMPT_BEGUN));
        CHECK(!r->exchange || r->exchange->request == r);
        CHECK(!decode_is_due(r) || (tries && a == ATTEMPT_OVER));
        /* It is judged before anything else happens. */
        CHECK(a != ATTEMPT_OVER || decode_is_due(r) || !list_empty(&r->task.ready));
        CHECK(e->undecoded.next != &r->undecoded || timer_is_set(&r->task.timer) ||
              !list_empty(&r->task.ready) || !room_for_decoding(e));
        CHECK(r->step != REQUEST_BACKOFF || timer_is_set(&r->task.timer) ||
              !list_empty(&r->task.ready));
    }
    CHECK(used == e->requests_used && waiting == e->waiting);
    CHECK(e->finished_count + e->reaped_count <= used);
}

/* Who waits for room will have it: somebody makes it, or the host is to. */
static void check_room(const struct ringsend *e)
{
    if (list_empty(&e->crowd))
        return;
    const struct conn *first = LIST_OWNER(e->crowd.next, struct exchange, crowd)->conn;
    CHECK(e->favoured || e->finished_count + e->reaped_count > 0 ||
          !list_empty(&first->task.ready) || first->step >= CONN_SHUTTING_DOWN);
}

/* Its first origin will run: by its deadline, or when the line for the pace has come to it. */
static bool line_moves(const struct ringsend *e, enum gate gate)
{
    const struct list *line = &e->lines[gate];
    if (list_empty(line))
        return true;
    const struct origin *o = LIST_OWNER(line->next, struct origin, in_line[gate]);
    return timer_is_set(&o->task.timer) || !list_empty(&o->task.ready) ||
           (gate == GATE_BUDGET && !list_empty(&o->in_line[GATE_PACE]));
}

static void check_origins(const struct ringsend *e)
{
    uint32_t waiting = 0, held = 0;
    for (uint32_t i = 0; i < e->origins_mark; i++) {
        const struct origin *o = &e->origins[i];
        waiting += o->waiting_count;
        held += o->held;
        bool unused = o->requests == 0 && (o->pool->conns == 0 || o->pool->origins_count > 1);
        CHECK(unused == !list_empty(&o->unused));
        CHECK((o->waiting_count > 0) == !list_empty(&o->in_waiting));
        CHECK(o->wish == WISH_NONE || o->waiting_count > 0);
    }
    CHECK(waiting == e->waiting && held == e->held);
    CHECK(line_moves(e, GATE_BUDGET) && line_moves(e, GATE_PACE));
}

/* Its next run, or that of the origin whose turn it is, takes what there is. */
static bool is_awake(const struct pool *p)
{
    struct list *next = p->waiting.next;
    return !list_empty(&p->task.ready) ||
           (next != &p->waiting &&
            !list_empty(&LIST_OWNER(next, struct origin, in_waiting)->task.ready));
}

static void check_pools(const struct ringsend *e)
{
    uint32_t conns = 0, blocked = 0, mute = 0, proven = 0;
    for (uint32_t i = 0; i < e->pools_mark; i++) {
        const struct pool *p = &e->pools[i];
        if (!p->engine)
            continue;
        uint32_t origins = 0, requests = 0, waiting = 0, wishes[WISHES] = {0};
        for (struct list *node = p->origins.next; node != &p->origins; node = node->next) {
            const struct origin *o = LIST_OWNER(node, struct origin, in_pool);
            CHECK(o->pool == p);
            origins++;
            requests += o->requests;
            waiting += o->waiting_count > 0;
            wishes[o->wish]++;
        }
        for (struct list *node = p->waiting.next; node != &p->waiting; node = node->next)
            waiting--;
        CHECK(origins == p->origins_count && origins > 0 && waiting == 0);
        CHECK(requests == p->requests);
        CHECK(p->wishes[WISH_PLACE] == wishes[WISH_PLACE]);
        CHECK(p->wishes[WISH_OWN] == wishes[WISH_OWN]);
        conns += p->conns;
        blocked += !list_empty(&p->blocked);
        mute += p->standing == STANDING_MUTE ? p->silent : 0;
        CHECK(p->silent <= p->conns);
        proven += p->standing == STANDING_PROVEN;
        CHECK(p->conns <= e->options.connections_per_origin);
        CHECK(!p->seat.places || p->seat.held == p->conns);
        CHECK((p->dialing != NULL) == (p->step == POOL_RACING));
        CHECK(list_empty(&p->news));
    }
    CHECK(conns == e->conns_open);
    CHECK(blocked == e->blocked_count && mute == e->silent_mute);
    CHECK(proven == e->pools_proven);
    const struct pool *first = place_first(e);
    CHECK(e->conns_open >= e->conns_limit || e->seat.places || !first || is_awake(first));
    CHECK(!e->seat.places || e->seat.held == e->conns_open);
}

/* What waits for a thread will have its turn: with an answer, or by the deadline. */
static void check_lookups(const struct ringsend *e)
{
    const struct lookups *l = &e->lookups;
    uint32_t running = 0;
    for (struct list *node = l->running.next; node != &l->running; node = node->next) {
        const struct host *h = LIST_OWNER(node, struct host, in_lookups);
        CHECK(h->looking_up && h->lookup_began_ns != 0);
        running++;
    }
    CHECK(running == l->running_count && running <= l->max);
    bool waits = !list_empty(&l->new_names) || !list_empty(&l->hung_names);
    CHECK(!waits || running > 0 || !list_empty(&l->task.ready) || timer_is_set(&l->task.timer));
}

void engine_check_invariants(const struct ringsend *e)
{
    check_conns(e);
    check_exchanges(e);
    check_room(e);
    check_requests(e);
    check_origins(e);
    check_pools(e);
    check_lookups(e);
}
