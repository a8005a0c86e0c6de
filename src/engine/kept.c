/* Whether a connection that an origin has promised to keep may be trusted with a request that must not be sent
 * twice. Some servers close behind an answer without a word (uWSGI's http sockets, waitress after HEAD, whatever
 * is being shut down): what is sent then crosses the end of the stream, and nobody can tell whether it was
 * acted upon.
 *
 * So it is learned, of each origin. Each end of a connection shortly after its latest answer, with nothing of
 * the next one on it, raises `suspicion`, and `settle_ns` says how long after its answer one must have stood
 * before it counts as kept. Under suspicion such a request takes the connection that has stood longest, if for
 * long enough, or a new one, for which others are closed; one idle connection is left to stand. Each that had takes some of the suspicion away: a server that was
 * restarted is trusted again, one that closes behind every other answer is not.
 *
 * Nobody is known at first: that is the least suspicion, which the first connection that stands for
 * PROBATION_NS ends. What may be repeated is sent on any connection at once, as ever: if it finds that dead, it
 * has a try for free. A benchmark (no_free_try) shows what connections do, and learns nothing. */
#include "engine/engine.h"

enum {
    SUSPICION_FIRST = 1,
    SUSPICION_STEP = 4,
    SUSPICION_MAX = 16,
};
#define PROBATION_NS (2ull * 1000 * 1000)
#define SETTLE_MIN_NS (20ull * 1000 * 1000)
/* Who waits for longer closes idle connections, as everybody does. */
#define SILENT_NS (500ull * 1000 * 1000)

void kept_begin(struct origin *o)
{
    o->suspicion = o->engine->options.no_free_try ? 0 : SUSPICION_FIRST;
    o->settle_ns = PROBATION_NS;
    o->settles_at_ns = TIMER_NEVER;
}

void kept_was_closed(const struct conn *c, uint64_t stood_ns)
{
    struct origin *o = c->origin;
    uint64_t settle_ns = 4 * stood_ns;
    if (stood_ns > SILENT_NS || o->engine->options.no_free_try)
        return;
    if (settle_ns < SETTLE_MIN_NS)
        settle_ns = SETTLE_MIN_NS;
    if (o->suspicion <= SUSPICION_FIRST || o->settle_ns < settle_ns)
        o->settle_ns = settle_ns;
    o->suspicion += SUSPICION_STEP;
    if (o->suspicion > SUSPICION_MAX)
        o->suspicion = SUSPICION_MAX;
}

struct conn *kept_for(struct origin *o, const struct request *r)
{
    struct conn *latest = LIST_OWNER(o->idle.next, struct conn, idle);
    struct conn *oldest = LIST_OWNER(o->idle.prev, struct conn, idle);
    if (r->replayable || o->suspicion == 0)
        return latest;
    uint64_t settles_at_ns = oldest->answered_ns + o->settle_ns;
    if (o->engine->now_ns >= settles_at_ns)
        return oldest;
    o->settles_at_ns = settles_at_ns;
    return NULL;
}

void kept_is_used(struct origin *o, const struct request *r)
{
    if (!r->replayable && o->suspicion > 0)
        o->suspicion--;
}

static bool may_settle(const struct origin *o, const struct request *r)
{
    return o->settles_at_ns != TIMER_NEVER && !r->replayable && !r->wants_fresh;
}

bool kept_is_worth_waiting(const struct origin *o, const struct request *r)
{
    return may_settle(o, r) && o->suspicion <= SUSPICION_FIRST && o->waiting_count == 1;
}

struct conn *kept_to_spare(const struct origin *o, const struct request *r)
{
    if (!may_settle(o, r))
        return LIST_OWNER(o->idle.prev, struct conn, idle);
    bool is_only = o->idle.next == o->idle.prev;
    return is_only || o->suspicion <= SUSPICION_FIRST ? NULL
                                                      : LIST_OWNER(o->idle.next, struct conn, idle);
}
