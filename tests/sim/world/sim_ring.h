/* The simulated ring seen from the tests and from the simulated servers: its sockets.
 *
 * A socket is two byte streams. What the engine sends stands in `out` until it has travelled to the
 * server; what the server sends stands in `in`, was sent up to in_sent, has arrived up to
 * in_arrived, and was handed to the engine up to in_taken. As with TCP, no more arrives than there
 * is room for on the engine's side: it has to take some first. */
#ifndef RINGSEND_TESTS_SIM_WORLD_SIM_RING_H
#define RINGSEND_TESTS_SIM_WORLD_SIM_RING_H

#include "tests/sim/world/sim_request.h"
#include "uring/ring.h"

#include <sys/socket.h>

struct sim_ring;
struct sim_op;
struct sim_peer;
struct sim_tls;

enum sim_slot_step {
    SLOT_FREE,
    SLOT_CONNECTING,
    SLOT_CONNECTED,
    SLOT_FAILED, /* the connect did not succeed: a half-made socket */
    SLOT_CLOSING
};

struct sim_socket {
    struct sim_ring *ring;
    enum sim_slot_step step;
    uint32_t slot, generation;
    uint64_t life; /* differs for each use of the slot; 0 exactly when free */
    uint64_t began_ns;
    struct sim_peer *peer;
    enum ring_use use;

    struct sim_text in;
    size_t in_sent, in_arrived, in_taken;
    uint64_t in_last_ns; /* when the last of it arrives */
    size_t in_glue;      /* the byte at this offset never comes as the last of a piece; 0: none */
    bool in_ended;
    uint64_t in_ended_ns; /* then: since when */
    /* the latest send was handed over behind it; no matter while the connection is new */
    bool end_is_old;
    int32_t in_end;    /* 0, or the negated errno */
    bool in_end_taken; /* the engine was told */
    struct sim_op *recv, *send;
    bool pumping;            /* an event is due that hands data to `recv` */
    bool opening;            /* an event is due by which the server hears of room */
    bool no_buffer;          /* the last receive ended with -ENOBUFS: */
    uint64_t returned_until; /* ring.buffers_returned then */

    struct sim_text out;
    size_t out_arrived;
    uint64_t out_last_ns;
    size_t window;    /* the server takes no more bytes than this */
    bool broken;      /* sends fail from now on */
    bool truncated;   /* a send has ended before its last byte went out */
    bool peer_closed; /* the server has closed its end: what arrives there is answered by a reset */
    uint32_t delivery; /* of the request being sent or answered: index in the ledger + 1 */
    uint32_t reading;  /* of the one that the server reads: behind it after an early answer */

    void *http2;           /* of peer.frames */
    uint32_t way;          /* through a proxy: number of it, of the peer's */
    bool way_is_open;      /* what is sent from now on goes to the server behind it */
    bool proxy_answers;    /* it has been asked in full */
    uint32_t socks_step;   /* 0: the greeting is to come; 1: the user; 2: the request */
    size_t proxy_bytes;    /* of `out`: its */
    struct sim_text asked; /* of it, so far */

    struct sim_tls *tls;         /* null: not, or not yet, spoken here */
    struct sim_request entering; /* the current request, as far as it entered the connection */
    struct sim_request request;  /* as far as the server has read it */
    bool answered;               /* the server has begun to answer it */
    uint32_t requests;           /* complete ones read on this connection */
    bool reuse_forbidden;        /* the server has said that it takes no further request */
    bool idle;                   /* the server has answered and waits */
};

/* ---- For the servers ---- */

/* Bytes on their way to the engine, to arrive at the time, or after what was sent before. */
void sim_socket_output(struct sim_socket *s, uint64_t at_ns, const void *data, size_t bytes);
/* End of stream (result 0) or a reset (negated errno), behind what was sent before. */
void sim_socket_end(struct sim_socket *s, uint64_t at_ns, int32_t result);

/* ---- For the tests ---- */

/* For engine_new_on. */
ring_make_fn sim_ring_new;

/* Sockets open now, from the connect to the completion of the close. */
uint32_t sim_sockets_open(void);
/* Bounds that must hold at each moment; 0: unbounded. */
void sim_ring_bounds(uint32_t connections_max, uint32_t connections_per_origin);
/* Calls watch(context, busy, leaving) whenever the engine is about to sleep: of the open sockets
 * `busy` have an operation in flight or an answer due, the others are idle; of the busy ones
 * `leaving` are on their way to be closed. Null: no more. */
typedef void sim_watch_fn(void *context, uint32_t busy, uint32_t leaving);
void sim_ring_watch(sim_watch_fn *watch, void *context);
/* Name lookups whose answers were not yet taken. */
uint32_t sim_lookups_in_flight(void);
/* From now on the ring gives nothing but errors: as when the kernel refuses to be entered. */
void sim_ring_break(void);
/* The latest ring was broken. */
bool sim_ring_broke(void);
/* No ring is left. */
bool sim_ring_gone(void);
/* The engine of that ring would be woken now: the number is how many there were when it was made.
 */
bool sim_ring_has_news(uint32_t number);

#endif
