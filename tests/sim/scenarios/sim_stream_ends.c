/* Scenarios of streamed bodies that do not get through: peers that break or answer early,
 * descriptors that fail, hosts that cancel, hold and misuse, and the lack of buffers and memory. */
#include "tests/sim/scenarios/sim_streams.h"

#include "engine/file.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static const struct sim_answer ok_small = {.status = 200, .body_bytes = 20};
static const struct sim_answer ok_medium = {.status = 200, .body_bytes = MEDIUM};
static const struct client_ask get = {.host = "10.0.0.1", .port = 80};

/* ---- Peers ---- */

/* The connection breaks when so much of a body is out. What can be read again is sent again if it
 * may be; what is gone is not. */
static void peer_breaks_while_sending(void)
{
    static const enum sim_then ends[] = {THEN_RESET, THEN_END};
    static const uint32_t places[] = {0, 1, 100000, 250000};
    struct client c;

    for (uint32_t w = 0; w < WAYS_OUT; w++) {
        for (uint32_t i = 0; i < 16; i++) {
            bool post = i % 2 == 1;
            struct sim_answer script[] = {
                {.early = true, .early_bytes = places[i / 4], .then = ends[i / 2 % 2]}, ok_small};
            struct client_ask ask = ask_out(post ? "POST" : "PUT", &ways_out[w], MEDIUM);
            ask.https = i % 3 == 0;
            stream_begin("the peer breaks while a stream goes out", &c,
                         &(struct ringsend_options){.tries = 2}, script, 2);
            scenario_submit(&c, &ask);
            client_finish(&c);
            if (!post && !ways_out[w].once)
                scenario_expect(&c, 0, RINGSEND_OK, 200, 2, false);
            else if (post || places[i / 4] >= 250000) /* more than is in hand is gone */
                SIM_CHECK(c.requests[0].error != RINGSEND_OK && c.requests[0].attempts == 1 &&
                              c.requests[0].ambiguous == post,
                          "%s: %s after %u attempts", ways_out[w].name,
                          ringsend_error_name(c.requests[0].error), c.requests[0].attempts);
            scenario_end(&c);
        }
    }
}

/* And when so much of a response is in. */
static void peer_breaks_while_answering(void)
{
    static const int32_t places[] = {1, 100, 5000, 200000, -1};
    struct client c;

    for (uint32_t w = 0; w < WAYS_IN; w++) {
        for (uint32_t i = 0; i < 30; i++) {
            struct sim_answer script[2] = {ok_medium, ok_medium};
            struct client_ask ask = ask_in("GET", &ways_in[w]);
            script[0].framing = i / 10 % 2 ? FRAMING_CHUNKED : FRAMING_LENGTH;
            script[0].truncate_at = places[i % 5];
            script[0].then = i / 5 % 2 ? THEN_RESET : THEN_END;
            ask.https = i >= 20;
            stream_begin("the peer breaks while a stream comes in", &c,
                         &(struct ringsend_options){.tries = 2}, script, 2);
            scenario_submit(&c, &ask);
            client_finish(&c);
            const struct client_request *r = &c.requests[0];
            if (!ways_in[w].once || places[i % 5] == 1)
                scenario_expect(&c, 0, RINGSEND_OK, 200, 2, false);
            else /* a reset may overtake all of it, and a record of TLS is whole or nothing */
                SIM_CHECK((r->attempts == 1 && r->error == RINGSEND_E_TRUNCATED_BODY &&
                           r->status == 200) ||
                              (r->attempts == 2 && r->error == RINGSEND_OK &&
                               (script[0].then == THEN_RESET || places[i % 5] == 100 ||
                                (ask.https && places[i % 5] == 5000))),
                          "%s, place %d: %s after %u attempts", ways_in[w].name, (int)places[i % 5],
                          ringsend_error_name(r->error), r->attempts);
            scenario_end(&c);
        }
    }
}

