/* IP addresses: as sockets want them, and from text. */
#ifndef RINGSEND_BASE_ADDRESS_H
#define RINGSEND_BASE_ADDRESS_H

#include <netinet/in.h>
#include <stdint.h>
#include <sys/socket.h>

struct address {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    };
};

static inline socklen_t address_bytes(const struct address *a)
{
    return a->any.sa_family == AF_INET6 ? sizeof a->v6 : sizeof a->v4;
}

/* Reads one to `max` IP addresses with commas between them, those of IPv6 with or without brackets; ports stay
 * unset. Null, or what is wrong with the text: static. */
const char *addresses_read(const char *text, struct address *addresses, uint32_t max,
                           uint32_t *count);

#endif
