/* Watched connections: ringsend_tcp_samples. */
#ifndef RINGSEND_ENGINE_TCP_INFO_H
#define RINGSEND_ENGINE_TCP_INFO_H

#include <stdint.h>

struct conn;
struct ringsend;

struct watch {
    struct conn **conns; /* watched, with a descriptor; options.watch_max of them at most */
    uint32_t count;
    uint32_t begun; /* watched since the last samples were taken: at most watch_max, too */
    uint32_t held;  /* conns, and those whose descriptor is to come */
    uint64_t number;
    struct ringsend_tcp_sample
        *ended; /* 2 x watch_max: those held at a time, and those begun after it */
    uint32_t ended_count;
};

void watch_free(struct ringsend *e);
/* A connection was made: watches it if there is room. */
void watch_begin(struct conn *c);
void watch_installed(struct conn *c, int32_t result);
/* Bytes came, stamped by the kernel: notes when the exchange's request left and its response
 * arrived. */
void watch_arrived(struct conn *c, uint64_t stamp_ns);
/* No operation is in flight, and it is about to be closed: takes the last sample. */
void watch_end(struct conn *c);

#endif
