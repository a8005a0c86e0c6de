/* A connection: one socket slot of the ring from the connect to the completion of the close.
 *
 * step           waits for               deadline                    next
 * CONNECT        its turn                at once                     CONNECTING
 * CONNECTING     connect                 connect, attempt            HANDSHAKE; READY with http;
 *                                                                    TUNNEL through a proxy
 * TUNNEL         -                       -                           TUNNELING
 * TUNNELING      send, recv              the proxy's                 HANDSHAKE; READY with http
 * HANDSHAKE      -                       -                           HANDSHAKING
 * HANDSHAKING    send, recv, the worker  handshake, attempt          READY
 * READY          send, recv, a stream    idle; the exchange's own   (stays for the next exchange)
 * SHUTTING_DOWN  every operation's end   -                           CLOSE; CLOSED if never opened
 * CLOSE          -                       -                           CLOSING
 * CLOSING        close                   -                           CLOSED
 * Any error, a lost race, or a cancel leads to SHUTTING_DOWN.
 *
 * How many exchanges it can carry says conn_room, and what becomes of it behind them http1.c.
 *
 * Invariants. From conn_open to CLOSED it counts in engine.conns_open and in its pool. An exchange
 * that it carries ends as soon as its piece's send and its stream's file operations are over, and
 * it waits for that: only then has the kernel let go of the user's memory and descriptors.
 * Operations in flight always carry the slot's present generation, because the slot is given back
 * only when none is left. */
#include "engine/conn.h"

#include "base/address.h"
#include "base/check.h"
#include "base/errors.h"
#include "base/list.h"
#include "base/timers.h"
#include "engine/attempt.h"
#include "engine/conn_opening.h"
#include "engine/connect_error.h"
#include "engine/engine.h"
#include "engine/exchange.h"
#include "engine/http1.h"
#include "engine/http2.h"
#include "engine/kept.h"
#include "engine/pool.h"
#include "engine/places.h"
#include "engine/queue.h"
#include "engine/relay.h"
#include "engine/request.h"
#include "engine/steps.h"
#include "engine/stream.h"
#include "engine/task.h"
#include "engine/tcp_info.h"
#include "engine/turns.h"
#include "engine/way.h"
#include "engine/wire.h"
#include "engine/writer.h"
#include "http/response.h"
#include "ringsend.h"
#include "uring/op.h"
#include "uring/ring.h"

enum {
    /* A larger request may leave in parts, which must not wait for one another. */
    RING_FOR_ONE_BYTES_MAX = 8192,
};

/* Alone writes the step. */
static enum task_next conn_goto(struct conn *c, enum conn_step step)
{
    static const unsigned edges[] = {CONN_STEPS(STEP_EDGES)};
    CHECK(edges[c->step] >> step & 1);
    step_note(&machine_conn, c->engine->now_ns, c->slot, c->generation, c->step, step);
    c->step = step;
    return TASK_AGAIN;
}

struct conn *conn_open(struct pool *p, const struct address *address)
{
    struct conn *c = conn_new(p, address);
    CHECK(c->step == CONN_CONNECT && !c->carrier);
    c->wire.kind = conn_first_kind(p);
    if (p->speaks != SPEAKS_HTTP1)
        http2_unsettle(c);
    return c;
}

void conn_ride(struct conn *carrier, struct request *r)
{
    struct conn *c = conn_new(carrier->pool, &carrier->address);
    c->is_rider = true;
    CHECK(carrier->http2 && carrier->step == CONN_READY);
    http2_ride(c, carrier);
    conn_goto(c, CONN_READY);
    conn_begin(c, r);
}

/* Its pool hears of it next, before it goes on itself. */
static void tell(struct conn *c, enum conn_news news)
{
    CHECK(c->news == NEWS_NONE && list_empty(&c->in_news));
    c->news = news;
    list_push_back(&c->pool->news, &c->in_news);
    task_wake_first(c->engine, &c->pool->task);
}

