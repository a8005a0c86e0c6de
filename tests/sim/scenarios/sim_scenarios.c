/* Scenarios that need more than a row of sim_table.c: several requests at once, cancel, stop, full,
 * and torture. Each begins a world of its own and aborts on a failure, with its name (sim.c). */
#include "tests/sim/scenarios/sim_scenarios.h"

#include "engine/file.h"
#include "engine/steps.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct client_ask get = {.host = "10.0.0.1", .port = 80};
static const struct client_ask get_name = {.host = "many.test", .port = 80};
static const struct client_ask post = {
    .method = "POST", .host = "10.0.0.1", .port = 80, .body_bytes = 30, .flags = RINGSEND_HAS_BODY};
static const struct sim_answer answer_ok = {.status = 200, .body_bytes = 20};
static const struct sim_answer answer_100_ms = {
    .status = 200, .body_bytes = 20, .delay_ns = 100 * SIM_MS};
static const struct sim_answer answer_1_s = {.status = 200, .body_bytes = 20, .delay_ns = SIM_S};
static const struct sim_answer answer_4_s = {
    .status = 200, .body_bytes = 20, .delay_ns = 4ull * SIM_S};

/* ---- Limits and waiting ---- */

static void limit_is_reached_and_never_passed(void)
{
    struct client c;

    scenario_begin("the limit is reached and never passed", &c,
                   &(struct ringsend_options){.connections_max = 4, .requests_max = 40},
                   &answer_100_ms, 1);
    for (int i = 0; i < 40; i++)
        scenario_submit(&c, &get);
    client_finish(&c);
    SIM_CHECK(scenario_stats(&c).connections_peak == 4, "the peak is %u connections",
              scenario_stats(&c).connections_peak);
    scenario_expect_ms(&c, 39, 1000, 1020);
    scenario_end(&c);
}

static void limit_per_origin(void)
{
    struct client_ask other = {.host = "10.0.0.2", .port = 80};
    struct client c;

    scenario_begin("the limit per origin", &c,
                   &(struct ringsend_options){
                       .connections_max = 8, .connections_per_origin = 3, .requests_max = 40},
                   &answer_100_ms, 1);
    struct sim_peer *second = sim_peer_new("10.0.0.2", 80, 1);
    second->script = &answer_100_ms;
    second->script_count = 1;
    for (int i = 0; i < 18; i++)
        scenario_submit(&c, &get);
    for (int i = 0; i < 18; i++)
        scenario_submit(&c, &other);
    client_finish(&c);
    SIM_CHECK(scenario_stats(&c).connections_peak == 6, "the peak is %u connections",
              scenario_stats(&c).connections_peak);
    for (uint32_t i = 0; i < 36; i++)
        scenario_expect_ms(&c, i, 100, 620);
    scenario_end(&c);
}

/* Origins that share too few places all get their turn. */
static void places_are_shared(void)
{
    static const char *const hosts[] = {"10.0.0.1", "10.0.0.2", "10.0.0.3"};
    struct client c;

    scenario_begin("places are shared", &c,
                   &(struct ringsend_options){.connections_max = 2, .requests_max = 60},
                   &answer_100_ms, 1);
    for (uint32_t i = 1; i < 3; i++) {
        struct sim_peer *peer = sim_peer_new(hosts[i], 80, i);
        peer->script = &answer_100_ms;
        peer->script_count = 1;
    }
    for (int i = 0; i < 60; i++)
        scenario_submit(&c, &(struct client_ask){.host = hosts[i % 3], .port = 80});
    client_finish(&c);
    for (uint32_t i = 0; i < 60; i++)
        SIM_CHECK(c.requests[i].ok, "request %u is not ok", i);
    scenario_expect_ms(&c, 59, 2900, 3200);
    scenario_end(&c);
}

