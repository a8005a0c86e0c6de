/* The loop: one turn runs what is ready, gives it all to the kernel in one io_uring_enter, waits in
 * the same call, and stores what completed.
 *
 *   tasks run -> submit and wait until the nearest deadline -> completions wake tasks -> tasks run
 *
 * Completions before clocks. The process may stand still at any place for any time (SIGSTOP, a
 * freezer, a processor that others have, a long turn of ours), and what comes meanwhile stays in
 * the kernel. So deadlines are not judged by what time it is, but by `seen_ns`: the time up to
 * which all that had come was taken in. It moves on in look(), in the turn after somebody has found
 * his deadline between the two; where nothing has come, that costs no system call but the turn's
 * own. A connection that had no receive in the kernel is judged by the next picture. Waits that no
 * answer can end (backoff, gates, idle connections) go by the time that it is.
 *
 * A request that must not be sent twice leaves at the end of a turn, behind a last look at whether
 * its connection has died: launch().
 *
 * A turn runs tasks for SLICE_NS at most, and leaves those behind to the next one, which then does
 * not wait: the host's loop, and what has completed meanwhile, have their turn as well.
 *
 * Order. Tasks run in the order in which they were woken, but for those that are to run first:
 * these come before all others, and before the one that woke them takes its next step. So what an
 * attempt has come to is judged before anybody acts who should know, as its origin, which may be
 * about to begin another one.
 *
 * Invariants: a task is in `ready` or `first` exactly when something happened to it since its last
 * run, and in `first` only until the present one's step is over. A completion never runs a task; a
 * task never reaps. A task that waits has an operation in flight, a deadline, or another task that
 * will wake it. */
#include "engine/engine.h"

#include "base/check.h"
#include "base/errors.h"
#include "base/limits.h"
#include "base/list.h"
#include "base/time.h"
#include "base/timers.h"
#include "engine/conn.h"
#include "engine/decode.h"
#include "engine/exchange.h"
#include "engine/file_internal.h"
#include "engine/host.h"
#include "engine/lookups.h"
#include "engine/make_way.h"
#include "engine/origin.h"
#include "engine/pool.h"
#include "engine/request.h"
#include "engine/task.h"
#include "engine/wire.h"
#include "ringsend.h"
#include "uring/ring.h"

/* What has come since the last enter may be the end of a connection that is about to be used. At
 * full speed something always has, nearly never that, and looking would double the enters: so only
 * after so long. */
#define LATE_NS NS_PER_MS

enum {
    /* More runs of one task in a turn mean that two steps chase each other. */
    RUNS_MAX = 64,
    /* Of all tasks, looked at with RINGSEND_SLOW_CHECKS: some of them wake each other for ever. */
    TURN_RUNS_MAX = 1 << 20,
    SLICE_NS = NS_PER_MS,
    SLICE_TASKS =
        64, /* after so many tasks the clock is looked at: 25 ns, and these take some 50 us */
    REAP_BATCH = 64,
    /* Waiting for several completions: at most so many, at most so long. With 40 connections at
     * full speed about 20 come within 200 us; waiting for more would leave the peer idle. */
    WANT_MAX = 32,
    MIN_WAIT_NS = 200 * NS_PER_US,
    GAP_MAX_NS = NS_PER_MS,
    /* An enter that does not wait runs so many pieces of what the kernel has to do for the ring. */
    WORKS_PER_ENTER = 20,
    OPS_PER_CONN = 4, /* in flight at once, files included */
};

static enum task_next task_run(struct task *task)
{
    switch (task->kind) {
    case TASK_REQUEST:
        return request_run(LIST_OWNER(task, struct request, task));
    case TASK_ORIGIN:
        return origin_run(LIST_OWNER(task, struct origin, task));
    case TASK_POOL:
        return pool_run(LIST_OWNER(task, struct pool, task));
    case TASK_CONN:
        return conn_run(LIST_OWNER(task, struct conn, task));
    case TASK_EXCHANGE:
        return exchange_expired(LIST_OWNER(task, struct exchange, task));
    case TASK_LOOKUPS:
        return lookups_run(LIST_OWNER(task, struct ringsend, lookups.task));
    }
    UNREACHABLE("task kind");
}

