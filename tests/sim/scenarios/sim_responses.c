/* Scenarios of what the engine makes of a complete response: predicates, content codings. */
#include "tests/sim/scenarios/sim_scenarios.h"
#include "engine/on_ring.h"
#include "tests/sim/world/sim_answer.h"
#include "tests/sim/world/sim_ring.h"

#include <string.h>

static const struct client_ask get = {.host = "10.0.0.1", .port = 80};
static const struct client_ask post = {
    .method = "POST", .host = "10.0.0.1", .port = 80, .body_bytes = 30, .flags = RINGSEND_HAS_BODY};

#define BODY(text) .body = (text), .body_bytes = sizeof(text) - 1

static void expect_ok(const struct client *c, uint32_t index, bool ok)
{
    SIM_CHECK(c->requests[index].ok == ok, "request %u is %sok", index, ok ? "not " : "");
}

/* ok_if takes the place of the statuses, both ways, and what it fails is final. */
static void ok_if_judges(void)
{
    static const struct sim_answer script[] = {
        {.status = 200, BODY("{\"code\":0}")},
        {.status = 200, BODY("{\"code\":17}")},
        {.status = 500, BODY("{\"code\":0}")},
        {.status = 200, BODY("oops")},
    };
    struct client c;

    scenario_begin("ok_if judges", &c, &(struct ringsend_options){.ok_if = ".code == 0"}, script,
                   4);
    for (uint32_t i = 0; i < 4; i++) {
        scenario_submit(&c, &post);
        client_finish(&c);
        scenario_expect(&c, i, RINGSEND_OK, script[i].status, 1, false);
        expect_ok(&c, i, i % 2 == 0);
    }
    scenario_end(&c);
}

/* What ok_if fails is tried again by its status. */
static void ok_if_leaves_the_rest_to_the_status(void)
{
    static const struct sim_answer script[] = {
        {.status = 503, BODY("{\"code\":1}")},
        {.status = 200, BODY("{\"code\":0}")},
    };
    struct client c;

    scenario_begin("ok_if leaves the rest to the status", &c,
                   &(struct ringsend_options){.ok_if = "status == 200 && .code == 0"}, script, 2);
    scenario_submit(&c, &post);
    client_finish(&c);
    scenario_expect(&c, 0, RINGSEND_OK, 200, 2, false);
    expect_ok(&c, 0, true);
    scenario_end(&c);
}

/* An overloaded platform that says so with 200: a POST is sent again, by the user's word. */
static void retry_if_sends_again(void)
{
    static const struct sim_answer script[] = {
        {.status = 200, BODY("{\"error\":{\"type\":\"overloaded\"}}")},
        {.status = 500, BODY("{\"error\":{\"type\":\"overloaded\"}}")},
        {.status = 200, BODY("{}")},
    };
    struct client c;

    scenario_begin("retry_if sends again", &c,
                   &(struct ringsend_options){.retry_if = ".error.type == \"overloaded\""}, script,
                   3);
    sim.declining = "overloaded";
    scenario_submit(&c, &post);
    client_finish(&c);
    scenario_expect(&c, 0, RINGSEND_OK, 200, 3, false);
    expect_ok(&c, 0, true);
    scenario_end(&c);
}

/* Out of tries it is not ok, though its status is, and not ambiguous. */
static void retry_if_is_never_ok(void)
{
    static const struct sim_answer busy = {
        .status = 200, .headers = "X-State: busy\r\n", BODY("overloaded")};
    struct client c;

    scenario_begin("retry_if is never ok", &c,
                   &(struct ringsend_options){
                       .retry_if = "header(\"x-state\") == \"busy\"", .ok_if = "true", .tries = 3},
                   &busy, 1);
    sim.declining = "overloaded";
    scenario_submit(&c, &post);
    client_finish(&c);
    scenario_expect(&c, 0, RINGSEND_OK, 200, 3, false);
    expect_ok(&c, 0, false);
    scenario_end(&c);
}

/* A doubtful answer stays doubtful when retry_if says nothing of it. */
static void retry_if_weakens_nothing_else(void)
{
    static const struct sim_answer broken = {.status = 500, BODY("broken")};
    struct client c;

    scenario_begin("retry_if weakens nothing else", &c,
                   &(struct ringsend_options){.retry_if = "body contains \"overloaded\""}, &broken,
                   1);
    scenario_submit(&c, &post);
    client_finish(&c);
    scenario_expect(&c, 0, RINGSEND_OK, 500, 1, true);
    scenario_submit(&c, &get);
    client_finish(&c);
    scenario_expect(&c, 1, RINGSEND_OK, 500, 4, false);
    scenario_end(&c);
}

