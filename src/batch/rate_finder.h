/* Which rate a platform allows that says so only by refusing what is above it, found while a job
 * runs. Pure: samples in, decision out.
 *
 * Attempts are gathered into rounds of at least twenty and 300 ms. A round in which three in ten
 * are refused says that its rate is too high, another one in which the rate was used that it is
 * not. So the rate grows by half until it is too high, and then halves the way between the highest
 * that was not and the lowest that was, down to four in a hundred. What was found is held; once it
 * has been good for a while it is looked for anew, and so when it is too high all of a sudden.
 *
 * Limits like nginx's (a leaky bucket) refuse every other attempt at a rate a little too high, and
 * none at one a little too low, but for those that a machine that stood still sends together.
 * Others refuse what is above their rate. So where some are refused the rate of those that come
 * through is tried: if as many come through then, the search goes on from there, more strictly. */
#ifndef RINGSEND_BATCH_RATE_FINDER_H
#define RINGSEND_BATCH_RATE_FINDER_H

#include <stdbool.h>
#include <stdint.h>

/* What has happened since the job began. */
struct rate_sample {
    uint64_t now_ns;
    uint64_t completed; /* answers that were no refusal */
    uint64_t refused;   /* for there was too much: 429, 503, 529 */
};

struct rate_finder {
    double rate_per_s;                      /* to be kept now; 0: none was ever refused enough */
    double good, too_high;                  /* 0: not known */
    uint32_t calm_rounds;                   /* since the last one was too high */
    double trimmed_from, trimmed_completed; /* the rate before, of which so many came through */
    bool strict;              /* it was worth it: what is refused now counts for more */
    bool no_trim;             /* it was tried */
    bool settling;            /* attempts at another rate are still to end */
    struct rate_sample began; /* of the round */
};

void rate_finder_init(struct rate_finder *f, uint64_t now_ns);
/* True when the rate is another one from now on. `begins`: one may be looked for, if there is none
 * yet. Samples may come at any time. */
bool rate_finder_take(struct rate_finder *f, const struct rate_sample *sample, bool begins);

#endif
