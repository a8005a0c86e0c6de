/* A record of any format: what is the same for all of them. The reading itself is in record_json.c
 * and record_text.c. */
#include "base/span.h"
#include "records/netrc.h"
#include "records/record_internal.h"

#include "base/check.h"
#include "base/json.h"
#include "base/key.h"
#include "base/limits.h"

#include <stdio.h>
#include <string.h>

/* A record that brings its key keeps it. */
static void set_keyed(struct ringsend_request *request, struct ringsend_bytes key_header)
{
    const struct ringsend_header *headers = request->headers;
    size_t count = request->headers_count;
    bool given = key_is_given(headers, count, KEY_HEADER) ||
                 (key_header.bytes > 0 && key_is_given(headers, count, key_header));
    if (given && !key_is_denied(headers, count))
        request->flags |= RINGSEND_KEYED;
}

/* A key of its own would be one too many for a record that has several. */
static bool wants_key(const struct ringsend_request *request, struct ringsend_bytes key_header)
{
    return key_header.bytes > 0 && !(request->flags & RINGSEND_KEYED) &&
           key_count(request->headers, request->headers_count, key_header).given == 0 &&
           key_count(request->headers, request->headers_count, KEY_HEADER).given == 0;
}

/* The request's headers, with room for one more, as its own. Null: memory is out. */
static struct ringsend_header *own_headers(struct record *record, struct buf_pool *pool)
{
    struct ringsend_request *request = &record->request;
    bool is_own = record->headers.bytes > 0;
    size_t bytes = request->headers_count * sizeof(struct ringsend_header);
    if (is_own)
        record->headers.bytes = bytes; /* those of the defaults among them, too */
    else if (!buf_append(pool, &record->headers, request->headers, bytes))
        return NULL;
    if (!buf_reserve(pool, &record->headers, sizeof(struct ringsend_header)))
        return NULL;
    return (struct ringsend_header *)(void *)record->headers.data;
}

/* Takes the place of those without a value. The key's own is there, to be written later. */
static bool add_key_header(struct record *record, struct buf_pool *pool, struct ringsend_bytes name)
{
    struct ringsend_request *request = &record->request;
    struct ringsend_header *own = own_headers(record, pool);
    size_t kept = 0;
    if (!own)
        return false;
    for (size_t i = 0; i < request->headers_count; i++) {
        bool is_key =
            record_header_named(&own[i], name) || record_header_named(&own[i], KEY_HEADER);
        if (!is_key)
            own[kept++] = own[i];
    }
    own[kept++] = (struct ringsend_header){name, {record->key, sizeof record->key}};
    record->headers.bytes = kept * sizeof *own;
    request->headers = own;
    request->headers_count = kept;
    request->flags |= RINGSEND_KEYED;
    record->needs_key = record->has_made_key = true;
    return true;
}

bool record_login(const struct record_defaults *defaults, struct ringsend_bytes url,
                  const struct ringsend_header *headers, size_t headers_count,
                  struct ringsend_header *login, struct record_error *error)
{
    static const struct ringsend_bytes name = {"Authorization", 13};
    for (size_t i = 0; i < headers_count; i++) {
        if (record_header_named(&headers[i], name))
            return false;
    }
    login->name = name;
    const char *fault;
    enum netrc_result result = netrc_find(defaults->netrc, url, &login->value, &fault);
    if (result == NETRC_FAULT) {
        error->error = RINGSEND_E_BAD_HEADER;
        snprintf(error->detail, sizeof error->detail, "Authorization: %s", fault);
    } else if (result == NETRC_NO_MEMORY) {
        error->error = RINGSEND_E_NO_MEMORY;
    }
    return result == NETRC_FOUND;
}

static void add_login(struct record *record, struct buf_pool *pool,
                      const struct record_defaults *defaults, struct record_error *error)
{
    struct ringsend_request *request = &record->request;
    struct ringsend_header login;
    if (!record_login(defaults, request->url, request->headers, request->headers_count, &login,
                      error))
        return;
    struct ringsend_header *own = own_headers(record, pool);
    if (!own) {
        error->error = RINGSEND_E_NO_MEMORY;
        return;
    }
    own[request->headers_count++] = login;
    record->headers.bytes = request->headers_count * sizeof *own;
    request->headers = own;
}

