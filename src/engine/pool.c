/* A pool: the connections to one host and port. It knows the address that they go to, or has it
 * found, opens what its origins ask for, and keeps what is idle for them. For whom there is a
 * place: places.c; which idle one is good for what: kept.c.
 *
 * step        waits for                                 deadline     next
 * LOOKUP      an origin with requests that wait         -            LOOKING_UP
 * LOOKING_UP  the host's addresses                      -            OPEN, RACE; LOOKUP: it failed
 * RACE        a request to race for                     -            RACING
 * RACING      the first connect that succeeds           pool_race.c  OPEN; LOOKUP when all failed;
 *                                                                    RACE when its place is gone
 * OPEN        -                                         -            LOOKUP when the winner is gone
 *
 * An origin asks for connections in its own run, in RACE and OPEN, and has one at once or none: no
 * other task stands between an idle connection and the request that it is for. Those with requests
 * that wait stand in `waiting`. The first of them is woken when there is something to be had, and
 * wakes the next one as long as it has left some; who has begun a request goes to the end.
 *
 * What becomes of a connection it hears as news: the connection fills in what it is and wakes
 * the pool to run next, before it takes a step further itself. So a request whose connect has
 * failed is taken off it before that would tell it so, the winner of a race has its request before
 * it could be taken for idle, and slot and place of one that is closed are given back here.
 *
 * Short. A connect that fails because this machine is out of something (local ports, descriptors,
 * memory for sockets) is no try: the request goes back to the front of the queue, where no clock
 * but its record's runs, and the pool asks again, one connect at a time, at growing distances
 * until one succeeds. */
#include "engine/pool.h"

#include "base/address.h"
#include "base/check.h"
#include "base/errors.h"
#include "base/list.h"
#include "base/time.h"
#include "base/timers.h"
#include "engine/conn.h"
#include "engine/engine.h"
#include "engine/exchange.h"
#include "engine/host.h"
#include "engine/http1.h"
#include "engine/http2.h"
#include "engine/make_way.h"
#include "engine/origin.h"
#include "engine/places.h"
#include "engine/queue.h"
#include "engine/request.h"
#include "engine/steps.h"
#include "engine/task.h"
#include "ringsend.h"
#include "tls/tls.h"

/* How long the first TLS handshake goes ahead alone, for the others to resume its session. */
#define RESUME_WAIT_NS NS_PER_S
/* A port that is free again is found late by up to as long; a kernel that has none searches through
 * all. */
#define SHORT_WAIT_MIN_NS (10 * NS_PER_MS)
#define SHORT_WAIT_MAX_NS (500 * NS_PER_MS)
#define SHORT_MEMORY_NS NS_PER_S

/* ---- whose turn it is ---- */

static bool has_some_left(const struct pool *p)
{
    bool may_open = p->step == POOL_OPEN || p->step == POOL_RACE;
    return !list_empty(&p->idle) || (may_open && place_is_there(p));
}

void pool_pass_on(struct origin *o, bool has_begun)
{
    struct pool *p = o->pool;
    CHECK(list_empty(&o->in_waiting) == (o->waiting_count == 0));
    if (list_empty(&p->waiting))
        return;
    bool is_out = list_empty(&o->in_waiting);
    struct list *next = is_out ? p->waiting.next : o->in_waiting.next;
    if (!is_out && has_begun) {
        next = next == &p->waiting ? p->waiting.next : next;
        list_remove(&o->in_waiting);
        list_push_back(&p->waiting, &o->in_waiting);
    }
    if (next != &p->waiting && has_some_left(p))
        task_wake(p->engine, &LIST_OWNER(next, struct origin, in_waiting)->task);
}

/* ---- what its origins ask for ---- */

void pool_look_up(struct pool *p)
{
    CHECK(p->step == POOL_LOOKUP && p->requests > 0);
    p->lookup_wanted = true;
    task_wake(p->engine, &p->task);
}

/* The one address to use, if it is clear already. */
static bool winner_is_known(struct pool *p)
{
    const struct host *h = p->host;
    CHECK(p->racers == 0);
    if (h->addresses_count == 1) {
        p->winner = h->addresses[0];
        p->has_winner = true;
    }
    bool known = false;
    for (uint32_t i = 0; i < h->addresses_count && p->has_winner; i++)
        known |= address_equal(&p->winner, &h->addresses[i]);
    p->has_winner = known;
    if (known)
        address_set_port(&p->winner, p->port);
    return known;
}

