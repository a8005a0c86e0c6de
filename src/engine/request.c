/* A request: its whole life over all attempts, from ringsend_submit to ringsend_reap.
 *
 * step      waits for                             deadline         next
 * TRY       -                                     -                TRYING; FINISHED if refused
 * TRYING    its attempt: a connection, an         record           BACKOFF, TRY, FINISHED
 *           outcome, a packed body's decode_run
 * BACKOFF   time                                  backoff, record  TRY, FINISHED
 * FINISHED  ringsend_reap                         -                (free)
 *
 * Its attempt is filled in by who carries it out, down to the conn, and none of these calls a
 * function of this file: what they wake is judged here, in the request's own run, which then comes
 * before all others.
 *
 * A redirect that is followed (follow.c) makes it another request, of another origin perhaps, which
 * goes on with TRY or BACKOFF as any other.
 *
 * Invariants. It is in origin.waiting exactly while its attempt is QUEUED or REDIALING. While that
 * is BEGUN the kernel may read the user's memory; FINISHED is never entered then. The result is
 * written once, by finish(), and tells of the last attempt. */
#include "engine/request.h"

#include "base/buf.h"
#include "base/check.h"
#include "base/errors.h"
#include "base/key.h"
#include "base/list.h"
#include "base/timers.h"
#include "engine/admission.h"
#include "engine/attempt.h"
#include "engine/costs.h"
#include "engine/credentials.h"
#include "engine/decode.h"
#include "engine/engine.h"
#include "engine/exchange.h"
#include "engine/follow.h"
#include "engine/origin.h"
#include "engine/pause.h"
#include "engine/places.h"
#include "engine/pool.h"
#include "engine/queue.h"
#include "engine/retry.h"
#include "engine/steps.h"
#include "engine/stream.h"
#include "engine/task.h"
#include "engine/trace.h"
#include "engine/verdict.h"
#include "http/head.h"
#include "ringsend.h"

#include <string.h>

/* A token may be refused while the next one is on its way, and that one, too, when a platform is
 * slower than its tokens live; but not for ever. */
enum { REFUSALS_MAX = 16 };

static enum task_next request_goto(struct request *r, enum request_step step)
{
    static const unsigned edges[] = {REQUEST_STEPS(STEP_EDGES)};
    CHECK(edges[r->step] >> step & 1);
    step_note(&machine_request, r->engine->now_ns, r->slot, r->generation, r->step, step);
    r->step = step;
    return TASK_AGAIN;
}

/* In a slot, and counted; what it is about is still to be filled in. */
static struct request *request_new(struct ringsend *e, struct ringsend_request *user)
{
    struct list *node = list_pop_front(&e->requests_free);
    struct request *r =
        node ? LIST_OWNER(node, struct request, finished) : &e->requests[e->requests_mark++];
    uint32_t slot = (uint32_t)(r - e->requests), generation = r->generation + 1;
    generation += generation == 0; /* 0 is no handle's */
    CHECK(slot < 2 * e->options.requests_max);
    *r = (struct request){.step = REQUEST_TRY,
                          .slot = slot,
                          .generation = generation,
                          .engine = e,
                          .user = user,
                          .tries = user->tries ? user->tries : e->options.tries,
                          .backoff_at_ns = TIMER_NEVER,
                          .submitted_ns = e->now_ns,
                          .queued_ns = e->now_ns};
    task_init(&r->task, TASK_REQUEST);
    list_init(&r->waiting);
    list_init(&r->finished);
    list_init(&r->undecoded);
    r->result.request = user;
    user->handle = (uint64_t)generation << 32 | slot;
    e->requests_used++;
    e->stats.submitted++;
    return r;
}

bool request_is_idempotent(const struct ringsend_request *user, struct ringsend_bytes method)
{
    return head_method_is_idempotent(method) ||
           ((user->flags & RINGSEND_KEYED) && !key_is_denied(user->headers, user->headers_count));
}

