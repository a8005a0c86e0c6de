/* The simulated ring's wait: it hands over what was prepared, and moves the clock. */
#include "tests/sim/world/sim_op.h"

#include <errno.h>

enum {
    IDLE_POLLS_MAX = 10000,
    /* Pieces of work that an enter does at most when it has not to wait for more: as the kernel
     * does it. */
    BATCH = 20,
};

static sim_watch_fn *watcher;
static void *watcher_context;

void sim_ring_watch(sim_watch_fn *watch, void *context)
{
    watcher = watch;
    watcher_context = context;
}

/* Completions of one operation keep their order; those of different ones have none. */
static void queue_shuffle(struct sim_ring *r)
{
    for (uint32_t i = r->ready; i + 1 < r->queue_count; i++) {
        struct sim_completion first = r->queue[i];

        if (first.op == r->queue[i + 1].op || !sim_chance(sim.faults.reorders))
            continue;
        r->queue[i] = r->queue[i + 1];
        r->queue[i + 1] = first;
    }
}

/* How much of the queue so many pieces of work bring. What a receive hands over in a row is one. */
static uint32_t brought_by(const struct sim_ring *r, uint32_t works_max)
{
    uint32_t works = 0, count = 0;

    for (; count < r->queue_count; count++) {
        const struct sim_op *op = r->queue[count].op;
        bool same = count > 0 && op && op == r->queue[count - 1].op;
        if (!same && works++ == works_max)
            break;
    }
    return count;
}

/* `first_ns`: when the first completion came. */
static bool wait_is_over(const struct sim_ring *r, const struct ring_wait *wait, uint64_t fewer_ns,
                         uint64_t first_ns)
{
    uint32_t want = wait->want;

    if (sim.now_ns >= fewer_ns && !(sim.faults.sleeps_over && first_ns > fewer_ns) && want > 1)
        want = 1;
    return r->queue_count >= want || sim.now_ns >= wait->deadline_ns;
}

static void wait_for_next(const struct sim_ring *r, const struct ring_wait *wait, uint64_t fewer_ns)
{
    uint64_t until_ns = sim_next_ns();

    if (until_ns > wait->deadline_ns)
        until_ns = wait->deadline_ns;
    if (r->queue_count > 0 && sim.now_ns < fewer_ns && until_ns > fewer_ns)
        until_ns = fewer_ns;
    SIM_CHECK(until_ns != UINT64_MAX, "the engine waits for ever, and nothing can come any more");
    if (sim.now_ns < until_ns)
        sim.now_ns = until_ns;
}

/* Tells the test how busy the sockets are, just before the engine sleeps. */
static void look_before_sleep(const struct sim_ring *r, const struct ring_wait *wait)
{
    uint32_t busy = 0, leaving = 0;

    if (!watcher || wait->want == 0 || wait->deadline_ns <= sim.now_ns || r->queue_count > 0 ||
        r->woken)
        return;
    for (uint32_t i = 0; i < r->sockets_max; i++) {
        const struct sim_socket *s = &r->sockets[i];
        bool active = s->step != SLOT_FREE && server_owes(s), leaves = false;
        for (uint32_t k = 0; k < r->ops_mark && s->step != SLOT_FREE; k++) {
            const struct sim_op *op = &r->ops[k];
            if (!op->used || op->on_file || op->tag.slot != i)
                continue;
            active |= op->kind != RING_RECV;
            leaves |= op->kind == RING_CLOSE || op->kind == RING_CANCEL || op->cancelled;
        }
        busy += active || leaves;
        leaving += leaves;
    }
    watcher(watcher_context, busy, leaving);
}

/* What the kernel is asked for. */
static struct ring_wait asked_of_kernel(const struct sim_ring *r, struct ring_wait wait)
{
    if (r->ring.features.min_wait != RING_MIN_WAIT_USED)
        wait.min_wait_ns = 0;
    if (wait.min_wait_ns == 0 && wait.want > 1)
        wait.want = 1;
    return wait;
}

int sim_ring_submit_and_wait(struct ring *ring, const struct ring_wait *wait)
{
    struct sim_ring *r = (struct sim_ring *)ring;
    const struct ring_wait asked = asked_of_kernel(r, *wait);
    uint64_t began_ns, fewer_ns, first_ns = UINT64_MAX;

    if (sim_ring_broke())
        return -EIO;
    for (uint32_t i = 0; i < r->prepared_count; i++)
        sim_op_submit(r, r->prepared[i]);
    r->prepared_count = 0;
    r->ring.counters.enters++;
    look_before_sleep(r, &asked);
    if (sim_chance(sim.faults.stalls))
        sim.now_ns += 11 * SIM_MS;
    began_ns = sim.now_ns;
    /* From then on one completion is enough. */
    fewer_ns = began_ns + asked.min_wait_ns;
    for (;;) {
        sim_run_due();
        if (r->woken)
            sim_queue_push(r, NULL, (struct ring_completion){.kind = RING_WAKE, .buffer = -1});
        r->woken = false;
        if (r->queue_count > 0 && first_ns == UINT64_MAX)
            first_ns = sim.now_ns;
        if (wait_is_over(r, &asked, fewer_ns, first_ns))
            break;
        if (sim_chance(sim.faults.spurious_wake))
            break;
        wait_for_next(r, &asked, fewer_ns);
    }
    r->idle_polls = sim.now_ns == began_ns && r->queue_count == 0 ? r->idle_polls + 1 : 0;
    SIM_CHECK(r->idle_polls < IDLE_POLLS_MAX, "the engine polls and polls instead of waiting");
    queue_shuffle(r);
    r->ready = brought_by(r, asked.want > BATCH ? asked.want : BATCH);
    sim_may_pause();
    return (int)r->ready;
}
