/* What can be said of a record that was read: its errors, its place, its key. */
#include "records/record_internal.h"

#include "base/check.h"

#include <endian.h>
#include <stdio.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

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

char *record_decoded_room(struct record *record, struct buf_pool *pool, size_t bytes)
{
    struct buf *decoded = &record->decoded;
    if (decoded->capacity == 0 && !buf_reserve(pool, decoded, record->line.bytes))
        return NULL;
    CHECK(decoded->capacity - decoded->bytes >= bytes);
    return decoded->data + decoded->bytes;
}

bool record_decode(struct record *record, struct buf_pool *pool, struct json_string string,
                   struct ringsend_bytes *text)
{
    *text = string.raw;
    if (!string.escaped)
        return true;
    char *room = record_decoded_room(record, pool, string.raw.bytes);
    if (!room)
        return false;
    *text = (struct ringsend_bytes){room, json_decode(string, room)};
    record->decoded.bytes += text->bytes;
    return true;
}

bool record_header_named(const struct ringsend_header *header, struct ringsend_bytes name)
{
    return span_equal_nocase(header->name, name);
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

const char *record_error_message(const struct record_error *error, struct ringsend_bytes line,
                                 char *text, size_t text_bytes)
{
    if (error->at == RECORD_ALL)
        return error->detail;
    struct record_place place = record_error_place(error, line);
    if (place.line == 0)
        snprintf(text, text_bytes, "column %zu: %s", place.column, error->detail);
    else
        snprintf(text, text_bytes, "%zu line%s on, column %zu: %s", place.line,
                 place.line == 1 ? "" : "s", place.column, error->detail);
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
    buf_release(pool, &record->body);
    buf_release(pool, &record->parts);
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

void record_join_lines(struct record *record)
{
    struct buf *line = &record->line;
    for (size_t i = 0; i < line->bytes; i++) {
        if (line->data[i] == '\n' || line->data[i] == '\r')
            line->data[i] = ' ';
    }
}

/* Line ends as spaces, as record_join_lines makes them: that is what those of a record over many
 * lines become among failed ones. */
static void add_text(XXH3_state_t *state, struct ringsend_bytes text)
{
    char chunk[256];
    bool has_ends = text.bytes > 0 &&
                    (memchr(text.data, '\n', text.bytes) || memchr(text.data, '\r', text.bytes));
    if (!has_ends) {
        if (text.bytes > 0)
            XXH3_128bits_update(state, text.data, text.bytes);
        return;
    }
    for (size_t at = 0, bytes; at < text.bytes; at += bytes) {
        bytes = text.bytes - at < sizeof chunk ? text.bytes - at : sizeof chunk;
        for (size_t i = 0; i < bytes; i++) {
            char c = text.data[at + i];
            chunk[i] = c == '\n' || c == '\r' ? ' ' : c;
        }
        XXH3_128bits_update(state, chunk, bytes);
    }
}

/* XXH3 with 128 bits is no secret and none is needed: numbers keep the keys of a run apart, and ids
 * where there are some. Written as a UUID of version 8, which RFC 9562 5.8 leaves to the
 * application. */
void record_make_key(struct record *record, uint64_t number)
{
    static const char digits[] = "0123456789abcdef";
    const struct ringsend_request *request = &record->request;
    bool has_body = request->body.bytes > 0 || (request->flags & RINGSEND_HAS_BODY);
    struct ringsend_bytes method = request->method;
    if (method.bytes == 0)
        method = has_body ? SPAN("POST") : SPAN("GET");
    XXH3_state_t state;
    XXH128_canonical_t hash;
    uint64_t number_le = htole64(number);
    XXH3_128bits_reset(&state);
    if (record->id.bytes > 0)
        add_text(&state, record->id);
    else
        XXH3_128bits_update(&state, &number_le, sizeof number_le);
    XXH3_128bits_update(&state, "", record->id.bytes > 0);
    XXH3_128bits_update(&state, method.data, method.bytes);
    XXH3_128bits_update(&state, "", 1); /* a NUL stands in no method and no URL */
    XXH3_128bits_update(&state, request->url.data, request->url.bytes);
    XXH3_128bits_update(&state, "", 1);
    add_text(&state, request->body);
    XXH128_canonicalFromHash(&hash, XXH3_128bits_digest(&state));
    hash.digest[6] = (unsigned char)(0x80 | (hash.digest[6] & 0x0f)); /* version */
    hash.digest[8] = (unsigned char)(0x80 | (hash.digest[8] & 0x3f)); /* variant */
    char *to = record->key;
    for (unsigned i = 0; i < sizeof hash.digest; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *to++ = '-';
        *to++ = digits[hash.digest[i] >> 4];
        *to++ = digits[hash.digest[i] & 15];
    }
    record->needs_key = false;
}
