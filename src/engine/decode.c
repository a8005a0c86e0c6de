/* Bodies that are to be decoded. A large one is the work of a fifth of a second, in which the loop
 * would be deaf to everybody else: so it is done in stretches, about TURN_BYTES of what is read and
 * made in a turn. One at a time has the unpacker, in the order in which the responses came; small
 * bodies are done in the turn in which they came, many of them in one. What is left in one piece is
 * the buffer's growth: its last one, to 64 MiB, is a copy of some 17 ms.
 *
 * The attempt is over, and not yet known: it stays in ATTEMPT_OVER, and its request hears of a
 * cancel and of no clock: its response has come in time.
 *
 * Without the option decode it is a copy that is decoded, for predicates to look at: the result has
 * the body as it came, and a body that cannot be decoded is no error, but one that predicates
 * cannot read.
 *
 * Invariant: the attempt of a request in engine.undecoded is in ATTEMPT_OVER; the first one will
 * run in this turn or the next, or when there is room for what it becomes (room.c). */
#include "engine/decode.h"

#include "base/buf.h"
#include "base/check.h"
#include "base/errors.h"
#include "base/list.h"
#include "base/timers.h"
#include "engine/attempt.h"
#include "engine/engine.h"
#include "engine/request.h"
#include "engine/room.h"
#include "engine/verdict.h"
#include "http/response.h"
#include "ringsend.h"

/* A millisecond with the slowest of them. */
enum { TURN_BYTES = 256 << 10 };

static struct request *first_of(const struct ringsend *e)
{
    const struct list *line = &e->undecoded;
    return list_empty(line) ? NULL : LIST_OWNER(line->next, struct request, undecoded);
}

void decode_turn(struct ringsend *e)
{
    e->decode_allowance = TURN_BYTES;
}

void decode_queue(struct request *r)
{
    CHECK(list_empty(&r->undecoded) && r->attempt.codings.count > 0);
    list_push_back(&r->engine->undecoded, &r->undecoded);
}

bool decode_is_due(const struct request *r)
{
    return !list_empty(&r->undecoded);
}

static void leave(struct request *r)
{
    struct ringsend *e = r->engine;
    list_remove(&r->undecoded);
    if (first_of(e))
        task_wake(e, &first_of(e)->task);
}

void decode_abandon(struct request *r)
{
    struct ringsend *e = r->engine;
    if (first_of(e) == r && e->decoding.pool) {
        decoding_end(&e->decoding);
        e->decoding.pool = NULL;
    }
    buf_release(&e->bufs, &r->attempt.body);
    buf_release(&e->bufs, &r->attempt.packed);
    leave(r);
}

static void decoded(struct request *r, struct decoding *d)
{
    r->attempt.body = d->body;
    d->body = (struct buf){0};
    verdict_judge(r);
}

static void failed(struct request *r, const struct decoding *d)
{
    if (!r->attempt.packed.data || d->error == RINGSEND_E_NO_MEMORY) {
        r->attempt.outcome = d->error;
        attempt_explain(&r->attempt, d->detail);
        return;
    }
    r->attempt.unreadable = d->error == RINGSEND_E_BODY_TOO_LARGE
                                ? "unpacked, the body is larger than the limit for bodies"
                                : "the body is not what its Content-Encoding says";
    verdict_judge(r);
}

/* The result's body is the one that came. */
static void put_back(struct request *r)
{
    if (!r->attempt.packed.data)
        return;
    buf_release(&r->engine->bufs, &r->attempt.body);
    r->attempt.body = r->attempt.packed;
    r->attempt.packed = (struct buf){0};
}

bool decode_run(struct request *r)
{
    struct ringsend *e = r->engine;
    struct decoding *d = &e->decoding;
    if (first_of(e) != r) {
        task_deadline(e, &r->task, TIMER_NEVER);
        return false;
    }
    if (!d->pool && !room_for_decoding(e)) {
        task_deadline(e, &r->task, r->deadline_at_ns);
        return false;
    }
    if (!d->pool)
        decoding_begin(d, &r->attempt.codings, e->unpack, &e->bufs, &r->attempt.body,
                       e->options.body_max_bytes);
    enum decoding_next next = decoding_step(d, &e->decode_allowance);
    if (next == DECODING_MORE) {
        task_deadline(e, &r->task, e->now_ns); /* the next turn comes at once */
        return false;
    }
    if (next == DECODING_DONE)
        decoded(r, d);
    else
        failed(r, d);
    put_back(r);
    decoding_end(d);
    d->pool = NULL;
    leave(r);
    return true;
}
