/* Scenarios: connects that get no answer make way for others by turns, and each record has its
 * clocks' whole time all the same. */
#include "tests/sim/scenarios/sim_scenarios.h"

#include <errno.h>
#include <stdio.h>

static const struct sim_answer answer_100_ms = {
    .status = 200, .body_bytes = 10, .delay_ns = 100 * SIM_MS};
static const struct client_ask healthy = {.host = "10.0.0.1", .port = 80};

enum { DEAD = 20 };

struct dead {
    char host[16];
    struct sim_peer *peer;
    uint32_t request;
};

/* One request to each of so many hosts that do not answer connects, ahead of all others. */
static void submit_dead(struct client *c, struct dead *dead, uint32_t count,
                        const struct client_ask *as)
{
    for (uint32_t i = 0; i < count; i++) {
        struct client_ask ask = *as;
        snprintf(dead[i].host, sizeof dead[i].host, "10.0.1.%u", i + 1);
        dead[i].peer = sim_peer_new(dead[i].host, 80, 1 + i % 8);
        dead[i].peer->connect = CONNECT_HANGS;
        ask.host = dead[i].host;
        ask.port = 80;
        dead[i].request = scenario_submit(c, &ask);
    }
}

static uint32_t submit_healthy(struct client *c, uint32_t count)
{
    uint32_t first = scenario_submit(c, &healthy);
    for (uint32_t i = 1; i < count; i++)
        scenario_submit(c, &healthy);
    return first;
}

/* Without the waiting, the clock's length. */
static void expect_tried_for(const struct client *c, uint32_t index, uint64_t ms)
{
    const struct ringsend_times *times = &c->requests[index].times;
    uint64_t tried_ns = times->total_ns - times->queue_ns;

    SIM_CHECK(tried_ns >= ms * SIM_MS && tried_ns <= (ms + 20) * SIM_MS,
              "request %u was tried for %.3f ms", index, (double)tried_ns / 1e6);
}

static void dead_hosts_make_way(void)
{
    struct client c;
    struct dead dead[DEAD];

    scenario_begin(
        "dead hosts make way for others", &c,
        &(struct ringsend_options){.requests_max = 500, .connections_max = 8, .tries = 1},
        &answer_100_ms, 1);
    submit_dead(&c, dead, DEAD, &(struct client_ask){.method = "POST"});
    uint32_t first = submit_healthy(&c, 80);
    client_finish(&c);
    /* Three rounds of the shortest turn go by; half of eight places answer ten requests a second
     * each. */
    for (uint32_t i = first; i < first + 80; i++) {
        scenario_expect(&c, i, RINGSEND_OK, 200, 1, false);
        scenario_expect_ms(&c, i, 100, 3000 + 80 / 4 * 110);
    }
    for (uint32_t i = 0; i < DEAD; i++) {
        scenario_expect(&c, dead[i].request, RINGSEND_E_TIMEOUT_CONNECT, 0, 1, false);
        expect_tried_for(&c, dead[i].request, 10000);
        SIM_CHECK(dead[i].peer->connects <= 5, "%u connects", dead[i].peer->connects);
    }
    SIM_CHECK(scenario_stats(&c).attempts == 80 + DEAD, "%llu attempts",
              (unsigned long long)scenario_stats(&c).attempts);
    scenario_end(&c);
}

static void one_place(void)
{
    struct client c;
    struct dead dead[3];

    scenario_begin(
        "dead hosts make way where there is one place", &c,
        &(struct ringsend_options){.requests_max = 500, .connections_max = 1, .tries = 1},
        &answer_100_ms, 1);
    submit_dead(&c, dead, 3, &(struct client_ask){0});
    uint32_t first = submit_healthy(&c, 1);
    client_finish(&c);
    scenario_expect(&c, first, RINGSEND_OK, 200, 1, false);
    scenario_expect_ms(&c, first, 100, 3200);
    for (uint32_t i = 0; i < 3; i++) {
        scenario_expect(&c, dead[i].request, RINGSEND_E_TIMEOUT_CONNECT, 0, 1, false);
        expect_tried_for(&c, dead[i].request, 10000);
    }
    scenario_end(&c);
}

