/* The steps of the engine's machines, in lists as base/machine.h has them. */
#ifndef RINGSEND_ENGINE_STEPS_H
#define RINGSEND_ENGINE_STEPS_H

#include "base/machine.h"

/* request.c */
#define REQUEST_STEPS(STEP)                                                           \
    /* asks its origin for an attempt */                                              \
    STEP(REQUEST_TRY, STEP_TO(REQUEST_TRYING) | STEP_TO(REQUEST_FINISHED))            \
    /* waits for what comes of that */                                                \
    STEP(REQUEST_TRYING,                                                              \
         STEP_TO(REQUEST_TRY) | STEP_TO(REQUEST_BACKOFF) | STEP_TO(REQUEST_FINISHED)) \
    /* waits before the next attempt */                                               \
    STEP(REQUEST_BACKOFF, STEP_TO(REQUEST_TRY) | STEP_TO(REQUEST_FINISHED))           \
    /* has its result; waits to be reaped */                                          \
    STEP(REQUEST_FINISHED, 0)

/* attempt.c */
#define ATTEMPT_STEPS(STEP)                                                       \
    /* none was asked for yet */                                                  \
    STEP(ATTEMPT_NONE, STEP_TO(ATTEMPT_QUEUED))                                   \
    /* stands in its origin's queue; what the last one has left is still there */ \
    STEP(ATTEMPT_QUEUED, STEP_TO(ATTEMPT_BEGUN))                                  \
    /* its pool races for it, or an exchange carries it */                        \
    STEP(ATTEMPT_BEGUN, STEP_TO(ATTEMPT_REDIALING) | STEP_TO(ATTEMPT_OVER))       \
    /* stands in the queue again, to go on with it */                             \
    STEP(ATTEMPT_REDIALING, STEP_TO(ATTEMPT_BEGUN))                               \
    /* all that came of it is there, to be judged by its request */               \
    STEP(ATTEMPT_OVER, STEP_TO(ATTEMPT_KNOWN))                                    \
    /* judged: nothing about it changes any more */                               \
    STEP(ATTEMPT_KNOWN, STEP_TO(ATTEMPT_QUEUED))

/* pool.c */
#define POOL_STEPS(STEP)                                                                  \
    /* addresses are to be found before anything is opened */                             \
    STEP(POOL_LOOKUP, STEP_TO(POOL_LOOKING_UP))                                           \
    /* waits for the host */                                                              \
    STEP(POOL_LOOKING_UP, STEP_TO(POOL_LOOKUP) | STEP_TO(POOL_RACE) | STEP_TO(POOL_OPEN)) \
    /* several addresses, none known to work */                                           \
    STEP(POOL_RACE, STEP_TO(POOL_RACING) | STEP_TO(POOL_LOOKUP))                          \
    /* waits for the first connect that succeeds, RFC 8305 */                             \
    STEP(POOL_RACING, STEP_TO(POOL_OPEN) | STEP_TO(POOL_LOOKUP) | STEP_TO(POOL_RACE))     \
    /* one address is to be used: open as many as needed */                               \
    STEP(POOL_OPEN, STEP_TO(POOL_LOOKUP))

