/* One pass over the line. Each known key has its reader; a key that is wrong in itself (a number
 * for a URL) sets the error and is passed over, so that an id further on is still found and the
 * result can be matched to its record. Broken JSON ends the pass at once.
 *
 * Memory. Texts without escapes are spans into the line. Decoded ones go to `decoded`, which is
 * reserved once, as large as the line: nothing grows when decoded, so it never moves. Most records
 * have no headers of their own and use the defaults' array as it is. */
#include "records/form_body.h"
#include "records/record_internal.h"

#include "base/base64.h"
#include "base/check.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/duration.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum record_key {
    KEY_ID,
    KEY_CUSTOM_ID,
    KEY_METHOD,
    KEY_URL,
    KEY_HEADERS,
    KEY_HEADER,
    KEY_DATA,
    KEY_BODY,
    KEY_DATA_BASE64,
    KEY_DATA_FILE,
    KEY_FORM,
    KEY_MULTIPART,
    KEY_TIMEOUT,
    KEY_TRIES,
    KEY_UNKNOWN
};

static const struct ringsend_bytes key_names[KEY_UNKNOWN] = {
    [KEY_ID] = {"id", 2},
    [KEY_CUSTOM_ID] = {"custom_id", 9},
    [KEY_METHOD] = {"method", 6},
    [KEY_URL] = {"url", 3},
    [KEY_HEADERS] = {"headers", 7},
    [KEY_HEADER] = {"header", 6},
    [KEY_DATA] = {"data", 4},
    [KEY_BODY] = {"body", 4},
    [KEY_DATA_BASE64] = {"data_base64", 11},
    [KEY_DATA_FILE] = {"data_file", 9},
    [KEY_FORM] = {"form", 4},
    [KEY_MULTIPART] = {"multipart", 9},
    [KEY_TIMEOUT] = {"timeout", 7},
    [KEY_TRIES] = {"tries", 5},
};

enum {
    KEY_RAW_BYTES_MAX = 6 * 11 /* the longest name with every byte written as \u00xx */
};

struct reader {
    struct json json;
    struct record *record;
    struct buf_pool *pool;
    const struct record_defaults *defaults;
    struct record_error *error;
    unsigned seen;                 /* bit per enum record_key */
    const char *at;                /* in the line, or in the white space before it: what an error
                                      is about; null: all of it */
    struct ringsend_bytes unknown; /* the first key that is none of ours, as written */
    struct ringsend_bytes body;    /* the value of "body", or of a form, which waits until all keys
                                      are known */
    bool separated;                /* the line begins as a text of RFC 7464 */
    bool vegeta;                   /* every record is one of vegeta's targets */
};

/* The first error sticks, with the place of what is being read. */
__attribute__((format(printf, 3, 4))) static void
record_fail(struct reader *r, enum ringsend_error error, const char *format, ...)
{
    if (r->error->error != RINGSEND_OK)
        return;
    va_list arguments;
    va_start(arguments, format);
    record_refuse(r->error, error, format, arguments);
    va_end(arguments);
    if (!r->at)
        return;
    const struct buf *line = &r->record->line;
    size_t at = (size_t)(r->at - line->data);
    while (at < line->bytes && memchr(" \t\r\n", line->data[at], 4))
        at++;
    r->error->at = at;
}

static bool no_memory(struct reader *r)
{
    record_fail(r, RINGSEND_E_NO_MEMORY, "while the record was read");
    return false;
}

static bool text_of(struct reader *r, struct json_string string, struct ringsend_bytes *text)
{
    return record_decode(r->record, r->pool, string, text) || no_memory(r);
}

/* The value of `key` as text; false (and passed over) when it is no string. */
static bool read_text(struct reader *r, enum record_key key, struct ringsend_bytes *text)
{
    struct json_string string;
    if (json_peek(&r->json) != JSON_STRING) {
        json_skip(&r->json, NULL);
        record_fail(r, RINGSEND_E_BAD_RECORD, "\"%s\" must be a string", key_names[key].data);
        return false;
    }
    return json_string(&r->json, &string) && text_of(r, string, text);
}

