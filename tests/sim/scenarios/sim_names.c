/* Scenarios of names: lookups, and which of several addresses is used. */
#include "tests/sim/scenarios/sim_scenarios.h"

#include "base/limits.h"
#include "tests/sim/world/sim_ring.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct client_ask get = {.host = "10.0.0.1", .port = 80};
static const struct client_ask post = {
    .method = "POST", .host = "10.0.0.1", .port = 80, .body_bytes = 30, .flags = RINGSEND_HAS_BODY};
static const struct sim_answer answer_ok = {.status = 200, .body_bytes = 20};
static const struct sim_answer closing = {
    .status = 200, .body_bytes = 20, .headers = "Connection: close\r\n", .then = THEN_END};
static const struct sim_answer answer_100_ms = {
    .status = 200, .body_bytes = 20, .delay_ns = 100 * SIM_MS};
static const struct client_ask get_name = {.host = "many.test", .port = 80};

static void eyeballs_try_next_after_250_ms(void)
{
    struct client c;
    struct sim_peer *v4 = scenario_begin("Happy Eyeballs: 250 ms, and the winner is remembered", &c,
                                         &(struct ringsend_options){0}, &answer_100_ms, 1);
    struct sim_peer *v6 = sim_peer_new("fd00::1", 80, 0);

    v6->connect = CONNECT_HANGS;
    scenario_name("many.test", "fd00::1", "fd00::2", "10.0.0.1");
    scenario_submit(&c, &get_name);
    client_finish(&c);
    scenario_expect(&c, 0, RINGSEND_OK, 200, 1, false);
    scenario_expect_ms(&c, 0, 350, 360);
    SIM_CHECK(v6->connects == 1 && v4->connects == 1, "%u and %u connects", v6->connects,
              v4->connects);
    /* The winner at once, on new connections too. */
    for (int i = 0; i < 3; i++)
        scenario_submit(&c, &get_name);
    client_finish(&c);
    scenario_expect_ms(&c, 3, 100, 105);
    SIM_CHECK(v6->connects == 1 && v4->connects == 3, "%u and %u connects", v6->connects,
              v4->connects);
    scenario_end(&c);
}

static void eyeballs_next_at_once_after_failure(void)
{
    struct client c;
    struct sim_peer *v6;

    scenario_begin("Happy Eyeballs: the next address at once after a failure", &c,
                   &(struct ringsend_options){0}, &answer_ok, 1);
    v6 = sim_peer_new("fd00::1", 80, 0);
    v6->connect = CONNECT_FAILS;
    v6->connect_error = ENETUNREACH;
    scenario_name("many.test", "fd00::1", "10.0.0.1", NULL);
    scenario_submit(&c, &get_name);
    client_finish(&c);
    scenario_expect(&c, 0, RINGSEND_OK, 200, 1, false);
    scenario_expect_ms(&c, 0, 0, 20);
    scenario_end(&c);
}

static void eyeballs_first_wins(void)
{
    struct client c;
    struct sim_peer *v4 = scenario_begin("Happy Eyeballs: a slow first address still wins", &c,
                                         &(struct ringsend_options){0}, &answer_ok, 1);
    struct sim_peer *v6 = sim_peer_new("fd00::1", 80, 0);

    v6->connect_ns = 300 * SIM_MS;
    v6->script = &answer_ok;
    v6->script_count = 1;
    v4->connect_ns = 300 * SIM_MS;
    scenario_name("many.test", "fd00::1", "10.0.0.1", NULL);
    scenario_submit(&c, &get_name);
    client_finish(&c);
    scenario_expect_ms(&c, 0, 300, 310);
    SIM_CHECK(v6->accepted == 1 && v4->accepted == 0, "the other address won");
    scenario_end(&c);
}

