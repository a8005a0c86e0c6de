/* Scenarios of hosts with several addresses, at some of which handshakes fail. Each begins a world
 * of its own and aborts on a failure, with its name (sim.c). */
#include "tests/sim/scenarios/sim_scenarios.h"

static const struct client_ask post = {.method = "POST",
                                       .host = "many.test",
                                       .port = 80,
                                       .https = true,
                                       .body_bytes = 30,
                                       .flags = RINGSEND_HAS_BODY};
static const struct sim_answer answer_ok = {.status = 200, .body_bytes = 20};

/* One of several addresses that does not speak our TLS costs connections, and no record, nor a try
 * of one; and it is not asked again. A certificate that is wrong is final wherever it stands. */
static void strange_addresses(void)
{
    static const enum sim_greeting strange[] = {GREETING_OLD, GREETING_HTTP, GREETING_ENDS,
                                                GREETING_CUT};
    static const char *const addresses[] = {"fd00::98", "fd00::99", "10.0.0.9"};
    enum { ADDRESSES = 3, CASES = 4 * ADDRESSES };

    for (uint32_t i = 0; i < CASES; i++) {
        struct client c;
        struct sim_peer *peers[ADDRESSES];
        struct sim_name *name;
        uint32_t good = i % ADDRESSES, connects = 0;
        scenario_begin_tls("TLS: an address that speaks another version", &c,
                           &(struct ringsend_options){.connections_max = 4, .tries = 1}, &answer_ok,
                           1);
        name = sim_name_new("many.test");
        for (uint32_t k = 0; k < ADDRESSES; k++) {
            peers[k] = sim_peer_new(addresses[k], 80, 0);
            peers[k]->script = &answer_ok;
            peers[k]->script_count = 1;
            peers[k]->certificate = CERTIFICATE_GOOD;
            peers[k]->greeting = k == good ? GREETING_GOOD : strange[i / ADDRESSES];
            sim_name_address(name, addresses[k]);
        }
        sim.random = i;
        for (uint32_t k = 0; k < 8; k++)
            scenario_submit(&c, &post);
        client_finish(&c);
        for (uint32_t k = 0; k < 8; k++) {
            scenario_expect(&c, k, RINGSEND_OK, 200, 1, false);
            scenario_expect_deliveries(&c, k, 1);
        }
        for (uint32_t k = 0; k < ADDRESSES; k++)
            connects += k == good ? 0 : peers[k]->connects;
        /* The second library asks, too, where the alert is one that it may cure. */
        SIM_CHECK(connects <= 3 * 4, "%u connects to addresses that fail", connects);
        peers[good]->greeting = strange[i / ADDRESSES];
        client_pass(&c, 300ull * SIM_S);
        uint32_t last = scenario_submit(&c, &post);
        client_finish(&c);
        SIM_CHECK(!c.requests[last].ok, "all fail, and the request is answered");
        scenario_expect_deliveries(&c, last, 0);
        scenario_end(&c);
    }
}

static void wrong_certificate_is_final(void)
{
    struct client c;
    struct sim_name *name;
    struct sim_peer *good =
        scenario_begin_tls("TLS: a wrong certificate at one of several addresses is final", &c,
                           &(struct ringsend_options){.tries = 3}, &answer_ok, 1);
    struct sim_peer *bad = sim_peer_new("fd00::99", 80, 0);
    bad->certificate = CERTIFICATE_STRANGER;
    name = sim_name_new("many.test");
    sim_name_address(name, "fd00::99");
    sim_name_address(name, "10.0.0.1");
    scenario_submit(&c, &post);
    client_finish(&c);
    scenario_expect(&c, 0, RINGSEND_E_TLS_UNKNOWN_CA, 0, 1, false);
    SIM_CHECK(bad->connects == 1 && good->connects == 0, "%u and %u connects", bad->connects,
              good->connects);
    scenario_end(&c);
}

static const struct scenario_function functions[] = {
    {"TLS: an address that speaks another version", strange_addresses},
    {"TLS: a wrong certificate at one of several addresses is final", wrong_certificate_is_final},
};

const struct scenario_function *sim_stranger_scenarios(size_t *count)
{
    *count = sizeof functions / sizeof *functions;
    return functions;
}
