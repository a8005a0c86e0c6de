/* The ring: operations given to the kernel, one call that submits and waits, completions taken out.
 *
 * This header is the seam of the program. Whoever makes a ring says what is behind it: io_uring.c
 * is over the kernel's, tests/sim/world/sim_ring.c has a seed, a virtual clock and faults; rings of
 * both kinds may live in one program, each with its table of operations (uring/ring_ops.h).
 * Everything above speaks of operations and completions; submission and completion queue entries
 * stay inside.
 *
 * Words
 *   slot        index of a socket in the ring's table of direct descriptors. The caller chooses it
 *               and owns it from ring_connect (or an accepted connection) to the completion of
 *               ring_close. File operations use slot numbers of the caller's own, another space.
 *   generation  number the caller changes when it reuses a slot, so that a completion of the slot's
 *               former life is recognised. 24 bits travel; compare with ring_tag_matches.
 *   kind        which operation. (slot, generation, kind) names one operation in flight; the caller
 *               never has two with the same name in flight.
 *
 * Rules
 *   - Every operation gets exactly one last completion (more == false), cancelled ones included.
 *     Until then the kernel may touch its memory: buffers, addresses and messages stay valid.
 *   - ring_recv and ring_accept are multishot: completions with more == true come first.
 *   - Preparing never fails and never waits; the kernel sees the operation at the next submit.
 *   - A ring belongs to the thread of its first ring_submit_and_wait. ring_wake alone may be called
 *     from any thread and from a signal handler.
 *   - Results are as io_uring gives them: >= 0 good, else a negated errno. */
#ifndef RINGSEND_URING_RING_H
#define RINGSEND_URING_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>

struct ring;
struct statx;

enum ring_kind {
    RING_CONNECT, /* result 0 */
    RING_SEND,    /* result: bytes sent; fewer than asked only when the connection then broke */
    RING_RECV, /* multishot; result: bytes in `buffer`, 0 end of stream, -ENOBUFS no buffer left */
    RING_CANCEL,  /* result: 0 or an error that says there was nothing to cancel */
    RING_CLOSE,   /* result 0; the slot is free */
    RING_READ,    /* result: bytes read, 0 end of file */
    RING_APPEND,  /* result: bytes written, perhaps fewer than asked */
    RING_SYNC,    /* result 0 */
    RING_ACCEPT,  /* multishot; result: the new connection's slot, chosen by the kernel */
    RING_WAKE,    /* ring_wake was called once or more since the last one; slot 0, generation 0 */
    RING_INSTALL, /* result: a descriptor of the process for the slot's socket */
    RING_OPEN,    /* result: a new descriptor of the process, the caller's to close */
    RING_STAT,    /* result 0 */
    RING_KINDS
};

struct ring_tag {
    uint32_t slot;
    uint32_t generation;
};

#define RING_GENERATION_MASK 0xffffffu

static inline bool ring_tag_matches(uint32_t generation, uint32_t completed_generation)
{
    return (generation & RING_GENERATION_MASK) == completed_generation;
}

struct ring_completion {
    uint32_t slot;
    uint32_t generation; /* masked with RING_GENERATION_MASK */
    enum ring_kind kind;
    int32_t result;
    int32_t buffer; /* RING_RECV with data: give it back with ring_buffer_return, whatever became of
                       the connection, a stale completion's too; -1 otherwise */
    bool more;
    /* RING_RECV with data, in ring_now_ns time: when the last of its segments came into the
     * kernel; 0: unknown */
    uint64_t stamp_ns;
};

/* What a connection is made for. */
enum ring_use {
    RING_FOR_MANY, /* whatever comes: no send waits for another's acknowledgement (TCP_NODELAY) */
    /* One send right behind the connect, and one answer, behind which the peer closes. The
     * acknowledgement that ends the handshake waits for that send, and the answer's for the close:
     * two segments less of ten. Not for peers that go on, which may hold the rest of an answer back
     * for 40 ms, until its beginning is acknowledged (RFC 896 against RFC 1122 4.2.3.2). */
    RING_FOR_ONE,
};

/* What is behind a ring that ring_new makes. */
enum ring_backend {
    RING_ANY, /* io_uring; where that is refused or too old, and not only short, epoll */
    RING_IO_URING,
    RING_EPOLL,
    RING_BACKENDS
};

/* Where connections go out. Zeroed: as the kernel says. */
struct ring_source {
    struct sockaddr_in v4;  /* of those of IPv4 the address that is theirs; no family: any */
    struct sockaddr_in6 v6; /* of IPv6 */
    char device[IFNAMSIZ];  /* by that network device alone; empty: by any */
};

