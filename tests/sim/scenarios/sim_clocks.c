/* The process stands still: SIGSTOP, a freezer, a host program that is busy with something else.
 * What came in time counts, however late the engine comes to look, and what broke meanwhile carries
 * nothing. */
#include "tests/sim/scenarios/sim_scenarios.h"

#include <errno.h>

static const struct client_ask get = {.host = "10.0.0.1", .port = 80};
static const struct client_ask post = {
    .method = "POST", .host = "10.0.0.1", .port = 80, .body_bytes = 30, .flags = RINGSEND_HAS_BODY};

/* ---- Of any run ---- */

/* Handing over takes time here as well: a microsecond for a piece, pieces of a byte, some of them
 * twice. */
static uint64_t margin_ns(const struct sim_delivery *d)
{
    return 3 * (d->answer_end - d->answer_begin + 1000) * SIM_US;
}

/* No clock runs while an answer waits for room, and here nobody knows for how long one does. */
void sim_check_deadline(const struct client *c, const struct client_request *r,
                        const struct ringsend_result *result)
{
    const uint64_t tolerance_ns = 250 * SIM_MS; /* for stalls, and the races of cancels */
    uint64_t total_ns = result->times.total_ns;
    bool may_wait = c->options.memory_target_bytes > 0 && sim_record(r->record)->may_wait;

    SIM_CHECK(r->deadline_ns == RINGSEND_NEVER || may_wait ||
                  total_ns <= r->deadline_ns + tolerance_ns + sim.paused_ns,
              "record %u took %.3f ms, its deadline was %.3f ms", r->record, (double)total_ns / 1e6,
              (double)r->deadline_ns / 1e6);
    SIM_CHECK(result->error != RINGSEND_E_TIMEOUT_RECORD || total_ns >= r->deadline_ns,
              "record %u ran out of time early", r->record);
}

void sim_check_timeout(const struct client *c, const struct client_request *r,
                       const struct ringsend_result *result)
{
    const struct sim_record *record = sim_record(r->record);
    const struct sim_delivery *d = sim_latest_delivery(r->record);
    const struct ringsend_times *t = &result->times;
    uint64_t first_byte_ns = c->options.first_byte_timeout_ns;
    uint64_t until_ns = 0;

    if (sim.faults.send_late > 0) /* no response is over before the send has told so */
        return;
    if (!d || !d->complete || !d->answer_valid || d->arrived_ns == 0 || r->host ||
        record->deliveries > 16 || record->delivered_ns[record->deliveries - 1] < t->begun_at_ns)
        return;
    if (result->error == RINGSEND_E_TIMEOUT_ATTEMPT)
        until_ns = t->begun_at_ns + r->attempt_timeout_ns;
    else if (result->error == RINGSEND_E_TIMEOUT_RECORD)
        until_ns = r->submitted_ns + r->deadline_ns;
    else if (result->error == RINGSEND_E_TIMEOUT_FIRST_BYTE)
        until_ns = t->sent_at_ns + (first_byte_ns ? first_byte_ns : 30ull * SIM_S);
    SIM_CHECK(d->arrived_ns + margin_ns(d) > until_ns,
              "record %u has %s, and its answer had come %.3f ms before that", r->record,
              ringsend_error_name(result->error), (double)(until_ns - d->arrived_ns) / 1e6);
}

/* ---- Scenarios ---- */

static const struct sim_answer answer_500_ms = {
    .status = 200, .body_bytes = 20, .delay_ns = 500 * SIM_MS};
static const struct sim_answer answer_2_s = {
    .status = 200, .body_bytes = 20, .delay_ns = 2ull * SIM_S};

/* Forty of them: an enter brings twenty. The clock in question is 1 s, the pause 2.5 s. */
static void answered_in_a_pause(const char *name, const struct ringsend_options *options,
                                const struct client_ask *ask)
{
    struct client c;

    scenario_begin(name, &c, options, &answer_500_ms, 1);
    for (int i = 0; i < 40; i++)
        scenario_submit(&c, ask);
    client_pass(&c, 100 * SIM_MS);
    sim_pause(2500ull * SIM_MS);
    client_finish(&c);
    for (uint32_t i = 0; i < 40; i++)
        scenario_expect(&c, i, RINGSEND_OK, 200, 1, false);
    scenario_end(&c);
}