/* The first in line for a place is cancelled, or runs out of time: the next one moves up. */
static void who_leaves_the_line_makes_room(void)
{
    struct client c;

    scenario_begin(
        "who leaves the line makes room", &c,
        &(struct ringsend_options){.connections_max = 1, .idle_timeout_ns = 9ull * SIM_S},
        &answer_1_s, 1);
    for (uint32_t i = 1; i < 4; i++) {
        struct sim_peer *peer = sim_peer_new(i == 1   ? "10.0.0.2"
                                             : i == 2 ? "10.0.0.3"
                                                      : "10.0.0.4",
                                             80, i);
        peer->script = &answer_1_s;
        peer->script_count = 1;
    }
    scenario_submit(&c, &get);
    client_pass(&c, 100 * SIM_MS);
    uint32_t cancelled = scenario_submit(&c, &(struct client_ask){.host = "10.0.0.2", .port = 80});
    client_pass(&c, 100 * SIM_MS);
    uint32_t late = scenario_submit(
        &c, &(struct client_ask){.host = "10.0.0.3", .port = 80, .deadline_ns = 500 * SIM_MS});
    client_pass(&c, 100 * SIM_MS);
    uint32_t last = scenario_submit(&c, &(struct client_ask){.host = "10.0.0.4", .port = 80});
    client_pass(&c, 100 * SIM_MS);
    SIM_CHECK(ringsend_cancel(c.engine, c.requests[cancelled].handle) == 0, "no cancel");
    client_finish(&c);
    scenario_expect(&c, cancelled, RINGSEND_E_CANCELLED, 0, 0, false);
    scenario_expect(&c, late, RINGSEND_E_TIMEOUT_RECORD, 0, 0, false);
    scenario_expect(&c, last, RINGSEND_OK, 200, 1, false);
    scenario_expect_ms(&c, last, 1700, 1720);
    scenario_end(&c);
}

/* Far too few receive buffers cost time, never a request. */
static void few_buffers(void)
{
    static const struct sim_answer large = {.status = 200, .body_bytes = 60000};
    struct client c;

    scenario_begin("few receive buffers", &c,
                   &(struct ringsend_options){.connections_max = 16, .requests_max = 64}, &large,
                   1);
    client_end(&c);
    sim.faults.buffers = 2;
    client_begin(&c, &(struct ringsend_options){
                         .connections_max = 16, .requests_max = 64, .tries = 1, .seed = 1});
    for (int i = 0; i < 64; i++)
        scenario_submit(&c, &get);
    client_finish(&c);
    for (uint32_t i = 0; i < 64; i++)
        scenario_expect(&c, i, RINGSEND_OK, 200, 1, false);
    scenario_expect_ms(&c, 63, 0, 100);
    scenario_end(&c);
}

static void clocks_stand_while_waiting(void)
{
    struct client c;

    scenario_begin("no clock runs while a request waits", &c,
                   &(struct ringsend_options){.connections_max = 1,
                                              .tries = 1,
                                              .connect_timeout_ns = 5ull * SIM_S,
                                              .first_byte_timeout_ns = 5ull * SIM_S,
                                              .attempt_timeout_ns = 5ull * SIM_S},
                   &answer_4_s, 1);
    for (int i = 0; i < 6; i++)
        scenario_submit(&c, &post);
    client_finish(&c);
    for (uint32_t i = 0; i < 6; i++) {
        scenario_expect(&c, i, RINGSEND_OK, 200, 1, false);
        scenario_expect_ms(&c, i, 4000 * (i + 1), 4000 * (i + 1) + 20);
        SIM_CHECK(c.requests[i].times.queue_ns / SIM_MS >= 4000ull * i, "queued for %.3f ms",
                  (double)c.requests[i].times.queue_ns / 1e6);
    }
    scenario_end(&c);
}

static void deadline_runs_while_waiting(void)
{
    struct client c;

    scenario_begin("the record's deadline runs while it waits", &c,
                   &(struct ringsend_options){.connections_max = 1, .deadline_ns = 6ull * SIM_S},
                   &answer_4_s, 1);
    for (int i = 0; i < 3; i++)
        scenario_submit(&c, &post);
    client_finish(&c);
    scenario_expect(&c, 0, RINGSEND_OK, 200, 1, false);
    scenario_expect(&c, 1, RINGSEND_E_TIMEOUT_RECORD, 0, 1, true);
    scenario_expect(&c, 2, RINGSEND_E_TIMEOUT_RECORD, 0, 0, false);
    scenario_expect_ms(&c, 1, 6000, 6020);
    scenario_expect_ms(&c, 2, 6000, 6020);
    scenario_end(&c);
}

