/* TLS of one connection, between the bytes on its socket and those of HTTP. It does no I/O:
 * what was received is put in, what is to be sent is taken out. */
#ifndef RINGSEND_SERVE_CONN_TLS_H
#define RINGSEND_SERVE_CONN_TLS_H

#include "base/buf.h"
#include "base/span.h"
#include "tls/tls.h"

#include <stdbool.h>
#include <stddef.h>

struct serve_tls;

/* Both outlive it. Null when memory is out. */
struct serve_tls *serve_tls_new(struct tls_local *local, struct buf_pool *pool);
/* What serve_tls_take gave is no longer being sent. Null is allowed. */
void serve_tls_free(struct serve_tls *t);

/* Keeps bytes of the socket; false when memory is out. */
bool serve_tls_receive(struct serve_tls *t, const char *cipher, size_t bytes);
/* How many of them wait. */
size_t serve_tls_waiting(const struct serve_tls *t);
/* The next plain bytes, valid until they are consumed; none: first something else must be received
 * or taken. Does the public-key work of the handshake. */
struct ringsend_bytes serve_tls_peek(struct serve_tls *t);
void serve_tls_consume(struct serve_tls *t, size_t bytes);

/* Encrypts; returns how many bytes were accepted, as many as one send is good for. What belongs
 * together is flushed at its end. Neither while something is being sent. */
size_t serve_tls_write(struct serve_tls *t, struct ringsend_bytes plain);
void serve_tls_flush(struct serve_tls *t);
/* Says farewell (close_notify) behind all that was written. */
void serve_tls_close(struct serve_tls *t);
/* What is to be sent now, valid until serve_tls_sent, before which it is not called again; none:
 * nothing is. */
struct ringsend_bytes serve_tls_take(struct serve_tls *t);
void serve_tls_sent(struct serve_tls *t);

/* The handshake is complete. */
bool serve_tls_is_ready(const struct serve_tls *t);
/* It resumed a session. */
bool serve_tls_is_resumed(const struct serve_tls *t);
/* It is over: TLS failed, or memory is out. What was to be said about it has been taken. */
bool serve_tls_has_failed(const struct serve_tls *t);
/* The client said farewell: it sends no more, and wants nothing more (RFC 5246 7.2.1). */
bool serve_tls_has_ended(const struct serve_tls *t);

#endif