static void every_clock_looks_first(void)
{
    struct ringsend_options first_byte = {.connections_max = 40, .first_byte_timeout_ns = SIM_S};
    struct ringsend_options attempt = {.connections_max = 40, .attempt_timeout_ns = SIM_S};
    struct ringsend_options record = {.connections_max = 40, .deadline_ns = SIM_S};
    struct client_ask put = post;

    put.method = "PUT";
    answered_in_a_pause("answered in a pause: first byte", &first_byte, &post);
    answered_in_a_pause("answered in a pause: first byte, PUT", &first_byte, &put);
    answered_in_a_pause("answered in a pause: attempt", &attempt, &post);
    answered_in_a_pause("answered in a pause: record", &record, &post);
}

/* What had not come in time is late, and told so. */
static void late_is_late(void)
{
    struct client c;

    scenario_begin("late is late", &c, &(struct ringsend_options){.first_byte_timeout_ns = SIM_S},
                   &answer_2_s, 1);
    scenario_submit(&c, &post);
    client_pass(&c, 100 * SIM_MS);
    sim_pause(1500ull * SIM_MS);
    client_finish(&c);
    scenario_expect(&c, 0, RINGSEND_E_TIMEOUT_FIRST_BYTE, 0, 1, true);
    scenario_end(&c);
}

/* Part of it has come: that is no answer. */
static void half_an_answer_is_late(void)
{
    static const struct sim_answer slow = {
        .status = 200, .body_bytes = 2000, .delay_ns = 500 * SIM_MS, .pause_ns = 4ull * SIM_S};
    struct client c;

    scenario_begin("half an answer is late", &c,
                   &(struct ringsend_options){.attempt_timeout_ns = SIM_S}, &slow, 1);
    scenario_submit(&c, &post);
    client_pass(&c, 100 * SIM_MS);
    sim_pause(2500ull * SIM_MS);
    client_finish(&c);
    scenario_expect(&c, 0, RINGSEND_E_TIMEOUT_ATTEMPT, 200, 1, true);
    scenario_end(&c);
}

/* More than there are buffers for. */
static void without_buffers(void)
{
    static const struct sim_answer large = {
        .status = 200, .body_bytes = 30000, .delay_ns = 500 * SIM_MS};
    struct client c;

    scenario_begin("a pause and few buffers", &c, &(struct ringsend_options){0}, &large, 1);
    client_end(&c);
    sim.faults.buffers = 2;
    client_begin(&c, &(struct ringsend_options){.connections_max = 16,
                                                .attempt_timeout_ns = SIM_S,
                                                .deadline_ns = SIM_S,
                                                .seed = 1});
    for (int i = 0; i < 16; i++)
        scenario_submit(&c, &post);
    client_pass(&c, 100 * SIM_MS);
    sim_pause(2500ull * SIM_MS);
    client_finish(&c);
    for (uint32_t i = 0; i < 16; i++)
        scenario_expect(&c, i, RINGSEND_OK, 200, 1, false);
    scenario_end(&c);
}

static void a_connect_in_a_pause(void)
{
    struct client c;
    struct sim_peer *peer = scenario_begin(
        "a connect in a pause", &c,
        &(struct ringsend_options){.connect_timeout_ns = SIM_S, .tries = 1}, &answer_500_ms, 1);

    peer->connect_ns = 200 * SIM_MS;
    scenario_submit(&c, &post);
    client_pass(&c, 100 * SIM_MS);
    sim_pause(2500ull * SIM_MS);
    client_finish(&c);
    scenario_expect(&c, 0, RINGSEND_OK, 200, 1, false);
    scenario_end(&c);
}

/* The second address is not tried while the first one's success waits to be looked at. */
static void a_race_in_a_pause(void)
{
    struct client_ask ask = {.host = "two.test", .port = 80};
    struct client c;
    struct sim_peer *peer =
        scenario_begin("a race in a pause", &c, &(struct ringsend_options){0}, &answer_500_ms, 1);
    struct sim_peer *other = sim_peer_new("10.0.0.2", 80, 0);

    scenario_name("two.test", "10.0.0.1", "10.0.0.2", NULL);
    peer->connect_ns = 200 * SIM_MS;
    scenario_submit(&c, &ask);
    client_pass(&c, 100 * SIM_MS);
    sim_pause(2500ull * SIM_MS);
    client_finish(&c);
    scenario_expect(&c, 0, RINGSEND_OK, 200, 1, false);
    SIM_CHECK(peer->connects == 1 && other->connects == 0, "%u and %u connects", peer->connects,
              other->connects);
    scenario_end(&c);
}

