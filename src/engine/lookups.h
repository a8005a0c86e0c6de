/* Which names are looked up when. */
#ifndef RINGSEND_ENGINE_LOOKUPS_H
#define RINGSEND_ENGINE_LOOKUPS_H

#include "base/list.h"
#include "engine/task.h"

#include <stdint.h>

struct host;
struct ringsend;

/* Names that wait for a lookup, oldest first, and those that are being looked up: host.in_lookups.
 */
struct lookups {
    struct task task;
    struct list new_names, hung_names;
    struct list running; /* the first to begin first */
    uint32_t running_count;
    uint32_t max; /* of it */
};

enum task_next lookups_run(struct ringsend *e);

/* ---- lookup_lists.c ---- */

void lookups_init(struct ringsend *e);
void lookups_add(struct ringsend *e, struct host *h);
void lookups_withdraw(struct ringsend *e, struct host *h); /* unless it has begun */
void lookups_answered(struct ringsend *e, struct host *h); /* it was hung, if that took long */
void lookups_take_out(struct ringsend *e, struct host *h);

#endif