/* An answer that comes before the body is out decides; nobody asks for the rest. */
static void early_answers(void)
{
    struct client c;

    for (uint32_t w = 0; w < WAYS_OUT; w++) {
        for (uint32_t i = 0; i < 8; i++) {
            bool declined = i % 2 == 1;
            struct sim_answer script[] = {
                {declined ? 503 : 413, .early = true, .early_bytes = i / 4 ? 250000 : 0,
                 .body_bytes = 10, .then = i / 2 % 2 ? THEN_STALL : THEN_END, .then_ns = SIM_MS},
                ok_small};
            struct client_ask ask = ask_out("POST", &ways_out[w], LARGE);
            ask.https = i % 3 == 0;
            stream_begin("early answers to streams", &c, &(struct ringsend_options){.tries = 2},
                         script, 2);
            scenario_submit(&c, &ask);
            client_finish(&c);
            if (declined && !ways_out[w].once)
                scenario_expect(&c, 0, RINGSEND_OK, 200, 2, false);
            else if (!declined || i / 4)
                scenario_expect(&c, 0, RINGSEND_OK, script[0].status, 1, false);
            SIM_CHECK(sim_latest_delivery(0)->bytes < LARGE || c.requests[0].attempts == 2,
                      "all of it was sent");
            scenario_end(&c);
        }
    }
}

/* A good one decides nothing until the body is out; what breaks, ends or stands still before that
 * is the outcome. The response may be a stream as well. */
static void early_good_answers(void)
{
    static const struct {
        enum sim_then then;
        bool reads_on;
        enum ringsend_error error;
    } rows[] = {
        {THEN_KEEP, true, RINGSEND_OK},
        {THEN_STALL, false, RINGSEND_E_TIMEOUT_ATTEMPT},
        {THEN_RESET, false, RINGSEND_E_SEND_BROKEN},
    };
    struct client c;

    for (uint32_t w = 0; w < WAYS_OUT; w++) {
        for (uint32_t i = 0; i < 12; i++) {
            struct sim_answer answer = {200, .early = true, .body_bytes = 10,
                                        .early_bytes = i / 6 ? 250000 : 0, .then_ns = SIM_MS};
            struct client_ask ask = ask_out("POST", &ways_out[w], LARGE);
            answer.then = rows[i % 3].then;
            answer.reads_on = rows[i % 3].reads_on;
            ask.https = i / 3 % 2;
            ask.flags |= i % 2 ? RINGSEND_RESPONSE_DISCARD : 0;
            stream_begin("early good answers to streams", &c,
                         &(struct ringsend_options){.attempt_timeout_ns = 9ull * SIM_S}, &answer,
                         1);
            scenario_submit(&c, &ask);
            client_finish(&c);
            scenario_expect(&c, 0, rows[i % 3].error, 200, 1, rows[i % 3].error != RINGSEND_OK);
            SIM_CHECK(sim_latest_delivery(0)->entered == (rows[i % 3].error == RINGSEND_OK),
                      "%s, row %u: sent to its end, or not", ways_out[w].name, i);
            scenario_end(&c);
        }
    }
}

/* A body that can be read once only is not risked on a connection that may be dead. */
static void fresh_connections(void)
{
    struct client c;

    for (uint32_t w = 0; w < WAYS_OUT; w++) {
        struct client_ask ask = ask_out("POST", &ways_out[w], 100000);
        struct sim_peer *peer = stream_begin("streams that go out once take a fresh connection", &c,
                                             &(struct ringsend_options){0}, &ok_small, 1);
        scenario_submit(&c, &get);
        client_finish(&c);
        scenario_submit(&c, &ask);
        client_finish(&c);
        scenario_expect(&c, 1, RINGSEND_OK, 200, 1, false);
        SIM_CHECK(peer->connects == (ways_out[w].once ? 2 : 1), "%s: %u connects", ways_out[w].name,
                  peer->connects);
        scenario_end(&c);
    }
}

/* At its origin's limit it makes its own place, whatever else is about to be closed elsewhere. */
static void fresh_connections_make_room(void)
{
    static const struct sim_answer last = {
        .status = 200, .headers = "Connection: close\r\n", .then = THEN_STALL};
    struct client_ask ask = ask_out("PUT", &ways_out[2], 10);
    struct client c;

    stream_begin("fresh connections make room", &c,
                 &(struct ringsend_options){.connections_max = 3, .connections_per_origin = 1},
                 &ok_small, 1);
    struct sim_peer *other = sim_peer_new("10.0.0.2", 80, 1);
    other->script = &last;
    other->script_count = 1;
    scenario_submit(&c, &get);
    client_finish(&c);
    sim.faults.close_slow = 1000;
    scenario_submit(&c, &(struct client_ask){.host = "10.0.0.2", .port = 80});
    client_finish(&c);
    SIM_CHECK(sim_sockets_open() == 2, "its connection is closed already");
    scenario_submit(&c, &ask);
    client_finish(&c);
    scenario_expect(&c, 2, RINGSEND_OK, 200, 1, false);
    scenario_expect_ms(&c, 2, 0, 60);
    scenario_end(&c);
}

