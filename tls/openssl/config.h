/* OpenSSL's part of a tls_config. */
#ifndef RINGSEND_TLS_OPENSSL_CONFIG_H
#define RINGSEND_TLS_OPENSSL_CONFIG_H

#include "tls/config.h"
#include "tls/openssl/door.h"
#include "tls/openssl/load.h"

#include <pthread.h>

struct openssl_config {
    pthread_mutex_t mutex; /* of what follows; once `tried` and no fault it is only read */
    bool tried;
    const char *fault; /* why there are no connections by it: static */
    SSL_CTX *context;
    BIO_METHOD *bio;
};

/* Loads and sets up what is not; any thread. Null, or why it cannot be used. */
const char *openssl_config_ready(const struct tls_config *config);

#endif
