/* TLS of one connection. */
#ifndef RINGSEND_ENGINE_CONN_TLS_H
#define RINGSEND_ENGINE_CONN_TLS_H

#include "ringsend.h"

#include <stdbool.h>
#include <stddef.h>

struct conn;
struct ringsend;

enum ringsend_error secure_load(struct ringsend *e); /* what https needs, once */
bool secure_open(struct conn *c);                    /* false: memory is out */
/* Moves the handshake on. RINGSEND_OK: wait, or it is complete when *complete. */
enum ringsend_error secure_handshake(struct conn *c, bool *complete, const char **detail);
bool secure_is_lent(const struct conn *c); /* to the worker: nobody else may touch its TLS */
/* Encrypts what comes next of exchange.parts and gives it to the ring, as far as there is room. */
enum ringsend_error secure_send(struct conn *c);
void secure_sent(struct conn *c); /* its send is over: the cipher bytes' memory goes back */
bool secure_has_more(const struct conn *c); /* not all of exchange.parts is encrypted yet */
/* Feeds received bytes; *plain is then what can be read, null: nothing more. Call until null. */
enum ringsend_error secure_receive(struct conn *c, struct ringsend_bytes *cipher,
                                   struct ringsend_bytes *plain, const char **detail);
void secure_consume(struct conn *c, size_t plain_bytes);
bool secure_ended_well(const struct conn *c); /* the peer said farewell before the stream's end */
/* Says it, or the alert that a failure calls for, if the connection can still carry it. */
void secure_farewell(struct conn *c);
void secure_close(struct conn *c);
/* After a broken ring's worker has ended: wipes and frees what is open. Buffers stay, for the
 * kernel may still look at them. */
void secure_break(struct ringsend *e);
void secure_returns(struct ringsend *e); /* takes back what the worker has done */

#endif
