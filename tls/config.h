/* The inside of a tls_config, which all libraries share: read-only once built. */
#ifndef RINGSEND_TLS_CONFIG_H
#define RINGSEND_TLS_CONFIG_H

#include "base/time.h"
#include "tls/tls.h"
#include "tls/x509/own.h"
#include "tls/x509/trust.h"

struct bear_config;
struct choices;
struct openssl_config;

struct tls_config {
    bool server;
    bool insecure;
    bool half_duplex;
    bool legacy_renegotiation;
    int64_t fixed_now_s; /* 0: the clock's */
    struct trust trust;
    const struct own *own;   /* of the part that has read the files; null: none */
    enum tls_choice library; /* AUTO only where there may be both */
    bool min_13;
    struct bear_config *bear;
    struct openssl_config *openssl; /* null: never */
    struct choices *choices;        /* has a lock of its own; null: a server's */
};

/* UTC to verify at. */
static inline int64_t config_now_s(const struct tls_config *config)
{
    return config->fixed_now_s ? config->fixed_now_s : clock_wall_s();
}

#endif