static void run_first(struct ringsend *e)
{
    struct list *node;
    while ((node = list_pop_front(&e->first))) {
        struct task *task = LIST_OWNER(node, struct task, ready);
        unsigned runs = 0;
        do
            CHECK(++runs < RUNS_MAX);
        while (task_run(task) == TASK_AGAIN);
    }
}

static void run(struct ringsend *e, struct task *task)
{
    enum task_next next;
    unsigned runs = 0;
    do {
        CHECK(++runs < RUNS_MAX);
        next = task_run(task);
        run_first(e);
    } while (next == TASK_AGAIN);
}

static void run_ready(struct ringsend *e)
{
    struct list *node;
    uint32_t tasks = 0;
    while ((node = list_pop_front(&e->ready))) {
#ifdef RINGSEND_SLOW_CHECKS
        CHECK(tasks < TURN_RUNS_MAX);
#endif
        run(e, LIST_OWNER(node, struct task, ready));
        if (++tasks % SLICE_TASKS == 0 && ring_now_ns(e->ring) > e->now_ns + SLICE_NS)
            return;
    }
    /* All received data has been parsed by now, so the buffers are back. */
    while ((node = list_pop_front(&e->starved)))
        conn_arm_recv(LIST_OWNER(node, struct conn, starved));
}

static void expire_timers(struct ringsend *e)
{
    struct timer *timer;
    while ((timer = timers_expire(&e->timers, e->now_ns))) {
        struct task *task = LIST_OWNER(timer, struct task, timer);
        task_wake(e, task);
    }
}

/* Waiting for more than one completion pays when they come closer together than MIN_WAIT_NS, and
 * must not hold a lone response back. */
static struct ring_wait wait_for(struct ringsend *e, uint64_t until_ns)
{
    uint64_t next_ns = timers_next_ns(&e->timers);
    struct ring_wait wait = {.want = 1, .deadline_ns = next_ns < until_ns ? next_ns : until_ns};
    uint32_t want = (e->exchanges_open - e->riders) / 2;
    if (want >= 2 && e->gap_ns * 2 < MIN_WAIT_NS && !e->options.exact_times) {
        wait.want = want < WANT_MAX ? want : WANT_MAX;
        wait.min_wait_ns = MIN_WAIT_NS;
    }
    if (until_ns == 0 || e->options.spin)
        wait.want = 0;
    return wait;
}

static void completed(struct ringsend *e, const struct ring_completion *c)
{
    if (c->kind == RING_WAKE) {
        e->woken = true;
    } else if (c->slot >= LIMIT_CONNECTIONS) {
        file_completed(e, c);
    } else {
        CHECK(c->slot < e->options.connections_max);
        conn_completed(&e->conns[c->slot], c);
    }
}

static void reap_completions(struct ringsend *e)
{
    struct ring_completion batch[REAP_BATCH];
    uint32_t count, received = 0;
    do {
        count = ring_reap(e->ring, batch, REAP_BATCH);
        for (uint32_t i = 0; i < count; i++) {
            received += batch[i].kind == RING_RECV;
            completed(e, &batch[i]);
        }
    } while (count == REAP_BATCH);
    if (received == 0)
        return;
    uint64_t gap_ns = (e->now_ns - e->turn_ns) / received;
    e->gap_ns = (e->gap_ns + (gap_ns < GAP_MAX_NS ? gap_ns : GAP_MAX_NS)) / 2;
    e->turn_ns = e->now_ns;
}