/* The proxy is to be told its address. */
static bool looks_peer_up(const struct pool *p)
{
    CHECK(list_empty(&p->in_peer) || (p->peer && p->relay));
    return !list_empty(&p->in_peer);
}

/* Addresses that are due for another lookup serve while it goes on: a slow resolver holds nothing
 * up. */
bool pool_has_address(struct pool *p)
{
    CHECK(p->step == POOL_RACE || p->step == POOL_OPEN);
    if (!host_is_fresh(p->engine, p->host))
        host_look_up(p->engine, p->host);
    if (looks_peer_up(p) && !host_is_fresh(p->engine, p->peer))
        host_look_up(p->engine, p->peer);
    if (p->host->addresses_count > 0 && (!looks_peer_up(p) || p->peer->addresses_count > 0) &&
        (p->step == POOL_RACE || winner_is_known(p)))
        return true;
    pool_goto(p, POOL_LOOKUP);
    return false;
}

/* A full handshake costs some milliseconds of CPU, a resumed one a tenth of one. */
uint64_t pool_session_at_ns(struct pool *p)
{
    struct ringsend *e = p->engine;
    CHECK(p->step == POOL_RACE || p->step == POOL_OPEN);
    if (!p->https || p->resumes_known || p->step == POOL_RACE ||
        tls_has_session(e->tls_local, p->name, p->name_port, tls_http1))
        return e->now_ns;
    if (p->conns == 0)
        p->resumes_until_ns = e->now_ns + RESUME_WAIT_NS;
    return p->conns > 0 ? p->resumes_until_ns : e->now_ns;
}

uint64_t pool_short_until_ns(const struct pool *p)
{
    return p->short_wait_ns > 0 ? p->short_until_ns : p->engine->now_ns;
}

/* Counts what is about to be opened: where it is short, one at a time. */
static void take_of_short(struct pool *p)
{
    CHECK(p->engine->now_ns >= pool_short_until_ns(p));
    if (p->short_wait_ns == 0)
        return;
    p->short_asks = true;
    p->short_until_ns = p->engine->now_ns + p->short_wait_ns;
}

void pool_open_for(struct pool *p, struct request *r)
{
    CHECK(r->origin->pool == p && r->attempt.step == ATTEMPT_BEGUN && !r->exchange);
    struct conn *carrier = http2_carrier(p);
    if (carrier) {
        p->engine->riders++;
        place_take(p);
        conn_ride(carrier, r);
        return;
    }
    take_of_short(p);
    if (p->step == POOL_RACE) {
        p->resumes_until_ns = p->engine->now_ns + RESUME_WAIT_NS;
        pool_race_begin(p, r);
    } else {
        CHECK(p->step == POOL_OPEN && p->has_winner);
        place_take(p);
        conn_begin(conn_open(p, &p->winner), r);
    }
}

/* ---- what becomes of its connections ---- */

/* It may have taken so long to fail that another address is in use by now. */
static bool is_old(const struct pool *p, const struct conn *c)
{
    return p->has_winner && !address_equal(&c->address, &p->winner);
}

static void leave_address(struct pool *p, const struct conn *c)
{
    if (is_old(p, c))
        return;
    p->has_winner = false;
    if (p->step == POOL_OPEN)
        pool_goto(p, POOL_LOOKUP);
}

/* The other address has its own clocks. The detail is static text, or null. */
static void move_on(struct pool *p, struct conn *c, struct exchange *x, const char *detail)
{
    struct request *r = x->request;
    CHECK(c->error != RINGSEND_OK && x->conn == c);
    exchange_put(x);
    r->attempt.connect_spent_ns = r->attempt.tunnel_spent_ns = 0;
    r->attempt.handshake_spent_ns = 0;
    r->attempt.race_first = r->attempt.race_next = 0;
    queue_redial(r, c->error, detail);
    task_wake(p->engine, &r->task); /* after a stop it waits no more */
}

/* So may one server of several fail that is old, set up wrongly or none of TLS. Certificates are
 * no such thing: who is not who he should be is not passed over in silence. */
