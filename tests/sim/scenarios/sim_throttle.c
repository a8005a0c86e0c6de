/* Scenarios of throttling: what an attempt waits for before it may begin, and how that is told. */
#include "tests/sim/scenarios/sim_scenarios.h"

#include <stdio.h>

static const struct client_ask get = {.host = "10.0.0.1", .port = 80};

static void peer_with(const char *ip, uint32_t origin, const struct sim_answer *answer)
{
    struct sim_peer *peer = sim_peer_new(ip, 80, origin);

    peer->script = answer;
    peer->script_count = 1;
}

/* ---- The trace ---- */

static void trace_tells_all_attempts(void)
{
    static const struct sim_answer script[] = {
        {200, .delay_ns = SIM_MS}, {0, .then = THEN_END}, {503, .headers = "retry-after: 1\r\n"},
        {.status = 500},           {0, .then = THEN_END}, {200, .delay_ns = 30 * SIM_MS}};
    struct client c;

    scenario_begin("the trace tells of all attempts", &c,
                   &(struct ringsend_options){
                       .store_attempts = true, .tries = 5, .idle_timeout_ns = 60ull * SIM_S},
                   script, 6);
    scenario_submit(&c, &get);
    client_finish(&c);
    scenario_submit(&c, &get);
    client_finish(&c);
    scenario_expect_attempt(&c, 0, 0, RINGSEND_OK, 200, false, RINGSEND_WAIT_NONE);
    scenario_expect_attempt(&c, 1, 0, RINGSEND_E_CLOSED_NO_RESPONSE, 0, true, RINGSEND_WAIT_FREE);
    scenario_expect_attempt(&c, 1, 1, RINGSEND_OK, 503, false, RINGSEND_WAIT_RETRY_AFTER);
    scenario_expect_attempt(&c, 1, 2, RINGSEND_OK, 500, true, RINGSEND_WAIT_BACKOFF);
    scenario_expect_attempt(&c, 1, 3, RINGSEND_E_CLOSED_NO_RESPONSE, 0, true,
                            RINGSEND_WAIT_BACKOFF);
    scenario_expect_attempt(&c, 1, 4, RINGSEND_OK, 200, false, RINGSEND_WAIT_NONE);
    const struct ringsend_attempt *trace = c.requests[1].trace;
    SIM_CHECK(trace[1].wait_ns >= SIM_S && trace[4].first_byte_ns >= 30 * SIM_MS,
              "the times of the trace are wrong");
    scenario_end(&c);
}

/* What was waited for before a record's end is told, though no attempt followed. */
static void trace_tells_the_last_wait(void)
{
    static const struct sim_answer busy = {.status = 503};
    struct client c;

    scenario_begin("the trace tells of the last wait", &c,
                   &(struct ringsend_options){.store_attempts = true,
                                              .backoff_min_ns = 60ull * SIM_S,
                                              .backoff_max_ns = 60ull * SIM_S},
                   &busy, 1);
    scenario_submit(&c, &get);
    client_pass(&c, SIM_S);
    ringsend_cancel(c.engine, c.requests[0].handle);
    client_finish(&c);
    scenario_expect_attempt(&c, 0, 0, RINGSEND_OK, 503, false, RINGSEND_WAIT_BACKOFF);
    SIM_CHECK(c.requests[0].trace[0].wait_ns > 900 * SIM_MS, "the wait is missing");
    scenario_end(&c);
}

/* ---- Pauses ---- */

/* One request is told to wait: all to its origin do, none to another. */
static void pause_is_of_the_origin(void)
{
    static const struct sim_answer script[] = {
        {429, .delay_ns = SIM_MS, .headers = "retry-after: 2\r\n"},
        {.status = 200, .delay_ns = SIM_MS}};
    struct client c;

    scenario_begin("a pause is of the origin", &c,
                   &(struct ringsend_options){.connections_per_origin = 1, .store_attempts = true},
                   script, 2);
    peer_with("10.0.0.2", 1, &script[1]);
    for (int i = 0; i < 3; i++)
        scenario_submit(&c, &get);
    client_pass(&c, 10 * SIM_MS);
    struct ringsend_stats stats = scenario_stats(&c);
    SIM_CHECK(stats.origins_paused == 1 && stats.held == 2 &&
                  stats.pause_ends_ns > sim.now_ns + 1980 * SIM_MS &&
                  stats.pause_ends_ns <= sim.now_ns + 2000 * SIM_MS,
              "%u origins pause, %u requests are held", stats.origins_paused, stats.held);
    uint32_t other = scenario_submit(&c, &(struct client_ask){.host = "10.0.0.2", .port = 80});
    client_finish(&c);
    scenario_expect_attempt(&c, 0, 0, RINGSEND_OK, 429, false, RINGSEND_WAIT_RETRY_AFTER);
    SIM_CHECK(c.requests[0].trace[0].pause_ns == 2ull * SIM_S, "the trace does not tell");
    for (uint32_t i = 0; i < 3; i++)
        scenario_expect_ms(&c, i, 2000, 2800);
    scenario_expect_ms(&c, other, 0, 10);
    stats = scenario_stats(&c);
    SIM_CHECK(stats.origins_paused == 0 && stats.pause_ends_ns == 0 && stats.held == 0 &&
                  stats.pauses == 1,
              "the pause does not end");
    scenario_end(&c);
}

