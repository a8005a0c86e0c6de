/* An origin: scheme, host and port. It owns the idle connections and the waiting requests, decides
 * who gets a connection and when one is opened, and at which address. For whom there is a place:
 * places.c.
 *
 * step        waits for                       deadline          next
 * LOOKUP      a waiting request               -                 LOOKING_UP
 * LOOKING_UP  the host's addresses            connect timeout,  OPEN, RACE; LOOKUP when it failed
 *                                             once it is asked
 * RACE        a waiting request, a place      -                 RACING
 * RACING      the first connect that          250 ms, attempt   OPEN; LOOKUP when all failed;
 *             succeeds                                          RACE when its place is gone
 * OPEN        a waiting request, a place      -                 LOOKUP when the winner is gone
 *
 * Happy Eyeballs (RFC 8305) is run per origin, not per connection: one request's connect finds out
 * which address works, the others wait for that and then use the winner. When the winner stops
 * working the origin races again.
 *
 * Short. A connect that fails because this machine is out of something (local ports, descriptors,
 * memory for sockets) is no try: the request goes back to the front of the queue, where no clock
 * but its record's runs, and the origin asks again, one connect at a time, at growing distances
 * until one succeeds. */
#include "engine/origin.h"

#include "base/address.h"
#include "base/check.h"
#include "base/errors.h"
#include "base/list.h"
#include "base/time.h"
#include "base/timers.h"
#include "engine/admission.h"
#include "engine/conn.h"
#include "engine/engine.h"
#include "engine/exchange.h"
#include "engine/host.h"
#include "engine/kept.h"
#include "engine/places.h"
#include "engine/queue.h"
#include "engine/request.h"
#include "engine/steps.h"
#include "engine/task.h"
#include "ringsend.h"
#include "tls/tls.h"

#include <string.h>

/* How long the first TLS handshake with an origin goes ahead alone, for the others to resume its
 * session. */
#define RESUME_WAIT_NS NS_PER_S
#define ATTEMPT_DELAY_NS (250 * NS_PER_MS) /* RFC 8305 section 5 */
/* A port that is free again is found late by up to as long; a kernel that has none searches through
 * all. */
#define SHORT_WAIT_MIN_NS (10 * NS_PER_MS)
#define SHORT_WAIT_MAX_NS (500 * NS_PER_MS)
#define SHORT_MEMORY_NS NS_PER_S

static enum task_next origin_goto(struct origin *o, enum origin_step step)
{
    static const unsigned edges[] = {ORIGIN_STEPS(STEP_EDGES)};
    CHECK(edges[o->step] >> step & 1);
    step_note(&machine_origin, o->engine->now_ns, (uint32_t)(o - o->engine->origins), 0, o->step,
              step);
    o->step = step;
    return TASK_AGAIN;
}

/* A waiting request's attempt ends before it had a connection. */
static void fail(struct request *r, enum ringsend_error error)
{
    CHECK(error != RINGSEND_OK && r->step == REQUEST_QUEUED);
    queue_remove(r);
    request_attempt_begun(r, NULL);
    request_attempt_failed(r, error, NULL);
}

/* ---- Connections ---- */

/* Who has waited longest wants a new connection, and neither is there a place for it nor one about
 * to be free: an idle one makes it, or those behind would pass it by for as long as they come. */
static bool must_make_place(struct origin *o, const struct request *next)
{
    struct request *first = gates_next(o, false);
    return first && first != next && !place_is_there(o) && place_leaving(o) == 0 &&
           gates_are_open(first);
}

/* Gives idle connections to waiting requests. */
static void use_idle(struct origin *o)
{
    struct ringsend *e = o->engine;
    struct request *r;
    while (!list_empty(&o->idle) && (r = gates_next(o, true))) {
        struct conn *c = kept_for(o, r);
        if (!c)
            break;
        CHECK(c->origin == o && c->step == CONN_READY && !c->exchange.request);
        bool is_stale =
            e->now_ns >= c->deadline_ns; /* its own turn, to tell so, is still to come */
        if (is_stale || !conn_is_usable(c) || must_make_place(o, r)) {
            conn_abandon(c, RINGSEND_OK, NULL);
            continue;
        }
        if (!gates_pass(r))
            break;
        kept_is_used(c, r);
        queue_remove(r);
        conn_begin(c, r);
    }
    /* It was kept for requests that a gate holds back now: others may have more use for its place.
     */
    if (!list_empty(&o->idle) && place_first(e) != o)
        place_wake_first(e);
}

