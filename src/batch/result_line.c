/* Each line is measured first and then written without looking at its room again: the measure of
 * the body is also the proof that it is UTF-8 and tells whether it can be copied in one piece, as
 * nearly all can. */
#include "batch/result_line.h"

#include "base/base64.h"
#include "base/check.h"
#include "base/text.h"

#include <string.h>

#define NS_PER_S 1000000000u

enum {
    /* All keys, the numbers at their longest (20 digits), an error's name, braces and LF. */
    FRAME_BYTES = 640,
    ATTEMPT_BYTES = 384 /* the same of an attempt, with nine numbers */
};

/* A text as the inside of a JSON string. */
struct measure {
    size_t json_bytes; /* of the valid part */
    size_t valid_bytes;
    size_t text_bytes;
};

static char *put(char *to, struct ringsend_bytes bytes)
{
    if (bytes.bytes > 0) /* of nothing, data may be null */
        memcpy(to, bytes.data, bytes.bytes);
    return to + bytes.bytes;
}

static char *put_number(char *to, uint64_t number)
{
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    return put(to, (struct ringsend_bytes){digits + at, sizeof digits - at});
}

/* The letter of a short escape, 0 for bytes that have none. */
static char short_escape(unsigned char byte)
{
    switch (byte) {
    case '"':
    case '\\':
        return (char)byte;
    case '\b':
        return 'b';
    case '\f':
        return 'f';
    case '\n':
        return 'n';
    case '\r':
        return 'r';
    case '\t':
        return 't';
    default:
        return 0;
    }
}

/* Stops at the first byte that is no UTF-8. */
static struct measure measure_text(struct ringsend_bytes text)
{
    struct measure m = {.text_bytes = text.bytes};
    size_t at = 0, extra = 0;
    for (;;) {
        at += text_plain_bytes(text.data + at, text.bytes - at);
        if (at == text.bytes)
            break;
        unsigned char byte = (unsigned char)text.data[at];
        unsigned length = text_utf8_bytes(text.data + at, text.bytes - at);
        if (length == 0)
            break;
        if (length == 1)
            extra += short_escape(byte) ? 1 : 5;
        at += length;
    }
    m.valid_bytes = at;
    m.json_bytes = at + extra;
    return m;
}

/* Writes the valid part of a measured text, escaped. */
static char *put_text(char *to, struct ringsend_bytes text, struct measure m)
{
    static const char hex[] = "0123456789abcdef";
    const char *at = text.data, *end = at + m.valid_bytes;
    if (m.json_bytes == m.valid_bytes)
        return put(to, (struct ringsend_bytes){at, m.valid_bytes});
    while (at < end) {
        size_t plain = text_plain_bytes(at, (size_t)(end - at));
        to = put(to, (struct ringsend_bytes){at, plain});
        at += plain;
        if (at == end)
            break;
        unsigned char byte = (unsigned char)*at++;
        if (byte >= 0x80) {
            *to++ = (char)byte;
            continue;
        }
        *to++ = '\\';
        char letter = short_escape(byte);
        if (letter) {
            *to++ = letter;
        } else {
            to = put(to, SPAN("u00"));
            *to++ = hex[byte >> 4];
            *to++ = hex[byte & 15];
        }
    }
    return to;
}

static char *put_body(char *to, struct ringsend_bytes body, struct measure m)
{
    if (m.valid_bytes == m.text_bytes) {
        to = put(to, SPAN(",\"body\":\""));
        to = put_text(to, body, m);
    } else {
        to = put(to, SPAN(",\"body_base64\":\""));
        to = base64_encode(body, to);
    }
    *to++ = '"';
    return to;
}

static char *put_us(char *to, struct ringsend_bytes key, uint64_t ns)
{
    return put_number(put(to, key), ns / 1000);
}

static char *put_times(char *to, const struct ringsend_times *times)
{
    to = put_us(to, SPAN(",\"us\":{\"queue\":"), times->queue_ns);
    to = put_us(to, SPAN(",\"dns\":"), times->dns_ns);
    to = put_us(to, SPAN(",\"connect\":"), times->connect_ns);
    to = put_us(to, SPAN(",\"tls\":"), times->tls_ns);
    to = put_us(to, SPAN(",\"first_byte\":"), times->first_byte_ns);
    to = put_us(to, SPAN(",\"total\":"), times->total_ns);
    *to++ = '}';
    return to;
}

static char *put_status(char *to, int status)
{
    to = put(to, SPAN(",\"status\":"));
    return status > 0 ? put_number(to, (uint64_t)status) : put(to, SPAN("null"));
}

static char *put_error(char *to, enum ringsend_error error)
{
    to = put(to, SPAN(",\"error\":"));
    if (error == RINGSEND_OK)
        return put(to, SPAN("null"));
    *to++ = '"';
    to = put(to, span_of(ringsend_error_name(error)));
    *to++ = '"';
    return to;
}