/* One place: the race cannot run two connects at once, and must still come to an end. */
static void eyeballs_with_one_place(void)
{
    struct client c;
    struct sim_peer *v6;

    scenario_begin(
        "Happy Eyeballs with one place", &c,
        &(struct ringsend_options){.connections_max = 1, .connect_timeout_ns = 2ull * SIM_S},
        &answer_ok, 1);
    v6 = sim_peer_new("fd00::1", 80, 0);
    v6->connect = CONNECT_HANGS;
    scenario_name("many.test", "fd00::1", "10.0.0.1", NULL);
    scenario_submit(&c, &get_name);
    client_finish(&c);
    scenario_expect(&c, 0, RINGSEND_OK, 200, 1, false);
    /* A turn of the first address, and the time after which the second is wanted. */
    scenario_expect_ms(&c, 0, 1250, 1270);
    const struct ringsend_times *t = &c.requests[0].times;
    SIM_CHECK(t->done_at_ns - t->begun_at_ns >= 1250 * SIM_MS,
              "the attempt began with its first connect, not %.3f ms before its end",
              (double)(t->done_at_ns - t->begun_at_ns) / 1e6);
    scenario_end(&c);
}

/* The next address finds no place when it is due, but soon after. */
static void eyeballs_with_a_place_later(void)
{
    static const struct sim_answer slow = {.status = 200,
                                           .body_bytes = 20,
                                           .headers = "Connection: close\r\n",
                                           .delay_ns = 600 * SIM_MS,
                                           .then = THEN_END};
    struct client c;
    struct sim_peer *v6, *other;

    scenario_begin("Happy Eyeballs with a place that is free later", &c,
                   &(struct ringsend_options){.connections_max = 2}, &answer_ok, 1);
    v6 = sim_peer_new("fd00::1", 80, 0);
    v6->connect = CONNECT_HANGS;
    other = sim_peer_new("10.0.0.2", 80, 0);
    other->script = &slow;
    other->script_count = 1;
    scenario_name("many.test", "fd00::1", "10.0.0.1", NULL);
    scenario_submit(&c, &(struct client_ask){.host = "10.0.0.2", .port = 80});
    scenario_submit(&c, &get_name);
    client_finish(&c);
    scenario_expect(&c, 0, RINGSEND_OK, 200, 1, false);
    scenario_expect(&c, 1, RINGSEND_OK, 200, 1, false);
    scenario_expect_ms(&c, 1, 600, 860);
    scenario_end(&c);
}

static void eyeballs_all_dead(void)
{
    struct client c;
    struct sim_peer *v4 = scenario_begin("Happy Eyeballs: all addresses dead", &c,
                                         &(struct ringsend_options){.tries = 2}, &answer_ok, 1);
    struct sim_peer *v6 = sim_peer_new("fd00::1", 80, 0);

    v6->connect = v4->connect = CONNECT_FAILS;
    v6->connect_error = v4->connect_error = ECONNREFUSED;
    scenario_name("many.test", "fd00::1", "10.0.0.1", NULL);
    scenario_submit(&c, &post);
    scenario_submit(&c, &get_name);
    client_finish(&c);
    scenario_expect(&c, 0, RINGSEND_E_CONNECT_REFUSED, 0, 2, false);
    scenario_expect(&c, 1, RINGSEND_E_CONNECT_REFUSED, 0, 2, false);
    scenario_end(&c);
}

/* The address that won once goes away; the other one takes over within the same attempt. */
static void eyeballs_winner_dies(void)
{
    struct client c;
    struct sim_peer *v4 = scenario_begin("Happy Eyeballs: the winner dies", &c,
                                         &(struct ringsend_options){.tries = 1}, &closing, 1);
    struct sim_peer *v6 = sim_peer_new("fd00::1", 80, 0);

    v6->script = &closing;
    v6->script_count = 1;
    scenario_name("many.test", "fd00::1", "10.0.0.1", NULL);
    scenario_submit(&c, &get_name);
    client_finish(&c);
    SIM_CHECK(v6->accepted == 1, "the first address did not win");
    v6->connect = CONNECT_FAILS;
    v6->connect_error = ECONNREFUSED;
    scenario_submit(&c, &get_name);
    client_finish(&c);
    scenario_expect(&c, 1, RINGSEND_OK, 200, 1, false);
    SIM_CHECK(v4->accepted == 1, "the second address did not take over");
    scenario_end(&c);
}

