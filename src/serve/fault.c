/* Three random numbers belong to each request: one chooses the fault, two the latency, so that
 * changing the latency's options leaves the sequence of faults as it was. */
#include "serve/fault.h"

#include "base/random.h"

struct fault fault_draw(const struct fault_plan *plan, uint64_t request_number)
{
    uint64_t first = request_number * 3;
    /* 0 <= point < 1 falls into one of the shares, laid side by side, or behind the last. */
    double point = random_unit(random_at(plan->seed, first));
    struct fault fault = {.kind = FAULT_ANSWER};
    double edge = plan->stall;
    if (point < edge)
        return (struct fault){.kind = FAULT_STALL};
    fault.delay_ns = latency_ns(&plan->latency, random_at(plan->seed, first + 1),
                                random_at(plan->seed, first + 2));
    if (point < (edge += plan->reset)) {
        fault.kind = FAULT_RESET;
    } else if (point < (edge += plan->close)) {
        fault.kind = FAULT_CLOSE;
    } else {
        for (unsigned i = 0; i < plan->statuses_count; i++) {
            if (point < (edge += plan->statuses[i].share)) {
                fault.status = i + 1;
                break;
            }
        }
    }
    return fault;
}
