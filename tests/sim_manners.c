/* Scenarios of manners: what an attempt waits for before it may begin, and how that is told. */
#include "sim_scenarios.h"

static const struct client_ask get = {.host = "10.0.0.1", .port = 80};

static void expect_attempt(const struct client *c, uint32_t index, uint32_t attempt,
                           enum ringsend_error error, int status, bool reused,
                           enum ringsend_wait wait)
{
    const struct client_request *r = &c->requests[index];

    SIM_CHECK(r->done && attempt < r->attempts, "request %u has no attempt %u", index, attempt);
    const struct ringsend_attempt *a = &r->trace[attempt];
    SIM_CHECK(a->error == error && a->status == status && a->reused == reused && a->wait == wait,
              "attempt %u: %s, status %d, %sreused, wait for %s", attempt,
              ringsend_error_name(a->error), a->status, a->reused ? "" : "not ",
              ringsend_wait_name(a->wait));
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
    expect_attempt(&c, 0, 0, RINGSEND_OK, 200, false, RINGSEND_WAIT_NONE);
    expect_attempt(&c, 1, 0, RINGSEND_E_CLOSED_NO_RESPONSE, 0, true, RINGSEND_WAIT_FREE);
    expect_attempt(&c, 1, 1, RINGSEND_OK, 503, false, RINGSEND_WAIT_RETRY_AFTER);
    expect_attempt(&c, 1, 2, RINGSEND_OK, 500, true, RINGSEND_WAIT_BACKOFF);
    expect_attempt(&c, 1, 3, RINGSEND_E_CLOSED_NO_RESPONSE, 0, true, RINGSEND_WAIT_BACKOFF);
    expect_attempt(&c, 1, 4, RINGSEND_OK, 200, false, RINGSEND_WAIT_NONE);
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
    expect_attempt(&c, 0, 0, RINGSEND_OK, 503, false, RINGSEND_WAIT_BACKOFF);
    SIM_CHECK(c.requests[0].trace[0].wait_ns > 900 * SIM_MS, "the wait is missing");
    scenario_end(&c);
}

static const struct scenario_function functions[] = {
    {"trace tells of all attempts", trace_tells_all_attempts},
    {"trace tells of the last wait", trace_tells_the_last_wait},
};

const struct scenario_function *sim_manners_scenarios(size_t *count)
{
    *count = sizeof functions / sizeof *functions;
    return functions;
}
