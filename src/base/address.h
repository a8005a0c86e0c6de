/* IP addresses: as sockets want them, and from text. One of the family AF_UNIX, and nothing else,
 * stands for the one unix socket there is: engine/way.h. */
#ifndef RINGSEND_BASE_ADDRESS_H
#define RINGSEND_BASE_ADDRESS_H

#include "base/span.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
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

static inline void address_set_port(struct address *a, uint16_t port)
{
    if (a->any.sa_family == AF_INET6)
        a->v6.sin6_port = htons(port);
    else if (a->any.sa_family == AF_INET)
        a->v4.sin_port = htons(port);
}

/* But for the port. */
static inline bool address_equal(const struct address *a, const struct address *b)
{
    if (a->any.sa_family != b->any.sa_family)
        return false;
    if (a->any.sa_family == AF_INET6)
        return memcmp(&a->v6.sin6_addr, &b->v6.sin6_addr, sizeof a->v6.sin6_addr) == 0;
    return a->any.sa_family != AF_INET || a->v4.sin_addr.s_addr == b->v4.sin_addr.s_addr;
}

/* Whether addresses given for `host` ("*": any) and `port` (0: any) are for these of a URL. */
static inline bool address_is_for(const char *host, uint16_t port, struct ringsend_bytes url_host,
                                  uint16_t url_port)
{
    bool any = host[0] == '*' && host[1] == '\0';
    return (any || span_equal_nocase(span_of(host), url_host)) && (port == 0 || port == url_port);
}

/* Reads one to `max` IP addresses with commas between them, those of IPv6 with or without brackets;
 * ports stay unset. Null, or what is wrong with the text: static. */
const char *addresses_read(const char *text, struct address *addresses, uint32_t max,
                           uint32_t *count);

#endif