/* A peer at one of a name's addresses that answers so. */
static struct sim_peer *peer_at(const char *ip, const struct sim_answer *script, uint32_t count)
{
    struct sim_peer *peer = sim_peer_new(ip, 80, 0);

    peer->script = script;
    peer->script_count = count;
    return peer;
}

static void refuses(struct sim_peer *peer)
{
    peer->connect = CONNECT_FAILS;
    peer->connect_error = ECONNREFUSED;
}

/* Until the peer has seen so many connects, and a little longer. */
static void pass_connects(struct client *c, const struct sim_peer *peer, uint32_t connects)
{
    while (peer->connects < connects)
        client_run(c, 100 * SIM_US, UINT32_MAX);
    client_pass(c, SIM_MS);
}

/* An attempt waits for a place at the next address when its time is up: it ends with what made it
 * move on. */
static void moving_on_ends_early(void)
{
    static const struct client_ask hurried = {
        .host = "many.test", .port = 80, .deadline_ns = 10 * SIM_MS};
    static const struct {
        enum ringsend_error error;
        bool stop, cut_short;
        const struct client_ask *ask;
    } rows[] = {
        {RINGSEND_E_CONNECT_REFUSED, true, true, &get_name},
        {RINGSEND_E_CANCELLED, false, true, &get_name},
        {RINGSEND_E_CONNECT_REFUSED, false, false, &hurried},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct client c;
        scenario_begin("an attempt that moves on ends early", &c,
                       &(struct ringsend_options){.connections_max = 1, .store_attempts = true},
                       &answer_ok, 1);
        struct sim_peer *v6 = peer_at("fd00::1", &closing, 1);
        scenario_name("many.test", "fd00::1", "10.0.0.1", NULL);
        scenario_submit(&c, &get_name);
        client_finish(&c);
        client_pass(&c, SIM_MS); /* that connection is closed */
        refuses(v6);
        sim.faults.close_ns = SIM_S;
        uint32_t moving = scenario_submit(&c, rows[i].ask);
        pass_connects(&c, v6, 2);
        if (rows[i].stop)
            ringsend_stop(c.engine);
        else if (rows[i].ask == &get_name)
            ringsend_cancel(c.engine, c.requests[moving].handle);
        client_finish(&c);
        scenario_expect(&c, moving, rows[i].error, 0, 1, false);
        SIM_CHECK(c.requests[moving].cut_short == rows[i].cut_short, "cut short is told wrongly");
        SIM_CHECK(c.requests[moving].trace[0].error == rows[i].error, "the trace is wrong");
        scenario_expect_ms(&c, moving, 0, 12);
        scenario_end(&c);
    }
}

/* A free try, too, moves on from a failed winner, though the attempt before it had. */
static void free_try_moves_on(void)
{
    static const struct sim_answer script[] = {{.status = 200},
                                               {.status = 200, .delay_ns = 5 * SIM_MS},
                                               {0, .then = THEN_END, .then_ns = 100 * SIM_MS},
                                               {.status = 200}};
    struct client c;
    struct sim_peer *v4 =
        scenario_begin("the free try moves on, too", &c,
                       &(struct ringsend_options){.connections_max = 2, .tries = 1}, &answer_ok, 1);
    struct sim_peer *v6 = peer_at("fd00::1", script, 4);

    scenario_name("many.test", "fd00::1", "10.0.0.1", NULL);
    scenario_submit(&c, &get_name);
    client_finish(&c);
    refuses(v6);
    sim.faults.close_ns = 20 * SIM_MS;
    scenario_submit(&c, &get_name); /* on the idle connection */
    uint32_t moving = scenario_submit(&c, &get_name);
    pass_connects(&c, v6, 2);
    while (v6->answers < 3) /* it was moved to the same idle connection, which is about to die */
        client_run(&c, SIM_MS, UINT32_MAX);
    uint32_t other = scenario_submit(&c, &get_name);
    while (!c.requests[other].done)
        client_run(&c, SIM_MS, UINT32_MAX);
    SIM_CHECK(v4->accepted == 1, "there is no new winner");
    refuses(v4);
    v6->connect = CONNECT_ACCEPTED;
    client_finish(&c);
    scenario_expect(&c, moving, RINGSEND_OK, 200, 2, false);
    SIM_CHECK(v4->connects == 2, "%u connects to the new winner", v4->connects);
    scenario_end(&c);
}

