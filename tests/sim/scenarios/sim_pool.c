/* Scenarios: two origins and more behind one pool, as behind a proxy. Whoever answers at 10.0.0.1
 * answers for all of them. */
#include "tests/sim/scenarios/sim_scenarios.h"
#include "tests/sim/world/sim_share.h"

#include <stdio.h>

static const struct sim_answer answer_100_ms = {
    .status = 200, .body_bytes = 10, .delay_ns = 100 * SIM_MS};
static const struct client_ask proxy = {.host = "10.0.0.1", .port = 80};
static const struct client_ask a = {.host = "a.test", .port = 80};
static const struct client_ask b = {.host = "b.test", .port = 80};
static const struct client_ask c_alone = {.host = "10.0.0.3", .port = 80};

static void submit(struct client *c, const struct client_ask *ask, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        scenario_submit(c, ask);
}

static struct sim_peer *begin(const char *name, struct client *c,
                              const struct ringsend_options *options,
                              const struct sim_answer *script, uint32_t script_count)
{
    struct sim_peer *peer = scenario_begin(name, c, options, script, script_count);
    sim_share_pool(c, &proxy, &a);
    sim_share_pool(c, &proxy, &b);
    return peer;
}

/* A connection is no one's. Names that only the proxy has to know are not looked up. */
static void one_connection_for_both(void)
{
    struct client c;

    struct sim_peer *peer = begin("two origins use one connection", &c,
                                  &(struct ringsend_options){.requests_max = 8}, &answer_100_ms, 1);
    for (int i = 0; i < 3; i++) {
        submit(&c, &a, 1);
        client_finish(&c);
        submit(&c, &b, 1);
        client_finish(&c);
    }
    for (uint32_t i = 0; i < 6; i++)
        scenario_expect(&c, i, RINGSEND_OK, 200, 1, false);
    SIM_CHECK(peer->connects == 1, "%u connects", peer->connects);
    scenario_end(&c);
}

/* The second one came behind all requests of the first, and has every other turn. */
static void by_turns(uint32_t connections)
{
    struct client c;

    begin("origins of a pool take turns", &c,
          &(struct ringsend_options){.connections_max = connections, .requests_max = 100},
          &answer_100_ms, 1);
    submit(&c, &a, 20 * connections);
    submit(&c, &b, 5 * connections);
    client_finish(&c);
    for (uint32_t i = 0; i < 25 * connections; i++)
        scenario_expect(&c, i, RINGSEND_OK, 200, 1, false);
    for (uint32_t i = 20 * connections; i < 25 * connections; i++)
        scenario_expect_ms(&c, i, 100, 2 * 5 * 101 + 150);
    scenario_end(&c);
}

static void turns_on_one(void)
{
    by_turns(1);
}

static void turns_on_three(void)
{
    by_turns(3);
}

/* What a platform wants of its clients is no wish of the other's: a pause holds back the one's
 * requests, and the connections serve the other's meanwhile. */
static void a_pause_is_of_the_origin(void)
{
    static const struct sim_answer script[] = {{429, .headers = "retry-after: 2\r\n"},
                                               {.status = 200, .delay_ns = 10 * SIM_MS}};
    struct client c;

    begin("a pause holds back its origin, not the pool", &c,
          &(struct ringsend_options){.connections_max = 1, .requests_max = 20}, script, 2);
    submit(&c, &a, 1);
    client_pass(&c, 10 * SIM_MS);
    submit(&c, &a, 5);
    submit(&c, &b, 5);
    client_finish(&c);
    scenario_expect(&c, 0, RINGSEND_OK, 200, 2, false);
    for (uint32_t i = 1; i < 6; i++)
        scenario_expect_ms(&c, i, 1900, 3000);
    for (uint32_t i = 6; i < 11; i++)
        scenario_expect_ms(&c, i, 10, 100);
    scenario_end(&c);
}

/* One lookup and one race for both; then both have the winner. */
static void one_race_for_both(void)
{
    static const struct client_ask named = {.host = "proxy.test", .port = 80};
    struct client c;

    struct sim_peer *peer =
        scenario_begin("two origins have one race", &c,
                       &(struct ringsend_options){.requests_max = 20}, &answer_100_ms, 1);
    struct sim_name *name = scenario_name("proxy.test", "10.0.0.9", "10.0.0.1", NULL);
    name->delay_ns = 50 * SIM_MS;
    struct sim_peer *silent = sim_peer_new("10.0.0.9", 80, 1);
    silent->connect = CONNECT_HANGS;
    sim_share_pool(&c, &named, &a);
    sim_share_pool(&c, &named, &b);
    submit(&c, &a, 2);
    submit(&c, &b, 2);
    client_finish(&c);
    for (uint32_t i = 0; i < 4; i++) {
        scenario_expect(&c, i, RINGSEND_OK, 200, 1, false);
        scenario_expect_ms(&c, i, 400, 510);
        SIM_CHECK(c.requests[i].times.dns_ns >= 50 * SIM_MS, "the lookup is not told");
    }
    SIM_CHECK(name->lookups == 1 && silent->connects == 1, "%u lookups, %u connects to the dead",
              name->lookups, silent->connects);
    SIM_CHECK(peer->connects <= 4, "%u connects", peer->connects);
    scenario_end(&c);
}