/* application/json, text/json, application/problem+json and their kind (RFC 6839 3.1). */
static bool type_is_json(struct ringsend_bytes type)
{
    static const struct ringsend_bytes ends[] = {{"/json", 5}, {"+json", 5}};
    const char *parameters = type.bytes > 0 ? memchr(type.data, ';', type.bytes) : NULL;
    if (parameters)
        type.bytes = (size_t)(parameters - type.data);
    type = span_trim(type);
    for (size_t i = 0; i < 2 && type.bytes > ends[i].bytes; i++) {
        const char *end = type.data + type.bytes - ends[i].bytes;
        if (span_equal_nocase((struct ringsend_bytes){end, ends[i].bytes}, ends[i]))
            return true;
    }
    return false;
}

static bool is_declared_json(const struct ringsend_request *request)
{
    for (size_t i = 0; i < request->headers_count; i++) {
        if (record_header_named(&request->headers[i], SPAN("content-type")))
            return type_is_json(request->headers[i].value);
    }
    return false;
}

/* A body that its Content-Type calls JSON is: one value, or several, as some platforms take them
 * under that name. */
static bool is_json_as_declared(const struct record *record, struct record_error *error)
{
    const struct ringsend_request *request = &record->request;
    const struct buf *line = &record->line;
    struct json json;
    if (!is_declared_json(request))
        return true;
    json_init(&json, request->body);
    while (json_skip(&json, NULL)) {
        json_peek(&json); /* passes white space */
        if (json.at == json.end)
            return true;
    }
    size_t column = json_column(&json);
    error->error = RINGSEND_E_BAD_RECORD;
    snprintf(error->detail, sizeof error->detail,
             "the body is not JSON, as its Content-Type says: %s, at byte %zu of it", json.error,
             column);
    uintptr_t body = (uintptr_t)request->body.data, start = (uintptr_t)line->data;
    if (body >= start && body - start + column - 1 <= line->bytes)
        error->at = body - start + column - 1;
    return false;
}

bool record_is_text_target(struct ringsend_bytes line, enum format format)
{
    const char *at = line.data, *end = at + line.bytes;
    while (at < end && memchr(" \t\r\n", *at, 4))
        at++;
    return format == FORMAT_VEGETA && at < end && *at != '{';
}

void record_read(struct record *record, struct buf_pool *pool,
                 const struct record_defaults *defaults, const struct layout *layout,
                 struct record_error *error)
{
    CHECK(record->decoded.bytes == 0 && record->headers.bytes == 0 && record->body.bytes == 0);
    error->error = RINGSEND_OK;
    error->at = RECORD_ALL;
    error->detail[0] = '\0';
    record->id = record->data_file = record->multipart = (struct ringsend_bytes){0};
    record->form_kind = RECORD_NO_FORM;
    record->files_loaded = record->files_bytes = 0;
    record->needs_key = record->has_made_key = record->body_is_json = record->no_login = false;
    record->request = (struct ringsend_request){
        .size = sizeof record->request,
        .method = defaults->method,
        .url = defaults->url,
        .flags = defaults->flags,
    };
    if (!format_is_json(layout->format) && !defaults->form) {
        error->error = RINGSEND_E_BAD_RECORD;
        snprintf(error->detail, sizeof error->detail, "this is %s, and records of JSON are wanted",
                 format_word(layout->format));
        return;
    }
    struct ringsend_bytes line = {record->line.data, record->line.bytes};
    if (record_is_text_target(line, layout->format))
        record_read_target(record, pool, defaults, error);
    else if (!defaults->form)
        record_read_json(record, pool, defaults, layout, error);
    else
        record_read_text(record, pool, defaults, layout, error);
    if (error->error != RINGSEND_OK)
        return;
    if (!record->body_is_json && record->request.body.bytes > 0 &&
        !is_json_as_declared(record, error)) {
        if (error->at == RECORD_ALL && !format_is_json(layout->format))
            record_point_at_body(record, defaults->form, layout, error);
        return;
    }
    set_keyed(&record->request, defaults->key_header);
    if (defaults->netrc && !record->no_login) {
        add_login(record, pool, defaults, error);
        if (error->error != RINGSEND_OK)
            return;
    }
    if (wants_key(&record->request, defaults->key_header) &&
        !add_key_header(record, pool, defaults->key_header)) {
        error->error = RINGSEND_E_NO_MEMORY;
        return;
    }
    if (record->request.headers_count > LIMIT_HEADERS) {
        error->error = RINGSEND_E_BAD_HEADER;
        snprintf(error->detail, sizeof error->detail, "more than %d headers", LIMIT_HEADERS);
    }
}