void request_take(struct ringsend *e, struct ringsend_request *user, const struct head *head,
                  struct origin *o, struct stream *stream)
{
    const struct ringsend_options *options = &e->options;
    struct request *r = request_new(e, user);
    r->origin = o;
    r->head = *head;
    if ((r->stream = stream)) {
        stream->request = r;
        r->wants_fresh = stream_wants_fresh(r);
    }
    r->idempotent = request_is_idempotent(user, head->method);
    r->replayable = r->idempotent || (user->flags & RINGSEND_AT_LEAST_ONCE);
    r->may_be_processed = attempt_is_marked(user);
    r->attempt_timeout_ns =
        user->attempt_timeout_ns ? user->attempt_timeout_ns : options->attempt_timeout_ns;
    r->deadline_at_ns =
        timer_after(e->now_ns, user->deadline_ns ? user->deadline_ns : options->deadline_ns);
    CHECK(r->tries > 0 && r->deadline_at_ns >= e->now_ns);
    o->requests++;
    o->pool->requests++;
    task_deadline(e, &r->task, r->deadline_at_ns);
    task_wake(e, &r->task);
}

bool request_find(struct ringsend *e, uint64_t handle, struct request **r)
{
    uint32_t slot = (uint32_t)handle, generation = (uint32_t)(handle >> 32);
    if (slot >= e->requests_mark || generation == 0)
        return false;
    struct request *at = &e->requests[slot];
    CHECK(at->slot == slot);
    bool is_it = at->generation == generation && at->user && at->step != REQUEST_FINISHED;
    *r = is_it ? at : NULL;
    return true;
}

void request_put(struct request *r)
{
    struct ringsend *e = r->engine;
    CHECK(r->step == REQUEST_FINISHED && r->user && e->requests_used > 0);
    attempt_release(&r->attempt);
    buf_release(&e->bufs, &r->trace);
    follow_release(r);
    if (r->stream)
        stream_free(e, r->stream);
    timer_remove(&e->timers, &r->task.timer);
    list_remove(&r->task.ready);
    r->user = NULL;
#ifdef RINGSEND_SLOW_CHECKS
    memset(&r->result, BUF_STALE, sizeof r->result); /* its life is over: see ringsend_run */
#endif
    e->requests_used--;
    list_push_front(&e->requests_free, &r->finished);
}

/* A reused connection that turned out to be dead: that is nobody's failure. */
static bool is_pardoned(const struct request *r)
{
    return r->attempt.stale && !(r->engine->options.no_free_try && r->attempt.bytes_left);
}

static void count_outcome(struct request *r)
{
    struct ringsend_stats *stats = &r->engine->stats;
    const struct attempt *a = &r->attempt;
    CHECK(a->step == ATTEMPT_KNOWN);
    if (retry_is_pushed_back(a->outcome, a->status)) {
        stats->pushed_back += !is_pardoned(r);
        stats->refused += retry_is_overload(a->status);
    } else if (a->outcome == RINGSEND_OK) {
        CHECK(a->times.done_at_ns >= a->times.sent_at_ns);
        stats->completed++;
        stats->service_ns += a->times.done_at_ns - a->times.sent_at_ns;
    }
}

/* What the attempt shows of its origin: it answers, or lets clocks run out. */
static void judge_origin(struct request *r)
{
    const struct attempt *a = &r->attempt;
    CHECK(a->answered || a->outcome != RINGSEND_OK);
    if (a->answered || retry_is_silence(a->outcome))
        place_heard(r->origin->pool, a->answered);
}

/* The attempt's outcome is known. */
static void settle(struct request *r)
{
    CHECK(!decode_is_due(r));
    attempt_judged(&r->attempt);
    count_outcome(r);
    trace_attempt_over(r);
    r->queued_ns = r->engine->now_ns;
    if (r->engine->run_limits->costs.count > 0 && costs_settle(r))
        gates_freed(r->engine);
}