static bool is_strange(enum ringsend_error error)
{
    return error == RINGSEND_E_TLS_VERSION || error == RINGSEND_E_TLS_REFUSED ||
           error == RINGSEND_E_TLS_RENEGOTIATION || error == RINGSEND_E_TLS_ALERT ||
           error == RINGSEND_E_TLS_PROTOCOL || error == RINGSEND_E_TLS_CLOSED;
}

/* Nothing of the request has left: the host's other addresses come first. As often as there are
 * addresses, at most: what is known of them may be forgotten meanwhile. */
static void hear_strange(struct pool *p, struct conn *c, struct exchange *x)
{
    bool others = pool_shun(p, &c->address);
    CHECK(p->https && p->host->addresses_count > 1);
    leave_address(p, c);
    if (!others)
        host_expire(p->host);
    else if (x && x->request->attempt.strangers++ < p->host->addresses_count)
        move_on(p, c, x, NULL);
}

/* It is known now whether sessions resume. Where one was offered, and the handshake failed, it has
 * been forgotten, and the request goes on with a full one: nothing of it has left, so that is no
 * try. Once: the next failure is about something else. */
static void hear_greeted(struct pool *p, struct conn *c)
{
    struct exchange *x = http1_exchange(c);
    CHECK(p->https && p->conns > 0);
    p->resumes_known = true;
    pool_wake(p);
    if (c->error == RINGSEND_OK)
        return;
    CHECK(c->step == CONN_SHUTTING_DOWN);
    p->sessions_refused += c->session_refused;
    if (c->session_refused && x && !x->request->attempt.anew) {
        struct request *r = x->request;
        exchange_put(x);
        r->attempt.anew = true;
        queue_take_back(r, 0, p->engine->now_ns - c->turn_began_ns);
    } else if (!c->session_refused && is_strange(c->error) && !p->relay &&
               p->host->addresses_count > 1) {
        hear_strange(p, c, x);
    }
}

static void hear_closed(struct pool *p, struct conn *c)
{
    CHECK(c->step == CONN_CLOSED && !c->racing && p->conns > 0);
    p->engine->riders -= c->is_rider;
    place_give_back(c);
    pool_wake(p);
    if (p->conns == 0 && p->requests == 0 && p->origins_count == 1)
        list_push_back(&p->engine->unused_origins,
                       &LIST_OWNER(p->origins.next, struct origin, in_pool)->unused);
}

static void hear_short(struct pool *p, struct conn *c)
{
    struct ringsend *e = p->engine;
    struct exchange *x = http1_exchange(c);
    CHECK(c->error != RINGSEND_OK && c->step == CONN_SHUTTING_DOWN);
    if (p->short_wait_ns == 0)
        p->short_wait_ns = SHORT_WAIT_MIN_NS;
    else if (p->short_asks && p->short_wait_ns < SHORT_WAIT_MAX_NS)
        p->short_wait_ns *= 2;
    p->short_asks = false; /* who was under way with it says the same */
    p->short_ns = e->now_ns;
    p->short_until_ns = e->now_ns + p->short_wait_ns;
    e->stats.connects_put_off++;
    pool_wake(p);
    if (c->racing) {
        p->race_is_short = true;
        pool_race_lost(c);
    } else if (x) {
        struct request *r = x->request;
        exchange_put(x);
        queue_redial(r, c->error, c->detail);
    }
}

/* One has succeeded: the next may follow, and several at once when it has gone well for a while. */
static void short_of_no_more(struct pool *p)
{
    struct ringsend *e = p->engine;
    CHECK(p->short_wait_ns > 0);
    bool is_over = e->now_ns - p->short_ns > SHORT_MEMORY_NS;
    p->short_wait_ns = is_over ? 0 : SHORT_WAIT_MIN_NS;
    p->short_until_ns = e->now_ns;
    pool_wake(p);
}

static void hear_connected(struct pool *p, struct conn *c)
{
    CHECK(c->step > CONN_CONNECTING && c->step <= CONN_READY);
    CHECK(p->conns > 0 && (!c->racing || p->dialing));
    if (p->short_wait_ns > 0)
        short_of_no_more(p);
    if (c->racing)
        pool_race_won(c);
}

