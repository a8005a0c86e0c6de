/* What holds back a request that could begin: of an origin's run, in this order. */
#ifndef RINGSEND_ENGINE_ADMISSION_H
#define RINGSEND_ENGINE_ADMISSION_H

#include <stdbool.h>
#include <stdint.h>

struct origin;
struct request;
struct ringsend;

/* The first ones are shared by all origins, which stand in line at them. */
enum gate { GATE_BUDGET, GATE_PACE, GATES_SHARED, GATE_PAUSE = GATES_SHARED, GATES };

/* By what an origin's requests are held back: bits of origin.holds. */
enum {
    HELD_BY_PAUSE,
    HELD_BY_BUDGET,
    HELD_BY_RATE,
    HELD_BY_COST, /* and those behind it */
    HELD_KINDS = HELD_BY_COST + 4
};

void gates_begin(struct origin *o);
/* Whose attempt is to begin next, on an idle connection or a new one; null: nobody's now. */
struct request *gates_next(struct origin *o, bool for_idle);
/* Its attempt could begin now, had it a place; else it is held back. */
bool gates_are_open(struct request *r);
bool gates_pass(struct request *r); /* its attempt begins now; else it is held back */
/* How many could begin if they had connections: when it asked last, for budget and pace. */
uint32_t gates_demand(const struct origin *o);
void gates_freed(struct ringsend *e); /* more may begin than it seemed */
/* So much time has passed, in which requests were held back as they were when it began. */
void gates_turn(struct ringsend *e, uint64_t passed_ns);
void gates_forget(struct origin *o); /* nothing of it is left */
void gates_end(struct origin *o);    /* sets the deadline, unless an earlier one is set */

#endif
