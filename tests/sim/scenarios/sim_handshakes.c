/* Scenarios of handshakes: sessions, failures, and ends at any moment. Each begins a world of its
 * own and aborts on a failure, with its name (sim.c). */
#include "tests/sim/scenarios/sim_scenarios.h"

#include <stdlib.h>
#include <string.h>

enum { HALF_DUPLEX_CONNECTIONS = 1001 };

static const struct client_ask get = {.host = "10.0.0.1", .port = 80, .https = true};
static const struct client_ask post = {.method = "POST",
                                       .host = "10.0.0.1",
                                       .port = 80,
                                       .https = true,
                                       .body_bytes = 30,
                                       .flags = RINGSEND_HAS_BODY};
static const struct sim_answer answer_ok = {.status = 200, .body_bytes = 20};

/* ---- Sessions ---- */

/* The first handshake goes ahead, the others of the pool wait for its session. */
static void pool_resumes(void)
{
    struct client c;
    struct sim_peer *peer = scenario_begin_tls("TLS: a pool resumes the first one's session", &c,
                                               &(struct ringsend_options){.connections_max = 8},
                                               &(struct sim_answer){200, .delay_ns = SIM_S}, 1);

    peer->greeting_ns = 100 * SIM_MS;
    for (int i = 0; i < 8; i++)
        scenario_submit(&c, &get);
    client_pass(&c, 150 * SIM_MS);
    SIM_CHECK(peer->connects == 1, "%u connects before there is a session", peer->connects);
    client_finish(&c);
    scenario_expect_handshakes(&c, 1, 7);
    SIM_CHECK(peer->full == 1 && peer->resumed == 7, "the server counts %u full and %u resumed",
              peer->full, peer->resumed);
    scenario_expect_ms(&c, 0, 1200, 1210);
    for (uint32_t i = 1; i < 8; i++)
        scenario_expect_ms(&c, i, 1300, 1310);
    scenario_end(&c);
}

static void server_resumes_nothing(void)
{
    struct client c;
    struct sim_peer *peer = scenario_begin_tls(
        "TLS: a server that resumes nothing", &c, &(struct ringsend_options){.connections_max = 8},
        &(struct sim_answer){200, .headers = "Connection: close\r\n"}, 1);

    peer->forgets = true;
    peer->greeting_ns = 100 * SIM_MS;
    for (int i = 0; i < 16; i++)
        scenario_submit(&c, &get);
    client_finish(&c);
    scenario_expect_handshakes(&c, 16, 0);
    /* One, then eight at a time. */
    scenario_expect_ms(&c, 15, 600, 620);
    scenario_end(&c);
}

static void server_forgets(void)
{
    struct client c;
    struct sim_peer *peer = scenario_begin_tls("TLS: a server that has forgotten its sessions", &c,
                                               &(struct ringsend_options){0}, &answer_ok, 1);

    for (int i = 0; i < 3; i++) {
        uint32_t before = sim_handshakes_worked_on();
        scenario_submit(&c, &get);
        client_finish(&c);
        client_pass(&c, 6ull * SIM_S); /* the connection has gone by then */
        /* That it did resume before brings no handshake onto the loop. */
        SIM_CHECK((sim_handshakes_worked_on() > before) == (i != 1),
                  "handshake %d was worked on in the wrong place", i);
        if (i == 1)
            sim_tls_forget(peer);
    }
    scenario_expect_handshakes(&c, 2, 1);
    scenario_end(&c);
}

/* The wait for a session has an end. */
static void first_handshake_hangs(void)
{
    struct client c;
    struct sim_peer *peer =
        scenario_begin_tls("TLS: the first handshake hangs", &c,
                           &(struct ringsend_options){.connections_max = 4}, &answer_ok, 1);

    peer->greeting = GREETING_NONE;
    peer->greetings = 1;
    for (int i = 0; i < 4; i++)
        scenario_submit(&c, &get);
    client_finish(&c);
    scenario_expect(&c, 0, RINGSEND_OK, 200, 2, false);
    scenario_expect_ms(&c, 0, 10000, 10300);
    for (uint32_t i = 1; i < 4; i++) {
        scenario_expect(&c, i, RINGSEND_OK, 200, 1, false);
        scenario_expect_ms(&c, i, 1000, 1010);
    }
    scenario_end(&c);
}

