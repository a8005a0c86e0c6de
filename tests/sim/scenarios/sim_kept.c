/* Servers that close behind an answer without a word, and what is learned of them (engine/kept.c). */
#include "tests/sim/scenarios/sim_scenarios.h"

static const struct client_ask post = {
    .method = "POST", .host = "10.0.0.1", .port = 80, .body_bytes = 30, .flags = RINGSEND_HAS_BODY};
static const struct sim_answer keeps = {.status = 200, .body_bytes = 20};
static const struct sim_answer closes = {
    .status = 200, .body_bytes = 20, .then = THEN_END, .then_ns = SIM_MS};

static struct sim_peer *send_posts(const char *name, struct client *c,
                                   const struct sim_answer *script, uint32_t script_count,
                                   uint32_t count)
{
    struct sim_peer *peer = scenario_begin(
        name, c, &(struct ringsend_options){.connections_max = 8, .requests_max = 400}, script,
        script_count);

    for (uint32_t i = 0; i < count; i++)
        scenario_submit(c, &post);
    client_finish(c);
    for (uint32_t i = 0; i < count; i++)
        scenario_expect(c, i, RINGSEND_OK, 200, 1, false);
    return peer;
}

static void silent_closers_cost_no_request(void)
{
    struct client c;
    struct sim_peer *peer = send_posts("silent closers cost no request", &c, &closes, 1, 200);

    SIM_CHECK(peer->connects == 200, "%u connects", peer->connects);
    scenario_end(&c);
}

static void those_that_keep_are_kept(void)
{
    struct client c;
    struct sim_peer *peer = send_posts("those that keep are kept", &c, &keeps, 1, 200);

    SIM_CHECK(peer->connects == 8, "%u connects", peer->connects);
    scenario_end(&c);
}

/* Restarted, say: after the first eight answers it keeps. */
static void it_is_forgotten(void)
{
    struct client c;
    struct sim_answer script[9] = {closes, closes, closes, closes, closes,
                                   closes, closes, closes, keeps};
    struct sim_peer *peer = send_posts("it is forgotten", &c, script, 9, 200);

    for (uint32_t i = 0; i < 20; i++) {
        client_pass(&c, 50 * SIM_MS);
        scenario_submit(&c, &post);
        client_finish(&c);
    }
    uint32_t before = peer->connects;
    for (uint32_t i = 0; i < 100; i++)
        scenario_submit(&c, &post);
    client_finish(&c);
    SIM_CHECK(peer->connects - before <= 8, "%u connects", peer->connects - before);
    scenario_end(&c);
}

static const struct scenario_function functions[] = {
    {"silent closers cost no request", silent_closers_cost_no_request},
    {"those that keep are kept", those_that_keep_are_kept},
    {"it is forgotten", it_is_forgotten},
};

const struct scenario_function *sim_kept_scenarios(size_t *count)
{
    *count = sizeof functions / sizeof *functions;
    return functions;
}
