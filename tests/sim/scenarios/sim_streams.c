/* Scenarios of streamed bodies: each way in and out against each behaviour of peer, host and
 * descriptors. That every byte is the right one, comes once and in order, and that the engine never
 * holds much of it, is checked by server, host and files (sim_server.c, sim_host.c, sim_file.c). */
#include "tests/sim/scenarios/sim_streams.h"

#include "tests/sim/world/sim_answer.h"

#include <string.h>

enum { SIZES = 5 };
static const uint32_t sizes[SIZES] = {0, 1, 1000, MEDIUM, LARGE};

const struct way ways_out[WAYS_OUT] = {
    {"file", RINGSEND_BODY_FD, false, {.body_at = 0}},
    {"file from a position", RINGSEND_BODY_FD, false, {.body_at = 12345}},
    {"file, sequential", RINGSEND_BODY_FD, true, {.body_at = RINGSEND_SEQUENTIAL}},
    {"pipe",
     RINGSEND_BODY_FD,
     true,
     {.body_at = RINGSEND_SEQUENTIAL,
      .source = {.pipe = true, .step_bytes = 4096, .step_ns = 20 * SIM_US}}},
    {"pieces", RINGSEND_BODY_PIECES, true, {.waits = false}},
    {"pieces when wanted",
     RINGSEND_BODY_PIECES,
     true,
     {.waits = true, .lazy_per_mille = 200, .lazy_ns = 2 * SIM_MS}},
    {"small pieces", RINGSEND_BODY_PIECES, true, {.piece_bytes = 999, .lazy_per_mille = 10}},
};

const struct way ways_in[WAYS_IN] = {
    {"discarded", RINGSEND_RESPONSE_DISCARD, false, {.lazy_ns = 0}},
    {"file", RINGSEND_RESPONSE_FD, true, {.lazy_ns = 0}},
    {"file, appending", RINGSEND_RESPONSE_FD, true, {.sink = {.appends = true}}},
    {"pipe",
     RINGSEND_RESPONSE_FD,
     true,
     {.sink = {.pipe = true, .step_bytes = 4096, .step_ns = 20 * SIM_US}}},
    {"pieces", RINGSEND_RESPONSE_PIECES, true, {.lazy_ns = 0}},
    {"pieces, held at times",
     RINGSEND_RESPONSE_PIECES,
     true,
     {.lazy_per_mille = 400, .lazy_ns = 5 * SIM_MS}},
};

struct client_ask ask_out(const char *method, const struct way *way, uint32_t bytes)
{
    return (struct client_ask){.method = method,
                               .host = "10.0.0.1",
                               .port = 80,
                               .flags = way->flag,
                               .body_bytes = bytes,
                               .ways = &way->ways};
}

struct client_ask ask_in(const char *method, const struct way *way)
{
    return ask_out(method, way, 0);
}

struct sim_peer *stream_begin(const char *name, struct client *c,
                              const struct ringsend_options *options,
                              const struct sim_answer *script, uint32_t script_count)
{
    struct ringsend_options all = *options;

    all.ca_file = sim_tls_ca_file();
    return scenario_begin(name, c, &all, script, script_count);
}

/* ---- All is well ---- */

static void bodies_go_out(void)
{
    static const struct sim_answer answer = {.status = 200, .body_bytes = 20};
    struct client c;

    for (uint32_t w = 0; w < 2 * WAYS_OUT; w++) {
        struct way way = ways_out[w / 2];
        way.ways.unknown = w % 2 == 1;
        stream_begin("streamed bodies go out", &c, &(struct ringsend_options){0}, &answer, 1);
        for (uint32_t i = 0; i < 2 * SIZES; i++) {
            struct client_ask ask = ask_out("POST", &way, sizes[i / 2]);
            ask.https = i % 2 == 1;
            scenario_submit(&c, &ask);
            client_finish(&c);
            scenario_expect(&c, i, RINGSEND_OK, 200, 1, false);
            SIM_CHECK(sim_record(c.requests[i].record)->complete == 1, "%s: not complete",
                      way.name);
        }
        scenario_end(&c);
    }
}

static void bodies_come_in(void)
{
    struct client c;

    for (uint32_t w = 0; w < WAYS_IN; w++) {
        for (uint32_t i = 0; i < 2 * 3 * SIZES; i++) {
            struct sim_answer answer = {
                .status = 200,
                .framing =
                    (enum sim_framing[]){FRAMING_LENGTH, FRAMING_CHUNKED, FRAMING_CLOSE}[i % 3],
                .body_bytes = sizes[i / 6]};
            struct client_ask ask = ask_in("GET", &ways_in[w]);
            ask.https = i / 3 % 2 == 1;
            stream_begin("streamed bodies come in", &c,
                         &(struct ringsend_options){.body_max_bytes = 10, .store_headers = true},
                         &answer, 1);
            scenario_submit(&c, &ask);
            client_finish(&c);
            scenario_expect(&c, 0, RINGSEND_OK, 200, 1, false);
            SIM_CHECK(c.requests[0].ok, "%s: not ok", ways_in[w].name);
            scenario_end(&c);
        }
    }
}

