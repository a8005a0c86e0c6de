/* A veil: TLS of one visitor, between the bytes on its socket and those of HTTP. It does no I/O:
 * what was received is put in, what is to be sent is taken out. */
#ifndef RINGSEND_SERVE_CONN_TLS_H
#define RINGSEND_SERVE_CONN_TLS_H

#include "base/buf.h"
#include "base/span.h"
#include "tls/tls.h"

#include <stdbool.h>
#include <stddef.h>

struct veil;

/* Both outlive it. Null when memory is out. */
struct veil *veil_new(struct tls_local *local, struct buf_pool *pool);
/* What veil_take gave is no longer being sent. Null is allowed. */
void veil_free(struct veil *veil);

/* Keeps bytes of the socket; false when memory is out. */
bool veil_receive(struct veil *veil, const char *cipher, size_t bytes);
/* How many of them wait. */
size_t veil_waiting(const struct veil *veil);
/* The next plain bytes, valid until they are consumed; none: first something else must be received
 * or taken. Does the public-key work of the handshake. */
struct ringsend_bytes veil_peek(struct veil *veil);
void veil_consume(struct veil *veil, size_t bytes);

/* Encrypts; returns how many bytes were accepted, as many as one send is good for. What belongs
 * together is flushed at its end. Neither while something is being sent. */
size_t veil_write(struct veil *veil, struct ringsend_bytes plain);
void veil_flush(struct veil *veil);
/* Says farewell (close_notify) behind all that was written. */
void veil_close(struct veil *veil);
/* What is to be sent now, valid until veil_sent, before which it is not called again; none: nothing
 * is. */
struct ringsend_bytes veil_take(struct veil *veil);
void veil_sent(struct veil *veil);

/* The handshake is complete. */
bool veil_is_ready(const struct veil *veil);
/* It resumed a session. */
bool veil_is_resumed(const struct veil *veil);
/* It is over: TLS failed, or memory is out. What was to be said about it has been taken. */
bool veil_has_failed(const struct veil *veil);
/* The client said farewell: it sends no more, and wants nothing more (RFC 5246 7.2.1). */
bool veil_has_ended(const struct veil *veil);

#endif