/* A connect that fails is no handshake: the next one goes ahead in its place, alone. */
static void first_connect_fails(void)
{
    struct client c;
    struct sim_peer *peer = scenario_begin_tls("TLS: the first connect fails", &c,
                                               &(struct ringsend_options){.connections_max = 4},
                                               &(struct sim_answer){200, .delay_ns = SIM_S}, 1);

    sim.fail_at = 2; /* ring_new is the first operation */
    for (int i = 0; i < 4; i++)
        scenario_submit(&c, &get);
    client_finish(&c);
    scenario_expect_handshakes(&c, 1, 3);
    SIM_CHECK(peer->connects == 5, "%u connects", peer->connects);
    scenario_end(&c);
}

static void http_and_https(void)
{
    struct client_ask plain = get;
    struct client c;
    struct sim_peer *peer = scenario_begin_tls("http and https at one port are two origins", &c,
                                               &(struct ringsend_options){0}, &answer_ok, 1);

    plain.https = false;
    for (uint32_t i = 0; i < 6; i++) {
        scenario_submit(&c, i % 2 ? &plain : &get);
        client_finish(&c);
        scenario_expect(&c, i, RINGSEND_OK, 200, 1, false);
    }
    SIM_CHECK(peer->connects == 2, "%u connects", peer->connects);
    scenario_expect_handshakes(&c, 1, 0);
    scenario_end(&c);
}

/* ---- Handshakes that fail ---- */

struct handshake_row {
    const char *name;
    enum sim_certificate certificate;
    enum sim_greeting greeting;
    uint32_t greetings;
    struct ringsend_options options;
    enum ringsend_error error;
    uint32_t attempts;
    uint32_t from_ms, to_ms;
};

static const struct handshake_row handshake_rows[] = {
    {"TLS: unknown authority", CERTIFICATE_STRANGER, .error = RINGSEND_E_TLS_UNKNOWN_CA,
     .attempts = 1, .to_ms = 10},
    {"TLS: wrong host", CERTIFICATE_ELSEWHERE, .error = RINGSEND_E_TLS_WRONG_HOST, .attempts = 1,
     .to_ms = 10},
    {"TLS: insecure takes an unknown authority", CERTIFICATE_STRANGER, .options.insecure = true,
     .attempts = 1},
    {"TLS: insecure takes a wrong host", CERTIFICATE_ELSEWHERE, .options.insecure = true,
     .attempts = 1},
    {"TLS: end of stream in the handshake", CERTIFICATE_GOOD, GREETING_ENDS,
     .error = RINGSEND_E_TLS_CLOSED, .attempts = 4},
    {"TLS: end of stream in the handshake, once", CERTIFICATE_GOOD, GREETING_ENDS, 1,
     .attempts = 2},
    {"TLS: end of stream within a flight", CERTIFICATE_GOOD, GREETING_CUT,
     .error = RINGSEND_E_TLS_CLOSED, .attempts = 4},
    {"TLS: reset in the handshake", CERTIFICATE_GOOD, GREETING_RESETS,
     .error = RINGSEND_E_TLS_CLOSED, .attempts = 4},
    {"TLS: reset in the handshake, twice", CERTIFICATE_GOOD, GREETING_RESETS, 2, .attempts = 3},
    {"TLS: the port speaks HTTP", CERTIFICATE_GOOD, GREETING_HTTP, .error = RINGSEND_E_TLS_PROTOCOL,
     .attempts = 4},
    {"TLS: farewell right behind the handshake", CERTIFICATE_GOOD, GREETING_LEAVES, 1,
     .attempts = 2},
    {"TLS: farewell right behind the handshake, one try", CERTIFICATE_GOOD, GREETING_LEAVES,
     .options = {.tries = 1}, .error = RINGSEND_E_TLS_CLOSED, .attempts = 1},
    {"TLS: silence", CERTIFICATE_GOOD, GREETING_NONE, .options = {.tries = 1},
     .error = RINGSEND_E_TIMEOUT_HANDSHAKE, .attempts = 1, .from_ms = 10000, .to_ms = 10010},
    {"TLS: silence, shorter timeout", CERTIFICATE_GOOD, GREETING_NONE,
     .options = {.tries = 1, .handshake_timeout_ns = 2ull * SIM_S},
     .error = RINGSEND_E_TIMEOUT_HANDSHAKE, .attempts = 1, .from_ms = 2000, .to_ms = 2010},
    {"TLS: silence, once", CERTIFICATE_GOOD, GREETING_NONE, 1,
     .options = {.handshake_timeout_ns = 2ull * SIM_S}, .attempts = 2, .from_ms = 2000,
     .to_ms = 2300},
    {"TLS: silence, attempt timeout", CERTIFICATE_GOOD, GREETING_NONE,
     .options = {.tries = 1, .attempt_timeout_ns = 3ull * SIM_S},
     .error = RINGSEND_E_TIMEOUT_ATTEMPT, .attempts = 1, .from_ms = 3000, .to_ms = 3010},
    {"TLS: silence, deadline", CERTIFICATE_GOOD, GREETING_NONE,
     .options = {.deadline_ns = 4ull * SIM_S}, .error = RINGSEND_E_TIMEOUT_RECORD, .attempts = 1,
     .from_ms = 4000, .to_ms = 4010},
};