/* Nor do those behind it pass it by for as long as they come. */
static void fresh_connections_have_their_turn(void)
{
    struct client c;

    for (uint32_t limit = 1; limit <= 3; limit++) {
        struct client_ask ask = ask_out("POST", &ways_out[4], 1000);
        uint32_t turns = 0;
        stream_begin("streams that go out once have their turn", &c,
                     &(struct ringsend_options){.connections_max = limit}, &ok_small, 1);
        for (uint32_t i = 0; i < 2 * limit; i++)
            scenario_submit(&c, &get);
        uint32_t stream = scenario_submit(&c, &ask);
        while (!c.requests[stream].done) {
            SIM_CHECK(turns++ < 1000, "%u requests have passed it by", c.done);
            while (c.accepted - c.done < 3 * limit)
                scenario_submit(&c, &get);
            client_run(&c, RINGSEND_NEVER, UINT32_MAX);
        }
        client_finish(&c);
        scenario_expect(&c, stream, RINGSEND_OK, 200, 1, false);
        SIM_CHECK(scenario_stats(&c).connections_opened <= limit + 2, "%u connections",
                  (unsigned)scenario_stats(&c).connections_opened);
        scenario_end(&c);
    }
}

/* ---- Descriptors ---- */

static void sources_fail(void)
{
    static const struct {
        struct sim_file source;
        bool sequential, unknown;
        bool nothing_leaves;
    } rows[] = {
        {{.error = EIO, .fails_at = 0}, false, false, true},
        {{.error = EIO, .fails_at = 0}, true, true, true},
        {{.error = EIO, .fails_at = 200000}, false, false, false},
        {{.error = EIO, .fails_at = 200000}, false, true, false},
        {{.error = EISDIR, .fails_at = 299999}, true, false, false},
        {{.bytes = 299999}, false, false, false}, /* fewer than promised */
        {{.bytes = 1}, true, false, false},
        {{.pipe = true,
          .nonblocking = true,
          .step_bytes = 1000,
          .step_ns = SIM_MS,
          .bytes = MEDIUM},
         true,
         true,
         false},
    };
    struct client c;

    for (size_t i = 0; i < 2 * sizeof rows / sizeof *rows; i++) {
        struct host_ways ways = {.source = rows[i / 2].source,
                                 .body_at = rows[i / 2].sequential ? RINGSEND_SEQUENTIAL : 0,
                                 .unknown = rows[i / 2].unknown};
        struct client_ask ask = {.method = "POST",
                                 .host = "10.0.0.1",
                                 .port = 80,
                                 .flags = RINGSEND_BODY_FD,
                                 .body_bytes = MEDIUM,
                                 .https = i % 2,
                                 .ways = &ways};
        stream_begin("bodies that cannot be read", &c, &(struct ringsend_options){0}, &ok_small, 1);
        scenario_submit(&c, &ask);
        client_finish(&c);
        const struct client_request *r = &c.requests[0];
        SIM_CHECK(r->error == RINGSEND_E_BODY_READ && r->attempts == 1, "row %zu: %s, %u attempts",
                  i / 2, ringsend_error_name(r->error), r->attempts);
        SIM_CHECK(!rows[i / 2].nothing_leaves || !sim_latest_delivery(0), "row %zu: it left",
                  i / 2);
        scenario_end(&c);
    }
}

