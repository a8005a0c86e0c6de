/* Several engines with one set of limits (ringsend_limits), in one thread: each runs only when it
 * would be woken, so that a wake-up which is lost shows as a run in which nothing can happen any
 * more. The bounds on open sockets are the simulated ring's, over all engines at each moment. */
#include "tests/sim/scenarios/sim_random.h"
#include "tests/sim/scenarios/sim_scenarios.h"

#include <stdio.h>

enum { ENGINES_MAX = 3, ORIGINS_MAX = 4, STEPS_MAX = 400000, REQUESTS_MAX = 40 };

struct world {
    struct ringsend_limits *limits;
    struct ringsend_options options; /* of the limits, and of each engine */
    struct client clients[ENGINES_MAX];
    uint32_t count;
    bool freed[ENGINES_MAX];
    bool all_answer; /* no origin is dead */
};

static void begin(struct world *w, uint32_t count, const struct ringsend_options *options)
{
    uint32_t per_origin = options->connections_per_origin;

    *w = (struct world){.options = *options, .count = count, .all_answer = true};
    w->options.size = sizeof w->options;
    w->options.seed = 1;
    w->options.store_attempts = true;
    SIM_CHECK(ringsend_limits_new(&w->limits, &w->options) == 0, "no limits");
    sim_ring_bounds(options->connections_max, per_origin ? per_origin : options->connections_max);
    for (uint32_t i = 0; i < count; i++) {
        struct ringsend_options own = w->options;
        own.limits = w->limits;
        client_begin(&w->clients[i], &own);
    }
}

static struct ringsend_stats stats_of(const struct world *w, uint32_t i)
{
    struct ringsend_stats stats = {.size = sizeof stats};

    ringsend_stats(w->clients[i].engine, &stats);
    return stats;
}

/* It is time for it to run, or an operation's end or a wake-up has come. */
static bool is_awake(const struct world *w, uint32_t i)
{
    return !w->freed[i] && (sim_ring_has_news(i) || stats_of(w, i).next_deadline_ns <= sim.now_ns);
}

/* Nobody waits for a place that is free; but for origins that are new, which leave half. */
static void check_asleep(const struct world *w)
{
    uint32_t open = 0, waiting = 0;
    bool origins_bound = w->options.connections_per_origin > 0;

    for (uint32_t i = 0; i < w->count; i++) {
        if (w->freed[i])
            continue;
        struct ringsend_stats stats = stats_of(w, i);
        open += stats.connections_open;
        waiting += stats.waiting - stats.held;
        SIM_CHECK(stats.connections_peak <= w->options.connections_max, "the peak is %u",
                  stats.connections_peak);
    }
    if (waiting == 0 || origins_bound || !w->all_answer)
        return;
    uint32_t limit = stats_of(w, w->freed[0]).connections_limit;
    SIM_CHECK(2 * open >= limit, "%u requests wait, and %u of %u connections are open", waiting,
              open, limit);
}

/* All engines that are awake run once, in any order. False: none was. */
static bool run_awake(struct world *w)
{
    uint32_t first = (uint32_t)sim_below(w->count);
    bool any = false;

    for (uint32_t k = 0; k < w->count; k++) {
        uint32_t i = (first + k) % w->count;
        if (!is_awake(w, i))
            continue;
        client_run(&w->clients[i], 0, UINT32_MAX);
        any = true;
    }
    return any;
}

static void step(struct world *w, uint64_t until_ns)
{
    uint64_t next_ns = until_ns;

    if (run_awake(w))
        return;
    check_asleep(w);
    next_ns = sim_next_ns() < next_ns ? sim_next_ns() : next_ns;
    for (uint32_t i = 0; i < w->count; i++) {
        uint64_t at_ns = w->freed[i] ? UINT64_MAX : stats_of(w, i).next_deadline_ns;
        next_ns = at_ns < next_ns ? at_ns : next_ns;
    }
    SIM_CHECK(next_ns != UINT64_MAX, "all engines sleep, and nothing can come any more");
    if (sim.now_ns < next_ns)
        sim.now_ns = next_ns;
    sim_run_due();
}