/* Two answers are there at once, and what the second one asks for holds for what would begin at the
 * end of the first. */
static void pause_is_heard_first(void)
{
    static const struct sim_answer script[] = {
        {.status = 200, .delay_ns = SIM_MS},
        {429, .delay_ns = 2 * SIM_MS, .headers = "retry-after: 2\r\n"},
        {.status = 200, .delay_ns = SIM_MS}};
    struct client c;

    scenario_begin("a pause is heard first", &c,
                   &(struct ringsend_options){.connections_per_origin = 2}, script, 3);
    for (int i = 0; i < 5; i++)
        scenario_submit(&c, &get);
    client_pass(&c, SIM_MS / 2);
    sim_pause(20 * SIM_MS);
    client_pass(&c, SIM_MS);
    struct ringsend_stats stats = scenario_stats(&c);
    SIM_CHECK(stats.attempts == 2 && stats.held == 3 && c.done == 1,
              "%llu attempts have begun, %u are held", (unsigned long long)stats.attempts,
              stats.held);
    client_finish(&c);
    SIM_CHECK(scenario_stats(&c).attempts == 6, "another number of attempts");
    scenario_end(&c);
}

/* Forty connections do not come back as one, and all are back when the stretch is over. */
/* However many other origins come meanwhile, for which old ones must leave the table. */
static void pause_is_remembered(void)
{
    static const struct sim_answer script[] = {{429, .headers = "retry-after: 20\r\n"},
                                               {.status = 200}};
    struct client c;

    struct sim_peer *peer = scenario_begin(
        "a pause is remembered", &c,
        &(struct ringsend_options){.connections_max = 1, .requests_max = 1, .tries = 1}, script, 2);
    scenario_submit(&c, &get);
    client_finish(&c);
    client_pass(&c, 5ull * SIM_S); /* no connection is left */
    for (int i = 0; i < 100; i++) {
        char host[24];
        snprintf(host, sizeof host, "nowhere-%d.test", i);
        scenario_submit(&c, &(struct client_ask){.host = host, .port = 80});
        client_finish(&c);
    }
    uint32_t late = scenario_submit(&c, &get);
    client_finish(&c);
    SIM_CHECK(c.requests[late].ok && peer->connects == 2 &&
                  peer->last_connect_ns - sim.began_ns >= 20ull * SIM_S,
              "the pause was forgotten");
    scenario_end(&c);
}

static void pause_ends_with_a_stretch(void)
{
    struct sim_answer script[41];
    uint32_t begun = 0, most = 0;
    struct client c;

    for (int i = 0; i < 40; i++)
        script[i] = (struct sim_answer){
            .status = 503, .delay_ns = 50 * SIM_MS, .headers = "retry-after: 10\r\n"};
    script[40] = (struct sim_answer){.status = 200, .delay_ns = 2ull * SIM_S};
    scenario_begin("a pause ends with a stretch", &c,
                   &(struct ringsend_options){.retry_budget_percent = 100}, script, 41);
    for (int i = 0; i < 40; i++)
        scenario_submit(&c, &get);
    client_pass(&c, 10ull * SIM_S);
    SIM_CHECK(scenario_stats(&c).attempts == 40, "an attempt begins early");
    for (uint32_t i = 0; i < 26; i++) {
        uint32_t before = begun;
        client_pass(&c, 50 * SIM_MS);
        begun = (uint32_t)scenario_stats(&c).attempts - 40;
        most = begun - before > most ? begun - before : most;
    }
    SIM_CHECK(begun == 40, "%u are back", begun);
    SIM_CHECK(most <= 12, "%u come back within 50 ms", most);
    client_finish(&c);
    scenario_end(&c);
}

static void pause_by_rate_limit(const char *name, const char *headers, uint64_t max_ns,
                                uint32_t from_ms, uint32_t to_ms)
{
    const struct sim_answer script[] = {{.status = 200, .headers = headers}, {.status = 200}};
    struct client c;

    scenario_begin(name, &c,
                   &(struct ringsend_options){.connections_max = 1,
                                              .idle_timeout_ns = 90ull * SIM_S,
                                              .retry_after_max_ns = max_ns},
                   script, 2);
    scenario_submit(&c, &get);
    scenario_submit(&c, &get);
    client_finish(&c);
    scenario_expect(&c, 0, RINGSEND_OK, 200, 1, false);
    scenario_expect_ms(&c, 0, 0, 5);
    scenario_expect_ms(&c, 1, from_ms, to_ms);
    scenario_end(&c);
}

