/* The two clocks of the ring. A simulated ring has others, hence the argument. */
#include "uring/kernel.h"

#include "base/time.h"

uint64_t kernel_now_ns(const struct ring *ring)
{
    (void)ring;
    return clock_monotonic_ns();
}

int64_t kernel_wall_ms(const struct ring *ring)
{
    (void)ring;
    return clock_wall_ms();
}
