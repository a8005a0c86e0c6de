/* The environment of a run, read from the system's files. */
#ifndef RINGSEND_BENCH_ENVIRONMENT_H
#define RINGSEND_BENCH_ENVIRONMENT_H

#include "bench/figures.h"

/* Fills in all but ring_features. What cannot be found out stays empty. */
void environment_read(struct figures_environment *environment);

#endif
