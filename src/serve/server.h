/* The test server: HTTP/1.1, and HTTP/2 if asked to, on one ring that answers every request alike,
 * with the latency, the limits and the faults it was told. It is the target of the demo and of the
 * tests, and a rehearsal of a real platform; it serves no files and keeps no state beyond its
 * counters. */
#ifndef RINGSEND_SERVE_SERVER_H
#define RINGSEND_SERVE_SERVER_H

#include "base/span.h"
#include "serve/fault.h"
#include "serve/limits.h"
#include "uring/ring.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SERVER_STATUSES = 600,            /* statuses are 200..599 */
    SERVER_CONNECTIONS_MAX = 30000,   /* with room for those beyond in LIMIT_CONNECTIONS */
    SERVER_CONNECTIONS = 20000,       /* default of connections_max, where the
                                           process may have so many descriptors */
    SERVER_BODY_BYTES_MAX = 16 << 20, /* of options.body; two copies of it are kept */
    SERVER_WORKERS_MAX = 1024,
    SERVER_STREAMS_MAX = 1000,        /* of options.streams_max */
    SERVER_STREAMS = 100,             /* its default */
    SERVER_ECHO_BYTES_MAX = 64 << 20, /* of a request to be echoed; above: 413 */
    SERVER_JSON_BYTES = 2048,         /* of a report: only about twenty statuses can be in it */
};

#define SERVER_FILLER_BYTES_MAX (UINT64_C(1) << 40) /* of options.body when it is filler */

struct server;
struct tls_config;

/* What happens to connections beyond connections_max. */
enum server_over {
    SERVER_REFUSE, /* closed at once */
    SERVER_QUEUE,  /* kept, unread, until a place is free: first come, first served */
};

/* Borrowed for the server's life. */
struct server_options {
    const char *host;             /* to listen on: a name or an address */
    const char *port;             /* "0": any free one */
    const char *unix_socket;      /* in place of both: a path; null: none */
    bool unix_abstract;           /* that is a name in the abstract namespace */
    const struct tls_config *tls; /* of a server; null: plain HTTP */
    bool http2;                   /* too: who begins with its preface is answered by it */
    uint32_t streams_max;         /* of HTTP/2, for each connection; more are refused */
    struct fault_plan faults;
    uint32_t connections_max; /* 0: the default */
    enum server_over over;
    /* so many requests are worked on at a time, for the faults' delay; the others wait; 0: any
     * number */
    uint32_t workers;
    struct limits_plan limits; /* beyond them requests get 429 */
    uint32_t retry_after_s;    /* in 429 answers; in 503 too if retry_after_in_503 */
    bool retry_after_in_503;
    bool echo;                    /* the answer's body is the request's */
    bool digest;                  /* it is the length and SHA-256 of the request's, as JSON */
    struct ringsend_bytes body;   /* else this one; filler of that length when data is null */
    const char *body_type;        /* its Content-Type */
    uint32_t keep_alive_requests; /* the last of them closes the connection; 0: any number */
    uint64_t keep_alive_ns;       /* an idle connection is closed after this long; 0: never */
    const char *id_header;        /* lower-case name of the header with the record's id */
    const char *stats_path;       /* GET of it answers the report and is not itself counted */
    uint64_t pause_at_ns;         /* from the first request on: then */
    uint64_t pause_ns;            /* for so long nothing is read, answered or accepted; 0: never */
    enum ring_backend backend;    /* of its ring */
    int log_fd;                   /* opened for appending, not closed by the server; -1: none */
};

/* Requests = answers of all statuses + resets + closes + stalls + gone + stopped. */
struct server_report {
    uint64_t requests;         /* complete or malformed */
    uint64_t connections;      /* admitted */
    uint64_t connections_open; /* admitted and not closed by the client */
    uint64_t connections_peak; /* the most of those at once */
    uint64_t refused;          /* connections beyond the limit */
    uint64_t resets, closes, stalls;
    uint64_t gone;                      /* whose client left before their answer */
    uint64_t stopped;                   /* without an answer when the server was stopped */
    uint64_t handshakes_full;           /* TLS: complete, with all the public-key work */
    uint64_t handshakes_resumed;        /* complete, by a session of an earlier one */
    uint64_t handshakes_failed;         /* begun by the client and never completed */
    uint64_t http2_connections;         /* of those admitted: that speak HTTP/2 */
    uint64_t statuses[SERVER_STATUSES]; /* answers sent, by status */
};

/* Listens. 0, or a negated errno, and then a sentence about it in `error`. */
int server_new(struct server **server, const struct server_options *options, char *error,
               size_t error_bytes);
/* Why it works over epoll where io_uring was refused: a negated errno; else 0. */
int server_refused(const struct server *p);
/* Only before server_run or after it returned. Null is allowed. */
void server_free(struct server *p);
/* "127.0.0.1:8080", "[::1]:8080": where it listens. */
const char *server_address(const struct server *p);

/* Serves until server_stop; then closes all connections and writes the log out. 0, or a negated
 * errno when the ring broke. */
int server_run(struct server *p);
/* From any thread and from a signal handler. */
void server_stop(struct server *p);

/* The errno that ended the log, negated; 0 while all of it was written. */
int server_log_error(const struct server *p);
const struct server_report *server_report(const struct server *p);
/* One line of JSON without a newline; `out` holds SERVER_JSON_BYTES. Returns its length. */
size_t server_report_json(const struct server_report *report, char *out);

#endif
