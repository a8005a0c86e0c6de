/* The two clocks of the ring. A simulated ring has others, hence the argument. */
#include "uring/kernel.h"

#include "base/check.h"

#include <time.h>

static uint64_t clock_ns(clockid_t clock)
{
    struct timespec now;
    CHECK(clock_gettime(clock, &now) == 0);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

uint64_t kernel_now_ns(const struct ring *ring)
{
    (void)ring;
    return clock_ns(CLOCK_MONOTONIC);
}

int64_t kernel_wall_s(const struct ring *ring)
{
    (void)ring;
    return (int64_t)(clock_ns(CLOCK_REALTIME) / 1000000000);
}
