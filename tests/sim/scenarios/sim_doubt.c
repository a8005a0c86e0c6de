/* The mark of a request that may have been processed, looked at while the request lives; what it
 * must be at each delivery and at the end is checked in every run. */
#include "tests/sim/scenarios/sim_scenarios.h"

#include <errno.h>

static const struct client_ask post = {
    .method = "POST", .host = "10.0.0.1", .port = 80, .body_bytes = 30, .flags = RINGSEND_HAS_BODY};

static void expect_marked(const struct client *c, uint32_t index, bool wanted, const char *when)
{
    const struct ringsend_request *request = c->requests[index].request;

    SIM_CHECK(((*request->in_doubt & request->in_doubt_mask) != 0) == wanted, "%smarked %s",
              wanted ? "not " : "", when);
}

/* What waits for a connection is unmarked, what is in flight is marked. */
static void mark_is_set_at_the_send(void)
{
    static const struct sim_answer slow = {.status = 200, .delay_ns = 1ull * SIM_S};
    struct client c;

    scenario_begin("the mark is set at the send", &c,
                   &(struct ringsend_options){.connections_max = 1}, &slow, 1);
    scenario_submit(&c, &post);
    scenario_submit(&c, &post);
    expect_marked(&c, 0, false, "when it was submitted");
    client_pass(&c, 500 * SIM_MS);
    expect_marked(&c, 0, true, "in flight");
    expect_marked(&c, 1, false, "waiting for a connection");
    client_pass(&c, 1ull * SIM_S);
    expect_marked(&c, 1, true, "in flight");
    client_finish(&c);
    scenario_end(&c);
}

/* Each refusal takes the mark back before the next try. */
static void mark_is_cleared_by_a_refusal(void)
{
    static const struct sim_answer answers[] = {
        {.status = 503, .headers = "retry-after: 5\r\n", .delay_ns = 1ull * SIM_S},
        {.status = 200, .delay_ns = 1ull * SIM_S}};
    struct client c;

    scenario_begin("a refusal clears the mark", &c, &(struct ringsend_options){0}, answers, 2);
    scenario_submit(&c, &post);
    client_pass(&c, 500 * SIM_MS);
    expect_marked(&c, 0, true, "in flight");
    client_pass(&c, 2ull * SIM_S);
    expect_marked(&c, 0, false, "after 503");
    client_pass(&c, 4ull * SIM_S);
    expect_marked(&c, 0, true, "at the second try");
    client_finish(&c);
    scenario_expect(&c, 0, RINGSEND_OK, 200, 2, false);
    scenario_end(&c);
}

/* What the first try left open, a refused second one does not settle. */
static void mark_outlives_a_later_refusal(void)
{
    static const struct sim_answer answers[] = {
        {.then = THEN_END}, {.status = 503, .headers = "retry-after: 5\r\n"}, {.status = 200}};
    struct client_ask again = post;
    struct client c;

    again.flags |= RINGSEND_AT_LEAST_ONCE;
    scenario_begin("a later refusal leaves the mark", &c, &(struct ringsend_options){0}, answers,
                   3);
    scenario_submit(&c, &again);
    client_pass(&c, 3ull * SIM_S);
    expect_marked(&c, 0, true, "after the broken connection and 503");
    client_finish(&c);
    scenario_expect(&c, 0, RINGSEND_OK, 200, 3, false);
    scenario_end(&c);
}

static void expect_cut_short(const struct client *c, uint32_t index, bool wanted)
{
    SIM_CHECK(c->requests[index].cut_short == wanted, "request %u is %scut short", index,
              wanted ? "not " : "");
}

/* A stop cuts short what waits, be it for a first or a further try, and no others. */
static void stop_cuts_short(void)
{
    static const struct sim_answer answers[] = {
        {.status = 408, .headers = "retry-after: 60\r\n"},
        {.status = 404},
        {.status = 503, .delay_ns = 2ull * SIM_S},
    };
    struct client_ask once = post;
    struct client c;

    once.tries = 1;
    scenario_begin("a stop cuts short", &c, &(struct ringsend_options){.connections_max = 1},
                   answers, 3);
    scenario_submit(&c, &post); /* waits for its second try */
    client_pass(&c, 100 * SIM_MS);
    scenario_submit(&c, &post); /* is answered for good */
    client_pass(&c, 100 * SIM_MS);
    scenario_submit(&c, &once); /* in flight, and has no further try */
    client_pass(&c, 100 * SIM_MS);
    scenario_submit(&c, &post); /* waits for a connection */
    client_pass(&c, 100 * SIM_MS);
    ringsend_stop(c.engine);
    client_finish(&c);
    scenario_expect(&c, 0, RINGSEND_OK, 408, 1, false);
    expect_cut_short(&c, 0, true);
    scenario_expect(&c, 1, RINGSEND_OK, 404, 1, false);
    expect_cut_short(&c, 1, false);
    scenario_expect(&c, 2, RINGSEND_OK, 503, 1, false);
    expect_cut_short(&c, 2, false);
    scenario_expect(&c, 3, RINGSEND_E_STOPPED, 0, 0, false);
    expect_cut_short(&c, 3, true);
    scenario_end(&c);
}

/* In flight when it is stopped, and would have had another try. */
static void stop_cuts_short_in_flight(void)
{
    static const struct sim_answer busy = {.status = 503, .delay_ns = 1ull * SIM_S};
    struct client c;

    scenario_begin("a stop cuts short in flight", &c, &(struct ringsend_options){0}, &busy, 1);
    scenario_submit(&c, &post);
    client_pass(&c, 100 * SIM_MS);
    ringsend_stop(c.engine);
    client_finish(&c);
    scenario_expect(&c, 0, RINGSEND_OK, 503, 1, false);
    expect_cut_short(&c, 0, true);
    scenario_end(&c);
}

static const struct scenario_function functions[] = {
    {"the mark is set at the send", mark_is_set_at_the_send},
    {"a refusal clears the mark", mark_is_cleared_by_a_refusal},
    {"a later refusal leaves the mark", mark_outlives_a_later_refusal},
    {"a stop cuts short", stop_cuts_short},
    {"a stop cuts short in flight", stop_cuts_short_in_flight},
};

const struct scenario_function *sim_doubt_scenarios(size_t *count)
{
    *count = sizeof functions / sizeof *functions;
    return functions;
}
