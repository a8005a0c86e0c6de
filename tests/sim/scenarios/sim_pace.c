/* Scenarios of the pace and the retry budget: how many attempts may begin, and whose turn it is. */
#include "tests/sim/scenarios/sim_scenarios.h"

static const struct client_ask get = {.host = "10.0.0.1", .port = 80};

static void peer_with(const char *ip, uint32_t origin, const struct sim_answer *answer)
{
    struct sim_peer *peer = sim_peer_new(ip, 80, origin);

    peer->script = answer;
    peer->script_count = 1;
}

/* ---- The pace ---- */

/* As many origins as places: who is held back by the pace takes nobody's connection away. */
static void pace_closes_no_connection(void)
{
    static const struct sim_answer ok = {.status = 200, .delay_ns = SIM_MS};
    static const char *const hosts[] = {"10.0.0.1", "10.0.0.2", "10.0.0.3"};
    struct client c;

    scenario_begin(
        "the pace closes no connection", &c,
        &(struct ringsend_options){.store_attempts = true, .rate_count = 50, .connections_max = 3},
        &ok, 1);
    peer_with(hosts[1], 1, &ok);
    peer_with(hosts[2], 2, &ok);
    for (uint32_t i = 0; i < 20; i++)
        scenario_submit(&c, &(struct client_ask){.host = hosts[i % 7 % 3], .port = 80});
    client_finish(&c);
    SIM_CHECK(scenario_stats(&c).connections_opened == 3, "%u connections were opened",
              (unsigned)scenario_stats(&c).connections_opened);
    scenario_expect_ms(&c, 19, 300, 385);
    scenario_end(&c);
}

/* Three origins stand in two lines, for the pace and for the one place; one of them asks anew in
 * the moment in which the pace opens. */
static void lines_come_to_an_end(void)
{
    static const struct sim_answer script[] = {{.status = 200},
                                               {.status = 200, .delay_ns = 100 * SIM_MS},
                                               {.status = 200, .delay_ns = 30ull * SIM_S}};
    static const struct sim_answer ok = {.status = 200};
    struct client_ask ask = get;
    struct client c;

    scenario_begin("lines come to an end", &c,
                   &(struct ringsend_options){.store_attempts = true,
                                              .connections_max = 1,
                                              .attempt_timeout_ns = 60ull * SIM_S,
                                              .first_byte_timeout_ns = 60ull * SIM_S,
                                              .no_free_try = true, /* a kept one serves at once */
                                              .rate_count = 1,
                                              .rate_per_ns = 10ull * SIM_S,
                                              .rate_burst = 2},
                   script, 3);
    for (uint32_t i = 1; i < 4; i++)
        peer_with(i == 1 ? "10.0.0.2" : i == 2 ? "10.0.0.3" : "10.0.0.4", i, &ok);
    scenario_submit(&c, &get);
    client_pass(&c, 20ull * SIM_S); /* two may begin at once now */
    uint64_t began_ns = sim.now_ns;
    scenario_submit(&c, &get); /* begins at once */
    client_run(&c, 0, UINT32_MAX);
    scenario_submit(&c, &get); /* and behind it, with the second start that there is */
    ask.host = "10.0.0.2";     /* waits for the place from now on */
    ask.deadline_ns = 10ull * SIM_S - SIM_MS;
    scenario_submit(&c, &ask);
    ask.deadline_ns = 0;
    scenario_submit(&c, &ask);
    client_pass(&c, SIM_S);
    ask.host = "10.0.0.3"; /* wait for the pace */
    scenario_submit(&c, &ask);
    ask.host = "10.0.0.4";
    scenario_submit(&c, &ask);
    client_pass(&c, 9ull * SIM_S - 2 * SIM_MS - (sim.now_ns - began_ns - SIM_S));
    sim.now_ns += 20 * SIM_MS; /* the deadline and the pace, in one turn */
    client_finish(&c);
    scenario_expect(&c, 3, RINGSEND_E_TIMEOUT_RECORD, 0, 0, false);
    for (uint32_t i = 4; i < 7; i++)
        scenario_expect(&c, i, RINGSEND_OK, 200, 1, false);
    scenario_end(&c);
}

