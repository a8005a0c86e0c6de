/* Sessions and tickets of OpenSSL that one thread keeps. */
#ifndef RINGSEND_TLS_OPENSSL_SESSIONS_H
#define RINGSEND_TLS_OPENSSL_SESSIONS_H

#include "base/list.h"
#include "base/memory.h"
#include "tls/openssl/door.h"
#include "tls/openssl/load.h"

enum { TICKETS_PER_ORIGIN_MAX = 64 };

/* Whom they are for: who offers what. */
struct session_peer {
    const char *host;
    uint16_t port;
    tls_protocols protocols;
};

/* Takes the session over. */
void sessions_put(struct openssl_local *local, const struct session_peer *peer,
                  SSL_SESSION *session, int64_t not_after_s);
/* The latest for there, the caller's to free; null: none. One of TLS 1.3 is given out once
 * (RFC 8446 C.4), one of 1.2 stays as well. */
SSL_SESSION *sessions_take(struct openssl_local *local, const struct session_peer *peer,
                           int64_t *not_after_s);
void sessions_drop(struct openssl_local *local, const struct session_peer *peer);

#endif
