/* What the io_uring ring is, for its own files (io_uring*.c), the sole users of liburing. */
#ifndef RINGSEND_URING_IO_URING_H
#define RINGSEND_URING_IO_URING_H

#include "uring/kernel.h"
#include "uring/ring_ops.h"

#include <liburing.h>
#include <limits.h>

/* Kernel ABI that liburing 2.3's headers lack. */
#define FEATURE_RECVSEND_BUNDLE (1u << 14) /* 6.10: the next after sockopt commands, 6.7 */
#define FEATURE_MIN_TIMEOUT (1u << 15)     /* 6.12 */
#define SOCKET_COMMAND_SETSOCKOPT 3u       /* 6.7 */
#define OPERATION_FIXED_FD_INSTALL 54      /* 6.8 */

/* Flags of the set-up that say how completions are delivered. */
#define MODE_FLAGS                                                                         \
    (IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_COOP_TASKRUN | \
     IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_SUBMIT_ALL)

/* io_uring_getevents_arg; its third word was padding before 6.12. */
struct wait_argument {
    uint64_t signal_mask;
    uint32_t signal_mask_bytes;
    uint32_t min_wait_us;
    uint64_t timeout; /* address of a struct __kernel_timespec */
};
_Static_assert(sizeof(struct wait_argument) == sizeof(struct io_uring_getevents_arg), "kernel ABI");

enum {
    SQ_ENTRIES_MIN = 64,
    SQ_ENTRIES_MAX = 4096,
    CQ_ENTRIES_MIN = 256,
    CQ_ENTRIES_MAX = 65536,
    CQ_ENTRIES_SHORT = 128, /* the least that a short memlock limit may press it down to */
    CQ_ROOM = 64,           /* files, wake-ups, cancels */
    BUFFERS_MAX = 32768,    /* of one group, the kernel's limit */
    BUFFER_GROUP = 0,
    SUBMIT_TRIES_MAX = 1000,
    CONNECT_CHAIN = 3, /* socket, option, connect */
};
_Static_assert(SQ_ENTRIES_MAX <= CQ_ENTRIES_MAX && SQ_ENTRIES_MIN <= CQ_ENTRIES_SHORT,
               "the completion queue may not be the shorter one");

/* The most that the kernel moves in one operation; a longer send would come back short. */
#define TRANSFER_BYTES_MAX ((size_t)INT_MAX & ~(size_t)4095)
/* Long enough to stand for "no deadline" where the kernel wants one. */
#define FOREVER_S (30ll * 365 * S_PER_DAY)

/* user_data, from the top: 4 bits kind that a cancel aims at, 4 kind, 24 generation, 32 slot. */
_Static_assert(RING_KINDS <= 16, "a kind has four bits");
/* In `connects`: above the generation's 24 bits. */
#define CONNECT_IN_FLIGHT (1u << 24)

struct uring {
    struct ring ring; /* first: each is the other */
    struct io_uring io;
    bool enabled;
    int broken; /* first negated errno of an enter, else 0 */
    int wake_fd;
    _Atomic int event_fd; /* -1 until ring_fd was asked for; other threads' ring_wake looks at it */
    uint32_t sockets_max;
    uint32_t *connects; /* by slot: generation | CONNECT_IN_FLIGHT until the connect completed */
    int32_t *unbound;   /* by slot: why its socket was not to be had, a negated errno; null without
                           a source */
    bool *one_shot;     /* by slot: a receive of it brings one piece */
    bool accepts_unix;  /* sockets that are accepted may be unix sockets */

    /* One mapping: the buffer ring's descriptors, then the buffers. */
    struct io_uring_buf_ring *buffer_ring;
    size_t mapping_bytes;
    char *buffer_data;
    uint32_t buffers;
    uint32_t buffer_bytes;
    bool stamps; /* receives are recvmsg's: RECEIVE_HEAD_BYTES come before the data in a buffer */
    uint32_t buffers_returned; /* put into the buffer ring since the last enter */

    /* Since the last enter that took all entries. */
    uint32_t operations_prepared;
    uint32_t inline_prepared; /* of these, those that complete while they are submitted */

    struct io_uring_sqe spare; /* where operations go that a broken ring has no room for */
};

static inline uint32_t clamp_u32(uint64_t value, uint32_t min, uint32_t max)
{
    return value < min ? min : value > max ? max : (uint32_t)value;
}

static inline uint32_t power_of_two_at_least(uint32_t value)
{
    uint32_t power = 1;
    while (power < value)
        power *= 2;
    return power;
}

/* In a buffer, with stamps: struct io_uring_recvmsg_out and room for one struct scm_timestamping.
 */
enum { STAMP_CONTROL_BYTES = 64, RECEIVE_HEAD_BYTES = 16 + STAMP_CONTROL_BYTES };
_Static_assert(sizeof(struct io_uring_recvmsg_out) + STAMP_CONTROL_BYTES == RECEIVE_HEAD_BYTES,
               "kernel ABI");

/* io_uring_queues.c: makes both queues and registers table and buffers with them, as large as
 * limits allow. 0, or a negated errno. */
int uring_open_queues(struct uring *u);

/* io_uring_min_wait.c: what a kernel that has min-wait makes of it, with rings of that mode (flags
 * of the set-up). Tried once in a process. */
enum ring_min_wait uring_min_wait(unsigned mode);

/* io_uring_enter.c: hands over all that was prepared, runs what the kernel deferred, and with
 * wait_nr > 0 waits for that many completions. 0, or the error that broke the ring. */
int uring_enter(struct uring *u, unsigned wait_nr, struct wait_argument *argument);
int uring_submit_and_wait(struct ring *ring, const struct ring_wait *wait);
bool uring_is_caught_up(const struct ring *ring);

#endif