/* Ten in any second: the twentieth begins after 1.9 s and 1.9 % of it, whatever the limit of
 * connections. */
static void rate_is_kept(void)
{
    static const struct sim_answer ok = {.status = 200, .delay_ns = SIM_MS};
    struct client c;

    scenario_begin("the rate is kept", &c,
                   &(struct ringsend_options){.store_attempts = true, .rate_count = 10}, &ok, 1);
    for (int i = 0; i < 20; i++)
        scenario_submit(&c, &get);
    client_pass(&c, 5 * SIM_MS);
    SIM_CHECK(scenario_stats(&c).held == 19, "%u are held", scenario_stats(&c).held);
    client_finish(&c);
    SIM_CHECK(c.requests[19].trace[0].began_ns / SIM_MS == 1936, "the last begins at %.3f ms",
              (double)c.requests[19].trace[0].began_ns / 1e6);
    /* Idle time brings back what may be caught up with, and no more. */
    client_pass(&c, 10ull * SIM_S);
    for (int i = 0; i < 3; i++)
        scenario_submit(&c, &get);
    client_finish(&c);
    SIM_CHECK(
        c.requests[20].trace[0].began_ns == 0 && c.requests[21].trace[0].began_ns / SIM_MS == 96,
        "after idle time it begins after %.3f ms", (double)c.requests[21].trace[0].began_ns / 1e6);
    scenario_end(&c);
}

/* A server that counts 15 in any second finds no 16th, whatever late wake-ups and a pause of the
 * process catch up with. */
static void window_holds_no_more(void)
{
    enum { REQUESTS = 60, RATE = 15 };
    static const struct sim_answer ok = {.status = 200, .delay_ns = SIM_MS};
    static uint64_t began_ns[REQUESTS];
    struct client c;

    scenario_begin("a window holds no more than the rate says", &c,
                   &(struct ringsend_options){.store_attempts = true, .rate_count = RATE}, &ok, 1);
    uint64_t start_ns = sim.now_ns;
    for (int i = 0; i < REQUESTS; i++)
        scenario_submit(&c, &get);
    for (unsigned turn = 0; sim.now_ns - start_ns < SIM_S; turn++) {
        client_pass(&c, 3 * SIM_MS + turn % 7 * SIM_MS / 5);
        sim.now_ns += turn % 3 * 2 * SIM_MS;
    }
    sim.now_ns += SIM_S / 2;
    client_finish(&c);
    SIM_CHECK(sim.now_ns - start_ns < 4800ull * SIM_MS, "%d took %.3f s", REQUESTS,
              (double)(sim.now_ns - start_ns) / 1e9);
    for (int i = 0; i < REQUESTS; i++)
        began_ns[i] = c.requests[i].trace[0].began_ns;
    for (int i = 0; i + RATE < REQUESTS; i++)
        SIM_CHECK(began_ns[i + RATE] - began_ns[i] > SIM_S, "%d begin within %.3f ms", RATE + 1,
                  (double)(began_ns[i + RATE] - began_ns[i]) / 1e6);
    scenario_end(&c);
}

/* Who waits for the pace alone gives up no connection for it: it will go on that very one. */
static void rate_spares_idle_connections(void)
{
    static const struct sim_answer ok = {.status = 200};
    struct client c;

    struct sim_peer *peer = scenario_begin(
        "the rate spares idle connections", &c,
        &(struct ringsend_options){.connections_max = 1, .rate_count = 10, .rate_burst = 1}, &ok,
        1);
    for (int i = 0; i < 5; i++)
        scenario_submit(&c, &get);
    client_finish(&c);
    SIM_CHECK(peer->connects == 1, "%u connections for a rate that one can do", peer->connects);
    scenario_end(&c);
}