static bool all_done(const struct world *w)
{
    bool done = true;

    for (uint32_t i = 0; i < w->count; i++)
        done &= w->freed[i] || w->clients[i].done == w->clients[i].accepted;
    return done;
}

static void finish(struct world *w)
{
    for (uint32_t steps = 0; !all_done(w); steps++) {
        SIM_CHECK(steps < STEPS_MAX, "some requests are never done");
        step(w, UINT64_MAX);
    }
}

static void pass(struct world *w, uint64_t ns)
{
    uint64_t until_ns = sim.now_ns + ns;

    while (sim.now_ns < until_ns)
        step(w, until_ns);
}

static void end(struct world *w)
{
    if (!w->freed[0] && !w->freed[1] && !w->freed[w->count - 1])
        clients_check_starts(w->clients, w->count, &w->options);
    for (uint32_t i = 0; i < w->count; i++)
        if (!w->freed[i])
            client_close(&w->clients[i]);
    SIM_CHECK(sim_ring_gone(), "a ring is left");
    SIM_CHECK(sim_sockets_open() == 0, "%u sockets are left open", sim_sockets_open());
    ringsend_limits_free(w->limits);
    sim_end();
}

/* ---- scenarios ---- */

static const struct sim_answer at_once = {.status = 200, .body_bytes = 10};
static const struct sim_answer answer_100_ms = {
    .status = 200, .body_bytes = 10, .delay_ns = 100 * SIM_MS};
static const struct sim_answer closes = {.status = 200,
                                         .body_bytes = 10,
                                         .headers = "Connection: close\r\n",
                                         .delay_ns = SIM_MS,
                                         .then = THEN_END};
static const struct sim_answer never = {.then = THEN_STALL};
static const struct client_ask first = {.host = "10.0.0.1", .port = 80};
static const struct client_ask second = {.host = "10.0.0.2", .port = 80};

static void peer(const char *host, uint32_t origin, const struct sim_answer *answer)
{
    struct sim_peer *p = sim_peer_new(host, 80, origin);

    p->script = answer;
    p->script_count = 1;
}

static void world_begin(const char *name, const struct sim_answer *answer,
                        const struct sim_answer *other)
{
    sim_begin(name, 1);
    sim.faults.latency_ns = 100 * SIM_US;
    peer("10.0.0.1", 0, answer);
    peer("10.0.0.2", 1, other);
}

static void submit(struct client *c, const struct client_ask *ask, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        scenario_submit(c, ask);
}

static void check_ok(const struct client *c, uint32_t ms_max)
{
    for (uint32_t i = 0; i < c->count; i++) {
        scenario_expect(c, i, RINGSEND_OK, 200, 1, false);
        scenario_expect_ms(c, i, 0, ms_max);
    }
}

/* All work is one engine's: it has all connections, 4 x 5 x 100 ms. */
static void one_has_all(void)
{
    struct world w;

    world_begin("one engine has the places that the other does not use", &answer_100_ms, &at_once);
    begin(&w, 2, &(struct ringsend_options){.connections_max = 4, .requests_max = 30});
    submit(&w.clients[0], &first, 20);
    finish(&w);
    check_ok(&w.clients[0], 530);
    SIM_CHECK(stats_of(&w, 1).connections_peak == 4, "the peak is not all engines'");
    end(&w);
}

/* Likewise of an origin. */
static void one_has_all_of_an_origin(void)
{
    struct world w;

    world_begin("one engine has the places of an origin", &answer_100_ms, &at_once);
    begin(&w, 2,
          &(struct ringsend_options){
              .connections_max = 10, .connections_per_origin = 4, .requests_max = 30});
    submit(&w.clients[0], &first, 20);
    submit(&w.clients[1], &second, 20);
    finish(&w);
    check_ok(&w.clients[0], 530);
    end(&w);
}

/* Connections that one engine keeps idle make room for the other, at once. */
static void idle_ones_make_room(uint32_t per_origin)
{
    struct world w;

    world_begin("idle connections make room for another engine", &answer_100_ms, &answer_100_ms);
    begin(&w, 2,
          &(struct ringsend_options){.connections_max = 4,
                                     .connections_per_origin = per_origin,
                                     .requests_max = 30,
                                     .idle_timeout_ns = RINGSEND_NEVER});
    submit(&w.clients[0], &first, 8);
    finish(&w);
    SIM_CHECK(stats_of(&w, 0).connections_open == (per_origin ? per_origin : 4), "they are kept");
    submit(&w.clients[1], per_origin ? &first : &second, 20);
    finish(&w);
    /* One round more, as until its first answer a host leaves half of the places. */
    check_ok(&w.clients[1], 20 / (per_origin ? per_origin : 4) * 101 + 110);
    end(&w);
}

