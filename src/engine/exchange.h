/* An exchange: a request's bytes out, a response's bytes in, on one connection. */
#ifndef RINGSEND_ENGINE_EXCHANGE_H
#define RINGSEND_ENGINE_EXCHANGE_H

#include "base/buf.h"
#include "base/list.h"
#include "engine/steps.h"
#include "engine/task.h"
#include "engine/wire.h"
#include "http/response.h"
#include "ringsend.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct conn;
struct h2_stream;
struct request;
struct ringsend;

struct exchange {
    struct task task; /* woken by its timer alone: its clocks, from exchange_begin on */
    uint32_t slot;    /* in engine.exchanges */
    uint32_t generation;
    struct ringsend *engine;
    struct conn *conn;
    struct request *request; /* null exactly while the slot is free */
    struct list node;        /* in conn.exchanges; of a free slot: in engine.exchanges_free */
    enum send_half send;
    enum receive_half receive;
    bool early;          /* the response was complete before the request was out */
    uint8_t blank_bytes; /* of empty lines ahead of the response, passed over */
    enum ringsend_error send_error;
    uint64_t first_byte_at_ns; /* deadline; TIMER_NEVER until the request is sent */
    struct buf head;           /* head, and a small body or a part of a streamed one behind it; held
                                  until it has left */
    struct piece piece;        /* what is to leave of it */
    struct response response;
    struct h2_stream *stream; /* HTTP/2: from the first byte of the request on */
    bool has_body;            /* HTTP/2: DATA follows the request's head */
    bool is_whole;            /* HTTP/2: the response is; the stream's end may still be to come */
    bool is_ending;           /* HTTP/2: by end_error, as soon as no file's operation is left */
    enum ringsend_error end_error;
    struct list crowd; /* in engine.crowd: the response waits for room, and the clocks stand */
};

void exchange_begin(struct exchange *x); /* the connection is ready */
/* RINGSEND_OK: go on waiting, or all is done when receive is RECEIVE_DONE and nothing is owed. */
enum ringsend_error exchange_run(struct exchange *x, const char **detail);
/* Waits on, by its clocks as they are now. */
void exchange_wait(struct exchange *x);
/* When the nearest of them ends; TIMER_NEVER: they stand, or nothing is waited for any more but our
 * side. */
uint64_t exchange_deadline_ns(const struct exchange *x);
void exchange_sent(struct exchange *x); /* while SENDING: looks at what has become of it */
/* HTTP/2: it has begun, and there is no room for it after all; it goes on elsewhere, as if not. */
void exchange_put_back(struct exchange *x);
/* Its request's attempt is over with that: all that is known here goes there. */
void exchange_end(struct exchange *x, enum ringsend_error error, const char *detail);

/* ---- exchange_state.c ---- */

/* Alone write the two halves of the exchange, but for exchange_new. */
void exchange_send_goto(struct exchange *x, enum send_half half);
void exchange_receive_goto(struct exchange *x, enum receive_half half);
/* On a connection with room, for that request's attempt. The connection may still be being made. */
struct exchange *exchange_new(struct conn *c, struct request *r);
/* Lets go of one of which nothing was sent: its attempt goes on elsewhere. */
void exchange_put(struct exchange *x);
void exchange_wake(struct exchange *x); /* something that it waits for has come */
/* What had come for it when the picture was taken is known, and was looked at. */
bool exchange_is_seen(struct exchange *x);
/* The response is not to be taken before the request is all out. Of meaning when it is complete. */
bool exchange_owes(const struct exchange *x);

/* HTTP/2: it is to end, by that error, alone and not with its connection; it is running. The detail
 * may be null. */
void exchange_ends(struct exchange *x, enum ringsend_error error, const char *detail);

/* ---- exchange_end.c ---- */

/* Its timer has fired: ends it if one of its clocks is over. */
enum task_next exchange_expired(struct exchange *x);
/* Ends it early, by that error: as soon as nothing of the kernel's looks at its memory. */
void exchange_abandon(struct exchange *x, enum ringsend_error error);
/* HTTP/2: the same, of the exchange alone and not of its connection. The detail may be null. */
void exchange_end_alone(struct exchange *x, enum ringsend_error error, const char *detail);

#endif
