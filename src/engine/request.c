/* A request: its whole life over all attempts, from ringsend_submit to ringsend_reap.
 *
 * step      waits for                         deadline            next
 * QUEUE     -                                 -                   QUEUED; FINISHED if refused
 * QUEUED    its origin: a connection          record              ATTEMPT
 * ATTEMPT   the outcome: request_attempt_over record              BACKOFF, QUEUED, FINISHED
 *           and, of a packed body, decode_run
 * BACKOFF   time                              backoff, record     QUEUE, FINISHED
 * FINISHED  ringsend_reap                     -                   (free)
 *
 * Invariants. It is in origin.waiting exactly in QUEUED. Between request_attempt_begun and
 * request_attempt_over the kernel may read the user's memory; FINISHED is never entered in between.
 * The result is written once, by finish(), and tells of the last attempt. */
#include "engine/request.h"

#include "base/buf.h"
#include "base/check.h"
#include "base/errors.h"
#include "base/key.h"
#include "base/list.h"
#include "base/timers.h"
#include "engine/attempt.h"
#include "engine/conn.h"
#include "engine/decode.h"
#include "engine/engine.h"
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
    *r = (struct request){.step = REQUEST_QUEUE,
                          .slot = slot,
                          .generation = generation,
                          .engine = e,
                          .user = user,
                          .tries = user->tries ? user->tries : e->options.tries,
                          .attempt_at_ns = TIMER_NEVER,
                          .backoff_at_ns = TIMER_NEVER,
                          .submitted_ns = e->now_ns,
                          .queued_ns = e->now_ns};
    r->task.kind = TASK_REQUEST;
    timer_init(&r->task.timer);
    list_init(&r->task.ready);
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
    bool is_it = at->generation == generation && at->user && at->step != REQUEST_FINISHED;
    *r = is_it ? at : NULL;
    return true;
}

