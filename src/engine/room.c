/* Room for responses' bodies: options.memory_target_bytes.
 *
 * A body's buffer doubles as it grows. When the buffers that the engine holds would so come above
 * the target, the body waits: its connection receives no more, until there is room. None of its
 * clocks runs meanwhile, as the wait is ours: the attempt's and the record's go on with what was
 * left to them.
 *
 * What is waited for must come. So one connection at a time is favoured, the one that has waited
 * longest: it grows though there is no room, completes, and makes place, itself or with its
 * results. But not while results that nobody has reaped hold memory: these are a slow host's, which
 * has the key to it, and would gather.
 *
 * Bodies below SMALL_BYTES never wait: what a connection may hold in any case. */
#include "engine/room.h"

#include "base/buf.h"
#include "base/list.h"
#include "engine/attempt.h"
#include "engine/conn.h"
#include "engine/engine.h"
#include "engine/exchange.h"
#include "engine/request.h"
#include "engine/steps.h"
#include "http/response.h"

enum {
    SMALL_BYTES = 16 << 10,
    SPARE_BYTES = 256 << 10 /* for what is on its way when a receive is stopped */
};

static bool is_bounded(const struct ringsend *e)
{
    return e->options.memory_target_bytes > 0;
}

static bool has_room(const struct ringsend *e, size_t more)
{
    size_t target = e->options.memory_target_bytes, used = e->bufs.used_bytes;
    return used <= target && more <= target - used;
}

/* The clocks stop. */
static void begin_wait(struct exchange *x)
{
    struct ringsend *e = x->engine;
    list_push_back(&e->crowd, &x->crowd);
    attempt_stand(&x->request->attempt);
}

static void end_wait(struct exchange *x)
{
    list_remove(&x->crowd);
    attempt_go_on(&x->request->attempt);
}

/* Nothing that somebody else is to take away holds memory. */
static bool is_reaped(const struct ringsend *e)
{
    return e->finished_count + e->reaped_count == 0;
}

/* Takes the memory for the next bytes, if it may. */
static bool grows(struct exchange *x, struct buf *body)
{
    struct ringsend *e = x->engine;
    bool next = list_empty(&e->crowd) || e->crowd.next == &x->crowd;
    /* While it grows the old buffer is there, too. */
    bool may = e->favoured == x || (next && has_room(e, 2 * body->capacity));
    if (!may && next && !e->favoured && is_reaped(e)) {
        e->favoured = x;
        may = true;
    }
    if (may) /* when memory is out, the next bytes will tell */
        buf_reserve(&e->bufs, body, body->capacity - body->bytes + 1);
    return may;
}

/* It will need a larger buffer for what is still to come. */
static bool is_full(const struct ringsend *e, const struct response *response)
{
    const struct buf *body = &response->body;
    size_t left = body->capacity - body->bytes;
    size_t spare = body->capacity / 4 < SPARE_BYTES ? body->capacity / 4 : SPARE_BYTES;
    return body->capacity >= SMALL_BYTES && left < spare && response_bytes_left(response) > left &&
           body->capacity < e->options.body_max_bytes;
}

void room_look(struct exchange *x)
{
    struct conn *c = x->conn;
    struct ringsend *e = x->engine;
    if (!is_bounded(e) || x->receive != RECEIVE_READING || x->response.streams)
        return;
    if (is_full(e, &x->response) && !grows(x, &x->response.body)) {
        if (list_empty(&x->crowd))
            begin_wait(x);
        conn_stop_recv(c);
        return;
    }
    if (!list_empty(&x->crowd)) {
        end_wait(x);
        room_made(e); /* for the next one, too? */
    }
    conn_go_on_recv(c);
}

void room_exchange_over(struct exchange *x)
{
    struct ringsend *e = x->engine;
    if (!is_bounded(e))
        return;
    if (!list_empty(&x->crowd))
        end_wait(x);
    if (e->favoured == x)
        e->favoured = NULL;
    room_made(e);
}

void room_made(struct ringsend *e)
{
    if (!is_bounded(e))
        return;
    if (!list_empty(&e->crowd))
        exchange_wake(LIST_OWNER(e->crowd.next, struct exchange, crowd));
    if (!list_empty(&e->undecoded))
        task_wake(e, &LIST_OWNER(e->undecoded.next, struct request, undecoded)->task);
}

bool room_for_decoding(const struct ringsend *e)
{
    return !is_bounded(e) || has_room(e, 0) || is_reaped(e);
}