/* Nothing of it is left. */
static enum task_next conn_end(struct conn *c)
{
    struct ringsend *e = c->engine;
    CHECK(c->step == CONN_CLOSED && list_empty(&c->exchanges) && c->rx_first < 0);
    CHECK(!op_in_flight(&c->connect) && writer_is_quiet(&c->writer) && !op_in_flight(&c->recv));
    CHECK(!op_in_flight(&c->cancel) && !op_in_flight(&c->close) && c->watch == 0);
    if (c->http2)
        http2_end(c);
    if (c->is_rider)
        list_remove(&c->task.ready); /* nothing that it was woken for is of any use now */
    wire_tunnel_close(&c->wire);
    wire_close(&c->wire);
    timer_remove(&e->timers, &c->task.timer);
    list_remove(&c->starved);
    if (!wire_has_opening(&c->wire) && !c->is_rider)
        e->connects_left++; /* one that takes its place is no burst */
    tell(c, NEWS_CLOSED);
    return TASK_DONE;
}

void conn_put(struct conn *c)
{
    CHECK(c->step == CONN_CLOSED && c->news == NEWS_NONE && list_empty(&c->task.ready));
    list_push_front(&c->engine->conns_free, &c->idle);
    engine_may_rest(c->engine);
}

void conn_launch(struct conn *c)
{
    CHECK(c->step == CONN_READY && op_in_flight(&c->writer.send));
    if (conn_is_blind(c)) {
        writer_hold(c); /* until the next turn */
    } else if (c->http2) {
        if (c->stream_ended) {
            writer_drop(c);
            task_wake(c->engine, &c->task);
        } else {
            writer_launch(c);
        }
    } else if (c->stream_ended || c->rx_first >= 0) {
        if (c->exchanges_begun > 1)
            kept_is_over(c);
        const char *detail = "the peer had closed the connection before";
        enum ringsend_error error =
            c->rx_first >= 0 ? http1_unasked(c, &detail) : RINGSEND_E_SEND_FAILED;
        writer_drop(c);
        conn_abandon(c, error, detail);
    } else {
        writer_launch(c);
    }
}

void conn_completed(struct conn *c, const struct ring_completion *completion)
{
    /* Slots are given back only when nothing is in flight. */
    CHECK(c->engine && ring_tag_matches(c->generation, completion->generation));
    switch (completion->kind) {
    case RING_CONNECT:
        op_complete(&c->connect, completion->result);
        break;
    case RING_SEND:
        op_complete(&c->writer.send, completion->result);
        break;
    case RING_RECV:
        conn_received(c, completion);
        break;
    case RING_CANCEL:
        op_complete(&c->cancel, completion->result);
        break;
    case RING_CLOSE:
        op_complete(&c->close, completion->result);
        break;
    case RING_INSTALL:
        op_complete(&c->install, completion->result);
        watch_installed(c, op_take(&c->install));
        break;
    case RING_READ:
    case RING_APPEND:
    case RING_SYNC:
    case RING_OPEN:
    case RING_STAT:
    case RING_ACCEPT:
    case RING_WAKE:
    case RING_KINDS:
        UNREACHABLE("operation of another owner");
    }
    task_wake(c->engine, &c->task);
}

/* The request hears of its attempt's end once the kernel does not read its memory any more, nor its
 * descriptors. */
static void report(struct conn *c)
{
    struct exchange *x = http1_exchange(c);
    CHECK(!x || !c->carrier);
    if (!x || x->piece.state == PIECE_SENDING || (x->request->stream && !stream_is_quiet(x)))
        return;
    if (x->send == SEND_SENDING)
        exchange_sent(x);
    /* What was cut short may have been through by then: the response had come, and now the rest has
     * left. */
    bool complete = x->send == SEND_SENT && x->receive == RECEIVE_DONE;
    exchange_end(x, complete ? RINGSEND_OK : c->error, complete ? NULL : c->detail);
}

