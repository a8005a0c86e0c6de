/* A simulated run by seed: options, origins, requests and faults are drawn, the engine is driven in
 * a drawn rhythm, and the invariants are checked at each result (sim_result.c), at each delivery
 * (sim_server.c) and at each operation (sim_ring.c, sim_socket.c).
 *
 * Swarm testing (Groce and others, 2012): each seed leaves most kinds of fault out and draws the
 * rate of the others, because a run in which everything fails gets nowhere interesting. */
#include "tests/sim/scenarios/sim_random.h"

#include "tests/sim/scenarios/sim_copy.h"
#include "tests/sim/world/sim_answer.h"

#include "tests/sim/world/sim_client.h"
#include "tests/sim/world/sim_share.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    ORIGINS_MAX = 4,
    REQUESTS_MAX = 60,
    WATCH_MAX = 4,
    VIRTUAL_DAY_S = 86400,
    /* Full handshakes cost 6 ms, so only so few seeds have them. */
    TLS_EVERY = 10,
    SHARED_EVERY = 5
};

struct origin_drawn {
    char host[48];
    uint16_t port;
    bool https;
    bool has_one_address;
};

struct run {
    bool tls; /* some of its origins */
    struct client client;
    struct origin_drawn origins[ORIGINS_MAX];
    uint32_t origins_count;
    struct ringsend_outcomes retry_on, no_retry_on;
    uint32_t requests_wanted;
    uint32_t requests_max; /* as the engine understands the options */
    uint32_t connections_max;
    uint32_t busy_max; /* sockets that can be at work at once; 0: hard to tell */
    uint32_t limit;    /* of connections, as it was set the last time */
    uint32_t cancels_per_mille, wakes_per_mille, limits_per_mille;
    uint32_t posts_per_mille, no_memory_per_mille, streams_per_mille;
    uint32_t large_bytes;              /* of large request bodies */
    uint32_t posts_max;                /* as the engine understands the options */
    struct ringsend_tls *certificates; /* given to the engine; null: it has its own */
    uint32_t stop_at, free_at;         /* turn; 0: never */
    bool stopped;
    struct sim_copy copy;
};

static char names[ORIGINS_MAX][24];
static struct host_ways streams_drawn; /* of the ask drawn last */

/* ---- Drawing ---- */

static void draw_rate(uint32_t *rate, uint32_t often_per_mille, uint32_t rate_max)
{
    *rate = sim_chance(often_per_mille) ? (uint32_t)sim_between(1, rate_max) : 0;
}

static void draw_faults(void)
{
    struct sim_faults *f = &sim.faults;

    f->latency_ns = sim_chance(500) ? sim_below(200 * SIM_US) : sim_below(20 * SIM_MS);
    f->without_min_wait = sim_chance(300);
    f->buffers = sim_chance(300) ? (uint32_t)sim_between(1, 8) : 0;
    draw_rate(&f->connect_refused, 200, 300);
    draw_rate(&f->connect_unreachable, 200, 200);
    draw_rate(&f->connect_reset, 200, 200);
    draw_rate(&f->connect_hangs, 200, 200);
    draw_rate(&f->connect_no_port, 100, 200);
    draw_rate(&f->socket_fails, 100, 200);
    draw_rate(&f->send_fails, 200, 200);
    draw_rate(&f->send_breaks, 200, 200);
    draw_rate(&f->send_slow, 300, 500);
    draw_rate(&f->send_late, 300, 500);
    draw_rate(&f->send_stuck, 150, 200);
    draw_rate(&f->recv_split, 500, 1000);
    draw_rate(&f->recv_tiny, 200, 900);
    draw_rate(&f->recv_stops, 300, 500);
    draw_rate(&f->recv_resets, 200, 100);
    draw_rate(&f->recv_ends, 200, 100);
    draw_rate(&f->reorders, 500, 500);
    draw_rate(&f->spurious_wake, 200, 200);
    draw_rate(&f->stalls, 200, 100);
    draw_rate(&f->pauses, 300, 50);
    f->pause_ns = sim_chance(500) ? 5ull * SIM_S : 100 * SIM_MS;
    draw_rate(&f->cancel_races, 600, 1000);
    draw_rate(&f->close_slow, 300, 700);
    draw_rate(&f->file_short, 500, 700);
    draw_rate(&f->file_slow, 500, 700);
    draw_rate(&f->file_fails, 100, 50);
    draw_rate(&f->lookup_fails, 200, 300);
    draw_rate(&f->lookup_slow, 200, 500);
    draw_rate(&f->limits, 200, 300);
    draw_rate(&f->trouble, 700, 600);
    draw_rate(&f->idle_closes, 300, 500);
    draw_rate(&f->greeting, 300, 200);
    draw_rate(&f->records_small, 300, 500);
    draw_rate(&f->farewell_less, 300, 500);
    draw_rate(&f->worker_absent, 100, 1000);
    f->worker_ns = sim_chance(800) ? sim_below(20 * SIM_MS) : sim_below(3ull * SIM_S);
}

