#include "results/result_csv.h"

#include "base/base64.h"
#include "base/check.h"
#include "base/json.h"
#include "base/json_put.h"
#include "base/text.h"

#include <string.h>

#define HEADER_ROW                                                                           \
    "id,line,file,ok,status,attempts,error,detail,ambiguous,retry_after,encoding,body,body_" \
    "base64,body_file,"                                                                      \
    "queue_us,dns_us,connect_us,tls_us,first_byte_us,total_us,headers,trace"

enum { FRAME_BYTES = 400 }; /* numbers at their longest, commas, an error's name */

/* Of a text: quoted, with every quote doubled. */
#define FIELD_BYTES(bytes) ((bytes)*2 + 2)

static bool needs_quotes(struct ringsend_bytes text)
{
    for (size_t i = 0; i < text.bytes; i++)
        if (memchr(",\"\r\n", text.data[i], 4))
            return true;
    return text.bytes > 0 && (text.data[0] == ' ' || text.data[text.bytes - 1] == ' ');
}

static char *put_field(char *to, struct ringsend_bytes text)
{
    if (!needs_quotes(text))
        return put(to, text);
    *to++ = '"';
    for (size_t i = 0; i < text.bytes; i++) {
        if (text.data[i] == '"')
            *to++ = '"';
        *to++ = text.data[i];
    }
    *to++ = '"';
    return to;
}

bool result_csv_quote(struct buf_pool *pool, struct buf *out, size_t start)
{
    struct ringsend_bytes text = {out->data + start, out->bytes - start};
    struct buf copy = {0};
    if (text.bytes == 0 || !needs_quotes(text))
        return true;
    bool good = buf_append(pool, &copy, text.data, text.bytes) &&
                buf_reserve(pool, out, FIELD_BYTES(text.bytes));
    if (good) {
        char *end = put_field(out->data + start, (struct ringsend_bytes){copy.data, copy.bytes});
        out->bytes = (size_t)(end - out->data);
    }
    buf_release(pool, &copy);
    return good;
}

/* JSON as a field: a string as its text. The text is decoded at the end of the room first, where it
 * is not in the way of what is written in front of it. */
static char *put_json_field(char *to, struct ringsend_bytes value, char *room)
{
    struct json j;
    struct json_string string;
    json_init(&j, value);
    if (value.bytes == 0 || json_peek(&j) != JSON_STRING || !json_string(&j, &string))
        return put_field(to, value);
    return put_field(to, (struct ringsend_bytes){room, json_decode(string, room)});
}

static char *put_times(char *to, const struct ringsend_times *times)
{
    const uint64_t ns[] = {times->queue_ns, times->dns_ns,        times->connect_ns,
                           times->tls_ns,   times->first_byte_ns, times->total_ns};
    for (size_t i = 0; i < sizeof ns / sizeof *ns; i++) {
        *to++ = ',';
        to = put_number(to, ns[i] / 1000);
    }
    return to;
}

