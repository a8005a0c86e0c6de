/* Scenarios over TLS: what it adds to the way requests go out and responses may end; handshakes are
 * in sim_handshakes.c. The rows of sim_table.c run over TLS as well (sim_test.c); here stands what
 * they cannot say. Each begins a world of its own and aborts on a failure, with its name (sim.c).
 */
#include "tests/sim/scenarios/sim_scenarios.h"

#include <stdlib.h>
#include <string.h>

enum { HALF_DUPLEX_CONNECTIONS = 1001, LARGE_BYTES = 3000000 };

static const struct client_ask post = {.method = "POST",
                                       .host = "10.0.0.1",
                                       .port = 80,
                                       .https = true,
                                       .body_bytes = 30,
                                       .flags = RINGSEND_HAS_BODY};

/* ---- Exchanges ---- */

/* Behind an early good response, by its end, unsolicited bytes, or a farewell, the rest is still to
 * go out: half duplex nothing can be sent in the middle of a record. */
static void early_responses(void)
{
    static const struct {
        struct sim_answer answer;
        enum ringsend_error error;
    } rows[] = {
        {{200, .early = true, .reads_on = true, .body_bytes = 9}, RINGSEND_OK},
        {{200, .early = true, .reads_on = true, .body_bytes = 9,
          .unsolicited = "unsolicited bytes"},
         RINGSEND_OK},
        {{200, .early = true, .reads_on = true, .body_bytes = 9, .then = THEN_END},
         RINGSEND_E_SEND_BROKEN},
        {{200, .early = true, .body_bytes = 9, .then = THEN_STALL}, RINGSEND_E_TIMEOUT_ATTEMPT},
    };
    struct client_ask ask = post;
    struct client c;

    ask.body_bytes = LARGE_BYTES;
    for (uint32_t i = 0; i < 16; i++) {
        scenario_begin_tls(
            "TLS: early responses", &c,
            &(struct ringsend_options){.connections_max = i / 4 % 2 ? HALF_DUPLEX_CONNECTIONS : 4},
            &rows[i % 4].answer, 1);
        sim.faults.records_small = i / 8 ? 1000 : 0;
        sim.faults.recv_split = i / 8 ? 1000 : 0;
        scenario_submit(&c, &ask);
        client_finish(&c);
        scenario_expect(&c, 0, rows[i % 4].error, 200, 1, rows[i % 4].error != RINGSEND_OK);
        scenario_end(&c);
    }
}

static void large_bodies(const char *name, uint32_t connections_max)
{
    static const struct sim_answer script[] = {
        {.status = 200, .body_bytes = LARGE_BYTES},
        {.status = 200, .framing = FRAMING_CHUNKED, .body_bytes = LARGE_BYTES},
        {413, .early = true, .body_bytes = 9},
        {200, .body_bytes = 9}};
    struct client_ask ask = post;
    struct client c;

    ask.body_bytes = LARGE_BYTES;
    scenario_begin_tls(name, &c,
                       &(struct ringsend_options){.connections_max = connections_max, .tries = 1},
                       script, 4);
    for (uint32_t i = 0; i < 4; i++) {
        scenario_submit(&c, &ask);
        client_finish(&c);
        scenario_expect(&c, i, RINGSEND_OK, i == 2 ? 413 : 200, 1, false);
    }
    scenario_expect_handshakes(&c, 1, 1); /* the early answer has ended the first connection */
    scenario_end(&c);
}

static void large_bodies_full_duplex(void)
{
    large_bodies("TLS: 3 MB both ways", 1);
}

static void large_bodies_half_duplex(void)
{
    large_bodies("TLS: 3 MB both ways, half duplex", HALF_DUPLEX_CONNECTIONS);
}

