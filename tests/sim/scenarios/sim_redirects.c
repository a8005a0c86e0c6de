/* Redirects that are followed: each hop has its own doubt, and who was answered by one to a GET is
 * never sent again. The ledger (sim_server.h) counts deliveries and hops. */
#include "tests/sim/scenarios/sim_scenarios.h"

static const struct client_ask post = {
    .method = "POST", .host = "10.0.0.1", .port = 80, .body_bytes = 30, .flags = RINGSEND_HAS_BODY};

#define HERE "Location: /h/0\r\n"
#define THERE "Location: http://10.0.0.2/h/0\r\n"
#define LED(code, where)                                      \
    {                                                         \
        .status = (code), .body_bytes = 5, .headers = (where) \
    }
#define OK_ANSWER                       \
    {                                   \
        .status = 200, .body_bytes = 20 \
    }
#define NO_ANSWER        \
    {                    \
        .then = THEN_END \
    }

static const struct sim_answer see_other[] = {LED(303, HERE), OK_ANSWER};
static const struct sim_answer see_nobody[] = {LED(303, HERE), NO_ANSWER};
static const struct sim_answer found_later[] = {
    LED(302, HERE), {.status = 503, .body_bytes = 3}, OK_ANSWER};
static const struct sim_answer moved_to_nobody[] = {LED(307, HERE), NO_ANSWER};
static const struct sim_answer moved_and_busy[] = {LED(308, HERE), {.status = 503}};
static const struct sim_answer in_circles[] = {LED(302, HERE)};
static const struct sim_answer away[] = {LED(307, THERE)};
static const struct sim_answer answered[] = {OK_ANSWER};
static const struct sim_answer later[] = {
    {.status = 303, .headers = HERE "Retry-After: 5\r\n", .body_bytes = 1}, OK_ANSWER};

static struct sim_peer *begin(const char *name, struct client *c, const struct sim_answer *script,
                              uint32_t count)
{
    struct sim_peer *peer = scenario_begin(
        name, c, &(struct ringsend_options){.tries = 2, .redirects_max = 3, .store_attempts = true},
        script, count);
    scenario_submit(c, &post);
    return peer;
}

static void one(const char *name, const struct sim_answer *script, uint32_t count,
                enum ringsend_error error, int status, uint32_t attempts, bool ambiguous)
{
    struct client c;

    begin(name, &c, script, count);
    client_finish(&c);
    scenario_expect(&c, 0, error, status, attempts, ambiguous);
    scenario_end(&c);
}

static void a_post_is_answered_and_a_get_follows(void)
{
    one("303 is followed", see_other, 2, RINGSEND_OK, 200, 2, false);
    one("of the GET alone there is another try", found_later, 3, RINGSEND_OK, 200, 3, false);
    one("who was answered is not sent again", see_nobody, 2, RINGSEND_E_CLOSED_NO_RESPONSE, 0, 4,
        false);
}

static void what_is_to_be_elsewhere_has_its_doubt_there(void)
{
    one("307, and nobody answers", moved_to_nobody, 2, RINGSEND_E_CLOSED_NO_RESPONSE, 0, 2, true);
    one("308, and it is declined", moved_and_busy, 2, RINGSEND_OK, 503, 3, false);
}

static void loops_and_strange_places_end(void)
{
    static const char *const places[] = {"Location: ftp://10.0.0.1/\r\n",
                                         "Location: http://a:b@10.0.0.1/\r\n",
                                         "Location: http://[::1\r\n",
                                         "Location: http:///\r\n",
                                         "Location: //\r\n",
                                         "Location: http://10.0.0.1:99999/\r\n",
                                         "Location: /%\r\n",
                                         "Location: https:h\r\n"};
    one("loops end", in_circles, 1, RINGSEND_E_TOO_MANY_REDIRECTS, 302, 4, false);
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        const struct sim_answer answer = LED(307, places[i]);
        one("where nobody can be led to", &answer, 1, RINGSEND_E_BAD_REDIRECT, 307, 1, false);
    }
    one("an empty place is none", &(const struct sim_answer)LED(303, "Location: \r\n"), 1,
        RINGSEND_OK, 303, 1, false);
}

static void another_origin_has_its_own_queue(void)
{
    struct client c;
    struct sim_peer *first = begin("another origin", &c, away, 1);
    struct sim_peer *second = sim_peer_new("10.0.0.2", 80, 1);

    second->script = answered;
    second->script_count = 1;
    client_finish(&c);
    scenario_expect(&c, 0, RINGSEND_OK, 200, 2, false);
    SIM_CHECK(first->connects == 1 && second->connects == 1, "%u and %u connects", first->connects,
              second->connects);
    scenario_end(&c);

    first = begin("another origin, which refuses", &c, away, 1);
    second = sim_peer_new("10.0.0.2", 80, 1);
    second->connect = CONNECT_FAILS;
    second->connect_error = 111; /* ECONNREFUSED */
    client_finish(&c);
    scenario_expect(&c, 0, RINGSEND_E_CONNECT_REFUSED, 0, 3, false);
    SIM_CHECK(first->answers == 1, "%u answers of the first", first->answers);
    scenario_end(&c);
}

/* In the wait that the redirect asks for. */
static void a_stop_between_hops_leaves_no_doubt(void)
{
    struct client c;

    begin("a redirect is waited with", &c, later, 2);
    client_finish(&c);
    scenario_expect(&c, 0, RINGSEND_OK, 200, 2, false);
    scenario_expect_ms(&c, 0, 5000, 5100);
    scenario_end(&c);

    begin("a stop between hops", &c, later, 2);
    client_pass(&c, 2ull * SIM_S);
    ringsend_stop(c.engine);
    client_finish(&c);
    scenario_expect(&c, 0, RINGSEND_E_STOPPED, 0, 1, false);
    scenario_end(&c);
}

static const struct scenario_function functions[] = {
    {"a POST is answered, and a GET follows", a_post_is_answered_and_a_get_follows},
    {"what is to be elsewhere has its doubt there", what_is_to_be_elsewhere_has_its_doubt_there},
    {"loops and strange places end", loops_and_strange_places_end},
    {"another origin has its own queue", another_origin_has_its_own_queue},
    {"a stop between hops leaves no doubt", a_stop_between_hops_leaves_no_doubt},
};

const struct scenario_function *sim_redirect_scenarios(size_t *count)
{
    *count = sizeof functions / sizeof *functions;
    return functions;
}
