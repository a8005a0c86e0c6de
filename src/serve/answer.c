/* Connection is always said, since HTTP/1.0 clients need to hear keep-alive and all others may
 * ignore it. */
#include "serve/answer.h"

#include "base/check.h"
#include "serve/filler.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    unsigned status;
    const char *reason;
} reasons[] = {
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {413, "Content Too Large"},
    {422, "Unprocessable Content"},
    {425, "Too Early"},
    {429, "Too Many Requests"},
    {500, "Internal Server Error"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
};

const char *answer_reason(unsigned status)
{
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++) {
        if (reasons[i].status == status)
            return reasons[i].reason;
    }
    return "";
}

/* All fields are bounded, so the room always suffices. */
__attribute__((format(printf, 3, 4))) static size_t add(char *out, size_t bytes, const char *format,
                                                        ...)
{
    va_list arguments;
    va_start(arguments, format);
    int n = vsnprintf(out + bytes, ANSWER_HEAD_BYTES_MAX - bytes, format, arguments);
    va_end(arguments);
    CHECK(n >= 0 && (size_t)n < ANSWER_HEAD_BYTES_MAX - bytes);
    return bytes + (size_t)n;
}

size_t answer_head_write(const struct answer_head *head, bool close, char *out)
{
    size_t n = add(out, 0, "HTTP/1.1 %u %s\r\n", head->status, answer_reason(head->status));
    if (!answer_is_bodyless(head->status))
        n = add(out, n, "Content-Type: %s\r\nContent-Length: %" PRIu64 "\r\n", head->type,
                head->body_bytes);
    if (head->retry_after_s >= 0)
        n = add(out, n, "Retry-After: %" PRId64 "\r\n", head->retry_after_s);
    if (head->limits)
        n = add(out, n, "%s", head->limits);
    if (!close && head->keep_alive_s > 0)
        n = add(out, n, "Keep-Alive: timeout=%" PRIu64 "\r\n", head->keep_alive_s);
    return add(out, n, "Connection: %s\r\n\r\n", close ? "close" : "keep-alive");
}

bool answer_build(struct answer *answer, const struct answer_head *head, const char *body)
{
    answer->status = head->status;
    size_t body_bytes = answer_is_bodyless(head->status) ? 0 : head->body_bytes;
    if (!body && body_bytes > ANSWER_FILLER_KEPT_MAX) {
        answer->filler_bytes = body_bytes;
        body_bytes = 0;
    }
    for (int close = 0; close < 2; close++) {
        char text[ANSWER_HEAD_BYTES_MAX];
        size_t head_bytes = answer_head_write(head, close, text);
        char *data = malloc(head_bytes + body_bytes);
        if (!data)
            return false;
        memcpy(data, text, head_bytes);
        if (body && body_bytes > 0)
            memcpy(data + head_bytes, body, body_bytes);
        else
            filler_write(0, data + head_bytes, body_bytes);
        answer->form[close].data = data;
        answer->form[close].head_bytes = head_bytes;
        answer->form[close].bytes = head_bytes + body_bytes;
    }
    return true;
}

void answer_free(struct answer *answer)
{
    free(answer->form[0].data);
    free(answer->form[1].data);
    *answer = (struct answer){0};
}