static void handshakes(void)
{
    for (size_t i = 0; i < sizeof handshake_rows / sizeof *handshake_rows; i++) {
        const struct handshake_row *row = &handshake_rows[i];
        bool ok = row->error == RINGSEND_OK;
        struct client c;
        struct sim_peer *peer = scenario_begin_tls(row->name, &c, &row->options, &answer_ok, 1);

        peer->certificate = row->certificate;
        peer->greeting = row->greeting;
        peer->greetings = row->greetings;
        scenario_submit(&c, &post);
        client_finish(&c);
        scenario_expect(&c, 0, row->error, ok ? 200 : 0, row->attempts, false);
        scenario_expect_deliveries(&c, 0, ok ? 1 : 0);
        if (row->to_ms > 0)
            scenario_expect_ms(&c, 0, row->from_ms, row->to_ms);
        scenario_end(&c);
    }
}

/* One wrong bit anywhere in the server's first flight: no byte of the request leaves. Of full
 * handshakes and of resumed ones. */
static void mangled_handshakes(void)
{
    for (uint32_t i = 0; i < 200; i++) {
        struct client c;
        struct sim_peer *peer = scenario_begin_tls(
            "TLS: a wrong bit in the handshake", &c,
            &(struct ringsend_options){.tries = 1, .seed = i + 1}, &answer_ok, 1);

        sim.random = i;
        if (i % 2) {
            scenario_submit(&c, &get);
            client_finish(&c);
            client_pass(&c, 6ull * SIM_S);
        }
        peer->greeting = GREETING_MANGLED;
        uint32_t mangled = scenario_submit(&c, &post);
        client_finish(&c);
        SIM_CHECK(c.requests[mangled].error != RINGSEND_OK, "the request is answered");
        SIM_CHECK(!c.requests[mangled].ambiguous, "the request is ambiguous");
        scenario_expect_deliveries(&c, mangled, 0);
        /* A session that was of no use is not offered again. */
        peer->greeting = GREETING_GOOD;
        scenario_submit(&c, &post);
        client_finish(&c);
        scenario_expect_handshakes(&c, i % 2 ? 2 : 1, 0);
        scenario_end(&c);
    }
}

/* The server leaves right behind the handshake, and its farewell comes in any pieces. Then the
 * request may have left, or not; the ledger knows. */
static void server_leaves(void)
{
    for (uint32_t i = 0; i < 100; i++) {
        struct client c;
        struct sim_peer *peer = scenario_begin_tls(
            "TLS: the server leaves right behind the handshake", &c,
            &(struct ringsend_options){.connections_max = i & 1 ? HALF_DUPLEX_CONNECTIONS : 1,
                                       .tries = 1},
            &answer_ok, 1);

        sim.random = i;
        sim.faults.recv_split = 500;
        sim.faults.recv_tiny = i & 2 ? 900 : 0;
        peer->greeting = GREETING_LEAVES;
        scenario_submit(&c, &post);
        client_finish(&c);
        client_pass(&c, 6ull * SIM_S);
        scenario_submit(&c, &post);
        client_finish(&c);
        SIM_CHECK(c.requests[0].error == RINGSEND_E_TLS_CLOSED ||
                      c.requests[0].error == RINGSEND_E_CLOSED_NO_RESPONSE ||
                      c.requests[0].error == RINGSEND_E_RESET_NO_RESPONSE,
                  "it ends as %s", ringsend_error_name(c.requests[0].error));
        scenario_end(&c);
    }
}

