/* Clears, fills in and words what attempt.h keeps, and writes its step. Wakes tasks, and calls
 * none of the machines. */
#include "engine/attempt.h"

#include "base/buf.h"
#include "base/check.h"
#include "base/list.h"
#include "base/timers.h"
#include "engine/engine.h"
#include "engine/pause.h"
#include "engine/request.h"
#include "engine/steps.h"
#include "http/response.h"
#include "ringsend.h"

#include <stdio.h>
#include <string.h>

static struct request *request_of(struct attempt *a)
{
    return LIST_OWNER(a, struct request, attempt);
}

static struct buf_pool *pool_of(struct attempt *a)
{
    return &request_of(a)->engine->bufs;
}

static void attempt_goto(struct attempt *a, enum attempt_step step)
{
    static const unsigned edges[] = {ATTEMPT_STEPS(STEP_EDGES)};
    const struct request *r = request_of(a);
    CHECK(edges[a->step] >> step & 1);
    step_note(&machine_attempt, r->engine->now_ns, r->slot, r->generation, a->step, step);
    (void)r;
    a->step = step;
}

/* ---- Life ---- */

void attempt_release(struct attempt *a)
{
    struct buf_pool *pool = pool_of(a);
    CHECK(a->begun || (!a->body.data && !a->headers.data));
    buf_release(pool, &a->body);
    buf_release(pool, &a->packed);
    buf_release(pool, &a->headers);
    buf_release(pool, &a->header_index);
    buf_release(pool, &a->location);
    buf_release(pool, &a->detail_text);
}

void attempt_clear(struct attempt *a)
{
    if (!a->begun)
        return;
    CHECK(a->step == ATTEMPT_QUEUED || a->step == ATTEMPT_KNOWN);
    attempt_release(a);
    *a = (struct attempt){.step = a->step};
}

void attempt_queued(struct attempt *a)
{
    CHECK(!request_of(a)->exchange);
    if (a->step != ATTEMPT_REDIALING)
        attempt_goto(a, ATTEMPT_QUEUED);
}

void attempt_begin(struct attempt *a)
{
    const struct request *r = request_of(a);
    const struct ringsend *e = r->engine;
    if (a->step == ATTEMPT_REDIALING) {
        a->times = (struct ringsend_times){.begun_at_ns = a->times.begun_at_ns};
    } else {
        attempt_clear(a);
        a->begun = true;
        a->began_ns = e->now_ns;
        a->left_ns = r->attempt_timeout_ns;
        a->times.begun_at_ns = engine_stamp_ns(e);
    }
    CHECK(!a->bytes_left && !a->stands_ns && a->outcome == RINGSEND_OK);
    a->deadline_ns = timer_after(e->now_ns, a->left_ns);
    attempt_goto(a, ATTEMPT_BEGUN);
}

void attempt_redial(struct attempt *a, enum ringsend_error error, const char *detail)
{
    CHECK(!a->bytes_left && !a->stands_ns);
    attempt_goto(a, ATTEMPT_REDIALING);
    a->redial_error = error;
    a->redial_detail = detail;
    a->left_ns = request_of(a)->attempt_timeout_ns;
}

void attempt_take_back(struct attempt *a, uint64_t connect_ns, uint64_t handshake_ns)
{
    struct request *r = request_of(a);
    uint64_t now_ns = r->engine->now_ns;
    CHECK(a->deadline_ns >= a->began_ns && connect_ns + handshake_ns <= now_ns);
    attempt_redial(a, RINGSEND_OK, NULL);
    a->connect_spent_ns += connect_ns;
    a->handshake_spent_ns += handshake_ns;
    if (a->deadline_ns != TIMER_NEVER)
        a->left_ns = a->deadline_ns > now_ns ? a->deadline_ns - now_ns : 0;
    task_wake(r->engine, &r->task); /* after a stop it waits no more */
}

void attempt_stand(struct attempt *a)
{
    struct request *r = request_of(a);
    CHECK(a->step == ATTEMPT_BEGUN && !a->stands_ns);
    a->stands_ns = r->engine->now_ns;
    task_wake(r->engine, &r->task); /* to put off its own clock */
}

void attempt_go_on(struct attempt *a)
{
    struct request *r = request_of(a);
    CHECK(a->step == ATTEMPT_BEGUN && a->stands_ns);
    a->stood_ns += r->engine->now_ns - a->stands_ns;
    a->stands_ns = 0;
    task_wake(r->engine, &r->task); /* to look at it */
}

void attempt_put_off(struct attempt *a, uint64_t ns)
{
    CHECK(a->step == ATTEMPT_BEGUN && !a->stands_ns);
    a->deadline_ns = timer_after(a->deadline_ns, ns);
}

void attempt_over(struct attempt *a, enum ringsend_error outcome, const char *detail)
{
    struct request *r = request_of(a);
    uint64_t now_ns = r->engine->now_ns;
    CHECK(!a->stands_ns && !r->exchange);
    attempt_goto(a, ATTEMPT_OVER);
    a->outcome = outcome;
    attempt_explain(a, detail);
    CHECK(outcome != RINGSEND_OK || a->status >= 200);
    /* Given up in the turn that began or sent it: that stamp may be younger than the turn's. */
    const struct ringsend_times *t = &a->times;
    uint64_t last_ns = t->sent_at_ns > t->begun_at_ns ? t->sent_at_ns : t->begun_at_ns;
    a->times.done_at_ns = now_ns > last_ns ? now_ns : last_ns;
    task_wake_first(r->engine, &r->task);
}