static void full_until_reaped(void)
{
    struct client c;

    scenario_begin("full until a result is reaped", &c,
                   &(struct ringsend_options){.requests_max = 2}, &answer_ok, 1);
    scenario_submit(&c, &get);
    scenario_submit(&c, &get);
    SIM_CHECK(client_submit(&c, &get) == -RINGSEND_E_FULL, "a third request is accepted");
    SIM_CHECK(client_run(&c, RINGSEND_NEVER, 0) == 0, "taken too early");
    SIM_CHECK(client_submit(&c, &get) == -RINGSEND_E_FULL, "accepted before a result is reaped");
    while (c.done == 0)
        client_run(&c, RINGSEND_NEVER, 1);
    scenario_submit(&c, &get);
    client_finish(&c);
    scenario_end(&c);
}

static void refused_requests(void)
{
    struct client c;

    scenario_begin("requests that are refused", &c, &(struct ringsend_options){0}, &answer_ok, 1);
    SIM_CHECK(
        client_submit(&c, &(struct client_ask){.method = "G T", .host = "10.0.0.1", .port = 80}) ==
            -RINGSEND_E_BAD_METHOD,
        "a method with a space is accepted");
    SIM_CHECK(client_submit(&c, &(struct client_ask){.host = "user@10.0.0.1", .port = 80}) ==
                  -RINGSEND_E_BAD_URL,
              "userinfo is accepted");
    scenario_submit(&c, &get);
    client_finish(&c);
    scenario_expect(&c, 2, RINGSEND_OK, 200, 1, false);
    scenario_end(&c);
}

/* Two idle connections, both dead: the free try goes over a new one, not over the other dead one.
 */
static void free_try_is_fresh(void)
{
    static const struct sim_answer script[] = {
        {.status = 200, .body_bytes = 20, .delay_ns = SIM_MS}, {.status = 0, .then = THEN_END}};
    struct client c;
    struct sim_peer *peer = scenario_begin("the free try takes a fresh connection", &c,
                                           &(struct ringsend_options){.tries = 1}, script, 2);

    peer->first_counts = true;
    scenario_submit(&c, &get);
    scenario_submit(&c, &get);
    client_finish(&c);
    uint32_t last = scenario_submit(&c, &get);
    client_finish(&c);
    scenario_expect(&c, last, RINGSEND_OK, 200, 2, false);
    SIM_CHECK(peer->connects == 3, "%u connects", peer->connects);
    scenario_end(&c);
}

/* A request that must not take an idle connection does not keep the ones behind it from it. */
static void fresh_holds_nobody_up(void)
{
    static const struct sim_answer script[] = {{.status = 200, .delay_ns = SIM_MS},
                                               {.status = 200, .delay_ns = SIM_MS},
                                               {.status = 0, .then = THEN_END},
                                               {.status = 200}};
    struct client c;
    struct sim_peer *peer =
        scenario_begin("who wants a fresh connection holds nobody up", &c,
                       &(struct ringsend_options){.connections_max = 2}, script, 4);

    scenario_submit(&c, &get);
    scenario_submit(&c, &get);
    client_finish(&c);
    sim.faults.close_slow = 1000;
    uint32_t fresh = scenario_submit(&c, &get);
    while (peer->answers < 3)
        client_run(&c, 100 * SIM_US, UINT32_MAX);
    client_pass(&c, SIM_MS);
    uint32_t other = scenario_submit(&c, &get);
    client_pass(&c, SIM_MS);
    scenario_expect(&c, other, RINGSEND_OK, 200, 1, false);
    SIM_CHECK(!c.requests[fresh].done, "the close was too fast for this test");
    client_finish(&c);
    scenario_expect(&c, fresh, RINGSEND_OK, 200, 2, false);
    SIM_CHECK(peer->connects == 3, "%u connects", peer->connects);
    scenario_end(&c);
}