/* What comes behind the handshake while the worker still has it is no answer, and no failure. */
static void server_warns(void)
{
    for (uint32_t i = 0; i < 40; i++) {
        struct client c;
        struct sim_peer *peer = scenario_begin_tls(
            "TLS: a warning right behind the handshake", &c,
            &(struct ringsend_options){.connections_max = i & 1 ? HALF_DUPLEX_CONNECTIONS : 1},
            &answer_ok, 1);

        sim.random = i;
        sim.faults.recv_split = 1000;
        sim.faults.worker_ns = 5 * SIM_MS;
        peer->greeting = GREETING_WARNS;
        scenario_submit(&c, &post);
        client_finish(&c);
        scenario_expect(&c, 0, RINGSEND_OK, 200, 1, false);
        scenario_end(&c);
    }
}

/* ---- Early ends ---- */

/* At each moment of a handshake, much of which it spends with the worker. The checks of every
 * result, and of the sanitizer, do the judging. */
static void ends_during_the_handshake(void)
{
    uint32_t cancelled = 0, handed_off = 0;

    for (uint32_t i = 0; i < 120 * EARLY_ENDS; i++) {
        uint64_t at_ns = (i / EARLY_ENDS) * SIM_MS;
        enum early_end end = i % EARLY_ENDS;
        struct client c;
        struct sim_peer *peer =
            scenario_begin_tls("TLS: an early end during the handshake", &c,
                               &(struct ringsend_options){.connections_max = 3}, &answer_ok, 1);

        sim.random = i;
        sim.faults.worker_ns = 80 * SIM_MS;
        sim.faults.cancel_races = 500;
        peer->greeting_ns = 5 * SIM_MS;
        scenario_until(&c, post, end, at_ns);
        handed_off += sim_handshakes_handed_off() > 0;
        scenario_cut(&c, end);
        cancelled += c.requests[0].error == RINGSEND_E_CANCELLED;
        scenario_end(&c);
    }
    SIM_CHECK(cancelled > 30 && handed_off > 60, "only %u were cancelled and %u handed off in time",
              cancelled, handed_off);
}

/* A server that takes nothing holds a flight of the handshake back. That is the wire's, and none of
 * the request's memory: the request ends at once, whenever the kernel lets go of the send. */
static void end_waits_for_no_flight(void)
{
    for (uint32_t i = 0; i < 40; i++) {
        struct client c;
        struct sim_peer *peer = scenario_begin_tls("TLS: an end waits for no flight", &c,
                                                   &(struct ringsend_options){0}, &answer_ok, 1);

        sim.random = i;
        sim.faults.cancel_races = 1000;
        peer->window = 1 + i;
        scenario_submit(&c, &post);
        client_pass(&c, 100 * SIM_MS);
        SIM_CHECK(ringsend_cancel(c.engine, c.requests[0].handle) == 0, "no cancel");
        SIM_CHECK(client_run(&c, 0, 1) == 1, "the end of a request waits for a send of TLS's");
        scenario_expect(&c, 0, RINGSEND_E_CANCELLED, 0, 1, false);
        scenario_end(&c);
    }
}