static void draw_tls(struct sim_peer *peer)
{
    peer->certificate = sim_chance(950) ? CERTIFICATE_GOOD
                                        : (enum sim_certificate)sim_between(CERTIFICATE_ELSEWHERE,
                                                                            CERTIFICATE_STRANGER);
    peer->forgets = sim_chance(50);
    if (sim_chance(150)) {
        peer->greeting = GREETING_MOVED;
        peer->alert = sim_chance(500) ? 70 : 40;
    }
    peer->greeting_ns = sim_below(20 * SIM_MS);
}

static void draw_peer(const char *ip, const struct origin_drawn *o, uint32_t origin,
                      bool may_be_dead)
{
    struct sim_peer *peer = sim_peer_new(ip, o->port, origin);

    if (o->https)
        draw_tls(peer);
    peer->connect_ns = sim_below(20 * SIM_MS);
    peer->idle_ns = sim_chance(300) ? sim_between(SIM_MS, 2ull * SIM_S) : 0;
    peer->idle_resets = sim_chance(300);
    if (may_be_dead && sim_chance(400)) {
        peer->connect = sim_chance(500) ? CONNECT_HANGS : CONNECT_FAILS;
        peer->connect_error = sim_chance(500) ? ECONNREFUSED : ENETUNREACH;
        peer->no_source = sim_chance(200);
    }
}

static void draw_addresses(struct sim_name *name, const struct origin_drawn *o, uint32_t origin)
{
    uint32_t count = sim_chance(500) ? 1 : (uint32_t)sim_between(2, 5);

    for (uint32_t i = 0; i < count; i++) {
        char ip[40];
        snprintf(ip, sizeof ip, sim_chance(500) ? "10.0.%u.%u" : "fd00::%u:%u", origin, i + 1);
        sim_name_address(name, ip);
        draw_peer(ip, o, origin, count > 1);
    }
}

static void draw_origin(struct run *run, uint32_t origin)
{
    struct origin_drawn *o = &run->origins[origin];
    struct sim_name *name;
    char ip[40];

    o->https = run->tls && sim_chance(800);
    o->has_one_address = true;
    o->port = (uint16_t)(8000 + origin);
    switch (sim_below(6)) {
    case 0:
        snprintf(ip, sizeof ip, "10.0.%u.99", origin);
        snprintf(o->host, sizeof o->host, "%s", ip);
        draw_peer(ip, o, origin, false);
        return;
    case 1:
        snprintf(ip, sizeof ip, "fd00::%u:99", origin);
        snprintf(o->host, sizeof o->host, "[%s]", ip);
        draw_peer(ip, o, origin, false);
        return;
    default:
        snprintf(o->host, sizeof o->host, "Host-%u.test", origin);
        snprintf(names[origin], sizeof names[origin], "host-%u.test", origin);
    }
    name = sim_name_new(names[origin]);
    name->delay_ns = sim_chance(800) ? sim_below(5 * SIM_MS) : sim_below(2ull * SIM_S);
    if (sim_chance(150))
        name->kind = (enum sim_name_kind)sim_between(NAME_NOT_FOUND, NAME_HANGS);
    else
        draw_addresses(name, o, origin);
    o->has_one_address = name->count == 1;
}

