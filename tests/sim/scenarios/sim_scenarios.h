/* Scenarios: the engine against one behaviour at a time, with the faults switched off. */
#ifndef RINGSEND_TESTS_SIM_SCENARIOS_SIM_SCENARIOS_H
#define RINGSEND_TESTS_SIM_SCENARIOS_SIM_SCENARIOS_H

#include "tests/sim/world/sim_client.h"

struct scenario {
    const char *name;
    struct client_ask ask; /* host and port are filled in */
    uint32_t requests;     /* one after another; 0: one. All but the last must be ok */
    uint32_t gap_ms;       /* between them */
    struct ringsend_options options;
    struct sim_answer script[6]; /* up to the first that is all zero */
    bool first_counts;           /* see struct sim_peer */
    int connect_errno;
    bool connect_hangs;
    size_t window;
    uint32_t idle_ms;
    uint32_t fail_at; /* torture: the operation that fails */

    /* What the last request's result must be. */
    enum ringsend_error error;
    int status;        /* with a complete response */
    int seen_status;   /* with an error behind the head */
    uint32_t attempts; /* 0: one */
    bool ambiguous;
    bool counts_as_ok; /* 2xx always does */
    bool may_lose;     /* the error breaks in at any point of the response: status 0 is right too */
    bool incomplete;   /* the server never sees the whole request */
    uint32_t connects; /* 0: not looked at */
    uint32_t from_ms, to_ms; /* total time; 0: not looked at */
};

const struct scenario *sim_table(size_t *count);

/* What needs more than a row: name and function. A failure aborts. */
struct scenario_function {
    const char *name;
    void (*run)(void);
};
const struct scenario_function *sim_scenarios(size_t *count);
/* Names, their addresses, and the race between these. */
const struct scenario_function *sim_name_scenarios(size_t *count);
/* What an attempt waits for before it may begin. */
const struct scenario_function *sim_throttle_scenarios(size_t *count);
const struct scenario_function *sim_costs_scenarios(size_t *count);
const struct scenario_function *sim_pace_scenarios(size_t *count);
/* Who has the places when not all can have one. */
const struct scenario_function *sim_places_scenarios(size_t *count);
/* Origins that share a pool. */
const struct scenario_function *sim_pool_scenarios(size_t *count);
/* The way through a proxy. */
const struct scenario_function *sim_tunnel_scenarios(size_t *count);
const struct scenario_function *sim_turns_scenarios(size_t *count);
/* Several engines with one set of limits. */
const struct scenario_function *sim_engines_scenarios(size_t *count);
/* What is made of responses: predicates, content codings. */
const struct scenario_function *sim_response_scenarios(size_t *count);
const struct scenario_function *sim_doubt_scenarios(size_t *count);
const struct scenario_function *sim_body_scenarios(size_t *count);
/* Streamed bodies: what goes through, and what does not. */
const struct scenario_function *sim_stream_scenarios(size_t *count);
const struct scenario_function *sim_stream_end_scenarios(size_t *count);
/* This machine is out of ports or descriptors. */
const struct scenario_function *sim_short_scenarios(size_t *count);
/* Whether connections are kept. */
const struct scenario_function *sim_kept_scenarios(size_t *count);
/* Rings of two kinds in one program. */
const struct scenario_function *sim_ring_scenarios(size_t *count);
/* Tokens that expire. */
const struct scenario_function *sim_credentials_scenarios(size_t *count);
/* Redirects that are followed. */
const struct scenario_function *sim_redirect_scenarios(size_t *count);
/* Pauses of the process. */
const struct scenario_function *sim_clock_scenarios(size_t *count);
/* The same over TLS. */
const struct scenario_function *sim_tls_scenarios(size_t *count);
const struct scenario_function *sim_handshake_scenarios(size_t *count);
const struct scenario_function *sim_stranger_scenarios(size_t *count);
const struct scenario_function *sim_move_scenarios(size_t *count);
const struct scenario_function *sim_http2_scenarios(size_t *count);

/* Begins a world, with one server at 10.0.0.1:80 that speaks HTTP and TLS, and an engine. */
struct sim_peer *scenario_begin(const char *name, struct client *c,
                                const struct ringsend_options *options,
                                const struct sim_answer *script, uint32_t script_count);
/* The same, and the engine trusts the server's certificates where the options do not say whom. */
struct sim_peer *scenario_begin_tls(const char *name, struct client *c,
                                    const struct ringsend_options *options,
                                    const struct sim_answer *script, uint32_t script_count);
/* A name and its addresses; the second and third may be null. */
struct sim_name *scenario_name(const char *name, const char *first, const char *second,
                               const char *third);
void scenario_end(struct client *c);
/* The request's index. */
uint32_t scenario_submit(struct client *c, const struct client_ask *ask);
/* What the result of a request is, and how long it took. */
void scenario_expect(const struct client *c, uint32_t index, enum ringsend_error error, int status,
                     uint32_t attempts, bool ambiguous);
void scenario_expect_ms(const struct client *c, uint32_t index, uint32_t from_ms, uint32_t to_ms);
/* One attempt of the trace, from 0 on. */
void scenario_expect_attempt(const struct client *c, uint32_t index, uint32_t attempt,
                             enum ringsend_error error, int status, bool reused,
                             enum ringsend_wait wait);
struct ringsend_stats scenario_stats(const struct client *c);
void scenario_expect_handshakes(const struct client *c, uint64_t full, uint64_t resumed);
void scenario_expect_deliveries(const struct client *c, uint32_t index, uint32_t deliveries);

/* Three requests, which end early at that time, in one of three ways: hand them over, let the time
 * pass, look, and cut them short. */
enum early_end { END_CANCEL, END_DEADLINE, END_FREE, EARLY_ENDS };
enum { EARLY_REQUESTS = 3 };
void scenario_until(struct client *c, struct client_ask ask, enum early_end end, uint64_t at_ns);
void scenario_cut(struct client *c, enum early_end end);

/* Makes an engine, if it can, and submits a few requests. */
typedef void scenario_load(struct client *c);
/* Fails the first operation that can fail, then the second, and so on until the load gets through
 * without a failure; more than `least` must have been able to fail. The checks of every result do
 * the judging. */
void scenario_torture(const char *name, scenario_load *load, uint32_t least);
/* The ring breaks after each possible number of turns: clean errors, and all memory is given back
 * that the kernel cannot touch. */
void scenario_break_at_any_time(const char *name, scenario_load *load);
/* ringsend_free after each possible number of turns. */
void scenario_free_at_any_time(const char *name, scenario_load *load);

#endif
