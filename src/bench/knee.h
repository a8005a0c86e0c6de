/* How many connections does a platform reward? Decides which numbers to try, and reads the knee and
 * the cap out of what they brought. Pure.
 *
 * First 1, 2, 4 ... until more brings nothing, something is pushed back, or the largest number is
 * reached; then halves of what lies around the cap and around the knee, to an eighth. */
#ifndef RINGSEND_BENCH_KNEE_H
#define RINGSEND_BENCH_KNEE_H

#include <stdbool.h>
#include <stdint.h>

enum { KNEE_STEPS_MAX = 32 }; /* more are never wanted */

struct knee_step {
    uint32_t connections;
    double rate;      /* good answers per second */
    bool pushed_back; /* the platform does not take so many */
};

struct knee {
    uint32_t connections_max;
    struct knee_step steps[KNEE_STEPS_MAX]; /* in the order in which they were made */
    uint32_t count;
};

/* The number to try next; 0: enough is known. */
uint32_t knee_next(const struct knee *k);
void knee_add(struct knee *k, struct knee_step step);
/* The fewest connections that bring nine tenths of the best rate, or the most that were tried when
 * there is no such bend below them; 0: none brought anything. */
uint32_t knee_at(const struct knee *k);
/* The most connections below those that are pushed back; 0: no cap was met. */
uint32_t knee_cap(const struct knee *k);

#endif
