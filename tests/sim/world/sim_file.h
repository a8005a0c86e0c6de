/* Simulated files and pipes: what reads and appends on some descriptors do.
 *
 * A *source* gives bytes, spun from a record's number as the body of its request; a *sink* takes
 * bytes and holds them against the answer to the record's latest delivery. Each has a real
 * descriptor, so that whoever asks for its position or its flags gets an answer; what the ring does
 * with the descriptor happens here. Other descriptors of the process work as they are. */
#ifndef RINGSEND_TESTS_SIM_WORLD_SIM_FILE_H
#define RINGSEND_TESTS_SIM_WORLD_SIM_FILE_H

#include "tests/sim/sim.h"

struct sim_ring;
struct sim_op;

/* With the fields above "What happened". */
struct sim_file {
    uint32_t record;
    bool sink;
    bool pipe; /* it has no positions, and may have nothing (no room) just now */
    /* a sink that is a file: its position is always its end. Others are not written in part */
    bool appends;
    bool nonblocking;   /* what would wait fails with EAGAIN */
    uint64_t begins_at; /* the body, in a source: it has other bytes before */
    uint64_t bytes;     /* a source ends there */
    /* A pipe's other side: it moves so many bytes at once and then so long none. 0: it is never in
     * the way. */
    uint64_t step_bytes, step_ns;
    uint64_t stops_at; /* and none behind that, before sim_file_go; 0: it never stops */
    int error;         /* errno of what reaches that position; 0: none */
    uint64_t fails_at;

    /* What happened. */
    int descriptor;
    uint64_t at;            /* its own position */
    uint64_t reached;       /* by the other side */
    uint64_t moved;         /* bytes in all */
    uint32_t delivery;      /* whose response came first into a sink; 0: none did */
    uint32_t calls;         /* operations that gave or took bytes, or told the end */
    struct sim_op *waiting; /* for the other side; null: none */
    uint64_t waiting_serial;
    struct sim_ring *ring;
};

/* Lives until the world ends. */
struct sim_file *sim_file_new(const struct sim_file *file);
/* The other side stops no more. */
void sim_file_go(struct sim_file *file);
void sim_files_end(void);

#endif