static uint64_t draw_time(uint64_t from_ns, uint64_t to_ns)
{
    return sim_chance(400) ? 0 : sim_between(from_ns, to_ns);
}

/* A quarter of its bits are set. */
static uint64_t draw_sparse(void)
{
    uint64_t bits = sim_random();

    return bits & sim_random();
}

/* Any set, the empty one too. */
static const struct ringsend_outcomes *draw_outcomes(struct ringsend_outcomes *set)
{
    bool empty = sim_chance(100);

    for (size_t i = 0; i < 8; i++)
        set->statuses.bits[i] = empty ? 0 : draw_sparse();
    for (size_t i = 0; i < 2; i++)
        set->errors[i] = empty ? 0 : draw_sparse();
    return set;
}

/* What another try may help, and what is ok. */
static void draw_judgement(struct run *run, struct ringsend_options *o)
{
    if (sim_chance(500)) {
        o->retry_budget_percent =
            sim_chance(200) ? RINGSEND_UNLIMITED : (uint32_t)sim_between(1, 20);
        o->retry_budget_per_s = 1;
    }
    if (sim_chance(100))
        o->retry_on = draw_outcomes(&run->retry_on);
    if (sim_chance(200))
        o->no_retry_on = draw_outcomes(&run->no_retry_on);
    if (sim_chance(300)) {
        sim.declining = "qq"; /* in about every seventh body of a hundred letters */
        o->retry_if = "status > 100 && body contains \"qq\" || .never && header(\"x\")";
    }
    if (sim_chance(100))
        o->ok_if = "status < 300 && !(body contains \"zz\") || status == 404";
    if (sim_chance(100))
        for (size_t i = 0; i < 8; i++)
            o->ok_status.bits[i] = draw_sparse();
    o->no_pauses = sim_chance(100);
    o->no_free_try = sim.seed % 10 == 7;
    if (sim_chance(100))
        o->body_max_bytes = sim_between(1, 300);
    if (sim_answers_are_large())
        o->memory_target_bytes = sim_between(1, sim_chance(500) ? 2 : 1000000);
    o->decode = sim_chance(200);
    if (o->decode)
        draw_rate(&sim.faults.packed, 800, 1000);
}

static void draw_tls_options(struct run *run, struct ringsend_options *o)
{
    o->ca_file = sim_tls_ca_file();
    o->handshake_timeout_ns = draw_time(20 * SIM_MS, 3ull * SIM_S);
    if (sim_chance(300)) { /* so many make it half duplex */
        o->connections_per_origin = (uint32_t)sim_between(1, 8);
        o->connections_max = 1001;
    }
    if (!sim_chance(300))
        return;
    o->size = sizeof *o;
    o->tls_library = RINGSEND_TLS_BEARSSL;
    SIM_CHECK(ringsend_tls_new(&run->certificates, o) == 0, "certificates cannot be read");
    o->tls = run->certificates;
}

/* Where costs are none, nothing is held back by them. */
static void draw_costs(struct ringsend_options *o)
{
    static struct ringsend_cost costs[2];
    o->costs = costs;
    o->costs_count = sim_between(1, 2);
    for (size_t i = 0; i < o->costs_count; i++)
        costs[i] =
            (struct ringsend_cost){.count = sim_between(100, 5000),
                                   .per_ns = sim_chance(300) ? 0 : sim_between(SIM_MS, SIM_S),
                                   .burst = sim_chance(500) ? 0 : sim_between(1, 1000),
                                   .actual = sim_chance(500) ? NULL : "bytes / 8"};
}

static struct ringsend_options draw_options(struct run *run)
{
    struct ringsend_options o = {.seed = sim_random() | 1};

