/* Machines: what has a step, which one function alone writes. One list for each,
 *
 *   #define CONN_STEPS(STEP) STEP(CONN_CONNECT, STEP_TO(CONN_CONNECTING)) ...
 *
 * in the order of its life, makes its enum, the edges that may be taken and, where steps are
 * noted, the names; what a step waits for stands at the top of the machine's own file.
 *
 * In builds with RINGSEND_SLOW_CHECKS each step that is taken is noted: the last STEPS_KEPT of
 * this thread are printed when a simulation fails, and with RINGSEND_TRACE=FILE all are written
 * there as they come, a line for each:
 *
 *   time_ns thread machine slot.generation FROM -> TO
 *
 * A release build has nothing of this but the check of the edges. */
#ifndef RINGSEND_BASE_MACHINE_H
#define RINGSEND_BASE_MACHINE_H

#include "base/check.h"

#include <stdint.h>

#define STEP_TO(step) (1u << (step))

/* What a list is given. */
#define STEP_ENUM(step, edges) step,
#define STEP_EDGES(step, edges) [step] = (edges),
#define STEP_NAMES(step, edges) [step] = #step,

struct machine {
    const char *name, *const *steps;
};

enum { STEPS_KEPT = 200 };

/* The time of who knows none: as noted last. */
#define STEP_NOW UINT64_MAX

#ifdef RINGSEND_SLOW_CHECKS
/* A machine that there is once says slot 0. */
void step_note(const struct machine *machine, uint64_t now_ns, uint32_t slot, uint32_t generation,
               unsigned from, unsigned to);
/* For the simulation: another run begins; writes what is kept, oldest first. May be called from a
 * signal handler of the same thread. */
void steps_forget(void);
void steps_print(int descriptor);
#else
#define step_note(machine, now_ns, slot, generation, from, to) \
    do {                                                       \
        (void)(now_ns);                                        \
        (void)(from);                                          \
    } while (0)
#endif

#endif