/* ---- Cancel, stop, free ---- */

struct cancel_row {
    const char *name;
    uint64_t at_ns;
    bool by_name, hangs;
    size_t window;
    struct sim_answer answer;
    enum ringsend_error error;
    int status;
    uint32_t attempts;
    bool ambiguous;
};

static const struct cancel_row cancel_rows[] = {
    {"cancel before the first run", 0, .error = RINGSEND_E_CANCELLED},
    {"cancel during the lookup", SIM_S, .by_name = true, .error = RINGSEND_E_CANCELLED},
    {"cancel during the connect", SIM_S, .hangs = true, .error = RINGSEND_E_CANCELLED,
     .attempts = 1},
    {"cancel while sending", SIM_S, .window = 60, .error = RINGSEND_E_CANCELLED, .attempts = 1,
     .ambiguous = true},
    {"cancel before the first byte", SIM_S, .answer = {0, .then = THEN_STALL},
     .error = RINGSEND_E_CANCELLED, .attempts = 1, .ambiguous = true},
    {"cancel in the body", SIM_S, .answer = {200, .body_bytes = 50, .pause_ns = 9ull * SIM_S},
     .error = RINGSEND_E_CANCELLED, .status = 200, .attempts = 1, .ambiguous = true},
    {"cancel between tries", SIM_S, .answer = {503, .headers = "retry-after: 5\r\n"},
     .error = RINGSEND_E_CANCELLED, .attempts = 1},
    {"cancel when all is done", SIM_S, .answer = {200}, .error = RINGSEND_OK, .status = 200,
     .attempts = 1},
};

static void cancel_in_each_phase(void)
{
    for (size_t i = 0; i < sizeof cancel_rows / sizeof *cancel_rows; i++) {
        const struct cancel_row *row = &cancel_rows[i];
        struct client_ask ask = post;
        struct client c;
        struct sim_peer *peer =
            scenario_begin(row->name, &c, &(struct ringsend_options){0}, &row->answer, 1);

        peer->connect = row->hangs ? CONNECT_HANGS : CONNECT_ACCEPTED;
        peer->window = row->window;
        sim_name_new("many.test")->kind = NAME_HANGS;
        if (row->by_name)
            ask.host = "many.test";
        scenario_submit(&c, &ask);
        uint64_t handle = c.requests[0].handle;
        client_pass(&c, row->at_ns);
        SIM_CHECK(ringsend_cancel(c.engine, handle) == 0, "it cannot be cancelled");
        client_finish(&c);
        scenario_expect(&c, 0, row->error, row->status, row->attempts, row->ambiguous);
        SIM_CHECK(sim.now_ns - sim.began_ns <= row->at_ns + 5 * SIM_MS, "the cancel took long");
        SIM_CHECK(ringsend_cancel(c.engine, handle) == 0, "a second cancel does harm");
        scenario_end(&c);
    }
}

/* One in each phase, one that has its result, and one that was posted and not taken: that one, and
 * what comes later, go on. */
