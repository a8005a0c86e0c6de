/* HTTP/2 of one connection: its streams, each with a turn of its own. It does no I/O: what was
 * received is put in, what is to be sent is taken out. */
#ifndef RINGSEND_SERVE_CONN_H2_H
#define RINGSEND_SERVE_CONN_H2_H

#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct serve_conn;
struct serve_h2;
struct server;

/* Null when memory is out. */
struct serve_h2 *serve_h2_new(struct server *p);
/* What serve_h2_peek gave is no longer being sent. Requests that were not answered are settled.
 * Null is allowed. */
void serve_h2_free(struct server *p, struct serve_h2 *h);

void serve_h2_receive(struct serve_h2 *h, const char *data, size_t bytes);
enum serve_h2_next {
    SERVE_H2_WAIT,
    SERVE_H2_LEAVE, /* once nothing is left to be sent */
    SERVE_H2_RESET  /* as a fault says: at once, for all of its requests */
};
/* Goes on with all its streams. */
enum serve_h2_next serve_h2_run(struct server *p, struct serve_conn *v, bool eof);
/* When it is to be run again whatever comes; TIMER_NEVER. */
uint64_t serve_h2_next_ns(const struct serve_h2 *h);
/* What is to be sent next, valid until it is consumed; none: nothing is. */
struct ringsend_bytes serve_h2_peek(struct serve_h2 *h);
void serve_h2_consume(struct serve_h2 *h, size_t bytes);

#endif
