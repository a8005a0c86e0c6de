/* IP addresses: as sockets want them, and from text. */
#ifndef RINGSEND_BASE_ADDRESS_H
#define RINGSEND_BASE_ADDRESS_H

#include "base/span.h"

#include <netinet/in.h>
#include <stdbool.h>
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
