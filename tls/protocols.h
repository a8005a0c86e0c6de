/* Lists of protocols as ALPN has them on the wire: each name behind its length (RFC 7301 3.1). */
#ifndef RINGSEND_TLS_PROTOCOLS_H
#define RINGSEND_TLS_PROTOCOLS_H

#include "tls/tls.h"

#include <string.h>

static inline size_t protocols_bytes(tls_protocols protocols)
{
    size_t bytes = 0;
    for (; protocols && *protocols; protocols++)
        bytes += 1 + strlen(*protocols);
    return bytes;
}

/* Returns where it ends. */
static inline uint8_t *protocols_put(uint8_t *at, tls_protocols protocols)
{
    for (; protocols && *protocols; protocols++) {
        size_t bytes = strlen(*protocols);
        *at = (uint8_t)bytes;
        memcpy(at + 1, *protocols, bytes);
        at += 1 + bytes;
    }
    return at;
}

/* The one that is named so; null: none. */
static inline const char *protocol_named(tls_protocols protocols, const void *name, size_t bytes)
{
    for (; protocols && *protocols; protocols++) {
        if (strlen(*protocols) == bytes && memcmp(*protocols, name, bytes) == 0)
            return *protocols;
    }
    return NULL;
}

#endif
