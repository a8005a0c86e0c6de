/* What a complete response is worth. Its body is decoded first (decode.c), so that predicates and users see
 * what the server meant; without the option decode that is for predicates alone, and the result has the
 * body as it came. Then it is ok, to be tried again, or failed: retry_if is asked first, since what the
 * user calls worth another try is not ok; then ok_if decides, or in its absence the status. One that
 * hangs on a body that cannot be read is neither true nor false: the response is not ok, and says why;
 * whether it is tried again its status decides. */
#include "engine/engine.h"

#include "base/status.h"

#include <stdio.h>
#include <string.h>

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

/* Quotes the beginning of the body: what came in place of JSON is seen best by itself. */
static void sample(struct ringsend_bytes body, char out[48])
{
    size_t bytes = body.bytes < 40 ? body.bytes : 40, at = 0;
    out[at++] = '"';
    for (size_t i = 0; i < bytes; i++)
        out[at++] = body.data[i] >= ' ' && body.data[i] < 0x7f ? body.data[i] : '.';
    snprintf(out + at, 48 - at, body.bytes > bytes ? "...\"" : "\"");
}

static void explain_unjudged(struct request *r, const char *name,
                             const struct predicate_fault *fault)
{
    char text[256], begins[48];
    r->result.unjudged = true;
    sample((struct ringsend_bytes){r->body.data, r->body.bytes}, begins);
    if (fault->column > 0)
        snprintf(text, sizeof text,
                 "%s cannot be judged: the body is not JSON (column %zu: %s); it begins with %s",
                 name, fault->column, fault->text, begins);
    else
        snprintf(text, sizeof text, "%s cannot be judged: %s", name, fault->text);
    request_explain(r, text);
}

static bool is_good(struct request *r, struct predicate_view *view)
{
    const struct ringsend *e = r->engine;
    struct predicate_fault fault;
    view->empty_is_null = r->bodiless;
    enum predicate_truth truth = e->ok_if ? predicate_judge(e->ok_if, view, &fault)
                                 : status_is_in(&e->options.ok_status, view->status)
                                     ? PREDICATE_HOLDS
                                     : PREDICATE_FAILS;
    if (truth == PREDICATE_UNKNOWN)
        explain_unjudged(r, "ok_if", &fault);
    return truth == PREDICATE_HOLDS;
}

static enum verdict verdict_of(struct request *r)
{
    const struct ringsend *e = r->engine;
    struct predicate_fault fault;
    struct predicate_view view = {
        .status = r->result.status,
        .body = {r->body.data, r->body.bytes},
        .unreadable = r->unreadable,
        .empty_is_null = true,
        .header_text = r->headers.data,
        .headers = (const void *)r->header_index.data,
        .headers_count = r->header_index.bytes / sizeof(struct response_header),
    };
    enum predicate_truth again =
        e->retry_if ? predicate_judge(e->retry_if, &view, &fault) : PREDICATE_FAILS;
    if (again == PREDICATE_HOLDS)
        return VERDICT_AGAIN;
    if (again == PREDICATE_UNKNOWN) {
        explain_unjudged(r, "retry_if", &fault);
        return VERDICT_FAILED;
    }
    bool good = is_good(r, &view);
    if (good && !r->outcome_sent_whole)
        request_explain(r, "the response came before the request was sent to its end, and so is "
                           "not ok");
    return good && r->outcome_sent_whole ? VERDICT_OK : VERDICT_FAILED;
}

static void name_encoding(struct request *r, const struct codings *codings)
{
    memcpy(r->encoding, codings->text, codings->text_bytes);
    r->result.encoding = (struct ringsend_bytes){r->encoding, codings->text_bytes};
}

static bool wants_body(const struct ringsend *e)
{
    return (e->ok_if && predicate_wants_body(e->ok_if)) ||
           (e->retry_if && predicate_wants_body(e->retry_if));
}

bool verdict_decodes(const struct ringsend *e)
{
    return e->options.decode || wants_body(e);
}

/* A part of a packed body (206) cannot be unpacked. */
static bool can_decode(const struct request *r, const struct codings *codings)
{
    return !codings->unknown && r->result.status != 206;
}

void verdict_judge(struct request *r)
{
    r->verdict = verdict_of(r);
}

/* There is no body, by the method or the status; or none that is seen here. */
static bool is_bodiless(int status, const struct response *response)
{
    return response->method_is_head || response->streams || status == 204 || status == 205 ||
           status == 304;
}

/* Puts it in line to be decoded; without the option decode it is a copy that is. False: memory is out. */
static bool decode_packed(struct request *r, const struct codings *codings)
{
    struct ringsend *e = r->engine;
    if (!e->options.decode) {
        if (!buf_append(&e->bufs, &r->packed, r->body.data, r->body.bytes))
            return false;
        name_encoding(r, codings);
    }
    decode_queue(r, codings);
    return true;
}

/* Where a redirect leads: it is for the user to go there. What may be secret in a URL is left out: userinfo, query
 * and fragment. */
static void explain_redirect(struct request *r, const struct response *response)
{
    char text[256];
    const char *at = response->location;
    size_t bytes = response->location_bytes;
    if (r->result.status < 300 || r->result.status > 399 || bytes == 0)
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
             (int)(host - at), at, (int)(host + kept - from), from, kept < left ? "?..." : "");
    request_explain(r, text);
}

void verdict_take(struct request *r, struct response *response)
{
    const struct codings *codings = &response->codings;
    r->body = response->body;
    r->headers = response->headers;
    r->header_index = response->header_index;
    response->body = response->headers = response->header_index = (struct buf){0};
    r->result.head_bytes = response->head_bytes;
    explain_redirect(r, response);
    r->bodiless = is_bodiless(r->result.status, response);
    if (!response->streams)
        r->result.packed_bytes = r->body.bytes;
    bool is_packed = r->body.bytes > 0 && codings->text_bytes > 0;
    if (is_packed && verdict_decodes(r->engine) && can_decode(r, codings)) {
        if (!decode_packed(r, codings))
            r->outcome = RINGSEND_E_NO_MEMORY;
        return;
    }
    if (r->result.packed_bytes > 0)
        name_encoding(r, codings);
    if (is_packed)
        r->unreadable = "the body has a Content-Encoding that cannot be taken off";
    verdict_judge(r);
}
