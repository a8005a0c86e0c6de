/* The inside of a tls_config: read-only once built. */
#ifndef RINGSEND_TLS_CONFIG_H
#define RINGSEND_TLS_CONFIG_H

#include "tls/identity.h"
#include "tls/trust.h"

/* Either role; the engine comes first in both. */
union context {
    br_ssl_engine_context engine;
    br_ssl_client_context client;
    br_ssl_server_context server;
};

struct tls_config {
    bool server;
    bool insecure;
    bool half_duplex;
    int64_t fixed_now_s; /* 0: the clock's */
    size_t buffer_bytes;
    struct trust trust;
    struct identity identity;
    const char *protocols[1]; /* of ALPN; contexts point to it */
    union context model;      /* set up and once reset: contexts are copies of it */
};

/* UTC to verify at. */
int64_t config_now_s(const struct tls_config *config);

#endif
