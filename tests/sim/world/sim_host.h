/* The host's side of streamed bodies in simulated runs: the descriptors that they come from and go
 * to, the pieces that are handed over and taken, and how fast. */
#ifndef RINGSEND_TESTS_SIM_WORLD_SIM_HOST_H
#define RINGSEND_TESTS_SIM_WORLD_SIM_HOST_H

#include "tests/sim/world/sim_file.h"

#include "ringsend.h"

struct client;
struct client_ask;
struct client_request;

/* What a stream is like; zero: as the field's comment says. */
struct host_ways {
    /* With RINGSEND_BODY_FD; its record is filled in, and where it ends if that is 0. */
    struct sim_file source;
    int64_t body_at; /* or RINGSEND_SEQUENTIAL */
    bool unknown;    /* RINGSEND_UNKNOWN is told for the body's length */
    /* With RINGSEND_BODY_PIECES. */
    uint32_t piece_bytes; /* up to so many at a time; 0: any number */
    bool waits;           /* for the first RINGSEND_WANTS */
    /* With RINGSEND_RESPONSE_FD; its record is filled in. */
    struct sim_file sink;
    /* With pieces, of either kind: so often it takes its time, up to so long; the response is then
     * held. */
    uint32_t lazy_per_mille;
    uint64_t lazy_ns;
};

struct host {
    struct host_ways ways;
    uint32_t flags;
    uint32_t record;
    struct sim_file *source, *sink; /* null: none */

    char *piece;         /* that the engine has: until it wants the next; null: none */
    uint64_t given;      /* bytes of the request's body */
    bool wants;          /* it may be given the next */
    bool ended;          /* the last one was given */
    uint64_t give_at_ns; /* with `wants`: not before */

    const char *seen; /* the piece of the response that is valid until the next run; null: none */
    size_t seen_bytes;
    uint64_t got; /* bytes of the response, the piece included */
    bool held;
    uint64_t hold_until_ns;
    uint32_t delivery; /* whose response it is; 0: nothing of one has come */
    int status;
};

/* Null when the request is not streamed. */
struct host *host_new(const struct client_ask *ask, uint32_t record);
void host_free(struct host *h);
/* Fills in what the request says of its streams. */
void host_fill_request(const struct host *h, struct ringsend_request *request, uint64_t body_bytes);

/* Before each ringsend_run: gives and holds what is due. Returns when it wants to be called again.
 */
uint64_t host_acts(struct client *c, struct client_request *r);
/* Hands the next piece over; false: the piece before has not left yet. */
bool host_gives(struct client *c, struct client_request *r);
/* Holds the response for so long. */
void host_holds(struct client *c, struct client_request *r, uint64_t ns);
/* A result that is not the final one. */
void host_hears(struct client *c, struct client_request *r, const struct ringsend_result *result);
/* The final one. */
void host_checks(const struct client *c, const struct client_request *r,
                 const struct ringsend_result *result);

#endif