/* The engine refuses it with cause and column, before anything else. */
static void bad_predicates_are_refused(void)
{
    static const struct {
        const char *ok_if, *retry_if, *message;
    } rows[] = {
        {"status = 200", NULL, "ok_if: column 8: to compare, write =="},
        {NULL, ".a.", "retry_if: column 4: expected a key"},
        {"true", "(", "retry_if: column 2: the expression ends"},
    };

    for (size_t i = 0; i < 3; i++) {
        char message[200];
        struct ringsend_options options = {.size = sizeof options,
                                           .ok_if = rows[i].ok_if,
                                           .retry_if = rows[i].retry_if,
                                           .message = message,
                                           .message_bytes = sizeof message};
        struct ringsend *engine = NULL;

        sim_begin("bad predicates are refused", 1);
        SIM_CHECK(engine_new_on(&engine, &options, sim_ring_new) == -RINGSEND_E_INVALID && !engine,
                  "taken");
        SIM_CHECK(strncmp(message, rows[i].message, strlen(rows[i].message)) == 0, "\"%s\"",
                  message);
        sim_end();
    }
}

/* The text of a predicate is only borrowed by ringsend_new. */
static void predicates_are_copied(void)
{
    static const struct sim_answer answer = {.status = 404, BODY("{\"code\":0}")};
    char text[] = ".code == 0";
    struct client c;

    scenario_begin("predicates are copied", &c, &(struct ringsend_options){.ok_if = text}, &answer,
                   1);
    memset(text, '#', sizeof text);
    scenario_submit(&c, &get);
    client_finish(&c);
    expect_ok(&c, 0, true);
    scenario_end(&c);
}

/* ---- Content codings ---- */

static void expect_encoding(const struct client *c, uint32_t index, const char *encoding)
{
    SIM_CHECK(strcmp(c->requests[index].encoding, encoding) == 0, "request %u: encoding \"%s\"",
              index, c->requests[index].encoding);
}

/* The client's checks hold the body against what was packed. */
static void bodies_are_decoded(void)
{
    struct sim_answer answer = *sim_answer_packed("{\"code\":0}", 1);
    struct client c;

    scenario_begin("bodies are decoded", &c,
                   &(struct ringsend_options){.decode = true, .ok_if = ".code == 0"}, &answer, 1);
    scenario_submit(&c, &get);
    client_finish(&c);
    scenario_expect(&c, 0, RINGSEND_OK, 200, 1, false);
    expect_ok(&c, 0, true);
    expect_encoding(&c, 0, "");
    scenario_end(&c);
}

static void bodies_stay_packed(const char *name, bool decode, int status, const char *headers,
                               const char *encoding)
{
    struct sim_answer answer = *sim_answer_packed("abc", 100);
    struct client c;

    answer.decoded = NULL;
    answer.status = status;
    answer.headers = headers;
    scenario_begin(name, &c, &(struct ringsend_options){.decode = decode}, &answer, 1);
    scenario_submit(&c, &get);
    client_finish(&c);
    scenario_expect(&c, 0, RINGSEND_OK, status, 1, false);
    expect_encoding(&c, 0, encoding);
    scenario_end(&c);
}

/* Nobody asked for the coding: predicates see what the server meant, the result has what came. */
static void unasked_codings_are_taken_off_for_predicates(void)
{
    static const struct {
        const char *ok_if, *retry_if;
        const char *headers;
        int status;
        int32_t spoilt; /* so many bytes of it are missing */
        bool ok, unjudged;
    } rows[] = {
        {".code == 0", NULL, NULL, 200, 0, true, false},
        {".code == 1", NULL, NULL, 200, 0, false, false},
        {NULL, ".code == 1", NULL, 200, 0, true, false},
        {NULL, ".code == 0", NULL, 200, 0, false, false},
        {NULL, "body contains \"code\"", NULL, 200, 0, false, false},
        {NULL, "status == 429", NULL, 200, 0, true, false},
        {".code == 0", NULL, NULL, 200, 5, false, true},
        {NULL, ".code == 1", NULL, 200, 5, false, true},
        {NULL, ".code == 1", "content-encoding: rot13\r\n", 200, 0, false, true},
        {NULL, "body contains \"code\"", "content-encoding: rot13\r\n", 200, 0, false, true},
        {NULL, ".code == 1", "content-encoding: gzip\r\n", 206, 0, false, true},
        {"true", ".code == 1", "content-encoding: rot13\r\n", 200, 0, false, true},
        {"true", "status == 429", "content-encoding: rot13\r\n", 200, 0, true, false},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct sim_answer answer = *sim_answer_packed("{\"code\":0}", 1);
        struct client c;

        answer.decoded = NULL;
        answer.status = rows[i].status;
        answer.headers = rows[i].headers ? rows[i].headers : answer.headers;
        answer.body_bytes -= (uint32_t)rows[i].spoilt;
        scenario_begin("unasked codings are taken off for predicates", &c,
                       &(struct ringsend_options){
                           .tries = 1, .ok_if = rows[i].ok_if, .retry_if = rows[i].retry_if},
                       &answer, 1);
        sim.declining = i == 3 || i == 4 ? "\x1f\x8b" : NULL; /* as gzip begins */
        scenario_submit(&c, &post);
        client_finish(&c);
        scenario_expect(&c, 0, RINGSEND_OK, rows[i].status, 1, false);
        expect_encoding(&c, 0, rows[i].headers && rows[i].status == 200 ? "rot13" : "gzip");
        SIM_CHECK(c.requests[0].ok == rows[i].ok && c.requests[0].unjudged == rows[i].unjudged,
                  "row %zu: %sok, %sjudged", i, c.requests[0].ok ? "" : "not ",
                  c.requests[0].unjudged ? "not " : "");
        scenario_end(&c);
    }
}