static void sinks_fail(void)
{
    static const struct sim_file sinks[] = {
        {.error = ENOSPC, .fails_at = 0},
        {.error = ENOSPC, .fails_at = 200000},
        {.error = EPIPE,
         .fails_at = MEDIUM - 1,
         .pipe = true,
         .step_bytes = 10000,
         .step_ns = SIM_MS},
        {.pipe = true, .nonblocking = true, .step_bytes = 1000, .step_ns = SIM_MS},
    };
    struct client c;

    for (size_t i = 0; i < 2 * sizeof sinks / sizeof *sinks; i++) {
        struct host_ways ways = {.sink = sinks[i / 2]};
        struct client_ask ask = {.method = i % 2 ? "POST" : "GET",
                                 .host = "10.0.0.1",
                                 .port = 80,
                                 .flags = RINGSEND_RESPONSE_FD,
                                 .https = i % 2,
                                 .ways = &ways};
        stream_begin("responses that cannot be written", &c, &(struct ringsend_options){0},
                     &ok_medium, 1);
        scenario_submit(&c, &ask);
        client_finish(&c);
        scenario_expect(&c, 0, RINGSEND_E_BODY_WRITE, 200, 1, i % 2);
        scenario_end(&c);
    }
}

/* ---- Ends from this side ---- */

/* A cancel, or a deadline, at any time of a slow stream; the join waits for descriptors that block.
 */
static void ends_at_any_time(void)
{
    static const struct sim_answer answer = {
        .status = 200, .framing = FRAMING_CHUNKED, .body_bytes = MEDIUM, .pause_ns = 3 * SIM_MS};
    struct client c;
    bool all_done;

    for (uint32_t w = 0; w < 4 * 2; w++) {
        struct host_ways ways = {.body_at = RINGSEND_SEQUENTIAL,
                                 .source = {.pipe = true, .step_bytes = 50000, .step_ns = SIM_MS},
                                 .sink = {.pipe = true, .step_bytes = 50000, .step_ns = SIM_MS},
                                 .piece_bytes = 50000,
                                 .lazy_per_mille = 500,
                                 .lazy_ns = SIM_MS};
        struct client_ask ask = {
            .method = "POST",
            .host = "10.0.0.1",
            .port = 80,
            .flags = (w & 1 ? RINGSEND_BODY_FD : RINGSEND_BODY_PIECES) |
                     (uint32_t)(w & 2 ? RINGSEND_RESPONSE_FD : RINGSEND_RESPONSE_PIECES),
            .body_bytes = MEDIUM,
            .https = (w & 4) != 0,
            .ways = &ways};
        all_done = false;
        for (uint64_t at_ns = 0; !all_done; at_ns += 200 * SIM_US) {
            bool cancels = at_ns / (200 * SIM_US) % 2 == 0;
            if (!cancels)
                ask.deadline_ns = at_ns;
            stream_begin("streams that end early", &c, &(struct ringsend_options){0}, &answer, 1);
            sim.faults.cancel_races = 500;
            sim.random += at_ns;
            scenario_submit(&c, &ask);
            client_pass(&c, at_ns);
            all_done = c.done == 1 && c.requests[0].error == RINGSEND_OK;
            if (cancels)
                SIM_CHECK(ringsend_cancel(c.engine, c.requests[0].handle) == 0, "no cancel");
            client_finish(&c);
            SIM_CHECK(all_done || sim.now_ns - sim.began_ns <= at_ns + 10 * SIM_MS,
                      "the end took long");
            scenario_end(&c);
            ask.deadline_ns = 0;
        }
    }
}

/* A source that never gives, a sink that never takes: the attempt's clock ends it. */
static void descriptors_that_stop(void)
{
    struct client c;

    for (uint32_t i = 0; i < 4; i++) {
        bool out = i % 2 == 0;
        struct host_ways ways = {.body_at = RINGSEND_SEQUENTIAL,
                                 .source = {.pipe = true, .stops_at = i / 2 ? 100000 : 1},
                                 .sink = {.pipe = true, .stops_at = i / 2 ? 100000 : 1}};
        struct client_ask ask = {.method = "POST",
                                 .host = "10.0.0.1",
                                 .port = 80,
                                 .flags = out ? RINGSEND_BODY_FD : RINGSEND_RESPONSE_FD,
                                 .body_bytes = out ? MEDIUM : 0,
                                 .attempt_timeout_ns = SIM_S,
                                 .ways = &ways};
        struct sim_answer answer = {.status = 200, .body_bytes = LARGE};
        stream_begin("descriptors that stop", &c, &(struct ringsend_options){0}, &answer, 1);
        scenario_submit(&c, &ask);
        client_finish(&c);
        scenario_expect(&c, 0, RINGSEND_E_TIMEOUT_ATTEMPT, out ? 0 : 200, 1, true);
        scenario_expect_ms(&c, 0, 1000, 1010);
        scenario_end(&c);
    }
}

