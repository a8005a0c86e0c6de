/* How many connections a platform rewards, found while a job runs: additive increase,
 * multiplicative decrease. Pure: samples in, decision and reason out.
 *
 * Exchanges are gathered into rounds of at least twice as many as there are connections, and 100
 * ms, so that a decision rests on many; those begun under the limit before are left out. The rules,
 * of which the first that holds decides:
 *
 *   pushed back  1 % of a round or more says "too much" (429, 503, 529, resets, timeouts): three
 *                quarters
 *   queueing     answers take more than 5/3 of the time that they can: nine tenths, for at that
 *                many connections two of five only wait at the platform (Little's law)
 *   all well     they take less than 5/4 of it, and the limit is in use: one more, or twice as many
 *                as long as nothing was ever too much. But a limit at which something was pushed
 *                back is not tried again for thirty rounds
 *
 * The time that answers can take is that of the fastest round, and at one connection that of the
 * last one: a platform that has become slower leads there, and is learned anew. */
#ifndef RINGSEND_BATCH_ADAPTIVE_H
#define RINGSEND_BATCH_ADAPTIVE_H

#include <stdbool.h>
#include <stdint.h>

/* What has happened since the job began, as ringsend_stats tells it. */
struct adaptive_sample {
    uint64_t now_ns;
    uint64_t completed, service_ns;
    uint64_t pushed_back;
    uint32_t busy; /* connections at work now */
};

struct adaptive {
    uint32_t limit, limit_max;
    bool lowered;         /* since the limit was 1 */
    uint32_t ceiling;     /* at so many something was pushed back; 0: forgotten */
    uint32_t calm_rounds; /* since then */
    bool settling;        /* exchanges begun under the limit before are still to end: `leftover` */
    uint32_t leftover;
    struct adaptive_sample began; /* of the round, or of the settling */
    uint32_t busy_peak;           /* in the round */
    uint64_t fastest_ns;          /* the mean of the fastest round; 0: none yet */
    char reason[128];             /* of the last move */
};

void adaptive_init(struct adaptive *a, uint32_t limit_max, uint64_t now_ns);
/* True when the limit is another from now on; `reason` then says why. Samples may come at any time;
 * some in each 100 ms are good. */
bool adaptive_take(struct adaptive *a, const struct adaptive_sample *sample);

#endif
