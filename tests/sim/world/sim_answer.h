/* What a simulated server says: an answer as bytes on their way. */
#ifndef RINGSEND_TESTS_SIM_WORLD_SIM_ANSWER_H
#define RINGSEND_TESTS_SIM_WORLD_SIM_ANSWER_H

#include "tests/sim/world/sim_server.h"

/* So many times `unit`, packed by gzip, as an answer that a client must decode. Lasts for all runs.
 */
const struct sim_answer *sim_answer_packed(const char *unit, uint32_t times);
/* An answer by the seed, troublesome as often as sim.faults.trouble says. */
struct sim_answer sim_answer_draw(const struct sim_record *record);
/* Its 1xx, which may come ahead of it. */
void sim_answer_send_interim(struct sim_socket *s, struct sim_delivery *d,
                             const struct sim_answer *answer);
/* Sends it, and notes in the delivery what the engine is to make of it. */
void sim_answer_send(struct sim_socket *s, struct sim_delivery *d, const struct sim_answer *answer);

/* In the worlds whose responses wait for room (memory_target_bytes). */
bool sim_answers_are_large(void);

#endif