/* A race makes way for its own next address. */
static void hear_overdue(struct pool *p, struct conn *c)
{
    CHECK(c->racing && p->step == POOL_RACING);
    if (pool_race_left_ns(p) > 0 && !place_is_free(p))
        make_way_take_back(c);
    else
        place_overdue(p->engine);
}

static void hear_failed(struct pool *p, struct conn *c)
{
    struct exchange *x = http1_exchange(c);
    CHECK(c->error != RINGSEND_OK && c->step == CONN_SHUTTING_DOWN);
    if (c->racing) {
        pool_race_lost(c);
        return;
    }
    if (!is_old(p, c) && p->host->addresses_count < 2) {
        host_expire(p->host);
        return;
    }
    leave_address(p, c);
    if (x && !x->request->attempt.redialed) {
        x->request->attempt.redialed = true;
        move_on(p, c, x, c->detail);
    }
}

/* Each right behind the step in which it came to be. */
static void hear(struct pool *p, struct conn *c)
{
    enum conn_news news = c->news;
    CHECK(c->pool == p && list_empty(&c->in_news));
    c->news = NEWS_NONE;
    switch (news) {
    case NEWS_CONNECTED:
        hear_connected(p, c);
        return;
    case NEWS_CONNECT_FAILED:
        hear_failed(p, c);
        return;
    case NEWS_OVERDUE:
        hear_overdue(p, c);
        return;
    case NEWS_RAN_SHORT:
        hear_short(p, c);
        return;
    case NEWS_GREETED:
        hear_greeted(p, c);
        return;
    case NEWS_CLOSED:
        hear_closed(p, c);
        conn_put(c);
        return;
    case NEWS_NONE:
        break;
    }
    UNREACHABLE("news of a connection");
}

/* ---- life ---- */

static enum task_next looking_up(struct pool *p)
{
    const struct host *h = p->host, *peer = looks_peer_up(p) ? p->peer : h;
    CHECK(p->racers == 0 && !p->dialing);
    if ((h->looking_up && h->addresses_count == 0) ||
        (peer->looking_up && peer->addresses_count == 0))
        return TASK_WAIT;
    p->lookups_over++;
    p->lookup_error = h->error != RINGSEND_OK ? h->error : peer->error;
    p->lookup_is_proxys = p->relay && h->error != RINGSEND_OK;
    pool_wake_all(p);
    if (p->lookup_error != RINGSEND_OK)
        return pool_goto(p, POOL_LOOKUP);
    return pool_goto(p, winner_is_known(p) ? POOL_OPEN : POOL_RACE);
}

static enum task_next advance(struct pool *p)
{
    struct ringsend *e = p->engine;
    switch (p->step) {
    case POOL_LOOKUP:
        if (!p->lookup_wanted)
            return TASK_WAIT;
        p->lookup_wanted = false;
        p->lookup_began_ns = e->now_ns;
        host_look_up(e, p->host);
        if (looks_peer_up(p))
            host_look_up(e, p->peer);
        pool_wake_all(p); /* a clock of theirs may begin */
        return pool_goto(p, POOL_LOOKING_UP);
    case POOL_LOOKING_UP:
        return looking_up(p);
    case POOL_RACING:
        return pool_race_run(p);
    case POOL_RACE:
    case POOL_OPEN:
        CHECK(p->racers == 0 && (p->step == POOL_RACE || p->has_winner));
        return TASK_WAIT;
    }
    UNREACHABLE("pool step");
}

void pool_run_ends(struct pool *p, bool waits_for_own)
{
    if (p->seat.places)
        make_way_in_own_line(p);
    place_run_ends(p, waits_for_own);
}

enum task_next pool_run(struct pool *p)
{
    CHECK((p->dialing != NULL) == (p->step == POOL_RACING));
    struct list *node;
    while ((node = list_pop_front(&p->news)))
        hear(p, LIST_OWNER(node, struct conn, in_news));
    task_deadline(p->engine, &p->task, TIMER_NEVER); /* a race sets what it waits for */
    enum task_next next = advance(p);
    if (!list_empty(&p->idle) || !list_empty(&p->blocked) || p->seat.places)
        pool_run_ends(p, false);
    return next;
}
