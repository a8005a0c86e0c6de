/* What the options say of the way that connections go, whomever they are for. */
#ifndef RINGSEND_ENGINE_WAY_H
#define RINGSEND_ENGINE_WAY_H

#include "base/address.h"
#include "ringsend.h"

#include <stdbool.h>
#include <sys/socket.h>
#include <sys/un.h>

struct ringsend;

struct way {
    struct sockaddr_un socket; /* to which all connect */
    socklen_t socket_bytes;    /* 0: to none */
};

/* What is wrong with the options, or null. */
const char *way_fault(const struct ringsend_options *options);
/* Takes over what they say; the texts are only borrowed. */
void way_read(struct ringsend *e);
/* They all go to one unix socket, and no name is looked up. */
bool way_is_unix(const struct ringsend *e);
/* What the kernel is told to connect to, for an address of a host. It stays where it is. */
const struct sockaddr *way_to(const struct ringsend *e, const struct address *address,
                              socklen_t *bytes);

#endif
