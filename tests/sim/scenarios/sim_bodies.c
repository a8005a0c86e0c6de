/* Scenarios of large bodies, and of the files that such bodies come from. */
#include "tests/sim/scenarios/sim_scenarios.h"
#include "tests/sim/world/sim_file.h"

#include "engine/file.h"

#include <errno.h>

enum { LARGE = 3 << 20 };

static const struct client_ask large_post = {
    .method = "POST", .host = "10.0.0.1", .port = 80, .body_bytes = LARGE};
static const struct client_ask get = {.host = "10.0.0.1", .port = 80};

/* Every byte is checked, on both sides; what does not come at once stops and goes on. */
static void large_bodies(void)
{
    static const struct sim_answer script[] = {
        {.status = 200, .framing = FRAMING_LENGTH, .body_bytes = LARGE},
        {.status = 200, .framing = FRAMING_CHUNKED, .body_bytes = LARGE},
        {.status = 200, .framing = FRAMING_CLOSE, .body_bytes = LARGE},
    };
    struct client c;

    for (int https = 0; https < 2; https++) {
        scenario_begin("large bodies", &c,
                       &(struct ringsend_options){.ca_file = https ? sim_tls_ca_file() : NULL},
                       script, 3);
        for (uint32_t i = 0; i < 3; i++) {
            struct client_ask ask = large_post;
            ask.https = https;
            scenario_submit(&c, &ask);
            client_finish(&c);
            scenario_expect(&c, i, RINGSEND_OK, 200, 1, false);
        }
        scenario_end(&c);
    }
}

/* An answer, or a break, in the middle of a request. */
static void large_request_is_cut_short(void)
{
    static const struct {
        struct sim_answer answer;
        enum ringsend_error error;
        bool ambiguous;
    } rows[] = {
        {{413, .early = true, .early_bytes = LARGE / 2, .then = THEN_STALL}, RINGSEND_OK, false},
        {{0, .early = true, .early_bytes = LARGE / 2, .then = THEN_RESET},
         RINGSEND_E_SEND_BROKEN,
         true},
        {{0, .early = true, .early_bytes = LARGE / 2, .then = THEN_END},
         RINGSEND_E_CLOSED_NO_RESPONSE,
         true},
    };
    struct client c;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        scenario_begin("a large request is cut short", &c, &(struct ringsend_options){0},
                       &rows[i].answer, 1);
        scenario_submit(&c, &large_post);
        client_finish(&c);
        scenario_expect(&c, 0, rows[i].error, rows[i].answer.status, 1, rows[i].ambiguous);
        SIM_CHECK(sim_latest_delivery(0)->bytes >= LARGE / 2 &&
                      sim_latest_delivery(0)->bytes < LARGE,
                  "%zu bytes came", sim_latest_delivery(0)->bytes);
        scenario_end(&c);
    }
}

/* Reads from a pipe whose other side is slow, stops, and breaks. */
static void pipe_that_stops(void)
{
    struct client c;
    struct file *file;
    char data[1000];
    uint64_t at = 0;

    scenario_begin("a pipe that stops", &c, &(struct ringsend_options){0},
                   &(struct sim_answer){.status = 200}, 1);
    struct sim_file *source = sim_file_new(&(struct sim_file){.pipe = true,
                                                              .bytes = 10000,
                                                              .step_bytes = 300,
                                                              .step_ns = SIM_MS,
                                                              .stops_at = 2000,
                                                              .error = EIO,
                                                              .fails_at = 5000});
    SIM_CHECK(file_open(c.engine, source->descriptor, &file) == 0, "no file");
    scenario_submit(&c, &get);
    client_finish(&c);
    for (bool stopped = false;;) {
        file_read(file, data, sizeof data, -1);
        client_pass(&c, 100 * SIM_MS);
        if (file_busy(file)) {
            SIM_CHECK(!stopped && at == 2000, "it stops at %llu", (unsigned long long)at);
            file_cancel(file);
            client_run(&c, RINGSEND_NEVER, UINT32_MAX);
            SIM_CHECK(file_take(file) == -ECANCELED, "the read was not cancelled");
            sim_file_go(source);
            stopped = true;
            continue;
        }
        int64_t n = file_take(file);
        if (n == -EIO)
            break;
        SIM_CHECK(n > 0 && n <= 300 && sim_body_is(0, 0, at, data, (size_t)n),
                  "the wrong bytes were read");
        at += (uint64_t)n;
    }
    SIM_CHECK(at == 5000, "it breaks at %llu", (unsigned long long)at);
    file_close(&file);
    scenario_end(&c);
}

static const struct scenario_function functions[] = {
    {"large bodies", large_bodies},
    {"a large request is cut short", large_request_is_cut_short},
    {"a pipe that stops", pipe_that_stops},
};

const struct scenario_function *sim_body_scenarios(size_t *count)
{
    *count = sizeof functions / sizeof *functions;
    return functions;
}
