/* The simulation's runner: the engine, unchanged, on the simulated ring.
 *
 *   sim_test                  all scenarios, those of the table over TLS too, then 3000 seeds
 *   sim_test SEED [COUNT]     seeds SEED .. SEED + COUNT - 1 only
 *   SIM_ONLY="name" sim_test  one scenario only
 *   SIM_SEEDS=N               another number of seeds
 *   SIM_TRACE=1               every operation and event, with its virtual time, on stderr
 *
 * A row of the table that does not hold is told in full and fails its test; a broken invariant
 * aborts the program, with the seed or scenario that repeats it. */
#include "tests/sim/scenarios/sim_random.h"
#include "tests/sim/scenarios/sim_scenarios.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SEEDS_DEFAULT = 3000, SCENARIOS_MAX = 1024 };

static struct CMUnitTest tests[SCENARIOS_MAX];
static size_t tests_count;

static bool within(uint64_t total_ns, const struct scenario *s)
{
    return (s->from_ms == 0 || total_ns >= (uint64_t)s->from_ms * SIM_MS) &&
           (s->to_ms == 0 || total_ns <= (uint64_t)s->to_ms * SIM_MS);
}

/* True when the result is as the row says. */
static bool holds(const struct scenario *s, const struct client_request *r,
                  const struct sim_peer *peer)
{
    const struct sim_record *record = sim_record(r->record);
    uint32_t attempts = s->attempts ? s->attempts : 1;
    bool ok = s->error == RINGSEND_OK && (s->counts_as_ok || s->status / 100 == 2);
    /* Each attempt that a connect did not fail for reaches the server whole. */
    uint32_t complete =
        s->connect_errno || s->connect_hangs || s->fail_at ? record->complete : attempts;
    bool status = r->status == (s->error ? s->seen_status : s->status) ||
                  (s->may_lose && (r->status == 0 || r->error == RINGSEND_E_TRUNCATED_HEAD ||
                                   r->error == RINGSEND_E_RESET_NO_RESPONSE));
    bool error =
        r->error == s->error || (s->may_lose && (r->error == RINGSEND_E_TRUNCATED_HEAD ||
                                                 r->error == RINGSEND_E_RESET_NO_RESPONSE));

    if (error && status && r->attempts == attempts && r->ambiguous == s->ambiguous && r->ok == ok &&
        (s->incomplete || record->complete == complete) &&
        (s->connects == 0 || peer->connects == s->connects) && within(r->times.total_ns, s))
        return true;
    print_error("%s: %s, status %d, %u attempts, %sambiguous, %sok, %u deliveries, %u connects, "
                "%.3f ms\n",
                s->name, ringsend_error_name(r->error), r->status, r->attempts,
                r->ambiguous ? "" : "not ", r->ok ? "" : "not ", record->complete, peer->connects,
                (double)r->times.total_ns / 1e6);
    print_error("expected: %s, status %d, %u attempts, %sambiguous, %sok, %u deliveries, %u "
                "connects, %u to %u ms\n",
                ringsend_error_name(s->error), s->error ? s->seen_status : s->status, attempts,
                s->ambiguous ? "" : "not ", ok ? "" : "not ", complete, s->connects, s->from_ms,
                s->to_ms);
    return false;
}

static bool answer_is_given(const struct sim_answer *a)
{
    return a->status != 0 || a->raw || a->then != THEN_KEEP;
}

static void run_row(const struct scenario *s, bool https)
{
    struct client_ask ask = s->ask;
    struct ringsend_options options = s->options;
    uint32_t requests = s->requests ? s->requests : 1;
    uint32_t count = 0;
    struct client c;
    bool as_expected;

    while (count < 6 && answer_is_given(&s->script[count]))
        count++;
    options.ca_file = https ? sim_tls_ca_file() : NULL;
    struct sim_peer *peer = scenario_begin(s->name, &c, &options, s->script, count);
    sim.fail_at = s->fail_at;
    /* ring_new has been counted already. */
    peer->first_counts = s->first_counts;
    peer->connect = s->connect_hangs   ? CONNECT_HANGS
                    : s->connect_errno ? CONNECT_FAILS
                                       : CONNECT_ACCEPTED;
    peer->connect_error = s->connect_errno;
    peer->window = s->window;
    peer->idle_ns = (uint64_t)s->idle_ms * SIM_MS;
    ask.host = "10.0.0.1";
    ask.port = 80;
    ask.https = https;
    for (uint32_t i = 0; i < requests; i++) {
        assert_true(client_submit(&c, &ask) == (int)i);
        client_finish(&c);
        assert_true(i + 1 == requests || c.requests[i].ok);
        if (s->gap_ms > 0 && i + 1 < requests)
            client_pass(&c, (uint64_t)s->gap_ms * SIM_MS);
    }
    as_expected = holds(s, &c.requests[requests - 1], peer);
    scenario_end(&c);
    assert_true(as_expected);
}

