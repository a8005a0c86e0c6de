/* Origins that share a pool, as they do behind a proxy. */
#ifndef RINGSEND_TESTS_SIM_WORLD_SIM_SHARE_H
#define RINGSEND_TESTS_SIM_WORLD_SIM_SHARE_H

#include "tests/sim/world/sim_client.h"

/* From now on requests to the origin of `ask` go out on the connections of that of `of`. It has had
 * none yet. */
void sim_share_pool(const struct client *c, const struct client_ask *of,
                    const struct client_ask *ask);

#endif