void origin_handshake_over(struct origin *o)
{
    o->resumes_known = true;
    task_wake(o->engine, &o->task);
}

/* A full handshake costs some milliseconds of CPU, a resumed one a tenth of one. */
static bool waits_for_session(struct origin *o)
{
    struct ringsend *e = o->engine;
    if (!o->https || o->resumes_known || tls_has_session(e->tls_local, o->host->name, o->port))
        return false;
    if (o->conns == 0)
        o->resumes_until_ns = e->now_ns + RESUME_WAIT_NS;
    return o->conns > 0 && e->now_ns < o->resumes_until_ns;
}

void origin_conn_closed(struct conn *c)
{
    struct origin *o = c->origin;
    struct ringsend *e = o->engine;
    CHECK(c->step == CONN_CLOSED && !c->racing && o->conns > 0);
    place_give_back(c);
    task_wake(e, &o->task);
    if (o->conns == 0 && o->requests == 0)
        list_push_back(&e->unused_origins, &o->unused);
}

/* ---- The race ---- */

/* But for the port. */
static bool address_equal(const struct address *a, const struct address *b)
{
    if (a->any.sa_family != b->any.sa_family)
        return false;
    if (a->any.sa_family == AF_INET6)
        return memcmp(&a->v6.sin6_addr, &b->v6.sin6_addr, sizeof a->v6.sin6_addr) == 0;
    return a->v4.sin_addr.s_addr == b->v4.sin_addr.s_addr;
}

static void set_port(struct address *address, uint16_t port)
{
    if (address->any.sa_family == AF_INET6)
        address->v6.sin6_port = htons(port);
    else
        address->v4.sin_port = htons(port);
}

static void open_racer(struct origin *o)
{
    const struct host *h = o->host;
    CHECK(o->dialing && o->race_next < h->addresses_count);
    uint32_t i = (o->race_first + o->race_next++) % h->addresses_count;
    struct address address = h->addresses[i];
    set_port(&address, o->port);
    struct conn *c = conn_open(o, &address);
    c->racing = true;
    o->racers++;
    o->race_next_at_ns = o->engine->now_ns + ATTEMPT_DELAY_NS;
}

/* All racers but `winner` go. */
static void end_race(struct origin *o, const struct conn *winner)
{
    struct ringsend *e = o->engine;
    for (uint32_t i = 0; i < e->conns_mark && o->racers > 0; i++) {
        struct conn *c = &e->conns[i];
        if (c->origin != o || !c->racing)
            continue;
        c->racing = false;
        o->racers--;
        if (c != winner)
            conn_abandon(c, RINGSEND_OK, NULL);
    }
    CHECK(o->racers == 0);
    o->dialing = NULL;
    task_wake(e, &o->task);
}

/* Nothing may be opened now; the origin's deadline is set. */
static bool waits_for_more(struct origin *o)
{
    o->short_holds = o->short_wait_ns > 0 && o->engine->now_ns < o->short_until_ns;
    if (!o->short_holds)
        return false;
    task_deadline(o->engine, &o->task, o->short_until_ns);
    return true;
}

/* Counts what is about to be opened: where it is short, one at a time. */
static void take_of_short(struct origin *o)
{
    if (o->short_wait_ns == 0)
        return;
    o->short_asks = true;
    o->short_until_ns = o->engine->now_ns + o->short_wait_ns;
}

