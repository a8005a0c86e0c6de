/* Who is next. A handshake costs what its peer makes it cost, so lanes have equal shares of the
 * worker's time, and not equal numbers: start-time fair queueing. A lane's place, at_ns, moves on
 * by what each of its handshakes takes; the lane whose place comes first is next; and one that
 * comes anew stands where the one that was begun last stood, neither ahead of all who wait nor
 * behind what others have used up. What a handshake costs is known only afterwards: until then
 * it counts as the lane's last one did.
 *
 * The worker has one that it does, and one that is next, so that it need not wait for the loop. The
 * latter is taken back when another lane has come before it: a good handshake waits for the one
 * that is being done, and for none else of a lane that has had more than its own. */
#include "engine/handshaker.h"

#include "base/check.h"
#include "base/time.h"
#include "engine/handshake_worker.h"

#include <stdlib.h>

#define FIRST_COST_NS (5 * NS_PER_MS) /* expected of a peer that nothing is known of */

struct handshaker {
    struct handshake_worker *worker;
    struct list lanes;      /* lane.node, by at_ns */
    struct handshake *next; /* with the worker, when it looked last */
    uint64_t now_ns;        /* the place of the one that was begun last */
};

void lane_init(struct lane *lane)
{
    *lane = (struct lane){.expected_ns = FIRST_COST_NS};
    list_init(&lane->node);
    list_init(&lane->waiting);
}

struct handshaker *handshaker_new(struct ring *ring)
{
    struct handshaker *h = calloc(1, sizeof *h);
    if (!h)
        return NULL;
    list_init(&h->lanes);
    h->worker = handshake_worker_new(ring);
    if (h->worker)
        return h;
    free(h);
    return NULL;
}

void handshaker_free(struct handshaker *h)
{
    if (!h)
        return;
    if (h->next)
        handshake_worker_take_back(h->worker);
    handshake_worker_free(h->worker);
    free(h);
}

/* Behind those of the same place. */
static void line_up(struct handshaker *h, struct lane *lane)
{
    CHECK(!list_empty(&lane->waiting));
    list_remove(&lane->node);
    struct list *before = h->lanes.prev;
    while (before != &h->lanes && LIST_OWNER(before, struct lane, node)->at_ns > lane->at_ns)
        before = before->prev;
    list_push_front(before, &lane->node);
}

static struct lane *first_lane(const struct handshaker *h)
{
    return list_empty(&h->lanes) ? NULL : LIST_OWNER(h->lanes.next, struct lane, node);
}

static void begun(struct handshaker *h, struct handshake *handshake)
{
    handshake->step = HANDSHAKE_GIVEN;
    if (h->now_ns < handshake->before_ns)
        h->now_ns = handshake->before_ns;
}

/* What the worker does not tell: that it has begun the one that was next. */
static void look(struct handshaker *h)
{
    if (!h->next || handshake_worker_has_next(h->worker))
        return;
    begun(h, h->next);
    h->next = NULL;
}

/* To the worker, which has nothing that is next. */
static void give(struct handshaker *h, struct lane *lane)
{
    struct handshake *handshake =
        LIST_OWNER(list_pop_front(&lane->waiting), struct handshake, node);
    CHECK(handshake->step == HANDSHAKE_WAITS && !h->next);
    handshake->before_ns = lane->at_ns;
    handshake->charged_ns = lane->expected_ns;
    lane->at_ns += handshake->charged_ns;
    list_remove(&lane->node);
    if (!list_empty(&lane->waiting))
        line_up(h, lane);
    handshake->step = HANDSHAKE_NEXT;
    if (handshake_worker_give(h->worker, handshake))
        begun(h, handshake);
    else
        h->next = handshake;
}

/* Unless the worker has begun it meanwhile. */
static void take_back(struct handshaker *h)
{
    struct handshake *handshake = h->next;
    CHECK(handshake && handshake->step == HANDSHAKE_NEXT);
    bool got = handshake_worker_take_back(h->worker);
    h->next = NULL;
    if (!got) {
        begun(h, handshake);
        return;
    }
    struct lane *lane = handshake->lane;
    handshake->step = HANDSHAKE_WAITS;
    lane->at_ns -= handshake->charged_ns;
    list_push_front(&lane->waiting, &handshake->node);
    line_up(h, lane);
}

static void choose(struct handshaker *h)
{
    struct lane *first = first_lane(h);
    if (first && h->next && first->at_ns < h->next->before_ns)
        take_back(h);
    while ((first = first_lane(h)) && !h->next)
        give(h, first);
}

void handshaker_start(struct handshaker *h, struct handshake *handshake, struct lane *lane)
{
    CHECK(handshake->step == HANDSHAKE_IDLE);
    look(h);
    handshake->lane = lane;
    handshake->step = HANDSHAKE_WAITS;
    bool is_first = list_empty(&lane->waiting);
    list_push_back(&lane->waiting, &handshake->node);
    if (is_first && lane->at_ns < h->now_ns)
        lane->at_ns = h->now_ns;
    if (is_first)
        line_up(h, lane);
    choose(h);
}

bool handshaker_withdraw(struct handshaker *h, struct handshake *handshake)
{
    look(h);
    if (handshake == h->next)
        take_back(h);
    if (handshake->step != HANDSHAKE_WAITS)
        return false;
    list_remove(&handshake->node);
    if (list_empty(&handshake->lane->waiting))
        list_remove(&handshake->lane->node);
    handshake->step = HANDSHAKE_IDLE;
    choose(h);
    return true;
}

struct handshake *handshaker_next(struct handshaker *h)
{
    struct handshake *done = handshake_worker_next(h->worker);
    look(h);
    if (done) {
        struct lane *lane = done->lane;
        lane->at_ns = lane->at_ns - done->charged_ns + done->took_ns;
        lane->expected_ns = done->took_ns;
        if (!list_empty(&lane->waiting) && done->took_ns != done->charged_ns)
            line_up(h, lane);
        done->step = HANDSHAKE_IDLE;
    }
    choose(h);
    return done;
}
