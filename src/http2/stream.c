/* A stream's memory and what is to be told of it. It lives until it is over and its owner has let
 * go of it, whichever comes last. */
#include "base/check.h"
#include "base/memory.h"
#include "http2/session.h"

#include <stdio.h>

void h2_fail(struct h2 *h, enum h2_failure failure, const char *detail)
{
    CHECK(failure != H2_FINE);
    if (h->failure != H2_FINE)
        return;
    h->failure = failure;
    if (detail)
        snprintf(h->detail, sizeof h->detail, "%s", detail);
}

struct h2_stream *h2_stream_new(struct h2 *h, int32_t id, void *owner)
{
    struct h2_stream *s = memory_take_zeroed(h->options.memory, sizeof *s);
    if (!s)
        return NULL;
    s->h2 = h;
    s->id = id;
    s->owner = owner;
    list_init(&s->news);
    list_push_back(&h->streams, &s->node);
    h->open_count++;
    return s;
}

void h2_stream_free(struct h2_stream *s)
{
    struct h2 *h = s->h2;
    list_remove(&s->node);
    list_remove(&s->news);
    buf_release(h->pool, &s->in);
    memory_give_back(h->options.memory, s, sizeof *s);
}

void h2_stream_tell(struct h2_stream *s)
{
    if (list_empty(&s->news) && !s->is_let_go)
        list_push_back(&s->h2->news, &s->news);
}

void h2_stream_fail(struct h2_stream *s, enum ringsend_error error, const char *detail)
{
    if (s->error != RINGSEND_OK)
        return;
    s->error = error;
    s->detail = detail;
}

bool h2_stream_put(struct h2_stream *s, struct ringsend_bytes text)
{
    return buf_append(s->h2->pool, &s->in, text.data, text.bytes);
}

void h2_reset(struct h2_stream *s, uint32_t code)
{
    if (!s->is_over)
        nghttp2.nghttp2_submit_rst_stream(s->h2->session, NGHTTP2_FLAG_NONE, s->id, code);
}