/* Both at once, a few side by side, beside requests that stream nothing; everything in bits. */
static void bodies_in_bits(void)
{
    static const struct sim_answer answer = {
        .status = 200, .framing = FRAMING_CHUNKED, .body_bytes = MEDIUM};
    struct client c;

    for (uint32_t out = 0; out < WAYS_OUT; out++) {
        stream_begin("streamed bodies in bits", &c, &(struct ringsend_options){0}, &answer, 1);
        sim.faults.file_short = 700;
        sim.faults.file_slow = 100;
        sim.faults.send_slow = 300;
        sim.faults.recv_split = 700;
        sim.faults.recv_stops = 100;
        sim.faults.reorders = 300;
        sim.faults.buffers = 16;
        for (uint32_t in = 0; in < WAYS_IN; in++) {
            struct host_ways ways = ways_out[out].ways;
            struct client_ask ask = ask_out("PUT", &ways_out[out], MEDIUM);
            ways.sink = ways_in[in].ways.sink;
            ways.lazy_per_mille |= ways_in[in].ways.lazy_per_mille;
            ways.lazy_ns |= ways_in[in].ways.lazy_ns;
            ask.flags |= ways_in[in].flag;
            ask.ways = &ways;
            ask.https = in % 2 == 1;
            scenario_submit(&c, &ask);
            scenario_submit(&c, &(struct client_ask){.host = "10.0.0.1", .port = 80});
        }
        client_finish(&c);
        for (uint32_t i = 0; i < c.count; i++)
            scenario_expect(&c, i, RINGSEND_OK, 200, 1, false);
        scenario_end(&c);
    }
}

/* ---- Which responses are streamed ---- */

/* What is not ok is stored, and may be tried again; nothing of it gets where good bodies go. */
static void only_good_responses_are_streamed(void)
{
    static const struct sim_answer script[] = {{.status = 503, .body_bytes = 50},
                                               {.status = 200, .body_bytes = MEDIUM},
                                               {404, .body_bytes = 100}};
    struct client c;

    for (uint32_t w = 0; w < WAYS_IN; w++) {
        struct client_ask ask = ask_in("GET", &ways_in[w]);
        stream_begin("only good responses are streamed", &c,
                     &(struct ringsend_options){.body_max_bytes = 100}, script, 3);
        scenario_submit(&c, &ask);
        client_finish(&c);
        scenario_expect(&c, 0, RINGSEND_OK, 200, 2, false);
        scenario_submit(&c, &ask);
        client_finish(&c);
        scenario_expect(&c, 1, RINGSEND_OK, 404, 1, false);
        scenario_end(&c);
        stream_begin("bad ones have a limit", &c, &(struct ringsend_options){.body_max_bytes = 99},
                     &script[2], 1);
        scenario_submit(&c, &ask);
        client_finish(&c);
        scenario_expect(&c, 0, RINGSEND_E_BODY_TOO_LARGE, 404, 1, false);
        scenario_end(&c);
    }
}

/* Nothing is decoded, and no predicate sees it. */
static void streamed_bodies_stay_as_they_are(void)
{
    struct sim_answer answer = *sim_answer_packed("{\"code\":0}", 1);
    struct client c;

    for (uint32_t w = 0; w < WAYS_IN; w++) {
        struct client_ask ask = ask_in("GET", &ways_in[w]);
        stream_begin("streamed bodies stay as they are", &c,
                     &(struct ringsend_options){.decode = true, .ok_if = "body == \"\""}, &answer,
                     1);
        scenario_submit(&c, &ask);
        client_finish(&c);
        scenario_expect(&c, 0, RINGSEND_OK, 200, 1, false);
        SIM_CHECK(c.requests[0].ok && strcmp(c.requests[0].encoding, "gzip") == 0,
                  "encoding \"%s\"", c.requests[0].encoding);
        scenario_end(&c);
    }
}

static const struct scenario_function functions[] = {
    {"streamed bodies go out", bodies_go_out},
    {"streamed bodies come in", bodies_come_in},
    {"streamed bodies in bits", bodies_in_bits},
    {"only good responses are streamed", only_good_responses_are_streamed},
    {"streamed bodies stay as they are", streamed_bodies_stay_as_they_are},
};

const struct scenario_function *sim_stream_scenarios(size_t *count)
{
    *count = sizeof functions / sizeof *functions;
    return functions;
}
