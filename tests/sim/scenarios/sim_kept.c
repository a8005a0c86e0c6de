/* Servers that close behind an answer without a word, or send more than it, and what is learned of
 * them (engine/kept.c). */
#include "tests/sim/scenarios/sim_scenarios.h"

static const struct client_ask post = {
    .method = "POST", .host = "10.0.0.1", .port = 80, .body_bytes = 30, .flags = RINGSEND_HAS_BODY};
static const struct sim_answer keeps = {.status = 200, .body_bytes = 20};
static const struct sim_answer closes = {
    .status = 200, .body_bytes = 20, .then = THEN_END, .then_ns = SIM_MS};

#define A_SECOND "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nfake"

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

/* So many POSTs over eight connections, to a server that sends `unsolicited` 5 ms behind each
 * answer. Returns how many of them are in doubt. */
static uint32_t count_doubts(const char *unsolicited, bool https, bool strict)
{
    struct sim_answer answer = {.status = 200,
                                .body_bytes = 20,
                                .delay_ns = 10 * SIM_MS,
                                .unsolicited = unsolicited,
                                .unsolicited_ns = 5 * SIM_MS};
    struct client_ask ask = post;
    struct client c;
    uint32_t doubts = 0;

    ask.https = https;
    scenario_begin("late bytes behind answers", &c,
                   &(struct ringsend_options){.connections_max = 8,
                                              .requests_max = 400,
                                              .strict_http = strict,
                                              .ca_file = sim_tls_ca_file()},
                   &answer, 1);
    for (uint32_t i = 0; i < 200; i++)
        scenario_submit(&c, &ask);
    client_finish(&c);
    for (uint32_t i = 0; i < 200; i++) {
        bool ambiguous = c.requests[i].ambiguous;
        scenario_expect(&c, i, ambiguous ? RINGSEND_E_BAD_RESPONSE : RINGSEND_OK,
                        ambiguous ? 0 : 200, 1, ambiguous);
        doubts += ambiguous;
    }
    SIM_CHECK(scenario_stats(&c).spoke_unasked > 0, "nobody tells of the bytes");
    SIM_CHECK(scenario_stats(&c).closed_silently == 0, "it is told that they were closed");
    scenario_end(&c);
    return doubts;
}

static void late_bytes_cost_one_request(void)
{
    static const char *const unsolicited[] = {"0\r\n\r\n", "x", "\r\n\r\n\r\n"};

    for (uint32_t i = 0; i < 6; i++) {
        uint32_t doubts = count_doubts(unsolicited[i / 2], i % 2, false);
        SIM_CHECK(doubts == 1, "%u requests are in doubt", doubts);
    }
}

static void empty_lines_cost_no_request(void)
{
    static const char *const unsolicited[] = {"\r\n", "\n", "\r\n\r\n"};

    for (uint32_t i = 0; i < 6; i++) {
        uint32_t doubts = count_doubts(unsolicited[i / 2], i % 2, false);
        SIM_CHECK(doubts == 0, "%u requests are in doubt", doubts);
    }
    uint32_t doubts = count_doubts("\r\n", false, true);
    SIM_CHECK(doubts == 1, "strict: %u requests are in doubt", doubts);
}

/* What may be repeated is sent again, and ok. */
static void late_bytes_cost_repeatable_requests_a_try(void)
{
    static const struct sim_answer answer = {.status = 200,
                                             .body_bytes = 20,
                                             .delay_ns = 10 * SIM_MS,
                                             .unsolicited = "x",
                                             .unsolicited_ns = 5 * SIM_MS};
    static const struct client_ask get = {.host = "10.0.0.1", .port = 80};
    struct client c;

    scenario_begin(
        "late bytes cost repeatable requests a try", &c,
        &(struct ringsend_options){.connections_max = 8, .requests_max = 400, .tries = 1}, &answer,
        1);
    for (uint32_t i = 0; i < 100; i++)
        scenario_submit(&c, &get);
    client_finish(&c);
    for (uint32_t i = 0; i < 100; i++)
        SIM_CHECK(c.requests[i].ok, "request %u is not ok", i);
    scenario_end(&c);
}

/* A whole second response behind each answer: sent on such a connection a request would have it for
 * its own. The client knows each body by its record. */