/* ---- headers ---- */

static void header_add(struct reader *r, struct ringsend_bytes name, struct ringsend_bytes value)
{
    enum ringsend_error error = record_add_header(r->record, r->pool, name, value);
    if (error == RINGSEND_E_BAD_HEADER)
        record_fail(r, error, "more than %d headers", LIMIT_HEADERS);
    else if (error != RINGSEND_OK)
        record_fail(r, error, "while the record was read");
}

/* One string at the reader becomes one header. */
static void read_header_value(struct reader *r, struct ringsend_bytes name)
{
    struct json_string string;
    struct ringsend_bytes value;
    if (json_peek(&r->json) != JSON_STRING) {
        json_skip(&r->json, NULL);
        record_fail(r, RINGSEND_E_BAD_RECORD,
                    "\"headers\": the value of \"%.*s\" must be a string or a list of strings",
                    record_shown_bytes(name), name.data);
        return;
    }
    if (json_string(&r->json, &string) && r->error->error == RINGSEND_OK &&
        text_of(r, string, &value))
        header_add(r, name, value);
}

static void read_headers(struct reader *r, enum record_key key_read)
{
    struct json *json = &r->json;
    if (json_peek(json) != JSON_OBJECT) {
        json_skip(json, NULL);
        record_fail(r, RINGSEND_E_BAD_RECORD, "\"%s\" must be an object", key_names[key_read].data);
        return;
    }
    json_object(json);
    for (struct json_string key; json_member(json, &key);) {
        struct ringsend_bytes name;
        if (r->error->error != RINGSEND_OK || !text_of(r, key, &name)) {
            json_skip(json, NULL);
            continue;
        }
        if (record_has_header(r->record, name)) {
            record_fail(r, RINGSEND_E_BAD_RECORD, "\"headers\": \"%.*s\" is given twice",
                        record_shown_bytes(name), name.data);
            json_skip(json, NULL);
        } else if (json_peek(json) != JSON_ARRAY) {
            read_header_value(r, name);
        } else {
            size_t before = r->record->headers.bytes;
            json_array(json);
            while (json_element(json))
                read_header_value(r, name);
            /* A name without a value stays until the merge, where it takes the default away. */
            if (r->record->headers.bytes == before)
                header_add(r, name, (struct ringsend_bytes){NULL, 0});
        }
    }
}

/* ---- content ---- */

static void set_body(struct reader *r, struct ringsend_bytes body)
{
    r->record->request.body = body;
    r->record->request.flags |= RINGSEND_HAS_BODY;
}

static void read_data(struct reader *r)
{
    enum json_kind kind = json_peek(&r->json);
    struct ringsend_bytes raw, text;
    struct json_string string;
    if (kind == JSON_STRING) {
        if (json_string(&r->json, &string) && text_of(r, string, &text))
            set_body(r, text);
    } else if (json_skip(&r->json, &raw) && kind != JSON_NULL) {
        set_body(r, raw);
        r->record->body_is_json = true;
    }
}

static void read_base64(struct reader *r, const char *key)
{
    struct json_string string;
    size_t bytes;
    if (json_peek(&r->json) != JSON_STRING) {
        json_skip(&r->json, NULL);
        record_fail(r, RINGSEND_E_BAD_RECORD, "\"%s\" must be a string", key);
        return;
    }
    if (!json_string(&r->json, &string))
        return;
    char *room = record_decoded_room(r->record, r->pool, string.raw.bytes);
    if (!room) {
        no_memory(r);
        return;
    }
    /* "\/" is a common way to write a slash: take the escapes out first, then decode in place. */
    struct ringsend_bytes text = string.raw;
    if (string.escaped)
        text = (struct ringsend_bytes){room, json_decode(string, room)};
    if (!base64_decode(text, room, &bytes)) {
        record_fail(r, RINGSEND_E_BAD_RECORD, "\"%s\" is not base64 (RFC 4648, with its padding)",
                    key);
        return;
    }
    r->record->decoded.bytes += bytes;
    set_body(r, (struct ringsend_bytes){room, bytes});
}