    o.connections_max = (uint32_t)sim_between(1, 8);
    if (sim_chance(400))
        o.connections_per_origin = (uint32_t)sim_between(1, o.connections_max);
    if (sim_chance(400))
        o.requests_max = (uint32_t)sim_between(1, REQUESTS_MAX);
    o.tries = (uint32_t)sim_between(1, 5);
    o.connect_timeout_ns = draw_time(10 * SIM_MS, 3ull * SIM_S);
    o.first_byte_timeout_ns = draw_time(50 * SIM_MS, 5ull * SIM_S);
    o.attempt_timeout_ns = draw_time(50 * SIM_MS, 10ull * SIM_S);
    o.deadline_ns = sim_chance(300) ? sim_between(1, 20ull * SIM_S) : 0;
    o.backoff_min_ns = draw_time(1, SIM_S);
    o.backoff_max_ns = draw_time(1, 5ull * SIM_S);
    if (o.backoff_max_ns > 0 && o.backoff_max_ns < o.backoff_min_ns)
        o.backoff_max_ns = o.backoff_min_ns;
    o.retry_after_max_ns = draw_time(1, 5ull * SIM_S);
    o.idle_timeout_ns = draw_time(SIM_MS, 4ull * SIM_S);
    o.store_headers = sim_chance(300);
    o.store_attempts = sim_chance(700);
    o.exact_times = sim_chance(300);
    o.timestamps = sim_chance(300);
    o.watch_max = sim_chance(300) ? (uint32_t)sim_between(1, WATCH_MAX) : 0;
    if (sim_chance(300)) {
        o.rate_count = (uint32_t)sim_between(1, 100);
        o.rate_per_ns = sim_chance(500) ? 0 : sim_between(SIM_MS, 20ull * SIM_S);
        o.rate_burst = sim_chance(500) ? 0 : (uint32_t)sim_between(1, 20);
        o.rate_ramp_ns = sim_chance(300) ? sim_between(1, 10ull * SIM_S) : 0;
    }
    if (sim_chance(200))
        draw_costs(&o);
    if (sim_chance(200)) {
        o.allocator = &client_allocator;
        draw_rate(&run->no_memory_per_mille, 800, 50);
    }
    if (sim_chance(300))
        o.posts_max = (uint32_t)sim_between(1, REQUESTS_MAX);
    draw_judgement(run, &o);
    if (run->tls)
        draw_tls_options(run, &o);
    run->connections_max = o.connections_max;
    run->requests_max = o.requests_max ? o.requests_max : 2 * o.connections_max + 16;
    run->posts_max = o.posts_max ? o.posts_max : run->requests_max;
    return o;
}

/* Every so many seeds, all origins are behind the first one's peers, and share its connections. */
static void share_pools(const struct run *run)
{
    const struct origin_drawn *first = &run->origins[0];

    if (run->tls || sim.seed % SHARED_EVERY != 1)
        return;
    for (uint32_t i = 1; i < run->origins_count; i++)
        sim_share_pool(
            &run->client, &(struct client_ask){.host = first->host, .port = first->port},
            &(struct client_ask){.host = run->origins[i].host, .port = run->origins[i].port});
}

/* ---- Running ---- */

static struct sim_file draw_pipe(void)
{
    return (struct sim_file){.pipe = true,
                             .step_bytes = sim_between(1000, 50000),
                             .step_ns = sim_chance(700) ? sim_below(SIM_MS) : sim_below(SIM_S)};
}

static void draw_way_out(struct client_ask *ask, struct host_ways *ways)
{
    if (ask->flags == 0 || sim_chance(300))
        return;
    ways->unknown = sim_chance(500);
    if (sim_chance(400)) {
        ask->flags |= RINGSEND_BODY_PIECES;
        ways->piece_bytes =
            sim_chance(500) ? (uint32_t)sim_between(1 + ask->body_bytes / 50, 5000) : 0;
        ways->waits = sim_chance(300);
        return;
    }
    ask->flags |= RINGSEND_BODY_FD;
    ways->body_at = sim_chance(400) ? RINGSEND_SEQUENTIAL : (int64_t)sim_below(10000);
    if (ways->body_at < 0 && sim_chance(700))
        ways->source = draw_pipe();
    if (sim_chance(100)) {
        ways->source.error = sim_chance(500) ? EIO : EISDIR;
        ways->source.fails_at = sim_below(ask->body_bytes + 1);
    }
    if (ask->body_bytes > 1 && !ways->unknown && sim_chance(100))
        ways->source.bytes = (ways->body_at > 0 ? (uint64_t)ways->body_at : 0) +
                             sim_between(1, ask->body_bytes + 100);
    ways->source.nonblocking = sim_chance(50);
}

