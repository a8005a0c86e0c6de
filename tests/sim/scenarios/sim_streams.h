/* What the scenarios of streamed bodies share: the ways out and in. */
#ifndef RINGSEND_TESTS_SIM_SCENARIOS_SIM_STREAMS_H
#define RINGSEND_TESTS_SIM_SCENARIOS_SIM_STREAMS_H

#include "tests/sim/scenarios/sim_scenarios.h"

/* More than any window; and so much that it takes many. */
enum { MEDIUM = 300000, LARGE = 2 << 20 };

struct way {
    const char *name;
    uint32_t flag;
    bool once; /* once some of it has gone through, there is no other try */
    struct host_ways ways;
};

enum { WAYS_OUT = 7, WAYS_IN = 6 };
extern const struct way ways_out[WAYS_OUT], ways_in[WAYS_IN];

struct client_ask ask_out(const char *method, const struct way *way, uint32_t bytes);
struct client_ask ask_in(const char *method, const struct way *way);
/* As scenario_begin, for http and https. */
struct sim_peer *stream_begin(const char *name, struct client *c,
                              const struct ringsend_options *options,
                              const struct sim_answer *script, uint32_t script_count);

#endif
