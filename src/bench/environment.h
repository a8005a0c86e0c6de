/* The environment of a run, read from the system's files. */
#ifndef RINGSEND_BENCH_ENVIRONMENT_H
#define RINGSEND_BENCH_ENVIRONMENT_H

#include "bench/figures.h"

/* Fills in all but ring_features and tls. What cannot be found out stays empty. */
void environment_read(struct figures_environment *environment);
/* From now on this machine's idle processors wait busily in place of sleeping, as long as the
 * descriptor that it returns is open (/dev/cpu_dma_latency, the kernel's PM QoS interface). Else a
 * negated errno: -EACCES without root's rights, -ENOENT where the kernel does not have it. */
int environment_stay_awake(void);
/* CPU time since the machine's start: all of it, and what the hypervisor took from the machine.
 * Both 0 when not known; in steps of 10 ms. */
struct environment_cpu {
    uint64_t all_ticks, stolen_ticks;
};
struct environment_cpu environment_cpu(void);

#endif
