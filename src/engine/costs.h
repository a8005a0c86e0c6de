/* Limits by weight (ringsend.h, Limits by weight): a quota (quota.h) for each of options.costs,
 * shared as the pace is, and corrected by answers. */
#ifndef RINGSEND_ENGINE_COSTS_H
#define RINGSEND_ENGINE_COSTS_H

#include "base/memory.h"
#include "ringsend.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cost;
struct quota;
struct request;

/* Of several engines, or one's own. */
struct costs {
    struct quota *quotas; /* null: there are none */
    uint32_t count;
};

/* From memory_take; false: it is out. */
bool costs_init(struct costs *costs, const struct ringsend_options *o, struct memory *memory);
void costs_free(struct costs *costs, struct memory *memory);

/* ---- what may begin; the limits are locked ---- */

/* 0: it may. Else when to ask again, and by which of them it is held back. `waits`: others wait for
 * it then. */
uint64_t costs_ask(struct costs *costs, const struct request *r, bool waits, uint32_t *which);
void costs_take(struct costs *costs, const struct request *r);
void costs_leave(struct costs *costs, const void *who);

/* ---- what answers tell ---- */

/* Compiles options.costs' texts into e->actual_costs; what is wrong goes to `message`. */
enum ringsend_error costs_prepare(struct ringsend *e, char *message, size_t message_bytes);
void costs_release(struct ringsend *e);
/* Its attempt began, and will be judged: notes what its body tells, which is decoded now. */
void costs_hear(struct request *r);
/* Its attempt is judged: it counts what is known. True: others may begin by that. */
bool costs_settle(struct request *r);

#endif