/* A small load in which everything happens: lookup, race, handshakes, reuse, retry, body. */
static void small_load(struct client *c)
{
    static const struct sim_answer script[] = {
        {503, .headers = "retry-after: 1\r\n"},
        {.status = 200, .framing = FRAMING_CHUNKED, .body_bytes = 300},
        {200, .body_bytes = 9}};
    struct client_ask by_name = get, large = post;
    struct sim_peer *v4 = sim_peer_new("10.0.0.1", 80, 0);
    struct sim_peer *v6 = sim_peer_new("fd00::99", 80, 0);
    struct sim_name *name = sim_name_new("many.test");

    sim_name_address(name, "fd00::99");
    sim_name_address(name, "10.0.0.1");
    sim.faults.latency_ns = 100 * SIM_US;
    sim.faults.worker_ns = 5 * SIM_MS;
    v4->script = script;
    v4->script_count = 3;
    v4->certificate = CERTIFICATE_GOOD;
    v6->connect = CONNECT_HANGS;
    by_name.host = large.host = "many.test";
    large.body_bytes = 100000;
    if (!client_try_begin(c, &(struct ringsend_options){
                                 .connections_max = 3, .seed = 1, .ca_file = sim_tls_ca_file()}))
        return;
    scenario_submit(c, &by_name);
    scenario_submit(c, &large);
    scenario_submit(c, &get);
}

static void torture(void)
{
    scenario_torture("TLS: torture", small_load, 25);
}

static void free_at_any_time(void)
{
    scenario_free_at_any_time("TLS: free with work in flight", small_load);
}

static void break_at_any_time(void)
{
    scenario_break_at_any_time("TLS: the ring breaks", small_load);
}

/* The first operation is ring_new; one of the next ones draws random bytes. */
static void no_random_bytes(void)
{
    bool seen = false;

    for (uint32_t n = 2; n < 10; n++) {
        struct client c;
        scenario_begin_tls("TLS: no random bytes", &c, &(struct ringsend_options){.tries = 1},
                           &answer_ok, 1);
        sim.fail_at = n;
        scenario_submit(&c, &get);
        client_finish(&c);
        SIM_CHECK(c.requests[0].error != RINGSEND_E_NO_MEMORY, "a lack of memory is told");
        seen |= c.requests[0].error == RINGSEND_E_TLS_NO_RANDOM;
        scenario_end(&c);
    }
    SIM_CHECK(seen, "the lack of random bytes is not told");
}

/* Far too few receive buffers, while the worker takes its time: handshakes hold none of them. */
static void few_buffers(void)
{
    static const struct sim_answer large = {.status = 200, .body_bytes = 60000};
    struct client c;

    scenario_begin_tls("TLS: few receive buffers", &c, &(struct ringsend_options){0}, &large, 1);
    client_end(&c);
    sim.faults.buffers = 2;
    sim.faults.worker_ns = 20 * SIM_MS;
    sim.faults.recv_split = 500;
    client_begin(&c, &(struct ringsend_options){.connections_max = 16,
                                                .requests_max = 64,
                                                .tries = 1,
                                                .seed = 1,
                                                .ca_file = sim_tls_ca_file()});
    for (int i = 0; i < 64; i++)
        scenario_submit(&c, &get);
    client_finish(&c);
    for (uint32_t i = 0; i < 64; i++)
        scenario_expect(&c, i, RINGSEND_OK, 200, 1, false);
    scenario_end(&c);
}

/* ---- Nobody's handshake is in another's way ---- */

enum { HOSTILE = 36, GOOD = 4, DEAR_MS = 100 };

/* A plain origin, and a good one with TLS, beside one whose handshakes cost a hundred times as much
 * and end in nothing. How long the good ones' longest took. */
static void beside_hostile(uint32_t hostile, uint64_t *plain_ns, uint64_t *good_ns)
{
    struct client_ask asks[3] = {get, get, get};
    struct client c;
    struct sim_peer *peers[3] = {
        scenario_begin_tls("TLS: beside a hostile origin", &c,
                           &(struct ringsend_options){.connections_max = 100, .tries = 1},
                           &answer_ok, 1),
        sim_peer_new("10.0.0.2", 80, 1), sim_peer_new("10.0.0.3", 80, 2)};

    peers[0]->forgets = true;
    peers[1]->certificate = CERTIFICATE_STRANGER;
    peers[2]->script = &answer_ok;
    peers[2]->script_count = 1;
    asks[1].host = sim.faults.dear_host = "10.0.0.2";
    asks[2].host = "10.0.0.3";
    asks[2].https = false;
    sim.faults.dear_worker_ns = DEAR_MS * SIM_MS;
    for (uint32_t i = 0; i < hostile; i++)
        scenario_submit(&c, &asks[1]);
    client_pass(&c, 1500 * SIM_MS); /* beyond the wait for the first one's session */
    for (uint32_t i = 0; i < 2 * GOOD; i++)
        scenario_submit(&c, &asks[i % 2 * 2]);
    client_finish(&c);
    *plain_ns = *good_ns = 0;
    for (uint32_t i = 0; i < hostile + 2 * GOOD; i++) {
        uint64_t *longest_ns = i % 2 ? plain_ns : good_ns, ns = c.requests[i].times.total_ns;
        SIM_CHECK(c.requests[i].ok == (i >= hostile), "request %u is wrong", i);
        if (i >= hostile && ns > *longest_ns)
            *longest_ns = ns;
    }
    scenario_end(&c);
}

