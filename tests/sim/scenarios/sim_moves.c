/* Scenarios of servers that the first library for TLS cannot speak to, and the second one can (or
 * neither): sim_second.c stands for it. What is refused before a byte of a request could leave is
 * asked again at once: no try, one connection more, remembered for the origin. Each begins a world
 * of its own and aborts on a failure, with its name (sim.c). */
#include "tests/sim/scenarios/sim_scenarios.h"

#include <string.h>

static const struct client_ask post = {.method = "POST",
                                       .host = "10.0.0.1",
                                       .port = 80,
                                       .https = true,
                                       .body_bytes = 30,
                                       .flags = RINGSEND_HAS_BODY};
static const struct sim_answer answer_ok = {.status = 200, .body_bytes = 20};

/* protocol_version, insufficient_security, handshake_failure */
static const uint8_t alerts[] = {70, 71, 40};

enum { ALERTS = sizeof alerts };

/* Each request once, at its first try; only what was opened before the first answer came in has
 * been refused; and what comes later, over new connections, is not refused again. */
static void asked_again(void)
{
    for (uint32_t i = 0; i < ALERTS * 4; i++) {
        uint32_t connections = 1 + i / ALERTS;
        struct client c;
        char text[200] = "";
        struct sim_peer *peer = scenario_begin_tls(
            "TLS: the second library is asked", &c,
            &(struct ringsend_options){.connections_max = connections, .tries = 1}, &answer_ok, 1);
        peer->greeting = GREETING_MOVED;
        peer->alert = alerts[i % ALERTS];
        sim.random = i;
        for (uint32_t k = 0; k < 9; k++)
            scenario_submit(&c, &post);
        client_finish(&c);
        SIM_CHECK(peer->refused >= 1 && peer->refused <= connections, "%u refused", peer->refused);
        SIM_CHECK(peer->connects <= connections + peer->refused, "%u connects", peer->connects);
        uint32_t refused = peer->refused;
        client_pass(&c, 300ull * SIM_S);
        for (uint32_t k = 0; k < 3; k++)
            scenario_submit(&c, &post);
        client_finish(&c);
        for (uint32_t k = 0; k < 12; k++) {
            scenario_expect(&c, k, RINGSEND_OK, 200, 1, false);
            scenario_expect_deliveries(&c, k, 1);
        }
        SIM_CHECK(peer->refused == refused, "it was refused again");
        SIM_CHECK(ringsend_tls_move(c.engine, 0, text, sizeof text) > 0 && strstr(text, "refused"),
                  "the move is told as \"%s\"", text);
        SIM_CHECK(ringsend_tls_move(c.engine, 1, text, sizeof text) == 0, "it is told twice");
        scenario_end(&c);
    }
}

/* A server comes back from a restart with another version, and again with the old one: what it had
 * resumed before is refused, and nothing of that costs a try. */
static void moves_while_it_runs(void)
{
    for (uint32_t i = 0; i < ALERTS; i++) {
        struct client c;
        struct sim_peer *peer = scenario_begin_tls(
            "TLS: a server changes its version while it runs", &c,
            &(struct ringsend_options){.connections_max = 3, .tries = 1}, &answer_ok, 1);
        peer->alert = alerts[i];
        sim.random = i;
        for (uint32_t k = 0; k < 12; k++) {
            if (k % 4 == 0) {
                client_finish(&c);
                client_pass(&c, 300ull * SIM_S);
                peer->greeting = k == 4 ? GREETING_MOVED : GREETING_GOOD;
            }
            scenario_submit(&c, &post);
        }
        client_finish(&c);
        for (uint32_t k = 0; k < 12; k++) {
            scenario_expect(&c, k, RINGSEND_OK, 200, 1, false);
            scenario_expect_deliveries(&c, k, 1);
        }
        SIM_CHECK(peer->refused >= 1 && peer->refused <= 3, "%u refused", peer->refused);
        SIM_CHECK(peer->resumed > 0, "nothing was resumed");
        scenario_end(&c);
    }
}

/* Two connections, and that is final though there are tries left. */
static void refused_twice(void)
{
    struct client c;
    struct sim_peer *peer =
        scenario_begin_tls("TLS: the second library is refused, too", &c,
                           &(struct ringsend_options){.tries = 3}, &answer_ok, 1);
    peer->greeting = GREETING_OLD;
    scenario_submit(&c, &post);
    client_finish(&c);
    scenario_expect(&c, 0, RINGSEND_E_TLS_VERSION, 0, 1, false);
    scenario_expect_deliveries(&c, 0, 0);
    SIM_CHECK(peer->connects == 2, "%u connects", peer->connects);
    scenario_submit(&c, &post);
    client_finish(&c);
    scenario_expect(&c, 1, RINGSEND_E_TLS_VERSION, 0, 1, false);
    SIM_CHECK(peer->connects == 3, "%u connects", peer->connects);
    scenario_end(&c);
}

