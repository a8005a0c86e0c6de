/* What everybody who has to do with an exchange may know of it and do to it: its slot and its life
 * in that, its two halves, what wakes it. */
#include "base/check.h"
#include "base/list.h"
#include "base/machine.h"
#include "base/timers.h"
#include "engine/attempt.h"
#include "engine/conn.h"
#include "engine/engine.h"
#include "engine/exchange.h"
#include "engine/request.h"
#include "engine/steps.h"
#include "engine/task.h"

/* ---- its halves ---- */

void exchange_send_goto(struct exchange *x, enum send_half half)
{
    static const unsigned edges[] = {SEND_HALVES(STEP_EDGES)};
    CHECK(x->request && edges[x->send] >> half & 1);
    step_note(&machine_send, x->engine->now_ns, x->slot, x->generation, x->send, half);
    x->send = half;
}

void exchange_receive_goto(struct exchange *x, enum receive_half half)
{
    static const unsigned edges[] = {RECEIVE_HALVES(STEP_EDGES)};
    CHECK(x->request && edges[x->receive] >> half & 1);
    step_note(&machine_receive, x->engine->now_ns, x->slot, x->generation, x->receive, half);
    x->receive = half;
}

/* ---- its slot ---- */

/* One that was never used. */
static struct exchange *first_use(struct ringsend *e)
{
    CHECK(e->exchanges_mark < e->exchanges_max);
    struct exchange *x = &e->exchanges[e->exchanges_mark];
    x->slot = e->exchanges_mark++;
    x->engine = e;
    task_init(&x->task, TASK_EXCHANGE);
    list_init(&x->crowd);
    return x;
}

struct exchange *exchange_new(struct conn *c, struct request *r)
{
    struct ringsend *e = c->engine;
    CHECK(conn_room(c) > 0 && r->attempt.step == ATTEMPT_BEGUN && !r->exchange);
    struct list *node = list_pop_front(&e->exchanges_free);
    struct exchange *x = node ? LIST_OWNER(node, struct exchange, node) : first_use(e);
    CHECK(!x->request && x->send == SEND_NONE && !x->head.data);
    x->generation++;
    x->conn = c;
    x->request = r;
    x->receive = RECEIVE_FIRST_BYTE;
    x->stream = NULL;
    x->is_ending = x->is_whole = false;
    list_push_back(&c->exchanges, &x->node);
    r->exchange = x;
    return x;
}

void exchange_put(struct exchange *x)
{
    CHECK(x->request->exchange == x && x->send == SEND_NONE && list_empty(&x->crowd));
    timer_clear(&x->task.timer);
    list_remove(&x->task.ready);
    list_remove(&x->node);
    list_push_front(&x->engine->exchanges_free, &x->node);
    x->request->exchange = NULL;
    x->request = NULL;
}

/* ---- what it waits for ---- */

void exchange_wake(struct exchange *x)
{
    CHECK(x->request);
    task_wake(x->engine, &x->conn->task);
}

bool exchange_is_seen(struct exchange *x)
{
    struct conn *carrier = x->conn->carrier;
    CHECK(x->request);
    if (!list_empty(&x->conn->task.ready))
        return false;
    return carrier ? conn_is_seen(carrier) && list_empty(&carrier->task.ready)
                   : conn_is_seen(x->conn);
}

bool exchange_owes(const struct exchange *x)
{
    CHECK(x->receive >= RECEIVE_DRAINING);
    return x->send != SEND_SENT && x->response.status < 300;
}

void exchange_ends(struct exchange *x, enum ringsend_error error, const char *detail)
{
    CHECK(x->conn->step == CONN_READY);
    CHECK(x->request && x->conn->carrier);
    if (x->is_ending)
        return;
    x->is_ending = true;
    x->end_error = error;
    attempt_explain(&x->request->attempt, detail);
}