/* From the body to body_file. */
static char *put_body(char *to, const struct result_line *result, char *room)
{
    struct ringsend_bytes body = result->body.bytes > 0 ? result->body : SPAN("");
    bool has_body = !result->without_body && result->body_file.bytes == 0;
    bool is_text = measure_text(body).valid_bytes == body.bytes;
    *to++ = ',';
    if (has_body && is_text)
        to = put_field(to, body);
    *to++ = ',';
    if (has_body && !is_text)
        to = base64_encode(body, to);
    *to++ = ',';
    return put_json_field(to, result->body_file, room);
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* What the longest text that is decoded needs. */
static size_t decoded_bytes(const struct result_line *result)
{
    size_t most = larger(larger(result->id.bytes, result->file.bytes), result->body_file.bytes);
    for (size_t i = 0; result->input && i < result->input->count; i++)
        most = larger(most, result->input->values[i].bytes);
    return most;
}

static size_t input_bytes(const struct result_line *result)
{
    size_t bytes = 0;
    for (size_t i = 0; result->input && i < result->input->count; i++)
        bytes += FIELD_BYTES(result->input->values[i].bytes) + 1;
    return bytes;
}

static char *put_input(char *to, const struct result_line *result, char *room)
{
    for (size_t i = 0; result->input && i < result->input->count; i++) {
        *to++ = ',';
        to = put_json_field(to, result->input->values[i], room);
    }
    return to;
}

static char *put_start(char *to, const struct result_line *result, struct ringsend_bytes detail,
                       char *room)
{
    to = result->id.bytes > 0 ? put_json_field(to, result->id, room) : put_number(to, result->line);
    *to++ = ',';
    to = put_number(to, result->line);
    *to++ = ',';
    to = put_json_field(to, result->file, room);
    to = put(to, result->ok ? SPAN(",true,") : SPAN(",false,"));
    if (result->status > 0)
        to = put_number(to, (uint64_t)result->status);
    *to++ = ',';
    to = put_number(to, result->attempts);
    *to++ = ',';
    if (result->error != RINGSEND_OK)
        to = put(to, span_of(ringsend_error_name(result->error)));
    *to++ = ',';
    to = put_field(to, detail);
    to = put(to, result->ambiguous ? SPAN(",true,") : SPAN(",false,"));
    if (result_line_retry_after_s(result) > 0)
        to = put_number(to, result_line_retry_after_s(result));
    *to++ = ',';
    return put_field(to, result->encoding);
}

/* JSON of its own, written at the end of the room first and then as a field. */
static char *put_lists(char *to, const struct result_line *result, char *room)
{
    *to++ = ',';
    if (result->headers) {
        char *end = result_line_put_headers(room, result);
        to = put_field(to, (struct ringsend_bytes){room, (size_t)(end - room)});
    }
    *to++ = ',';
    if (result->trace) {
        char *end = result_line_put_trace(room, result);
        to = put_field(to, (struct ringsend_bytes){room, (size_t)(end - room)});
    }
    return to;
}

static bool add_input_name(const struct echo_column *column, struct buf_pool *pool, struct buf *out)
{
    size_t start = out->bytes;
    return buf_append(pool, out, "input.", 6) &&
           buf_append(pool, out, column->name, column->name_bytes) &&
           result_csv_quote(pool, out, start);
}

bool result_csv_write_header(const struct echo_columns *input, struct buf_pool *pool,
                             struct buf *out)
{
    size_t before = out->bytes;
    bool good = buf_append(pool, out, HEADER_ROW, sizeof HEADER_ROW - 1);
    if (good && input && input->count == 0)
        good = buf_append(pool, out, ",input", 6);
    for (size_t i = 0; good && input && i < input->count; i++)
        good = buf_append(pool, out, ",", 1) && add_input_name(&input->all[i], pool, out);
    good = good && buf_append(pool, out, "\r\n", 2);
    if (!good)
        out->bytes = before;
    return good;
}

bool result_csv_write(const struct result_line *result, struct buf_pool *pool, struct buf *out)
{
    struct ringsend_bytes detail = result_line_detail(result);
    size_t headers_bytes = result->headers ? result_line_headers_bytes(result) : 0;
    size_t trace_bytes = result->trace ? result_line_trace_bytes(result) : 0;
    size_t row_bytes = FRAME_BYTES + FIELD_BYTES(result->id.bytes) +
                       FIELD_BYTES(result->file.bytes) + FIELD_BYTES(detail.bytes) +
                       FIELD_BYTES(result->encoding.bytes) + FIELD_BYTES(result->body.bytes) +
                       FIELD_BYTES(result->body_file.bytes) + FIELD_BYTES(headers_bytes) +
                       FIELD_BYTES(trace_bytes) + input_bytes(result);
    size_t room_bytes = larger(larger(decoded_bytes(result), headers_bytes), trace_bytes);
    if (!buf_reserve(pool, out, row_bytes + room_bytes))
        return false;

    char *start = out->data + out->bytes, *room = start + row_bytes;
    char *to = put_start(start, result, detail, room);
    to = put_body(to, result, room);
    to = put_times(to, &result->times);
    to = put_lists(to, result, room);
    to = put_input(to, result, room);
    to = put(to, SPAN("\r\n"));
    CHECK((size_t)(to - start) <= row_bytes);
    out->bytes += (size_t)(to - start);
    return true;
}