static char *put_attempt(char *to, const struct ringsend_attempt *attempt)
{
    to = put_us(to, SPAN("{\"began\":"), attempt->began_ns);
    to = put(to, attempt->reused ? SPAN(",\"reused\":true") : SPAN(",\"reused\":false"));
    to = put_status(to, attempt->status);
    to = put_error(to, attempt->error);
    to = put_us(to, SPAN(",\"dns\":"), attempt->dns_ns);
    to = put_us(to, SPAN(",\"connect\":"), attempt->connect_ns);
    to = put_us(to, SPAN(",\"tls\":"), attempt->tls_ns);
    to = put_us(to, SPAN(",\"first_byte\":"), attempt->first_byte_ns);
    to = put_us(to, SPAN(",\"total\":"), attempt->total_ns);
    if (attempt->pause_ns > 0)
        to = put_us(to, SPAN(",\"pause\":"), attempt->pause_ns);
    if (attempt->wait != RINGSEND_WAIT_NONE) {
        to = put_us(to, SPAN(",\"wait\":"), attempt->wait_ns);
        to = put(to, SPAN(",\"for\":\""));
        to = put(to, span_of(ringsend_wait_name(attempt->wait)));
        *to++ = '"';
    }
    *to++ = '}';
    return to;
}

static char *put_trace(char *to, const struct result_line *result)
{
    to = put(to, SPAN(",\"trace\":["));
    for (size_t i = 0; i < result->trace_count; i++) {
        if (i > 0)
            *to++ = ',';
        to = put_attempt(to, &result->trace[i]);
    }
    *to++ = ']';
    return to;
}

/* From the opening brace to "attempts". */
static char *put_start(char *to, const struct result_line *result)
{
    to = put(to, SPAN("{\"id\":"));
    to = result->id.bytes > 0 ? put(to, result->id) : put_number(to, result->line);
    to = put(to, SPAN(",\"line\":"));
    to = put_number(to, result->line);
    if (result->file.bytes > 0) {
        to = put(to, SPAN(",\"file\":"));
        to = put(to, result->file);
    }
    to = put(to, result->ok ? SPAN(",\"ok\":true") : SPAN(",\"ok\":false"));
    to = put_status(to, result->status);
    to = put(to, SPAN(",\"attempts\":"));
    return put_number(to, result->attempts);
}

bool result_line_write(const struct result_line *result, struct buf_pool *pool, struct buf *out)
{
    const char *words = result->detail ? result->detail : "";
    if (result->error != RINGSEND_OK && !*words)
        words = ringsend_error_text(result->error);
    struct ringsend_bytes detail = span_of(words);
    struct ringsend_bytes body = SPAN(""); /* not null, as the result's may be */
    if (result->body.bytes > 0)
        body = (struct ringsend_bytes){result->body.data, result->body.bytes};
    struct measure detail_measure = measure_text(detail), body_measure = measure_text(body);
    bool body_is_text = body_measure.valid_bytes == body.bytes;
    size_t room = FRAME_BYTES + result->trace_count * ATTEMPT_BYTES + result->id.bytes +
                  result->file.bytes + detail_measure.json_bytes +
                  (body_is_text ? body_measure.json_bytes : base64_bytes(body.bytes));
    if (!buf_reserve(pool, out, room))
        return false;

    char *start = out->data + out->bytes;
    char *to = put_start(start, result);
    to = put_error(to, result->error);
    if (detail_measure.valid_bytes > 0) {
        to = put(to, SPAN(",\"detail\":\""));
        to = put_text(to, detail, detail_measure);
        *to++ = '"';
    }
    if (result->error == RINGSEND_OK || body.bytes > 0)
        to = put_body(to, body, body_measure);
    if (result->ambiguous)
        to = put(to, SPAN(",\"ambiguous\":true"));
    if (result->retry_after_ns > 0 && !result->ok) {
        to = put(to, SPAN(",\"retry_after\":"));
        to = put_number(to, (result->retry_after_ns - 1) / NS_PER_S + 1);
    }
    to = put_times(to, &result->times);
    if (result->trace)
        to = put_trace(to, result);
    to = put(to, SPAN("}\n"));
    CHECK((size_t)(to - start) <= room);
    out->bytes += (size_t)(to - start);
    return true;
}

bool result_line_quote(struct ringsend_bytes text, struct buf_pool *pool, struct buf *out)
{
    /* An escape is at most six bytes for one, and the replacement three. */
    if (!buf_reserve(pool, out, text.bytes * 6 + 2))
        return false;
    char *to = out->data + out->bytes;
    *to++ = '"';
    while (text.bytes > 0) {
        struct measure m = measure_text(text);
        to = put_text(to, text, m);
        text.data += m.valid_bytes;
        text.bytes -= m.valid_bytes;
        if (text.bytes > 0) {
            to = put(to, SPAN("\xef\xbf\xbd"));
            text.data++;
            text.bytes--;
        }
    }
    *to++ = '"';
    out->bytes = (size_t)(to - out->data);
    return true;
}