/* Every record comes one byte at a time, and in the last world every byte is a record, too. */
static void split_at_every_byte(void)
{
    static const struct sim_answer script[] = {
        {.status = 200, .framing = FRAMING_CHUNKED, .body_bytes = 300},
        {200, .body_bytes = 40, .interim = 2},
        {.status = 503},
        {.status = 200, .framing = FRAMING_CLOSE, .body_bytes = 50}};

    for (uint32_t world = 0; world < 4; world++) {
        struct client c;

        scenario_begin_tls(
            "TLS: every record is split at every byte", &c,
            &(struct ringsend_options){.connections_max = world & 1 ? HALF_DUPLEX_CONNECTIONS : 1},
            script, 4);
        sim.faults.recv_tiny = 1000;
        sim.faults.records_small = world & 2 ? 1000 : 0;
        for (int i = 0; i < 3; i++)
            scenario_submit(&c, &post);
        client_finish(&c);
        for (uint32_t i = 0; i < 3; i++)
            SIM_CHECK(c.requests[i].ok, "request %u is not ok", i);
        scenario_end(&c);
    }
}

/* While a record is coming in bit by bit nothing can go out, half duplex: the rest of the request
 * goes on as soon as it is in, though nothing else happens then. */
static void request_goes_on_behind_a_record(void)
{
    static const struct sim_answer answer = {.status = 200, .interim = 8, .interim_ahead = true};
    struct client_ask ask = post;

    ask.body_bytes = 300000;
    for (uint32_t i = 0; i < 20; i++) {
        struct client c;

        scenario_begin_tls(
            "TLS: a request goes on behind a record", &c,
            &(struct ringsend_options){.connections_max = i % 2 ? HALF_DUPLEX_CONNECTIONS : 1},
            &answer, 1);
        sim.faults.recv_tiny = 1000;
        sim.faults.latency_ns = 10 * SIM_US;
        sim.random += i;
        scenario_submit(&c, &ask);
        client_finish(&c);
        scenario_expect(&c, 0, RINGSEND_OK, 200, 1, false);
        scenario_end(&c);
    }
}

/* A response that ends with the stream is whole only behind a farewell; any other, when it says. */
static void ends_of_streams(void)
{
    static const struct {
        struct sim_answer answer;
        enum ringsend_error error;
        uint32_t body_bytes;
    } rows[] = {
        {{200, FRAMING_CLOSE, 500, .then = THEN_END}, RINGSEND_OK, 500},
        {{200, FRAMING_CLOSE, 500, .then = THEN_END, .farewell_less = true},
         RINGSEND_E_TRUNCATED_BODY,
         0},
        {{200, FRAMING_CLOSE, 0, .then = THEN_END, .farewell_less = true},
         RINGSEND_E_TRUNCATED_BODY,
         0},
        {{200, FRAMING_LENGTH, 500, .then = THEN_END}, RINGSEND_OK, 500},
        {{200, FRAMING_LENGTH, 500, .then = THEN_END, .farewell_less = true}, RINGSEND_OK, 500},
        {{200, FRAMING_CHUNKED, 500, .then = THEN_END, .farewell_less = true}, RINGSEND_OK, 500},
        {{200, FRAMING_LENGTH, 500, .truncate_at = -5, .then = THEN_END},
         RINGSEND_E_TRUNCATED_BODY,
         0},
        {{200, FRAMING_CHUNKED, 500, .truncate_at = -5, .then = THEN_END},
         RINGSEND_E_TRUNCATED_BODY,
         0},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct client c;

        scenario_begin_tls("TLS: ends of streams", &c, &(struct ringsend_options){0},
                           &rows[i].answer, 1);
        scenario_submit(&c, &post);
        client_finish(&c);
        scenario_expect(&c, 0, rows[i].error, 200, 1, rows[i].error != RINGSEND_OK);
        scenario_end(&c);
    }
}

/* What stands behind a response, in its last record or behind it, reaches no other request; nor is
 * a connection to that server trusted after it. */