/* Each is told, also the one whose request came while it was looked for. */
static void nobody_is_found(void)
{
    static const struct client_ask named = {.host = "proxy.test", .port = 80};
    struct client c;

    scenario_begin("two origins hear of a failed lookup", &c,
                   &(struct ringsend_options){.requests_max = 20, .tries = 1}, &answer_100_ms, 1);
    struct sim_name *name = sim_name_new("proxy.test");
    name->kind = NAME_NOT_FOUND;
    name->delay_ns = 50 * SIM_MS;
    sim_share_pool(&c, &named, &a);
    sim_share_pool(&c, &named, &b);
    submit(&c, &a, 1);
    client_pass(&c, 20 * SIM_MS);
    submit(&c, &b, 1);
    client_finish(&c);
    scenario_expect(&c, 0, RINGSEND_E_DNS_NOT_FOUND, 0, 1, false);
    scenario_expect(&c, 1, RINGSEND_E_DNS_NOT_FOUND, 0, 1, false);
    scenario_expect_ms(&c, 0, 50, 60);
    scenario_expect_ms(&c, 1, 30, 40);
    scenario_end(&c);
}

/* A pool has one part of the places, however many origins stand behind it. */
static void one_share_of_the_places(void)
{
    struct client c;

    begin("a pool has one share of the places", &c,
          &(struct ringsend_options){.connections_max = 4, .requests_max = 200}, &answer_100_ms, 1);
    struct sim_peer *other = sim_peer_new("10.0.0.3", 80, 1);
    other->script = &answer_100_ms;
    other->script_count = 1;
    submit(&c, &a, 40);
    submit(&c, &b, 40);
    submit(&c, &c_alone, 20);
    client_finish(&c);
    for (uint32_t i = 0; i < 100; i++)
        scenario_expect(&c, i, RINGSEND_OK, 200, 1, false);
    for (uint32_t i = 80; i < 100; i++) /* two of four */
        scenario_expect_ms(&c, i, 100, 20 / 2 * 101 + 300);
    scenario_end(&c);
}

/* The bound on connections to a platform holds for what they go to. */
static void one_bound_for_both(void)
{
    struct client c;

    struct sim_peer *peer =
        begin("the bound of an origin is its pool's", &c,
              &(struct ringsend_options){
                  .connections_max = 8, .connections_per_origin = 2, .requests_max = 40},
              &answer_100_ms, 1);
    submit(&c, &a, 10);
    submit(&c, &b, 10);
    client_finish(&c);
    for (uint32_t i = 0; i < 20; i++) {
        scenario_expect(&c, i, RINGSEND_OK, 200, 1, false);
        scenario_expect_ms(&c, i, 100, 10 * 101 + 10);
    }
    SIM_CHECK(peer->connects == 2, "%u connects", peer->connects);
    scenario_end(&c);
}

/* The proxy is gone: what waits for it fails, each request with its own clocks and tries. */
static void it_cannot_be_reached(void)
{
    struct client c;

    struct sim_peer *peer =
        begin("two origins whose pool cannot be reached", &c,
              &(struct ringsend_options){.requests_max = 20, .tries = 2}, &answer_100_ms, 1);
    peer->connect = CONNECT_HANGS;
    submit(&c, &a, 2);
    submit(&c, &b, 2);
    client_finish(&c);
    for (uint32_t i = 0; i < 4; i++) {
        scenario_expect(&c, i, RINGSEND_E_TIMEOUT_CONNECT, 0, 2, false);
        scenario_expect_ms(&c, i, 20000, 21000);
    }
    scenario_end(&c);
}

/* More origins than the table has room for, one after another: those that nobody asks for make
 * room, and the connection stays. */
static void more_than_the_table_has(void)
{
    static const struct sim_answer at_once = {.status = 200, .body_bytes = 10};
    struct client c;

    struct sim_peer *peer =
        begin("origins of a pool come and go", &c,
              &(struct ringsend_options){.connections_max = 2, .requests_max = 4}, &at_once, 1);
    for (uint32_t i = 0; i < 300; i++) {
        char host[16];
        snprintf(host, sizeof host, "h%u.test", i);
        struct client_ask ask = {.host = host, .port = 80};
        sim_share_pool(&c, &proxy, &ask);
        submit(&c, &ask, 1);
        client_finish(&c);
        scenario_expect(&c, i, RINGSEND_OK, 200, 1, false);
    }
    SIM_CHECK(peer->connects == 1, "%u connects", peer->connects);
    scenario_end(&c);
}

/* One is cancelled while it stands in line for both: the other's turn does not go with it. */
static void a_cancelled_one_is_no_loss(void)
{
    struct client c;

    begin("the place of a cancelled request is the other origin's", &c,
          &(struct ringsend_options){.connections_max = 1, .requests_max = 20}, &answer_100_ms, 1);
    submit(&c, &a, 2);
    submit(&c, &b, 1);
    client_pass(&c, 50 * SIM_MS);
    ringsend_cancel(c.engine, c.requests[1].handle);
    client_finish(&c);
    scenario_expect(&c, 0, RINGSEND_OK, 200, 1, false);
    scenario_expect(&c, 1, RINGSEND_E_CANCELLED, 0, 0, false);
    scenario_expect(&c, 2, RINGSEND_OK, 200, 1, false);
    scenario_expect_ms(&c, 2, 200, 210);
    scenario_end(&c);
}

static const struct scenario_function functions[] = {
    {"pool: one connection for two origins", one_connection_for_both},
    {"pool: turns on one connection", turns_on_one},
    {"pool: turns on three connections", turns_on_three},
    {"pool: a pause is of the origin", a_pause_is_of_the_origin},
    {"pool: one race for two origins", one_race_for_both},
    {"pool: a failed lookup is heard by all", nobody_is_found},
    {"pool: one share of the places", one_share_of_the_places},
    {"pool: one bound for two origins", one_bound_for_both},
    {"pool: out of reach", it_cannot_be_reached},
    {"pool: more origins than the table has", more_than_the_table_has},
    {"pool: a cancelled request", a_cancelled_one_is_no_loss},
};

const struct scenario_function *sim_pool_scenarios(size_t *count)
{
    *count = sizeof functions / sizeof *functions;
    return functions;
}