/* Nor from oneself. */
static void nothing_is_taken_for_nobody(void)
{
    struct client c;
    struct dead dead[6];

    scenario_begin(
        "where nobody waits nothing is taken back", &c,
        &(struct ringsend_options){.requests_max = 500, .connections_max = 6, .tries = 1},
        &answer_100_ms, 1);
    submit_dead(&c, dead, 6, &(struct client_ask){0});
    client_finish(&c);
    for (uint32_t i = 0; i < 6; i++) {
        scenario_expect_ms(&c, dead[i].request, 10000, 10010);
        SIM_CHECK(dead[i].peer->connects == 1, "%u connects", dead[i].peer->connects);
    }
    for (uint32_t i = 0; i < 12; i++)
        scenario_submit(&c, &(struct client_ask){.host = dead[0].host, .port = 80});
    client_finish(&c);
    for (uint32_t i = 6; i < 18; i++)
        scenario_expect(&c, i, RINGSEND_E_TIMEOUT_CONNECT, 0, 1, false);
    SIM_CHECK(dead[0].peer->connects == 13, "%u connects", dead[0].peer->connects);
    scenario_end(&c);
}

/* More of them than there are places, and nobody else: they have turns, and all together no more
 * time. */
static void all_are_dead(void)
{
    struct client c;
    struct dead dead[DEAD];

    scenario_begin(
        "dead hosts alone have turns", &c,
        &(struct ringsend_options){.requests_max = 500, .connections_max = 10, .tries = 1},
        &answer_100_ms, 1);
    submit_dead(&c, dead, DEAD, &(struct client_ask){0});
    client_finish(&c);
    for (uint32_t i = 0; i < DEAD; i++) {
        scenario_expect(&c, dead[i].request, RINGSEND_E_TIMEOUT_CONNECT, 0, 1, false);
        scenario_expect_ms(&c, dead[i].request, 10000, 20200);
        expect_tried_for(&c, dead[i].request, 10000);
        SIM_CHECK(dead[i].peer->connects <= 5, "%u connects", dead[i].peer->connects);
    }
    scenario_end(&c);
}

/* As slow as by satellite, all of them or one beside others: it has its turn before it must make
 * way. */
static void slow_hosts_have_their_turn(void)
{
    struct client c;
    struct dead slow[DEAD];

    scenario_begin(
        "slow hosts have their turn", &c,
        &(struct ringsend_options){.requests_max = 500, .connections_max = 4, .tries = 1},
        &answer_100_ms, 1);
    submit_dead(&c, slow, DEAD, &(struct client_ask){0});
    for (uint32_t i = 0; i < DEAD; i++) {
        slow[i].peer->connect = CONNECT_ACCEPTED;
        slow[i].peer->connect_ns = 650 * SIM_MS;
    }
    client_finish(&c);
    for (uint32_t i = 0; i < DEAD; i++) {
        SIM_CHECK(slow[i].peer->connects == 1, "%u connects", slow[i].peer->connects);
        scenario_expect_ms(&c, slow[i].request, 600, DEAD / 4 * 850);
    }
    scenario_end(&c);
}

static void one_slow_host_beside_fast_ones(void)
{
    struct client c;
    struct dead slow[1];

    scenario_begin(
        "a slow host beside fast ones", &c,
        &(struct ringsend_options){.requests_max = 500, .connections_max = 2, .tries = 1},
        &answer_100_ms, 1);
    /* Connects take next to nothing here, for all that is known. */
    for (uint32_t i = 0; i < 40; i++) {
        scenario_submit(&c, &(struct client_ask){.host = "10.0.0.1", .port = 80, .close = true});
        client_finish(&c);
    }
    submit_dead(&c, slow, 1, &(struct client_ask){.close = true});
    slow[0].peer->connect = CONNECT_ACCEPTED;
    slow[0].peer->connect_ns = 650 * SIM_MS;
    for (uint32_t i = 0; i < 9; i++)
        scenario_submit(&c, &(struct client_ask){.host = slow[0].host, .port = 80, .close = true});
    submit_healthy(&c, 400);
    client_finish(&c);
    for (uint32_t i = 40; i < 450; i++)
        scenario_expect(&c, i, RINGSEND_OK, 200, 1, false);
    /* Once it is known to be slow, it is left alone. */
    SIM_CHECK(slow[0].peer->connects <= 10 + 2, "%u connects", slow[0].peer->connects);
    scenario_end(&c);
}