struct ring_options {
    enum ring_backend backend;
    uint32_t sockets_max;  /* size of the slot table; slots are 0 .. sockets_max - 1 */
    uint32_t buffers;      /* shared receive buffers, rounded up to a power of two */
    uint32_t buffer_bytes; /* size of each */
    bool stamps; /* ring_recv tells stamp_ns, see ring_stamps_on; costs a little on each */
    /* There will be waits with a min_wait_ns: see now whether this kernel keeps to it. Without, or
     * when it does not, min_wait_ns is ignored. */
    bool min_wait;
    struct ring_source source;
};

/* Whether a wait's min_wait_ns is heeded, and why not. */
enum ring_min_wait {
    RING_MIN_WAIT_UNASKED,  /* nobody wants it: ring_options.min_wait */
    RING_MIN_WAIT_LACKING,  /* before 6.12, and with epoll */
    RING_MIN_WAIT_LATE,     /* what comes after it does not end the wait: some kernels up to 6.18 */
    RING_MIN_WAIT_UNPROVEN, /* it could not be tried, or the machine was too busy to tell */
    RING_MIN_WAIT_USED
};

/* What this kernel gave us; for `doctor`-like output and tests. */
struct ring_features {
    enum ring_backend backend; /* the one that it is */
    int refused;               /* RING_ANY, with epoll: the negated errno of io_uring; else 0 */
    bool defer_taskrun;        /* 6.1 */
    bool ring_fd;              /* registered ring descriptor, 5.18 */
    enum ring_min_wait min_wait;
    bool direct_sockopt; /* options of enum ring_use on direct descriptors, 6.7 */
    bool install;        /* ring_install, 6.8 */
    uint32_t sq_entries, cq_entries;
};

/* Of one connection. */
struct ring_tcp {
    uint32_t rtt_us;      /* smoothed round-trip time */
    uint32_t retransmits; /* segments sent again since it was made */
};

struct ring_counters {
    uint64_t enters;    /* submit-and-waits, and what else enters the kernel on the way */
    uint64_t calls;     /* system calls that bytes and waits took: io_uring's are the enters */
    uint64_t submitted; /* operations handed to the kernel */
    uint64_t completed; /* completions seen */
};

/* How long ring_submit_and_wait may sleep. */
struct ring_wait {
    uint32_t want; /* completions worth waking for; 0: do not sleep at all */
    uint64_t
        min_wait_ns; /* wait at most so long for `want` of them; after that, one is enough. 0: one
                        is enough at once. Ignored (one is enough) unless features.min_wait says
                        that it is used */
    uint64_t deadline_ns; /* in ring_now_ns time: return then at the latest; RING_FOREVER: never */
};
#define RING_FOREVER UINT64_MAX

/* Makes a ring: 0, or a negated errno that ring_explain turns into a sentence. Short memlock limits
 * shrink the queues, a low soft limit of descriptors is raised, missing features are done without.
 * -ENOBUFS: this process is out of memory; -ENOMEM: the kernel grants the ring none. */
typedef int ring_make_fn(struct ring **ring, const struct ring_options *options);
int ring_new(struct ring **ring, const struct ring_options *options);
/* Nothing may be in flight. Null is allowed. */
static inline void ring_free(struct ring *ring);
/* One sentence into text: why ring_new failed with `error` on this machine and the cure. */
void ring_explain(int error, char *text, size_t text_bytes);
/* The same of a ring over epoll, whose features.refused is `error`. */
void ring_explain_fallback(int error, char *text, size_t text_bytes);
/* Whether rings over io_uring count against this user's limit of locked memory here, and how many
 * like that one still fit. For a moment they take it up: nothing for a run's own time. */
struct ring_locked {
    bool is_counted;
    bool or_more; /* no more were tried */
    uint32_t fit;
};
struct ring_locked ring_locked_memory(const struct ring_options *options);
static inline struct ring_features ring_features(const struct ring *ring);
static inline struct ring_counters ring_counters(const struct ring *ring);

/* Clocks. Monotonic nanoseconds; milliseconds since 1970 for dates in headers. */
static inline uint64_t ring_now_ns(const struct ring *ring);
static inline int64_t ring_wall_ms(const struct ring *ring);

/* Sockets. */
/* Opens a TCP socket in the slot and connects it; one completion for both. After an error the slot
 * may hold a half-made socket: close it as any other. */
static inline void ring_connect(struct ring *ring, struct ring_tag tag,
                                const struct sockaddr *address, socklen_t address_bytes,
                                enum ring_use use);
/* All bytes are sent before the completion, unless the connection breaks. */
static inline void ring_send(struct ring *ring, struct ring_tag tag, const void *data,
                             size_t bytes);
/* The same with several parts: message->msg_iov. The message itself must stay valid too. */
static inline void ring_send_parts(struct ring *ring, struct ring_tag tag,
                                   const struct msghdr *message);