static void cancel_all_leaves_nobody(void)
{
    static const struct sim_answer silence = {0, .then = THEN_STALL};
    static const struct sim_answer busy = {.status = 503, .headers = "retry-after: 9\r\n"};
    enum { HANGING, SENT, QUEUED, BACKING_OFF, LOOKING_UP, DONE };
    static const char *const hosts[] = {"10.0.0.2", "10.0.0.3",  "10.0.0.3",
                                        "10.0.0.4", "many.test", "10.0.0.1"};
    struct client_ask ask = get;
    struct client c;

    scenario_begin("cancel all", &c,
                   &(struct ringsend_options){.connections_per_origin = 1, .requests_max = 7},
                   &answer_ok, 1);
    sim_name_new("many.test")->kind = NAME_HANGS;
    sim_peer_new("10.0.0.2", 80, 1)->connect = CONNECT_HANGS;
    struct sim_peer *silent = sim_peer_new("10.0.0.3", 80, 2);
    silent->script = &silence;
    silent->script_count = 1;
    struct sim_peer *pushing = sim_peer_new("10.0.0.4", 80, 3);
    pushing->script = &busy;
    pushing->script_count = 1;
    for (uint32_t i = 0; i <= DONE; i++) {
        ask.host = hosts[i];
        scenario_submit(&c, &ask);
    }
    while (scenario_stats(&c).finished == 0 || pushing->answers == 0)
        client_run(&c, SIM_MS, 0);
    for (int i = 0; i < 5; i++)
        client_run(&c, SIM_MS, 0);
    ask = get;
    ask.posted = true;
    uint32_t posted = scenario_submit(&c, &ask);
    ringsend_cancel_all(c.engine);
    ringsend_cancel_all(c.engine);
    ask.posted = false;
    client_run(&c, 0, UINT32_MAX);
    uint32_t later = scenario_submit(&c, &ask);
    client_finish(&c);
    for (uint32_t i = 0; i < DONE; i++) {
        uint32_t attempts = i != QUEUED && i != LOOKING_UP;
        scenario_expect(&c, i, RINGSEND_E_CANCELLED, 0, attempts, false);
        SIM_CHECK(c.requests[i].cut_short, "request %u is not told as cut short", i);
        scenario_expect_ms(&c, i, 0, 20);
    }
    scenario_expect(&c, DONE, RINGSEND_OK, 200, 1, false);
    scenario_expect(&c, posted, RINGSEND_OK, 200, 1, false);
    scenario_expect(&c, later, RINGSEND_OK, 200, 1, false);
    scenario_end(&c);
}

static void stop_ends_what_waits(void)
{
    static const struct sim_answer script[] = {{408, .headers = "retry-after: 5\r\n"},
                                               {200, .delay_ns = 1 * SIM_S}};
    struct client c;

    scenario_begin("stop: in flight goes on, the others end", &c,
                   &(struct ringsend_options){.connections_max = 1}, script, 2);
    for (int i = 0; i < 4; i++)
        scenario_submit(&c, &post);
    client_pass(&c, 500 * SIM_MS);
    ringsend_stop(c.engine);
    SIM_CHECK(client_submit(&c, &get) == -RINGSEND_E_STOPPED, "accepted after stop");
    client_finish(&c);
    scenario_expect(&c, 0, RINGSEND_OK, 408, 1, false); /* was between tries: its last outcome */
    scenario_expect(&c, 1, RINGSEND_OK, 200, 1, false); /* was in flight */
    scenario_expect(&c, 2, RINGSEND_E_STOPPED, 0, 0, false);
    scenario_expect(&c, 3, RINGSEND_E_STOPPED, 0, 0, false);
    scenario_expect_ms(&c, 0, 500, 520);
    scenario_expect_ms(&c, 2, 500, 520);
    scenario_end(&c);
}

static void wake_ends_the_wait(void)
{
    struct client c;

    scenario_begin("wake", &c, &(struct ringsend_options){0}, &answer_1_s, 1);
    scenario_submit(&c, &get);
    ringsend_wake(c.engine);
    SIM_CHECK(client_run(&c, RINGSEND_NEVER, UINT32_MAX) == 0, "a result came instead");
    SIM_CHECK(sim.now_ns - sim.began_ns < SIM_S, "the wake did not end the wait");
    client_finish(&c);
    scenario_end(&c);
}

static void run_returns_in_time(void)
{
    struct client c;
    uint64_t began_ns;

    scenario_begin("run waits no longer than told", &c, &(struct ringsend_options){0}, &answer_4_s,
                   1);
    scenario_submit(&c, &get);
    began_ns = sim.now_ns;
    client_run(&c, 0, UINT32_MAX);
    SIM_CHECK(sim.now_ns == began_ns, "a run of no time took some");
    client_run(&c, 300 * SIM_MS, UINT32_MAX);
    SIM_CHECK(sim.now_ns == began_ns + 300 * SIM_MS, "a run of 300 ms took %.3f ms",
              (double)(sim.now_ns - began_ns) / 1e6);
    client_finish(&c);
    scenario_expect_ms(&c, 0, 4000, 4010);
    scenario_end(&c);
}

