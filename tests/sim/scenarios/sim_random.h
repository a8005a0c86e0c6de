/* A simulated run by seed. */
#ifndef RINGSEND_TESTS_SIM_SCENARIOS_SIM_RANDOM_H
#define RINGSEND_TESTS_SIM_SCENARIOS_SIM_RANDOM_H

#include <stdint.h>

/* Builds a world and a load from the seed, runs the engine through it, and checks all the while. A
 * failure aborts. Returns the virtual time it took. */
uint64_t sim_random_run(uint64_t seed);
/* The same with several engines that share limits: sim_engines.c. */
uint64_t sim_engines_run(uint64_t seed);

#endif
