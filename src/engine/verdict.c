/* What a complete response is worth. Its body is decoded first (decode.c), so that predicates and users see
 * what the server meant. Then it is ok, to be tried again, or failed: retry_if is asked first, since what the
 * user calls worth another try is not ok; then ok_if decides, or in its absence the status. */
#include "engine/engine.h"

#include "base/status.h"

#include <stdio.h>

int ringsend_check_predicate(const char *text, char *message, size_t message_bytes)
{
    struct predicate *p = NULL;
    enum ringsend_error error = predicate_compile(&p, NULL, text, message, message_bytes);
    predicate_free(p);
    return -(int)error;
}

static enum ringsend_error prepare(struct ringsend *e, struct predicate **predicate,
                                   const char *name, const char *text, char *message,
                                   size_t message_bytes)
{
    char why[256] = "";
    if (!text)
        return RINGSEND_OK;
    enum ringsend_error error = predicate_compile(predicate, &e->memory, text, why, sizeof why);
    if (error == RINGSEND_E_INVALID)
        snprintf(message, message_bytes, "%s: %s", name, why);
    return error;
}

enum ringsend_error verdict_prepare(struct ringsend *e, char *message, size_t message_bytes)
{
    enum ringsend_error error =
        prepare(e, &e->ok_if, "ok_if", e->options.ok_if, message, message_bytes);
    if (error == RINGSEND_OK)
        error = prepare(e, &e->retry_if, "retry_if", e->options.retry_if, message, message_bytes);
    e->options.ok_if = e->options.retry_if = NULL; /* only borrowed */
    return error;
}

void verdict_release(struct ringsend *e)
{
    predicate_free(e->ok_if);
    predicate_free(e->retry_if);
}

bool verdict_wants_headers(const struct ringsend *e)
{
    return (e->ok_if && predicate_wants_headers(e->ok_if)) ||
           (e->retry_if && predicate_wants_headers(e->retry_if));
}

static enum verdict verdict_of(struct request *r)
{
    const struct ringsend *e = r->engine;
    struct predicate_view view = {
        .status = r->result.status,
        .body = {r->body.data, r->body.bytes},
        .header_text = r->headers.data,
        .headers = (const void *)r->header_index.data,
        .headers_count = r->header_index.bytes / sizeof(struct response_header),
    };
    if (e->retry_if && predicate_holds(e->retry_if, &view))
        return VERDICT_AGAIN;
    bool ok = e->ok_if ? predicate_holds(e->ok_if, &view)
                       : status_is_in(&e->options.ok_status, view.status);
    if (ok && !r->outcome_sent_whole) {
        request_explain(
            r, "the response came before the request was sent to its end, and so is not ok");
        return VERDICT_FAILED;
    }
    return ok ? VERDICT_OK : VERDICT_FAILED;
}

static void name_encoding(struct request *r, const struct codings *codings)
{
    memcpy(r->encoding, codings->text, codings->text_bytes);
    r->result.encoding = (struct ringsend_bytes){r->encoding, codings->text_bytes};
}

/* A part of a packed body (206) cannot be unpacked. */
static bool can_decode(const struct request *r, const struct codings *codings)
{
    return r->engine->unpack && !codings->unknown && r->result.status != 206;
}

void verdict_judge(struct request *r)
{
    r->verdict = verdict_of(r);
}

void verdict_take(struct request *r, struct response *response)
{
    const struct codings *codings = &response->codings;
    r->body = response->body;
    r->headers = response->headers;
    r->header_index = response->header_index;
    response->body = response->headers = response->header_index = (struct buf){0};
    r->result.head_bytes = response->head_bytes;
    if (!response->streams)
        r->result.packed_bytes = r->body.bytes;
    if (r->body.bytes > 0 && can_decode(r, codings)) {
        if (codings->count > 0) {
            decode_queue(r, codings);
            return;
        }
    } else if (r->result.packed_bytes > 0) {
        name_encoding(r, codings);
    }
    verdict_judge(r);
}