static void hostile_origin(void)
{
    uint64_t plain_ns[2], good_ns[2];

    beside_hostile(0, &plain_ns[0], &good_ns[0]);
    beside_hostile(HOSTILE, &plain_ns[1], &good_ns[1]);
    /* But for the network's jitter, by nothing. */
    SIM_CHECK(plain_ns[1] < plain_ns[0] + 20 * SIM_US, "plain exchanges took %.3f ms, alone %.3f",
              (double)plain_ns[1] / 1e6, (double)plain_ns[0] / 1e6);
    /* The first of the good ones goes ahead of the rest: each of both parts waits for one. */
    SIM_CHECK(good_ns[1] <= good_ns[0] + 2ull * DEAR_MS * SIM_MS, "good handshakes took %.3f ms",
              (double)good_ns[1] / 1e6);
}

/* What nobody waits for any more is not worked on. */
static void nobody_waits(void)
{
    struct client c;
    struct sim_peer *peer = scenario_begin_tls(
        "TLS: what is cancelled is not worked on", &c,
        &(struct ringsend_options){.connections_max = 20, .tries = 1}, &answer_ok, 1);
    uint32_t before = sim_handshakes_worked_on();

    peer->forgets = true;
    sim.faults.dear_host = "10.0.0.1";
    sim.faults.dear_worker_ns = SIM_S;
    for (uint32_t i = 0; i < 20; i++)
        scenario_submit(&c, &get);
    client_pass(&c, 1500 * SIM_MS); /* the first has gone ahead, the others are there */
    for (uint32_t i = 1; i < 20; i++)
        SIM_CHECK(ringsend_cancel(c.engine, c.requests[i].handle) == 0, "no cancel");
    client_finish(&c);
    client_pass(&c, 30ull * SIM_S);
    SIM_CHECK(sim_handshakes_worked_on() - before <= 3, "%u were worked on",
              sim_handshakes_worked_on() - before);
    scenario_end(&c);
}

/* A clock that waits for our own worker stands: all of them have their turn, the last after ten
 * times the handshake timeout. */
static void worker_is_slow(void)
{
    struct client c;
    struct sim_peer *peer = scenario_begin_tls(
        "TLS: the clock stands while the worker is behind", &c,
        &(struct ringsend_options){
            .connections_max = 40, .tries = 1, .handshake_timeout_ns = 2ull * SIM_S},
        &answer_ok, 1);

    peer->forgets = true;
    sim.faults.dear_host = "10.0.0.1";
    sim.faults.dear_worker_ns = SIM_S / 2;
    for (uint32_t i = 0; i < 40; i++)
        scenario_submit(&c, &get);
    client_finish(&c);
    for (uint32_t i = 0; i < 40; i++)
        scenario_expect(&c, i, RINGSEND_OK, 200, 1, false);
    scenario_end(&c);
}