void request_put(struct request *r)
{
    struct ringsend *e = r->engine;
    CHECK(r->step == REQUEST_FINISHED);
    attempt_release(&r->attempt, &e->bufs);
    buf_release(&e->bufs, &r->trace);
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

static void begin_clocks(struct request *r)
{
    r->connect_spent_ns = r->handshake_spent_ns = 0;
    r->attempt_left_ns = r->attempt_timeout_ns;
}

void request_attempt_begun(struct request *r, struct conn *conn)
{
    struct ringsend *e = r->engine;
    if (r->step == REQUEST_QUEUED) {
        request_goto(r, REQUEST_ATTEMPT);
        uint64_t begun_at_ns = r->redialing ? r->attempt.times.begun_at_ns : engine_stamp_ns(e);
        attempt_clear(&r->attempt, &e->bufs);
        r->queue_ns += e->now_ns - r->queued_ns;
        r->attempt.begun = true;
        r->attempt.times.begun_at_ns = begun_at_ns;
        if (!r->redialing) {
            begin_clocks(r);
            trace_waited(r);
            r->attempt_began_ns = e->now_ns;
        }
        r->attempt_at_ns = timer_after(e->now_ns, r->attempt_left_ns);
        r->redialing = r->is_retry = false;
        r->result.attempts++;
        e->stats.attempts++;
    }
    /* Else: the winner of the race that began this attempt. */
    CHECK(r->step == REQUEST_ATTEMPT && !r->conn);
    r->conn = conn;
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
    if (retry_is_pushed_back(a->outcome, a->status)) {
        stats->pushed_back += !is_pardoned(r);
    } else if (a->outcome == RINGSEND_OK) {
        stats->completed++;
        stats->service_ns += a->times.done_at_ns - a->times.sent_at_ns;
    }
}

/* What the attempt shows of its origin: it answers, or lets clocks run out. */
static void judge_origin(struct request *r)
{
    const struct attempt *a = &r->attempt;
    if (a->answered || retry_is_silence(a->outcome))
        place_heard(r->origin->pool, a->answered);
}

/* The attempt's outcome is known. */
static void settle(struct request *r)
{
    CHECK(r->attempt.begun && !r->attempt.known && !decode_is_due(r));
    r->attempt.known = true;
    count_outcome(r);
    trace_attempt_over(r);
    r->queued_ns = r->engine->now_ns;
}

void request_attempt_over(struct request *r)
{
    struct ringsend *e = r->engine;
    struct attempt *a = &r->attempt;
    CHECK(r->step == REQUEST_ATTEMPT && !a->known && !decode_is_due(r));
    r->attempt_at_ns = TIMER_NEVER;
    /* Given up in the turn that began or sent it: that stamp may be younger than the turn's. */
    const struct ringsend_times *t = &a->times;
    uint64_t last_ns = t->sent_at_ns > t->begun_at_ns ? t->sent_at_ns : t->begun_at_ns;
    a->times.done_at_ns = e->now_ns > last_ns ? e->now_ns : last_ns;
    if (a->status >= 200)
        pause_hear(r);
    if (a->outcome == RINGSEND_OK)
        verdict_begin(r);
    r->conn = NULL;
    judge_origin(r);
    if (!decode_is_due(r))
        settle(r);
    task_wake(e, &r->task);
}

void request_attempt_failed(struct request *r, enum ringsend_error error, const char *detail)
{
    CHECK(error != RINGSEND_OK && !r->conn);
    attempt_end(&r->attempt, &r->engine->bufs, error, detail);
    request_attempt_over(r);
}

void request_redial(struct request *r, enum ringsend_error error, const char *detail)
{
    struct ringsend *e = r->engine;
    CHECK(r->attempt.begun && !r->attempt.known && !r->attempt.bytes_left);
    request_goto(r, REQUEST_QUEUED);
    r->conn = NULL;
    r->redial_error = error;
    r->redial_detail = detail;
    r->redialed = r->redialing = true;
    r->attempt_at_ns = TIMER_NEVER;
    r->queued_ns = e->now_ns;
    r->result.attempts--;
    e->stats.attempts--;
    r->attempt_left_ns = r->attempt_timeout_ns;
    queue_add(r->origin, r, true);
}

void request_take_back(struct request *r, uint64_t connect_ns, uint64_t handshake_ns)
{
    uint64_t now_ns = r->engine->now_ns, at_ns = r->attempt_at_ns;
    bool redialed = r->redialed;
    request_redial(r, RINGSEND_OK, NULL);
    r->redialed = redialed;
    r->connect_spent_ns += connect_ns;
    r->handshake_spent_ns += handshake_ns;
    if (at_ns != TIMER_NEVER)
        r->attempt_left_ns = at_ns > now_ns ? at_ns - now_ns : 0;
    task_wake(r->engine, &r->task); /* after a stop it waits no more */
}

void request_headers(struct ringsend *e, const struct buf *headers, const struct buf *index,
                     struct buf *array, struct ringsend_result *result)
{
    size_t count = index->bytes / sizeof(struct response_header);
    if (count == 0 || !buf_reserve(&e->bufs, array, count * sizeof(struct ringsend_header)))
        return;
    const struct response_header *from = (const void *)index->data;
    struct ringsend_header *to = (void *)array->data;
    for (size_t i = 0; i < count; i++) {
        to[i].name = (struct ringsend_bytes){headers->data + from[i].name_at, from[i].name_bytes};
        to[i].value =
            (struct ringsend_bytes){headers->data + from[i].value_at, from[i].value_bytes};
    }
    array->bytes = count * sizeof *to;
    result->headers = to;
    result->headers_count = count;
}

/* The index of positions makes way for the array. */
static void publish_headers(struct request *r)
{
    struct ringsend *e = r->engine;
    struct attempt *a = &r->attempt;
    struct buf array = {0};
    if (!e->options.store_headers)
        return;
    request_headers(e, &a->headers, &a->header_index, &array, &r->result);
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
}

/* Takes the caller's mark back when no attempt is left that may have been processed. `declined`:
 * the last one's outcome says that it was not. */
static void settle_doubt(struct request *r, bool declined)
{
    CHECK(r->attempt.known);
    r->may_be_processed |= r->attempt.bytes_left && !declined;
    if (!r->may_be_processed)
        attempt_unmark(r->user);
}

static enum task_next finish(struct request *r, enum ringsend_error error, const char *detail)
{
    struct ringsend *e = r->engine;
    struct ringsend_result *result = &r->result;
    CHECK(!r->conn && !decode_is_due(r) && !r->result.attempts_list);
    if (r->step != REQUEST_ATTEMPT)
        r->queue_ns += e->now_ns - r->queued_ns;
    trace_waited(r);
    request_goto(r, REQUEST_FINISHED);
    queue_remove(r);
    result->error = error;
    result->ok = error == RINGSEND_OK && r->attempt.verdict == VERDICT_OK;
    result->detail = result->ok ? NULL : detail;
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
    finish(request_new(e, user), error, detail);
}

static enum task_next finish_with_outcome(struct request *r)
{
    return finish(r, r->attempt.outcome, r->attempt.detail);
}

static enum task_next cut_short(struct request *r)
{
    CHECK(r->attempt.known);
    r->result.cut_short = true;
    return finish_with_outcome(r);
}

/* Waits before the next attempt, unless the wait would outlast the record's deadline. */
static enum task_next back_off(struct request *r)
{
    struct ringsend *e = r->engine;
    uint32_t attempt = r->result.attempts - r->free_tries;
    CHECK(r->attempt.known && r->step == REQUEST_ATTEMPT);
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
    r->redialed = false;
    r->is_retry = true;
    return request_goto(r, REQUEST_BACKOFF);
}

/* An attempt is over: again, or enough? */
static enum task_next decide(struct request *r)
{
    struct ringsend *e = r->engine;
    const struct attempt *a = &r->attempt;
    enum ringsend_error error = a->outcome;
    int status = a->status;
    CHECK(a->known && !r->conn && r->result.attempts > r->free_tries);
    if (error == RINGSEND_OK && a->verdict == VERDICT_OK)
        return finish_with_outcome(r);
    bool wanted = error == RINGSEND_OK && a->verdict == VERDICT_AGAIN;
    bool doubtful = a->bytes_left && !wanted && retry_is_doubtful(error, status);
    if (doubtful && !r->idempotent)
        r->in_doubt = true;
    bool may_double = a->bytes_left && !wanted && retry_may_double(error, status);
    settle_doubt(r, !may_double && (error == RINGSEND_OK || retry_is_declined(status)));
    /* No response at all, whatever else came. */
    bool no_response = a->stale && error == RINGSEND_E_BAD_RESPONSE;
    bool helps = retry_may_help(e, no_response ? RINGSEND_E_CLOSED_NO_RESPONSE : error, status);
    if ((may_double && !r->replayable) || !(wanted || helps))
        return finish_with_outcome(r);
    if (stream_is_spent(r))
        return finish_with_outcome(r);
    bool is_free = is_pardoned(r) && r->free_tries == 0;
    if (!is_free && r->result.attempts - r->free_tries >= r->tries)
        return finish_with_outcome(r);
    if (e->stopping || r->cancel_asked)
        return cut_short(r);
    if (is_free) {
        r->free_tries++;
        r->wants_fresh = true;
        r->redialed = false;
        r->wait = RINGSEND_WAIT_FREE;
        r->dns_ns = 0;
        request_goto(r, REQUEST_QUEUED);
        queue_add(r->origin, r, true);
        return TASK_AGAIN;
    }
    return back_off(r);
}

/* A cancel, the record's own deadline or a stop asks for its end; RINGSEND_OK: none of these. */
static enum ringsend_error early_end(const struct request *r)
{
    if (r->cancel_asked)
        return RINGSEND_E_CANCELLED;
    if (engine_is_over(r->engine, r->deadline_at_ns))
        return RINGSEND_E_TIMEOUT_RECORD;
    return r->engine->stopping ? RINGSEND_E_STOPPED : RINGSEND_OK;
}

static enum task_next end_early(struct request *r, enum ringsend_error error)
{
    CHECK(error != RINGSEND_OK && r->step != REQUEST_ATTEMPT);
    if (r->redialing) {
        /* The attempt ends where it is: with what made it move on, if that was an error, which
         * tells more than that time was up. */
        bool cancelled = error == RINGSEND_E_CANCELLED || r->redial_error == RINGSEND_OK;
        r->result.cut_short = error == RINGSEND_E_STOPPED;
        queue_remove(r);
        request_attempt_begun(r, NULL);
        request_attempt_failed(r, cancelled ? error : r->redial_error,
                               cancelled ? NULL : r->redial_detail);
        return TASK_AGAIN;
    }
    /* Between tries the last one's outcome tells more than that time was up. */
    if (r->attempt.known && error == RINGSEND_E_STOPPED)
        return cut_short(r);
    if (r->attempt.known && error != RINGSEND_E_CANCELLED)
        return finish_with_outcome(r);
    attempt_clear(&r->attempt, &r->engine->bufs);
    return finish(r, error, NULL);
}

static void abandon_attempt(struct request *r, enum ringsend_error error)
{
    CHECK(error != RINGSEND_OK && !r->attempt.known);
    if (decode_is_due(r)) {
        decode_abandon(r);
        r->attempt.outcome = error;
        settle(r);
        task_wake(r->engine, &r->task);
    } else if (r->conn)
        conn_abandon(r->conn, error, NULL);
    else
        pool_abandon_race(r->origin->pool, error, NULL);
}

/* What had come for it by its deadline is known, and not all of it: a response that is there to be
 * decoded has come in time, and a connection that is to run may have one. */
static bool has_run_out(const struct request *r)
{
    return !decode_is_due(r) &&
           (!r->conn || (conn_is_seen(r->conn) && list_empty(&r->conn->task.ready)));
}

static enum task_next attempting(struct request *r, enum ringsend_error early)
{
    CHECK(!r->conn || (!r->attempt.known && !decode_is_due(r)));
    if (r->attempt.known)
        return decide(r);
    if (early == RINGSEND_E_CANCELLED || (early == RINGSEND_E_TIMEOUT_RECORD && has_run_out(r))) {
        abandon_attempt(r, early);
        return TASK_WAIT;
    }
    if (!decode_is_due(r)) {
        task_deadline(r->engine, &r->task, r->deadline_at_ns);
        return TASK_WAIT;
    }
    if (!decode_run(r))
        return TASK_WAIT;
    settle(r);
    return TASK_AGAIN;
}

enum task_next request_run(struct request *r)
{
    struct ringsend *e = r->engine;
    enum ringsend_error error = early_end(r);
    switch (r->step) {
    case REQUEST_QUEUE:
        CHECK(list_empty(&r->waiting) && !r->conn);
        r->dns_ns = 0;
        queue_add(r->origin, r, false);
        return request_goto(r, REQUEST_QUEUED);
    case REQUEST_QUEUED:
        CHECK(!list_empty(&r->waiting) && !r->conn);
        if (error != RINGSEND_OK)
            return end_early(r, error);
        task_deadline(e, &r->task, r->deadline_at_ns);
        return TASK_WAIT;
    case REQUEST_ATTEMPT:
        return attempting(r, error);
    case REQUEST_BACKOFF:
        CHECK(r->attempt.known && list_empty(&r->waiting) && !r->conn);
        if (error != RINGSEND_OK)
            return end_early(r, error);
        if (e->now_ns >= r->backoff_at_ns)
            return request_goto(r, REQUEST_QUEUE);
        task_deadline(e, &r->task, r->backoff_at_ns); /* never later than the record's */
        return TASK_WAIT;
    case REQUEST_FINISHED:
        return TASK_DONE;
    }
    UNREACHABLE("request step");
}
