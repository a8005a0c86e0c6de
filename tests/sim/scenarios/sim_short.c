/* This machine is out of something that a connect needs: local ports, descriptors, memory. That is
 * a limit like others: what wants a connection waits for it, and uses up no try. */
#include "tests/sim/scenarios/sim_scenarios.h"

#include <errno.h>

static const struct client_ask post = {
    .method = "POST", .host = "10.0.0.1", .port = 80, .body_bytes = 30, .flags = RINGSEND_HAS_BODY};
static const struct sim_answer answer_100_ms = {
    .status = 200, .body_bytes = 20, .delay_ns = 100 * SIM_MS};
/* Each needs a connection of its own. */
static const struct sim_answer answer_and_close = {.status = 200,
                                                   .body_bytes = 20,
                                                   .headers = "Connection: close\r\n",
                                                   .delay_ns = 100 * SIM_MS,
                                                   .then = THEN_END};

/* Eight places, two ports. */
static void two_ports(const char *name, const struct sim_answer *answer, uint32_t connects_most)
{
    struct client c;
    struct sim_peer *peer = scenario_begin(
        name, &c, &(struct ringsend_options){.connections_max = 8, .requests_max = 40, .tries = 1},
        answer, 1);

    peer->ports = 2;
    for (int i = 0; i < 20; i++)
        scenario_submit(&c, &post);
    client_finish(&c);
    for (uint32_t i = 0; i < 20; i++)
        scenario_expect(&c, i, RINGSEND_OK, 200, 1, false);
    SIM_CHECK(peer->connects <= connects_most, "%u connects", peer->connects);
    SIM_CHECK(scenario_stats(&c).connects_put_off >= 6, "%llu connects were put off",
              (unsigned long long)scenario_stats(&c).connects_put_off);
    SIM_CHECK(scenario_stats(&c).enters < 500, "%llu enters: it does not wait",
              (unsigned long long)scenario_stats(&c).enters);
    scenario_end(&c);
}

static void who_finds_no_port_waits(void)
{
    two_ports("who finds no port waits", &answer_100_ms, 30);
    two_ports("who finds no port waits, one request each", &answer_and_close, 100);
}

/* Nothing but the record's deadline ends it, and the cause is told. */
static void no_clock_runs_without_ports(void)
{
    struct client c;
    struct sim_peer *peer = scenario_begin(
        "no clock runs without ports", &c,
        &(struct ringsend_options){.connect_timeout_ns = SIM_S, .attempt_timeout_ns = SIM_S},
        &answer_100_ms, 1);

    peer->connect = CONNECT_FAILS;
    peer->connect_error = EADDRNOTAVAIL;
    scenario_submit(&c, &post);
    client_pass(&c, 60ull * SIM_S);
    SIM_CHECK(!c.requests[0].done, "it did not wait");
    SIM_CHECK(peer->connects > 60 && peer->connects < 200, "%u connects in a minute",
              peer->connects);
    peer->connect = CONNECT_ACCEPTED;
    client_finish(&c);
    scenario_expect(&c, 0, RINGSEND_OK, 200, 1, false);
    scenario_end(&c);
}

/* No address to talk from is another matter, and for ever. */
static void no_source_is_an_error(void)
{
    struct client c;
    struct sim_peer *peer = scenario_begin("no source is an error", &c,
                                           &(struct ringsend_options){0}, &answer_100_ms, 1);

    peer->no_source = true;
    scenario_submit(&c, &post);
    client_finish(&c);
    scenario_expect(&c, 0, RINGSEND_E_CONNECT_NO_PORT, 0, 4, false);
    scenario_end(&c);
}

static void a_race_without_ports(void)
{
    struct client_ask ask = post;
    struct client c;
    struct sim_peer *first = scenario_begin(
        "a race without ports", &c, &(struct ringsend_options){.tries = 1}, &answer_100_ms, 1);
    struct sim_peer *second = sim_peer_new("10.0.0.2", 80, 0);

    scenario_name("two.test", "10.0.0.1", "10.0.0.2", NULL);
    ask.host = "two.test";
    first->no_source = true;
    second->connect = CONNECT_FAILS;
    second->connect_error = EADDRNOTAVAIL;
    second->script = &answer_100_ms;
    second->script_count = 1;
    scenario_submit(&c, &ask);
    client_pass(&c, 10ull * SIM_S);
    SIM_CHECK(!c.requests[0].done, "it did not wait");
    second->connect = CONNECT_ACCEPTED;
    client_finish(&c);
    scenario_expect(&c, 0, RINGSEND_OK, 200, 1, false);
    scenario_end(&c);
}

static void cancelled_without_ports(void)
{
    struct client c;
    struct sim_peer *peer = scenario_begin("cancelled without ports", &c,
                                           &(struct ringsend_options){0}, &answer_100_ms, 1);

    peer->connect = CONNECT_FAILS;
    peer->connect_error = ENFILE;
    scenario_submit(&c, &post);
    scenario_submit(&c, &post);
    client_pass(&c, SIM_S);
    ringsend_cancel(c.engine, c.requests[0].handle);
    client_pass(&c, SIM_S);
    ringsend_stop(c.engine);
    client_finish(&c);
    scenario_expect(&c, 0, RINGSEND_E_CANCELLED, 0, 1, false);
    scenario_expect(&c, 1, RINGSEND_E_CONNECT_FAILED, 0, 1, false);
    SIM_CHECK(c.requests[1].cut_short, "that it was stopped is not told");
    scenario_end(&c);
}

static const struct scenario_function functions[] = {
    {"who finds no port waits", who_finds_no_port_waits},
    {"no clock runs without ports", no_clock_runs_without_ports},
    {"no source is an error", no_source_is_an_error},
    {"a race without ports", a_race_without_ports},
    {"cancelled without ports", cancelled_without_ports},
};

const struct scenario_function *sim_short_scenarios(size_t *count)
{
    *count = sizeof functions / sizeof *functions;
    return functions;
}