static void a_lookup_in_a_pause(void)
{
    struct client_ask ask = post;
    struct client c;

    scenario_begin("a lookup in a pause", &c,
                   &(struct ringsend_options){.connect_timeout_ns = SIM_S, .tries = 1},
                   &answer_500_ms, 1);
    struct sim_name *name = scenario_name("slow.test", "10.0.0.1", NULL, NULL);
    name->delay_ns = 500 * SIM_MS;
    ask.host = "slow.test";
    scenario_submit(&c, &ask);
    client_pass(&c, 100 * SIM_MS);
    sim_pause(2500ull * SIM_MS);
    client_finish(&c);
    scenario_expect(&c, 0, RINGSEND_OK, 200, 1, false);
    scenario_end(&c);
}

/* The host's own pause; then the peer has closed: a request that must not be lost goes elsewhere.
 */
static void an_idle_connection_dies_in_a_pause(void)
{
    for (int what = 0; what < 3; what++) {
        struct client c;
        struct client_ask ask = post;
        ask.https = what == 2;
        struct sim_peer *peer = scenario_begin(
            "an idle connection dies in a pause", &c,
            &(struct ringsend_options){.ca_file = sim_tls_ca_file()}, &answer_500_ms, 1);
        peer->idle_ns = 100 * SIM_MS;
        peer->idle_resets = what == 1;
        scenario_submit(&c, &ask);
        client_finish(&c);
        sim_pause(SIM_S);
        scenario_submit(&c, &ask);
        client_finish(&c);
        scenario_expect(&c, 1, RINGSEND_OK, 200, what < 2 ? 2 : c.requests[1].attempts, false);
        SIM_CHECK(peer->connects == 2 && peer->answers == 2, "%u connects, %u answers",
                  peer->connects, peer->answers);
        scenario_end(&c);
    }
}

/* The same, while large answers to others use up the buffers in which its end would show. */
static void an_idle_connection_dies_unheard(void)
{
    struct sim_answer answers[8] = {[7] = {.status = 200, .body_bytes = 20}};

    for (uint32_t i = 0; i < 7; i++)
        answers[i] =
            i % 2
                ? answers[7]
                : (struct sim_answer){.status = 200, .body_bytes = 200000, .delay_ns = 20 * SIM_MS};
    for (uint32_t at_ms = 1; at_ms < 40; at_ms++) {
        struct client c;
        struct sim_peer *peer = scenario_begin("an idle connection dies unheard", &c,
                                               &(struct ringsend_options){0}, answers, 8);
        client_end(&c);
        sim.faults.buffers = 2;
        peer->idle_ns = 100 * SIM_MS;
        client_begin(&c, &(struct ringsend_options){.connections_max = 8, .tries = 1, .seed = 1});
        for (uint32_t i = 0; i < 16; i++) {
            scenario_submit(&c, &post);
            if (i % 8 < 7)
                continue;
            client_pass(&c, at_ms * SIM_MS);
            sim_pause(SIM_S);
        }
        client_finish(&c);
        for (uint32_t i = 0; i < 16; i++)
            SIM_CHECK(!c.requests[i].ambiguous, "record %u went out on a dead connection", i);
        scenario_end(&c);
    }
}

/* A rate is none of what could have been sent meanwhile. */
static void a_rate_in_a_pause(void)
{
    struct client c;

    scenario_begin(
        "a rate in a pause", &c,
        &(struct ringsend_options){
            .connections_max = 40, .requests_max = 100, .rate_count = 10, .rate_burst = 2},
        &(struct sim_answer){.status = 200}, 1);
    for (int i = 0; i < 50; i++)
        scenario_submit(&c, &get);
    client_pass(&c, SIM_S);
    sim_pause(3ull * SIM_S);
    uint32_t before = c.done;
    client_pass(&c, 50 * SIM_MS);
    SIM_CHECK(c.done - before <= 3, "%u requests at once behind the pause", c.done - before);
    client_finish(&c);
    scenario_end(&c);
}

static const struct scenario_function functions[] = {
    {"every clock looks first", every_clock_looks_first},
    {"late is late", late_is_late},
    {"half an answer is late", half_an_answer_is_late},
    {"a pause and few buffers", without_buffers},
    {"a connect in a pause", a_connect_in_a_pause},
    {"a race in a pause", a_race_in_a_pause},
    {"a lookup in a pause", a_lookup_in_a_pause},
    {"an idle connection dies in a pause", an_idle_connection_dies_in_a_pause},
    {"an idle connection dies unheard", an_idle_connection_dies_unheard},
    {"a rate in a pause", a_rate_in_a_pause},
};

const struct scenario_function *sim_clock_scenarios(size_t *count)
{
    *count = sizeof functions / sizeof *functions;
    return functions;
}
