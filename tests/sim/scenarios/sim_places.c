/* Scenarios: origins that never answer beside those that do, and who has the places. */
#include "tests/sim/scenarios/sim_scenarios.h"

static const struct sim_answer answer_100_ms = {
    .status = 200, .body_bytes = 10, .delay_ns = 100 * SIM_MS};
static const struct sim_answer never = {.then = THEN_STALL};
static const struct client_ask first = {.host = "10.0.0.1", .port = 80};
static const struct client_ask second = {.host = "10.0.0.2", .port = 80};
static const struct client_ask third = {.host = "10.0.0.3", .port = 80};

static struct sim_peer *peer(const char *host, uint32_t origin, const struct sim_answer *answer)
{
    struct sim_peer *p = sim_peer_new(host, 80, origin);
    p->script = answer;
    p->script_count = 1;
    return p;
}

static void submit(struct client *c, const struct client_ask *ask, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        scenario_submit(c, ask);
}

/* It came first, with more than there are places; the others do as well as if each host that wants
 * places had its part of them: two of six, where one round trip takes 200 ms at most. */
static void the_dead_have_their_share(const char *name, bool hangs)
{
    struct client c;

    struct sim_peer *dead = scenario_begin(
        name, &c, &(struct ringsend_options){.connections_max = 6, .requests_max = 60, .tries = 1},
        &never, 1);
    dead->connect = hangs ? CONNECT_HANGS : CONNECT_ACCEPTED;
    peer("10.0.0.2", 1, &answer_100_ms);
    peer("10.0.0.3", 2, &answer_100_ms);
    submit(&c, &first, 20);
    submit(&c, &second, 20);
    submit(&c, &third, 20);
    client_finish(&c);
    for (uint32_t i = 0; i < 20; i++)
        SIM_CHECK(c.requests[i].error ==
                      (hangs ? RINGSEND_E_TIMEOUT_CONNECT : RINGSEND_E_TIMEOUT_FIRST_BYTE),
                  "request %u: %s", i, ringsend_error_name(c.requests[i].error));
    for (uint32_t i = 20; i < 60; i++) {
        scenario_expect(&c, i, RINGSEND_OK, 200, 1, false);
        scenario_expect_ms(&c, i, 100, 2000);
    }
    SIM_CHECK(scenario_stats(&c).connections_peak == 6, "the peak is %u connections",
              scenario_stats(&c).connections_peak);
    scenario_end(&c);
}

static void the_unreachable_have_their_share(void)
{
    the_dead_have_their_share("an origin that cannot be reached has its share of places", true);
}

static void the_silent_have_their_share(void)
{
    the_dead_have_their_share("an origin that never answers has its share of places", false);
}

/* Where nothing is known of any other, all places are for who is there; also when it does not
 * answer. */
static void alone_it_has_all(void)
{
    struct client c;

    scenario_begin("alone, an origin has all places", &c,
                   &(struct ringsend_options){.connections_max = 6, .requests_max = 60, .tries = 2},
                   &never, 1);
    submit(&c, &first, 6);
    client_finish(&c);
    for (uint32_t i = 0; i < 6; i++)
        scenario_expect_ms(&c, i, 60000, 60300);
    scenario_end(&c);
}

/* Nobody wants the other places while it comes; yet whoever answers finds one at once, then and
 * later. */
static void beside_others_it_leaves_half(void)
{
    struct client c;

    scenario_begin(
        "beside one that answers, one that does not leaves half of the places", &c,
        &(struct ringsend_options){
            .connections_max = 8, .requests_max = 100, .tries = 2, .idle_timeout_ns = 100 * SIM_MS},
        &never, 1);
    peer("10.0.0.2", 1, &answer_100_ms);
    submit(&c, &second, 1);
    client_pass(&c, SIM_S);
    submit(&c, &first, 60);
    uint32_t answered[8];
    for (uint32_t i = 0; i < 8; i++) {
        client_pass(&c, 7ull * SIM_S);
        SIM_CHECK(scenario_stats(&c).connections_open <= 4, "%u connections are open",
                  scenario_stats(&c).connections_open);
        answered[i] = scenario_submit(&c, &second);
        client_pass(&c, SIM_S);
    }
    client_finish(&c);
    for (uint32_t i = 0; i < 8; i++) {
        scenario_expect(&c, answered[i], RINGSEND_OK, 200, 1, false);
        scenario_expect_ms(&c, answered[i], 100, 110);
    }
    scenario_end(&c);
}

/* As many that never answer as there are places: those that answer have half of them. */
static void many_that_never_answer(void)
{
    static const char *const hosts[] = {"10.0.1.1", "10.0.1.2", "10.0.1.3", "10.0.1.4",
                                        "10.0.1.5", "10.0.1.6", "10.0.1.7", "10.0.1.8"};
    struct client c;

    scenario_begin(
        "many origins that never answer leave half of the places", &c,
        &(struct ringsend_options){
            .connections_max = 8, .requests_max = 200, .first_byte_timeout_ns = SIM_S, .tries = 1},
        &answer_100_ms, 1);
    for (uint32_t i = 0; i < 8; i++)
        peer(hosts[i], 1 + i, &never);
    for (uint32_t i = 0; i < 48; i++)
        scenario_submit(&c, &(struct client_ask){.host = hosts[i % 8], .port = 80});
    submit(&c, &first, 100);
    client_finish(&c);
    /* Twice they wait for the clocks, for the second round begins before one has answered; then
     * they have four of the places. */
    for (uint32_t i = 48; i < 148; i++)
        scenario_expect_ms(&c, i, 100, 2000 + 100 / 4 * 110);
    scenario_end(&c);
}

static const struct scenario_function functions[] = {
    {"unreachable origins have their share", the_unreachable_have_their_share},
    {"silent origins have their share", the_silent_have_their_share},
    {"alone, an origin has all places", alone_it_has_all},
    {"mute origins leave half of the places", beside_others_it_leaves_half},
    {"many origins that never answer", many_that_never_answer},
};

const struct scenario_function *sim_places_scenarios(size_t *count)
{
    *count = sizeof functions / sizeof *functions;
    return functions;
}