/* The attempt is over: what it says of its origin, and what it is worth, unless its body is to be
 * decoded first. */
static void judge(struct request *r)
{
    struct attempt *a = &r->attempt;
    CHECK(a->step == ATTEMPT_OVER && !r->exchange && !decode_is_due(r));
    r->result.attempts++;
    trace_waited(r, a->began_ns);
    r->deadline_at_ns = timer_after(r->deadline_at_ns, a->stood_ns);
    a->stood_ns = 0;
    pause_hear(r);
    if (a->outcome == RINGSEND_OK && verdict_begin(r))
        decode_queue(r);
    judge_origin(r);
    if (!decode_is_due(r))
        settle(r);
    CHECK((r->attempt.step == ATTEMPT_KNOWN) != decode_is_due(r));
}

/* The index of positions makes way for the array. */
static void publish_headers(struct request *r)
{
    struct ringsend *e = r->engine;
    struct attempt *a = &r->attempt;
    struct buf array = {0};
    if (!e->options.store_headers)
        return;
    CHECK(!r->result.headers);
    attempt_headers(e, &a->headers, &a->header_index, &array, &r->result);
    if (!array.data)
        return;
    buf_release(&e->bufs, &a->header_index);
    a->header_index = array;
}

/* What the last attempt has come to. */
static void publish_attempt(struct request *r)
{
    const struct attempt *a = &r->attempt;
    struct ringsend_result *result = &r->result;
    CHECK(r->step == REQUEST_FINISHED && (a->begun || !a->body.data));
    result->status = a->status;
    result->unjudged = a->unjudged;
    result->retry_after_ns = a->asked_ns;
    result->head_bytes = a->head_bytes;
    result->packed_bytes = a->packed_bytes;
    result->body = (struct ringsend_bytes){a->body.data, a->body.bytes};
    if (a->encoded)
        result->encoding = (struct ringsend_bytes){a->codings.text, a->codings.text_bytes};
    result->times = a->times;
    result->times.queue_ns = r->queue_ns;
    result->times.dns_ns = r->dns_ns;
    result->times.total_ns = r->engine->now_ns - r->submitted_ns;
    publish_headers(r);
    follow_publish(r);
}

/* Takes the caller's mark back when no attempt is left that may have been processed. `declined`:
 * the last one's outcome says that it was not. */
static void settle_doubt(struct request *r, bool declined)
{
    CHECK(r->attempt.step == ATTEMPT_KNOWN);
    r->may_be_processed |= r->attempt.bytes_left && !declined;
    if (!r->may_be_processed)
        attempt_unmark(r->user);
}

static enum task_next finish(struct request *r, enum ringsend_error error, const char *detail)
{
    struct ringsend *e = r->engine;
    struct ringsend_result *result = &r->result;
    CHECK(!r->exchange && !decode_is_due(r) && !r->result.attempts_list);
    CHECK(error != RINGSEND_OK || attempt_has_outcome(&r->attempt));
    r->queue_ns += e->now_ns - r->queued_ns;
    trace_waited(r, e->now_ns);
    request_goto(r, REQUEST_FINISHED);
    queue_remove(r);
    result->error = error;
    result->ok = error == RINGSEND_OK && r->attempt.verdict == VERDICT_OK;
    result->detail = result->ok ? NULL : follow_explain(r, error, detail);
    result->ambiguous = r->in_doubt && !result->ok;
    result->cut_short |= error == RINGSEND_E_STOPPED || error == RINGSEND_E_CANCELLED;
    publish_attempt(r);
    trace_publish(r);
    task_deadline(e, &r->task, TIMER_NEVER);
    list_push_back(&e->finished, &r->finished);
    e->finished_count++;
    e->stats.finished++;
    if (r->origin)
        origin_release(r->origin);
    return TASK_DONE;
}

