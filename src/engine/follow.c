/* Redirects, where the options want them followed. Each hop is a request of its own: it is queued
 * at its own origin, where that one's places, pauses and pace hold, with the tries that are left;
 * the hop itself is none. What the record has left of time goes on.
 *
 * P3 over hops. An answer that makes the method GET says that the request was processed: nothing
 * of it is ever sent again, whatever becomes of the GET, and the caller's mark (in_doubt) stays, so
 * that after the death of the process nobody sends it anew. 307 and 308 say that it was not, but is
 * to be somewhere else: the doubt is the next hop's.
 *
 * Who asks is told to whom the caller meant: Authorization, Cookie and their kind, and what the
 * credentials add, go along as long as scheme, host and port stay. Once they have changed, never
 * again, wherever the next hop leads. */
#include "engine/follow.h"

#include "base/buf.h"
#include "base/check.h"
#include "base/limits.h"
#include "base/span.h"
#include "engine/attempt.h"
#include "engine/certificates.h"
#include "engine/engine.h"
#include "engine/host.h"
#include "engine/origin.h"
#include "engine/pool.h"
#include "engine/relay.h"
#include "engine/request.h"
#include "engine/stream.h"
#include "engine/well_formed.h"
#include "engine/wire.h"
#include "http/head.h"
#include "http/redirect.h"
#include "http/reference.h"
#include "ringsend.h"

#include <stdio.h>
#include <string.h>

/* Of all URLs that one request is led to: loops may make each longer than the one before. */
enum { HOPS_BYTES_MAX = 1 << 20 };

void follow_init(struct ringsend *e)
{
    const struct ringsend_options *o = &e->options;
    e->streamed_status = o->ok_status;
    for (int status = 300; status < 400 && o->redirects_max > 0; status++)
        if (redirect_is(status))
            e->streamed_status.bits[(status - 100) / 64] &= ~(1ull << ((status - 100) % 64));
}

enum ringsend_error follow_load_tls(struct ringsend *e, const char **detail)
{
    const struct tls_config *config;
    enum ringsend_error error = certificates_load(e->tls, &config);
    if (error == RINGSEND_E_TLS_CONFIG)
        *detail = certificates_message(e->tls);
    return error == RINGSEND_OK ? wire_load(e, config) : error;
}

bool follow_is_due(const struct request *r)
{
    const struct attempt *a = &r->attempt;
    return r->engine->options.redirects_max > 0 && a->outcome == RINGSEND_OK &&
           a->verdict != VERDICT_AGAIN && redirect_is(a->status) && a->location.bytes > 0;
}

/* The URL of its last hop, or its own. Valid until another is added. */
static struct ringsend_bytes url_now(const struct request *r)
{
    if (r->redirects == 0)
        return r->user->url;
    struct ringsend_bytes all = {r->hops.data, r->hops.bytes - 1};
    const char *before = memrchr(all.data, '\n', all.bytes);
    size_t at = before ? (size_t)(before + 1 - all.data) : 0;
    return (struct ringsend_bytes){all.data + at, all.bytes - at};
}

/* Appends where it leads, with its LF. False: memory is out, or it is too long. */
static bool add_hop(struct request *r, size_t *at, size_t *bytes)
{
    struct buf *hops = &r->hops;
    struct ringsend_bytes to = {r->attempt.location.data, r->attempt.location.bytes};
    size_t room = reference_room(url_now(r), to) + 1;
    if (hops->bytes + room > HOPS_BYTES_MAX || !buf_reserve(&r->engine->bufs, hops, room))
        return false;
    *at = hops->bytes;
    *bytes = reference_resolve(url_now(r), to, hops->data + *at);
    hops->data[*at + *bytes] = '\n';
    hops->bytes += *bytes + 1;
    return true;
}

/* The fields that go along. Null: memory is out. */
static const struct ringsend_header *keep_fields(struct request *r, bool body_gone,
                                                 bool to_stranger, size_t *count)
{
    const struct ringsend_request *user = r->user;
    size_t bytes = user->headers_count * sizeof *user->headers;
    r->hop_fields.bytes = 0;
    if (!buf_reserve(&r->engine->bufs, &r->hop_fields, bytes + 1))
        return NULL;
    struct ringsend_header *kept = (void *)r->hop_fields.data;
    *count = 0;
    for (size_t i = 0; i < user->headers_count; i++)
        if (redirect_keeps(span_trim(user->headers[i].name), body_gone, to_stranger))
            kept[(*count)++] = user->headers[i];
    return kept;
}