static void nobody_is_given_anothers_answer(void)
{
    static const struct client_ask asks[] = {
        {.host = "10.0.0.1", .port = 80},
        {.method = "PUT",
         .host = "10.0.0.1",
         .port = 80,
         .body_bytes = 30,
         .flags = RINGSEND_HAS_BODY},
        {.method = "POST",
         .host = "10.0.0.1",
         .port = 80,
         .body_bytes = 30,
         .flags = RINGSEND_HAS_BODY | RINGSEND_AT_LEAST_ONCE},
        {.method = "POST",
         .host = "10.0.0.1",
         .port = 80,
         .body_bytes = 30,
         .flags = RINGSEND_HAS_BODY},
    };
    static const uint64_t behind_ns[] = {50 * SIM_US, SIM_MS, 1900 * SIM_US};

    for (uint32_t i = 0; i < 2 * 3 * 4; i++) {
        struct sim_answer answer = {.status = 200,
                                    .body_bytes = 20,
                                    .unsolicited = A_SECOND,
                                    .unsolicited_ns = behind_ns[i / 8]};
        struct client_ask ask = asks[i / 2 % 4];
        struct client c;

        ask.https = i % 2;
        scenario_begin("nobody is given another's answer", &c,
                       &(struct ringsend_options){
                           .connections_max = 8, .requests_max = 400, .ca_file = sim_tls_ca_file()},
                       &answer, 1);
        for (uint32_t k = 0; k < 300; k++)
            scenario_submit(&c, &ask);
        client_finish(&c);
        for (uint32_t k = 0; k < 300; k++)
            scenario_expect(&c, k, RINGSEND_OK, 200, 1, false);
        scenario_end(&c);
    }
}

/* Only one in a hundred has a second response behind it: once seen, that is not forgotten. */
static void rare_answers_are_not_forgotten(void)
{
    static const struct sim_answer twice = {
        .status = 200, .body_bytes = 20, .unsolicited = A_SECOND, .unsolicited_ns = SIM_MS};
    struct sim_answer script[400];
    struct client c;

    for (uint32_t i = 0; i < 400; i++)
        script[i] = i % 100 == 0 ? twice : keeps;
    struct sim_peer *peer = scenario_begin(
        "rare answers are not forgotten", &c,
        &(struct ringsend_options){.connections_max = 1, .requests_max = 400}, script, 400);
    for (uint32_t i = 0; i < 400; i++)
        scenario_submit(&c, &(struct client_ask){.host = "10.0.0.1", .port = 80});
    client_finish(&c);
    for (uint32_t i = 0; i < 400; i++)
        scenario_expect(&c, i, RINGSEND_OK, 200, 1, false);
    SIM_CHECK(peer->connects == 5, "%u connects", peer->connects);
    SIM_CHECK(scenario_stats(&c).answers_suspect == 0, "answers are suspect");
    scenario_end(&c);
}

/* Behind the third answer on a connection that had no time to stand: two may be others'. */
static void suspect_answers_are_counted(void)
{
    const struct sim_answer script[] = {
        keeps,
        keeps,
        {.status = 200, .body_bytes = 20, .unsolicited = A_SECOND, .unsolicited_ns = 600 * SIM_MS}};
    struct client c;

    scenario_begin("suspect answers are counted", &c,
                   &(struct ringsend_options){.connections_max = 1}, script, 3);
    for (uint32_t i = 0; i < 3; i++)
        scenario_submit(&c, &post);
    client_pass(&c, 1000 * SIM_MS);
    for (uint32_t i = 0; i < 3; i++)
        scenario_expect(&c, i, RINGSEND_OK, 200, 1, false);
    SIM_CHECK(scenario_stats(&c).spoke_unasked == 1, "it is not heard of");
    SIM_CHECK(scenario_stats(&c).answers_suspect == 2, "%llu answers are suspect",
              (unsigned long long)scenario_stats(&c).answers_suspect);
    scenario_end(&c);
}

/* An empty line alone is no first byte, and no response. */
static void an_empty_line_is_no_response(void)
{
    static const struct sim_answer script[] = {
        {.status = 200, .body_bytes = 20, .unsolicited = "\r\n", .unsolicited_ns = 5 * SIM_MS},
        {0, .delay_ns = 10 * SIM_MS, .then = THEN_STALL}};
    struct client c;
    struct sim_peer *peer = scenario_begin(
        "an empty line is no response", &c,
        &(struct ringsend_options){.first_byte_timeout_ns = 1000 * SIM_MS}, script, 2);

    peer->first_counts = true;
    scenario_submit(&c, &post);
    client_pass(&c, 3 * SIM_MS);
    scenario_submit(&c, &post);
    client_finish(&c);
    scenario_expect(&c, 1, RINGSEND_E_TIMEOUT_FIRST_BYTE, 0, 1, true);
    scenario_end(&c);
}

static const struct scenario_function functions[] = {
    {"late bytes cost one request", late_bytes_cost_one_request},
    {"empty lines cost no request", empty_lines_cost_no_request},
    {"late bytes cost repeatable requests a try", late_bytes_cost_repeatable_requests_a_try},
    {"nobody is given another's answer", nobody_is_given_anothers_answer},
    {"rare answers are not forgotten", rare_answers_are_not_forgotten},
    {"suspect answers are counted", suspect_answers_are_counted},
    {"an empty line is no response", an_empty_line_is_no_response},
    {"silent closers cost no request", silent_closers_cost_no_request},
    {"those that keep are kept", those_that_keep_are_kept},
    {"it is forgotten", it_is_forgotten},
};

const struct scenario_function *sim_kept_scenarios(size_t *count)
{
    *count = sizeof functions / sizeof *functions;
    return functions;
}
