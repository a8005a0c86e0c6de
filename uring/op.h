/* An operation as whoever gave it to the ring sees it: idle, in flight, or complete with a result
 * that is still to be taken. In flight the kernel may touch the memory that it was given. */
#ifndef RINGSEND_URING_OP_H
#define RINGSEND_URING_OP_H

#include "base/check.h"

#include <stdbool.h>
#include <stdint.h>

enum op_state { OP_IDLE, OP_IN_FLIGHT, OP_COMPLETE };

struct op {
    int32_t result; /* valid when complete */
    enum op_state state : 8;
    bool cancelled; /* a cancel was asked for since it started */
};

static inline bool op_in_flight(const struct op *op)
{
    return op->state == OP_IN_FLIGHT;
}

static inline void op_start(struct op *op)
{
    CHECK(op->state == OP_IDLE);
    *op = (struct op){.state = OP_IN_FLIGHT};
}

static inline void op_complete(struct op *op, int32_t result)
{
    CHECK(op->state == OP_IN_FLIGHT);
    op->state = OP_COMPLETE;
    op->result = result;
}

/* The result of a completed operation, which is idle again thereafter. */
static inline int32_t op_take(struct op *op)
{
    CHECK(op->state == OP_COMPLETE);
    op->state = OP_IDLE;
    return op->result;
}

#endif