static enum ringsend_error make_head(struct request *r, struct head *head, bool to_get,
                                     const char **detail)
{
    const struct head *last = &r->head;
    bool body_gone = to_get || r->answered_status;
    size_t at = 0, bytes = 0;
    *detail = NULL;
    if (!add_hop(r, &at, &bytes)) {
        *detail = "its URL is too long, or memory is out";
        return RINGSEND_E_BAD_REDIRECT;
    }
    *head = *last;
    struct ringsend_bytes url = {r->hops.data + at, bytes};
    /* A LF in it would be two hops; url_parse takes no byte of the kind. */
    if (url_parse(&head->url, url, detail) != RINGSEND_OK)
        return RINGSEND_E_BAD_REDIRECT;
    /* What the last head points to may have moved: the request's own URL has not, and is of the
     * first origin. */
    const struct origin *o = r->origin;
    bool moved = head->url.https != o->https || head->url.port != o->port ||
                 !span_equal_nocase(head->url.host, span_of(o->host->name));
    bool to_stranger = r->to_stranger || moved;
    head->fields = keep_fields(r, body_gone, to_stranger, &head->fields_count);
    if (!head->fields)
        return RINGSEND_E_NO_MEMORY;
    if (to_get)
        head->method = SPAN("GET");
    if (body_gone) {
        head->has_body = head->chunked = false;
        head->body_bytes = 0;
    }
    if (head_check(head, detail) != RINGSEND_OK || head->bytes > LIMIT_HEAD_BYTES)
        return RINGSEND_E_BAD_REDIRECT;
    r->to_stranger = to_stranger;
    return RINGSEND_OK;
}

/* From the one to the other origin: first away, as there may be no room for two. */
static void change_origin(struct request *r)
{
    origin_release(r->origin);
    r->origin = origin_find(r->engine, &r->head.url);
    r->origin->requests++;
    r->origin->pool->requests++;
}

void follow_give_up(struct request *r)
{
    CHECK(follow_is_due(r) && !r->exchange);
    if (redirect_to_get(r->attempt.status, r->head.method))
        r->answered_status = (uint16_t)r->attempt.status;
}

enum ringsend_error follow_begin(struct request *r, const char **detail)
{
    struct ringsend *e = r->engine;
    struct attempt *a = &r->attempt;
    struct head head;
    CHECK(follow_is_due(r) && a->step == ATTEMPT_KNOWN && !r->exchange);
    if (r->redirects >= e->options.redirects_max) {
        *detail = NULL;
        return RINGSEND_E_TOO_MANY_REDIRECTS;
    }
    bool to_get = redirect_to_get(a->status, r->head.method);
    if (!to_get && !r->answered_status && stream_is_spent(r)) {
        *detail = "the body would have to be sent again, and can be read once only";
        return RINGSEND_E_BAD_REDIRECT;
    }
    size_t hops_bytes = r->hops.bytes;
    enum ringsend_error error = make_head(r, &head, to_get, detail);
    if (error == RINGSEND_OK && e->relays)
        error = relay_check(e, &head.url, detail);
    if (error == RINGSEND_OK && head.url.https && !e->tls_local)
        error = follow_load_tls(e, detail);
    if (error != RINGSEND_OK) {
        r->hops.bytes = hops_bytes;
        return error;
    }
    if (to_get) {
        r->answered_status = (uint16_t)a->status;
        if (stream_has_source(r))
            stream_drop_source(r);
        r->idempotent = r->replayable = true;
    }
    r->head = head;
    r->redirects++;
    change_origin(r);
    relay_head(r->origin->pool, &r->head);
    return RINGSEND_OK;
}

void follow_publish(struct request *r)
{
    const struct attempt *a = &r->attempt;
    struct ringsend_result *result = &r->result;
    result->location = (struct ringsend_bytes){a->location.data, a->location.bytes};
    result->redirects = r->redirects;
    result->processed = r->answered_status != 0;
    if (r->redirects > 0)
        result->redirect_urls = (struct ringsend_bytes){r->hops.data, r->hops.bytes - 1};
}

const char *follow_explain(struct request *r, enum ringsend_error error, const char *detail)
{
    char text[400];
    if (!r->answered_status || error == RINGSEND_OK)
        return detail;
    struct ringsend_bytes method = request_method(r->user);
    int bytes = snprintf(text, sizeof text,
                         "%.*s was answered with %d and is not sent again; the GET behind it: %s",
                         method.bytes < 20 ? (int)method.bytes : 20, method.data,
                         r->answered_status, detail ? detail : ringsend_error_text(error));
    size_t most = bytes < (int)sizeof text ? (size_t)bytes : sizeof text - 1;
    r->hop_fields.bytes = 0; /* no other head is made */
    return buf_append(&r->engine->bufs, &r->hop_fields, text, most + 1) ? r->hop_fields.data
                                                                        : detail;
}

void follow_release(struct request *r)
{
    buf_release(&r->engine->bufs, &r->hops);
    buf_release(&r->engine->bufs, &r->hop_fields);
}