/* The Content-Type is the form's, whatever the options say for all records; one of the record's own
 * stands, unless it would have to name the boundary. */
static void read_form(struct reader *r, bool has_parts)
{
    static const struct ringsend_bytes type = {"Content-Type", 12};
    struct record *record = r->record;
    bool has_own = record_has_header(record, type);
    if (r->error->error != RINGSEND_OK)
        return;
    if (has_parts && has_own)
        record_fail(r, RINGSEND_E_BAD_RECORD,
                    "\"multipart\": its Content-Type names the boundary, and is not to be set");
    else if (has_parts)
        multipart_read(record, r->pool, r->body, r->error);
    else
        form_body_read(record, r->pool, r->body, r->error);
    if (r->error->error == RINGSEND_OK && !has_own)
        header_add(r, type, form_body_type(record));
}

/* "body" is vegeta's, and base64, in a record with vegeta's "header", wherever that stands. */
static void read_body(struct reader *r)
{
    if (!r->body.data)
        return;
    if (r->seen & (1u << KEY_FORM | 1u << KEY_MULTIPART)) {
        read_form(r, r->seen & 1u << KEY_MULTIPART);
        return;
    }
    json_init(&r->json, r->body);
    r->at = r->body.data;
    if (r->vegeta || r->seen & 1u << KEY_HEADER)
        read_base64(r, "body");
    else
        read_data(r);
}

static void read_url(struct reader *r)
{
    struct ringsend_bytes text;
    enum ringsend_error error;
    if (!read_text(r, KEY_URL, &text))
        return;
    const char *fault = record_take_url(r->record, r->pool, r->defaults, text, &error);
    if (fault)
        record_fail(r, error, "%s", fault);
}

static void read_data_file(struct reader *r)
{
    struct ringsend_bytes path;
    if (!read_text(r, KEY_DATA_FILE, &path))
        return;
    if (path.bytes == 0 || memchr(path.data, '\0', path.bytes)) {
        record_fail(r, RINGSEND_E_BAD_RECORD, "\"data_file\" must be the path of a file");
        return;
    }
    r->record->data_file = path;
    r->record->request.flags |= RINGSEND_HAS_BODY;
}

/* ---- numbers ---- */

static void read_timeout(struct reader *r)
{
    enum json_kind kind = json_peek(&r->json);
    struct json_string string;
    struct ringsend_bytes text = {0};
    uint64_t ns = 0;
    bool given = false;
    if (kind == JSON_NUMBER) {
        given = json_number(&r->json, &text);
    } else if (kind == JSON_STRING) {
        given = json_string(&r->json, &string) && !string.escaped;
        text = string.raw;
    } else {
        json_skip(&r->json, NULL);
    }
    if (!given || !duration_parse(text, &ns) || ns < LIMIT_TIMEOUT_MIN_NS ||
        ns > LIMIT_TIMEOUT_MAX_NS)
        record_fail(r, RINGSEND_E_BAD_RECORD,
                    "\"timeout\" must be a number of seconds or a string such as \"250ms\", "
                    "from 1ms to 24h");
    r->record->request.attempt_timeout_ns = ns;
}

static void read_tries(struct reader *r)
{
    struct ringsend_bytes text = {0};
    uint32_t tries = 0;
    if (json_peek(&r->json) == JSON_NUMBER)
        json_number(&r->json, &text);
    else
        json_skip(&r->json, NULL);
    bool valid = text.bytes >= 1 && text.bytes <= 3;
    for (size_t i = 0; valid && i < text.bytes; i++) {
        valid = text.data[i] >= '0' && text.data[i] <= '9';
        tries = tries * 10 + (uint32_t)(text.data[i] - '0');
    }
    if (!valid || tries < 1 || tries > LIMIT_TRIES)
        record_fail(r, RINGSEND_E_BAD_RECORD, "\"tries\" must be a whole number from 1 to %d",
                    LIMIT_TRIES);
    r->record->request.tries = tries;
}