void request_refuse(struct ringsend *e, struct ringsend_request *user, enum ringsend_error error,
                    const char *detail)
{
    CHECK(error != RINGSEND_OK);
    finish(request_new(e, user), error, detail);
}

static enum task_next finish_with_outcome(struct request *r)
{
    CHECK(attempt_has_outcome(&r->attempt) && r->result.attempts > 0);
    return finish(r, r->attempt.outcome, r->attempt.detail);
}

static enum task_next cut_short(struct request *r)
{
    CHECK(r->engine->stopping || r->cancel_asked);
    r->result.cut_short = true;
    return finish_with_outcome(r);
}

/* Waits before the next attempt, unless the wait would outlast the record's deadline. */
static enum task_next back_off(struct request *r)
{
    struct ringsend *e = r->engine;
    uint32_t attempt = r->result.attempts - r->free_tries;
    CHECK(r->attempt.step == ATTEMPT_KNOWN && r->step == REQUEST_TRYING);
    /* In a pause the restart brings the jitter. */
    uint64_t asked_ns = r->attempt.pause_ns > 0 ? 0 : r->attempt.wait_ns;
    r->wait = r->attempt.asked_ns > 0 ? RINGSEND_WAIT_RETRY_AFTER : RINGSEND_WAIT_BACKOFF;
    r->backoff_at_ns = timer_after(e->now_ns, retry_wait_ns(e, attempt, asked_ns));
    uint64_t pause_ends_ns = pause_ends_at_ns(r->origin);
    if (r->backoff_at_ns < pause_ends_ns) {
        r->backoff_at_ns = pause_ends_ns;
        if (r->wait == RINGSEND_WAIT_BACKOFF)
            r->wait = RINGSEND_WAIT_PAUSE;
    }
    if (r->backoff_at_ns >= r->deadline_at_ns)
        return finish_with_outcome(r);
    r->wants_fresh = stream_wants_fresh(r) || r->attempt.status == 421;
    r->is_retry = true;
    CHECK(r->backoff_at_ns >= e->now_ns && r->wait != RINGSEND_WAIT_NONE);
    return request_goto(r, REQUEST_BACKOFF);
}

/* Its token was refused, and there is another one, or soon will be. */
static bool is_for_free(struct request *r, bool is_ok)
{
    struct credentials *c = r->engine->credentials;
    CHECK(c && r->attempt.token != 0);
    return c->heard(c, r->attempt.token, r->attempt.status, is_ok, &r->renewed) &&
           r->free_tries - r->redirects < REFUSALS_MAX;
}

/* Where the answer sends it. That was no try: what its answer says of the doubt is settled, and
 * what it has come to is not looked at any more. A time that it asks for is waited (RFC 9110
 * 10.2.3). */
static enum task_next follow(struct request *r)
{
    struct ringsend *e = r->engine;
    const char *detail = NULL;
    uint64_t wait_ns = r->attempt.pause_ns > 0 ? 0 : r->attempt.wait_ns;
    if (e->stopping || r->cancel_asked) {
        follow_give_up(r);
        settle_doubt(r, r->answered_status == 0);
        return cut_short(r);
    }
    enum ringsend_error error = follow_begin(r, &detail);
    if (error != RINGSEND_OK) {
        follow_give_up(r);
        return finish(r, error, detail);
    }
    settle_doubt(r, r->answered_status == 0);
    attempt_clear(&r->attempt);
    r->free_tries++;
    r->renewed = r->was_pardoned = false;
    r->wants_fresh = stream_wants_fresh(r);
    r->wait = RINGSEND_WAIT_REDIRECT;
    if (wait_ns == 0)
        return request_goto(r, REQUEST_TRY);
    r->wait = RINGSEND_WAIT_RETRY_AFTER;
    r->backoff_at_ns = timer_after(e->now_ns, wait_ns);
    return request_goto(r, REQUEST_BACKOFF);
}

