/* What the options say of the way that connections go, whomever they are for. */
#ifndef RINGSEND_ENGINE_WAY_H
#define RINGSEND_ENGINE_WAY_H

#include "base/address.h"
#include "base/limits.h"
#include "ringsend.h"
#include "uring/ring.h"

#include <stdbool.h>
#include <sys/socket.h>
#include <sys/un.h>

struct ringsend;
struct url;

struct way {
    struct sockaddr_un socket; /* to which all connect */
    socklen_t socket_bytes;    /* 0: to none */
    bool no_ipv4, no_ipv6;     /* no addresses of that kind are used */
};

/* Another host for one of URLs: struct ringsend_connect_to, read. */
struct diversion {
    char host[LIMIT_HOST_BYTES + 1];    /* "*": any */
    uint16_t port;                      /* 0: any */
    char to_host[LIMIT_HOST_BYTES + 1]; /* empty: the same */
    uint16_t to_port;                   /* 0: the same */
};

/* What is wrong with the options, or null. */
const char *way_fault(const struct ringsend_options *options);
/* Takes over what they say; the texts are only borrowed. */
void way_read(struct ringsend *e);
/* Those of connect_to; *what: what is wrong with one, in words. */
bool way_read_diversions(struct ringsend *e, char *message, size_t message_bytes);
/* From where connections go out. */
struct ring_source way_source(const struct ringsend_options *options);
/* Whom to connect to for that URL: of *to, host and port are set. */
void way_divert(const struct ringsend *e, const struct url *url, struct url *to);
bool way_takes(const struct ringsend *e, const struct address *address);
/* Drops those that are of no use. Returns how many are left. */
uint32_t way_pick(const struct ringsend *e, struct address *addresses, uint32_t count);
/* They all go to one unix socket, and no name is looked up. */
bool way_is_unix(const struct ringsend *e);
/* What the kernel is told to connect to, for an address of a host. It stays where it is. */
const struct sockaddr *way_to(const struct ringsend *e, const struct address *address,
                              socklen_t *bytes);

#endif