/* ---- the record ---- */

static enum record_key key_of(struct json_string key)
{
    char decoded[KEY_RAW_BYTES_MAX];
    struct ringsend_bytes name = key.raw;
    if (name.bytes > sizeof decoded)
        return KEY_UNKNOWN;
    if (key.escaped)
        name = (struct ringsend_bytes){decoded, json_decode(key, decoded)};
    for (unsigned i = 0; i < KEY_UNKNOWN; i++) {
        if (span_equal(name, key_names[i]))
            return (enum record_key)i;
    }
    return KEY_UNKNOWN;
}

/* Keys that say the same thing. */
static unsigned rivals_of(enum record_key key)
{
    const unsigned ids = 1u << KEY_ID | 1u << KEY_CUSTOM_ID;
    const unsigned data = 1u << KEY_DATA | 1u << KEY_BODY | 1u << KEY_DATA_BASE64 |
                          1u << KEY_DATA_FILE | 1u << KEY_FORM | 1u << KEY_MULTIPART;
    const unsigned headers = 1u << KEY_HEADERS | 1u << KEY_HEADER;
    unsigned own = 1u << key;
    return own & ids ? ids : own & data ? data : own & headers ? headers : own;
}

/* False when the key may not be read because it, or another that says the same, came before. */
static bool key_is_new(struct reader *r, enum record_key key)
{
    unsigned before = r->seen & rivals_of(key);
    r->seen |= 1u << key;
    if (before == 0)
        return true;
    if (before & 1u << key)
        record_fail(r, RINGSEND_E_BAD_RECORD, "\"%s\" is given twice", key_names[key].data);
    else
        record_fail(r, RINGSEND_E_BAD_RECORD, "give only one of \"%s\" and \"%s\"",
                    key_names[__builtin_ctz(before)].data, key_names[key].data);
    return false;
}

static void read_member(struct reader *r, struct json_string name)
{
    struct ringsend_bytes text;
    enum record_key key = key_of(name);
    r->at = r->json.at;
    if (key != KEY_UNKNOWN && !key_is_new(r, key)) {
        json_skip(&r->json, NULL);
        return;
    }
    switch (key) {
    case KEY_ID:
    case KEY_CUSTOM_ID:
        json_skip(&r->json, &r->record->id);
        return;
    case KEY_METHOD:
        if (!read_text(r, key, &text))
            return;
        if (text.bytes == 0)
            record_fail(r, RINGSEND_E_BAD_METHOD, "\"method\" is empty");
        r->record->request.method = text;
        return;
    case KEY_URL:
        read_url(r);
        return;
    case KEY_HEADERS:
    case KEY_HEADER:
        read_headers(r, key);
        return;
    case KEY_DATA:
        read_data(r);
        return;
    case KEY_BODY:
    case KEY_FORM:
    case KEY_MULTIPART:
        json_skip(&r->json, &r->body);
        return;
    case KEY_DATA_BASE64:
        read_base64(r, "data_base64");
        return;
    case KEY_DATA_FILE:
        read_data_file(r);
        return;
    case KEY_TIMEOUT:
        read_timeout(r);
        return;
    case KEY_TRIES:
        read_tries(r);
        return;
    case KEY_UNKNOWN:
        if (!r->unknown.data)
            r->unknown = name.raw;
        json_skip(&r->json, NULL);
        return;
    }
    UNREACHABLE("record key");
}

/* "GET http://...", and nothing else begins so. */
static bool is_text_target(const struct json *json)
{
    const char *at = json->start;
    while (at < json->end && *at >= 'A' && *at <= 'Z')
        at++;
    return json->end - at > 5 && memcmp(at, " http", 5) == 0 && at > json->start;
}