static void draw_way_in(struct client_ask *ask, struct host_ways *ways)
{
    switch (sim_below(4)) {
    case 0:
        ask->flags |= RINGSEND_RESPONSE_PIECES;
        break;
    case 1:
        ask->flags |= RINGSEND_RESPONSE_DISCARD;
        break;
    case 2:
        ask->flags |= RINGSEND_RESPONSE_FD;
        if (sim_chance(700))
            ways->sink = draw_pipe();
        if (sim_chance(100)) {
            ways->sink.error = sim_chance(500) ? ENOSPC : EPIPE;
            ways->sink.fails_at = sim_below(sim_chance(500) ? 200 : 200000);
        }
        ways->sink.nonblocking = sim_chance(50);
    }
}

/* Into *ways, which the client copies. */
static void draw_streams(struct client_ask *ask, struct host_ways *ways)
{
    *ways = (struct host_ways){.lazy_per_mille = (uint32_t)sim_below(500),
                               .lazy_ns = sim_chance(700) ? sim_below(10 * SIM_MS)
                                                          : sim_below(5ull * SIM_S)};
    draw_way_out(ask, ways);
    draw_way_in(ask, ways);
    ask->ways = ways;
    if (sim_chance(500)) { /* peers may stall, and descriptors */
        ask->attempt_timeout_ns = RINGSEND_NEVER;
        ask->deadline_ns = sim_between(SIM_S, 100ull * SIM_S);
    }
}

static struct client_ask draw_ask(const struct run *run)
{
    static const char *const methods[] = {"GET", "POST", "POST", "POST", "PUT", "HEAD", "DELETE"};
    const struct origin_drawn *o = &run->origins[sim_below(run->origins_count)];
    struct client_ask ask = {
        .method = methods[sim_below(7)], .host = o->host, .port = o->port, .https = o->https};

    if (ask.method[0] == 'P') {
        ask.flags = sim_chance(900) ? RINGSEND_HAS_BODY : 0;
        if (ask.flags)
            ask.body_bytes = (uint32_t)sim_below(sim_chance(50) ? run->large_bytes : 400);
        if (sim_chance(300))
            ask.flags |= sim_chance(500) ? RINGSEND_KEYED : RINGSEND_AT_LEAST_ONCE;
        ask.blank_key = (ask.flags & RINGSEND_KEYED) && sim_chance(200);
    }
    ask.close = sim_chance(100);
    ask.cost[0] = sim_below(sim_chance(20) ? 20000 : 60);
    ask.cost[1] = sim_below(30);
    if (sim_chance(100))
        ask.tries = (uint32_t)sim_between(1, 5);
    if (sim_chance(100))
        ask.attempt_timeout_ns = sim_between(SIM_MS, SIM_S);
    if (sim_chance(run->streams_per_mille))
        draw_streams(&ask, &streams_drawn);
    if (sim_chance(100))
        ask.deadline_ns = sim_between(1, 5ull * SIM_S);
    return ask;
}

/* The engine has them, and they have no result yet. */
static uint32_t requests_in(const struct client *c)
{
    return c->accepted - c->posted - c->done;
}

static void submit_some(struct run *run)
{
    struct client *c = &run->client;
    uint32_t wanted = sim_chance(300) ? (uint32_t)sim_below(5) : REQUESTS_MAX;

    for (; wanted > 0 && c->accepted < run->requests_wanted && !run->stopped; wanted--) {
        struct client_ask ask = draw_ask(run);
        ask.posted = sim_chance(run->posts_per_mille);
        int index = client_submit(c, &ask);
        if (index >= 0)
            continue;
        if (index == -RINGSEND_E_NO_MEMORY && sim.faults.no_memory > 0)
            return;
        SIM_CHECK(index == -RINGSEND_E_FULL, "submit gives %s",
                  ringsend_error_name((enum ringsend_error) - index));
        SIM_CHECK(ask.posted ? c->posted >= run->posts_max
                             : requests_in(c) + c->held >= run->requests_max,
                  "full with %u of %u requests, %u of %u posted", requests_in(c), run->requests_max,
                  c->posted, run->posts_max);
        return;
    }
    SIM_CHECK(requests_in(c) <= run->requests_max, "%u requests in, %u allowed", requests_in(c),
              run->requests_max);
}