/* A rate that was found holds beside that of the options, until there is none any more. */
static void a_found_rate_holds(void)
{
    static const struct sim_answer ok = {.status = 200, .delay_ns = SIM_MS};
    struct client c;

    scenario_begin(
        "a rate that was found holds", &c,
        &(struct ringsend_options){.store_attempts = true, .rate_count = 100, .rate_burst = 100},
        &ok, 1);
    SIM_CHECK(ringsend_limit_rate(c.engine, 1, 0) == -RINGSEND_E_INVALID &&
                  ringsend_limit_rate(c.engine, 1, 3601ull * SIM_S) == -RINGSEND_E_INVALID,
              "not refused");
    ringsend_limit_rate(c.engine, 1000, 100ull * SIM_S);
    for (int i = 0; i < 30; i++)
        scenario_submit(&c, &get);
    client_pass(&c, SIM_S);
    SIM_CHECK(c.done >= 10 && c.done <= 11, "%u are done", c.done);
    ringsend_limit_rate(c.engine, 0, 0);
    client_pass(&c, 100 * SIM_MS);
    SIM_CHECK(c.done == 30, "%u are done", c.done);
    client_finish(&c);
    scenario_end(&c);
}

static void rate_holds_for_retries(void)
{
    static const struct sim_answer busy = {.status = 503};
    struct client c;

    scenario_begin("the rate holds for retries", &c,
                   &(struct ringsend_options){.store_attempts = true,
                                              .rate_count = 1,
                                              .backoff_min_ns = SIM_MS,
                                              .backoff_max_ns = SIM_MS},
                   &busy, 1);
    scenario_submit(&c, &get);
    client_finish(&c);
    scenario_expect_attempt(&c, 0, 0, RINGSEND_OK, 503, false, RINGSEND_WAIT_RATE);
    scenario_expect_ms(&c, 0, 3030, 3065);
    scenario_end(&c);
}

/* No clock runs while the pace holds a request back but the record's own deadline. */
static void rate_stops_no_deadline(void)
{
    static const struct sim_answer ok = {.status = 200, .delay_ns = SIM_MS};
    struct client_ask late = get;
    struct client c;

    scenario_begin("the rate and the clocks", &c,
                   &(struct ringsend_options){.rate_count = 1,
                                              .rate_per_ns = 60ull * SIM_S,
                                              .attempt_timeout_ns = SIM_S,
                                              .connect_timeout_ns = SIM_S,
                                              .first_byte_timeout_ns = SIM_S},
                   &ok, 1);
    scenario_submit(&c, &get);
    scenario_submit(&c, &get);
    late.deadline_ns = 2ull * SIM_S;
    scenario_submit(&c, &late);
    client_finish(&c);
    scenario_expect(&c, 1, RINGSEND_OK, 200, 1, false);
    scenario_expect_ms(&c, 1, 60050, 60080);
    scenario_expect(&c, 2, RINGSEND_E_TIMEOUT_RECORD, 0, 0, false);
    scenario_expect_ms(&c, 2, 2000, 2010);
    scenario_end(&c);
}

/* An origin with much to send does not keep another one from its turn. */
static void rate_is_shared_by_origins(void)
{
    static const struct sim_answer ok = {.status = 200, .delay_ns = SIM_MS};
    struct client c;

    scenario_begin("the rate is shared by origins", &c,
                   &(struct ringsend_options){.rate_count = 10, .requests_max = 100}, &ok, 1);
    peer_with("10.0.0.2", 1, &ok);
    peer_with("10.0.0.3", 2, &ok);
    for (int i = 0; i < 40; i++)
        scenario_submit(&c, &get);
    uint32_t second = scenario_submit(&c, &(struct client_ask){.host = "10.0.0.2", .port = 80});
    uint32_t third = scenario_submit(&c, &(struct client_ask){.host = "10.0.0.3", .port = 80});
    client_finish(&c);
    scenario_expect_ms(&c, second, 0, 320);
    scenario_expect_ms(&c, third, 0, 320);
    scenario_expect_ms(&c, 39, 4160, 4200);
    scenario_end(&c);
}