/* The first that fits counts; of its addresses the first that works. Nothing is looked up. */
static void addresses_are_given(void)
{
    static const struct ringsend_resolve resolve[] = {
        {"Given.test", 81, "10.0.0.9"},
        {"given.TEST", 0, "10.0.0.7,fd00::7"},
        {"*", 82, "10.0.0.8"},
    };
    struct client c;
    struct client_ask ask = {.method = "GET", .host = "given.test"};

    scenario_begin("addresses are given", &c,
                   &(struct ringsend_options){.resolve = resolve, .resolve_count = 3}, &answer_1_s,
                   1);
    struct sim_peer *peers[] = {sim_peer_new("10.0.0.9", 81, 0), sim_peer_new("10.0.0.7", 80, 0),
                                sim_peer_new("fd00::7", 80, 0), sim_peer_new("10.0.0.8", 82, 0)};
    for (size_t i = 0; i < 4; i++) {
        peers[i]->script = &answer_1_s;
        peers[i]->script_count = 1;
    }
    peers[1]->connect = CONNECT_FAILS;
    peers[1]->connect_error = ECONNREFUSED;
    ask.port = 81;
    scenario_submit(&c, &ask);
    client_finish(&c);
    ask.port = 80;
    scenario_submit(&c, &ask);
    client_finish(&c);
    ask.host = "other.test";
    ask.port = 82;
    scenario_submit(&c, &ask);
    client_finish(&c);
    for (uint32_t i = 0; i < 3; i++)
        scenario_expect(&c, i, RINGSEND_OK, 200, 1, false);
    ask.port = 83;
    ask.tries = 1;
    scenario_submit(&c, &ask);
    client_finish(&c);
    scenario_expect(&c, 3, RINGSEND_E_DNS_NOT_FOUND, 0, 1, false);
    scenario_end(&c);
}

/* A small load in which everything happens: lookup, race, reuse, retry, body, file. */
static void small_load(struct client *c)
{
    static const struct sim_answer script[] = {
        {503, .headers = "retry-after: 1\r\n"},
        {.status = 200, .framing = FRAMING_CHUNKED, .body_bytes = 300},
        {200, .body_bytes = 9}};
    struct sim_peer *v4 = sim_peer_new("10.0.0.1", 80, 0);
    struct sim_peer *v6 = sim_peer_new("fd00::1", 80, 0);

    sim.faults.latency_ns = 100 * SIM_US;
    v4->script = script;
    v4->script_count = 3;
    v6->connect = CONNECT_HANGS;
    scenario_name("many.test", "fd00::1", "10.0.0.1", NULL);
    if (!client_try_begin(c, &(struct ringsend_options){.connections_max = 3, .seed = 1}))
        return;
    scenario_submit(c, &get_name);
    scenario_submit(c, &(struct client_ask){
                           .method = "POST", .host = "many.test", .port = 80, .body_bytes = 6000});
    scenario_submit(c, &get);
}

static void torture(void)
{
    scenario_torture("torture", small_load, 15);
}

static void free_at_any_time(void)
{
    scenario_free_at_any_time("free with work in flight", small_load);
}

static void break_at_any_time(void)
{
    scenario_break_at_any_time("the ring breaks", small_load);
}

/* A read from a pipe in which nothing comes does not hold the requests up, and can be cancelled. */
static void silent_pipe(void)
{
    struct client c;
    struct file *file;
    char byte;
    int ends[2];

    scenario_begin("a pipe without data", &c, &(struct ringsend_options){0}, &answer_100_ms, 1);
    SIM_CHECK(pipe2(ends, 02000000 | 04000) == 0, "no pipe"); /* O_CLOEXEC | O_NONBLOCK */
    SIM_CHECK(file_open(c.engine, ends[0], &file) == 0, "no file");
    file_read(file, &byte, 1, -1);
    scenario_submit(&c, &get);
    client_finish(&c);
    scenario_expect_ms(&c, 0, 100, 105);
    SIM_CHECK(file_busy(file), "a read of nothing has ended");
    file_cancel(file);
    client_run(&c, RINGSEND_NEVER, UINT32_MAX);
    SIM_CHECK(!file_busy(file) && file_take(file) == -ECANCELED, "the read was not cancelled");
    file_read(file, &byte, 1, -1);
    SIM_CHECK(write(ends[1], "x", 1) == 1, "no room in a pipe");
    client_run(&c, RINGSEND_NEVER, UINT32_MAX);
    SIM_CHECK(!file_busy(file) && file_take(file) == 1 && byte == 'x', "the byte was not read");
    struct statx about;
    file_stat(file, &about);
    client_run(&c, RINGSEND_NEVER, UINT32_MAX);
    SIM_CHECK(!file_busy(file) && file_take(file) == 0 && S_ISFIFO(about.stx_mode), "no pipe");
    file_close(&file);
    close(ends[0]);
    close(ends[1]);
    scenario_end(&c);
}