static void it_comes_alive(void)
{
    struct client c;
    struct dead dead[DEAD];

    scenario_begin(
        "dead hosts that come alive", &c,
        &(struct ringsend_options){.requests_max = 500, .connections_max = 8, .tries = 1},
        &answer_100_ms, 1);
    submit_dead(&c, dead, DEAD, &(struct client_ask){.method = "POST"});
    uint32_t first = submit_healthy(&c, 10);
    client_pass(&c, 4ull * SIM_S);
    for (uint32_t i = 0; i < DEAD; i++) {
        dead[i].peer->connect = CONNECT_ACCEPTED;
        dead[i].peer->script = &answer_100_ms;
        dead[i].peer->script_count = 1;
    }
    client_finish(&c);
    for (uint32_t i = 0; i < 10; i++)
        scenario_expect_ms(&c, first + i, 100, 3200);
    uint32_t alive = 0;
    for (uint32_t i = 0; i < DEAD; i++) {
        /* A connect that nobody wants the place of hangs on, for nothing is repeated here. */
        if (dead[i].peer->last_connect_ns - sim.began_ns < 4ull * SIM_S)
            continue;
        alive++;
        scenario_expect(&c, dead[i].request, RINGSEND_OK, 200, 1, false);
        scenario_expect_ms(&c, dead[i].request, 4000, 8000);
    }
    SIM_CHECK(alive >= DEAD - 4, "%u", alive);
    scenario_end(&c);
}

/* TCP is accepted, and then nothing is said. */
static void handshakes_that_hang(void)
{
    struct client c;
    struct dead dead[DEAD];

    scenario_begin("TLS handshakes that hang make way for others", &c,
                   &(struct ringsend_options){.requests_max = 500,
                                              .connections_max = 8,
                                              .tries = 1,
                                              .handshake_timeout_ns = 10ull * SIM_S},
                   &answer_100_ms, 1);
    submit_dead(&c, dead, DEAD, &(struct client_ask){.method = "POST", .https = true});
    for (uint32_t i = 0; i < DEAD; i++) {
        dead[i].peer->connect = CONNECT_ACCEPTED;
        dead[i].peer->greeting = GREETING_NONE;
        dead[i].peer->certificate = CERTIFICATE_GOOD;
    }
    uint32_t first = submit_healthy(&c, 80);
    client_finish(&c);
    for (uint32_t i = first; i < first + 80; i++) {
        scenario_expect(&c, i, RINGSEND_OK, 200, 1, false);
        scenario_expect_ms(&c, i, 100, 3300 + 80 / 4 * 110);
    }
    for (uint32_t i = 0; i < DEAD; i++) {
        scenario_expect(&c, dead[i].request, RINGSEND_E_TIMEOUT_HANDSHAKE, 0, 1, false);
        expect_tried_for(&c, dead[i].request, 10000);
    }
    scenario_end(&c);
}

/* Clocks above the connect's stand meanwhile as well, but for the record's own. */
static void other_clocks(void)
{
    struct client c;
    struct dead dead[DEAD];

    scenario_begin(
        "the attempt's clock stands between turns", &c,
        &(struct ringsend_options){.requests_max = 500, .connections_max = 8, .tries = 1},
        &answer_100_ms, 1);
    submit_dead(&c, dead, DEAD, &(struct client_ask){.attempt_timeout_ns = 6ull * SIM_S});
    for (uint32_t i = 0; i < 4; i++) {
        struct client_ask ask = {
            .host = dead[i].host, .port = 80, .deadline_ns = (2500 + 500 * i) * SIM_MS};
        scenario_submit(&c, &ask);
    }
    submit_healthy(&c, 10);
    client_finish(&c);
    for (uint32_t i = 0; i < DEAD; i++) {
        scenario_expect(&c, dead[i].request, RINGSEND_E_TIMEOUT_ATTEMPT, 0, 1, false);
        expect_tried_for(&c, dead[i].request, 6000);
    }
    for (uint32_t i = 0; i < 4; i++) {
        SIM_CHECK(c.requests[DEAD + i].error == RINGSEND_E_TIMEOUT_RECORD, "%s",
                  ringsend_error_name(c.requests[DEAD + i].error));
        scenario_expect_ms(&c, DEAD + i, 2500 + 500 * i, 2510 + 500 * i);
    }
    scenario_end(&c);
}

