#include "cli/credentials/token_reply.h"

#include "base/json.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is longer is as good as that: in ns, beside the clock, it fits into 64 bits, and as a time
 * since 1970 it lasts until 2242. */
#define LIFE_MAX_S (1ull << 33)

bool token_reply_fail(struct token_reply *reply, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reply->fault, sizeof reply->fault, format, arguments);
    va_end(arguments);
    free(reply->token);
    reply->token = NULL;
    return false;
}

/* Of what a header can hold, without white space (RFC 6750 2.1). */
static bool take_token(struct token_reply *reply, const char *text, size_t bytes)
{
    bool good = bytes > 0 && bytes <= TOKEN_BYTES_MAX;
    for (size_t i = 0; i < bytes && good; i++)
        good = text[i] > ' ' && text[i] <= '~';
    if (!good)
        return token_reply_fail(reply, "what came is no token");
    free(reply->token);
    reply->token = strndup(text, bytes);
    return reply->token || token_reply_fail(reply, "memory is out");
}

/* A number, or one in quotes; what is behind a point does not matter. */
static uint64_t read_seconds(struct json *json)
{
    struct json_string string;
    struct ringsend_bytes text = {0};
    uint64_t seconds = 0;
    if (json_peek(json) == JSON_STRING && json_string(json, &string))
        text = string.raw;
    else if (json_peek(json) == JSON_NUMBER)
        json_number(json, &text);
    else
        json_skip(json, NULL);
    for (size_t i = 0; i < text.bytes && text.data[i] >= '0' && text.data[i] <= '9'; i++) {
        seconds = seconds * 10 + (uint64_t)(text.data[i] - '0');
        if (seconds >= LIFE_MAX_S)
            return LIFE_MAX_S;
    }
    return seconds;
}

static bool read_token(struct token_reply *reply, struct json *json)
{
    struct json_string string;
    if (json_peek(json) != JSON_STRING || !json_string(json, &string))
        return json_skip(json, NULL);
    char *text = malloc(string.raw.bytes + 1);
    if (!text)
        return token_reply_fail(reply, "memory is out");
    bool good = take_token(reply, text, json_decode(string, text));
    free(text);
    return good;
}

static bool read_object(struct token_reply *reply, struct json *json)
{
    struct json_string key, type = {0};
    json_object(json);
    while (json_member(json, &key)) {
        if (span_equal(key.raw, SPAN("access_token"))) {
            if (!read_token(reply, json))
                return reply->fault[0] ? false : token_reply_fail(reply, "what came is no JSON");
        } else if (span_equal(key.raw, SPAN("expires_in"))) {
            reply->life_s = read_seconds(json);
        } else if (span_equal(key.raw, SPAN("began_at"))) {
            reply->began_at_s = read_seconds(json);
        } else if (span_equal(key.raw, SPAN("token_type")) && json_peek(json) == JSON_STRING) {
            json_string(json, &type);
        } else {
            json_skip(json, NULL);
        }
    }
    if (!json_end(json))
        return token_reply_fail(reply, "what came is no JSON");
    if (type.raw.data && !span_equal_nocase(type.raw, SPAN("bearer")))
        return token_reply_fail(reply, "what came is no Bearer token (\"token_type\")");
    return reply->token || token_reply_fail(reply, "there is no \"access_token\" in what came");
}

bool token_reply_read(struct token_reply *reply, struct ringsend_bytes text, bool bare)
{
    struct json json;
    while (text.bytes > 0 && strchr(" \t\r\n", text.data[text.bytes - 1]))
        text.bytes--;
    while (text.bytes > 0 && strchr(" \t\r\n", text.data[0])) {
        text.data++;
        text.bytes--;
    }
    if (text.bytes == 0)
        return token_reply_fail(reply, "nothing came");
    if (bare && text.data[0] != '{')
        return take_token(reply, text.data, text.bytes);
    json_init(&json, text);
    if (json_peek(&json) != JSON_OBJECT)
        return token_reply_fail(reply, "what came is no object of JSON");
    return read_object(reply, &json);
}

void token_reply_free(struct token_reply *reply)
{
    free(reply->token);
    *reply = (struct token_reply){0};
}
