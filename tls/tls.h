/* TLS without I/O: cipher bytes in and out, plain bytes in and out. Two libraries stand behind it:
 * BearSSL (TLS 1.2, ECDHE, AES-GCM or ChaCha20-Poly1305), the cheaper one, and OpenSSL (TLS 1.3 as
 * well, extended master secret, tickets), for the servers that the first cannot speak to. Both
 * judge certificates by the same code, tls/x509. OpenSSL is loaded when it is first needed.
 *
 *   tls_config  trust, own certificate, defaults. Built once, then only read: any number of threads
 *               may share it. Outlives all that is made from it.
 *   tls_local   what one thread keeps for one config: random bytes in stock, sessions to resume.
 *   tls         one connection, of one owner at a time.
 *
 * Level-driven: tls_state says what can move now; the caller moves it and asks again.
 *
 *   t = tls_client_new(local, host, port, protocols)
 *   until tls_is_ready(t) or tls_state(t) is TLS_CLOSED:
 *       TLS_TAKE: tls_take, send        else TLS_FEED: receive, tls_feed; end of stream: tls_end
 *   tls_keep_session(t), or after a failure tls_forget_session(t)
 *   requests: tls_write, tls_flush, tls_take, as often as needed; responses: tls_feed, tls_peek,
 *   tls_consume. tls_close, tls_take, tls_free.
 *
 * Threads. While a handshake lasts, tls_feed does the public-key work (2 to 11 ms for a client) and
 * no other function does any. Of the world it touches the tls, its config, and malloc: so between
 * tls_client_new and tls_is_ready the owner may hand the tls to another thread for that call alone,
 * and touch it again when it comes back. Server connections also use their tls_local in tls_feed:
 * those of one tls_local are fed by one thread at a time.
 *
 * Which library. With TLS_AUTO each origin (host and port) begins with BearSSL. Where a server
 * refuses that handshake by an alert that OpenSSL may cure, tls_ask_again says so, and all later
 * connections to that origin go by OpenSSL: another one can be made at once. What verification has
 * refused stays refused. An origin that takes up no session by its id in its first handshakes goes
 * on with OpenSSL, whose tickets it may take.
 *
 * A client offers protocols by ALPN (RFC 7301) and takes a server that chooses one of them, or says
 * nothing of it; a server answers no ALPN. Neither renegotiates, and a client takes no server that
 * could be made to: without RFC 5746 somebody in between can put bytes of his own before ours.
 * Revocation is not looked at.
 *
 * No plain byte can leave before the handshake, and with it the verification of the peer, is
 * complete: until then TLS_WRITE is absent and tls_write takes nothing. */
#ifndef RINGSEND_TLS_H
#define RINGSEND_TLS_H

#include "base/errors.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- Configuration ---- */

enum tls_choice { TLS_AUTO, TLS_BEARSSL, TLS_OPENSSL };

/* Zeroed: a client that trusts the system's authorities. */
struct tls_options {
    bool server;
    bool insecure;             /* client: do not verify the peer */
    bool half_duplex;          /* one buffer for both directions: 20 KiB less per connection; then
                               nothing can be fed while bytes wait to be taken, nor written while
                               a record is half fed or not all consumed */
    const char *ca_file;       /* client: PEM; null: $SSL_CERT_FILE and $SSL_CERT_DIR, else the
                                  system's. Every certificate in it is trusted, authority or not */
    const char *chain_file;    /* own certificate first, then its issuers: PEM. Servers need one */
    const char *key_file;      /* its key: PEM, unencrypted; null: it is in chain_file */
    bool legacy_renegotiation; /* client: take servers without secure renegotiation (RFC 5746) */
    enum tls_choice library;   /* client; a server is always BearSSL's */
    bool min_13;               /* client: TLS 1.3 and nothing older, so OpenSSL */
    int64_t now_s;             /* UTC to verify at, for tests; 0: the clock's */
};

struct tls_config;
#define TLS_NO_MEMORY "memory is out"