/* What is wrong with the JSON, by its cause where that is known. */
static const char *json_fault(const struct reader *r)
{
    static const char separated[] =
        "a record of RFC 7464 over several lines: --format json reads it";
    const struct json *json = &r->json;
    size_t rest = (size_t)(json->end - json->at);
    if (is_text_target(json))
        return "a method and a URL, as in text of vegeta's: --format vegeta reads it";
    if (rest > 0 && *json->at == '\0')
        return "a NUL byte, which JSON has nowhere";
    if (rest >= 3 && memcmp(json->at, "\xef\xbb\xbf", 3) == 0)
        return "a byte order mark, which may stand at the start of a file only";
    return rest == 0 && r->separated ? separated : json->error;
}

/* A body may have these keys as well. */
static void note_record(const struct reader *r)
{
    struct record_notes *notes = r->defaults->notes;
    const unsigned common = 1u << KEY_ID | 1u << KEY_URL | 1u << KEY_DATA | 1u << KEY_BODY |
                            1u << KEY_FORM | 1u << KEY_MULTIPART;
    if (!notes || notes->taken_for_record[0] || r->defaults->url.bytes == 0 || r->vegeta ||
        (r->seen & ~common) || r->seen == 1u << KEY_URL)
        return;
    size_t at = 0;
    for (unsigned key = 0; key < KEY_UNKNOWN; key++) {
        if (r->seen >> key & 1)
            at +=
                (size_t)snprintf(notes->taken_for_record + at, sizeof notes->taken_for_record - at,
                                 "%s%s", at ? ", " : "", key_names[key].data);
    }
}

/* Reads the one value of the line, which becomes the record or, by the rule in record.h, its body.
 */
static void read_line(struct reader *r)
{
    const bool bare_allowed = r->defaults->url.bytes > 0 && !r->vegeta;
    const bool is_object = json_peek(&r->json) == JSON_OBJECT;
    struct ringsend_bytes value = {r->json.at, 0};
    if (is_object) {
        json_object(&r->json);
        for (struct json_string key; json_member(&r->json, &key);)
            read_member(r, key);
        value.bytes = (size_t)(r->json.at - value.data);
    } else {
        json_skip(&r->json, &value);
    }
    if (!json_end(&r->json)) {
        r->error->error = RINGSEND_OK; /* that it is no JSON comes before what else may be wrong */
        r->at = r->json.at;
        record_fail(r, RINGSEND_E_BAD_RECORD, "%s", json_fault(r));
        return;
    }
    r->at = NULL;
    if (bare_allowed && r->seen == 0) {
        if (is_object) {
            set_body(r, value);
            r->record->body_is_json = true;
        } else {
            json_init(&r->json, value);
            read_data(r);
        }
    } else if (!is_object) {
        record_fail(r, RINGSEND_E_BAD_RECORD,
                    "a record is a JSON object (other values are bodies, and need a default URL)");
    } else if (r->unknown.data) {
        r->error->error = RINGSEND_OK; /* a misspelt key is the likely cause of the rest */
        r->at = r->unknown.data;
        record_fail(r, RINGSEND_E_BAD_RECORD,
                    "unknown key \"%.*s\" (a bare body holds no key of a record, a record no other "
                    "keys: put the body under \"data\", or say --as-body)",
                    record_shown_bytes(r->unknown), r->unknown.data);
    } else if (r->record->request.url.bytes == 0) {
        record_fail(r, RINGSEND_E_BAD_RECORD, "the record has no \"url\", and there is no default");
    } else {
        note_record(r);
        read_body(r);
    }
}

void record_read_json(struct record *record, struct buf_pool *pool,
                      const struct record_defaults *defaults, const struct layout *layout,
                      struct record_error *error)
{
    struct reader r = {.record = record,
                       .pool = pool,
                       .defaults = defaults,
                       .error = error,
                       .vegeta = layout->format == FORMAT_VEGETA};
    struct ringsend_bytes line = {record->line.data, record->line.bytes};
    r.separated = line.bytes > 0 && line.data[0] == '\x1e';
    json_init(&r.json, (struct ringsend_bytes){line.data + r.separated, line.bytes - r.separated});
    read_line(&r);
    if (error->error == RINGSEND_OK && !record_merge_headers(record, pool, defaults))
        record_fail(&r, RINGSEND_E_NO_MEMORY, "while the record was read");
}