#ifdef RINGSEND_SLOW_CHECKS
/* What the child that fails says, up to `max` bytes of it. */
static void failing_child_says(char *text, size_t max)
{
    int ends[2];
    size_t bytes = 0;
    ssize_t n;

    if (pipe(ends) != 0)
        sim_fail("no pipe");
    pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        close(ends[1]);
        sim_fail("as it is to");
    }
    close(ends[1]);
    while ((n = read(ends[0], text + bytes, max - 1 - bytes)) > 0)
        bytes += (size_t)n;
    text[bytes] = 0;
    close(ends[0]);
    if (child < 0 || waitpid(child, NULL, 0) != child)
        sim_fail("no child");
}

static void failure_prints_the_last_steps(void)
{
    static char text[64 << 10];
    struct client c;
    uint32_t lines = 0;

    scenario_begin("a failure prints the last steps", &c, &(struct ringsend_options){0}, &answer_ok,
                   1);
    for (uint32_t i = 0; i < 60; i++) {
        scenario_submit(&c, &get);
        client_finish(&c);
    }
    failing_child_says(text, sizeof text);
    for (const char *at = text; (at = strstr(at, " -> ")); at++)
        lines++;
    SIM_CHECK(lines == STEPS_KEPT, "%u steps were printed", lines);
    SIM_CHECK(strstr(text, " REQUEST_TRYING -> REQUEST_FINISHED\n"), "no step of a request");
    SIM_CHECK(strstr(text, " ATTEMPT_BEGUN -> ATTEMPT_OVER\n"), "no step of an attempt");
    SIM_CHECK(strstr(text, " SEND_SENDING -> SEND_SENT\n"), "no step of an exchange");
    SIM_CHECK(!strstr(text, "CONN_CONNECT"), "older steps than the last ones");
    scenario_end(&c);
}
#endif

static const struct scenario_function functions[] = {
#ifdef RINGSEND_SLOW_CHECKS
    {"a failure prints the last steps", failure_prints_the_last_steps},
#endif
    {"limit is reached and never passed", limit_is_reached_and_never_passed},
    {"limit per origin", limit_per_origin},
    {"places are shared", places_are_shared},
    {"who leaves the line makes room", who_leaves_the_line_makes_room},
    {"few receive buffers", few_buffers},
    {"no clock runs while a request waits", clocks_stand_while_waiting},
    {"deadline runs while a request waits", deadline_runs_while_waiting},
    {"full until a result is reaped", full_until_reaped},
    {"requests that are refused", refused_requests},
    {"free try takes a fresh connection", free_try_is_fresh},
    {"who wants a fresh connection holds nobody up", fresh_holds_nobody_up},
    {"cancel in each phase", cancel_in_each_phase},
    {"cancel all leaves nobody", cancel_all_leaves_nobody},
    {"stop ends what waits", stop_ends_what_waits},
    {"wake ends the wait", wake_ends_the_wait},
    {"run waits no longer than told", run_returns_in_time},
    {"addresses are given", addresses_are_given},
    {"torture: each operation fails once", torture},
    {"free with work in flight", free_at_any_time},
    {"ring breaks", break_at_any_time},
    {"pipe without data", silent_pipe},
};

const struct scenario_function *sim_scenarios(size_t *count)
{
    *count = sizeof functions / sizeof *functions;
    return functions;
}
