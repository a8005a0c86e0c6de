/* Scenarios of limits by weight: what begins when, of what is known. */
#include "tests/sim/scenarios/sim_scenarios.h"

static struct client_ask ask_of(const char *host, uint64_t cost)
{
    return (struct client_ask){.host = host, .port = 80, .cost = {cost}};
}

static uint32_t submit(struct client *c, uint64_t cost)
{
    const struct client_ask ask = ask_of("10.0.0.1", cost);
    return scenario_submit(c, &ask);
}

static void another_peer(const char *ip, uint32_t origin, const struct sim_answer *answer)
{
    struct sim_peer *peer = sim_peer_new(ip, 80, origin);
    peer->script = answer;
    peer->script_count = 1;
}

static uint64_t began_ms(const struct client *c, uint32_t index)
{
    const struct client_request *r = &c->requests[index];
    SIM_CHECK(r->done && r->attempts > 0, "request %u has not begun", index);
    return (r->submitted_ns - sim.began_ns + r->trace[0].began_ns) / SIM_MS;
}

/* No second holds more than 100, whatever the weights; all of it is used; and who waits is told. */
static void cost_is_kept(void)
{
    enum { REQUESTS = 80 };
    static const struct sim_answer ok = {.status = 200, .delay_ns = SIM_MS};
    static const struct ringsend_cost cost = {.count = 100};
    uint64_t costs[REQUESTS], sum = 0;
    struct client c;

    scenario_begin(
        "the limit by weight is kept", &c,
        &(struct ringsend_options){
            .store_attempts = true, .requests_max = REQUESTS, .costs = &cost, .costs_count = 1},
        &ok, 1);
    for (uint32_t i = 0; i < REQUESTS; i++) {
        costs[i] = i % 7 == 6 ? 40 : i % 5;
        sum += costs[i];
        submit(&c, costs[i]);
    }
    client_pass(&c, 5 * SIM_MS);
    SIM_CHECK(scenario_stats(&c).held > 60, "%u are held", scenario_stats(&c).held);
    client_finish(&c);
    for (uint32_t i = 0; i < REQUESTS; i++) {
        uint64_t within = 0;
        for (uint32_t k = i; k < REQUESTS && began_ms(&c, k) - began_ms(&c, i) <= 1000; k++)
            within += costs[k];
        SIM_CHECK(within <= 100, "%u begin within a second from the %u. on", (unsigned)within, i);
    }
    uint64_t took_ms = (sim.now_ns - sim.began_ns) / SIM_MS;
    SIM_CHECK(took_ms < sum * 10 * 14 / 10, "%u ms for %u", (unsigned)took_ms, (unsigned)sum);
    struct ringsend_stats stats = scenario_stats(&c);
    SIM_CHECK(stats.cost_guessed[0] == sum && stats.cost_known[0] == sum, "not all was counted");
    SIM_CHECK(stats.held_cost_ns[0] > took_ms * SIM_MS * 9 / 10 && stats.held_rate_ns == 0,
              "held for %u ms", (unsigned)(stats.held_cost_ns[0] / SIM_MS));
    scenario_end(&c);
}

/* Light ones of others do not for ever go before a heavy one, though there is room for them. */
static void heavy_ones_have_their_turn(void)
{
    static const struct sim_answer ok = {.status = 200, .delay_ns = SIM_MS};
    static const struct ringsend_cost cost = {.count = 1000, .burst = 500};
    struct client c;

    scenario_begin(
        "heavy ones have their turn", &c,
        &(struct ringsend_options){
            .store_attempts = true, .requests_max = 500, .costs = &cost, .costs_count = 1},
        &ok, 1);
    another_peer("10.0.0.2", 1, &ok);
    submit(&c, 500);
    const struct client_ask heavy = ask_of("10.0.0.2", 500), heavier = ask_of("10.0.0.2", 9999);
    for (int i = 0; i < 100; i++)
        submit(&c, 10);
    client_pass(&c, SIM_MS);
    uint32_t one = scenario_submit(&c, &heavy), two = scenario_submit(&c, &heavier);
    for (int i = 0; i < 300; i++)
        submit(&c, 10);
    client_finish(&c);
    SIM_CHECK(began_ms(&c, one) < 600, "it begins after %u ms", (unsigned)began_ms(&c, one));
    SIM_CHECK(began_ms(&c, two) < 2600, "it begins after %u ms", (unsigned)began_ms(&c, two));
    scenario_end(&c);
}

/* One that waits with all behind it goes away: they go on at once. */
static void who_leaves_is_not_waited_for(void)
{
    static const struct sim_answer ok = {.status = 200, .delay_ns = SIM_MS};
    static const struct ringsend_cost cost = {.count = 100, .burst = 100};
    struct client c;

    scenario_begin(
        "who leaves is not waited for", &c,
        &(struct ringsend_options){.costs = &cost, .costs_count = 1, .store_attempts = true}, &ok,
        1);
    another_peer("10.0.0.2", 1, &ok);
    submit(&c, 50);
    client_pass(&c, 10 * SIM_MS);
    uint32_t heavy = submit(&c, 100);
    client_pass(&c, SIM_MS);
    const struct client_ask light = ask_of("10.0.0.2", 10);
    uint32_t last = scenario_submit(&c, &light);
    client_pass(&c, 100 * SIM_MS);
    SIM_CHECK(!c.requests[last].done, "it goes before one that came first");
    ringsend_cancel(c.engine, c.requests[heavy].handle);
    client_pass(&c, 10 * SIM_MS);
    SIM_CHECK(c.requests[last].done, "who has gone is waited for");
    client_finish(&c);
    scenario_expect(&c, heavy, RINGSEND_E_CANCELLED, 0, 0, false);
    scenario_end(&c);
}

