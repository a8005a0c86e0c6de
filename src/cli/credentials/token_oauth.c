/* The request goes through an engine of this thread's own, with the run's TLS options, so that it
 * is verified, timed and explained as all others are. Who asks is in Authorization (RFC 6749 2.3.1,
 * which every endpoint has to take), both parts encoded as in a form. */
#include "cli/credentials/token_oauth.h"

#include "base/base64.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/time.h"
#include "records/filter.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ANSWER_MAX_NS (30 * NS_PER_S)

enum { ANSWER_BYTES_MAX = 1 << 20 };

static bool add(struct buf_pool *pool, struct buf *out, const char *text)
{
    return buf_append(pool, out, text, strlen(text));
}

static bool add_encoded(struct buf_pool *pool, struct buf *out, const char *text)
{
    const struct filters as_form = {.list = {FILTER_FORM}, .count = 1};
    const char *why;
    return filters_apply(&as_form, span_of(text), pool, out, &why) == FILTER_DONE;
}

/* ID:SECRET in base64, behind the scheme. */
static bool add_basic(struct buf_pool *pool, struct buf *out, const struct token_oauth *o)
{
    struct buf pair = {0};
    bool good = add_encoded(pool, &pair, o->client_id) && add(pool, &pair, ":") &&
                add_encoded(pool, &pair, o->client_secret) && add(pool, out, "Basic ") &&
                buf_reserve(pool, out, base64_bytes(pair.bytes));
    if (good)
        out->bytes = (size_t)(base64_encode((struct ringsend_bytes){pair.data, pair.bytes},
                                            out->data + out->bytes) -
                              out->data);
    buf_release(pool, &pair);
    return good;
}

/* What RFC 6749 5.2 has for a request that is wrong and stays so, whoever hears it when. */
static bool is_definite(struct ringsend_bytes error)
{
    static const struct ringsend_bytes words[] = {{"invalid_client", 14},
                                                  {"unauthorized_client", 19},
                                                  {"invalid_grant", 13},
                                                  {"unsupported_grant_type", 22},
                                                  {"invalid_scope", 13}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (span_equal(error, words[i]))
            return true;
    }
    return false;
}

/* The standard's own words for what is wrong; they hold no secret. One that fails at the endpoint's
 * end (5xx), or where it has had enough (429), may say what it wants: that passes. */
static void explain(struct token_reply *reply, int status, struct ringsend_bytes body)
{
    struct json json;
    struct json_string key, error = {0};
    json_init(&json, body);
    if (json_peek(&json) == JSON_OBJECT) {
        json_object(&json);
        while (json_member(&json, &key)) {
            if (span_equal(key.raw, SPAN("error")) && json_peek(&json) == JSON_STRING)
                json_string(&json, &error);
            else
                json_skip(&json, NULL);
        }
    }
    size_t bytes = 0; /* of a word, as RFC 6749 5.2 has them */
    while (bytes < error.raw.bytes && bytes < 40 &&
           (error.raw.data[bytes] == '_' ||
            (error.raw.data[bytes] >= 'a' && error.raw.data[bytes] <= 'z')))
        bytes++;
    reply->is_final =
        status >= 400 && status < 500 && status != 408 && status != 429 && is_definite(error.raw);
    token_reply_fail(reply, "the token endpoint answered %d%s%.*s", status, bytes > 0 ? ", " : "",
                     (int)bytes, bytes > 0 ? error.raw.data : "");
}

static bool take(struct token_reply *reply, const struct ringsend_result *result)
{
    if (result->error != RINGSEND_OK)
        return token_reply_fail(reply, "the token endpoint: %s%s%s",
                                ringsend_error_text(result->error), result->detail ? ": " : "",
                                result->detail ? result->detail : "");
    if (result->ok)
        return token_reply_read(reply, result->body, false);
    explain(reply, result->status, result->body);
    return false;
}

static bool run(struct ringsend *engine, struct ringsend_request *request, struct token_wait *wait,
                struct token_reply *reply)
{
    const struct ringsend_result *result;
    int error = ringsend_submit(engine, request);
    if (error)
        return token_reply_fail(reply, "the token endpoint: %s",
                                ringsend_error_text((enum ringsend_error) - error));
    while (ringsend_reap(engine, &result, 1) == 0) {
        if (!token_wait_for(wait, 0))
            return token_reply_fail(reply, "the run is over");
        if (ringsend_run(engine, RINGSEND_NEVER) < 0)
            return token_reply_fail(reply, "the token endpoint: the ring broke");
    }
    return take(reply, result);
}

static bool ask(const struct token_oauth *o, struct ringsend_request *request,
                struct token_wait *wait, struct token_reply *reply)
{
    char message[160] = "";
    struct ringsend *engine;
    struct ringsend_options options = {.size = sizeof options,
                                       .message = message,
                                       .message_bytes = sizeof message,
                                       .connections_max = 1,
                                       .requests_max = 1,
                                       .tries = 1,
                                       .attempt_timeout_ns = ANSWER_MAX_NS,
                                       .body_max_bytes = ANSWER_BYTES_MAX,
                                       .connect_timeout_ns = o->engine->connect_timeout_ns,
                                       .handshake_timeout_ns = o->engine->handshake_timeout_ns,
                                       .ca_file = o->engine->ca_file,
                                       .cert_file = o->engine->cert_file,
                                       .key_file = o->engine->key_file,
                                       .insecure = o->engine->insecure,
                                       .resolve = o->engine->resolve,
                                       .resolve_count = o->engine->resolve_count,
                                       .ip_version = o->engine->ip_version,
                                       .local_address = o->engine->local_address,
                                       .local_device = o->engine->local_device,
                                       .connect_to = o->engine->connect_to,
                                       .connect_to_count = o->engine->connect_to_count,
                                       .io = o->engine->io};
    int error = ringsend_new(&engine, &options);
    if (error)
        return token_reply_fail(
            reply, "%s", message[0] ? message : ringsend_error_text((enum ringsend_error) - error));
    pthread_mutex_lock(&wait->lock);
    wait->engine = engine;
    pthread_mutex_unlock(&wait->lock);
    bool good = run(engine, request, wait, reply);
    pthread_mutex_lock(&wait->lock);
    wait->engine = NULL;
    pthread_mutex_unlock(&wait->lock);
    ringsend_free(engine);
    return good;
}

bool token_oauth_ask(const struct token_oauth *o, struct token_wait *wait,
                     struct token_reply *reply)
{
    struct buf_pool pool;
    struct buf basic = {0}, body = {0};
    buf_pool_init(&pool);
    bool good =
        add_basic(&pool, &basic, o) && add(&pool, &body, "grant_type=client_credentials") &&
        (!o->scope || (add(&pool, &body, "&scope=") && add_encoded(&pool, &body, o->scope)));
    const struct ringsend_header headers[] = {
        {SPAN("Authorization"), {basic.data, basic.bytes}},
        {SPAN("Content-Type"), SPAN("application/x-www-form-urlencoded")},
        {SPAN("Accept"), SPAN("application/json")},
    };
    struct ringsend_request request = {.size = sizeof request,
                                       .method = SPAN("POST"),
                                       .url = span_of(o->url),
                                       .headers = headers,
                                       .headers_count = sizeof headers / sizeof *headers,
                                       .body = {body.data, body.bytes}};
    good = good ? ask(o, &request, wait, reply) : token_reply_fail(reply, "memory is out");
    if (basic.data)
        explicit_bzero(basic.data, basic.bytes);
    buf_release(&pool, &basic);
    buf_release(&pool, &body);
    buf_pool_free(&pool);
    return good;
}