static void pauses_by_rate_limits(void)
{
    pause_by_rate_limit("a rate limit, in seconds",
                        "X-RateLimit-Remaining: 0\r\nX-RateLimit-Reset: 20\r\n", 0, 20000, 21010);
    pause_by_rate_limit("a rate limit, as a time",
                        "RateLimit-Remaining: 0\r\nRateLimit-Reset: 1700000020\r\n", 0, 19900,
                        21010);
    pause_by_rate_limit("a rate limit, as an item", "RateLimit: \"default\";r=0;t=20\r\n", 0, 20000,
                        21010);
    pause_by_rate_limit("a rate limit, capped", "RateLimit: \"default\";r=0;t=9999\r\n",
                        3ull * SIM_S, 3000, 3260);
    pause_by_rate_limit("a rate limit with something left",
                        "RateLimit-Remaining: 1\r\nRateLimit-Reset: 20\r\n", 0, 0, 5);
    pause_by_rate_limit("a rate limit that is reset", "RateLimit: \"default\";r=0;t=0\r\n", 0, 0,
                        5);
}

/* Its own deadline is the one clock of a record in a pause; the wish stays in the result. */
static void pause_and_the_clocks(void)
{
    static const struct sim_answer script[] = {{429, .headers = "retry-after: 3600\r\n"},
                                               {.status = 200}};
    struct client_ask late = get;
    struct client c;

    scenario_begin("a pause and the clocks", &c,
                   &(struct ringsend_options){.connections_max = 1,
                                              .tries = 1,
                                              .connect_timeout_ns = SIM_S,
                                              .first_byte_timeout_ns = SIM_S,
                                              .attempt_timeout_ns = SIM_S},
                   script, 2);
    scenario_submit(&c, &get);
    scenario_submit(&c, &get);
    late.deadline_ns = 5ull * SIM_S;
    scenario_submit(&c, &late);
    client_finish(&c);
    scenario_expect(&c, 0, RINGSEND_OK, 429, 1, false);
    SIM_CHECK(c.requests[0].retry_after_ns == 3600ull * SIM_S, "the wish is lost");
    scenario_expect(&c, 1, RINGSEND_OK, 200, 1, false);
    scenario_expect_ms(&c, 1, 60000, 66010);
    scenario_expect(&c, 2, RINGSEND_E_TIMEOUT_RECORD, 0, 0, false);
    scenario_expect_ms(&c, 2, 5000, 5010);
    scenario_end(&c);
}

/* A longer wish makes it longer, a shorter one does not make it shorter. */
static void pauses_add_up(void)
{
    static const struct sim_answer script[] = {
        {503, .delay_ns = 10 * SIM_MS, .headers = "retry-after: 4\r\n"},
        {503, .delay_ns = 20 * SIM_MS, .headers = "retry-after: 9\r\n"},
        {503, .delay_ns = 30 * SIM_MS, .headers = "retry-after: 1\r\n"},
        {.status = 200}};
    struct client c;

    scenario_begin("pauses add up", &c, &(struct ringsend_options){0}, script, 4);
    for (int i = 0; i < 3; i++)
        scenario_submit(&c, &get);
    client_finish(&c);
    for (uint32_t i = 0; i < 3; i++)
        scenario_expect_ms(&c, i, 9000, 10100);
    scenario_end(&c);
}

/* With any other status the record alone waits. */
static void retry_after_of_the_record_alone(void)
{
    static const struct sim_answer script[] = {{500, .headers = "retry-after: 5\r\n"},
                                               {.status = 200}};
    struct client c;

    scenario_begin("Retry-After with 500", &c,
                   &(struct ringsend_options){.connections_max = 1, .store_attempts = true}, script,
                   2);
    scenario_submit(&c, &get);
    scenario_submit(&c, &get);
    client_finish(&c);
    scenario_expect_ms(&c, 0, 5000, 5260);
    scenario_expect_ms(&c, 1, 0, 5);
    scenario_expect_attempt(&c, 0, 0, RINGSEND_OK, 500, false, RINGSEND_WAIT_RETRY_AFTER);
    scenario_end(&c);
}

/* ---- The limit ---- */

