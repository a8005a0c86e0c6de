/* What a complete response is worth. Its body is decoded first (decode.c), so that predicates and
 * users see what the server meant; without the option decode that is for predicates alone, and the
 * result has the body as it came. Then it is ok, to be tried again, or failed: retry_if is asked
 * first, since what the user calls worth another try is not ok; then ok_if decides, or in its
 * absence the status. One that hangs on a body that cannot be read is neither true nor false: the
 * response is not ok, and says why; whether it is tried again its status decides. */
#include "engine/verdict.h"

#include "base/buf.h"
#include "base/check.h"
#include "base/errors.h"
#include "base/status.h"
#include "engine/attempt.h"
#include "engine/costs.h"
#include "engine/engine.h"
#include "engine/predicate.h"
#include "engine/request.h"
#include "engine/steps.h"
#include "ringsend.h"

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
    struct attempt *a = &r->attempt;
    a->unjudged = true;
    sample((struct ringsend_bytes){a->body.data, a->body.bytes}, begins);
    if (fault->column > 0)
        snprintf(text, sizeof text,
                 "%s cannot be judged: the body is not JSON (column %zu: %s); it begins with %s",
                 name, fault->column, fault->text, begins);
    else
        snprintf(text, sizeof text, "%s cannot be judged: %s", name, fault->text);
    attempt_explain(a, text);
}

static bool is_good(struct request *r, struct predicate_view *view)
{
    const struct ringsend *e = r->engine;
    struct predicate_fault fault;
    view->empty_is_null = r->attempt.bodiless;
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
    struct ringsend *e = r->engine;
    struct attempt *a = &r->attempt;
    struct predicate_fault fault;
    struct predicate_view view = {
        .status = a->status,
        .body = {a->body.data, a->body.bytes},
        .unreadable = a->unreadable,
        .empty_is_null = true,
        .header_text = a->headers.data,
        .headers = (const void *)a->header_index.data,
        .headers_count = a->header_index.bytes / sizeof(struct response_header),
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
    if (good && !a->sent_whole)
        attempt_explain(a, "the response came before the request was sent to its end, and so is "
                           "not ok");
    return good && a->sent_whole ? VERDICT_OK : VERDICT_FAILED;
}

static bool wants_body(const struct ringsend *e)
{
    return e->hears_costs || (e->ok_if && predicate_wants_body(e->ok_if)) ||
           (e->retry_if && predicate_wants_body(e->retry_if));
}

bool verdict_decodes(const struct ringsend *e)
{
    return e->options.decode || wants_body(e);
}

/* A part of a packed body (206) cannot be unpacked. */
static bool can_decode(const struct attempt *a)
{
    return !a->codings.unknown && a->status != 206;
}

void verdict_judge(struct request *r)
{
    CHECK(r->attempt.outcome == RINGSEND_OK && r->attempt.step == ATTEMPT_OVER);
    r->attempt.verdict = verdict_of(r);
    if (r->engine->hears_costs)
        costs_hear(r);
}

/* Without the option decode it is a copy that is decoded. False: memory is out. */
static bool keep_packed(struct request *r)
{
    struct ringsend *e = r->engine;
    struct attempt *a = &r->attempt;
    a->encoded = !e->options.decode;
    return !a->encoded || buf_append(&e->bufs, &a->packed, a->body.data, a->body.bytes);
}

bool verdict_begin(struct request *r)
{
    struct attempt *a = &r->attempt;
    bool is_packed = a->body.bytes > 0 && a->codings.text_bytes > 0;
    if (is_packed && verdict_decodes(r->engine) && can_decode(a)) {
        if (keep_packed(r))
            return true;
        a->encoded = false;
        a->outcome = RINGSEND_E_NO_MEMORY;
        return false;
    }
    a->encoded = a->packed_bytes > 0;
    if (is_packed)
        a->unreadable = "the body has a Content-Encoding that cannot be taken off";
    verdict_judge(r);
    return false;
}