/* The first in line is cancelled: the next one moves up. */
static void rate_line_moves_up(void)
{
    static const struct sim_answer ok = {.status = 200, .delay_ns = SIM_MS};
    struct client c;

    scenario_begin("who leaves the line for the pace", &c,
                   &(struct ringsend_options){.rate_count = 1}, &ok, 1);
    peer_with("10.0.0.2", 1, &ok);
    peer_with("10.0.0.3", 2, &ok);
    scenario_submit(&c, &get);
    client_pass(&c, 10 * SIM_MS);
    uint32_t cancelled = scenario_submit(&c, &(struct client_ask){.host = "10.0.0.2", .port = 80});
    client_pass(&c, 10 * SIM_MS);
    uint32_t last = scenario_submit(&c, &(struct client_ask){.host = "10.0.0.3", .port = 80});
    client_pass(&c, 10 * SIM_MS);
    ringsend_cancel(c.engine, c.requests[cancelled].handle);
    client_finish(&c);
    scenario_expect(&c, cancelled, RINGSEND_E_CANCELLED, 0, 0, false);
    scenario_expect(&c, last, RINGSEND_OK, 200, 1, false);
    scenario_expect_ms(&c, last, 990, 1020);
    scenario_end(&c);
}

/* ---- The retry budget ---- */

/* Of a platform that answers 503 only: 100 retries at once, then ten per second; first tries are
 * not held up, nothing fails for the wait, and the record's tries stay its own. */
static void budget_holds_retries_back(void)
{
    static const struct sim_answer busy = {.status = 503};
    struct client c;

    scenario_begin("the budget holds retries back", &c,
                   &(struct ringsend_options){.store_attempts = true,
                                              .requests_max = 200,
                                              .retry_budget_percent = 1,
                                              .backoff_min_ns = SIM_MS,
                                              .backoff_max_ns = SIM_MS},
                   &busy, 1);
    for (int i = 0; i < 100; i++)
        scenario_submit(&c, &get);
    client_pass(&c, 100 * SIM_MS);
    SIM_CHECK(scenario_stats(&c).attempts >= 200 && scenario_stats(&c).attempts <= 203,
              "%llu attempts", (unsigned long long)scenario_stats(&c).attempts);
    SIM_CHECK(scenario_stats(&c).held > 90, "%u are held", scenario_stats(&c).held);
    uint32_t late = scenario_submit(&c, &get);
    client_pass(&c, 10 * SIM_MS);
    SIM_CHECK(scenario_stats(&c).waiting > 90, "%u wait", scenario_stats(&c).waiting);
    client_finish(&c);
    for (uint32_t i = 0; i <= late; i++)
        scenario_expect(&c, i, RINGSEND_OK, 503, 4, false);
    SIM_CHECK(c.requests[late].trace[0].began_ns < 10 * SIM_MS, "a first try was held up");
    SIM_CHECK(c.requests[99].trace[2].wait == RINGSEND_WAIT_BUDGET, "the trace does not tell");
    SIM_CHECK(scenario_stats(&c).retries_held >= 190 && scenario_stats(&c).retries_held <= 203,
              "%llu retries were held", (unsigned long long)scenario_stats(&c).retries_held);
    /* 303 retries: 100 in reserve, 1 from first tries, the others at ten per second. */
    SIM_CHECK((sim.now_ns - sim.began_ns) / SIM_MS >= 20000 &&
                  (sim.now_ns - sim.began_ns) / SIM_MS <= 20500,
              "it took %.3f ms", (double)(sim.now_ns - sim.began_ns) / 1e6);
    scenario_end(&c);
}

/* Nothing but the bound of tries. */
/* The first in line for the budget has its turn there, and stands behind another origin for the
 * pace. */
