/* What is behind the door of uring/ring.h: a table of operations in each ring, and the calls that
 * go through it. An indirect call costs an instruction more than a direct one. Only those who
 * implement a ring, or put themselves between one and its user, name what is here.
 *
 * An implementation has a struct of its own that begins with a struct ring, fills in `ops` and
 * `features` when it makes one, and keeps `counters`. Each operation of the table is the function
 * of ring.h with the same name, and stands in the same order: what is said there holds here. */
#ifndef RINGSEND_URING_RING_OPS_H
#define RINGSEND_URING_RING_OPS_H

#include "uring/ring.h"

struct ring_ops {
    void (*free)(struct ring *ring); /* never null */

    uint64_t (*now_ns)(const struct ring *ring);
    int64_t (*wall_ms)(const struct ring *ring);

    void (*connect)(struct ring *ring, struct ring_tag tag, const struct sockaddr *address,
                    socklen_t address_bytes, enum ring_use use);
    void (*send)(struct ring *ring, struct ring_tag tag, const void *data, size_t bytes);
    void (*send_parts)(struct ring *ring, struct ring_tag tag, const struct msghdr *message);
    void (*recv)(struct ring *ring, struct ring_tag tag);
    void (*cancel)(struct ring *ring, struct ring_tag tag, enum ring_kind kind);
    void (*reset)(struct ring *ring, struct ring_tag tag);
    void (*close)(struct ring *ring, struct ring_tag tag);
    void (*accept)(struct ring *ring, struct ring_tag tag, int listen_fd);

    void (*install)(struct ring *ring, struct ring_tag tag);
    bool (*tcp_info)(const struct ring *ring, int descriptor, struct ring_tcp *tcp);
    bool (*has_source)(const struct ring *ring, const struct sockaddr *address,
                       socklen_t address_bytes);
    bool (*stamps_on)(const struct ring *ring, int descriptor);
    bool (*sent_stamp)(const struct ring *ring, int descriptor, uint64_t *stamp_ns);
    void (*descriptor_close)(struct ring *ring, int descriptor);

    const char *(*buffer)(const struct ring *ring, int32_t buffer);
    void (*buffer_return)(struct ring *ring, int32_t buffer);

    void (*read)(struct ring *ring, struct ring_tag tag, int fd, void *data, size_t bytes,
                 int64_t offset);
    void (*append)(struct ring *ring, struct ring_tag tag, int fd, const void *data, size_t bytes);
    void (*sync)(struct ring *ring, struct ring_tag tag, int fd, bool whole);
    void (*open)(struct ring *ring, struct ring_tag tag, const char *path, int flags);
    void (*stat)(struct ring *ring, struct ring_tag tag, int fd, struct statx *about);

    unsigned (*prepared)(const struct ring *ring);
    void (*wake)(struct ring *ring);
    int (*fd)(struct ring *ring);
    int (*submit_and_wait)(struct ring *ring, const struct ring_wait *wait);
    bool (*is_caught_up)(const struct ring *ring);
    unsigned (*reap)(struct ring *ring, struct ring_completion *completions, unsigned max);
};

struct ring {
    const struct ring_ops *ops;
    struct ring_features features;
    struct ring_counters counters;
    struct ring_source source;
    bool has_source; /* it is not zeroed */
};

/* ---- The functions of ring.h ----------------------------------------------------------------- */

static inline void ring_free(struct ring *ring)
{
    if (ring != NULL)
        ring->ops->free(ring);
}

static inline struct ring_features ring_features(const struct ring *ring)
{
    return ring->features;
}

static inline struct ring_counters ring_counters(const struct ring *ring)
{
    return ring->counters;
}

static inline uint64_t ring_now_ns(const struct ring *ring)
{
    return ring->ops->now_ns(ring);
}

static inline int64_t ring_wall_ms(const struct ring *ring)
{
    return ring->ops->wall_ms(ring);
}

/* ---- Sockets -------------------------------------------------------------------------------- */

static inline void ring_connect(struct ring *ring, struct ring_tag tag,
                                const struct sockaddr *address, socklen_t address_bytes,
                                enum ring_use use)
{
    ring->ops->connect(ring, tag, address, address_bytes, use);
}

