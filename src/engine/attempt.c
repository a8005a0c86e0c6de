/* Clears, fills in and words what attempt.h keeps. Calls nothing of the machines. */
#include "engine/attempt.h"

#include "base/check.h"

#include <stdio.h>
#include <string.h>

void attempt_release(struct attempt *a, struct buf_pool *pool)
{
    buf_release(pool, &a->body);
    buf_release(pool, &a->packed);
    buf_release(pool, &a->headers);
    buf_release(pool, &a->header_index);
    buf_release(pool, &a->detail_text);
}

void attempt_clear(struct attempt *a, struct buf_pool *pool)
{
    if (!a->begun)
        return;
    attempt_release(a, pool);
    *a = (struct attempt){0};
}

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
    CHECK(a->begun && !a->known && !a->bytes_left);
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

void attempt_explain(struct attempt *a, struct buf_pool *pool, const char *detail)
{
    a->detail_text.bytes = 0;
    if (detail && buf_append(pool, &a->detail_text, detail, strlen(detail) + 1))
        a->detail = a->detail_text.data;
}

void attempt_end(struct attempt *a, struct buf_pool *pool, enum ringsend_error outcome,
                 const char *detail)
{
    CHECK(a->begun && !a->known);
    a->outcome = outcome;
    attempt_explain(a, pool, detail);
}

/* Whose Location is where to go instead (RFC 9110 15.4). */
static bool is_redirect(int status)
{
    return (status >= 300 && status <= 303) || status == 307 || status == 308;
}

/* Where a redirect leads: it is for the user to go there. What may be secret in a URL is
 * left out: userinfo, query and fragment. */
static void explain_redirect(struct attempt *a, struct buf_pool *pool,
                             const struct response *response)
{
    char text[256];
    const char *at = response->location;
    size_t bytes = response->location_bytes;
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
             kept < left                    ? "?..."
             : response->location_is_longer ? "..."
                                            : "");
    attempt_explain(a, pool, text);
}

/* There is no body, by the method or the status; or none that is seen here. */
static bool is_bodiless(int status, const struct response *response)
{
    return response->method_is_head || response->streams || status == 204 || status == 205 ||
           status == 304;
}

void attempt_take(struct attempt *a, struct buf_pool *pool, struct response *response)
{
    a->answered = response->started;
    if (response->phase != RESPONSE_HEAD || a->outcome == RINGSEND_OK)
        a->status = response->status;
    a->packed_bytes = response->streamed_bytes;
    bool hinted = response->hints.has_retry_after || response->hints.used_up;
    if (a->status >= 200 && hinted) /* the head is complete, the body maybe not */
        a->hints = response->hints;
    if (a->outcome != RINGSEND_OK)
        return;
    CHECK(a->status >= 200);
    a->body = response->body;
    a->headers = response->headers;
    a->header_index = response->header_index;
    response->body = response->headers = response->header_index = (struct buf){0};
    a->head_bytes = response->head_bytes;
    explain_redirect(a, pool, response);
    a->bodiless = is_bodiless(a->status, response);
    if (!response->streams)
        a->packed_bytes = a->body.bytes;
    if (a->packed_bytes > 0 && response->codings.text_bytes > 0)
        a->codings = response->codings;
}