/* First error sticks. RINGSEND_OK: a connection that has done its duty. */
static enum task_next conn_fail(struct conn *c, enum ringsend_error error, const char *detail)
{
    struct ringsend *e = c->engine;
    CHECK(error != RINGSEND_OK || list_empty(&c->exchanges) ||
          http1_exchange(c)->receive == RECEIVE_DONE);
    CHECK(!c->carrier || list_empty(&c->exchanges));
    http2_settle(c);
    http2_leaves(c);
    turn_waits_no_more(c);
    conn_goto(c, CONN_SHUTTING_DOWN);
    c->error = error;
    c->detail = detail;
    place_leaves(c->pool);
    list_remove(&c->idle);
    list_remove(&c->idle_lru);
    list_remove(&c->overdue);
    list_remove(&c->starved);
    if (!list_empty(&c->writer.held))
        writer_drop(c);
    task_deadline(e, &c->task, TIMER_NEVER);
    conn_rx_drop(c);
    return TASK_AGAIN;
}

void conn_abandon(struct conn *c, enum ringsend_error error, const char *detail)
{
    if (c->step >= CONN_SHUTTING_DOWN)
        return;
    conn_fail(c, error, detail);
    task_wake(c->engine, &c->task);
}

bool conn_is_usable(const struct conn *c)
{
    return c->step == CONN_READY && conn_room(c) > 0 && c->rx_first < 0 && !c->stream_ended &&
           (!c->http2 || http2_has_room(c));
}

void conn_begin(struct conn *c, struct request *r)
{
    list_remove(&c->idle);
    list_remove(&c->idle_lru);
    struct exchange *x = exchange_new(c, r);
    if (c->carrier)
        http2_promise(c->carrier);
    if (c->step == CONN_READY)
        exchange_begin(x);
    task_wake(c->engine, &c->task);
}

/* There are exchanges, or connections on which one may be about to begin. */
static bool others_go_on(const struct ringsend *e)
{
    return e->exchanges_open > 0 || !list_empty(&e->idle_lru);
}

/* Whether the connect must wait for another turn. */
static bool connect_waits(struct ringsend *e)
{
    if (others_go_on(e) && e->connects_left == 0)
        return true;
    e->connects_left -= e->connects_left > 0;
    return false;
}

static enum ring_use use_of(const struct conn *c)
{
    const struct exchange *x = http1_exchange(c);
    const struct request *r = x ? x->request : NULL;
    bool one = r && r->head.close && !wire_has_opening(&c->wire) && !stream_has_source(r) &&
               r->head.bytes + request_body(r).bytes <= RING_FOR_ONE_BYTES_MAX;
    return one ? RING_FOR_ONE : RING_FOR_MANY;
}

static void begin_connect(struct conn *c)
{
    struct ringsend *e = c->engine;
    socklen_t bytes;
    const struct sockaddr *to = way_to(e, &c->address, &bytes);
    CHECK(!c->opened && !op_in_flight(&c->connect));
    c->connect_began_ns = e->now_ns;
    turn_begin(c);
    c->opened = true;
    op_start(&c->connect);
    ring_connect(e->ring, conn_tag(c), to, bytes, use_of(c));
}

/* That it was the proxy which could not be reached is told, and the error's text in its detail. */
static enum task_next connect_failed(struct conn *c, enum ringsend_error error, const char *detail)
{
    if (c->pool->relay && error != RINGSEND_E_CONNECT_NO_PORT) {
        detail = detail ? detail : ringsend_error_text(error);
        error = RINGSEND_E_PROXY_REFUSED;
    }
    tell(c, NEWS_CONNECT_FAILED);
    return conn_fail(c, error, detail);
}

static uint64_t attempt_at(const struct exchange *x)
{
    return x ? attempt_deadline_ns(&x->request->attempt) : TIMER_NEVER;
}

static uint64_t earliest(uint64_t a_ns, uint64_t b_ns)
{
    return a_ns < b_ns ? a_ns : b_ns;
}

static enum conn_step step_of(enum wire_kind kind)
{
    switch (kind) {
    case WIRE_TUNNEL:
        return CONN_TUNNEL;
    case WIRE_TLS:
        return CONN_HANDSHAKE;
    case WIRE_PLAIN:
        return CONN_READY;
    }
    UNREACHABLE("kind of a wire");
}