void attempt_judged(struct attempt *a)
{
    CHECK(a->begun && a->times.done_at_ns >= a->times.begun_at_ns);
    attempt_goto(a, ATTEMPT_KNOWN);
}

/* ---- What has left ---- */

/* A program built against an older header has a shorter request: fields behind `handle` are
 * read only if they are there. */
static unsigned char *mark_of(const struct ringsend_request *user)
{
    bool there = user->size > offsetof(struct ringsend_request, in_doubt_mask);
    return there ? user->in_doubt : NULL;
}

void attempt_leaves(struct attempt *a, const struct ringsend_request *user)
{
    unsigned char *mark = mark_of(user);
    CHECK(a->step == ATTEMPT_BEGUN && !a->bytes_left);
    a->bytes_left = true;
    if (mark)
        __atomic_fetch_or(mark, user->in_doubt_mask, __ATOMIC_RELAXED);
}

bool attempt_is_marked(const struct ringsend_request *user)
{
    const unsigned char *mark = mark_of(user);
    return mark && (__atomic_load_n(mark, __ATOMIC_RELAXED) & user->in_doubt_mask) != 0;
}

void attempt_unmark(const struct ringsend_request *user)
{
    unsigned char *mark = mark_of(user);
    if (mark)
        __atomic_fetch_and(mark, (unsigned char)~user->in_doubt_mask, __ATOMIC_RELAXED);
}

/* ---- What came ---- */

void attempt_explain(struct attempt *a, const char *detail)
{
    if (!detail)
        return;
    CHECK(a->begun);
    a->detail_text.bytes = 0;
    if (buf_append(pool_of(a), &a->detail_text, detail, strlen(detail) + 1))
        a->detail = a->detail_text.data;
}

enum { LOCATION_SHOWN_MAX = 128 };

/* Whose Location is where to go instead (RFC 9110 15.4). */
static bool is_redirect(int status)
{
    return (status >= 300 && status <= 303) || status == 307 || status == 308;
}

/* Where a redirect leads: it is for the user to go there. What may be secret in a URL is
 * left out: userinfo, query and fragment. */
static void explain_redirect(struct attempt *a)
{
    char text[256];
    const char *at = a->location.data;
    bool is_longer = a->location.bytes > LOCATION_SHOWN_MAX;
    size_t bytes = is_longer ? LOCATION_SHOWN_MAX : a->location.bytes;
    CHECK(a->step == ATTEMPT_BEGUN);
    if (!is_redirect(a->status) || bytes == 0)
        return;
    const char *start = memmem(at, bytes, "://", 3);
    const char *host = start ? start + 3 : at;
    size_t left = bytes - (size_t)(host - at), path = 0, kept;
    while (path < left && !memchr("/?#", host[path], 3))
        path++;
    const char *userinfo = memrchr(host, '@', path);
    for (kept = path; kept < left && host[kept] != '?' && host[kept] != '#';)
        kept++;
    const char *from = userinfo ? userinfo + 1 : host;
    snprintf(text, sizeof text, "it redirects to %.*s%.*s%s, which is not followed",
             (int)(host - at), at, (int)(host + kept - from), from,
             kept < left ? "?..."
             : is_longer ? "..."
                         : "");
    attempt_explain(a, text);
}

/* There is no body, by the method or the status; or none that is seen here. */
static bool is_bodiless(int status, const struct response *response)
{
    return response->method_is_head || response->streams || status == 204 || status == 205 ||
           status == 304;
}

void attempt_take(struct attempt *a, struct response *response, enum ringsend_error outcome)
{
    CHECK(a->step == ATTEMPT_BEGUN);
    a->answered = response->started;
    if (response->phase != RESPONSE_HEAD || outcome == RINGSEND_OK)
        a->status = response->status;
    a->packed_bytes = response->streamed_bytes;
    if (a->status >= 200) /* the head is complete, the body maybe not */
        pause_read(a, &response->hints, request_of(a)->engine);
    if (outcome != RINGSEND_OK)
        return;
    CHECK(a->status >= 200 && !a->body.data && !a->headers.data);
    a->body = response->body;
    a->headers = response->headers;
    a->header_index = response->header_index;
    a->location = response->location;
    response->body = response->headers = response->header_index = (struct buf){0};
    response->location = (struct buf){0};
    a->head_bytes = response->head_bytes;
    explain_redirect(a);
    a->bodiless = is_bodiless(a->status, response);
    if (!response->streams)
        a->packed_bytes = a->body.bytes;
    if (a->packed_bytes > 0 && response->codings.text_bytes > 0)
        a->codings = response->codings;
}

void attempt_not_passed_on(struct attempt *a)
{
    CHECK(a->step == ATTEMPT_BEGUN && !a->body.data);
    a->bytes_left = false;
    a->status = 0;
}

void attempt_headers(struct ringsend *e, const struct buf *headers, const struct buf *index,
                     struct buf *array, struct ringsend_result *result)
{
    size_t count = index->bytes / sizeof(struct response_header);
    CHECK(index->bytes % sizeof(struct response_header) == 0 && !array->data);
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