static void budget_line_waits_for_the_pace(void)
{
    static const struct sim_answer busy = {.status = 503}, ok = {.status = 200};
    static const struct client_ask other = {.host = "10.0.0.2", .port = 80};
    struct client c;

    scenario_begin("the line for the budget, and the pace", &c,
                   &(struct ringsend_options){.tries = 12,
                                              .backoff_min_ns = SIM_MS,
                                              .backoff_max_ns = SIM_MS,
                                              .retry_budget_percent = 1,
                                              .retry_budget_per_s = 1,
                                              .rate_count = 1,
                                              .rate_burst = 20},
                   &busy, 1);
    peer_with("10.0.0.2", 1, &ok);
    scenario_submit(&c, &other);
    client_finish(&c);
    client_pass(&c, 30ull * SIM_S); /* the burst */
    uint32_t retried = scenario_submit(&c, &get);
    client_pass(&c, 100 * SIM_MS);
    SIM_CHECK(scenario_stats(&c).attempts == 12 && scenario_stats(&c).held == 1,
              "%llu attempts, %u held", (unsigned long long)scenario_stats(&c).attempts,
              scenario_stats(&c).held);
    for (int i = 0; i < 20; i++)
        scenario_submit(&c, &other);
    /* 31 s: the other one; 31.01 s: the budget opens; 32 s: the other one again */
    client_pass(&c, 2200ull * SIM_MS);
    SIM_CHECK(!c.requests[retried].done, "the pace is not kept");
    client_pass(&c, 1000 * SIM_MS);
    SIM_CHECK(c.requests[retried].done, "the retry does not get its turn");
    client_finish(&c);
    scenario_end(&c);
}

static void budget_none(void)
{
    static const struct sim_answer busy = {.status = 503};
    struct client c;

    scenario_begin("no budget", &c,
                   &(struct ringsend_options){.requests_max = 200,
                                              .retry_budget_percent = RINGSEND_UNLIMITED,
                                              .backoff_min_ns = SIM_MS,
                                              .backoff_max_ns = SIM_MS},
                   &busy, 1);
    for (int i = 0; i < 200; i++)
        scenario_submit(&c, &get);
    client_finish(&c);
    SIM_CHECK(sim.now_ns - sim.began_ns < 100 * SIM_MS, "retries were held back");
    scenario_end(&c);
}

/* First tries bring retries of others, at another origin too, without any clock. */
static void budget_is_filled_by_first_tries(void)
{
    static const struct sim_answer busy = {.status = 503}, ok = {.status = 200};
    struct client_ask other = {.host = "10.0.0.2", .port = 80};
    struct client c;

    scenario_begin("first tries fill the budget", &c,
                   &(struct ringsend_options){.requests_max = 200,
                                              .tries = 2,
                                              .retry_budget_percent = 100,
                                              .retry_budget_per_s = 1,
                                              .backoff_min_ns = SIM_MS,
                                              .backoff_max_ns = SIM_MS},
                   &busy, 1);
    peer_with("10.0.0.2", 1, &ok);
    for (int i = 0; i < 20; i++)
        scenario_submit(&c, &get); /* use the reserve up, as it is full already */
    client_pass(&c, 100 * SIM_MS);
    SIM_CHECK(c.done == 10, "%u are done", c.done);
    for (int i = 0; i < 10; i++)
        scenario_submit(&c, &other);
    client_pass(&c, 100 * SIM_MS);
    SIM_CHECK(c.done == 30, "%u are done", c.done);
    scenario_end(&c);
}

static const struct scenario_function functions[] = {
    {"pace closes no connection", pace_closes_no_connection},
    {"lines come to an end", lines_come_to_an_end},
    {"rate is kept", rate_is_kept},
    {"window holds no more", window_holds_no_more},
    {"rate spares idle connections", rate_spares_idle_connections},
    {"a found rate holds", a_found_rate_holds},
    {"rate holds for retries", rate_holds_for_retries},
    {"rate stops no deadline", rate_stops_no_deadline},
    {"rate is shared by origins", rate_is_shared_by_origins},
    {"line for the pace moves up", rate_line_moves_up},
    {"budget holds retries back", budget_holds_retries_back},
    {"line for the budget waits for the pace", budget_line_waits_for_the_pace},
    {"budget none", budget_none},
    {"budget is filled by first tries", budget_is_filled_by_first_tries},
};

const struct scenario_function *sim_pace_scenarios(size_t *count)
{
    *count = sizeof functions / sizeof *functions;
    return functions;
}