/* While it waits for its next turn. */
static void ends_between_turns(void)
{
    struct client c;
    struct dead dead[4];

    scenario_begin(
        "the end of a request between its turns", &c,
        &(struct ringsend_options){.requests_max = 500, .connections_max = 1, .tries = 3},
        &answer_100_ms, 1);
    submit_dead(&c, dead, 4, &(struct client_ask){.method = "POST", .deadline_ns = 3ull * SIM_S});
    client_pass(&c, 2500ull * SIM_MS);
    SIM_CHECK(ringsend_cancel(c.engine, c.requests[dead[0].request].handle) == 0, "no cancel");
    client_pass(&c, SIM_S);
    scenario_expect(&c, dead[0].request, RINGSEND_E_CANCELLED, 0, 1, false);
    scenario_expect(&c, dead[1].request, RINGSEND_E_TIMEOUT_RECORD, 0, 1, false);
    scenario_expect_ms(&c, dead[1].request, 3000, 3010);
    uint32_t stopped = c.count;
    for (uint32_t i = 0; i < 4; i++)
        scenario_submit(&c, &(struct client_ask){.host = dead[i].host, .port = 80});
    client_pass(&c, 2500ull * SIM_MS);
    ringsend_stop(c.engine);
    client_finish(&c);
    scenario_expect(&c, stopped, RINGSEND_E_STOPPED, 0, 1, false);
    SIM_CHECK(c.requests[stopped].cut_short, "it is not said to be cut short");
    scenario_end(&c);
}

/* Each with two addresses, neither of which answers: both are tried in each round. */
static void races_have_turns(void)
{
    struct client c;
    struct sim_peer *peers[8];
    char names[4][16], first[16], second[16];

    scenario_begin(
        "races make way for others", &c,
        &(struct ringsend_options){.requests_max = 500, .connections_max = 4, .tries = 1},
        &answer_100_ms, 1);
    for (uint32_t i = 0; i < 4; i++) {
        snprintf(names[i], sizeof names[i], "dead%u.test", i);
        snprintf(first, sizeof first, "fd00::%u", i + 1);
        snprintf(second, sizeof second, "10.0.1.%u", i + 1);
        scenario_name(names[i], first, second, NULL);
        peers[i] = sim_peer_new(first, 80, 1 + i);
        peers[4 + i] = sim_peer_new(second, 80, 1 + i);
        peers[i]->connect = peers[4 + i]->connect = CONNECT_HANGS;
        scenario_submit(&c, &(struct client_ask){.host = names[i], .port = 80});
    }
    uint32_t healthy_one = submit_healthy(&c, 10);
    client_finish(&c);
    for (uint32_t i = 0; i < 10; i++)
        scenario_expect_ms(&c, healthy_one + i, 100, 4000);
    for (uint32_t i = 0; i < 4; i++) {
        scenario_expect_ms(&c, i, 10000, 40000);
        scenario_expect(&c, i, RINGSEND_E_TIMEOUT_CONNECT, 0, 1, false);
        SIM_CHECK(peers[i]->connects >= 2 && peers[4 + i]->connects >= 2, "%u and %u connects",
                  peers[i]->connects, peers[4 + i]->connects);
    }
    scenario_end(&c);
}

/* Two that answer, two that do not, four places: kept connections of one of the latter, or answers
 * on their way to it, do not take the other's part. */
static void only_silence_counts(const char *name, const struct sim_answer *answer, bool stays)
{
    static const struct sim_answer at_once = {.status = 200, .body_bytes = 10};
    static const struct client_ask busy = {.host = "10.0.0.2", .port = 80};
    static const struct client_ask late = {.host = "10.0.0.3", .port = 80};
    struct client c;

    scenario_begin(name, &c,
                   &(struct ringsend_options){.requests_max = 50,
                                              .connections_max = 4,
                                              .tries = 1,
                                              .connect_timeout_ns = 2ull * SIM_S,
                                              .idle_timeout_ns = 100ull * SIM_S},
                   &at_once, 1);
    scenario_submit(&c, &healthy);
    client_finish(&c);
    struct sim_peer *peer = sim_peer_new("10.0.0.2", 80, 1);
    peer->script = &at_once;
    peer->script_count = 1;
    scenario_submit(&c, &busy);
    client_finish(&c);
    peer->script = answer;
    scenario_submit(&c, &busy);
    scenario_submit(&c, &busy);
    client_pass(&c, 50 * SIM_MS);
    peer->connect = CONNECT_HANGS;
    uint32_t third = scenario_submit(&c, &busy);
    if (stays)
        client_pass(&c, 3ull * SIM_S);
    else
        client_finish(&c);
    scenario_expect(&c, third, RINGSEND_E_TIMEOUT_CONNECT, 0, 1, false);
    struct sim_peer *slow = sim_peer_new("10.0.0.3", 80, 2);
    slow->connect = CONNECT_HANGS;
    uint32_t dead = scenario_submit(&c, &late);
    client_pass(&c, 3ull * SIM_S);
    scenario_expect(&c, dead, RINGSEND_E_TIMEOUT_CONNECT, 0, 1, false);
    slow->connect = CONNECT_ACCEPTED;
    slow->script = &at_once;
    slow->script_count = 1;
    uint32_t alive = scenario_submit(&c, &late);
    client_finish(&c);
    scenario_expect(&c, alive, RINGSEND_OK, 200, 1, false);
    scenario_expect_ms(&c, alive, 0, 200);
    scenario_end(&c);
}

