/* The pace: how many attempts may begin, as a rate, a burst and a ramp. Pure: time in, decision
 * out.
 *
 * A token bucket that is exact: over any stretch of time at most rate x stretch + burst attempts
 * begin, and what a late wake-up missed is caught up with as far as the burst goes. The bucket
 * holds one start when the first attempt asks, so a pace begins with its rate, not with a burst.
 *
 * Without a burst "100 in a second" means what a platform means that counts: no second, wherever
 * it begins, holds 101. A bucket of rate 100/s would let 101 begin in it, from end to end, and
 * more for what it catches up with. So the bucket is filled a little slower: as if the period
 * were longer by what is caught up with (0.5 % of it, at most 10 ms), and by what the way to the
 * platform may squeeze the starts together (1.4 %, at most 50 ms). */
#ifndef RINGSEND_ENGINE_PACE_H
#define RINGSEND_ENGINE_PACE_H

#include <stdbool.h>
#include <stdint.h>

struct pace {
    uint64_t count, per_ns; /* the bucket is filled with so many in so long; count 0: no pace */
    uint64_t ramp_ns;       /* the rate grows from 0 to that, linearly */
    uint64_t capacity;      /* all levels in parts of a start: per_ns of them make one */
    uint64_t level;
    bool begun;
    uint64_t began_ns; /* when the first attempt asked */
    uint64_t last_ns;  /* when level was right */
};

/* count at most 10^9, per_ns and ramp_ns at most an hour, burst at most 10^6; burst 0: no window
 * of per_ns holds more than count. */
void pace_init(struct pace *p, uint32_t count, uint64_t per_ns, uint32_t burst, uint64_t ramp_ns);
/* May an attempt begin now? */
bool pace_allows(struct pace *p, uint64_t now_ns);
/* One begins: only after pace_allows has said yes. */
void pace_take(struct pace *p);
/* When to ask again after a no. At high rates that is when several starts can share a turn of the
 * loop, at most 1 ms later than the next one could be. */
uint64_t pace_next_ns(const struct pace *p, uint64_t now_ns);

#endif