/* Idle connections above it go at once, busy ones when they have finished; raised, it fills up. */
static void limit_changes(void)
{
    static const struct sim_answer slow = {.status = 200, .delay_ns = 100 * SIM_MS};
    struct client c;

    scenario_begin("the limit changes", &c,
                   &(struct ringsend_options){
                       .connections_max = 8, .requests_max = 100, .idle_timeout_ns = 60ull * SIM_S},
                   &slow, 1);
    SIM_CHECK(ringsend_limit(c.engine, 0) == -RINGSEND_E_INVALID &&
                  ringsend_limit(c.engine, 9) == -RINGSEND_E_INVALID,
              "a limit out of range is taken");
    for (int i = 0; i < 20; i++)
        scenario_submit(&c, &get);
    client_pass(&c, 50 * SIM_MS);
    SIM_CHECK(scenario_stats(&c).exchanges == 8, "%u exchanges", scenario_stats(&c).exchanges);
    ringsend_limit(c.engine, 2);
    client_pass(&c, 10 * SIM_MS);
    SIM_CHECK(scenario_stats(&c).exchanges == 8, "busy connections were closed");
    client_pass(&c, 90 * SIM_MS);
    SIM_CHECK(scenario_stats(&c).exchanges == 2 && scenario_stats(&c).connections_open == 2,
              "%u exchanges, %u connections", scenario_stats(&c).exchanges,
              scenario_stats(&c).connections_open);
    ringsend_limit(c.engine, 5);
    client_pass(&c, 10 * SIM_MS);
    SIM_CHECK(scenario_stats(&c).exchanges == 5, "%u exchanges", scenario_stats(&c).exchanges);
    client_finish(&c);
    SIM_CHECK(scenario_stats(&c).connections_open == 5, "%u connections",
              scenario_stats(&c).connections_open);
    ringsend_limit(c.engine, 1);
    client_pass(&c, SIM_MS);
    SIM_CHECK(scenario_stats(&c).connections_open == 1, "idle connections stay");
    SIM_CHECK(scenario_stats(&c).completed == 20 && scenario_stats(&c).pushed_back == 0 &&
                  scenario_stats(&c).service_ns / 20 / SIM_MS == 100,
              "%llu completed", (unsigned long long)scenario_stats(&c).completed);
    scenario_end(&c);
}

/* What says that there is too much is counted; what does not is not. */
static void pushed_back_is_counted(void)
{
    static const struct sim_answer script[] = {{.status = 429},
                                               {.status = 503},
                                               {.status = 500},
                                               {.status = 404},
                                               {.status = 0, .then = THEN_RESET},
                                               {.status = 200}};
    struct client_ask once = get;
    struct client c;

    scenario_begin("what is pushed back is counted", &c, &(struct ringsend_options){.tries = 1},
                   script, 6);
    for (int i = 0; i < 6; i++) {
        once.host = i == 4 ? "fresh.test" : "10.0.0.1"; /* a reused connection would be stale */
        if (i == 4)
            sim_name_address(sim_name_new("fresh.test"), "10.0.0.1");
        scenario_submit(&c, &once);
        client_finish(&c);
    }
    SIM_CHECK(scenario_stats(&c).pushed_back == 3 && scenario_stats(&c).completed == 3,
              "%llu pushed back, %llu completed",
              (unsigned long long)scenario_stats(&c).pushed_back,
              (unsigned long long)scenario_stats(&c).completed);
    scenario_end(&c);
}

/* Without the free try, a reused connection that dies is told and counted. */
static void pushed_back_without_free_try(void)
{
    static const struct sim_answer script[] = {{.status = 200}, {.status = 0, .then = THEN_RESET}};
    struct client c;

    scenario_begin("no free try: what is pushed back is counted", &c,
                   &(struct ringsend_options){.tries = 1, .no_free_try = true}, script, 2);
    for (int i = 0; i < 2; i++) {
        scenario_submit(&c, &get);
        client_finish(&c);
    }
    scenario_expect(&c, 1, RINGSEND_E_RESET_NO_RESPONSE, 0, 1, false);
    SIM_CHECK(scenario_stats(&c).pushed_back == 1, "%llu pushed back",
              (unsigned long long)scenario_stats(&c).pushed_back);
    scenario_end(&c);
}

static const struct scenario_function functions[] = {
    {"trace tells of all attempts", trace_tells_all_attempts},
    {"no free try: what is pushed back is counted", pushed_back_without_free_try},
    {"trace tells of the last wait", trace_tells_the_last_wait},
    {"pause is of the origin", pause_is_of_the_origin},
    {"pause is heard first", pause_is_heard_first},
    {"pause is remembered", pause_is_remembered},
    {"pause ends with a stretch", pause_ends_with_a_stretch},
    {"pauses by rate limits", pauses_by_rate_limits},
    {"pause and the clocks", pause_and_the_clocks},
    {"pauses add up", pauses_add_up},
    {"Retry-After of the record alone", retry_after_of_the_record_alone},
    {"limit changes", limit_changes},
    {"pushed back is counted", pushed_back_is_counted},
};

const struct scenario_function *sim_throttle_scenarios(size_t *count)
{
    *count = sizeof functions / sizeof *functions;
    return functions;
}