static void disturb(struct run *run)
{
    struct client *c = &run->client;

    if (c->count > 0 && sim_chance(run->cancels_per_mille)) {
        const struct client_request *r = &c->requests[sim_below(c->count)];
        if (r->handle != 0) {
            sim_trace("record %u is cancelled", r->record);
            SIM_CHECK(ringsend_cancel(c->engine, r->handle) == 0, "record %u cannot be cancelled",
                      r->record);
        }
    }
    if (sim_chance(run->cancels_per_mille / 20)) {
        sim_trace("all are cancelled");
        ringsend_cancel_all(c->engine);
    }
    if (sim_chance(run->wakes_per_mille))
        ringsend_wake(c->engine);
    if (sim_chance(run->limits_per_mille)) {
        run->limit = (uint32_t)sim_between(1, run->connections_max);
        sim_trace("limit %u", run->limit);
        SIM_CHECK(ringsend_limit(c->engine, run->limit) == 0, "a limit cannot be set");
    }
    if (sim_chance(10))
        SIM_CHECK(ringsend_cancel(c->engine, sim_random() | 1ull << 63) == -RINGSEND_E_INVALID,
                  "a handle that never was can be cancelled");
}

static void check_stats(const struct run *run)
{
    struct ringsend_stats stats = {.size = sizeof stats};
    const struct client *c = &run->client;

    ringsend_stats(c->engine, &stats);
    SIM_CHECK(stats.submitted == c->accepted - c->posted, "stats: %llu submitted, not %u",
              (unsigned long long)stats.submitted, c->accepted - c->posted);
    SIM_CHECK(stats.finished >= c->done && stats.finished <= c->accepted,
              "stats: %llu finished, %u reaped", (unsigned long long)stats.finished, c->done);
    SIM_CHECK(stats.connections_open >= sim_sockets_open() &&
                  stats.connections_open <= run->connections_max &&
                  stats.connections_peak <= run->connections_max,
              "stats: %u connections open, really %u, at most %u", stats.connections_open,
              sim_sockets_open(), run->connections_max);
}

/* Their connections may be at work though nothing is to be seen of it: a host or a descriptor is.
 */
static uint32_t streams_in(const struct client *c)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < c->count; i++)
        count += c->requests[i].host != NULL && c->requests[i].request->handle != 0;
    return count;
}

/* The engine is about to sleep: nobody waits for a connection that could be had. */
static void check_before_sleep(void *context, uint32_t busy, uint32_t leaving)
{
    const struct run *run = context;
    struct ringsend_stats stats = {.size = sizeof stats};

    ringsend_stats(run->client.engine, &stats);
    SIM_CHECK(stats.submitted == run->client.accepted ||
                  stats.submitted - run->client.done >= run->requests_max,
              "what was posted is not taken");
    /* What a gate holds back needs no connection, but a time at which to look at the gate again. */
    SIM_CHECK(stats.held == 0 || stats.next_deadline_ns != UINT64_MAX,
              "%u requests are held back for ever", stats.held);
    uint32_t waiting = stats.waiting - stats.held;
    if (waiting == 0 || sim_lookups_in_flight() > 0)
        return;
    busy += streams_in(&run->client);
    SIM_CHECK(busy > 0, "%u requests wait, and nothing is under way for any", waiting);
    /* They may wait for the first handshake's session. */
    if (run->tls && !sim_delivered())
        return;
    /* A request that wants a fresh connection waits for a place while another one is idle. */
    SIM_CHECK(busy >= run->busy_max || busy >= run->limit || leaving >= waiting,
              "%u requests wait, and %u of %u sockets are at work", waiting, busy, run->busy_max);
}

static uint64_t draw_wait(const struct run *run)
{
    if (run->client.done == run->client.accepted || sim_chance(200))
        return sim_below(10 * SIM_MS);
    return sim_chance(100) ? 0 : RINGSEND_NEVER;
}