/* conn.c */
#define CONN_STEPS(STEP)                                                                         \
    STEP(CONN_CONNECT,                                                                           \
         STEP_TO(CONN_CONNECTING) | STEP_TO(CONN_READY) | STEP_TO(CONN_SHUTTING_DOWN))           \
    /* waits for the connect */                                                                  \
    STEP(CONN_CONNECTING, STEP_TO(CONN_TUNNEL) | STEP_TO(CONN_HANDSHAKE) | STEP_TO(CONN_READY) | \
                              STEP_TO(CONN_SHUTTING_DOWN))                                       \
    STEP(CONN_TUNNEL, STEP_TO(CONN_TUNNELING) | STEP_TO(CONN_SHUTTING_DOWN))                     \
    /* waits for a proxy that is to open the way */                                              \
    STEP(CONN_TUNNELING,                                                                         \
         STEP_TO(CONN_HANDSHAKE) | STEP_TO(CONN_READY) | STEP_TO(CONN_SHUTTING_DOWN))            \
    STEP(CONN_HANDSHAKE, STEP_TO(CONN_HANDSHAKING) | STEP_TO(CONN_SHUTTING_DOWN))                \
    /* https: waits for sends, received bytes, the worker */                                     \
    STEP(CONN_HANDSHAKING, STEP_TO(CONN_READY) | STEP_TO(CONN_SHUTTING_DOWN))                    \
    /* idle, or carries an exchange */                                                           \
    STEP(CONN_READY, STEP_TO(CONN_SHUTTING_DOWN))                                                \
    /* cancels, waits until no operation is in flight */                                         \
    STEP(CONN_SHUTTING_DOWN, STEP_TO(CONN_CLOSE) | STEP_TO(CONN_CLOSED))                         \
    STEP(CONN_CLOSE, STEP_TO(CONN_CLOSING))                                                      \
    /* waits for the close */                                                                    \
    STEP(CONN_CLOSING, STEP_TO(CONN_CLOSED))                                                     \
    STEP(CONN_CLOSED, 0)

/* exchange.c: its two halves. The end of the exchange may cut any of them short. */
#define SEND_HALVES(STEP)                                                                       \
    /* nothing to send yet: still connecting */                                                 \
    STEP(SEND_NONE, STEP_TO(SEND_START))                                                        \
    /* the head is to be written and handed over */                                             \
    STEP(SEND_START, STEP_TO(SEND_FILLING) | STEP_TO(SEND_SENDING) | STEP_TO(SEND_NONE))        \
    /* a streamed body: waits for the next part of it, see stream.h */                          \
    STEP(SEND_FILLING, STEP_TO(SEND_SENDING) | STEP_TO(SEND_NONE))                              \
    /* waits for the send */                                                                    \
    STEP(SEND_SENDING,                                                                          \
         STEP_TO(SEND_FILLING) | STEP_TO(SEND_SENT) | STEP_TO(SEND_BROKE) | STEP_TO(SEND_NONE)) \
    /* all bytes are in the kernel */                                                           \
    STEP(SEND_SENT, STEP_TO(SEND_NONE))                                                         \
    /* the send failed; a response may have come all the same */                                \
    STEP(SEND_BROKE, STEP_TO(SEND_NONE))

#define RECEIVE_HALVES(STEP)                                                         \
    /* nothing of the response yet */                                                \
    STEP(RECEIVE_FIRST_BYTE, STEP_TO(RECEIVE_READING) | STEP_TO(RECEIVE_FIRST_BYTE)) \
    /* within head or body */                                                        \
    STEP(RECEIVE_READING, STEP_TO(RECEIVE_DRAINING) | STEP_TO(RECEIVE_DONE))         \
    /* over; a streamed body is not all out: see stream_in.c */                      \
    STEP(RECEIVE_DRAINING, STEP_TO(RECEIVE_DRAINING) | STEP_TO(RECEIVE_DONE))        \
    /* complete; the request may still be going out: see exchange_owes */            \
    STEP(RECEIVE_DONE, 0)

enum request_step { REQUEST_STEPS(STEP_ENUM) };
enum attempt_step { ATTEMPT_STEPS(STEP_ENUM) };
enum pool_step { POOL_STEPS(STEP_ENUM) };
enum conn_step { CONN_STEPS(STEP_ENUM) };
enum send_half { SEND_HALVES(STEP_ENUM) };
enum receive_half { RECEIVE_HALVES(STEP_ENUM) };

/* For step_note alone: not there without RINGSEND_SLOW_CHECKS. */
extern const struct machine machine_request, machine_attempt, machine_pool, machine_conn,
    machine_send, machine_receive;

#endif