static void test_row(void **state)
{
    run_row(*state, false);
}

static void test_row_with_tls(void **state)
{
    run_row(*state, true);
}

static void test_function(void **state)
{
    const struct scenario_function *f = *state;

    f->run();
}

static void add(const char *name, CMUnitTestFunction function, const void *state)
{
    const char *only = getenv("SIM_ONLY");

    if (only && strcmp(only, name) != 0)
        return;
    if (tests_count == SCENARIOS_MAX)
        abort();
    /* cmocka's state knows no const. */
    tests[tests_count++] = (struct CMUnitTest){
        .name = name, .test_func = function, .initial_state = (void *)(uintptr_t)state};
}

static int run_scenarios(void)
{
    static char names[SCENARIOS_MAX][80];
    static const struct scenario_function *(*const groups[])(size_t *) = {
        sim_scenarios,          sim_name_scenarios,
        sim_throttle_scenarios, sim_places_scenarios,
        sim_pool_scenarios,     sim_turns_scenarios,
        sim_engines_scenarios,  sim_response_scenarios,
        sim_doubt_scenarios,    sim_credentials_scenarios,
        sim_redirect_scenarios, sim_body_scenarios,
        sim_stream_scenarios,   sim_stream_end_scenarios,
        sim_clock_scenarios,    sim_short_scenarios,
        sim_kept_scenarios,     sim_tls_scenarios,
        sim_ring_scenarios,     sim_pace_scenarios,
        sim_costs_scenarios,    sim_handshake_scenarios,
        sim_stranger_scenarios, sim_move_scenarios,
        sim_http2_scenarios,    sim_tunnel_scenarios};
    size_t rows_count, functions_count;
    const struct scenario *rows = sim_table(&rows_count);

    for (size_t i = 0; i < rows_count; i++)
        add(rows[i].name, test_row, &rows[i]);
    for (size_t i = 0; i < rows_count && i < SCENARIOS_MAX; i++) {
        snprintf(names[i], sizeof names[i], "TLS: %s", rows[i].name);
        /* These count bytes or operations, which are others with TLS. */
        if (rows[i].window == 0 && rows[i].fail_at == 0)
            add(names[i], test_row_with_tls, &rows[i]);
    }
    for (size_t k = 0; k < sizeof groups / sizeof *groups; k++) {
        const struct scenario_function *functions = groups[k](&functions_count);
        for (size_t i = 0; i < functions_count; i++)
            add(functions[i].name, test_function, &functions[i]);
    }
    return _cmocka_run_group_tests("scenarios", tests, tests_count, NULL, NULL);
}

int main(int argc, char **argv)
{
    const char *count_text = argc > 2 ? argv[2] : getenv("SIM_SEEDS");
    uint64_t first = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
    uint64_t count = count_text ? strtoull(count_text, NULL, 10) : SEEDS_DEFAULT;
    double virtual_s = 0;

    if (argc <= 1 && run_scenarios() != 0)
        return 1;
    if (getenv("SIM_ONLY"))
        return 0;
    if (argc == 2)
        count = 1;
    for (uint64_t i = 0; i < count; i++)
        virtual_s += (double)(sim_random_run(first + i) + sim_engines_run(first + i)) / 1e9;
    printf("%llu seeds from %llu: all invariants held over %.0f s of virtual time\n",
           (unsigned long long)count, (unsigned long long)first, virtual_s);
    return 0;
}
