/* Each line is measured first and then written without looking at its room again: the measure of
 * the body is also the proof that it is UTF-8 and tells whether it can be copied in one piece, as
 * nearly all can. */
#include "results/result_line.h"

#include "base/base64.h"
#include "base/check.h"
#include "base/json_put.h"
#include "base/time.h"

#include <string.h>

enum {
    /* All keys, the numbers at their longest (20 digits), an error's name, braces and LF. */
    FRAME_BYTES = 720,
    ATTEMPT_BYTES = 384 /* the same of an attempt, with nine numbers */
};

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

/* True when a header before this one has its name. */
static bool is_repeated(const struct result_line *result, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (span_equal_nocase(result->headers[i].name, result->headers[at].name))
            return true;
    return false;
}

/* The value, or all values of that name as a list. */
static char *put_values(char *to, const struct result_line *result, size_t first)
{
    struct ringsend_bytes name = result->headers[first].name;
    char *start = to;
    size_t count = 0;
    *to++ = '[';
    for (size_t i = first; i < result->headers_count; i++) {
        if (!span_equal_nocase(result->headers[i].name, name))
            continue;
        if (count++ > 0)
            *to++ = ',';
        to = put_quoted_header(to, result->headers[i].value);
    }
    if (count > 1) {
        *to++ = ']';
        return to;
    }
    memmove(start, start + 1, (size_t)(to - start - 1));
    return to - 1;
}

char *result_line_put_headers(char *to, const struct result_line *result)
{
    *to++ = '{';
    for (size_t i = 0, count = 0; i < result->headers_count; i++) {
        struct ringsend_bytes name = result->headers[i].name;
        if (is_repeated(result, i))
            continue;
        if (count++ > 0)
            *to++ = ',';
        *to++ = '"'; /* a token: nothing in it wants escaping */
        for (size_t k = 0; k < name.bytes; k++)
            *to++ = (char)(name.data[k] >= 'A' && name.data[k] <= 'Z' ? name.data[k] | 0x20
                                                                      : name.data[k]);
        to = put(to, SPAN("\":"));
        to = put_values(to, result, i);
    }
    *to++ = '}';
    return to;
}