/* Reads the files, each once: any that can be read to its end. Null on failure, and message says
 * what, in which file, and the cure; or TLS_NO_MEMORY, and another try may succeed. Else message
 * has what is to be known all the same (certificates passed over, a key that others can read), or
 * nothing. Blocks on the disk; takes 1 ms of CPU for the 140 authorities of a system. */
struct tls_config *tls_config_new(const struct tls_options *options, char *message,
                                  size_t message_bytes);
/* Wipes the key. Null is allowed. */
void tls_config_free(struct tls_config *config);
/* Null, or why there is no OpenSSL: static. Loads it. */
const char *tls_openssl_fault(void);
/* "OpenSSL 3.0.19 27 Jan 2026", or null: static. Loads it. */
const char *tls_openssl_version(void);
/* How many certificates are trusted. */
size_t tls_config_anchors(const struct tls_config *config);
/* Where they come from, for people. */
const char *tls_config_anchors_source(const struct tls_config *config);

/* Why an origin's connections go by OpenSSL, though the choice began with BearSSL. */
enum tls_move {
    TLS_STAYED,
    TLS_MOVED_FOR_TICKETS, /* no session was taken up by its id */
    TLS_MOVED_REFUSED,     /* the server refused what BearSSL offers */
};

/* What is known of an origin that was spoken to, or is about to be. */
struct tls_origin {
    char host[256]; /* in lower case */
    uint16_t port;
    enum tls_move move;
    const char *library, *version; /* of the last handshake, static; null: none is done */
};

/* The one of that number, in the order in which they were met; false: there are fewer. Any
 * thread. */
bool tls_origin_at(const struct tls_config *config, size_t number, struct tls_origin *origin);
/* Likewise of those that have moved to OpenSSL, in the order in which they did. */
bool tls_moved_at(const struct tls_config *config, size_t number, struct tls_origin *origin);

struct memory;
struct tls_local;

/* sessions_max: how many sessions are remembered, the least recently used forgotten first; 0: none.
 * A client's session costs 200 bytes, a server's 100. memory: base/memory.h's, for it and its
 * connections, but for what a handshake needs while it lasts, which is malloc's; null: all is
 * malloc's. Null: memory is out. */
struct tls_local *tls_local_new(const struct tls_config *config, uint32_t sessions_max,
                                struct memory *memory);
/* Wipes the sessions. All tls made with it are freed before. Null is allowed. */
void tls_local_free(struct tls_local *local);

/* Protocols to offer: their names, the dearest first, then null. At most TLS_PROTOCOLS_BYTES_MAX
 * together, with a byte more for each. They and the list are static, or outlive all tls. */
typedef const char *const *tls_protocols;
enum { TLS_PROTOCOLS_BYTES_MAX = 64 };
extern const char *const tls_http1[]; /* "http/1.1" */

/* Would a connection to there that offers these try to resume? A session serves those who offer
 * what it was made with. */
bool tls_has_session(struct tls_local *local, const char *host, uint16_t port,
                     tls_protocols protocols);

/* ---- One connection ---- */

struct tls;

enum {
    TLS_HOST_BYTES_MAX = 255,
    /* Plain bytes of one record, and what a record costs on top (header, nonce, tag). */
    TLS_RECORD_PLAIN_BYTES = 16384,
    TLS_RECORD_OVERHEAD_BYTES = 29,
};

/* host: a DNS name or an IP address as text (no brackets), at most TLS_HOST_BYTES_MAX bytes; of any
 * other the connection has failed from the start, as it has when the kernel gave no random bytes.
 * Resumes a session when there is one. protocols: null or empty: ALPN is not used. Null: memory is
 * out. 5 us. */
struct tls *tls_client_new(struct tls_local *local, const char *host, uint16_t port,
                           tls_protocols protocols);
struct tls *tls_server_new(struct tls_local *local);
/* Of a client's handshake that has failed: another connection to there goes by the other library,
 * at once, and may succeed. */
