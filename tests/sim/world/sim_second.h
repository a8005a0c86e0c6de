/* The second library for TLS. See sim_second.c. */
#ifndef RINGSEND_TESTS_SIM_WORLD_SIM_SECOND_H
#define RINGSEND_TESTS_SIM_WORLD_SIM_SECOND_H

#include <stdbool.h>

/* A new world: nothing was said. */
void sim_second_begin(void);
/* The hello with these 32 random bytes is the second library's. */
bool sim_second_said(const void *random);

#endif
