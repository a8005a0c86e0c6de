/* Tokens that are found out for each try: when one may begin, and what becomes of one that is
 * refused (src/engine/credentials.h). */
#include "engine/credentials.h"

#include "tests/sim/scenarios/sim_scenarios.h"

#include <string.h>

static const struct client_ask post = {
    .method = "POST", .host = "10.0.0.1", .port = 80, .body_bytes = 30, .flags = RINGSEND_HAS_BODY};

/* The engine's, in place of a token's thread. */
static struct {
    struct credentials credentials;
    bool closed;         /* no try may begin */
    uint16_t generation; /* of the token that tries get */
    bool helps;          /* another token would */
    uint32_t added, refusals;
} desk;

static bool may_begin(struct credentials *c, uint64_t now_ns)
{
    (void)c;
    (void)now_ns;
    return !desk.closed;
}

static enum ringsend_error add(struct credentials *c, const struct head *head,
                               struct ringsend_bytes body, int64_t wall_s, struct buf_pool *pool,
                               struct buf *out, uint16_t *generation)
{
    static const char line[] = "Authorization: Bearer token\r\n";

    SIM_CHECK(c == &desk.credentials && head->bytes > 0 && wall_s > 0, "asked for something else");
    SIM_CHECK(body.bytes <= 30, "the body is another one");
    *generation = desk.generation;
    desk.added++;
    return buf_append(pool, out, line, sizeof line - 1) ? RINGSEND_OK : RINGSEND_E_NO_MEMORY;
}

static bool heard(struct credentials *c, uint16_t generation, int status, bool is_ok, bool *renewed)
{
    SIM_CHECK(c == &desk.credentials && generation > 0, "heard of no token");
    SIM_CHECK(is_ok == (status == 200), "%d is judged otherwise", status);
    if (status != 401)
        return false;
    desk.refusals++;
    *renewed = true;
    return desk.helps;
}

static void begin(const char *name, struct client *c, const struct sim_answer *script,
                  uint32_t count)
{
    memset(&desk, 0, sizeof desk);
    desk.credentials = (struct credentials){.may_begin = may_begin, .add = add, .heard = heard};
    desk.generation = 1;
    desk.helps = true;
    scenario_begin(name, c, &(struct ringsend_options){.tries = 1}, script, count);
    engine_use_credentials(c->engine, &desk.credentials);
}

/* Its record has one try, and both of them are sent. */
static void a_refused_token_is_a_free_try(void)
{
    static const struct sim_answer script[] = {{.status = 401}, {.status = 200}};
    struct client c;

    begin("a refused token is a free try", &c, script, 2);
    sim.refusals = 1;
    scenario_submit(&c, &post);
    client_finish(&c);
    scenario_expect(&c, 0, RINGSEND_OK, 200, 2, false);
    SIM_CHECK(desk.added == 2 && desk.refusals == 1, "it was asked %u times", desk.added);
    scenario_end(&c);
}

static void a_refusal_that_nothing_helps_is_a_result(void)
{
    static const struct sim_answer script[] = {{.status = 401}, {.status = 200}};
    struct client c;

    begin("a refusal that nothing helps is a result", &c, script, 2);
    desk.helps = false;
    scenario_submit(&c, &post);
    client_finish(&c);
    scenario_expect(&c, 0, RINGSEND_OK, 401, 1, false);
    scenario_end(&c);
}

/* However often a token is said to be a new one. */
static void refusals_come_to_an_end(void)
{
    static const struct sim_answer script[] = {{.status = 401}};
    const struct client_ask get = {.host = "10.0.0.1", .port = 80};
    struct client c;

    begin("refusals come to an end", &c, script, 1);
    sim.refusals = 20;
    scenario_submit(&c, &get);
    client_finish(&c);
    SIM_CHECK(desk.refusals > 1, "%u refusals", desk.refusals);
    scenario_expect(&c, 0, RINGSEND_OK, 401, desk.refusals, false);
    scenario_end(&c);
}

/* No connection is made meanwhile, no clock but the record's own runs, and a stop ends it. */
static void nothing_begins_without_credentials(void)
{
    static const struct sim_answer script[] = {{.status = 200, .delay_ns = SIM_MS}};
    struct client_ask brief = post;
    struct client c;

    brief.deadline_ns = 3ull * SIM_S;
    begin("nothing begins without credentials", &c, script, 1);
    desk.closed = true;
    scenario_submit(&c, &post);
    scenario_submit(&c, &brief);
    client_pass(&c, 100ull * SIM_S);
    SIM_CHECK(scenario_stats(&c).connections_opened == 0 && desk.added == 0, "something began");
    scenario_expect(&c, 1, RINGSEND_E_TIMEOUT_RECORD, 0, 0, false);
    SIM_CHECK(scenario_stats(&c).held == 1, "it is not held back");
    desk.closed = false;
    client_finish(&c);
    scenario_expect(&c, 0, RINGSEND_OK, 200, 1, false);
    scenario_expect_ms(&c, 0, 100000, 100100);
    desk.closed = true;
    scenario_submit(&c, &post);
    client_pass(&c, 1ull * SIM_S);
    ringsend_stop(c.engine);
    client_finish(&c);
    scenario_expect(&c, 2, RINGSEND_E_STOPPED, 0, 0, false);
    scenario_end(&c);
}

static const struct scenario_function functions[] = {
    {"a refused token is a free try", a_refused_token_is_a_free_try},
    {"a refusal that nothing helps is a result", a_refusal_that_nothing_helps_is_a_result},
    {"refusals come to an end", refusals_come_to_an_end},
    {"nothing begins without credentials", nothing_begins_without_credentials},
};

const struct scenario_function *sim_credentials_scenarios(size_t *count)
{
    *count = sizeof functions / sizeof *functions;
    return functions;
}
