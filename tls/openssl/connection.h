/* The inside of a tls that is OpenSSL's. */
#ifndef RINGSEND_TLS_OPENSSL_CONNECTION_H
#define RINGSEND_TLS_OPENSSL_CONNECTION_H

#include "tls/alerts.h"
#include "tls/judge.h"
#include "tls/library.h"
#include "tls/local.h"
#include "tls/openssl/load.h"
#include "tls/openssl/sessions.h"

enum { FRESH_SESSIONS_MAX = 8 };

/* What only a handshake needs. */
struct greeting {
    struct host host;
    struct path_verdict verdict;
    struct bytes chain; /* DER of the peer's certificates, one behind the other */
};

struct tls {
    struct tls_head head; /* first */
    const struct tls_config *config;
    struct tls_local *local;
    SSL *ssl;
    struct greeting *greeting; /* null exactly from the end of a successful handshake on */
    enum ringsend_error error;
    const char *detail;
    struct session_peer peer; /* the host is below */
    const char *protocol;     /* of its list: what the server has chosen */
    bool ready;
    bool saw_bytes;      /* the peer's first byte was looked at */
    bool saw_plain;      /* the peer has sent data: so it has accepted our certificate, or none */
    bool asked;          /* the server asked for a client certificate */
    bool offered;        /* a session */
    bool keeps;          /* sessions that come are the local's from now on */
    bool closed;         /* we said farewell */
    bool declined;       /* it was asked for another handshake */
    bool peer_closed;    /* and so did the peer */
    unsigned taken;      /* how many sessions have come */
    int64_t not_after_s; /* of what was verified */
    const uint8_t *in;   /* during tls_feed: what was not taken in yet */
    size_t in_bytes;
    struct bytes out; /* cipher bytes to leave: from out_at to out_end */
    size_t out_at, out_end;
    uint8_t *plain; /* of the peer's record in hand: from plain_at to plain_end; or null */
    size_t plain_at, plain_end;
    uint8_t *staged; /* of a record of ours that is not closed; or null */
    size_t staged_bytes;
    SSL_SESSION *fresh[FRESH_SESSIONS_MAX]; /* have come, and are not kept yet */
    size_t fresh_count;
    char host[];
};

BIO_METHOD *openssl_bio_new(void);
void openssl_set_callbacks(SSL_CTX *context);

/* callbacks.c's for connection.c, and the other way round. */
void tls_fail(struct tls *t, enum ringsend_error error, const char *detail);

#endif
