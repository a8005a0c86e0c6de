/* What is the same for records of every format: errors, and what the engine has to know. The reading
 * itself is in record_json.c. */
#include "batch/record_internal.h"

#include "base/check.h"
#include "base/limits.h"

#include <stdio.h>
#include <string.h>

enum { NAME_SHOWN_BYTES = 60 };

void record_refuse(struct record_error *error, enum ringsend_error code, const char *format,
                   va_list arguments)
{
    if (error->error != RINGSEND_OK)
        return;
    error->error = code;
    error->at = RECORD_ALL;
    vsnprintf(error->detail, sizeof error->detail, format, arguments);
}

/* As much of a name as a message shows, cut between characters. */
int record_shown_bytes(struct ringsend_bytes name)
{
    size_t bytes = name.bytes;
    if (bytes > NAME_SHOWN_BYTES) {
        bytes = NAME_SHOWN_BYTES;
        while (bytes > 0 && ((unsigned char)name.data[bytes] & 0xc0) == 0x80)
            bytes--;
    }
    return (int)bytes;
}

bool record_header_named(const struct ringsend_header *header, struct ringsend_bytes name)
{
    return span_equal_nocase(header->name, name);
}

static void set_keyed(struct ringsend_request *request)
{
    for (size_t i = 0; i < request->headers_count; i++) {
        if (record_header_named(&request->headers[i], SPAN("idempotency-key")))
            request->flags |= RINGSEND_KEYED;
    }
}

void record_read(struct record *record, struct buf_pool *pool,
                 const struct record_defaults *defaults, struct record_error *error)
{
    CHECK(record->decoded.bytes == 0 && record->headers.bytes == 0);
    error->error = RINGSEND_OK;
    error->at = RECORD_ALL;
    error->detail[0] = '\0';
    record->id = record->data_file = (struct ringsend_bytes){0};
    record->request = (struct ringsend_request){
        .size = sizeof record->request,
        .method = defaults->method,
        .url = defaults->url,
        .flags = defaults->flags,
    };
    record_read_json(record, pool, defaults, error);
    if (error->error != RINGSEND_OK)
        return;
    set_keyed(&record->request);
    if (record->request.headers_count > LIMIT_HEADERS) {
        error->error = RINGSEND_E_BAD_HEADER;
        snprintf(error->detail, sizeof error->detail, "more than %d headers", LIMIT_HEADERS);
    }
}

/* As head_check of http/head.h sees it: a name is a token, a value has no control character but tab
 * (RFC 9110 5.6.2 and 5.5). */
static bool header_is_sendable(const struct ringsend_header *header)
{
    static const char separators[] = "\"(),/:;<=>?@[\\]{}";
    bool good = header->name.bytes > 0;
    for (size_t i = 0; i < header->name.bytes; i++) {
        unsigned char c = (unsigned char)header->name.data[i];
        good = good && c > ' ' && c < 0x7f && !strchr(separators, c);
    }
    for (size_t i = 0; i < header->value.bytes; i++) {
        unsigned char c = (unsigned char)header->value.data[i];
        good = good && (c >= ' ' || c == '\t') && c != 0x7f;
    }
    return good;
}

/* Where a piece of the request stands in the line, when it was taken from there as it is. */
static size_t place_of(const struct record *record, struct ringsend_bytes piece)
{
    uintptr_t at = (uintptr_t)piece.data, start = (uintptr_t)record->line.data;
    return at >= start && at < start + record->line.bytes ? at - start : (size_t)RECORD_ALL;
}

void record_explain(const struct record *record, const char *words, struct record_error *error)
{
    const struct ringsend_request *request = &record->request;
    if (!words)
        words = ringsend_error_text(error->error);
    snprintf(error->detail, sizeof error->detail, "%s", words);
    error->at = RECORD_ALL;
    if (error->error == RINGSEND_E_BAD_URL)
        error->at = place_of(record, request->url);
    if (error->error == RINGSEND_E_BAD_METHOD)
        error->at = place_of(record, request->method);
    if (error->error != RINGSEND_E_BAD_HEADER)
        return;
    /* Words about a header of a certain name have it in them; these two faults may be any one's. */
    for (size_t i = 0; i < request->headers_count; i++) {
        const struct ringsend_header *header = &request->headers[i];
        if (!header_is_sendable(header)) {
            snprintf(error->detail, sizeof error->detail, "header \"%.*s\": %s",
                     record_shown_bytes(header->name), header->name.data, words);
            error->at = place_of(record, header->value);
            return;
        }
    }
}

const char *record_error_tell(const struct record_error *error, struct ringsend_bytes line,
                              char *text, size_t text_bytes)
{
    if (error->at == RECORD_ALL)
        return error->detail;
    struct record_place place = record_error_place(error, line);
    if (place.line == 0)
        snprintf(text, text_bytes, "column %zu: %s", place.column, error->detail);
    else
        snprintf(text, text_bytes, "%zu lines on, column %zu: %s", place.line, place.column,
                 error->detail);
    return text;
}

struct record_place record_error_place(const struct record_error *error, struct ringsend_bytes line)
{
    struct record_place place = {.line = 0, .column = 1};
    if (error->at == RECORD_ALL)
        return place;
    CHECK(error->at <= line.bytes);
    for (size_t i = 0; i < error->at; i++) {
        place.column++;
        if (line.data[i] == '\n')
            place = (struct record_place){.line = place.line + 1, .column = 1};
    }
    return place;
}

void record_release(struct record *record, struct buf_pool *pool)
{
    buf_release(pool, &record->line);
    buf_release(pool, &record->decoded);
    buf_release(pool, &record->headers);
    buf_release(pool, &record->url);
    record->id = record->data_file = (struct ringsend_bytes){0};
}

bool record_is_blank(struct ringsend_bytes line)
{
    for (size_t i = 0; i < line.bytes; i++) {
        if (!memchr(" \t\r", line.data[i], 3))
            return false;
    }
    return true;
}
