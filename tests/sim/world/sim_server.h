/* The simulated peers: names, addresses, and the HTTP servers behind them; and the ledger of what
 * they were sent.
 *
 * Each request of a test is a *record* with a number, which stands in its path (/r/7), in its
 * x-record-id header and, spun out, in its body; the body of each answer is spun from the record's
 * number and the delivery's, so that a response can reach no other record unseen. A *delivery* is
 * one time that bytes of a record entered a connection. The ledger checks promise 3 at each: a
 * record that must not be done twice is delivered again only when all its earlier deliveries were
 * declined, that is, answered with a head whose status is 408, 421, 425, 429 or 503, or in full
 * with sim.declining.
 *
 * A path of /h/7 is a *hop*: a redirect has led record 7 there, by the method that the redirect
 * says. A record that was answered by one to a GET is never delivered again itself, whatever it
 * is; one that is to be sent elsewhere (307, 308) is a delivery of its own there. */
#ifndef RINGSEND_TESTS_SIM_WORLD_SIM_SERVER_H
#define RINGSEND_TESTS_SIM_WORLD_SIM_SERVER_H

#include "tests/sim/world/sim_ring.h"
#include "tests/sim/world/sim_tls.h"

#include <netinet/in.h>

enum sim_framing {
    FRAMING_LENGTH,
    FRAMING_CHUNKED,
    FRAMING_TRAILERS, /* chunked, with trailers */
    FRAMING_CLOSE     /* until end of stream */
};

/* What the server does after its answer, or after the part of it that it sends. */
enum sim_then { THEN_KEEP, THEN_END, THEN_RESET, THEN_STALL };

struct sim_answer {
    int status; /* 0: no answer at all, only `then` */
    enum sim_framing framing;
    uint32_t body_bytes;
    const char *body;    /* null: spun */
    const char *decoded; /* what a client that decodes must see of it; null: the same */
    uint32_t decoded_bytes;
    const char *headers;  /* further lines, each with its CRLF */
    uint32_t interim;     /* so many 1xx before it */
    bool interim_ahead;   /* these come when the request's head is in */
    bool bare_lf;         /* head lines end in LF */
    bool early;           /* comes when the request's head is in; its body is then read no more */
    uint32_t early_bytes; /* early, but only when so many bytes of the body are in */
    bool reads_on;        /* early, and the body is read to its end all the same */
    bool valid_raw;       /* `raw` is a response a client must accept, without body */
    const char *raw;      /* sent in place of a well-made response */
    const char *unsolicited; /* sent behind it */
    uint64_t unsolicited_ns; /* so long; the connection may be used meanwhile. 0: at once */
    bool deaf;               /* the server takes no more bytes from then on */
    bool unsolicited_joined; /* TLS: in the same record as the end of the response */
    bool farewell_less;      /* TLS: THEN_END without close_notify */
    int record_type;         /* TLS: a record of this type with `record` in it comes before */
    const char *record;
    uint32_t record_bytes;
    uint64_t delay_ns;   /* before its first byte */
    uint64_t pause_ns;   /* in its middle */
    int32_t truncate_at; /* so many bytes of it are sent; 0: all; negative: all but so many */
    enum sim_then then;
    uint64_t then_ns; /* after its last byte */
};

enum sim_connect { CONNECT_ACCEPTED, CONNECT_FAILS, CONNECT_HANGS };

struct sim_proxy;

struct sim_peer {
    struct sockaddr_storage address;
    uint32_t origin; /* bounds on connections per origin count over it */
    uint32_t connections;
    enum sim_connect connect;
    int connect_error; /* errno, when it fails */
    bool no_source;    /* this machine has no address of its family */
    uint32_t ports;    /* this machine has so many for connections to its origin; 0: enough */
    uint64_t connect_ns;
    size_t window;     /* it takes so many bytes of a connection, and no more; 0: all */
    uint64_t idle_ns;  /* closes connections idle for so long; 0: never */
    bool idle_resets;  /* by a reset */
    bool first_counts; /* `script` tells the first answers on each connection, not of the peer */
    /* Its answers in order, the last one again and again; none: by the seed. */
    const struct sim_answer *script;
    uint32_t script_count;
    /* It is a proxy: what it is like to the connections, in order, the last for all others. */
    const struct sim_proxy *proxies;
    uint32_t proxies_count;
    bool absolute; /* it is one without tunnels */
    /* TLS */
    enum sim_certificate certificate;
    enum sim_greeting greeting;
    uint32_t greetings;   /* so many handshakes are greeted so, the others well; 0: all */
    uint64_t greeting_ns; /* before each flight */
    uint8_t alert;        /* with GREETING_MOVED */
    bool forgets;         /* resumes no session */
    struct tls_local *sessions;
    /* HTTP/2: takes what has arrived; the ledger then knows nothing of it. Null: not spoken. */
    void (*frames)(struct sim_socket *s, const char *data, size_t bytes);
    void (*gone)(struct sim_socket *s);

    /* What happened. */
    uint32_t connects, accepted, answers;
    uint32_t ways, asked; /* of a proxy: connections on which something was said; whole questions */
    uint32_t greeted, full, resumed; /* handshakes begun; complete */
    uint32_t refused;                /* with GREETING_MOVED */
    uint64_t last_connect_ns, last_close_ns;
};