void origin_ran_short(struct conn *c, enum ringsend_error error, const char *detail)
{
    struct origin *o = c->origin;
    struct ringsend *e = o->engine;
    struct request *r = c->exchange.request;
    if (o->short_wait_ns == 0)
        o->short_wait_ns = SHORT_WAIT_MIN_NS;
    else if (o->short_asks && o->short_wait_ns < SHORT_WAIT_MAX_NS)
        o->short_wait_ns *= 2;
    o->short_asks = false; /* who was under way with it says the same */
    o->short_ns = e->now_ns;
    o->short_until_ns = e->now_ns + o->short_wait_ns;
    e->stats.connects_put_off++;
    task_wake(e, &o->task);
    if (c->racing) {
        c->racing = false;
        o->racers--;
        o->race_next_at_ns = 0;
        o->race_error = error;
        o->race_detail = detail;
        o->race_is_short = true;
    } else if (r) {
        bool redialed = r->redialed;
        c->exchange.request = NULL;
        request_redial(r, error, detail);
        r->redialed = redialed;
    }
}

/* One has succeeded: the next may follow, and several at once when it has gone well for a while. */
static void short_of_no_more(struct origin *o)
{
    struct ringsend *e = o->engine;
    bool is_over = e->now_ns - o->short_ns > SHORT_MEMORY_NS;
    o->short_wait_ns = is_over ? 0 : SHORT_WAIT_MIN_NS;
    o->short_until_ns = e->now_ns;
    task_wake(e, &o->task);
}

void origin_connected(struct conn *c)
{
    struct origin *o = c->origin;
    if (o->short_wait_ns > 0)
        short_of_no_more(o);
    if (!c->racing)
        return;
    struct request *r = o->dialing;
    CHECK(r && o->step == ORIGIN_RACING && o->racers > 0);
    o->winner = c->address;
    o->has_winner = true;
    end_race(o, c);
    origin_goto(o, ORIGIN_OPEN);
    request_attempt_begun(r, c);
    c->exchange.request = r;
}

void origin_connect_failed(struct conn *c, enum ringsend_error error, const char *detail)
{
    struct origin *o = c->origin;
    struct request *r = c->exchange.request;
    if (c->racing) {
        c->racing = false;
        o->racers--;
        o->race_next_at_ns = 0; /* the next one at once, RFC 8305 section 5 */
        o->race_error = error;
        o->race_detail = detail;
        task_wake(o->engine, &o->task);
        return;
    }
    /* It may have taken so long to fail that another address is in use by now. */
    bool is_old = o->has_winner && !address_equal(&c->address, &o->winner);
    if (!is_old && o->host->addresses_count < 2) {
        host_expire(o->host);
        return;
    }
    if (!is_old)
        o->has_winner = false;
    if (!is_old && o->step == ORIGIN_OPEN)
        origin_goto(o, ORIGIN_LOOKUP);
    if (r && !r->redialed) {
        c->exchange.request = NULL;
        /* The other address has its own clocks. */
        r->connect_spent_ns = r->handshake_spent_ns = 0;
        request_redial(r, error, detail);
    }
}

void origin_addresses_found(struct origin *o)
{
    o->race_first = o->race_next = 0;
    o->race_paused_for = 0;
}

void origin_abandon_race(struct origin *o, enum ringsend_error error, const char *detail)
{
    struct request *r = o->dialing;
    CHECK(r && o->step == ORIGIN_RACING);
    end_race(o, NULL);
    origin_goto(o, ORIGIN_LOOKUP);
    request_attempt_failed(r, error, detail);
}

/* The next turn is for all addresses again, from the first on that this one has not come to. */
void origin_take_back_race(struct origin *o)
{
    struct request *r = o->dialing;
    CHECK(r && o->step == ORIGIN_RACING);
    end_race(o, NULL);
    o->race_first += o->race_next;
    o->race_next = 0;
    o->race_paused_for = r->user->handle;
    origin_goto(o, ORIGIN_RACE);
}

uint64_t origin_race_left_ns(const struct origin *o)
{
    uint32_t count = o->host->addresses_count; /* a new lookup may have found none any more */
    return count > o->race_next ? (uint64_t)(count - o->race_next) * ATTEMPT_DELAY_NS : 0;
}

/* No place for the next address, or nothing left for any: the request waits in the queue again,
 * where no clock runs. */
static enum task_next pause_race(struct origin *o)
{
    struct request *r = o->dialing;
    CHECK(r && o->racers == 0);
    o->dialing = NULL;
    o->race_paused_for = o->race_is_short ? 0 : r->user->handle;
    request_redial(r, o->race_error, o->race_detail);
    return origin_goto(o, ORIGIN_RACE);
}