static enum task_next connecting(struct conn *c)
{
    struct ringsend *e = c->engine;
    CHECK(c->opened && c->exchanges_begun == 0);
    if (op_in_flight(&c->connect)) {
        uint64_t attempt_at_ns = attempt_at(http1_exchange(c));
        if (engine_is_over(e, c->deadline_ns))
            return connect_failed(c, RINGSEND_E_TIMEOUT_CONNECT, NULL);
        if (engine_is_over(e, attempt_at_ns))
            return conn_fail(c, RINGSEND_E_TIMEOUT_ATTEMPT, "while connecting");
        if (engine_is_over(e, c->turn_at_ns)) {
            turn_is_over(c);
            if (c->racing)
                tell(c, NEWS_OVERDUE);
        }
        task_deadline(e, &c->task,
                      earliest(c->turn_at_ns, earliest(c->deadline_ns, attempt_at_ns)));
        return TASK_WAIT;
    }
    int32_t result = op_take(&c->connect);
    CHECK(!c->wire.tls && writer_is_quiet(&c->writer) && c->rx_first < 0);
    if (result < 0 && connect_is_short(c, result)) {
        tell(c, NEWS_RAN_SHORT);
        return conn_fail(c, connect_error(c, result), connect_detail(c, result));
    }
    if (result < 0)
        return connect_failed(c, connect_error(c, result), connect_detail(c, result));
    e->stats.connections_opened++;
    turn_succeeded(c);
    watch_begin(c);
    if (!wire_has_opening(&c->wire) && !http2_begin(c))
        return connect_failed(c, RINGSEND_E_NO_MEMORY, NULL);
    conn_goto(c, step_of(c->wire.kind));
    conn_arm_recv(c);
    if (c->racing || c->pool->short_wait_ns > 0) /* to its pool it is all the same else */
        tell(c, NEWS_CONNECTED);
    struct exchange *x = http1_exchange(c);
    if (x)
        x->request->attempt.times.connect_ns =
            x->request->attempt.connect_spent_ns + e->now_ns - c->connect_began_ns;
    if (x && c->step == CONN_READY)
        exchange_begin(x);
    return TASK_AGAIN;
}

/* Its deadline is, and nothing more that had come by then will show. */
static bool is_over(struct conn *c, uint64_t at_ns)
{
    return engine_is_over(c->engine, at_ns) && conn_is_seen(c);
}

/* ---- the way through a proxy ---- */

static enum task_next begin_tunnel(struct conn *c)
{
    struct tunnel_ask ask = relay_ask(c->pool);
    CHECK(!op_in_flight(&c->writer.send) && list_empty(&c->writer.pieces));
    turn_waits(c);
    if (!wire_tunnel_open(&c->wire, &ask))
        return conn_fail(c, RINGSEND_E_NO_MEMORY, NULL);
    return conn_goto(c, CONN_TUNNELING);
}

/* The engine is stopping, and so its request waits in the queue again, where it ends. */
static enum task_next way_given_up(struct conn *c)
{
    struct exchange *x = http1_exchange(c);
    struct request *r = x ? x->request : NULL;
    CHECK(c->waits_since_ns > 0 && c->exchanges_begun == 0);
    turn_waits_no_more(c);
    if (x)
        exchange_put(x);
    conn_fail(c, RINGSEND_OK, NULL);
    if (r)
        queue_take_back(r, 0, 0);
    return TASK_AGAIN;
}