/* While a response that is complete waits to be taken no clock runs but the deadline. */
static void complete_responses_wait(void)
{
    static const struct sim_answer answer = {.status = 200, .body_bytes = 100000};
    struct client c;

    for (uint32_t i = 0; i < 4; i++) {
        bool deadline = i % 2 == 1;
        struct host_ways ways = {.sink = {.pipe = true, .stops_at = 50000},
                                 .lazy_per_mille = 1000,
                                 .lazy_ns = 10ull * SIM_S};
        struct client_ask ask = {.method = "POST",
                                 .host = "10.0.0.1",
                                 .port = 80,
                                 .flags = i / 2 ? RINGSEND_RESPONSE_FD : RINGSEND_RESPONSE_PIECES,
                                 .attempt_timeout_ns = SIM_S,
                                 .deadline_ns = deadline ? 3ull * SIM_S : 0,
                                 .ways = &ways};
        stream_begin("complete responses wait", &c, &(struct ringsend_options){0}, &answer, 1);
        sim.faults.buffers = 1;
        scenario_submit(&c, &ask);
        client_pass(&c, 2ull * SIM_S);
        SIM_CHECK(!c.requests[0].done || (i / 2 == 0 && c.requests[0].ok), "it was not waited for");
        if (!deadline && c.requests[0].host && c.requests[0].host->sink)
            sim_file_go(c.requests[0].host->sink);
        client_finish(&c);
        if (!deadline)
            scenario_expect(&c, 0, RINGSEND_OK, 200, 1, false);
        else if (i / 2)
            scenario_expect(&c, 0, RINGSEND_E_TIMEOUT_RECORD, 200, 1, true);
        scenario_end(&c);
    }
}

/* ---- Neighbours ---- */

static void begin_with_buffers(const char *name, struct client *c, uint32_t buffers,
                               const struct sim_answer *answer)
{
    struct ringsend_options options = {
        .ca_file = sim_tls_ca_file(), .connections_max = 4, .seed = 1};

    sim_begin(name, 1);
    sim.faults.latency_ns = 100 * SIM_US;
    sim.faults.buffers = buffers;
    struct sim_peer *peer = sim_peer_new("10.0.0.1", 80, 0);
    peer->script = answer;
    peer->script_count = 1;
    peer->certificate = CERTIFICATE_GOOD;
    sim_ring_bounds(4, 4);
    client_begin(c, &options);
}

/* A response that is not taken holds no receive buffers, nor does what comes unasked behind it:
 * with one or two of them others go on. */
static void held_responses_starve_nobody(void)
{
    static const struct sim_answer answers[] = {
        {.status = 200, .body_bytes = LARGE},
        {.status = 200, .body_bytes = LARGE},
        {.status = 200, .body_bytes = 60000, .unsolicited = "xxxxxxxxxx"},
    };
    struct client c;

    for (uint32_t i = 0; i < 3; i++) {
        struct host_ways ways = {.sink = {.pipe = true, .stops_at = 50000}};
        struct client_ask ask = {.host = "10.0.0.1",
                                 .port = 80,
                                 .flags = RINGSEND_RESPONSE_FD,
                                 .https = i == 1,
                                 .attempt_timeout_ns = RINGSEND_NEVER,
                                 .ways = &ways};
        begin_with_buffers("held responses starve nobody", &c, i == 2 ? 1 : 2, &answers[i]);
        sim.faults.recv_tiny = i == 2 ? 1000 : 0;
        for (uint32_t k = 0; k < 3; k++)
            scenario_submit(&c, &ask);
        client_pass(&c, SIM_S);
        for (uint32_t k = 0; k < 3; k++)
            SIM_CHECK(c.requests[k].host->sink->moved == 50000, "it did not come so far");
        scenario_submit(&c, &get);
        client_pass(&c, SIM_S);
        scenario_expect(&c, 3, RINGSEND_OK, 200, 1, false);
        for (uint32_t k = 0; k < 3; k++)
            sim_file_go(c.requests[k].host->sink);
        client_finish(&c);
        for (uint32_t k = 0; k < 4; k++)
            scenario_expect(&c, k, RINGSEND_OK, 200, 1, false);
        scenario_end(&c);
    }
}

