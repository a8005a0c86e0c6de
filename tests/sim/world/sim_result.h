/* The judge of results in simulated runs: aborts on one that breaks a promise. */
#ifndef RINGSEND_SIM_RESULT_H
#define RINGSEND_SIM_RESULT_H

#include "tests/sim/world/sim_client.h"

void sim_check_result(const struct client *c, const struct client_request *r,
                      const struct ringsend_result *result);
/* The engine was freed while it had the request: what may have been processed must be marked. */
void sim_check_no_result(const struct client *c, const struct client_request *r);

#endif
