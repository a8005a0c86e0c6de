/* Three random numbers belong to each request: one chooses the fate, two the latency, so that
 * changing the latency's options leaves the sequence of faults as it was. They come from a counter
 * mixed by the finaliser of splitmix64 (Steele, Lea, Flood 2014), a bijection of 64 bits that
 * passes the usual test batteries and needs no state. */
#include "platform/fate.h"

static uint64_t random_at(uint64_t seed, uint64_t index)
{
    uint64_t x = seed + (index + 1) * 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

struct fate fate_draw(const struct fate_plan *plan, uint64_t request_number)
{
    uint64_t first = request_number * 3;
    /* 0 <= point < 1 falls into one of the shares, laid side by side, or behind the last. */
    double point = (double)(random_at(plan->seed, first) >> 11) * 0x1p-53;
    struct fate fate = {.kind = FATE_ANSWER};
    double edge = plan->stall;
    if (point < edge)
        return (struct fate){.kind = FATE_STALL};
    fate.delay_ns = latency_ns(&plan->latency, random_at(plan->seed, first + 1),
                               random_at(plan->seed, first + 2));
    if (point < (edge += plan->reset)) {
        fate.kind = FATE_RESET;
    } else if (point < (edge += plan->close)) {
        fate.kind = FATE_CLOSE;
    } else {
        for (unsigned i = 0; i < plan->statuses_count; i++) {
            if (point < (edge += plan->statuses[i].share)) {
                fate.status = i + 1;
                break;
            }
        }
    }
    return fate;
}