static void idle_ones_make_room_in_the_run(void)
{
    idle_ones_make_room(0);
}

static void idle_ones_make_room_at_an_origin(void)
{
    idle_ones_make_room(2);
}

/* A flood on connections that close each time, or that are kept, does not keep the other from its
 * turn. */
static void nobody_starves(const struct sim_answer *answer, uint32_t connections,
                           uint32_t per_origin)
{
    struct world w;

    world_begin("an engine with a flood leaves the other its turn", answer, &at_once);
    begin(&w, 2,
          &(struct ringsend_options){.connections_max = connections,
                                     .connections_per_origin = per_origin,
                                     .requests_max = 3000});
    submit(&w.clients[0], &first, 2000);
    pass(&w, 20 * SIM_MS);
    for (uint32_t i = 0; i < 10; i++) {
        /* What came before it where there is but one place goes ahead. */
        submit(&w.clients[0], &first, 10);
        uint32_t n = scenario_submit(&w.clients[1], per_origin ? &first : &second);
        pass(&w, 300 * SIM_MS);
        SIM_CHECK(connections == 1 || per_origin == 1 || w.clients[1].requests[n].done,
                  "request %u waits behind a flood", n);
    }
    finish(&w);
    check_ok(&w.clients[0], UINT32_MAX);
    check_ok(&w.clients[1], UINT32_MAX);
    end(&w);
}

static void a_flood_that_closes(void)
{
    nobody_starves(&closes, 2, 0);
}

static void a_flood_that_keeps(void)
{
    nobody_starves(&at_once, 3, 0);
}

static void a_flood_at_an_origin(void)
{
    nobody_starves(&closes, 5, 2);
}

static void one_place_for_two(void)
{
    nobody_starves(&at_once, 1, 0);
}

static void one_place_at_an_origin_for_two(void)
{
    nobody_starves(&closes, 4, 1);
}

/* Dead origins of all engines together leave half of the places. */
static void the_dead_of_all_leave_half(void)
{
    struct world w;

    world_begin("dead origins of several engines leave half of the places", &never, &answer_100_ms);
    w.all_answer = false;
    begin(
        &w, 2,
        &(struct ringsend_options){
            .connections_max = 8, .requests_max = 200, .first_byte_timeout_ns = SIM_S, .tries = 1});
    w.all_answer = false;
    submit(&w.clients[0], &second, 1);
    pass(&w, SIM_S);
    submit(&w.clients[0], &first, 60);
    submit(&w.clients[1], &first, 60);
    for (uint32_t i = 0; i < 8; i++) {
        pass(&w, 3ull * SIM_S);
        uint32_t mute = stats_of(&w, 0).exchanges + stats_of(&w, 1).exchanges;
        SIM_CHECK(i < 1 || mute <= 4, "%u connections wait for what is dead", mute);
        uint32_t n = scenario_submit(&w.clients[1], &second);
        pass(&w, SIM_S);
        scenario_expect(&w.clients[1], n, RINGSEND_OK, 200, 1, false);
        scenario_expect_ms(&w.clients[1], n, 100, 1110);
    }
    finish(&w);
    end(&w);
}

