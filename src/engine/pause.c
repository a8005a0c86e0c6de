/* The pause of an origin: a platform that has had enough says for how long, and is left alone by
 * all requests, not only by the one that heard it.
 *
 *   429, 503 or 529 with Retry-After                             RFC 9110 10.2.3
 *   any status, nothing remains of a rate limit until its reset  see http/response_hints.h
 *
 * No attempt begins before the pause ends; what is in flight goes on. A longer wish makes a pause
 * longer, nothing makes it shorter, and retry_after_max_ns bounds each wish.
 *
 * The restart is spread over a stretch of a tenth of the wish, at least backoff_min_ns, so that
 * neither forty connections nor ten processes come back as one: the first attempt begins at a
 * random time within its first half, the next ones at random distances at which as many as the
 * origin may have connections have begun when it ends. */
#include "engine/pause.h"

#include "base/time.h"
#include "base/timers.h"
#include "engine/attempt.h"
#include "engine/engine.h"
#include "engine/origin.h"
#include "engine/request.h"
#include "engine/retry.h"
#include "engine/run_limits.h"
#include "http/response_hints.h"
#include "ringsend.h"
#include "uring/ring.h"

#define LONGEST_MS \
    (INT64_C(1000) << 31) /* wishes for longer are for so long: RFC 9111 1.2.2 has the same bound */

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t length_ns(const struct ringsend *e, struct hint_wait wait)
{
    int64_t ms = wait.ms;
    if (wait.date_ms > 0) {
        int64_t left_ms = wait.date_ms - ring_wall_ms(e->ring);
        ms = left_ms > ms ? left_ms : ms;
    }
    ms = ms < LONGEST_MS ? ms : LONGEST_MS;
    return ms > 0 ? (uint64_t)ms * NS_PER_MS : 0;
}

/* Its times are read without the lock: the end of the restart last, by which the others are known.
 */
#define STORE(to, value) __atomic_store_n(to, value, __ATOMIC_RELEASE)

static uint64_t load(const uint64_t *from)
{
    return __atomic_load_n(from, __ATOMIC_ACQUIRE);
}

static void begin(struct origin *o, uint64_t pause_ns)
{
    struct ringsend *e = o->engine;
    struct pause *p = o->pause;
    uint64_t ends_ns = timer_after(e->now_ns, pause_ns);
    uint64_t half_ns = pause_ns / 20, least_ns = e->options.backoff_min_ns / 2;
    half_ns = half_ns > least_ns ? half_ns : least_ns;
    limits_lock(e->run_limits);
    bool longer = ends_ns > p->ends_ns;
    if (longer) {
        STORE(&p->ends_ns, ends_ns);
        STORE(&p->restart_next_ns, timer_after(ends_ns, engine_random(e, half_ns + 1)));
        p->restart_gap_ns = half_ns / e->run_limits->connections_per_origin;
        STORE(&p->restart_ends_ns, timer_after(ends_ns, 2 * half_ns));
    }
    limits_unlock(e->run_limits);
    if (!longer)
        return;
    e->stats.pauses++;
    if (ends_ns > e->pauses_end_ns)
        e->pauses_end_ns = ends_ns;
    task_wake(e, &o->task);
}

void pause_read(struct attempt *a, const struct response_hints *hints, const struct ringsend *e)
{
    struct retry_hint hint = response_hints_retry(hints, a->status == 429);
    uint64_t max_ns = e->options.retry_after_max_ns;
    uint64_t after_ns = length_ns(e, hint.after), reset_ns = length_ns(e, hint.reset);
    uint64_t pause_ns = retry_is_overload(a->status) ? after_ns : 0;
    a->retry = (uint8_t)hint.retry;
    pause_ns = pause_ns > reset_ns ? pause_ns : reset_ns;
    a->asked_ns = after_ns > reset_ns ? after_ns : reset_ns;
    a->wait_ns = least(after_ns, max_ns);
    a->pause_ns = e->options.no_pauses ? 0 : least(pause_ns, max_ns);
}

void pause_hear(struct request *r)
{
    if (r->attempt.pause_ns > 0)
        begin(r->origin, r->attempt.pause_ns);
}

uint64_t pause_next_ns(const struct origin *o)
{
    uint64_t now_ns = o->engine->now_ns;
    if (now_ns >= load(&o->pause->restart_ends_ns))
        return now_ns;
    uint64_t next_ns = load(&o->pause->restart_next_ns);
    return now_ns >= next_ns ? now_ns : next_ns;
}

uint64_t pause_ends_at_ns(const struct origin *o)
{
    return load(&o->pause->ends_ns);
}

bool pause_is_over(const struct origin *o)
{
    return o->engine->now_ns >= load(&o->pause->restart_ends_ns);
}

void pause_attempt_begins(struct origin *o)
{
    struct ringsend *e = o->engine;
    struct pause *p = o->pause;
    if (e->now_ns < p->restart_ends_ns)
        STORE(&p->restart_next_ns, e->now_ns + engine_random(e, 2 * p->restart_gap_ns + 1));
}

void pause_stats(const struct ringsend *e, struct ringsend_stats *stats)
{
    bool any = e->run_limits->shared || e->now_ns < e->pauses_end_ns;
    for (uint32_t i = 0; any && i < e->origins_mark; i++) {
        uint64_t ends_ns = pause_ends_at_ns(&e->origins[i]);
        if (e->now_ns >= ends_ns)
            continue;
        stats->origins_paused++;
        if (ends_ns > stats->pause_ends_ns)
            stats->pause_ends_ns = ends_ns;
    }
}