enum sim_name_kind { NAME_FOUND, NAME_NOT_FOUND, NAME_FAILS, NAME_HANGS };

struct sim_name {
    const char *name;
    enum sim_name_kind kind;
    uint64_t delay_ns;
    uint32_t count;
    struct sockaddr_storage addresses[8];
    uint32_t lookups; /* what happened */
};

struct sim_record {
    const char *method;
    bool replayable; /* may be delivered again whatever became of it */
    bool has_body;
    bool chunked; /* its length is not told ahead */
    uint64_t body_bytes;
    const uint64_t
        *streamed; /* statuses whose responses are: a set of bits, 100 the first; null: none */
    bool https;
    const unsigned char *in_doubt; /* where its request's mark stands; null: it has none */
    unsigned char in_doubt_mask;

    /* What happened. */
    uint32_t deliveries; /* times that any byte of it entered a connection */
    uint32_t complete;   /* times that a server has read all of it */
    bool may_wait;       /* an answer was large or packed: it may have to wait for room */
    uint32_t latest;     /* the latest delivery: index in the ledger + 1; 0: none */
    uint64_t delivered_ns[16];
};

struct sim_delivery {
    uint32_t record;
    uint32_t number; /* of the record's deliveries, from 1 */
    bool is_hop;
    bool to_get;       /* a hop by GET, without a body */
    size_t bytes;      /* of the request that entered the connection */
    bool entered;      /* all of it entered the connection */
    bool complete;     /* the server has read all of it */
    bool interim_sent; /* its 1xx were, ahead of the answer */
    bool answered;
    bool answer_valid;   /* a client must accept the answer, once it has come in full */
    bool answer_in;      /* all of it was handed to the engine */
    uint64_t arrived_ns; /* all of it had arrived by then; 0: not, or who knows */
    bool until_end; /* its body ends with the stream; with TLS: with the farewell, which is part
                          of the answer then, and this false */
    size_t answer_begin,
        answer_end;    /* of it, or of its head with until_end: offsets in the connection's `in` */
    size_t taken;      /* bytes of it that were handed to the engine */
    size_t head_bytes; /* its head is among the first so many of these, with TLS at least */
    int status;
    bool declines;    /* by sim.declining */
    bool malformed;   /* some of it may pass for a body, before the fault shows */
    bool streamed;    /* its body is, and so nobody decodes it and no predicate sees it */
    const char *body; /* as a client must see it; null: the spun one */
    uint32_t body_bytes;
};

void server_begin(void);
void server_end(void);

/* ---- Making a world. Pointers stay valid to the next server_begin. ---- */
struct sim_peer *sim_peer_new(const char *ip, uint16_t port, uint32_t origin);
struct sim_name *sim_name_new(const char *name);
void sim_name_address(struct sim_name *name, const char *ip);
/* Null when there is none. */
struct sim_name *sim_name_find(const char *name);

/* With the fields that stand above "What happened". */
uint32_t sim_record_new(const struct sim_record *record);
struct sim_record *sim_record(uint32_t number);
/* Null when nothing of the record was ever delivered. */
const struct sim_delivery *sim_latest_delivery(uint32_t record);
/* Anything of any record was. */
bool sim_delivered(void);
/* The bodies from offset `at`: of a request (delivery 0), of the answer to a delivery. */
void sim_fill_body(uint32_t record, uint32_t delivery, uint64_t at, char *body, size_t bytes);
bool sim_body_is(uint32_t record, uint32_t delivery, uint64_t at, const char *body, size_t bytes);
/* Some of the answer's body, as a client must see it. */
bool sim_answer_is(const struct sim_delivery *d, uint64_t at, const char *body, size_t bytes);
/* A complete answer that leaves no doubt that the record was not processed. */
bool sim_status_declines(int status);
/* By what had come of its answer: all of it, or the head of one whose status does. */
bool sim_delivery_declined(const struct sim_delivery *d);

/* ---- For the sockets ---- */
struct sim_peer *server_find(const struct sockaddr *address);
/* This machine has an address from which it could talk to that one. */
bool server_has_source(const struct sockaddr *address);
void server_connected(struct sim_socket *s);
/* Plain bytes begin to enter the connection, these in all: a new delivery, unless one is entering.
 */
void server_delivery(struct sim_socket *s, const char *data, size_t bytes);
/* Some of them enter. */
void server_enters(struct sim_socket *s, const char *data, size_t bytes);
/* Plain or encrypted, as the connection is. */
void server_output(struct sim_socket *s, uint64_t at_ns, const void *data, size_t bytes);
void server_input(struct sim_socket *s, const char *data, size_t bytes);
/* Its end is to be seen, or the answer to the latest delivery on it is not all in. */
bool server_owes(const struct sim_socket *s);
/* More of the stream has arrived on the engine's side. */
void server_arrived(struct sim_socket *s);
/* The engine was handed more of the stream. */
void server_taken(struct sim_socket *s);
void server_gone(struct sim_socket *s);

#endif
