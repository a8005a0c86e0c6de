/* BearSSL's part of a tls_config: read-only once built. */
#ifndef RINGSEND_TLS_BEARSSL_CONFIG_H
#define RINGSEND_TLS_BEARSSL_CONFIG_H

#include "tls/bearssl/identity.h"
#include "tls/config.h"

/* Either role; the engine comes first in both. */
union context {
    br_ssl_engine_context engine;
    br_ssl_client_context client;
    br_ssl_server_context server;
};

struct bear_config {
    size_t buffer_bytes;
    struct identity identity;
    br_ec_impl curves;       /* those of BearSSL, with a check more; contexts point to it */
    union context model;     /* set up and waiting for the peer: contexts are copies of it */
    size_t ibuf_at, obuf_at; /* where in a connection's buffer its two buffers begin */
};

/* Of `config`, whose common part is filled in but for `own`, which is set. Null: message tells
 * why. */
struct bear_config *bear_config_new(struct tls_config *config, const struct tls_options *options,
                                    struct message message);
/* Wipes the key. Null is allowed. */
void bear_config_free(struct bear_config *bear);

/* Makes a context that waits for its peer's first message; a client's has yet to say its own (see
 * hello.h). WORTH NOTHING UNTIL FRESH RANDOM BYTES ARE MIXED IN: all copies share a generator's
 * state. */
void config_copy_model(const struct bear_config *bear, union context *to, uint8_t *buffer);

#endif
