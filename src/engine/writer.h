/* A connection's sending: pieces that several may hand over, in order, and the one send that is
 * under way, which belongs to the connection and to none of them. See writer.c. */
#ifndef RINGSEND_ENGINE_WRITER_H
#define RINGSEND_ENGINE_WRITER_H

#include "base/check.h"
#include "base/list.h"
#include "engine/wire.h"
#include "ringsend.h"
#include "uring/op.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

struct conn;

struct writer {
    struct op send;
    int32_t result;           /* of the last send that is over */
    bool truncated;           /* it ended before its last byte: nothing may follow it */
    struct list pieces;       /* piece.node, in the order in which they leave */
    struct wire_send sending; /* what the send under way has, held back or not */
    struct msghdr message;    /* of its parts, where there are several */
    struct list held;         /* in engine.held_sends exactly while it is held back */
};

void writer_init(struct writer *w);

/* Behind all others; its memory stays as it is until the piece is its owner's again. */
static inline void writer_put(struct writer *w, struct piece *p)
{
    CHECK(!piece_is_queued(p) && !w->truncated);
    p->state = PIECE_QUEUED;
    list_push_back(&w->pieces, &p->node);
}

/* Starts the next send, unless one is under way: of what the wire has to say by itself, and of as
 * many pieces as it takes. To be called after each event that may have made way for it. */
enum ringsend_error writer_go_on(struct conn *c);
/* Takes in that a send is over: the pieces then say what has become of them. */
void writer_sent(struct conn *c);
/* A queued piece leaves the queue: its owner has gone. What was taken of it is on its way. */
void writer_withdraw(struct piece *p);
/* Of a send that was held back and is off engine.held_sends: to the ring with it; or back there;
 * or it is not made at all, nor any other. */
void writer_launch(struct conn *c);
void writer_hold(struct conn *c);
void writer_drop(struct conn *c);

/* Nothing is queued or under way. */
static inline bool writer_is_quiet(const struct writer *w)
{
    return w->send.state == OP_IDLE && list_empty(&w->pieces);
}

#endif
