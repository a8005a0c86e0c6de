/* Time is nanoseconds in 64 bits: its units, and the one function that reads a clock. What the ring
 * is asked for the time (ring_now_ns) is what it answers from here; in the simulation it is not. */
#ifndef RINGSEND_BASE_TIME_H
#define RINGSEND_BASE_TIME_H

#include "base/check.h"

#include <stdint.h>
#include <time.h>

#define NS_PER_US 1000ull
#define NS_PER_MS 1000000ull
#define NS_PER_S 1000000000ull
#define NS_PER_MINUTE (60 * NS_PER_S)
#define NS_PER_HOUR (60 * NS_PER_MINUTE)
#define NS_PER_DAY (24 * NS_PER_HOUR)
#define US_PER_S 1000000ull
#define MS_PER_S 1000ull
#define US_PER_MS (US_PER_S / MS_PER_S)
#define S_PER_MINUTE 60
#define S_PER_HOUR 3600
#define S_PER_DAY 86400

static inline uint64_t timespec_ns(const struct timespec *t)
{
    return (uint64_t)t->tv_sec * NS_PER_S + (uint64_t)t->tv_nsec;
}

static inline struct timespec timespec_of_ns(uint64_t ns)
{
    return (struct timespec){.tv_sec = (time_t)(ns / NS_PER_S), .tv_nsec = (long)(ns % NS_PER_S)};
}

static inline uint64_t clock_ns(clockid_t clock)
{
    struct timespec now;
    CHECK(clock_gettime(clock, &now) == 0);
    return timespec_ns(&now);
}

static inline uint64_t clock_monotonic_ns(void)
{
    return clock_ns(CLOCK_MONOTONIC);
}

/* Since 1970. */
static inline int64_t clock_wall_ms(void)
{
    return (int64_t)(clock_ns(CLOCK_REALTIME) / NS_PER_MS);
}

static inline int64_t clock_wall_s(void)
{
    return clock_wall_ms() / (int64_t)MS_PER_S;
}

#endif