/* A connect to an address that was given up since fails late: that is no reason to race again. */
static void late_failure_of_an_old_address(void)
{
    struct client c;
    struct sim_peer *v4 =
        scenario_begin("late failure of an old address", &c,
                       &(struct ringsend_options){.connect_timeout_ns = 2ull * SIM_S}, &closing, 1);
    struct sim_peer *v6 = peer_at("fd00::1", &closing, 1);

    scenario_name("many.test", "fd00::1", "10.0.0.1", NULL);
    scenario_submit(&c, &get_name);
    client_finish(&c);
    v6->connect = CONNECT_HANGS;
    uint32_t late = scenario_submit(&c, &get_name);
    pass_connects(&c, v6, 2);
    refuses(v6);
    uint32_t early = scenario_submit(&c, &get_name);
    pass_connects(&c, v6, 3);
    while (!c.requests[early].done)
        client_run(&c, SIM_MS, UINT32_MAX);
    SIM_CHECK(v4->accepted == 1, "there is no new winner");
    uint32_t connects = v6->connects;
    client_finish(&c);
    scenario_expect(&c, late, RINGSEND_OK, 200, 1, false);
    scenario_expect_ms(&c, late, 2000, 2010);
    SIM_CHECK(v6->connects == connects, "the old address is tried again");
    scenario_end(&c);
}

/* Whoever the race was paused for is gone: the next one's begins at the first address. */
static void paused_race_is_nobody_elses(void)
{
    struct client c;

    scenario_begin("a paused race is nobody else's", &c,
                   &(struct ringsend_options){.connections_max = 1, .tries = 1}, &answer_ok, 1);
    struct sim_peer *first = peer_at("fd00::1", &answer_ok, 1);
    struct sim_peer *second = peer_at("fd00::2", &answer_ok, 1);
    scenario_name("many.test", "fd00::1", "fd00::2", NULL);
    refuses(first);
    refuses(second);
    sim.faults.close_ns = SIM_S;
    uint32_t gone = scenario_submit(&c, &get_name);
    pass_connects(&c, first, 1);
    ringsend_cancel(c.engine, c.requests[gone].handle);
    client_run(&c, RINGSEND_NEVER, UINT32_MAX);
    scenario_expect(&c, gone, RINGSEND_E_CANCELLED, 0, 1, false);
    first->connect = CONNECT_ACCEPTED;
    uint32_t next = scenario_submit(&c, &get_name);
    client_finish(&c);
    scenario_expect(&c, next, RINGSEND_OK, 200, 1, false);
    SIM_CHECK(second->connects == 0, "the first address was left out");
    scenario_end(&c);
}

/* The name has other addresses by the time that a paused race goes on. */
static void paused_race_takes_new_addresses(void)
{
    struct client c;

    scenario_begin("a paused race takes new addresses", &c,
                   &(struct ringsend_options){.connections_max = 1, .tries = 1}, &answer_ok, 1);
    struct sim_peer *first = peer_at("fd00::1", &closing, 1);
    struct sim_peer *second = peer_at("fd00::2", &closing, 1);
    struct sim_peer *third = peer_at("fd00::3", &closing, 1);
    struct sim_name *name = scenario_name("many.test", "fd00::1", "fd00::2", NULL);
    scenario_submit(&c, &get_name);
    client_finish(&c);
    client_pass(&c, 61ull * SIM_S); /* its addresses are to be looked up again */
    name->count = 0;
    sim_name_address(name, "fd00::3");
    name->delay_ns = 30 * SIM_MS;
    refuses(first);
    sim.faults.close_ns = 20 * SIM_MS;
    uint32_t last = scenario_submit(&c, &get_name);
    client_finish(&c);
    SIM_CHECK(first->connects == 3, "%u connects to the first", first->connects);
    scenario_expect(&c, last, RINGSEND_OK, 200, 1, false);
    SIM_CHECK(second->connects == 0 && third->accepted == 1, "an old address was used");
    scenario_end(&c);
}