static void unsolicited_bytes(void)
{
    static const struct sim_answer script[] = {
        {200, .body_bytes = 9, .unsolicited = "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nfake"},
        {200, .body_bytes = 9, .unsolicited = "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nfake",
         .unsolicited_joined = true},
        {200, FRAMING_CHUNKED, 9, .unsolicited = "x", .unsolicited_joined = true},
        {200, .body_bytes = 9}};

    for (uint32_t tiny = 0; tiny <= 1000; tiny += 1000) {
        struct client c;
        struct sim_peer *peer = scenario_begin_tls("TLS: unsolicited bytes reach nobody", &c,
                                                   &(struct ringsend_options){0}, script, 4);

        sim.faults.recv_tiny = tiny;
        for (uint32_t i = 0; i < 5; i++) {
            scenario_submit(&c, &post);
            client_finish(&c);
            scenario_expect(&c, i, RINGSEND_OK, 200, 1, false);
        }
        SIM_CHECK(peer->connects == 5, "%u connects", peer->connects);
        scenario_end(&c);
    }
}

/* Records that are no data, before the answer. */
static void other_records(void)
{
    static const char hello_request[4], fatal[] = {2, 80}, warning[] = {1, 90};
    static const struct {
        struct sim_answer answer;
        uint32_t connections_max;
        enum ringsend_error error;
    } rows[] = {
        {{200, .record_type = RECORD_HANDSHAKE, .record = hello_request, .record_bytes = 4},
         1,
         RINGSEND_OK},
        {{200, .record_type = RECORD_HANDSHAKE, .record = hello_request, .record_bytes = 4},
         HALF_DUPLEX_CONNECTIONS,
         RINGSEND_OK},
        {{200, .record_type = RECORD_ALERT, .record = warning, .record_bytes = 2}, 1, RINGSEND_OK},
        {{200, .record_type = RECORD_ALERT, .record = fatal, .record_bytes = 2},
         1,
         RINGSEND_E_TLS_ALERT},
        {{200, .record_type = 99, .record = fatal, .record_bytes = 2}, 1, RINGSEND_E_TLS_PROTOCOL},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct client c;
        bool bad = rows[i].error != RINGSEND_OK;

        scenario_begin_tls("TLS: records that are no data", &c,
                           &(struct ringsend_options){.connections_max = rows[i].connections_max},
                           &rows[i].answer, 1);
        scenario_submit(&c, &post);
        client_finish(&c);
        scenario_expect(&c, 0, rows[i].error, bad ? 0 : 200, 1, bad);
        if (!bad) /* a renegotiation would be another one */
            scenario_expect_handshakes(&c, 1, 0);
        scenario_end(&c);
    }
}

/* A farewell that nobody takes holds no place for ever. */
static void farewell_to_the_deaf(void)
{
    static const struct sim_answer deaf = {
        .status = 200, .headers = "Connection: close\r\n", .deaf = true, .then = THEN_END};
    struct client c;

    scenario_begin_tls("TLS: a farewell to the deaf", &c,
                       &(struct ringsend_options){.connections_max = 1}, &deaf, 1);
    for (int i = 0; i < 3; i++)
        scenario_submit(&c, &post);
    client_finish(&c);
    for (uint32_t i = 0; i < 3; i++) {
        scenario_expect(&c, i, RINGSEND_OK, 200, 1, false);
        scenario_expect_ms(&c, i, 0, 10);
    }
    scenario_end(&c);
}

static const struct scenario_function functions[] = {
    {"TLS: 3 MB both ways", large_bodies_full_duplex},
    {"TLS: 3 MB both ways, half duplex", large_bodies_half_duplex},
    {"TLS: a request goes on behind a record", request_goes_on_behind_a_record},
    {"TLS: every record is split at every byte", split_at_every_byte},
    {"TLS: ends of streams", ends_of_streams},
    {"TLS: unsolicited bytes in and behind the last record", unsolicited_bytes},
    {"TLS: records that are no data", other_records},
    {"TLS: a farewell to the deaf", farewell_to_the_deaf},
    {"TLS: early responses", early_responses},
};

const struct scenario_function *sim_tls_scenarios(size_t *count)
{
    *count = sizeof functions / sizeof *functions;
    return functions;
}