/* Another address in a race that has begun goes ahead of others: what holds its place may be dead.
 */
static enum task_next racing(struct origin *o)
{
    struct ringsend *e = o->engine;
    uint64_t next_ns = o->dialing->attempt_at_ns;
    CHECK(o->dialing->step == REQUEST_ATTEMPT && !o->dialing->conn);
    if (engine_is_over(e, next_ns)) {
        origin_abandon_race(o, RINGSEND_E_TIMEOUT_ATTEMPT, "while connecting");
        return TASK_AGAIN;
    }
    if (o->race_next < o->host->addresses_count) {
        bool is_due = o->racers == 0 || engine_is_over(e, o->race_next_at_ns);
        if (is_due && place_is_free(o) && place_claim(o, true))
            open_racer(o);
        else if (o->racers == 0)
            return pause_race(o);
        if (o->racers > 0 && !engine_is_over(e, o->race_next_at_ns) && o->race_next_at_ns < next_ns)
            next_ns = o->race_next_at_ns;
    } else if (o->racers == 0 && o->race_is_short) {
        return pause_race(o);
    } else if (o->racers == 0) {
        host_expire(o->host);
        origin_abandon_race(o, o->race_error, o->race_detail);
        return TASK_AGAIN;
    }
    task_deadline(e, &o->task, next_ns);
    return TASK_WAIT;
}

/* ---- Life ---- */

/* The one address to use, if it is clear already. */
static bool winner_is_known(struct origin *o)
{
    const struct host *h = o->host;
    if (h->addresses_count == 1) {
        o->winner = h->addresses[0];
        o->has_winner = true;
    }
    bool known = false;
    for (uint32_t i = 0; i < h->addresses_count && o->has_winner; i++)
        known |= address_equal(&o->winner, &h->addresses[i]);
    o->has_winner = known;
    if (known)
        set_port(&o->winner, o->port);
    return known;
}

/* Since when the lookup is what it waits for: its own coming, the origin's, or the turn of the
 * name. */
static uint64_t lookup_from_ns(const struct request *r)
{
    const struct origin *o = r->origin;
    uint64_t from_ns = r->queued_ns;
    if (from_ns < o->lookup_began_ns)
        from_ns = o->lookup_began_ns;
    return from_ns < o->host->lookup_began_ns ? o->host->lookup_began_ns : from_ns;
}

/* The lookup's time is not waiting time. */
static void charge_lookup(struct request *r)
{
    CHECK(r && r->step == REQUEST_QUEUED);
    r->dns_ns = r->engine->now_ns - lookup_from_ns(r);
    r->queued_ns += r->dns_ns;
}

static void charge_lookups(const struct list *waiting)
{
    for (struct list *node = waiting->next; node != waiting; node = node->next)
        charge_lookup(LIST_OWNER(node, struct request, waiting));
}

/* The connect timeout covers the lookup, for each request from when it came. */
static enum task_next await_lookup(struct origin *o)
{
    struct ringsend *e = o->engine;
    struct request *r;
    if (o->host->lookup_began_ns == 0)
        return TASK_WAIT; /* for the name's turn: no clock runs */
    while ((r = queue_first(o))) {
        uint64_t until_ns = timer_after(lookup_from_ns(r), e->options.connect_timeout_ns);
        if (!engine_is_over(e, until_ns)) {
            task_deadline(e, &o->task, until_ns);
            break;
        }
        charge_lookup(r);
        fail(r, RINGSEND_E_TIMEOUT_DNS);
    }
    return TASK_WAIT;
}

static enum task_next looking_up(struct origin *o)
{
    struct host *h = o->host;
    CHECK(o->racers == 0);
    if (h->looking_up && h->addresses_count == 0)
        return await_lookup(o);
    for (int fresh = 0; fresh < 2; fresh++) {
        charge_lookups(&o->waiting[fresh]);
        charge_lookups(&o->retries[fresh]);
    }
    if (h->error != RINGSEND_OK) {
        struct request *r;
        while ((r = queue_first(o)))
            fail(r, h->error);
        return origin_goto(o, ORIGIN_LOOKUP);
    }
    return origin_goto(o, winner_is_known(o) ? ORIGIN_OPEN : ORIGIN_RACE);
}