bool tls_ask_again(const struct tls *t);
/* Its library and, once it is ready, its version of TLS: static. */
const char *tls_library_name(const struct tls *t);
const char *tls_version_name(const struct tls *t);
/* Of a client that is ready: the one of its protocols that the server has chosen. Null: it has
 * chosen none. A server that names another has failed. */
const char *tls_protocol(const struct tls *t);
/* Wipes and frees. Null is allowed. */
void tls_free(struct tls *t);

enum tls_state {
    TLS_TAKE = 1,  /* cipher bytes stand ready to leave */
    TLS_FEED = 2,  /* cipher bytes of the peer are wanted */
    TLS_WRITE = 4, /* plain bytes are accepted; the handshake is complete */
    TLS_READ = 8,  /* plain bytes of the peer stand ready */
    TLS_CLOSED =
        16 /* over: tls_error tells whether in peace. Alone in the set, but for TLS_TAKE when
                       the peer is to be told by an alert why its certificate was refused */
};

/* A set of enum tls_state. */
unsigned tls_state(const struct tls *t);
/* True from the end of the handshake on, closed or not. */
bool tls_is_ready(const struct tls *t);

/* Moves cipher bytes out, of as many records as fit. Returns how many. */
size_t tls_take(struct tls *t, void *out, size_t room);
/* What tls_feed is about to cost a client, by what has come: all of it, from where the last
 * tls_feed ended, and not empty. */
enum tls_work {
    TLS_WORK_UNKNOWN, /* more of the peer's first message has to come; not to be fed yet */
    TLS_WORK_LIGHT,   /* no public-key work: that is done, or the offered session is taken up */
    TLS_WORK_HEAVY    /* maybe */
};
enum tls_work tls_foresee(struct tls *t, const void *cipher, size_t bytes);
/* Moves cipher bytes in. Returns how many were used: fewer than given when something else must move
 * first (read plain bytes, take cipher bytes) or it is over. */
size_t tls_feed(struct tls *t, const void *cipher, size_t bytes);
/* The transport ended. RINGSEND_OK, or why that is a failure: RINGSEND_E_TLS_CLOSED inside a
 * handshake. After it, a missing farewell is for the caller to judge: see tls_peer_closed. */
enum ringsend_error tls_end(struct tls *t);

/* Encrypts; a record leaves when it is full or at tls_flush. Returns how many bytes were accepted:
 * up to one record's, then tls_take makes room. */
size_t tls_write(struct tls *t, const void *plain, size_t bytes);
/* Closes the record begun. Harmless without one. */
void tls_flush(struct tls *t);
/* The plain bytes that stand ready, valid until the next call that changes t; null: none. */
const void *tls_peek(const struct tls *t, size_t *bytes);
void tls_consume(struct tls *t, size_t bytes);

/* Says farewell (close_notify) behind all that was written: then take and send what stands ready,
 * without waiting for the peer's. Plain bytes not yet consumed are lost. */
void tls_close(struct tls *t);
/* Did the peer say farewell? If not, what came may have been cut off (RFC 5246 7.2.1). Sure only
 * when all fed bytes were used. */
bool tls_peer_closed(const struct tls *t);

/* The server wanted another handshake on this connection, and was told no: an alert, which tls_take
 * brings. */
bool tls_declined_renegotiation(const struct tls *t);

/* The first failure, RINGSEND_OK while there is none. */
enum ringsend_error tls_error(const struct tls *t);
/* A sentence more about it, or null. Lives as long as t. */
const char *tls_detail(const struct tls *t);

/* ---- Sessions: on the thread of the tls_local ---- */

/* After a handshake: remembers its session for the next connection to the same host and port, until
 * its certificates expire, at most a day. False when there is nothing to remember. Some servers
 * name sessions that they forget at once (nginx as it comes): only tls_resumed of a later
 * connection tells. */
bool tls_keep_session(const struct tls *t);
/* After a failure: the next connection begins anew. */
void tls_forget_session(const struct tls *t);
/* A session was offered to the server; and it took it (a server: it resumed one). */
bool tls_offered_session(const struct tls *t);
bool tls_resumed(const struct tls *t);

#endif