static enum task_next tunneling(struct conn *c)
{
    struct ringsend *e = c->engine;
    struct exchange *x = http1_exchange(c);
    const char *detail = NULL;
    bool opened = c->tunnel_opened;
    if (c->writer.send.state == OP_COMPLETE)
        writer_sent(c);
    turn_stood(c);
    enum ringsend_error error = conn_go_on_tunnel(c, &opened, &detail);
    c->tunnel_opened = opened;
    bool waits = error == RINGSEND_OK && !(opened && wire_tunnel_is_quiet(&c->wire));
    if (waits && e->stopping)
        return way_given_up(c);
    if (waits && is_over(c, c->deadline_ns))
        error = RINGSEND_E_TIMEOUT_PROXY;
    if (waits && error == RINGSEND_OK) {
        if (is_over(c, c->turn_at_ns))
            turn_is_over(c);
        task_deadline(e, &c->task, earliest(c->turn_at_ns, c->deadline_ns));
        return TASK_WAIT;
    }
    if (error != RINGSEND_OK) {
        c->pool->peer_turn += error == RINGSEND_E_SOCKS_REFUSED;
        return conn_fail(c, error, detail);
    }
    turn_waits_no_more(c);
    turn_succeeded(c);
    wire_tunnel_leads_to(&c->wire, conn_last_kind(c->pool));
    if (!wire_has_opening(&c->wire) && !http2_begin(c))
        return conn_fail(c, RINGSEND_E_NO_MEMORY, NULL);
    conn_goto(c, step_of(c->wire.kind));
    if (x && c->step == CONN_READY)
        exchange_begin(x);
    return TASK_AGAIN;
}

/* ---- TLS ---- */

/* The server can be spoken to, but by the other library. Nothing of the request has left: it waits
 * in front for another connection, and its clocks go on. */
static enum task_next ask_again(struct conn *c)
{
    struct exchange *x = http1_exchange(c);
    struct request *r = x ? x->request : NULL;
    CHECK(c->step == CONN_HANDSHAKING && c->exchanges_begun == 0);
    if (x)
        exchange_put(x);
    conn_fail(c, RINGSEND_OK, NULL);
    if (r)
        queue_take_back(r, 0, c->engine->now_ns - c->turn_began_ns);
    return TASK_AGAIN;
}

static enum task_next handshaking(struct conn *c)
{
    struct ringsend *e = c->engine;
    struct exchange *x = http1_exchange(c);
    const char *detail = NULL;
    bool complete;
    if (c->writer.send.state == OP_COMPLETE)
        writer_sent(c);
    turn_stood(c);
    if (c->waits_since_ns > 0 && (c->rx_first >= 0 || c->stream_ended)) {
        turn_waits_no_more(c);
        turn_begin(c);
        c->handshake_began_ns = e->now_ns;
    }
    enum ringsend_error error = conn_go_on_opening(c, &complete, &detail);
    c->session_refused = error != RINGSEND_OK && wire_offered_session(&c->wire);
    bool away = wire_is_handed_off(&c->wire) || c->waits_since_ns > 0;
    uint64_t attempt_at_ns = away ? TIMER_NEVER : attempt_at(x);
    uint64_t at_ns = away ? TIMER_NEVER : c->deadline_ns;
    uint64_t turn_at_ns = away ? TIMER_NEVER : c->turn_at_ns;
    bool waits = error == RINGSEND_OK && !complete;
    CHECK(wire_has_opening(&c->wire) && c->exchanges_begun == 0);
    if (waits && e->stopping && c->waits_since_ns > 0)
        return way_given_up(c);
    if (waits && is_over(c, at_ns))
        error = RINGSEND_E_TIMEOUT_HANDSHAKE;
    if (waits && error == RINGSEND_OK && is_over(c, attempt_at_ns)) {
        error = RINGSEND_E_TIMEOUT_ATTEMPT;
        detail = "during the TLS handshake";
    }
    if (error == RINGSEND_OK && !complete) {
        if (is_over(c, turn_at_ns)) {
            turn_is_over(c);
            turn_at_ns = TIMER_NEVER;
        }
        task_deadline(e, &c->task, earliest(turn_at_ns, earliest(at_ns, attempt_at_ns)));
        return TASK_WAIT;
    }
    tell(c, NEWS_GREETED);
    if (error != RINGSEND_OK && wire_asks_again(&c->wire))
        return ask_again(c);
    if (error != RINGSEND_OK)
        return conn_fail(c, error, detail);
    CHECK(!op_in_flight(&c->writer.send) && !wire_is_handed_off(&c->wire));
    turn_succeeded(c);
    if (!http2_begin(c))
        return conn_fail(c, RINGSEND_E_NO_MEMORY, NULL);
    conn_goto(c, CONN_READY);
    if (x) {
        struct attempt *a = &x->request->attempt;
        a->times.tls_ns = a->handshake_spent_ns + e->now_ns - c->handshake_began_ns;
        exchange_begin(x);
    }
    return TASK_AGAIN;
}

