/* A name and its addresses, looked up or given (override.c). */
#ifndef RINGSEND_ENGINE_HOST_H
#define RINGSEND_ENGINE_HOST_H

#include "base/address.h"
#include "base/limits.h"
#include "base/list.h"
#include "ringsend.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ringsend;
struct url;

/* Addresses in place of a lookup: struct ringsend_resolve, read. */
struct override {
    char host[LIMIT_HOST_BYTES + 1]; /* lower case, or "*" */
    uint16_t port;                   /* 0: any */
    uint32_t addresses_count;
    struct address addresses[LIMIT_ADDRESSES_GIVEN];
};

enum { HOST_ADDRESSES_FEW = 2 };

struct host {
    char name[LIMIT_HOST_BYTES + 1]; /* lower case */
    bool looking_up;                 /* it is to be looked up, or an answer is due */
    bool hung;                       /* the last answer was long in coming: see lookups.c */
    bool fixed; /* never looked up: an IP address, localhost, or the options gave its addresses */
    const struct override *override; /* where these are from, or null */
    enum ringsend_error error;       /* of the last lookup; OK while addresses are usable */
    const char *detail;              /* a sentence more, or null; static */
    uint64_t fresh_until_ns;         /* the addresses are to be looked up again after that */
    struct address *addresses;       /* in the order in which to try them, ports unset */
    uint32_t addresses_count, addresses_room;
    struct address few[HOST_ADDRESSES_FEW]; /* where they are while they are no more */
    struct list pools;                      /* pool.in_host: who wants to know */
    struct list asking;       /* pool.in_peer: likewise, to have a proxy connect to it */
    uint32_t users;           /* pools, and origins of that name */
    struct list in_lookups;   /* in one of engine.lookups exactly when looking_up */
    uint64_t lookup_began_ns; /* of the last one; 0 while it waits for its turn */
    struct host *hash_next;
};

struct host *host_find(struct ringsend *e, const struct url *url);
void hosts_release(struct ringsend *e); /* all of them: it ends */
void host_release(struct ringsend *e, struct host *h);
void host_look_up(struct ringsend *e, struct host *h); /* unless fresh or under way */
bool host_is_fresh(const struct ringsend *e, const struct host *h);
void host_expire(struct host *h);          /* its addresses do not work: ask again */
bool host_is_wanted(const struct host *h); /* some request's */
/* Of its lookup: its pools' clocks run from now on; or nobody wanted it any more; or it
 * cannot begin. */
void host_lookup_begun(const struct host *h);
void host_lookup_dropped(const struct host *h);
void host_lookup_impossible(struct ringsend *e, struct host *h);
void host_answers(struct ringsend *e); /* takes in what the lookup threads found */

bool overrides_read(struct ringsend *e, char *message, size_t message_bytes);
const struct override *override_find(const struct ringsend *e, struct ringsend_bytes host,
                                     uint16_t port); /* null: none */

#endif