/* ringsend_limit is all engines'. */
static void the_limit_moves(void)
{
    struct world w;

    world_begin("the limit of several engines moves", &answer_100_ms, &at_once);
    begin(&w, 2, &(struct ringsend_options){.connections_max = 6, .requests_max = 100});
    submit(&w.clients[0], &first, 30);
    submit(&w.clients[1], &first, 30);
    pass(&w, 250 * SIM_MS);
    SIM_CHECK(sim_sockets_open() == 6, "%u sockets are open", sim_sockets_open());
    SIM_CHECK(ringsend_limit(w.clients[0].engine, 2) == 0, "refused");
    SIM_CHECK(ringsend_limit(w.clients[0].engine, 7) == -RINGSEND_E_INVALID, "not refused");
    pass(&w, 150 * SIM_MS);
    SIM_CHECK(sim_sockets_open() <= 2, "%u sockets are open", sim_sockets_open());
    SIM_CHECK(stats_of(&w, 1).connections_limit == 2, "it is not the other's");
    SIM_CHECK(ringsend_limit(w.clients[1].engine, 5) == 0, "refused");
    pass(&w, 150 * SIM_MS);
    SIM_CHECK(sim_sockets_open() == 5, "%u sockets are open", sim_sockets_open());
    finish(&w);
    SIM_CHECK(ringsend_limit(w.clients[1].engine, 1) == 0, "refused");
    pass(&w, 10 * SIM_MS);
    SIM_CHECK(sim_sockets_open() <= 1, "%u idle sockets are open", sim_sockets_open());
    end(&w);
}

/* An engine that is freed, or whose ring breaks, leaves its places to the others. */
static void one_goes(void)
{
    struct world w;

    world_begin("an engine that goes leaves its places", &never, &answer_100_ms);
    begin(&w, 2, &(struct ringsend_options){.connections_max = 4, .requests_max = 100});
    w.all_answer = false;
    submit(&w.clients[0], &first, 20);
    pass(&w, SIM_S);
    submit(&w.clients[1], &second, 20);
    pass(&w, SIM_S);
    w.freed[0] = true;
    client_close(&w.clients[0]);
    finish(&w);
    check_ok(&w.clients[1], 1000 + 20 / 4 * 110);
    end(&w);
}

/* All of them want places, some have idle connections, and some of these are about to be closed:
 * who is asked for no more closes none, and sleeps until they are. */
static void all_want_and_some_leave(void)
{
    struct world w;

    world_begin("engines that want places wait for those that are leaving", &answer_100_ms,
                &at_once);
    begin(&w, 3,
          &(struct ringsend_options){
              .connections_max = 6, .requests_max = 30, .idle_timeout_ns = RINGSEND_NEVER});
    submit(&w.clients[0], &first, 3);
    submit(&w.clients[1], &first, 3);
    finish(&w);
    submit(&w.clients[0], &second, 1);
    submit(&w.clients[1], &second, 1);
    submit(&w.clients[2], &second, 2);
    finish(&w);
    for (uint32_t i = 0; i < 3; i++)
        check_ok(&w.clients[i], 150);
    end(&w);
}

static const struct scenario_function functions[] = {
    {"all engines want places", all_want_and_some_leave},
    {"engines: one has all places", one_has_all},
    {"engines: one has all places of an origin", one_has_all_of_an_origin},
    {"engines: idle ones make room", idle_ones_make_room_in_the_run},
    {"engines: idle ones make room at an origin", idle_ones_make_room_at_an_origin},
    {"engines: a flood that closes", a_flood_that_closes},
    {"engines: a flood that keeps", a_flood_that_keeps},
    {"engines: a flood at an origin", a_flood_at_an_origin},
    {"engines: one place for two", one_place_for_two},
    {"engines: one place at an origin for two", one_place_at_an_origin_for_two},
    {"engines: the dead leave half", the_dead_of_all_leave_half},
    {"engines: the limit moves", the_limit_moves},
    {"engines: one goes", one_goes},
};

const struct scenario_function *sim_engines_scenarios(size_t *count)
{
    *count = sizeof functions / sizeof *functions;
    return functions;
}

/* ---- by seed ---- */

static void draw_faults(void)
{
    struct sim_faults *f = &sim.faults;

    f->latency_ns = sim_chance(500) ? sim_below(200 * SIM_US) : sim_below(20 * SIM_MS);
    f->connect_refused = sim_chance(200) ? 100 : 0;
    f->connect_reset = sim_chance(200) ? 100 : 0;
    f->connect_no_port = sim_chance(100) ? 100 : 0;
    f->recv_resets = sim_chance(200) ? 50 : 0;
    f->recv_ends = sim_chance(200) ? 50 : 0;
    f->idle_closes = sim_chance(300) ? 200 : 0;
    f->close_slow = sim_chance(300) ? 500 : 0;
    f->cancel_races = sim_chance(500) ? 500 : 0;
    f->limits = sim_chance(200) ? 100 : 0;
    f->trouble = sim_chance(500) ? (uint32_t)sim_below(300) : 0;
}

