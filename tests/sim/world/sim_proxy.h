/* A proxy in front of a simulated server: what it answers before it opens the way. The server
 * behind it is the peer's own, whoever was asked for. */
#ifndef RINGSEND_TESTS_SIM_WORLD_SIM_PROXY_H
#define RINGSEND_TESTS_SIM_WORLD_SIM_PROXY_H

#include "tests/sim/world/sim_server.h"

struct sim_proxy {
    bool socks;
    const char *user;    /* SOCKS: NAME:PASSWORD that it asks for; null: nobody */
    const char *answer;  /* in place of the good one; SOCKS: to the request */
    size_t answer_bytes; /* 0: to its NUL */
    bool refuses;        /* that answer opens no way */
    bool mute;           /* there is none */
    uint64_t delay_ns;   /* before it */
    size_t split_at;     /* so many bytes of it come first, */
    uint64_t split_ns;   /* and the rest so long after them */
    size_t truncate_at;  /* no more come than these; 0: all do */
    enum sim_then then;  /* behind that: THEN_END, THEN_RESET */
};

/* The engine hands bytes over, all of these in one send: true while they are the proxy's. */
bool sim_proxy_enters(const struct sim_socket *s, const char *data, size_t bytes);
/* Bytes have arrived there. */
void sim_proxy_input(struct sim_socket *s, const char *data, size_t bytes);

#endif