/* A free try comes in front of what waits, but for an attempt that goes on, which no gate holds
 * back. */
static void free_try_stays_behind_who_moves_on(void)
{
    static const struct sim_answer script[] = {
        {.status = 200}, {0, .then = THEN_END, .then_ns = 5 * SIM_MS}, {.status = 200}};
    struct client c;

    scenario_begin("a free try stays behind who moves on", &c,
                   &(struct ringsend_options){.connections_max = 2,
                                              .tries = 1,
                                              .rate_count = 1,
                                              .rate_burst = 2,
                                              .idle_timeout_ns = 9ull * SIM_S},
                   &answer_ok, 1);
    struct sim_peer *v6 = peer_at("fd00::1", script, 3);
    scenario_name("many.test", "fd00::1", "10.0.0.1", NULL);
    scenario_submit(&c, &get_name);
    client_finish(&c);
    client_pass(&c, 2ull * SIM_S); /* two may begin at once now */
    refuses(v6);
    sim.faults.close_ns = 20 * SIM_MS;
    uint32_t dying = scenario_submit(&c, &get_name); /* on the idle connection */
    uint32_t moving = scenario_submit(&c, &get_name);
    client_finish(&c);
    scenario_expect(&c, dying, RINGSEND_OK, 200, 2, false);
    scenario_expect_ms(&c, dying, 900, 1100);
    scenario_expect(&c, moving, RINGSEND_OK, 200, 1, false);
    scenario_expect_ms(&c, moving, 20, 60);
    scenario_end(&c);
}

/* No lookup can be begun, for lack of memory or threads: the addresses that are known serve. */
static void lookup_that_cannot_begin(void)
{
    struct client c;
    struct sim_peer *v4 = scenario_begin("a lookup that cannot begin", &c,
                                         &(struct ringsend_options){.tries = 1}, &answer_ok, 1);
    struct sim_peer *v6 = peer_at("fd00::1", &answer_ok, 1);

    struct sim_name *name = scenario_name("many.test", "fd00::1", "10.0.0.1", NULL);
    refuses(v4);
    refuses(v6);
    scenario_submit(&c, &get_name);
    client_finish(&c);
    scenario_expect(&c, 0, RINGSEND_E_CONNECT_REFUSED, 0, 1, false);
    v4->connect = v6->connect = CONNECT_ACCEPTED;
    sim.fail_at = sim.fallible + 1;
    uint32_t last = scenario_submit(&c, &get_name);
    client_finish(&c);
    scenario_expect(&c, last, RINGSEND_OK, 200, 1, false);
    SIM_CHECK(name->lookups == 1, "the lookup did not fail");
    scenario_end(&c);
}

static void lookups_are_shared_and_kept(void)
{
    struct client c;
    struct sim_name *name;

    scenario_begin("lookups are coalesced and cached", &c, &(struct ringsend_options){0},
                   &answer_ok, 1);
    name = scenario_name("many.test", "10.0.0.1", NULL, NULL);
    name->delay_ns = 20 * SIM_MS;
    for (int i = 0; i < 10; i++)
        scenario_submit(&c, &get_name);
    client_finish(&c);
    SIM_CHECK(name->lookups == 1, "%u lookups for ten requests", name->lookups);
    scenario_expect_ms(&c, 9, 20, 30);
    SIM_CHECK(c.requests[9].times.dns_ns / SIM_MS == 20, "the lookup took %.3f ms",
              (double)c.requests[9].times.dns_ns / 1e6);
    client_pass(&c, 30ull * SIM_S);
    scenario_submit(&c, &get_name);
    client_finish(&c);
    SIM_CHECK(name->lookups == 1, "%u lookups within a minute", name->lookups);
    scenario_end(&c);
}

