/* The race of a pool that has several addresses and does not know which of them works.
 *
 * Happy Eyeballs (RFC 8305) is run per pool, not per connection: one request's connect finds out
 * which address works, the others wait for that and then use the winner. When the winner stops
 * working the pool races again. An address is tried when the one before it has failed or had
 * RACE_DELAY_NS; the first connect that succeeds wins, has the request, and ends the others.
 *
 * A race in which no connect is under way and whose next address finds no place pauses: its
 * request is back in the queue, where no clock runs, and goes on from that address later. How far
 * it has come is the request's: others may have their race between.
 *
 * To connect is not to be of use: an address whose handshake has failed, in a way in which others'
 * may not (pool.c), is skipped from then on, and its request goes on at another.
 *
 * Invariants. In POOL_RACING alone there is somebody it dials for, whose attempt has begun and
 * has no connection yet. `racers` counts the connections with `racing` set: all being made. */
#include "base/address.h"
#include "base/check.h"
#include "base/errors.h"
#include "base/limits.h"
#include "base/time.h"
#include "engine/attempt.h"
#include "engine/conn.h"
#include "engine/engine.h"
#include "engine/host.h"
#include "engine/places.h"
#include "engine/pool.h"
#include "engine/queue.h"
#include "engine/request.h"
#include "engine/run_places.h"
#include "engine/steps.h"
#include "engine/task.h"
#include "ringsend.h"

static bool is_shunned(const struct pool *p, uint32_t i)
{
    return p->shunned[i / 64] >> (i % 64) & 1;
}

/* race_next comes to an address that is to be tried, or behind the last. */
static void skip_shunned(const struct pool *p, struct attempt *a)
{
    uint32_t count = p->host->addresses_count;
    while (a->race_next < count && is_shunned(p, (a->race_first + a->race_next) % count))
        a->race_next++;
}

bool pool_shun(struct pool *p, const struct address *address)
{
    const struct host *h = p->host;
    bool others = false;
    for (uint32_t i = 0; i < h->addresses_count; i++) {
        if (address_equal(address, &h->addresses[i]))
            p->shunned[i / 64] |= 1ull << (i % 64);
        others |= !is_shunned(p, i);
    }
    if (!others)
        pool_shun_none(p);
    return others;
}

static void open_racer(struct pool *p)
{
    const struct host *h = p->host;
    struct attempt *a = &p->dialing->attempt;
    CHECK(a->step == ATTEMPT_BEGUN && a->race_next < h->addresses_count);
    uint32_t i = (a->race_first + a->race_next++) % h->addresses_count;
    skip_shunned(p, a);
    struct address address = h->addresses[i];
    address_set_port(&address, p->port);
    place_take(p);
    struct conn *c = conn_open(p, &address);
    c->racing = true;
    p->racers++;
    p->race_next_at_ns = p->engine->now_ns + RACE_DELAY_NS;
}

void pool_race_begin(struct pool *p, struct request *r)
{
    struct attempt *a = &r->attempt;
    CHECK(p->step == POOL_RACE && p->racers == 0 && !p->dialing);
    p->dialing = r;
    if (a->race_of != p->races_anew || a->race_next >= p->host->addresses_count)
        pool_race_anew(p, a); /* else it paused */
    skip_shunned(p, a);
    if (a->race_next >= p->host->addresses_count) {
        pool_race_anew(p, a);
        skip_shunned(p, a);
    }
    p->race_is_short = false;
    p->race_error = RINGSEND_E_CONNECT_FAILED;
    p->race_detail = NULL;
    open_racer(p);
    pool_goto(p, POOL_RACING);
    task_wake(p->engine, &p->task); /* sets its deadline */
}

/* All racers but `winner` go. */
static void end_race(struct pool *p, const struct conn *winner)
{
    struct ringsend *e = p->engine;
    CHECK(p->step == POOL_RACING && p->dialing && (!winner || winner->racing));
    for (uint32_t i = 0; i < e->conns_mark && p->racers > 0; i++) {
        struct conn *c = &e->conns[i];
        if (c->pool != p || !c->racing)
            continue;
        c->racing = false;
        p->racers--;
        if (c != winner)
            conn_abandon(c, RINGSEND_OK, NULL);
    }
    CHECK(p->racers == 0);
    p->dialing = NULL;
    pool_wake(p);
}