/* One of three addresses speaks what the first library has not; or one alone speaks that. */
static void among_others(void)
{
    static const char *const addresses[] = {"fd00::98", "fd00::99", "10.0.0.9"};
    struct client_ask ask = post;
    enum { ADDRESSES = 3 };

    ask.host = "many.test";
    for (uint32_t i = 0; i < 2 * ADDRESSES; i++) {
        struct client c;
        struct sim_peer *peers[ADDRESSES];
        struct sim_name *name;
        scenario_begin_tls("TLS: the second library at one of several addresses", &c,
                           &(struct ringsend_options){.connections_max = 4, .tries = 1}, &answer_ok,
                           1);
        name = sim_name_new("many.test");
        for (uint32_t k = 0; k < ADDRESSES; k++) {
            peers[k] = sim_peer_new(addresses[k], 80, 0);
            peers[k]->script = &answer_ok;
            peers[k]->script_count = 1;
            peers[k]->certificate = CERTIFICATE_GOOD;
            peers[k]->alert = 70;
            peers[k]->greeting = k == i % ADDRESSES   ? GREETING_MOVED
                                 : i / ADDRESSES == 0 ? GREETING_GOOD
                                                      : GREETING_OLD;
            sim_name_address(name, addresses[k]);
        }
        sim.random = i;
        for (uint32_t k = 0; k < 8; k++)
            scenario_submit(&c, &ask);
        client_finish(&c);
        for (uint32_t k = 0; k < 8; k++) {
            scenario_expect(&c, k, RINGSEND_OK, 200, 1, false);
            scenario_expect_deliveries(&c, k, 1);
        }
        scenario_end(&c);
    }
}

/* At each moment of both handshakes. The checks of every result do the judging. */
static void ends_while_it_is_asked(void)
{
    uint32_t moved = 0, cut = 0;
    for (uint32_t i = 0; i < 60 * EARLY_ENDS; i++) {
        uint64_t at_ns = (i / EARLY_ENDS) * SIM_MS;
        enum early_end end = i % EARLY_ENDS;
        struct client c;
        struct sim_peer *peer =
            scenario_begin_tls("TLS: an early end while the second library is asked", &c,
                               &(struct ringsend_options){.connections_max = 2}, &answer_ok, 1);
        peer->greeting = GREETING_MOVED;
        peer->alert = 70;
        peer->greeting_ns = 10 * SIM_MS;
        sim.random = i;
        sim.faults.worker_ns = 20 * SIM_MS;
        scenario_until(&c, post, end, at_ns);
        scenario_cut(&c, end);
        moved += peer->refused > 0;
        for (uint32_t k = 0; k < EARLY_REQUESTS && end != END_FREE; k++) {
            cut += !c.requests[k].ok;
            scenario_expect_deliveries(&c, k, c.requests[k].ok);
        }
        scenario_end(&c);
    }
    SIM_CHECK(moved > 90 && cut > 60, "only %u moved and %u were cut", moved, cut);
}

static void small_load(struct client *c)
{
    struct sim_peer *peer = sim_peer_new("10.0.0.1", 80, 0);
    peer->certificate = CERTIFICATE_GOOD;
    peer->script = &answer_ok;
    peer->script_count = 1;
    peer->greeting = GREETING_MOVED;
    peer->alert = 70;
    sim.faults.latency_ns = 100 * SIM_US;
    sim.faults.worker_ns = 5 * SIM_MS;
    if (!client_try_begin(c, &(struct ringsend_options){
                                 .connections_max = 2, .seed = 1, .ca_file = sim_tls_ca_file()}))
        return;
    for (int k = 0; k < 3; k++)
        scenario_submit(c, &post);
}

static void torture(void)
{
    scenario_torture("TLS: torture of the second library", small_load, 20);
}

static void free_at_any_time(void)
{
    scenario_free_at_any_time("TLS: free while the second library is asked", small_load);
}

static void break_at_any_time(void)
{
    scenario_break_at_any_time("TLS: the ring breaks while the second library is asked",
                               small_load);
}

static const struct scenario_function functions[] = {
    {"TLS: the second library is asked", asked_again},
    {"TLS: a server changes its version while it runs", moves_while_it_runs},
    {"TLS: the second library is refused, too", refused_twice},
    {"TLS: the second library at one of several addresses", among_others},
    {"TLS: an early end while the second library is asked", ends_while_it_is_asked},
    {"TLS: torture of the second library", torture},
    {"TLS: free while the second library is asked", free_at_any_time},
    {"TLS: the ring breaks while the second library is asked", break_at_any_time},
};

const struct scenario_function *sim_move_scenarios(size_t *count)
{
    *count = sizeof functions / sizeof *functions;
    return functions;
}