/* Statuses decide whether what cannot be judged is tried again, and a POST is not ambiguous by it.
 */
static void unjudged_responses_are_tried_again_by_their_status(void)
{
    static const struct sim_answer script[] = {
        {.status = 503, BODY("<html>")},
        {.status = 200, BODY("<html>")},
    };
    struct client c;

    scenario_begin("unjudged responses are tried again by their status", &c,
                   &(struct ringsend_options){.retry_if = ".code == 17"}, script, 2);
    scenario_submit(&c, &post);
    client_finish(&c);
    scenario_expect(&c, 0, RINGSEND_OK, 200, 2, false);
    SIM_CHECK(c.requests[0].unjudged && !c.requests[0].ok, "judged all the same");
    scenario_end(&c);
}

static void packed_bodies_are_named(void)
{
    bodies_stay_packed("not asked to decode", false, 200, "Content-Encoding: gzip\r\n", "gzip");
    bodies_stay_packed("coding unknown", true, 200,
                       "content-encoding: gzip\r\nContent-Encoding: rot13\r\n", "gzip, rot13");
    bodies_stay_packed("partial content", true, 206, "content-encoding: gzip\r\n", "gzip");
    bodies_stay_packed("no coding", true, 200, "content-encoding: identity\r\n", "");
}

/* A complete response all the same: the connection is kept, and nothing is tried again. */
static void bad_codings_are_errors(void)
{
    static const struct sim_answer script[] = {
        {.status = 200, .headers = "content-encoding: gzip\r\n", BODY("not packed")},
        {.status = 200, BODY("fine")},
    };
    struct client c;
    struct sim_peer *peer = scenario_begin("bad codings are errors", &c,
                                           &(struct ringsend_options){.decode = true}, script, 2);

    scenario_submit(&c, &post);
    client_finish(&c);
    scenario_expect(&c, 0, RINGSEND_E_BAD_ENCODING, 200, 1, true);
    scenario_submit(&c, &get);
    client_finish(&c);
    scenario_expect(&c, 1, RINGSEND_OK, 200, 1, false);
    SIM_CHECK(peer->connects == 1, "%u connects", peer->connects);
    scenario_end(&c);
}

static void bombs_are_errors(void)
{
    struct sim_answer answer = *sim_answer_packed("0123456789abcdef", 1 << 17);
    struct client c;

    scenario_begin("bombs are errors", &c,
                   &(struct ringsend_options){.decode = true, .body_max_bytes = (1 << 21) - 1},
                   &answer, 1);
    scenario_submit(&c, &get);
    client_finish(&c);
    scenario_expect(&c, 0, RINGSEND_E_BODY_TOO_LARGE, 200, 1, false);
    scenario_end(&c);
    scenario_begin("large bodies are none", &c,
                   &(struct ringsend_options){.decode = true, .body_max_bytes = 1 << 21}, &answer,
                   1);
    scenario_submit(&c, &get);
    client_finish(&c);
    scenario_expect(&c, 0, RINGSEND_OK, 200, 1, false);
    scenario_end(&c);
}

/* Large bodies are decoded over several turns, one after the other. What comes meanwhile comes to
 * them: nothing, a cancel, a stop; the record's deadline, which they have met. */
