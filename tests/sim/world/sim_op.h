/* What the parts of the simulated ring share: sim_ring.c (operations, completions), sim_wait.c,
 * sim_socket.c and sim_file.c (what operations do on sockets and files). */
#ifndef RINGSEND_TESTS_SIM_WORLD_SIM_OP_H
#define RINGSEND_TESTS_SIM_WORLD_SIM_OP_H

#include "tests/sim/world/sim_ring.h"
#include "tests/sim/world/sim_server.h"

#include "uring/ring_ops.h"

enum { SIM_OPS = 512, SIM_PARTS = 8 };

struct sim_op {
    bool used;      /* prepared, and its last completion not yet reaped */
    bool submitted; /* the kernel has it */
    bool finished;  /* its last completion was posted */
    bool on_file;   /* its slot number is of the files' space */
    uint64_t serial;
    struct ring_tag tag;
    enum ring_kind kind;

    enum ring_kind victim; /* of a cancel */
    bool cancelled;        /* a cancel has reached it */

    /* connect */
    struct sockaddr_storage address;
    const struct sockaddr *address_at; /* the caller's, to be left alone until the completion */
    socklen_t address_bytes;
    int32_t outcome;
    bool hangs;

    /* send */
    const struct msghdr *message;
    struct iovec parts[SIM_PARTS];
    size_t parts_count;
    struct sim_text copy; /* the bytes as they were when prepared */
    size_t sent;
    bool asks;        /* a proxy, and not the server behind it */
    size_t breaks_at; /* the connection breaks after so many; SIZE_MAX: not */
    bool slow;
    bool pumping; /* an event is due that sends the next piece */

    /* file */
    int fd;
    void *data;
    const void *data_out;
    size_t bytes;
    int64_t offset;
    const char *path; /* of an open */
    int flags;
};

struct sim_completion {
    struct sim_op *op; /* null for wake-ups */
    struct ring_completion completion;
};

struct sim_ring {
    struct ring ring; /* first: each is the other */
    uint32_t sockets_max;
    struct sim_socket *sockets;
    struct sim_op ops[SIM_OPS];
    uint32_t ops_mark; /* ops above were never used */
    uint64_t serial;
    struct sim_op *prepared[SIM_OPS];
    uint32_t prepared_count;
    struct sim_completion *queue;
    uint32_t queue_count, queue_capacity;
    uint32_t ready; /* of the queue, the first so many may be reaped */

    char *memory; /* of the receive buffers */
    bool *buffer_out;
    uint32_t buffers, buffer_bytes, buffers_free;
    uint64_t buffers_returned; /* in all */
    uint32_t descriptors;      /* installed and not closed */
    bool woken;
    uint32_t idle_polls; /* waits in a row that did not wait and brought nothing */
};

void sim_op_submit(struct sim_ring *r, struct sim_op *op);
void sim_queue_push(struct sim_ring *r, struct sim_op *op, struct ring_completion completion);
int sim_ring_submit_and_wait(struct ring *ring, const struct ring_wait *wait);
void sim_op_complete(struct sim_ring *r, struct sim_op *op, int32_t result, int32_t buffer,
                     bool more);
/* A free receive buffer with the bytes, or -1. */
int32_t sim_buffer_take(struct sim_ring *r, const char *data, size_t bytes);

struct sim_socket *sim_socket_of(struct sim_ring *r, const struct sim_op *op);
void sim_connect_prepared(struct sim_ring *r, struct sim_op *op, enum ring_use use);
void sim_connect_submit(struct sim_ring *r, struct sim_op *op);
void sim_send_submit(struct sim_ring *r, struct sim_op *op);
void sim_recv_prepared(struct sim_ring *r, struct sim_op *op);
void sim_recv_submit(struct sim_ring *r, struct sim_op *op);
void sim_close_submit(struct sim_ring *r, struct sim_op *op);
void sim_socket_gone(struct sim_socket *s);
/* Ends an operation on a socket for a cancel: as it would have ended had the cancel come too late
 * (where it would have ended at all), or cut short. */
void sim_socket_op_end(struct sim_ring *r, struct sim_op *op, bool too_late);

void sim_file_submit(struct sim_ring *r, struct sim_op *op);
void sim_file_op_end(struct sim_ring *r, struct sim_op *op, bool too_late);

#endif
