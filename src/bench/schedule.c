/* Expected starts until time t, in a ramp of length R to rate r: r t^2 / 2R for t < R, and r (t -
 * R/2) after it. A constant schedule makes number n where that is n; a Poisson one where it is a
 * sum of exponential intervals of mean 1, which is the textbook way to a process of changing rate.
 */
#include "bench/schedule.h"

#include "base/check.h"
#include "base/random.h"
#include "base/time.h"

#include <math.h>

static uint64_t time_of(const struct schedule *s, double expected)
{
    double in_ramp = s->rate * s->ramp_s / 2;
    double at_ns = expected < in_ramp ? sqrt(2 * s->ramp_s * expected / s->rate) * NS_PER_S
                                      : s->ramp_s * NS_PER_S / 2 + expected * NS_PER_S / s->rate;
    return s->begin_ns + (uint64_t)(at_ns + 0.5);
}

/* Adds an interval, exponentially distributed. */
static void draw(struct schedule *s)
{
    s->expected += -log(1 - random_unit(random_at(s->seed, s->number))) * s->threads;
    s->at_ns = time_of(s, s->expected);
}

void schedule_init(struct schedule *s, const struct schedule_options *o)
{
    CHECK(o->rate > 0 && o->thread < o->threads);
    *s = (struct schedule){.begin_ns = o->begin_ns,
                           .rate = o->rate,
                           .ramp_s = (double)o->ramp_ns / NS_PER_S,
                           .arrivals = o->arrivals,
                           .threads = o->threads,
                           .seed = random_at(o->seed, o->thread)};
    s->number = o->arrivals == ARRIVALS_CONSTANT ? o->thread : 0;
    if (o->arrivals == ARRIVALS_POISSON)
        draw(s);
    else
        s->at_ns = time_of(s, (double)s->number);
}

void schedule_advance(struct schedule *s)
{
    if (s->arrivals == ARRIVALS_POISSON) {
        s->number++;
        draw(s);
        return;
    }
    s->number += s->threads;
    s->at_ns = time_of(s, (double)s->number);
}