/* Receives into shared buffers until end of stream, an error or a cancel. Ends also by -ENOBUFS,
 * and may end after any data (more == false), as each does on a unix socket: arm it again, after
 * -ENOBUFS only once buffers came back. */
static inline void ring_recv(struct ring *ring, struct ring_tag tag);
/* Ends the operation (tag, kind) early if it is still there: it then completes with -ECANCELED, or
 * with what it had reached. The RING_CANCEL completion may come before or after that one. One
 * cancel at a time per (slot, generation): their completions bear the same name. */
static inline void ring_cancel(struct ring *ring, struct ring_tag tag, enum ring_kind kind);
/* Breaks the connection: its peer sees a reset, and what was not yet delivered is lost. Completes
 * as RING_CONNECT with 0; no other operation may be in flight on the socket, and it is then to be
 * closed. */
static inline void ring_reset(struct ring *ring, struct ring_tag tag);
/* No operation but this one may be in flight on the socket. */
static inline void ring_close(struct ring *ring, struct ring_tag tag);
/* Gives the process a descriptor for the socket, beside the slot: for what the ring cannot ask a
 * socket. Only with features.install. It is the caller's to close with ring_descriptor_close; the
 * connection ends when slot and descriptor are both closed. */
static inline void ring_install(struct ring *ring, struct ring_tag tag);
/* What TCP knows of the connection. False: nothing. */
static inline bool ring_tcp_info(const struct ring *ring, int descriptor, struct ring_tcp *tcp);
/* This machine has an address from which that one could be reached, which is the one that
 * ring_options.source asks for, if it does: then -EADDRNOTAVAIL from a
 * connect says that no local port is left. Three system calls. */
static inline bool ring_has_source(const struct ring *ring, const struct sockaddr *address,
                                   socklen_t address_bytes);
/* From now on the kernel stamps what leaves and comes in on the connection. False: it will not. */
static inline bool ring_stamps_on(const struct ring *ring, int descriptor);
/* In ring_now_ns time: when the last byte of the last send left for the network device. False: not
 * told (yet). */
static inline bool ring_sent_stamp(const struct ring *ring, int descriptor, uint64_t *stamp_ns);
static inline void ring_descriptor_close(struct ring *ring, int descriptor);
/* Accepts connections on a listening descriptor of the process into free slots; with none free it
 * ends with -ENFILE. */
static inline void ring_accept(struct ring *ring, struct ring_tag tag, int listen_fd);

/* Received data. Valid from the completion to the return. */
static inline const char *ring_buffer(const struct ring *ring, int32_t buffer);
static inline void ring_buffer_return(struct ring *ring, int32_t buffer);

/* Files: descriptors of the process, not slots. offset -1: at the file's own position (pipes too).
 */
static inline void ring_read(struct ring *ring, struct ring_tag tag, int fd, void *data,
                             size_t bytes, int64_t offset);
static inline void ring_append(struct ring *ring, struct ring_tag tag, int fd, const void *data,
                               size_t bytes);
/* fdatasync(2), or with `whole` fsync(2), which a directory needs for the names in it. */
static inline void ring_sync(struct ring *ring, struct ring_tag tag, int fd, bool whole);
/* open(2) of a path relative to the working directory, which stays valid until the completion; the
 * descriptor is close-on-exec, a file that is made its user's alone. One that was cancelled may
 * have opened it all the same. */
static inline void ring_open(struct ring *ring, struct ring_tag tag, const char *path, int flags);

/* What kind of file a descriptor is, and its size: stx_mode and stx_size of *about, which stays
 * valid until the completion. */
static inline void ring_stat(struct ring *ring, struct ring_tag tag, int fd, struct statx *about);

/* Operations prepared and not yet handed to the kernel. */
static inline unsigned ring_prepared(const struct ring *ring);
/* Wakes ring_submit_and_wait, now or at its next call. */
static inline void ring_wake(struct ring *ring);
/* A descriptor that polls readable when a submit-and-wait has something to bring, at times once too
 * often; or a negated errno. From the ring's thread. The first call makes every later wait one
 * system call dearer. */
static inline int ring_fd(struct ring *ring);

/* Submits all that was prepared and waits as told. Returns the number of completions ready to be
 * reaped (0 at the deadline or after a signal), or a negated errno when the ring itself is broken.
 */
static inline int ring_submit_and_wait(struct ring *ring, const struct ring_wait *wait);
/* Nothing is left that the next submit-and-wait would bring: all that had come before this call has
 * been reaped. Looking costs no system call, but with epoll. What is prepared and not submitted
 * has not begun, and does not count. */
static inline bool ring_is_caught_up(const struct ring *ring);
/* Takes up to `max` completions out. */
static inline unsigned ring_reap(struct ring *ring, struct ring_completion *completions,
                                 unsigned max);

#include "uring/ring_ops.h"

#endif
