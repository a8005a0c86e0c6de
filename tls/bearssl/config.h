/* The inside of a tls_config: read-only once built. */
#ifndef RINGSEND_TLS_CONFIG_H
#define RINGSEND_TLS_CONFIG_H

#include "tls/bearssl/identity.h"
#include "tls/x509/trust.h"

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
    bool legacy_renegotiation;
    int64_t fixed_now_s; /* 0: the clock's */
    size_t buffer_bytes;
    struct trust trust;
    struct identity identity;
    br_ec_impl curves;        /* those of BearSSL, with a check more; contexts point to it */
    const char *protocols[1]; /* of ALPN; contexts point to it */
    union context model;      /* set up and waiting for the peer: contexts are copies of it */
    size_t ibuf_at, obuf_at;  /* where in a connection's buffer its two buffers begin */
};

/* Makes a context that waits for its peer's first message; a client's has yet to say its own (see
 * hello.h). WORTH NOTHING UNTIL FRESH RANDOM BYTES ARE MIXED IN: all copies share a generator's
 * state. */
void config_copy_model(const struct tls_config *config, union context *to, uint8_t *buffer);

/* UTC to verify at. */
int64_t config_now_s(const struct tls_config *config);

#endif
