/* BearSSL's part of a tls_local: what one thread keeps. */
#ifndef RINGSEND_TLS_BEARSSL_LOCAL_H
#define RINGSEND_TLS_BEARSSL_LOCAL_H

#include "base/time.h"
#include "tls/bearssl/config.h"
#include "tls/local.h"

#include "base/list.h"
#include "base/memory.h"

enum {
    LOCAL_ENTROPY_BYTES = 4096, /* drawn at once: getrandom costs 0.5 us a call, mostly the call */
    LOCAL_SEED_BYTES = 32,
    LOCAL_SESSION_SECONDS_MAX = S_PER_DAY, /* RFC 5246 F.1.4 */
    LOCAL_SERVER_SESSION_BYTES = 100,      /* br_ssl_session_cache_lru's entry */
};

struct session_key {
    uint8_t digest[32]; /* SHA-256 of port, protocols and host */
};

struct session {
    struct list lru;      /* in local.used, latest first, or in local.free */
    struct session *next; /* of the same bucket */
    struct session_key key;
    int64_t not_after_s;
    br_ssl_session_parameters parameters;
};

struct bear_local {
    const struct tls_config *config;
    struct memory *memory;
    uint8_t entropy[LOCAL_ENTROPY_BYTES];
    size_t entropy_used; /* bytes from the front that are spent, and zeroed */
    /* client */
    uint32_t sessions_max;
    struct session *sessions;
    struct session **buckets; /* buckets_count of them, a power of two */
    uint32_t buckets_count;
    struct list used, free;
    /* server */
    br_ssl_session_cache_lru server_sessions;
    struct bytes server_store;
};

struct bear_local *bear_local_new(const struct tls_config *config, uint32_t sessions_max,
                                  struct memory *memory);
void bear_local_free(struct bear_local *local);
bool bear_has_session(struct bear_local *local, const char *host, uint16_t port,
                      tls_protocols protocols);

/* False when the kernel gives none. */
bool local_draw_seed(struct bear_local *local, uint8_t seed[LOCAL_SEED_BYTES]);

struct session_key session_key_of(const char *host, uint16_t port, tls_protocols protocols);
/* Null: none, or too old. Valid until the next call. */
const struct session *session_find(struct bear_local *local, const struct session_key *key);
void session_put(struct bear_local *local, const struct session_key *key,
                 const br_ssl_session_parameters *parameters, int64_t not_after_s);
void session_drop(struct bear_local *local, const struct session_key *key);

#endif