/* So does the attempt's; the record's own runs. */
static void attempt_stands(void)
{
    struct client c;
    struct client_ask ask = get;
    struct sim_peer *peer = scenario_begin_tls(
        "TLS: the attempt's clock stands while the worker is behind", &c,
        &(struct ringsend_options){.connections_max = 40, .tries = 1, .attempt_timeout_ns = SIM_S},
        &(struct sim_answer){200, .delay_ns = 800 * SIM_MS}, 1);

    peer->forgets = true;
    sim.faults.dear_host = "10.0.0.1";
    sim.faults.dear_worker_ns = SIM_S / 2;
    for (uint32_t i = 0; i < 20; i++)
        scenario_submit(&c, &ask);
    ask.deadline_ns = 5ull * SIM_S;
    uint32_t bounded = scenario_submit(&c, &ask);
    client_finish(&c);
    for (uint32_t i = 0; i < bounded; i++)
        scenario_expect(&c, i, RINGSEND_OK, 200, 1, false);
    scenario_expect(&c, bounded, RINGSEND_E_TIMEOUT_RECORD, 0, 1, false);
    scenario_expect_ms(&c, bounded, 5000, 5010);
    scenario_end(&c);
}

/* It stands for that alone: whoever answers the handshake and no request has its whole second, and
 * no more. */
static void attempt_goes_on(void)
{
    struct client c;

    scenario_begin_tls("TLS: the attempt's clock goes on behind the worker", &c,
                       &(struct ringsend_options){.tries = 1, .attempt_timeout_ns = SIM_S},
                       &(struct sim_answer){200, .delay_ns = 2ull * SIM_S}, 1);
    sim.faults.dear_host = "10.0.0.1";
    sim.faults.dear_worker_ns = SIM_S / 2;
    scenario_submit(&c, &get);
    client_finish(&c);
    scenario_expect(&c, 0, RINGSEND_E_TIMEOUT_ATTEMPT, 0, 1, false);
    scenario_expect_ms(&c, 0, 1500, 1510);
    scenario_end(&c);
}

/* A server that answers an offered session by a fatal alert costs connections, and no record, nor
 * a try of one; and it is offered none any more. */
static void session_is_refused(void)
{
    struct client c;
    struct sim_peer *peer = scenario_begin_tls(
        "TLS: a session is refused", &c,
        &(struct ringsend_options){.tries = 1, .tls_library = RINGSEND_TLS_BEARSSL},
        &(struct sim_answer){200, .headers = "Connection: close\r\n"}, 1);

    peer->greeting = GREETING_REFUSES;
    for (uint32_t i = 0; i < 20; i++) {
        scenario_submit(&c, &post);
        if (i < 10)
            client_finish(&c);
    }
    client_finish(&c);
    for (uint32_t i = 0; i < 20; i++) {
        scenario_expect(&c, i, RINGSEND_OK, 200, 1, false);
        scenario_expect_deliveries(&c, i, 1);
    }
    SIM_CHECK(peer->connects == 22, "%u connects for 20 requests", peer->connects);
    scenario_end(&c);
}

static const struct scenario_function functions[] = {
    {"TLS: a session is refused", session_is_refused},
    {"TLS: beside a hostile origin", hostile_origin},
    {"TLS: what is cancelled is not worked on", nobody_waits},
    {"TLS: the clock stands while the worker is behind", worker_is_slow},
    {"TLS: the attempt's clock stands while the worker is behind", attempt_stands},
    {"TLS: the attempt's clock goes on behind the worker", attempt_goes_on},
    {"TLS: a pool resumes the first one's session", pool_resumes},
    {"TLS: a server that resumes nothing", server_resumes_nothing},
    {"TLS: a server that has forgotten its sessions", server_forgets},
    {"TLS: the first handshake hangs", first_handshake_hangs},
    {"TLS: the first connect fails", first_connect_fails},
    {"http and https at one port are two origins", http_and_https},
    {"TLS: handshakes", handshakes},
    {"TLS: a wrong bit in the handshake", mangled_handshakes},
    {"TLS: the server leaves right behind the handshake", server_leaves},
    {"TLS: a warning right behind the handshake", server_warns},
    {"TLS: early ends during the handshake", ends_during_the_handshake},
    {"TLS: a request's end waits for no flight of the handshake", end_waits_for_no_flight},
    {"TLS: torture, each operation fails once", torture},
    {"TLS: free with work in flight", free_at_any_time},
    {"TLS: ring breaks", break_at_any_time},
    {"TLS: no random bytes", no_random_bytes},
    {"TLS: few receive buffers", few_buffers},
};

const struct scenario_function *sim_handshake_scenarios(size_t *count)
{
    *count = sizeof functions / sizeof *functions;
    return functions;
}