static void decoding_takes_turns(void)
{
    enum { NOTHING, CANCEL_FIRST, CANCEL_SECOND, DEADLINE, STOP, CASES };

    for (int what = NOTHING; what < CASES; what++) {
        struct sim_answer large = *sim_answer_packed("0123456789abcdef", 1 << 17);
        struct client_ask ask = post;
        struct client c;
        uint32_t turns = 0;
        struct sim_peer *peer = scenario_begin(
            "decoding takes turns", &c,
            &(struct ringsend_options){.decode = true, .store_attempts = true}, &large, 1);
        sim.faults.latency_ns = 0; /* both responses come at once */
        ask.deadline_ns = what == DEADLINE ? SIM_S : 0;
        scenario_submit(&c, &ask);
        scenario_submit(&c, &ask);
        while (peer->answers < 2 || scenario_stats(&c).exchanges > 0)
            client_run(&c, 0, UINT32_MAX), sim.now_ns += 10 * SIM_US;
        for (; !c.requests[0].done || !c.requests[1].done; turns++) {
            SIM_CHECK(scenario_stats(&c).exchanges == 0, "the connections are not free");
            if (turns == 1 && what == CANCEL_FIRST)
                ringsend_cancel(c.engine, c.requests[0].handle);
            if (turns == 1 && what == CANCEL_SECOND)
                ringsend_cancel(c.engine, c.requests[1].handle);
            if (turns == 1 && what == DEADLINE)
                sim.now_ns += SIM_S;
            if (turns == 1 && what == STOP)
                ringsend_stop(c.engine);
            client_run(&c, 0, UINT32_MAX);
        }
        SIM_CHECK(turns >= (what == CANCEL_FIRST || what == CANCEL_SECOND ? 2u : 6u),
                  "two large bodies took %u turns", turns);
        for (uint32_t i = 0; i < 2; i++) {
            enum ringsend_error error =
                what == CANCEL_FIRST + (int)i ? RINGSEND_E_CANCELLED : RINGSEND_OK;
            scenario_expect(&c, i, error, 200, 1, error != RINGSEND_OK);
            SIM_CHECK(c.requests[i].trace[0].error == error, "the trace is wrong");
        }
        scenario_end(&c);
    }
}

static void load_packed(struct client *c, const struct ringsend_options *options)
{
    static struct sim_answer script[2];
    struct sim_peer *peer = sim_peer_new("10.0.0.1", 80, 0);

    script[0] = *sim_answer_packed("0123456789abcdef", 1 << 17);
    script[1] = *sim_answer_packed("abc", 100);
    for (int i = 0; i < 2; i++)
        script[i].decoded = options->decode ? script[i].decoded : NULL;
    peer->script = script;
    peer->script_count = 2;
    if (!client_try_begin(c, options))
        return;
    for (int i = 0; i < 3; i++)
        scenario_submit(c, &get);
}

static void packed_load(struct client *c)
{
    load_packed(c, &(struct ringsend_options){.connections_max = 2, .decode = true, .seed = 1});
}

/* Copies are decoded. */
static void judged_load(struct client *c)
{
    load_packed(c, &(struct ringsend_options){
                       .connections_max = 2, .ok_if = "body contains \"b\"", .seed = 1});
}

static void free_while_decoding(void)
{
    scenario_free_at_any_time("free while decoding", packed_load);
    scenario_free_at_any_time("free while decoding for predicates", judged_load);
}

static void break_while_decoding(void)
{
    scenario_break_at_any_time("the ring breaks while decoding", packed_load);
    scenario_break_at_any_time("the ring breaks while decoding for predicates", judged_load);
}

static const struct scenario_function functions[] = {
    {"ok_if judges", ok_if_judges},
    {"ok_if leaves the rest to the status", ok_if_leaves_the_rest_to_the_status},
    {"retry_if sends again", retry_if_sends_again},
    {"retry_if is never ok", retry_if_is_never_ok},
    {"retry_if weakens nothing else", retry_if_weakens_nothing_else},
    {"bad predicates are refused", bad_predicates_are_refused},
    {"predicates are copied", predicates_are_copied},
    {"bodies are decoded", bodies_are_decoded},
    {"unasked codings are taken off for predicates", unasked_codings_are_taken_off_for_predicates},
    {"unjudged responses are tried again by their status",
     unjudged_responses_are_tried_again_by_their_status},
    {"packed bodies are named", packed_bodies_are_named},
    {"bad codings are errors", bad_codings_are_errors},
    {"bombs are errors", bombs_are_errors},
    {"decoding takes turns", decoding_takes_turns},
    {"free while decoding", free_while_decoding},
    {"ring breaks while decoding", break_while_decoding},
};

const struct scenario_function *sim_response_scenarios(size_t *count)
{
    *count = sizeof functions / sizeof *functions;
    return functions;
}
