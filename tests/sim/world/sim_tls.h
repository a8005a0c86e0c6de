/* TLS at the server's end of a simulated socket, by the server role of tls/tls.h.
 *
 * The engine's bytes are decrypted when they enter the connection, for the ledger has to know at
 * that moment which record they belong to; what comes of them (plain bytes for the server, its next
 * flight) happens when they arrive. Random bytes come from the seed, in the engine's TLS too. */
#ifndef RINGSEND_TESTS_SIM_WORLD_SIM_TLS_H
#define RINGSEND_TESTS_SIM_WORLD_SIM_TLS_H

#include "tests/sim/sim.h"

struct sim_peer;
struct sim_socket;
struct sim_tls;
struct tls;

enum sim_certificate {
    CERTIFICATE_NONE,      /* it speaks HTTP only */
    CERTIFICATE_GOOD,      /* HTTP and TLS, as the first byte asks */
    CERTIFICATE_ELSEWHERE, /* of another host */
    CERTIFICATE_STRANGER   /* of an unknown authority */
};

/* How a server takes part in the handshake. */
enum sim_greeting {
    GREETING_GOOD,
    GREETING_NONE,    /* takes bytes and is silent */
    GREETING_ENDS,    /* ends the stream in place of its first flight */
    GREETING_RESETS,  /* likewise, by a reset */
    GREETING_CUT,     /* ends the stream within its first flight */
    GREETING_MANGLED, /* one bit of its first flight is wrong */
    GREETING_HTTP,    /* answers in plain HTTP */
    GREETING_LEAVES,  /* says farewell and ends the stream right behind the handshake */
    GREETING_WARNS,   /* sends an alert of no consequence right behind the handshake */
    GREETINGS,
    GREETING_REFUSES, /* a fatal alert for whoever wants to resume */
    GREETING_OLD,     /* a fatal alert for everybody: it speaks another version */
    GREETING_MOVED    /* one for whoever does not use the second library */
};

/* Types of records, RFC 5246 6.2.1. */
enum { RECORD_ALERT = 21, RECORD_HANDSHAKE = 22, RECORD_DATA = 23 };

/* What the engine is to trust: the path of a file that lives as long as the program. */
const char *sim_tls_ca_file(void);

/* A new world: its random bytes start with its seed. */
void sim_tls_begin(void);
/* Forgets the sessions of a peer. */
void sim_tls_forget(struct sim_peer *peer);

/* A send of the engine begins to enter the connection, with these bytes in all. True: it is TLS. */
bool sim_tls_enters(struct sim_socket *s, const char *data, size_t bytes);
/* More of what entered has arrived. */
void sim_tls_arrived(struct sim_socket *s);
void sim_tls_gone(struct sim_socket *s);

/* Plain bytes on their way to the engine, encrypted. */
void sim_tls_output(struct sim_socket *s, uint64_t at_ns, const void *plain, size_t bytes);
/* One record of any type. Nothing happens before the handshake is complete. */
void sim_tls_record(struct sim_socket *s, uint64_t at_ns, int type, const void *plain,
                    size_t bytes);
/* close_notify. Unlike tls_close it leaves the ear open: the ledger must know what still comes. */
void sim_tls_farewell(struct sim_socket *s, uint64_t at_ns);

/* Handshakes that the worker has now; pieces of them that it has done so far, in all worlds. */
uint32_t sim_handshakes_handed_off(void);
uint32_t sim_handshakes_worked_on(void);
/* How many bytes of memory belong to it. */
size_t sim_tls_memory(const struct tls *tls);
/* How long the worker takes for what it is fed next: by its peer, or by chance. */
uint64_t sim_tls_work_ns(const struct tls *tls);

#endif