/* Ready for another request: offered to the pool, kept, or given up. */
static enum task_next idle(struct conn *c)
{
    struct ringsend *e = c->engine;
    CHECK(list_empty(&c->exchanges) && writer_is_quiet(&c->writer));
    if (!conn_is_usable(c) && !list_empty(&c->idle) && !c->http2)
        kept_is_over(c);
    if (!conn_is_usable(c) || e->stopping)
        return conn_fail(c, RINGSEND_OK, NULL);
    if (list_empty(&c->idle)) {
        if (!place_is_kept(c))
            return conn_fail(c, RINGSEND_OK, NULL);
        c->answered_ns = e->now_ns;
        c->deadline_ns = timer_after(e->now_ns, c->idle_ns);
        list_push_front(&c->pool->idle, &c->idle);
        list_push_back(&e->idle_lru, &c->idle_lru);
        pool_wake(c->pool);
    }
    CHECK(!list_empty(&c->idle_lru) && !c->unsolicited && !c->stopped);
    if (e->now_ns >= c->deadline_ns)
        return conn_fail(c, RINGSEND_OK, NULL);
    task_deadline(e, &c->task, c->deadline_ns);
    return TASK_WAIT;
}

static enum task_next exchanging(struct conn *c, struct exchange *x)
{
    const char *detail = NULL;
    if (c->writer.send.state == OP_COMPLETE)
        writer_sent(c);
    enum ringsend_error error = exchange_run(x, &detail);
    CHECK(x->request->exchange == x && x->request->attempt.step == ATTEMPT_BEGUN);
    if (error != RINGSEND_OK && c->exchanges_begun > 1)
        kept_is_over(c);
    if (error != RINGSEND_OK)
        return conn_fail(c, error, detail);
    if (x->receive == RECEIVE_DONE && !exchange_owes(x)) {
        if (!http1_stays(x))
            return conn_fail(c, RINGSEND_OK, NULL);
        report(c);
        return TASK_AGAIN;
    }
    exchange_wait(x);
    return TASK_WAIT;
}

/* Its exchange goes on, or is over: then it has none. */
static void go_on_stream(struct exchange *x)
{
    const char *detail = NULL;
    struct request *r = x->request;
    CHECK(x->conn->carrier && r->exchange == x && x->send != SEND_NONE);
    if (x->send == SEND_START && !x->is_ending && !http2_may_begin(x)) {
        exchange_put_back(x);
        queue_take_back(r, 0, 0);
        return;
    }
    if (!x->is_ending) {
        enum ringsend_error error = exchange_run(x, &detail);
        if (error != RINGSEND_OK || (x->receive == RECEIVE_DONE && !exchange_owes(x)))
            exchange_ends(x, error, detail);
    }
    if (!x->is_ending) {
        exchange_wait(x);
        return;
    }
    stream_cancel(x);
    if (stream_is_quiet(x))
        exchange_end(x, x->end_error, NULL);
}

/* Of HTTP/2: see http2.c. */
static enum task_next streaming(struct conn *c)
{
    struct exchange *x = http1_exchange(c);
    CHECK(c->is_rider == (c->carrier != c) && c->is_rider == (c->http2 == NULL));
    if (c->http2) {
        if (c->writer.send.state == OP_COMPLETE)
            writer_sent(c);
        http2_receive(c);
    }
    if (x)
        go_on_stream(x);
    if (c->is_rider) {
        if (!list_empty(&c->exchanges))
            return TASK_WAIT;
        http2_alight(c);
        return conn_fail(c, RINGSEND_OK, NULL);
    }
    enum ringsend_error error = http2_send(c);
    if (list_empty(&c->exchanges))
        http2_adopt(c);
    if (http2_carries(c))
        return TASK_WAIT;
    if (error != RINGSEND_OK || http2_is_spent(c))
        return conn_fail(c, RINGSEND_OK, NULL);
    return writer_is_quiet(&c->writer) ? idle(c) : TASK_WAIT;
}