static struct ringsend_options draw_options(void)
{
    struct ringsend_options o = {.requests_max = REQUESTS_MAX, .tries = 2};

    o.connections_max = (uint32_t)sim_between(1, 8);
    o.connections_per_origin = sim_chance(400) ? (uint32_t)sim_between(1, o.connections_max) : 0;
    o.rate_count = sim_chance(200) ? (uint32_t)sim_between(10, 1000) : 0;
    o.rate_burst = sim_chance(500) ? (uint32_t)sim_between(1, 5) : 0;
    o.retry_budget_per_s = sim_chance(200) ? 1 : 0;
    o.idle_timeout_ns = sim_chance(500) ? RINGSEND_NEVER : sim_between(SIM_MS, SIM_S);
    o.first_byte_timeout_ns = sim_between(SIM_S, 5ull * SIM_S);
    o.retry_after_max_ns = 5ull * SIM_S;
    return o;
}

static void draw_origins(struct world *w, char hosts[ORIGINS_MAX][24], uint32_t count)
{
    static const struct sim_answer *const scripts[] = {&at_once, &answer_100_ms, &closes, &never};

    for (uint32_t i = 0; i < count; i++) {
        snprintf(hosts[i], sizeof hosts[i], "10.0.0.%u", i + 1);
        struct sim_peer *p = sim_peer_new(hosts[i], 80, i);
        const struct sim_answer *script = scripts[sim_below(4)];
        bool hangs = sim_chance(100), by_seed = sim_chance(400);
        p->connect = hangs ? CONNECT_HANGS : CONNECT_ACCEPTED;
        p->script = by_seed ? NULL : script;
        p->script_count = !by_seed;
        w->all_answer &= !hangs && !by_seed && script != &never;
    }
}

/* Some engines have more to do than others, some of it for hosts that are the others', too. */
static void submit_some(struct world *w, char hosts[ORIGINS_MAX][24], uint32_t origins)
{
    static const char *const methods[] = {"GET", "POST", "PUT"};

    for (uint32_t i = 0; i < w->count; i++) {
        struct client *c = &w->clients[i];
        uint32_t count = w->freed[i] ? 0 : (uint32_t)sim_below(REQUESTS_MAX / 2 / (i + 1));
        while (count-- > 0 && c->accepted - c->done < REQUESTS_MAX)
            scenario_submit(c, &(struct client_ask){.method = methods[sim_below(3)],
                                                    .host = hosts[sim_below(origins)],
                                                    .close = sim_chance(100),
                                                    .port = 80});
    }
}

static void disturb(struct world *w)
{
    uint32_t i = (uint32_t)sim_below(w->count);

    if (w->freed[i])
        return;
    if (sim_chance(100))
        ringsend_limit(w->clients[i].engine, (uint32_t)sim_between(1, w->options.connections_max));
    if (sim_chance(20))
        ringsend_cancel_all(w->clients[i].engine);
    if (sim_chance(20) && i > 0) {
        w->freed[i] = true;
        client_close(&w->clients[i]);
    }
}

uint64_t sim_engines_run(uint64_t seed)
{
    char hosts[ORIGINS_MAX][24];
    struct world w;

    sim_begin(NULL, seed);
    draw_faults();
    struct ringsend_options options = draw_options();
    begin(&w, (uint32_t)sim_between(2, ENGINES_MAX), &options);
    uint32_t origins = (uint32_t)sim_between(1, ORIGINS_MAX);
    draw_origins(&w, hosts, origins);
    w.all_answer &= sim.faults.connect_no_port == 0 && sim.faults.trouble == 0;
    for (uint32_t rounds = (uint32_t)sim_between(1, 6); rounds > 0; rounds--) {
        submit_some(&w, hosts, origins);
        if (sim_chance(300))
            finish(&w);
        else
            pass(&w, sim_below(500 * SIM_MS));
        disturb(&w);
    }
    finish(&w);
    end(&w);
    return sim.now_ns - sim.began_ns;
}