static int enter(struct ringsend *e, const struct ring_wait *wait)
{
    e->enters++;
    e->entered_ns = e->now_ns;
    if (ring_submit_and_wait(e->ring, wait) >= 0 && !e->broken)
        return 0;
    e->broken = true;
    place_broke(e);
    return -RINGSEND_E_RING;
}

/* Takes in all that has come. More may come all the time; what was there at the beginning is out
 * after so many enters as would bring the end of every operation in flight. */
static int catch_up(struct ringsend *e)
{
    static const struct ring_wait at_once = {0};
    uint32_t enters_left = 1 + (e->conns_open * OPS_PER_CONN + LIMIT_FILES) / WORKS_PER_ENTER;
    for (; enters_left > 0 && !ring_is_caught_up(e->ring); enters_left--) {
        if (enter(e, &at_once) < 0)
            return -RINGSEND_E_RING;
        reap_completions(e);
    }
    return 0;
}

/* The picture of what has come by now_ns. The worker threads' results count as soon as they lie
 * there, a wake-up may still be on its way. */
static int look(struct ringsend *e)
{
    if (catch_up(e) < 0)
        return -RINGSEND_E_RING;
    e->seen_ns = e->now_ns;
    e->must_look = false;
    e->seen_by = e->enters;
    host_answers(e);
    wire_returns(e);
    return 0;
}

bool engine_has_work(const struct ringsend *e)
{
    return !list_empty(&e->ready) || ring_prepared(e->ring) > 0 || !list_empty(&e->held_sends) ||
           place_is_called(e);
}

/* What was held goes to the ring, unless its connection turns out to be dead. */
static int launch(struct ringsend *e)
{
    struct list *node;
    if (list_empty(&e->held_sends))
        return 0;
    bool is_late = !ring_is_caught_up(e->ring) && ring_now_ns(e->ring) - e->entered_ns > LATE_NS;
    if (is_late && catch_up(e) < 0)
        return -RINGSEND_E_RING;
    struct list now;
    list_init(&now);
    list_append_all(&now, &e->held_sends);
    while ((node = list_pop_front(&now)))
        conn_launch(LIST_OWNER(node, struct conn, writer.held));
    return 0;
}

/* `anyway`: waits though results are ready, unless another one becomes so. */
static int turn(struct ringsend *e, uint64_t until_ns, bool anyway)
{
    uint32_t known = anyway ? e->finished_count : 0;
    e->connects_left = CONNECTS_PER_TURN;
    decode_turn(e);
    run_ready(e);
    if (launch(e) < 0)
        return -RINGSEND_E_RING;
    make_way_turn_ends(e);
    bool ready = e->finished_count > known || (e->events_count > 0 && !anyway) || e->woken ||
                 !list_empty(&e->ready) || !list_empty(&e->held_sends);
    struct ring_wait wait = wait_for(e, ready ? 0 : until_ns);
    if (enter(e, &wait) < 0)
        return -RINGSEND_E_RING;
    uint64_t began_ns = e->now_ns;
    e->now_ns = ring_now_ns(e->ring);
    gates_turn(e, e->now_ns - began_ns);
    reap_completions(e);
    if (e->must_look) {
        if (look(e) < 0)
            return -RINGSEND_E_RING;
    } else if (e->woken) {
        host_answers(e);
        wire_returns(e);
    }
    expire_timers(e);
    place_hear_calls(e);
    run_ready(e);
    make_way_turn_ends(e);
#ifdef RINGSEND_SLOW_CHECKS
    engine_check_invariants(e);
#endif
    return 0;
}

int engine_turn(struct ringsend *e, uint64_t until_ns)
{
    return turn(e, until_ns, false);
}

int engine_turn_on(struct ringsend *e, uint64_t until_ns)
{
    return turn(e, until_ns, true);
}

int engine_wait(struct ringsend *e)
{
    bool woken = e->woken;
    e->woken = false;
    int error = turn(e, RING_FOREVER, true);
    e->woken |= woken;
    return error;
}