/* Guessed as 100 and found to be 10: ten times as many; found to be 200: half. What never left
 * weighs nothing. */
static void answers_correct(void)
{
    static const char ten[] = "{\"usage\":{\"total\":10}}", more[] = "{\"usage\":{\"total\":200}}";
    static const struct sim_answer script[] = {
        {.status = 200, .delay_ns = SIM_MS, .body = ten, .body_bytes = sizeof ten - 1},
        {.status = 200, .delay_ns = SIM_MS, .body = more, .body_bytes = sizeof more - 1}};
    static const struct ringsend_cost cost = {.count = 1000, .actual = ".usage.total"};
    struct client c;

    for (unsigned i = 0; i < 2; i++) {
        struct sim_peer *peer = scenario_begin("answers correct what was guessed", &c,
                                               &(struct ringsend_options){.requests_max = 200,
                                                                          .store_attempts = true,
                                                                          .connections_max = 4,
                                                                          .costs = &cost,
                                                                          .costs_count = 1},
                                               &script[i], 1);
        (void)peer;
        for (int k = 0; k < 100; k++)
            submit(&c, 100);
        client_finish(&c);
        uint64_t last_ms = began_ms(&c, 99);
        SIM_CHECK(i == 0 ? last_ms < 1300 : last_ms > 18000 && last_ms < 22000,
                  "the last begins after %u ms", (unsigned)last_ms);
        struct ringsend_stats stats = scenario_stats(&c);
        SIM_CHECK(stats.cost_guessed[0] == 10000 && stats.cost_known[0] == (i ? 20000 : 1000),
                  "%u are known", (unsigned)stats.cost_known[0]);
        scenario_end(&c);
    }
}

static void what_never_left_weighs_nothing(void)
{
    static const struct sim_answer ok = {.status = 200, .delay_ns = SIM_MS};
    static const struct ringsend_cost cost = {.count = 100, .per_ns = 60ull * SIM_S, .burst = 100};
    struct client c;

    scenario_begin("what never left weighs nothing", &c,
                   &(struct ringsend_options){.tries = 3,
                                              .backoff_min_ns = SIM_MS,
                                              .backoff_max_ns = SIM_MS,
                                              .costs = &cost,
                                              .costs_count = 1},
                   &ok, 1);
    const struct client_ask nowhere = {.host = "10.0.0.9", .port = 81, .cost = {100}};
    uint32_t lost = scenario_submit(&c, &nowhere);
    client_finish(&c);
    SIM_CHECK(c.requests[lost].attempts == 3, "%u attempts", c.requests[lost].attempts);
    SIM_CHECK(scenario_stats(&c).cost_known[0] == 0, "they weigh something");
    uint32_t next = submit(&c, 100);
    client_finish(&c);
    scenario_expect(&c, next, RINGSEND_OK, 200, 1, false);
    scenario_expect_ms(&c, next, 0, 10);
    scenario_end(&c);
}

/* Two limits and the rate: each holds, and who is of no weight for one does not wait for it. */
static void limits_hold_together(void)
{
    static const struct sim_answer ok = {.status = 200, .delay_ns = SIM_MS};
    static const struct ringsend_cost costs[] = {{.count = 10}, {.count = 1000, .burst = 1000}};
    struct client c;

    scenario_begin("limits hold together", &c,
                   &(struct ringsend_options){.rate_count = 20,
                                              .rate_burst = 1,
                                              .store_attempts = true,
                                              .requests_max = 200,
                                              .costs = costs,
                                              .costs_count = 2},
                   &ok, 1);
    for (int i = 0; i < 20; i++)
        scenario_submit(&c, &(struct client_ask){.host = "10.0.0.1", .port = 80, .cost = {1, 1}});
    client_finish(&c);
    SIM_CHECK(began_ms(&c, 19) > 1850 && began_ms(&c, 19) < 2200, "%u ms",
              (unsigned)began_ms(&c, 19));
    uint64_t before_ms = (sim.now_ns - sim.began_ns) / SIM_MS;
    for (int i = 0; i < 21; i++)
        scenario_submit(&c, &(struct client_ask){.host = "10.0.0.1", .port = 80, .cost = {0, 9}});
    client_finish(&c);
    uint64_t took_ms = began_ms(&c, 40) - before_ms;
    SIM_CHECK(took_ms > 940 && took_ms < 1060, "%u ms", (unsigned)took_ms);
    scenario_end(&c);
}

static const struct scenario_function functions[] = {
    {"cost is kept", cost_is_kept},
    {"heavy ones have their turn", heavy_ones_have_their_turn},
    {"who leaves is not waited for", who_leaves_is_not_waited_for},
    {"answers correct costs", answers_correct},
    {"what never left weighs nothing", what_never_left_weighs_nothing},
    {"limits hold together", limits_hold_together},
};

const struct scenario_function *sim_costs_scenarios(size_t *count)
{
    *count = sizeof functions / sizeof *functions;
    return functions;
}