/* An attempt is over: again, or enough? */
static enum task_next decide(struct request *r)
{
    struct ringsend *e = r->engine;
    const struct attempt *a = &r->attempt;
    enum ringsend_error error = a->outcome;
    int status = a->status;
    CHECK(a->step == ATTEMPT_KNOWN && !r->exchange && r->result.attempts > r->free_tries);
    bool is_ok = error == RINGSEND_OK && a->verdict == VERDICT_OK;
    bool is_refreshed = error == RINGSEND_OK && a->token != 0 && is_for_free(r, is_ok);
    if (!is_refreshed && follow_is_due(r))
        return follow(r);
    if (is_ok)
        return finish_with_outcome(r);
    bool wanted = error == RINGSEND_OK && (a->verdict == VERDICT_AGAIN || is_refreshed);
    bool doubtful = a->bytes_left && !wanted && retry_is_doubtful(error, status);
    if (doubtful && !r->idempotent)
        r->in_doubt = true;
    bool may_double = a->bytes_left && !wanted && retry_may_double(error, status);
    settle_doubt(r, !may_double && (error == RINGSEND_OK || retry_is_declined(status)));
    /* No response at all, whatever else came. */
    bool no_response = a->stale && error == RINGSEND_E_BAD_RESPONSE;
    bool helps = retry_may_help(e, no_response ? RINGSEND_E_CLOSED_NO_RESPONSE : error, status);
    helps = retry_is_wanted(e, (enum hint_retry)a->retry, status, helps);
    if ((may_double && !r->replayable) || !(wanted || helps))
        return finish_with_outcome(r);
    if (stream_is_spent(r))
        return finish_with_outcome(r);
    bool is_free = is_refreshed || (is_pardoned(r) && !r->was_pardoned);
    if (!is_free && r->result.attempts - r->free_tries >= r->tries)
        return finish_with_outcome(r);
    if (e->stopping || r->cancel_asked)
        return cut_short(r);
    if (is_free) {
        r->free_tries++;
        r->was_pardoned |= !is_refreshed;
        r->wants_fresh = !is_refreshed || stream_wants_fresh(r);
        r->wait = RINGSEND_WAIT_FREE;
        return request_goto(r, REQUEST_TRY);
    }
    return back_off(r);
}

/* What it waits for may be ours, as room for its response: then its clock stands. */
static uint64_t deadline_ns(const struct request *r)
{
    const struct attempt *a = &r->attempt;
    CHECK(!a->stands_ns || a->step == ATTEMPT_BEGUN);
    return a->stands_ns ? TIMER_NEVER : timer_after(r->deadline_at_ns, a->stood_ns);
}

/* A cancel, the record's own deadline or a stop asks for its end; RINGSEND_OK: none of these. */
static enum ringsend_error early_end(const struct request *r)
{
    if (r->cancel_asked)
        return RINGSEND_E_CANCELLED;
    if (r->engine->now_ns >= r->deadline_at_ns && engine_is_over(r->engine, deadline_ns(r)))
        return RINGSEND_E_TIMEOUT_RECORD;
    return r->engine->stopping ? RINGSEND_E_STOPPED : RINGSEND_OK;
}

/* Between tries, or before the first one: the last one's outcome tells more than that time was up.
 */
static enum task_next end_early(struct request *r, enum ringsend_error error)
{
    CHECK(error != RINGSEND_OK && !r->exchange);
    if (attempt_has_outcome(&r->attempt) && error == RINGSEND_E_STOPPED)
        return cut_short(r);
    if (attempt_has_outcome(&r->attempt) && error != RINGSEND_E_CANCELLED)
        return finish_with_outcome(r);
    attempt_clear(&r->attempt);
    return finish(r, error, NULL);
}

/* The attempt ends where it is, between two addresses: with what made it move on, if that was an
 * error, which tells more than that time was up. */