static void lookup_fails(const char *title, enum sim_name_kind kind, enum ringsend_error error,
                         uint32_t attempts, uint32_t to_ms)
{
    struct client c;
    struct sim_name *name;

    scenario_begin(title, &c,
                   &(struct ringsend_options){.connect_timeout_ns = 2ull * SIM_S,
                                              .backoff_max_ns = 300 * SIM_MS},
                   &answer_ok, 1);
    name = sim_name_new("many.test");
    name->kind = kind;
    scenario_submit(&c, &get_name);
    scenario_submit(&c, &get);
    client_finish(&c);
    scenario_expect(&c, 0, error, 0, attempts, false);
    scenario_expect_ms(&c, 0, 0, to_ms);
    scenario_expect(&c, 1, RINGSEND_OK, 200, 1, false);
    scenario_expect_ms(&c, 1, 0, 10); /* others do not suffer */
    scenario_end(&c);
}

static void lookup_not_found(void)
{
    lookup_fails("a name that does not exist", NAME_NOT_FOUND, RINGSEND_E_DNS_NOT_FOUND, 1, 10);
}

static void lookup_failed(void)
{
    lookup_fails("a resolver that fails", NAME_FAILS, RINGSEND_E_DNS_FAILED, 4, 1000);
}

static void lookup_hangs(void)
{
    lookup_fails("a resolver that is silent", NAME_HANGS, RINGSEND_E_TIMEOUT_DNS, 4, 9000);
}

/* So many names whose servers are silent, or say late that they cannot tell; a request for each. */
static void submit_bad_names(struct client *c, uint32_t count, enum sim_name_kind kind)
{
    static char names[700][24];

    SIM_CHECK(count <= sizeof names / sizeof *names, "too many names");
    for (uint32_t i = 0; i < count; i++) {
        snprintf(names[i], sizeof names[i], "bad-%u.test", i);
        struct sim_name *name = sim_name_new(names[i]);
        name->kind = kind;
        name->delay_ns = 3ull * SIM_S;
        scenario_submit(c, &(struct client_ask){.host = names[i], .port = 80});
    }
}

/* A name has its turn though all before it hang, and no clock runs until then. */
static void hanging_names_hold_no_other_up(void)
{
    struct client c;

    scenario_begin("names that hang hold no other up", &c,
                   &(struct ringsend_options){
                       .connect_timeout_ns = 200 * SIM_MS, .tries = 1, .requests_max = 200},
                   &answer_ok, 1);
    scenario_name("many.test", "10.0.0.1", NULL, NULL);
    submit_bad_names(&c, 80, NAME_HANGS);
    uint32_t good = scenario_submit(&c, &get_name);
    client_finish(&c);
    scenario_expect(&c, good, RINGSEND_OK, 200, 1, false);
    scenario_expect_ms(&c, good, 500, 520); /* ten rounds of eight */
    for (uint32_t i = 0; i < 80; i++) {
        const struct ringsend_times *times = &c.requests[i].times;
        scenario_expect(&c, i, RINGSEND_E_TIMEOUT_DNS, 0, 1, false);
        SIM_CHECK(times->dns_ns == 200 * SIM_MS, "%u was asked for %.3f ms", i,
                  (double)times->dns_ns / 1e6);
        scenario_expect_ms(&c, i, 200 + i / 8 * 50, 205 + i / 8 * 50);
    }
    scenario_end(&c);
}

/* More of them than there may be threads: those wait, and only their own deadline ends that. */
static void more_names_hang_than_can(void)
{
    enum { NAMES = 600 };
    struct client c;

    scenario_begin("more names hang than there are threads", &c,
                   &(struct ringsend_options){.connect_timeout_ns = SIM_S,
                                              .deadline_ns = 20ull * SIM_S,
                                              .tries = 1,
                                              .requests_max = NAMES},
                   &answer_ok, 1);
    submit_bad_names(&c, NAMES, NAME_HANGS);
    client_finish(&c);
    SIM_CHECK(sim_lookups_in_flight() == LIMIT_LOOKUPS, "%u lookups", sim_lookups_in_flight());
    for (uint32_t i = 0; i < NAMES; i++) {
        bool asked = i < LIMIT_LOOKUPS;
        scenario_expect(&c, i, asked ? RINGSEND_E_TIMEOUT_DNS : RINGSEND_E_TIMEOUT_RECORD, 0, asked,
                        false);
        SIM_CHECK(asked || c.requests[i].times.dns_ns == 0, "a clock ran");
    }
    scenario_end(&c);
}

