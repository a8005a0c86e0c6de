/* The retry budget: how many attempts may be retries. Pure: time and first tries in, decision out.
 *
 * A token bucket that first tries and time fill: over any stretch of time at most percent % of the
 * first tries within it + per_s x (stretch + 10 s) are retries. The reserve of ten seconds is there
 * from the beginning: enough for a pool that loses its connections at once, too little to beat a
 * platform that is down. */
#ifndef RINGSEND_ENGINE_BUDGET_H
#define RINGSEND_ENGINE_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

struct budget {
    bool bounded;
    uint32_t percent, per_s;
    uint64_t capacity; /* levels in parts of a retry: 10^11 of them make one */
    uint64_t level;
    uint64_t last_ns; /* when level was right */
};

/* percent at most 1000, per_s 1 to 10^6. */
void budget_init(struct budget *b, bool bounded, uint32_t percent, uint32_t per_s, uint64_t now_ns);
/* A first try begins. */
void budget_first_try(struct budget *b);
/* May a retry begin now? */
bool budget_allows(struct budget *b, uint64_t now_ns);
/* One begins: only after budget_allows has said yes. */
void budget_take(struct budget *b);
/* When time alone will have made a no a yes. */
uint64_t budget_next_ns(const struct budget *b);

#endif