static void idle_ones_do_not_count(void)
{
    only_silence_counts("idle connections of a mute origin are not its share", &answer_100_ms,
                        false);
}

static void answers_on_their_way_do_not_count(void)
{
    static const struct sim_answer never_ends = {
        .status = 200, .body_bytes = 100, .truncate_at = -50, .then = THEN_STALL};
    only_silence_counts("answers of a mute origin are not its share", &never_ends, true);
}

static void taken_back_after_a_stop(void)
{
    struct client c;
    struct dead dead[2];

    scenario_begin("a connect that is taken back after a stop", &c,
                   &(struct ringsend_options){.requests_max = 50, .connections_max = 1, .tries = 1},
                   &answer_100_ms, 1);
    scenario_name("dead.test", "fd00::1", "10.0.1.9", NULL);
    dead[0].peer = sim_peer_new("fd00::1", 80, 1);
    dead[1].peer = sim_peer_new("10.0.1.9", 80, 1);
    dead[0].peer->connect = dead[1].peer->connect = CONNECT_HANGS;
    scenario_submit(&c, &(struct client_ask){.host = "dead.test", .port = 80});
    client_pass(&c, 500 * SIM_MS);
    ringsend_stop(c.engine);
    client_finish(&c);
    scenario_expect(&c, 0, RINGSEND_E_STOPPED, 0, 1, false);
    scenario_expect_ms(&c, 0, 500, 1300);
    scenario_end(&c);
}

/* The addresses that its race goes on with are old, and while it does the name turns out to have
 * none. */
static void name_is_gone(void)
{
    struct client c;
    struct sim_peer *peers[2];

    scenario_begin("a race whose name is gone makes way", &c,
                   &(struct ringsend_options){.requests_max = 50,
                                              .connections_max = 1,
                                              .tries = 1,
                                              .connect_timeout_ns = 4ull * SIM_S},
                   &answer_100_ms, 1);
    struct sim_name *name = scenario_name("dead.test", "fd00::1", "10.0.1.9", NULL);
    peers[0] = sim_peer_new("fd00::1", 80, 1);
    peers[1] = sim_peer_new("10.0.1.9", 80, 1);
    peers[0]->connect = peers[1]->connect = CONNECT_FAILS;
    peers[0]->connect_error = peers[1]->connect_error = ECONNREFUSED;
    scenario_submit(&c, &(struct client_ask){.host = "dead.test", .port = 80});
    client_finish(&c);
    scenario_expect(&c, 0, RINGSEND_E_CONNECT_REFUSED, 0, 1, false);
    peers[0]->connect = peers[1]->connect = CONNECT_HANGS;
    name->kind = NAME_NOT_FOUND;
    name->delay_ns = 100 * SIM_MS;
    scenario_submit(&c, &(struct client_ask){.host = "dead.test", .port = 80});
    client_pass(&c, 50 * SIM_MS);
    uint32_t first = submit_healthy(&c, 1);
    client_finish(&c);
    scenario_expect(&c, first, RINGSEND_OK, 200, 1, false);
    scenario_expect_ms(&c, first, 100, 2000);
    scenario_expect(&c, 1, RINGSEND_E_DNS_NOT_FOUND, 0, 1, false);
    scenario_end(&c);
}

static const struct scenario_function functions[] = {
    {"idle connections of a mute origin", idle_ones_do_not_count},
    {"answers of a mute origin", answers_on_their_way_do_not_count},
    {"a connect is taken back after a stop", taken_back_after_a_stop},
    {"a race whose name is gone", name_is_gone},
    {"dead hosts make way for others", dead_hosts_make_way},
    {"dead hosts and one place", one_place},
    {"where nobody waits nothing is taken back", nothing_is_taken_for_nobody},
    {"dead hosts alone have turns", all_are_dead},
    {"slow hosts have their turn", slow_hosts_have_their_turn},
    {"a slow host beside fast ones", one_slow_host_beside_fast_ones},
    {"dead hosts that come alive", it_comes_alive},
    {"handshakes that hang make way", handshakes_that_hang},
    {"clocks stand between turns", other_clocks},
    {"a request's end between its turns", ends_between_turns},
    {"races make way for others", races_have_turns},
};

const struct scenario_function *sim_turns_scenarios(size_t *count)
{
    *count = sizeof functions / sizeof *functions;
    return functions;
}