/* Names that were long in coming have half of the threads at most, and those alone that no other
 * wants. */
static void names_known_to_hang_come_last(void)
{
    struct client c;

    scenario_begin("names known to hang come last", &c,
                   &(struct ringsend_options){
                       .tries = 2, .requests_max = 500, .retry_budget_percent = RINGSEND_UNLIMITED},
                   &answer_ok, 1);
    scenario_name("many.test", "10.0.0.1", NULL, NULL);
    submit_bad_names(&c, 400, NAME_FAILS);
    /* Asked for from 0 to 2.5 s, failed from 3 to 5.5 s: all try again, the first ones until 6.1 s.
     */
    client_pass(&c, 5900ull * SIM_MS);
    SIM_CHECK(sim_lookups_in_flight() == LIMIT_LOOKUPS / 2, "%u of them", sim_lookups_in_flight());
    uint32_t good = scenario_submit(&c, &get_name);
    client_finish(&c);
    scenario_expect(&c, good, RINGSEND_OK, 200, 1, false);
    scenario_expect_ms(&c, good, 0, 5);
    scenario_expect(&c, 0, RINGSEND_E_DNS_FAILED, 0, 2, false);
    scenario_end(&c);
}

/* Nobody waits any more when the name's turn comes: it is not asked for. */
static void unwanted_name_is_not_asked_for(void)
{
    struct client c;

    scenario_begin("a name that nobody wants any more", &c, &(struct ringsend_options){.tries = 1},
                   &answer_ok, 1);
    struct sim_name *name = scenario_name("many.test", "10.0.0.1", NULL, NULL);
    submit_bad_names(&c, 8, NAME_HANGS);
    uint32_t gone = scenario_submit(&c, &get_name);
    client_pass(&c, 10 * SIM_MS);
    ringsend_cancel(c.engine, c.requests[gone].handle);
    client_finish(&c);
    scenario_expect(&c, gone, RINGSEND_E_CANCELLED, 0, 0, false);
    SIM_CHECK(name->lookups == 0, "it was asked for");
    uint32_t wanted = scenario_submit(&c, &get_name);
    client_finish(&c);
    scenario_expect(&c, wanted, RINGSEND_OK, 200, 1, false);
    SIM_CHECK(name->lookups == 1, "%u lookups", name->lookups);
    scenario_end(&c);
}

static const struct scenario_function functions[] = {
    {"Happy Eyeballs: 250 ms, winner remembered", eyeballs_try_next_after_250_ms},
    {"Happy Eyeballs: next at once after a failure", eyeballs_next_at_once_after_failure},
    {"Happy Eyeballs: slow first address wins", eyeballs_first_wins},
    {"Happy Eyeballs with one place", eyeballs_with_one_place},
    {"Happy Eyeballs with a place that is free later", eyeballs_with_a_place_later},
    {"Happy Eyeballs: all addresses dead", eyeballs_all_dead},
    {"Happy Eyeballs: winner dies", eyeballs_winner_dies},
    {"attempt that moves on ends early", moving_on_ends_early},
    {"free try moves on, too", free_try_moves_on},
    {"free try stays behind who moves on", free_try_stays_behind_who_moves_on},
    {"lookup that cannot begin", lookup_that_cannot_begin},
    {"late failure of an old address", late_failure_of_an_old_address},
    {"paused race is nobody else's", paused_race_is_nobody_elses},
    {"paused race takes new addresses", paused_race_takes_new_addresses},
    {"lookups are coalesced and cached", lookups_are_shared_and_kept},
    {"name that does not exist", lookup_not_found},
    {"resolver that fails", lookup_failed},
    {"resolver that is silent", lookup_hangs},
    {"names that hang hold no other up", hanging_names_hold_no_other_up},
    {"more names hang than there are threads", more_names_hang_than_can},
    {"names known to hang come last", names_known_to_hang_come_last},
    {"name that nobody wants any more", unwanted_name_is_not_asked_for},
};

const struct scenario_function *sim_name_scenarios(size_t *count)
{
    *count = sizeof functions / sizeof *functions;
    return functions;
}