/* ---- Events that were not reaped ---- */

/* What has no point any more is taken back: the wish for a piece that is there, a piece when the
 * host holds. */
static void events_are_taken_back(void)
{
    struct host_ways ways = {.waits = true, .piece_bytes = 100};
    struct client_ask ask = {.method = "PUT",
                             .host = "10.0.0.1",
                             .port = 80,
                             .flags = RINGSEND_BODY_PIECES | RINGSEND_RESPONSE_PIECES,
                             .body_bytes = 1,
                             .ways = &ways};
    struct client c;

    stream_begin("events are taken back", &c, &(struct ringsend_options){0}, &ok_small, 1);
    scenario_submit(&c, &ask);
    SIM_CHECK(ringsend_run(c.engine, RINGSEND_NEVER) == 1, "it wants no piece");
    SIM_CHECK(host_gives(&c, &c.requests[0]), "the piece is not taken");
    SIM_CHECK(ringsend_run(c.engine, RINGSEND_NEVER) == 1, "no piece comes");
    host_holds(&c, &c.requests[0], 500 * SIM_MS);
    client_pass(&c, 400 * SIM_MS);
    SIM_CHECK(c.requests[0].host->got == 0, "a piece comes though it is held");
    client_finish(&c);
    scenario_expect(&c, 0, RINGSEND_OK, 200, 1, false);
    scenario_end(&c);
}

/* Closing a file takes turns of the loop, but no life: what was reaped stays as it is until the
 * next run, and what it makes room for comes then. */
static void files_are_closed_beside(void)
{
    static const struct sim_answer large = {.status = 200, .body_bytes = 3000000};
    struct host_ways ways = {.piece_bytes = 100};
    struct client_ask ask = {.method = "PUT",
                             .host = "10.0.0.1",
                             .port = 80,
                             .flags = RINGSEND_BODY_PIECES | RINGSEND_RESPONSE_PIECES,
                             .body_bytes = 30000,
                             .ways = &ways};
    struct client c;
    struct file *file;
    char byte;
    int ends[2];

    SIM_CHECK(pipe2(ends, O_CLOEXEC) == 0, "no pipe");
    stream_begin("files are closed beside streams", &c, &(struct ringsend_options){0}, &large, 1);
    sim.faults.cancel_races = 1000;
    scenario_submit(&c, &ask);
    while (!c.requests[0].done) {
        SIM_CHECK(file_open(c.engine, ends[0], &file) == 0, "no file");
        file_read(file, &byte, 1, -1);
        client_run(&c, RINGSEND_NEVER, 1);
        const struct host *h = c.requests[0].host; /* null once it is done */
        if (h && h->wants && !h->ended)
            SIM_CHECK(host_gives(&c, &c.requests[0]), "the piece is not taken");
        file_close(&file);
    }
    client_finish(&c);
    scenario_expect(&c, 0, RINGSEND_OK, 200, 1, false);
    scenario_end(&c);
    close(ends[0]);
    close(ends[1]);
}

/* ---- Misuse ---- */

static void expect_body(struct client *c, uint32_t index, size_t bytes, bool last, int expected)
{
    static const char data[100];
    int error = ringsend_body(c->engine, c->requests[index].handle,
                              (struct ringsend_bytes){data, bytes}, last);

    SIM_CHECK(error == expected, "ringsend_body gives %d, not %d", error, expected);
}

static void expect_hold(struct client *c, uint64_t handle, int expected)
{
    int error = ringsend_hold(c->engine, handle, true);

    SIM_CHECK(error == expected, "ringsend_hold gives %d, not %d", error, expected);
}