size_t result_line_headers_bytes(const struct result_line *result)
{
    size_t bytes = 2;
    for (size_t i = 0; i < result->headers_count; i++)
        bytes += result->headers[i].name.bytes + QUOTED_BYTES(result->headers[i].value.bytes) + 6;
    return bytes;
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

size_t result_line_trace_bytes(const struct result_line *result)
{
    return 2 + result->trace_count * ATTEMPT_BYTES;
}

char *result_line_put_trace(char *to, const struct result_line *result)
{
    *to++ = '[';
    for (size_t i = 0; i < result->trace_count; i++) {
        if (i > 0)
            *to++ = ',';
        to = put_attempt(to, &result->trace[i]);
    }
    *to++ = ']';
    return to;
}

size_t result_line_input_bytes(const struct result_line *result)
{
    const struct echoed *input = result->input;
    size_t bytes = sizeof "null";
    for (size_t i = 0; i < input->count; i++)
        bytes += input->values[i].bytes + 2;
    for (size_t i = 0; i < input->columns->count; i++)
        bytes += input->columns->all[i].json.bytes;
    return bytes;
}

char *result_line_put_input(char *to, const struct result_line *result)
{
    const struct echoed *input = result->input;
    const struct echo_columns *columns = input->columns;
    if (columns->count == 0)
        return put(to, input->count > 0 && input->values[0].bytes > 0 ? input->values[0]
                                                                      : SPAN("null"));
    char next = '{';
    for (size_t i = 0; i < input->count; i++) {
        if (input->values[i].bytes == 0)
            continue;
        *to++ = next;
        to = put(to, columns->all[i].json);
        *to++ = ':';
        to = put(to, input->values[i]);
        next = ',';
    }
    return next == '{' ? put(to, SPAN("{}")) : put(to, SPAN("}"));
}

static size_t redirects_bytes(const struct result_line *result)
{
    size_t quoted = 3 * result->redirect_urls.bytes; /* each LF parts two of them */
    return quoted + QUOTED_BYTES(result->redirect_urls.bytes) +
           QUOTED_BYTES(result->location.bytes);
}

/* Where it leads, or has led. */
static char *put_redirects(char *to, const struct result_line *result)
{
    struct ringsend_bytes rest = result->redirect_urls;
    if (result->location.bytes > 0)
        to = put_quoted_header(put(to, SPAN(",\"location\":")), result->location);
    for (char next = '['; rest.bytes > 0; next = ',') {
        const char *end = memchr(rest.data, '\n', rest.bytes);
        size_t bytes = end ? (size_t)(end - rest.data) : rest.bytes;
        if (next == '[')
            to = put(to, SPAN(",\"redirects\":"));
        *to++ = next;
        to = put_quoted_header(to, (struct ringsend_bytes){rest.data, bytes});
        bytes += end != NULL;
        rest = (struct ringsend_bytes){rest.data + bytes, rest.bytes - bytes};
    }
    return result->redirect_urls.bytes > 0 ? put(to, SPAN("]")) : to;
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

struct ringsend_bytes result_line_detail(const struct result_line *result)
{
    const char *words = result->detail ? result->detail : "";
    if (result->error != RINGSEND_OK && !*words)
        words = ringsend_error_text(result->error);
    return span_of(words);
}

uint64_t result_line_retry_after_s(const struct result_line *result)
{
    if (result->ok || result->retry_after_ns == 0)
        return 0;
    return (result->retry_after_ns - 1) / NS_PER_S + 1;
}

bool result_line_write(const struct result_line *result, struct buf_pool *pool, struct buf *out)
{
    struct ringsend_bytes detail = result_line_detail(result);
    struct ringsend_bytes body = SPAN(""); /* not null, as the result's may be */
    bool has_body = !result->without_body && result->body_file.bytes == 0;
    if (has_body && result->body.bytes > 0)
        body = (struct ringsend_bytes){result->body.data, result->body.bytes};
    struct measure detail_measure = measure_text(detail), body_measure = measure_text(body);
    bool body_is_text = body_measure.valid_bytes == body.bytes;
    size_t room = FRAME_BYTES + result_line_headers_bytes(result) + result->body_file.bytes +
                  QUOTED_BYTES(result->encoding.bytes) + result->trace_count * ATTEMPT_BYTES +
                  redirects_bytes(result) + result->id.bytes + result->file.bytes +
                  detail_measure.json_bytes +
                  (body_is_text ? body_measure.json_bytes : base64_bytes(body.bytes)) +
                  (result->input ? result_line_input_bytes(result) : 0);
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
    if (has_body && (result->error == RINGSEND_OK || body.bytes > 0))
        to = put_body(to, body, body_measure);
    if (result->body_file.bytes > 0)
        to = put(put(to, SPAN(",\"body_file\":")), result->body_file);
    if (result->encoding.bytes > 0)
        to = put_quoted_header(put(to, SPAN(",\"encoding\":")), result->encoding);
    if (result->headers)
        to = result_line_put_headers(put(to, SPAN(",\"headers\":")), result);
    to = put_redirects(to, result);
    if (result->ambiguous)
        to = put(to, SPAN(",\"ambiguous\":true"));
    if (result->processed)
        to = put(to, SPAN(",\"processed\":true"));
    if (result_line_retry_after_s(result) > 0) {
        to = put(to, SPAN(",\"retry_after\":"));
        to = put_number(to, result_line_retry_after_s(result));
    }
    to = put_times(to, &result->times);
    if (result->trace)
        to = result_line_put_trace(put(to, SPAN(",\"trace\":")), result);
    if (result->input)
        to = result_line_put_input(put(to, SPAN(",\"input\":")), result);
    to = put(to, SPAN("}\n"));
    CHECK((size_t)(to - start) <= room);
    out->bytes += (size_t)(to - start);
    return true;
}

struct result_line result_line_of(const struct ringsend_result *r)
{
    return (struct result_line){
        .ok = r->ok,
        .status = r->status,
        .attempts = r->attempts,
        .error = r->error,
        .detail = r->detail,
        .body = r->body,
        .encoding = r->encoding,
        .headers = r->headers,
        .headers_count = r->headers_count,
        .head_bytes = r->head_bytes,
        .packed_bytes = r->packed_bytes,
        .location = r->location,
        .redirect_urls = r->redirect_urls,
        .ambiguous = r->ambiguous,
        .processed = r->processed && !r->ok,
        .unjudged = r->unjudged,
        .times = r->times,
        .trace = r->attempts_list,
        .retry_after_ns = r->retry_after_ns,
        .trace_count = r->attempts_list_count,
    };
}