/* Addresses that are due for another lookup serve while it goes on: a slow resolver holds nothing
 * up. */
static bool has_addresses(struct origin *o)
{
    if (!host_is_fresh(o->engine, o->host))
        host_look_up(o->engine, o->host);
    return o->host->addresses_count > 0;
}

/* Its attempt begins, on a new connection: takes a place and of the gates. */
static bool begins(struct origin *o, struct request *r)
{
    CHECK(r->step == REQUEST_QUEUED);
    if (!place_claim(o, false)) { /* another engine was faster */
        if (gates_are_open(r))
            place_want(o, r);
        return false;
    }
    if (gates_pass(r))
        return true;
    place_unclaim(o);
    return false;
}

static enum task_next race(struct origin *o)
{
    struct request *r = gates_next(o, false);
    CHECK(o->racers == 0);
    if (!r)
        return TASK_WAIT;
    if (!place_is_there(o)) {
        if (gates_are_open(r))
            place_want(o, r);
        return TASK_WAIT;
    }
    if (!has_addresses(o))
        return origin_goto(o, ORIGIN_LOOKUP);
    if (waits_for_more(o) || !begins(o, r))
        return TASK_WAIT;
    take_of_short(o);
    o->race_is_short = false;
    queue_remove(r);
    request_attempt_begun(r, NULL);
    o->dialing = r;
    if (o->race_paused_for != r->user->handle)
        o->race_first = o->race_next = 0;
    o->race_paused_for = 0;
    o->resumes_until_ns = o->engine->now_ns + RESUME_WAIT_NS;
    o->race_error = RINGSEND_E_CONNECT_FAILED;
    o->race_detail = NULL;
    open_racer(o);
    return origin_goto(o, ORIGIN_RACING);
}

/* One at a time: by then all who came with it want a place, too, and stand in line or take it. */
static enum task_next open_more(struct origin *o)
{
    struct request *r = gates_next(o, false);
    CHECK(o->racers == 0);
    if (r) {
        if (kept_is_worth_waiting(o, r))
            return TASK_WAIT;
        if (!place_is_there(o)) {
            if (gates_are_open(r))
                place_want(o, r);
            return TASK_WAIT;
        }
        if (!has_addresses(o) || !winner_is_known(o))
            return origin_goto(o, ORIGIN_LOOKUP);
        if (waits_for_session(o)) {
            task_deadline(o->engine, &o->task, o->resumes_until_ns);
            return TASK_WAIT;
        }
        if (waits_for_more(o) || !begins(o, r))
            return TASK_WAIT;
        take_of_short(o);
        queue_remove(r);
        conn_begin(conn_open(o, &o->winner), r);
        task_wake(o->engine, &o->task);
    }
    return TASK_WAIT;
}

static enum task_next advance(struct origin *o)
{
    struct ringsend *e = o->engine;
    use_idle(o);
    bool wanted = queue_first(o) != NULL;
    switch (o->step) {
    case ORIGIN_LOOKUP:
        if (!wanted)
            return TASK_WAIT;
        o->lookup_began_ns = e->now_ns;
        host_look_up(e, o->host);
        return origin_goto(o, ORIGIN_LOOKING_UP);
    case ORIGIN_LOOKING_UP:
        return looking_up(o);
    case ORIGIN_RACE:
        return wanted ? race(o) : TASK_WAIT;
    case ORIGIN_RACING:
        return racing(o);
    case ORIGIN_OPEN:
        return wanted ? open_more(o) : TASK_WAIT;
    }
    UNREACHABLE("origin step");
}

enum task_next origin_run(struct origin *o)
{
    task_deadline(o->engine, &o->task, TIMER_NEVER); /* each run sets what it waits for */
    o->short_holds = false;
    o->settles_at_ns = TIMER_NEVER;
    gates_begin(o);
    CHECK((o->dialing != NULL) == (o->step == ORIGIN_RACING));
    enum task_next next = advance(o);
    place_run_ends(o);
    gates_end(o);
    if (o->settles_at_ns < o->task.timer.at_ns)
        task_deadline(o->engine, &o->task, o->settles_at_ns);
    return next;
}
