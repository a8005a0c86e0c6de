/* The inside of a tls_local: each library keeps its own. */
#ifndef RINGSEND_TLS_LOCAL_H
#define RINGSEND_TLS_LOCAL_H

#include "tls/config.h"

#include <string.h>

struct bear_local;
struct openssl_local;

struct tls_local {
    const struct tls_config *config;
    struct memory *memory;
    uint32_t sessions_max;
    struct bear_local *bear;
    struct openssl_local *openssl; /* from its first connection on */
};

/* Hosts as keys: in lower case, without a trailing dot. False: too long for any. */
struct host_key {
    char text[TLS_HOST_BYTES_MAX + 1];
    size_t bytes;
};

static inline bool host_key(const char *host, struct host_key *key)
{
    size_t bytes = strlen(host);
    bytes -= bytes > 0 && host[bytes - 1] == '.';
    if (bytes > TLS_HOST_BYTES_MAX)
        return false;
    for (size_t i = 0; i < bytes; i++)
        key->text[i] = host[i] >= 'A' && host[i] <= 'Z' ? (char)(host[i] | 0x20) : host[i];
    key->text[bytes] = 0;
    key->bytes = bytes;
    return true;
}

#endif
