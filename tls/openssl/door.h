/* OpenSSL as tls.c sees it, which may be built without: openssl/absent.c then stands for all. */
#ifndef RINGSEND_TLS_OPENSSL_DOOR_H
#define RINGSEND_TLS_OPENSSL_DOOR_H

#include "tls/library.h"

struct memory;
struct openssl_config;
struct openssl_local;

/* Loads it when it is not yet loaded. Null, or why it cannot be used: static. */
const char *openssl_load(void);
/* In its own words: static. Once it is loaded. */
const char *openssl_version(void);

extern const struct tls_library openssl_library;

/* Loads nothing yet. Null: memory is out, or this build has no OpenSSL. */
struct openssl_config *openssl_config_new(void);
void openssl_config_free(struct openssl_config *o); /* null is allowed */

/* Of a thread: sessions. Null: memory is out. */
struct openssl_local *openssl_local_new(const struct tls_config *config, uint32_t sessions_max,
                                        struct memory *memory);
void openssl_local_free(struct openssl_local *local); /* null is allowed */
bool openssl_has_session(struct openssl_local *local, const char *host, uint16_t port,
                         tls_protocols protocols);

#endif