static bool is_quiet(const struct conn *c)
{
    return !op_in_flight(&c->connect) && !op_in_flight(&c->writer.send) &&
           !op_in_flight(&c->recv) && !op_in_flight(&c->cancel) && !op_in_flight(&c->install) &&
           !wire_is_handed_off(&c->wire);
}

/* Nobody waits for it. But only while the receive's end is still to come: it wakes the connection,
 * which then cancels a farewell that the peer does not take. */
static void say_farewell(struct conn *c)
{
    if (!list_empty(&c->exchanges) || c->stream_ended || !op_in_flight(&c->recv) ||
        !writer_is_quiet(&c->writer))
        return;
    CHECK(c->step == CONN_SHUTTING_DOWN);
    if (wire_farewell(&c->wire, c->error != RINGSEND_OK))
        writer_go_on(c);
}

enum task_next conn_run(struct conn *c)
{
    struct ringsend *e = c->engine;
    switch (c->step) {
    case CONN_CONNECT:
        CHECK(!c->opened && !op_in_flight(&c->connect));
        if (connect_waits(e)) {
            task_deadline(e, &c->task, e->now_ns); /* the next turn comes at once */
            return TASK_WAIT;
        }
        begin_connect(c);
        return conn_goto(c, CONN_CONNECTING);
    case CONN_CONNECTING:
        return connecting(c);
    case CONN_TUNNEL:
        return begin_tunnel(c);
    case CONN_TUNNELING:
        return tunneling(c);
    case CONN_HANDSHAKE:
        CHECK(wire_has_opening(&c->wire) && !op_in_flight(&c->writer.send));
        c->handshake_began_ns = e->now_ns;
        if (c->pool->relay && c->pool->relay->kind == RELAY_BLIND)
            turn_waits(c);
        else
            turn_begin(c);
        if (!conn_open_wire(c))
            return conn_fail(c, RINGSEND_E_NO_MEMORY, NULL);
        CHECK(c->wire.tls);
        return conn_goto(c, CONN_HANDSHAKING);
    case CONN_HANDSHAKING:
        return handshaking(c);
    case CONN_READY:
        if (c->carrier)
            return streaming(c);
        return list_empty(&c->exchanges) ? idle(c) : exchanging(c, http1_exchange(c));
    case CONN_SHUTTING_DOWN:
        CHECK(list_empty(&c->idle) && list_empty(&c->writer.held) && c->rx_first < 0);
        conn_cancel(c, &c->connect, RING_CONNECT);
        conn_cancel(c, &c->writer.send, RING_SEND);
        conn_cancel(c, &c->recv, RING_RECV);
        wire_withdraw(&c->wire);
        if (!list_empty(&c->exchanges))
            stream_cancel(http1_exchange(c));
        if (c->writer.send.state == OP_COMPLETE)
            writer_sent(c);
        if (!c->carrier)
            report(c);
        say_farewell(c);
        if (!list_empty(&c->exchanges) || !is_quiet(c))
            return TASK_WAIT;
        CHECK(list_empty(&c->exchanges) && list_empty(&c->writer.pieces));
        watch_end(c);
        return conn_goto(c, c->opened ? CONN_CLOSE : CONN_CLOSED);
    case CONN_CLOSE:
        CHECK(c->opened && is_quiet(c) && list_empty(&c->exchanges));
        op_start(&c->close);
        ring_close(e->ring, conn_tag(c));
        return conn_goto(c, CONN_CLOSING);
    case CONN_CLOSING:
        CHECK(c->opened && is_quiet(c) && c->watch == 0);
        return op_in_flight(&c->close) ? TASK_WAIT : conn_goto(c, CONN_CLOSED);
    case CONN_CLOSED:
        return conn_end(c);
    }
    UNREACHABLE("conn step");
}
