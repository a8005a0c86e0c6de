/* Name lookups off the loop: getaddrinfo (nsswitch and all), each in a thread of its own as long as
 * it lasts, lookup_max at a time. Equal names are coalesced by the caller, which also says whose
 * turn it is (lookups.c). An answer is announced by ring_wake and fetched by lookup_next.
 * tests/sim/world/sim_lookup.c stands in for it in the simulation. */
#ifndef RINGSEND_ENGINE_LOOKUP_H
#define RINGSEND_ENGINE_LOOKUP_H

#include "base/limits.h"

#include <stdbool.h>
#include <stdint.h>
#include <netinet/in.h>

struct lookup;
struct ring;

enum lookup_status {
    LOOKUP_FOUND,
    LOOKUP_NOT_FOUND, /* the name does not exist, or has no address */
    LOOKUP_FAILED     /* the resolver could not tell: another try may help */
};

struct lookup_answer {
    void *owner; /* as given to lookup_start */
    enum lookup_status status;
    uint32_t count;
    struct sockaddr_storage
        addresses[LIMIT_ADDRESSES]; /* in getaddrinfo's order (RFC 6724); port 0 */
};

/* How many names may be looked up at a time: LIMIT_LOOKUPS, or fewer where the process may have few
 * descriptors. */
uint32_t lookup_max(void);
/* ::1 is an address of this machine. Does not wait. */
bool lookup_has_ipv6_loopback(void);
/* False when memory is out. The ring must outlive it. */
bool lookup_new(struct lookup **lookup, struct ring *ring);
/* Does not wait: a thread inside getaddrinfo cannot be interrupted; it ends by itself, and its
 * answer is dropped. */
void lookup_free(struct lookup *lookup);
/* The name is copied. One answer with `owner` will come. False when memory or threads are out. */
bool lookup_start(struct lookup *lookup, const char *name, void *owner);
/* True when an answer was there. */
bool lookup_next(struct lookup *lookup, struct lookup_answer *answer);

#endif
