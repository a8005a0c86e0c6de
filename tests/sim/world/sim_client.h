/* The user of the engine in simulated runs: makes requests for records, hands them over, takes
 * their results, and holds each against the ledger. */
#ifndef RINGSEND_TESTS_SIM_WORLD_SIM_CLIENT_H
#define RINGSEND_TESTS_SIM_WORLD_SIM_CLIENT_H

#include "tests/sim/world/sim_host.h"
#include "tests/sim/world/sim_server.h"

#include "ringsend.h"

struct client_request {
    struct ringsend_request *request; /* null once its result was taken */
    uint32_t record;
    uint32_t tries;
    uint64_t deadline_ns; /* RINGSEND_NEVER: none */
    uint64_t attempt_timeout_ns;
    uint64_t handle;
    uint64_t origin; /* the same for all requests to one */
    bool accepted, done;
    uint64_t submitted_ns, done_ns;
    /* Of the result. */
    enum ringsend_error error;
    int status;
    bool ok, ambiguous, cut_short, unjudged;
    uint32_t attempts;
    char encoding[65];
    struct ringsend_times times;
    uint64_t retry_after_ns;
    struct host *host; /* null: nothing is streamed */
    struct ringsend_attempt
        *trace; /* `attempts` of them, with store_attempts; null when memory was out */
};

struct client {
    struct ringsend *engine;
    struct ringsend_options options;
    uint32_t tries;       /* as the options say, or by default */
    uint64_t deadline_ns; /* likewise */
    struct ringsend_status_set ok_statuses;
    struct client_request *requests;
    uint32_t count, capacity;
    uint32_t accepted, done;
    unsigned char *marks; /* of requests in doubt, four to a byte */
    uint32_t posted;      /* accepted by ringsend_post, and not yet taken by the engine */
    uint32_t held; /* results taken since the last ringsend_run: the engine may still hold them */
};

/* What a request is like; zero: as the field's comment says. */
struct client_ask {
    const char *method; /* GET */
    const char *host;   /* as it stands in a URL */
    uint16_t port;
    bool https;
    bool close;     /* with Connection: close */
    bool blank_key; /* with an Idempotency-Key that is none */
    bool posted;    /* by ringsend_post: its handle is 0 until the engine takes it */
    uint32_t flags;
    uint32_t body_bytes; /* of a streamed one too */
    uint32_t tries;      /* as the options say */
    uint64_t attempt_timeout_ns, deadline_ns;
    uint64_t cost[2];             /* of request.cost the first ones */
    const struct host_ways *ways; /* with the flags of streams */
};

/* An allocator that fails by sim.faults.no_memory, and checks what is given back. */
extern const struct ringsend_allocator client_allocator;

/* options->size is filled in. */
void client_begin(struct client *c, const struct ringsend_options *options);
/* False when the engine could not be made for lack of memory. */
bool client_try_begin(struct client *c, const struct ringsend_options *options);
void client_end(struct client *c);
/* The same, where there are others still. */
void client_close(struct client *c);
/* Holds rate, budget of retries and pauses, as `o` says, against when attempts of all the clients
 * began. */
void clients_check_starts(const struct client *clients, size_t count,
                          const struct ringsend_options *o);

/* sim_clocks.c: its deadline holds; no timeout is told of what had come in time. */
void sim_check_deadline(const struct client *c, const struct client_request *r,
                        const struct ringsend_result *result);
void sim_check_timeout(const struct client *c, const struct client_request *r,
                       const struct ringsend_result *result);

/* Makes and submits a request; its index, or the negated error. */
int client_submit(struct client *c, const struct client_ask *wanted);
/* ringsend_run, then takes up to `max` of the results and checks them. Returns how many. */
uint32_t client_run(struct client *c, uint64_t wait_ns, uint32_t max);
/* Runs until every accepted request is done. */
void client_finish(struct client *c);
/* Runs until the time has passed. */
void client_pass(struct client *c, uint64_t ns);

/* The record's bit in its byte of client.marks; the one beside it is a neighbour's. */
static inline unsigned char client_mark(uint32_t record)
{
    return (unsigned char)(1u << record % 4 * 2);
}

#endif