static void end_redial(struct request *r, enum ringsend_error error)
{
    const struct attempt *a = &r->attempt;
    bool cancelled = error == RINGSEND_E_CANCELLED || a->redial_error == RINGSEND_OK;
    CHECK(error != RINGSEND_OK && attempt_is_redialing(a));
    r->result.cut_short = error == RINGSEND_E_STOPPED;
    queue_take(r);
    attempt_over(&r->attempt, cancelled ? error : a->redial_error,
                 cancelled ? NULL : a->redial_detail);
}

/* What had come for it by its deadline is known, and not all of it: a connection that is to run may
 * have it. */
static bool has_run_out(const struct request *r)
{
    CHECK(r->attempt.step == ATTEMPT_BEGUN);
    return !r->exchange || exchange_is_seen(r->exchange);
}

/* Asks for the end of the attempt that is under way. */
static enum task_next carried(struct request *r, enum ringsend_error early)
{
    bool ends =
        early == RINGSEND_E_CANCELLED || (early == RINGSEND_E_TIMEOUT_RECORD && has_run_out(r));
    CHECK(r->attempt.step == ATTEMPT_BEGUN && list_empty(&r->waiting));
    if (!ends)
        task_deadline(r->engine, &r->task, deadline_ns(r));
    else if (r->exchange)
        exchange_abandon(r->exchange, early);
    else
        pool_abandon_race(r->origin->pool, early, NULL);
    return TASK_WAIT;
}

/* Its response has come in time, so that only a cancel ends it. */
static enum task_next decoding(struct request *r, enum ringsend_error early)
{
    CHECK(decode_is_due(r) && !r->exchange);
    if (early == RINGSEND_E_CANCELLED) {
        decode_abandon(r);
        r->attempt.outcome = early;
    } else if (!decode_run(r)) {
        return TASK_WAIT;
    }
    settle(r);
    return decide(r);
}

static enum task_next trying(struct request *r, enum ringsend_error early)
{
    switch (r->attempt.step) {
    case ATTEMPT_QUEUED:
    case ATTEMPT_REDIALING:
        CHECK(!list_empty(&r->waiting) && !r->exchange);
        if (early == RINGSEND_OK) {
            task_deadline(r->engine, &r->task, deadline_ns(r));
            return TASK_WAIT;
        }
        if (r->attempt.step == ATTEMPT_QUEUED)
            return end_early(r, early);
        end_redial(r, early);
        return TASK_WAIT;
    case ATTEMPT_BEGUN:
        return carried(r, early);
    case ATTEMPT_OVER:
        if (!decode_is_due(r))
            judge(r);
        return decode_is_due(r) ? decoding(r, early) : decide(r);
    case ATTEMPT_KNOWN:
        return decide(r);
    case ATTEMPT_NONE:
        break;
    }
    UNREACHABLE("attempt of a request that tries");
}

enum task_next request_run(struct request *r)
{
    struct ringsend *e = r->engine;
    enum ringsend_error error;
    switch (r->step) {
    case REQUEST_TRY:
        CHECK(list_empty(&r->waiting) && !r->exchange);
        r->dns_ns = 0;
        queue_add(r->origin, r, r->wait == RINGSEND_WAIT_FREE);
        return request_goto(r, REQUEST_TRYING);
    case REQUEST_TRYING:
        return trying(r, early_end(r));
    case REQUEST_BACKOFF:
        CHECK(r->attempt.step == ATTEMPT_KNOWN && list_empty(&r->waiting) && !r->exchange);
        if ((error = early_end(r)) != RINGSEND_OK)
            return end_early(r, error);
        if (e->now_ns >= r->backoff_at_ns)
            return request_goto(r, REQUEST_TRY);
        task_deadline(e, &r->task, r->backoff_at_ns); /* never later than the record's */
        return TASK_WAIT;
    case REQUEST_FINISHED:
        return TASK_DONE;
    }
    UNREACHABLE("request step");
}