static inline void ring_send(struct ring *ring, struct ring_tag tag, const void *data, size_t bytes)
{
    ring->ops->send(ring, tag, data, bytes);
}

static inline void ring_send_parts(struct ring *ring, struct ring_tag tag,
                                   const struct msghdr *message)
{
    ring->ops->send_parts(ring, tag, message);
}

static inline void ring_recv(struct ring *ring, struct ring_tag tag)
{
    ring->ops->recv(ring, tag);
}

static inline void ring_cancel(struct ring *ring, struct ring_tag tag, enum ring_kind kind)
{
    ring->ops->cancel(ring, tag, kind);
}

static inline void ring_reset(struct ring *ring, struct ring_tag tag)
{
    ring->ops->reset(ring, tag);
}

static inline void ring_close(struct ring *ring, struct ring_tag tag)
{
    ring->ops->close(ring, tag);
}

static inline void ring_accept(struct ring *ring, struct ring_tag tag, int listen_fd)
{
    ring->ops->accept(ring, tag, listen_fd);
}

/* ---- Descriptors of the process for them ---------------------------------------------------- */

static inline void ring_install(struct ring *ring, struct ring_tag tag)
{
    ring->ops->install(ring, tag);
}

static inline bool ring_tcp_info(const struct ring *ring, int descriptor, struct ring_tcp *tcp)
{
    return ring->ops->tcp_info(ring, descriptor, tcp);
}

static inline bool ring_has_source(const struct ring *ring, const struct sockaddr *address,
                                   socklen_t address_bytes)
{
    return ring->ops->has_source(ring, address, address_bytes);
}

static inline bool ring_stamps_on(const struct ring *ring, int descriptor)
{
    return ring->ops->stamps_on(ring, descriptor);
}

static inline bool ring_sent_stamp(const struct ring *ring, int descriptor, uint64_t *stamp_ns)
{
    return ring->ops->sent_stamp(ring, descriptor, stamp_ns);
}

static inline void ring_descriptor_close(struct ring *ring, int descriptor)
{
    ring->ops->descriptor_close(ring, descriptor);
}

/* ---- Received data -------------------------------------------------------------------------- */

static inline const char *ring_buffer(const struct ring *ring, int32_t buffer)
{
    return ring->ops->buffer(ring, buffer);
}

static inline void ring_buffer_return(struct ring *ring, int32_t buffer)
{
    ring->ops->buffer_return(ring, buffer);
}

/* ---- Files ---------------------------------------------------------------------------------- */

static inline void ring_read(struct ring *ring, struct ring_tag tag, int fd, void *data,
                             size_t bytes, int64_t offset)
{
    ring->ops->read(ring, tag, fd, data, bytes, offset);
}

static inline void ring_append(struct ring *ring, struct ring_tag tag, int fd, const void *data,
                               size_t bytes)
{
    ring->ops->append(ring, tag, fd, data, bytes);
}

static inline void ring_sync(struct ring *ring, struct ring_tag tag, int fd, bool whole)
{
    ring->ops->sync(ring, tag, fd, whole);
}

static inline void ring_open(struct ring *ring, struct ring_tag tag, const char *path, int flags)
{
    ring->ops->open(ring, tag, path, flags);
}

static inline void ring_stat(struct ring *ring, struct ring_tag tag, int fd, struct statx *about)
{
    ring->ops->stat(ring, tag, fd, about);
}

/* ---- Submitting, waiting, reaping ----------------------------------------------------------- */

static inline unsigned ring_prepared(const struct ring *ring)
{
    return ring->ops->prepared(ring);
}

static inline void ring_wake(struct ring *ring)
{
    ring->ops->wake(ring);
}

static inline int ring_fd(struct ring *ring)
{
    return ring->ops->fd(ring);
}

static inline int ring_submit_and_wait(struct ring *ring, const struct ring_wait *wait)
{
    return ring->ops->submit_and_wait(ring, wait);
}

static inline bool ring_is_caught_up(const struct ring *ring)
{
    return ring->ops->is_caught_up(ring);
}

static inline unsigned ring_reap(struct ring *ring, struct ring_completion *completions,
                                 unsigned max)
{
    return ring->ops->reap(ring, completions, max);
}

#endif