static void check_watched(struct run *run)
{
    uint32_t max = 3 * run->client.options.watch_max;
    struct ringsend_tcp_sample samples[3 * WATCH_MAX];
    int count = ringsend_tcp_samples(run->client.engine, samples, max);

    SIM_CHECK(count >= 0 && (uint32_t)count <= max, "%d samples", count);
    for (int i = 0; i < count; i++) {
        SIM_CHECK(samples[i].connection > 0 && samples[i].rtt_ns == SIM_MS, "a strange sample");
        SIM_CHECK(i == 0 || samples[i - 1].ended || !samples[i].ended,
                  "a connection that ended comes behind one that did not");
        for (int j = 0; j < i; j++)
            SIM_CHECK(samples[i].connection != samples[j].connection,
                      "connection %d was sampled twice", (int)samples[i].connection);
    }
}

static void drive(struct run *run)
{
    struct client *c = &run->client;

    for (uint32_t turn = 1;; turn++) {
        SIM_CHECK(turn < 1000000, "the run does not end");
        SIM_CHECK(sim.now_ns - sim.began_ns < (uint64_t)VIRTUAL_DAY_S * SIM_S,
                  "%u requests are not done after a day", c->accepted - c->done);
        if (turn == run->stop_at) {
            sim_trace("stop");
            ringsend_stop(c->engine);
            run->stopped = true;
            struct client_ask ask = draw_ask(run);
            SIM_CHECK(client_submit(c, &ask) == -RINGSEND_E_STOPPED, "accepted after stop");
            ask.posted = sim_chance(500);
            if (ask.posted && c->posted < run->posts_max)
                SIM_CHECK(client_submit(c, &ask) >= 0, "not to be posted after stop");
        }
        if (turn == run->free_at)
            return;
        submit_some(run);
        if (c->done == c->accepted && (run->stopped || c->accepted >= run->requests_wanted))
            break;
        disturb(run);
        client_run(c, draw_wait(run), sim_chance(300) ? 1 : UINT32_MAX);
        sim_copy_step(&run->copy);
        check_stats(run);
        if (sim_chance(100))
            check_watched(run);
    }
    SIM_CHECK(ringsend_idle(c->engine), "the engine is not idle, though all is done");
}

uint64_t sim_random_run(uint64_t seed)
{
    struct run run = {0};
    struct ringsend_options options;

    sim_begin(NULL, seed);
    run.tls = seed % TLS_EVERY == 0;
    draw_faults();
    options = draw_options(&run);
    run.origins_count = (uint32_t)sim_between(1, ORIGINS_MAX);
    for (uint32_t i = 0; i < run.origins_count; i++)
        draw_origin(&run, i);
    if (run.origins_count == 1 && run.origins[0].has_one_address)
        run.busy_max = options.connections_per_origin ? options.connections_per_origin
                                                      : options.connections_max;
    run.requests_wanted = (uint32_t)sim_between(1, REQUESTS_MAX);
    draw_rate(&run.cancels_per_mille, 300, 200);
    draw_rate(&run.wakes_per_mille, 300, 200);
    draw_rate(&run.limits_per_mille, 300, 100);
    draw_rate(&run.posts_per_mille, 400, 1000);
    draw_rate(&run.streams_per_mille, 400, 1000);
    /* Large ones take many turns, and where they go in bits, too many. */
    run.large_bytes = sim.faults.send_slow || sim.faults.records_small ? 100000 : 1000000;
    run.limit = run.connections_max;
    run.stop_at = sim_chance(150) ? (uint32_t)sim_between(1, 200) : 0;
    run.free_at = sim_chance(150) ? (uint32_t)sim_between(1, 200) : 0;
    sim_ring_bounds(options.connections_max, options.connections_per_origin
                                                 ? options.connections_per_origin
                                                 : options.connections_max);
    client_begin(&run.client, &options);
    share_pools(&run);
    sim.faults.no_memory = run.no_memory_per_mille;
    sim_copy_begin(&run.copy, run.client.engine);
    sim_ring_watch(check_before_sleep, &run);
    drive(&run);
    sim_ring_watch(NULL, NULL);
    sim_copy_end(&run.copy);
    client_end(&run.client);
    ringsend_tls_free(run.certificates);
    sim_end();
    return sim.now_ns - sim.began_ns;
}
