/* The inside of a tls that is BearSSL's. */
#ifndef RINGSEND_TLS_CONNECTION_H
#define RINGSEND_TLS_CONNECTION_H

#include "tls/bearssl/hello.h"
#include "tls/bearssl/inbound.h"
#include "tls/bearssl/local.h"
#include "tls/judge.h"
#include "tls/library.h"

/* What only a handshake needs; freed when it is complete, which may be on another thread than the
 * connection's own: malloc's, therefore, as its chain is. */
struct handshake {
    struct host host;
    struct bytes chain; /* DER of the peer's certificates, one behind the other */
    size_t chain_used;
    size_t ends[CHAIN_CERTS_MAX]; /* where each ends in chain */
    size_t count;
    br_x509_pkey key; /* the peer's, once verified; points into chain */
    struct path_verdict verdict;
    struct inbound inbound;
    /* A record of ours in clear text, ahead of all of BearSSL's: a client's hello, or the alert
     * that refuses the peer's certificate. */
    uint8_t record[HELLO_BYTES_MAX];
    size_t record_bytes, record_taken;
};

/* A vtable that BearSSL calls, and what it is about. BearSSL hands back the address of the vtable
 * pointer, which must therefore come first. */
struct verifier {
    const br_x509_class *vtable;
    struct tls *tls;
};

struct client_auth {
    const br_ssl_client_certificate_class *vtable;
    const br_ssl_client_certificate_class **own; /* BearSSL's, with our key; null: no certificate */
    struct tls *tls;
};

struct server_cache {
    const br_ssl_session_cache_class *vtable;
    struct tls *tls;
};

struct tls {
    struct tls_head head; /* first */
    const struct tls_config *config;
    struct bear_local *local;
    struct handshake *handshake; /* null exactly from the end of a successful handshake on */
    enum ringsend_error error;   /* own judgement; BearSSL's comes on top in tls_error */
    const char *detail;
    bool ready;
    bool saw_bytes; /* the peer's first byte was looked at */
    bool asked;     /* the server asked for a client certificate */
    bool full;      /* client: the server sent its certificate, so the session is new */
    bool offered;
    enum tls_work work;          /* of the handshake, as soon as it is known */
    bool said_farewell;          /* tls_close was called */
    bool declined;               /* a renegotiation */
    bool mid_record;             /* tls_take has given a part of one */
    bool resumed;                /* server only; a client did unless full */
    int64_t session_not_after_s; /* of the session in use */
    struct session_key key;
    struct verifier verifier;
    struct client_auth client_auth;
    struct server_cache server_cache;
    union context context;
    uint8_t buffer[];
};

/* Fails a client's handshake and has the server told why. Until the server has had our answer to
 * its certificate the record layer is in clear text, so the alert can be written by hand. The first
 * reason sticks. */
void refuse(struct tls *t, enum ringsend_error error, const char *detail);

/* verify.c: the classes, and the chain's judgement. */
extern const br_x509_class verifier_class;
extern const br_ssl_client_certificate_class client_auth_class;
void handshake_free(struct handshake *handshake);

#endif