static void misuse(void)
{
    struct host_ways ways = {.waits = true, .lazy_per_mille = 1000, .lazy_ns = 3600ull * SIM_S};
    struct client_ask ask = {.method = "PUT",
                             .host = "10.0.0.1",
                             .port = 80,
                             .flags = RINGSEND_BODY_PIECES,
                             .body_bytes = 30,
                             .ways = &ways};
    struct client c;

    stream_begin("streams are misused", &c, &(struct ringsend_options){0}, &ok_small, 1);
    scenario_submit(&c, &get);
    scenario_submit(&c, &ask);
    expect_body(&c, 0, 10, true, -RINGSEND_E_INVALID); /* not in pieces */
    expect_body(&c, 1, 31, false, -RINGSEND_E_INVALID);
    expect_body(&c, 1, 10, true, -RINGSEND_E_INVALID);
    expect_hold(&c, c.requests[1].handle, -RINGSEND_E_INVALID); /* its response is not in pieces */
    expect_hold(&c, UINT64_MAX, -RINGSEND_E_INVALID);
    SIM_CHECK(ringsend_body(c.engine, UINT64_MAX, (struct ringsend_bytes){0}, true) ==
                  -RINGSEND_E_INVALID,
              "a piece for nobody is taken");
    SIM_CHECK(ringsend_cancel(c.engine, c.requests[1].handle) == 0, "no cancel");
    client_finish(&c);
    expect_body(&c, 1, 10, false, 0); /* over: harmless */
    expect_hold(&c, c.requests[1].handle, 0);
    for (uint32_t flags = 0; flags < 256; flags += 8) {
        struct ringsend_request request = {.size = sizeof request,
                                           .method = {"PUT", 3},
                                           .url = {"http://10.0.0.1/r/0", 19},
                                           .flags = flags,
                                           .body_bytes = 1,
                                           .body = {"x", flags & 24 ? 1 : 0}};
        bool two = (flags & 24) || __builtin_popcount(flags >> 5) > 1;
        if (two)
            SIM_CHECK(ringsend_submit(c.engine, &request) == -RINGSEND_E_INVALID, "flags %u",
                      flags);
    }
    scenario_end(&c);
}

/* ---- Torture ---- */

/* More than one stretch, and little else, as each operation costs a run. */
enum { TORTURED = 140000 };

static void stream_load(struct client *c)
{
    static const struct sim_answer answer = {
        .status = 200, .framing = FRAMING_CHUNKED, .body_bytes = TORTURED};
    struct sim_peer *peer = sim_peer_new("10.0.0.1", 80, 0);

    sim.faults.latency_ns = 100 * SIM_US;
    peer->script = &answer;
    peer->script_count = 1;
    if (!client_try_begin(c, &(struct ringsend_options){
                                 .connections_max = 3, .seed = 1, .allocator = &client_allocator}))
        return;
    for (uint32_t i = 0; i < 5; i++) {
        struct host_ways ways = ways_out[(2 * i + 1) % WAYS_OUT].ways;
        struct client_ask ask =
            ask_out(i % 2 ? "POST" : "PUT", &ways_out[(2 * i + 1) % WAYS_OUT], TORTURED);
        ways.sink = ways_in[i].ways.sink;
        ask.flags |= ways_in[i].flag;
        ask.ways = &ways;
        int index = client_submit(c, &ask);
        SIM_CHECK(index >= 0 || index == -RINGSEND_E_NO_MEMORY, "submit gives %d", index);
    }
}

static void torture(void)
{
    scenario_torture("streams: torture", stream_load, 30);
}

static void free_at_any_time(void)
{
    scenario_free_at_any_time("streams: free with work in flight", stream_load);
}

static const struct scenario_function functions[] = {
    {"the peer breaks while a stream goes out", peer_breaks_while_sending},
    {"the peer breaks while a stream comes in", peer_breaks_while_answering},
    {"early answers to streams", early_answers},
    {"early good answers to streams", early_good_answers},
    {"streams that go out once take a fresh connection", fresh_connections},
    {"fresh connections make room", fresh_connections_make_room},
    {"streams that go out once have their turn", fresh_connections_have_their_turn},
    {"bodies that cannot be read", sources_fail},
    {"responses that cannot be written", sinks_fail},
    {"streams that end early", ends_at_any_time},
    {"descriptors that stop", descriptors_that_stop},
    {"complete responses wait", complete_responses_wait},
    {"held responses starve nobody", held_responses_starve_nobody},
    {"events are taken back", events_are_taken_back},
    {"files are closed beside streams", files_are_closed_beside},
    {"streams are misused", misuse},
    {"streams: torture", torture},
    {"streams: free with work in flight", free_at_any_time},
};

const struct scenario_function *sim_stream_end_scenarios(size_t *count)
{
    *count = sizeof functions / sizeof *functions;
    return functions;
}
