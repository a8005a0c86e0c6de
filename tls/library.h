/* What stands behind tls.h: one table of functions for each library. They mean what tls.h says of
 * the function with their name. */
#ifndef RINGSEND_TLS_LIBRARY_H
#define RINGSEND_TLS_LIBRARY_H

#include "tls/tls.h"

struct tls_library {
    const char *name;
    struct tls *(*client_new)(struct tls_local *local, const char *host, uint16_t port,
                              tls_protocols protocols, bool limit_12); /* to TLS 1.2 */
    struct tls *(*server_new)(struct tls_local *local);                /* null: no servers */
    void (*free)(struct tls *t);
    unsigned (*state)(const struct tls *t);
    bool (*is_ready)(const struct tls *t);
    size_t (*take)(struct tls *t, void *out, size_t room);
    size_t (*feed)(struct tls *t, const void *cipher, size_t bytes);
    enum tls_work (*foresee)(struct tls *t, const void *cipher, size_t bytes);
    enum ringsend_error (*end)(struct tls *t);
    size_t (*write)(struct tls *t, const void *plain, size_t bytes);
    void (*flush)(struct tls *t);
    const void *(*peek)(const struct tls *t, size_t *bytes);
    void (*consume)(struct tls *t, size_t bytes);
    void (*close)(struct tls *t);
    bool (*peer_closed)(const struct tls *t);
    bool (*declined_renegotiation)(const struct tls *t);
    enum ringsend_error (*error)(const struct tls *t);
    const char *(*detail)(const struct tls *t);
    bool (*keep_session)(const struct tls *t);
    void (*forget_session)(const struct tls *t);
    bool (*offered_session)(const struct tls *t);
    bool (*resumed)(const struct tls *t);
    const char *(*version)(const struct tls *t);
    const char *(*protocol)(const struct tls *t);
    /* It has failed for what another library may know more of: ciphers, versions, signatures. */
    bool (*other_may_do)(const struct tls *t);
};

/* Each library has a struct tls of its own; this comes first in all of them. */
struct tls_head {
    const struct tls_library *library;
    const struct tls_config *config;
    struct choice *choice; /* of a client's origin; null: nothing is remembered of it */
};

extern const struct tls_library bearssl_library;

#endif