void pool_race_won(struct conn *c)
{
    struct pool *p = c->pool;
    struct request *r = p->dialing;
    CHECK(r && p->step == POOL_RACING && p->racers > 0 && list_empty(&c->exchanges));
    p->winner = c->address;
    p->has_winner = true;
    end_race(p, c);
    pool_goto(p, POOL_OPEN);
    /* Its share of the attempt so far. */
    r->attempt.times.connect_ns =
        r->attempt.connect_spent_ns + p->engine->now_ns - c->connect_began_ns;
    conn_begin(c, r);
}

void pool_race_lost(struct conn *c)
{
    struct pool *p = c->pool;
    CHECK(c->racing && p->racers > 0 && c->error != RINGSEND_OK);
    c->racing = false;
    p->racers--;
    p->race_next_at_ns = 0; /* the next one at once, RFC 8305 section 5 */
    p->race_error = c->error;
    p->race_detail = c->detail;
    pool_wake(p);
}

void pool_abandon_race(struct pool *p, enum ringsend_error error, const char *detail)
{
    struct request *r = p->dialing;
    CHECK(r && p->step == POOL_RACING && error != RINGSEND_OK);
    end_race(p, NULL);
    pool_goto(p, POOL_LOOKUP);
    attempt_over(&r->attempt, error, detail);
}

/* The next turn is for all addresses again, from the first on that this one has not come to. */
void pool_take_back_race(struct pool *p)
{
    CHECK(p->step == POOL_RACING && p->dialing);
    struct attempt *a = &p->dialing->attempt;
    end_race(p, NULL);
    a->race_first += a->race_next;
    a->race_next = 0;
    pool_goto(p, POOL_RACE);
}

/* No place for the next address, or nothing left for any: the request waits in the queue again,
 * where no clock runs. */
static enum task_next pause_race(struct pool *p)
{
    struct request *r = p->dialing;
    CHECK(r && p->racers == 0);
    p->dialing = NULL;
    if (p->race_is_short)
        r->attempt.race_first = r->attempt.race_next = 0;
    pool_goto(p, POOL_RACE);
    r->attempt.redialed = true;
    queue_redial(r, p->race_error, p->race_detail);
    return TASK_AGAIN;
}

/* All have failed. */
static enum task_next give_up(struct pool *p)
{
    CHECK(p->racers == 0 && p->dialing->attempt.race_next >= p->host->addresses_count);
    host_expire(p->host);
    pool_shun_none(p);
    pool_abandon_race(p, p->race_error, p->race_detail);
    return TASK_AGAIN;
}

/* Another address in a race that has begun goes ahead of others: what holds its place may be dead.
 */
enum task_next pool_race_run(struct pool *p)
{
    struct ringsend *e = p->engine;
    uint64_t next_ns = attempt_deadline_ns(&p->dialing->attempt);
    CHECK(p->dialing->attempt.step == ATTEMPT_BEGUN && !p->dialing->exchange);
    if (engine_is_over(e, next_ns)) {
        pool_abandon_race(p, RINGSEND_E_TIMEOUT_ATTEMPT, "while connecting");
        return TASK_AGAIN;
    }
    if (p->dialing->attempt.race_next < p->host->addresses_count) {
        bool is_due = p->racers == 0 || engine_is_over(e, p->race_next_at_ns);
        if (is_due && place_is_free(p) && place_claim(p, true))
            open_racer(p);
        else if (p->racers == 0)
            return pause_race(p);
        else if (is_due) /* looks again: it stands in no line, and nobody wakes it */
            p->race_next_at_ns = e->now_ns + RACE_DELAY_NS;
        if (p->racers > 0 && !engine_is_over(e, p->race_next_at_ns))
            next_ns = p->race_next_at_ns < next_ns ? p->race_next_at_ns : next_ns;
    } else if (p->racers == 0) {
        return p->race_is_short ? pause_race(p) : give_up(p);
    }
    task_deadline(e, &p->task, next_ns);
    return TASK_WAIT;
}
