/* What all scenarios begin and end with, and what they expect of a result. A failure aborts, with
 * the scenario's name (sim.c). */
#include "tests/sim/scenarios/sim_scenarios.h"

struct sim_peer *scenario_begin(const char *name, struct client *c,
                                const struct ringsend_options *options,
                                const struct sim_answer *script, uint32_t script_count)
{
    struct ringsend_options all = *options;
    struct sim_peer *peer;

    sim_begin(name, 1);
    sim.faults.latency_ns = 100 * SIM_US;
    all.seed = all.seed ? all.seed : 1;
    peer = sim_peer_new("10.0.0.1", 80, 0);
    peer->script = script;
    peer->script_count = script_count;
    peer->certificate = CERTIFICATE_GOOD;
    sim_ring_bounds(all.connections_max ? all.connections_max : 40,
                    all.connections_per_origin ? all.connections_per_origin : 40);
    client_begin(c, &all);
    return peer;
}

struct sim_name *scenario_name(const char *name, const char *first, const char *second,
                               const char *third)
{
    struct sim_name *n = sim_name_new(name);

    sim_name_address(n, first);
    if (second)
        sim_name_address(n, second);
    if (third)
        sim_name_address(n, third);
    return n;
}

struct sim_peer *scenario_begin_tls(const char *name, struct client *c,
                                    const struct ringsend_options *options,
                                    const struct sim_answer *script, uint32_t script_count)
{
    struct ringsend_options all = *options;

    all.ca_file = all.ca_file || all.insecure ? all.ca_file : sim_tls_ca_file();
    return scenario_begin(name, c, &all, script, script_count);
}

void scenario_end(struct client *c)
{
    client_end(c);
    sim_end();
}

uint32_t scenario_submit(struct client *c, const struct client_ask *ask)
{
    int index = client_submit(c, ask);

    SIM_CHECK(index >= 0, "submit gives %s", ringsend_error_name((enum ringsend_error) - index));
    return (uint32_t)index;
}

void scenario_expect(const struct client *c, uint32_t index, enum ringsend_error error, int status,
                     uint32_t attempts, bool ambiguous)
{
    const struct client_request *r = &c->requests[index];

    SIM_CHECK(r->done, "request %u has no result yet", index);
    SIM_CHECK(r->error == error && r->status == status && r->attempts == attempts &&
                  r->ambiguous == ambiguous,
              "request %u: %s, status %d, %u attempts%s; expected %s, status %d, %u attempts%s",
              index, ringsend_error_name(r->error), r->status, r->attempts,
              r->ambiguous ? ", ambiguous" : "", ringsend_error_name(error), status, attempts,
              ambiguous ? ", ambiguous" : "");
}

void scenario_expect_ms(const struct client *c, uint32_t index, uint32_t from_ms, uint32_t to_ms)
{
    uint64_t total_ns = c->requests[index].times.total_ns;

    SIM_CHECK(total_ns >= (uint64_t)from_ms * SIM_MS && total_ns <= (uint64_t)to_ms * SIM_MS,
              "request %u took %.3f ms, expected %u to %u", index, (double)total_ns / 1e6, from_ms,
              to_ms);
}

void scenario_expect_attempt(const struct client *c, uint32_t index, uint32_t attempt,
                             enum ringsend_error error, int status, bool reused,
                             enum ringsend_wait wait)
{
    const struct client_request *r = &c->requests[index];

    SIM_CHECK(r->done && attempt < r->attempts, "request %u has no attempt %u", index, attempt);
    const struct ringsend_attempt *a = &r->trace[attempt];
    SIM_CHECK(a->error == error && a->status == status && a->reused == reused && a->wait == wait,
              "attempt %u: %s, status %d, %sreused, wait for %s", attempt,
              ringsend_error_name(a->error), a->status, a->reused ? "" : "not ",
              ringsend_wait_name(a->wait));
}

struct ringsend_stats scenario_stats(const struct client *c)
{
    struct ringsend_stats stats = {.size = sizeof stats};

    ringsend_stats(c->engine, &stats);
    return stats;
}

void scenario_expect_handshakes(const struct client *c, uint64_t full, uint64_t resumed)
{
    struct ringsend_stats stats = scenario_stats(c);

    SIM_CHECK(stats.handshakes_full == full && stats.handshakes_resumed == resumed,
              "%u handshakes were full and %u resumed, expected %u and %u",
              (unsigned)stats.handshakes_full, (unsigned)stats.handshakes_resumed, (unsigned)full,
              (unsigned)resumed);
}

void scenario_expect_deliveries(const struct client *c, uint32_t index, uint32_t deliveries)
{
    uint32_t seen = sim_record(c->requests[index].record)->deliveries;

    SIM_CHECK(seen == deliveries, "request %u was delivered %u times, expected %u", index, seen,
              deliveries);
}

void scenario_until(struct client *c, struct client_ask ask, enum early_end end, uint64_t at_ns)
{
    ask.deadline_ns = end == END_DEADLINE ? at_ns + 1 : 0;
    for (uint32_t k = 0; k < EARLY_REQUESTS; k++)
        scenario_submit(c, &ask);
    client_pass(c, at_ns);
}

void scenario_cut(struct client *c, enum early_end end)
{
    for (uint32_t k = 0; k < EARLY_REQUESTS && end == END_CANCEL; k++)
        SIM_CHECK(ringsend_cancel(c->engine, c->requests[k].handle) == 0, "no cancel");
    if (end != END_FREE)
        client_finish(c);
}

/* One turn of the engine, and a little time if it had nothing to do. */
static void one_turn(struct client *c)
{
    struct ringsend_stats stats = {.size = sizeof stats};

    ringsend_stats(c->engine, &stats);
    client_run(c, stats.next_deadline_ns <= sim.now_ns ? 0 : SIM_MS, UINT32_MAX);
}

void scenario_torture(const char *name, scenario_load *load, uint32_t least)
{
    uint32_t n = 0;
    bool failed;

    do {
        struct client c;

        sim_begin(name, 1);
        sim.fail_at = ++n;
        load(&c);
        if (c.engine)
            client_finish(&c);
        failed = sim.fallible >= sim.fail_at;
        client_end(&c);
        sim_end();
    } while (failed);
    SIM_CHECK(n > least, "only %u operations could fail", n);
}

void scenario_break_at_any_time(const char *name, scenario_load *load)
{
    bool all_done = false;

    for (uint32_t turns = 0; !all_done; turns++) {
        struct client c;
        const struct ringsend_result *result;
        uint32_t ready = 0;

        sim_begin(name, 1);
        sim.accounts = true;
        load(&c);
        for (uint32_t i = 0; i < turns && c.done < c.accepted; i++)
            one_turn(&c);
        all_done = c.done == c.accepted;
        sim_ring_break();
        for (int i = 0; i < 2; i++)
            SIM_CHECK(ringsend_run(c.engine, RINGSEND_NEVER) == -RINGSEND_E_RING,
                      "a broken ring goes on");
        while (ringsend_reap(c.engine, &result, 1) == 1)
            ready++;
        SIM_CHECK(ready <= c.accepted - c.done, "%u results too many", ready);
        client_end(&c);
        sim_end();
    }
}

void scenario_free_at_any_time(const char *name, scenario_load *load)
{
    bool all_done = false;

    for (uint32_t turns = 0; !all_done; turns++) {
        struct client c;

        sim_begin(name, 1);
        load(&c);
        for (uint32_t i = 0; i < turns && c.done < c.accepted; i++)
            one_turn(&c);
        all_done = c.done == c.accepted;
        client_end(&c);
        sim_end();
    }
}
