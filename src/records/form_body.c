/* Reading: a pass over the value, with errors that name the field or part. What parts say are spans
 * into the line or into record->decoded; they stand in record->parts behind room for the
 * Content-Type, whose boundary is written last.
 *
 * Making (multipart_make): the parts in their order, as curl's -F sends them. */
#include "records/form_body.h"

#include "base/base64.h"
#include "base/check.h"
#include "base/json.h"
#include "records/filter.h"
#include "records/record_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define FORM_TYPE "application/x-www-form-urlencoded"
#define PARTS_TYPE "multipart/form-data; boundary="
#define BOUNDARY "ringsend-" /* and 32 digits */

enum {
    DIGITS = 32,
    BOUNDARY_BYTES = sizeof BOUNDARY - 1 + DIGITS,
    TYPE_BYTES = sizeof PARTS_TYPE - 1 + BOUNDARY_BYTES,
    TYPE_ROOM = 96, /* in front of the parts */
    PARTS_MAX = 1024
};

_Static_assert(TYPE_BYTES <= TYPE_ROOM && TYPE_ROOM % sizeof(void *) == 0,
               "parts stand behind the type");

enum part_key {
    PART_NAME,
    PART_VALUE,
    PART_BASE64,
    PART_FILE,
    PART_FILENAME,
    PART_TYPE,
    PART_KEYS
};

static const struct ringsend_bytes part_names[PART_KEYS] = {[PART_NAME] = {"name", 4},
                                                            [PART_VALUE] = {"value", 5},
                                                            [PART_BASE64] = {"value_base64", 12},
                                                            [PART_FILE] = {"file", 4},
                                                            [PART_FILENAME] = {"filename", 8},
                                                            [PART_TYPE] = {"type", 4}};

struct part {
    struct ringsend_bytes texts[PART_KEYS]; /* null: not given; of VALUE and BASE64 the content */
    size_t at, bytes;                       /* of its file's content, once it is loaded */
    bool is_json;                           /* its value is an object or array */
};

struct reader {
    struct record *record;
    struct buf_pool *pool;
    struct json json;
    struct record_error *error;
    char about[80]; /* what an error is about: "part 2 (\"photo\")" */
};

__attribute__((format(printf, 2, 3))) static bool fail(struct reader *r, const char *format, ...)
{
    char why[160];
    va_list arguments;
    if (r->error->error != RINGSEND_OK)
        return false;
    va_start(arguments, format);
    vsnprintf(why, sizeof why, format, arguments);
    va_end(arguments);
    r->error->error = RINGSEND_E_BAD_RECORD;
    r->error->at = RECORD_ALL;
    snprintf(r->error->detail, sizeof r->error->detail, "%s: %.116s", r->about, why);
    return false;
}

static bool no_memory(struct reader *r)
{
    if (r->error->error == RINGSEND_OK) {
        r->error->error = RINGSEND_E_NO_MEMORY;
        snprintf(r->error->detail, sizeof r->error->detail, "while the record was read");
    }
    return false;
}

/* Of a value that is neither object, array nor null: its text, "" for null's absence. */
static bool read_scalar(struct reader *r, struct ringsend_bytes *text)
{
    struct json_string string;
    enum json_kind kind = json_peek(&r->json);
    if (kind == JSON_STRING) {
        if (!json_string(&r->json, &string))
            return false;
        return record_decode(r->record, r->pool, string, text) || no_memory(r);
    }
    if (!json_skip(&r->json, text))
        return false;
    return kind == JSON_NUMBER || kind == JSON_TRUE || kind == JSON_FALSE ||
           fail(r, "the value must be a string, a number, true or false");
}

/* ---- form ---- */

static bool add_encoded(struct reader *r, struct ringsend_bytes text)
{
    const struct filters as_form = {.list = {FILTER_FORM}, .count = 1};
    const char *why;
    return filters_apply(&as_form, text, r->pool, &r->record->body, &why) == FILTER_DONE ||
           no_memory(r);
}

static bool add_field(struct reader *r, struct ringsend_bytes name)
{
    struct ringsend_bytes value;
    struct buf *body = &r->record->body;
    if (!read_scalar(r, &value))
        return false;
    if (body->bytes > 0 && !buf_append(r->pool, body, "&", 1))
        return no_memory(r);
    return add_encoded(r, name) && (buf_append(r->pool, body, "=", 1) || no_memory(r)) &&
           add_encoded(r, value);
}

static void read_field(struct reader *r, struct json_string key)
{
    struct ringsend_bytes name;
    if (!record_decode(r->record, r->pool, key, &name)) {
        no_memory(r);
        return;
    }
    snprintf(r->about, sizeof r->about, "\"form\": \"%.*s\"", record_shown_bytes(name), name.data);
    if (json_peek(&r->json) != JSON_ARRAY) {
        add_field(r, name);
        return;
    }
    json_array(&r->json);
    while (json_element(&r->json) && add_field(r, name))
        ;
}

void form_body_read(struct record *record, struct buf_pool *pool, struct ringsend_bytes value,
                    struct record_error *error)
{
    struct reader r = {.record = record, .pool = pool, .error = error, .about = "\"form\""};
    json_init(&r.json, value);
    if (json_peek(&r.json) != JSON_OBJECT) {
        fail(&r, "it must be an object of names and values");
        return;
    }
    json_object(&r.json);
    for (struct json_string key; error->error == RINGSEND_OK && json_member(&r.json, &key);)
        read_field(&r, key);
    record->request.body = (struct ringsend_bytes){record->body.data, record->body.bytes};
    record->request.flags |= RINGSEND_HAS_BODY;
    record->form_kind = RECORD_FORM;
}

/* ---- parts: reading ---- */

static struct part *parts_of(const struct record *record, size_t *count)
{
    if (record->parts.bytes == 0) {
        *count = 0;
        return NULL;
    }
    *count = (record->parts.bytes - TYPE_ROOM) / sizeof(struct part);
    return (struct part *)(void *)(record->parts.data + TYPE_ROOM);
}

static enum part_key key_of(struct json_string key)
{
    unsigned i = 0;
    while (i < PART_KEYS && (key.escaped || !span_equal(key.raw, part_names[i])))
        i++;
    return (enum part_key)i;
}

static bool is_header_safe(struct ringsend_bytes text, bool line_ends_too)
{
    for (size_t i = 0; i < text.bytes; i++) {
        unsigned char c = (unsigned char)text.data[i];
        bool is_end = line_ends_too && (c == '\r' || c == '\n');
        if (!is_end && ((c < 0x20 && c != '\t') || c == 0x7f))
            return false;
    }
    return true;
}

static bool read_base64(struct reader *r, struct ringsend_bytes *text)
{
    struct buf *decoded = &r->record->decoded;
    uintptr_t at = (uintptr_t)text->data - (uintptr_t)decoded->data;
    bool in_place = decoded->data && at < decoded->bytes; /* it had escapes */
    char *room =
        in_place ? decoded->data + at : record_decoded_room(r->record, r->pool, text->bytes);
    size_t bytes;
    if (!room)
        return no_memory(r);
    if (!base64_decode(*text, room, &bytes))
        return fail(r, "\"value_base64\" is not base64 (RFC 4648, with its padding)");
    decoded->bytes += in_place ? 0 : bytes;
    *text = (struct ringsend_bytes){room, bytes};
    return true;
}

static bool read_text(struct reader *r, enum part_key key, struct ringsend_bytes *text)
{
    if (json_peek(&r->json) != JSON_STRING)
        return fail(r, "\"%s\" must be a string", part_names[key].data);
    if (!read_scalar(r, text))
        return false;
    if (key == PART_BASE64)
        return read_base64(r, text);
    if (key == PART_FILE && (text->bytes == 0 || memchr(text->data, '\0', text->bytes)))
        return fail(r, "\"file\" must be the path of a file");
    return key == PART_FILE || is_header_safe(*text, key != PART_TYPE) ||
           fail(r, "\"%s\" holds a control character", part_names[key].data);
}

/* Anything but a string is the bytes that stand there. */
static bool read_value(struct reader *r, struct part *part)
{
    enum json_kind kind = json_peek(&r->json);
    struct ringsend_bytes *text = &part->texts[PART_VALUE];
    if (kind != JSON_OBJECT && kind != JSON_ARRAY)
        return read_scalar(r, text);
    part->is_json = true;
    return json_skip(&r->json, text);
}

static bool read_member(struct reader *r, struct json_string name, struct part *part)
{
    enum part_key key = key_of(name);
    if (key == PART_KEYS)
        return fail(r, "unknown key \"%.*s\"", record_shown_bytes(name.raw), name.raw.data);
    if (part->texts[key].data)
        return fail(r, "\"%s\" is given twice", part_names[key].data);
    return key == PART_VALUE ? read_value(r, part) : read_text(r, key, &part->texts[key]);
}

static bool judge_part(struct reader *r, const struct part *part)
{
    const struct ringsend_bytes *texts = part->texts;
    unsigned contents = (texts[PART_VALUE].data != NULL) + (texts[PART_BASE64].data != NULL) +
                        (texts[PART_FILE].data != NULL);
    if (!texts[PART_NAME].data)
        return fail(r, "it has no \"name\"");
    return contents == 1 || fail(r, "it must have one of \"value\", \"value_base64\" and \"file\"");
}

/* Where its name is known, it is told. */
static void name_part(struct reader *r, size_t number, const struct part *part)
{
    struct ringsend_bytes name = part->texts[PART_NAME];
    int bytes = record_shown_bytes(name);
    if (name.data)
        snprintf(r->about, sizeof r->about, "\"multipart\": part %zu (\"%.*s\")", number,
                 bytes < 40 ? bytes : 40, name.data);
    else
        snprintf(r->about, sizeof r->about, "\"multipart\": part %zu", number);
}

static void read_part(struct reader *r, size_t number)
{
    struct part part = {0};
    name_part(r, number, &part);
    if (json_peek(&r->json) != JSON_OBJECT) {
        fail(r, "it must be an object");
        return;
    }
    json_object(&r->json);
    for (struct json_string key; json_member(&r->json, &key);) {
        if (!read_member(r, key, &part))
            return;
        name_part(r, number, &part);
    }
    if (judge_part(r, &part) && !buf_append(r->pool, &r->record->parts, &part, sizeof part))
        no_memory(r);
}

/* ---- parts: making ---- */

/* As browsers and curl write it: WHATWG HTML, "multipart/form-data encoding algorithm". */
static bool add_quoted(struct buf_pool *pool, struct buf *out, struct ringsend_bytes text)
{
    bool good = buf_append(pool, out, "\"", 1);
    for (size_t i = 0; i < text.bytes && good; i++) {
        char c = text.data[i];
        const char *escape = c == '"' ? "%22" : c == '\r' ? "%0D" : c == '\n' ? "%0A" : NULL;
        good = buf_append(pool, out, escape ? escape : &text.data[i], escape ? 3 : 1);
    }
    return good && buf_append(pool, out, "\"", 1);
}

static struct ringsend_bytes last_name(struct ringsend_bytes path)
{
    const char *slash = memrchr(path.data, '/', path.bytes);
    size_t from = slash ? (size_t)(slash + 1 - path.data) : 0;
    return (struct ringsend_bytes){path.data + from, path.bytes - from};
}

/* By the end of its name, as curl guesses it. */
static struct ringsend_bytes guessed_type(struct ringsend_bytes name)
{
    static const struct {
        struct ringsend_bytes end, type;
    } rows[] = {
        {{".gif", 4}, {"image/gif", 9}},        {{".jpg", 4}, {"image/jpeg", 10}},
        {{".jpeg", 5}, {"image/jpeg", 10}},     {{".png", 4}, {"image/png", 9}},
        {{".svg", 4}, {"image/svg+xml", 13}},   {{".txt", 4}, {"text/plain", 10}},
        {{".htm", 4}, {"text/html", 9}},        {{".html", 5}, {"text/html", 9}},
        {{".pdf", 4}, {"application/pdf", 15}}, {{".xml", 4}, {"application/xml", 15}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct ringsend_bytes end = rows[i].end;
        if (name.bytes >= end.bytes &&
            strncasecmp(name.data + name.bytes - end.bytes, end.data, end.bytes) == 0)
            return rows[i].type;
    }
    return SPAN("application/octet-stream");
}

static struct ringsend_bytes type_of(const struct part *part, struct ringsend_bytes filename)
{
    if (part->texts[PART_TYPE].data)
        return part->texts[PART_TYPE];
    if (part->is_json)
        return SPAN("application/json");
    return filename.data ? guessed_type(filename) : SPAN("");
}

static struct ringsend_bytes content_of(const struct part *part, const struct buf *files)
{
    if (part->texts[PART_FILE].data)
        return (struct ringsend_bytes){files->data + part->at, part->bytes};
    return part->texts[PART_BASE64].data ? part->texts[PART_BASE64] : part->texts[PART_VALUE];
}

static bool add(struct buf_pool *pool, struct buf *out, struct ringsend_bytes text)
{
    return text.bytes == 0 || buf_append(pool, out, text.data, text.bytes);
}

static bool add_part(struct buf_pool *pool, struct buf *out, const struct part *part,
                     struct ringsend_bytes boundary, struct ringsend_bytes content)
{
    struct ringsend_bytes filename = part->texts[PART_FILENAME];
    if (!filename.data && part->texts[PART_FILE].data)
        filename = last_name(part->texts[PART_FILE]);
    struct ringsend_bytes type = type_of(part, filename);
    return add(pool, out, SPAN("--")) && add(pool, out, boundary) &&
           add(pool, out, SPAN("\r\nContent-Disposition: form-data; name=")) &&
           add_quoted(pool, out, part->texts[PART_NAME]) &&
           (!filename.data ||
            (add(pool, out, SPAN("; filename=")) && add_quoted(pool, out, filename))) &&
           (type.bytes == 0 ||
            (add(pool, out, SPAN("\r\nContent-Type: ")) && add(pool, out, type))) &&
           add(pool, out, SPAN("\r\n\r\n")) && add(pool, out, content) &&
           add(pool, out, SPAN("\r\n"));
}

/* Of what the parts hold, and another one for each `round`. */
static void write_boundary(const struct record *record, const struct buf *files,
                           unsigned char round, char *boundary)
{
    static const char digits[] = "0123456789abcdef";
    size_t count;
    const struct part *parts = parts_of(record, &count);
    XXH3_state_t state;
    XXH128_canonical_t hash;
    XXH3_128bits_reset(&state);
    XXH3_128bits_update(&state, &round, sizeof round);
    for (size_t i = 0; i < count; i++) {
        struct ringsend_bytes content = content_of(&parts[i], files);
        if (content.bytes > 0)
            XXH3_128bits_update(&state, content.data, content.bytes);
        XXH3_128bits_update(&state, "", 1);
    }
    XXH128_canonicalFromHash(&hash, XXH3_128bits_digest(&state));
    memcpy(boundary, BOUNDARY, sizeof BOUNDARY - 1);
    boundary += sizeof BOUNDARY - 1;
    for (unsigned i = 0; i < sizeof hash.digest; i++) {
        *boundary++ = digits[hash.digest[i] >> 4];
        *boundary++ = digits[hash.digest[i] & 15];
    }
}

static bool is_within(const struct record *record, const struct buf *files, const char *boundary)
{
    size_t count;
    const struct part *parts = parts_of(record, &count);
    for (size_t i = 0; i < count; i++) {
        struct ringsend_bytes content = content_of(&parts[i], files);
        if (content.bytes > 0 && memmem(content.data, content.bytes, boundary, BOUNDARY_BYTES))
            return true;
    }
    return false;
}

static bool make(struct record *record, struct buf_pool *pool, const struct buf *files)
{
    size_t count;
    const struct part *parts = parts_of(record, &count);
    char *type = record->parts.data, *text = type + sizeof PARTS_TYPE - 1;
    struct ringsend_bytes boundary = {text, BOUNDARY_BYTES};
    unsigned char round = 0;
    do
        write_boundary(record, files, round++, text);
    while (is_within(record, files, text));
    bool good = true;
    for (size_t i = 0; i < count && good; i++)
        good = add_part(pool, &record->body, &parts[i], boundary, content_of(&parts[i], files));
    good = good && add(pool, &record->body, SPAN("--")) && add(pool, &record->body, boundary) &&
           add(pool, &record->body, SPAN("--\r\n"));
    record->request.body = (struct ringsend_bytes){record->body.data, record->body.bytes};
    return good;
}

void multipart_read(struct record *record, struct buf_pool *pool, struct ringsend_bytes value,
                    struct record_error *error)
{
    struct reader r = {.record = record, .pool = pool, .error = error, .about = "\"multipart\""};
    char type[TYPE_ROOM] = PARTS_TYPE BOUNDARY "00000000000000000000000000000000";
    json_init(&r.json, value);
    if (json_peek(&r.json) != JSON_ARRAY) {
        fail(&r, "it must be a list of parts");
        return;
    }
    if (!buf_append(pool, &record->parts, type, sizeof type)) {
        no_memory(&r);
        return;
    }
    json_array(&r.json);
    for (size_t n = 1; json_element(&r.json) && error->error == RINGSEND_OK; n++) {
        if (n > PARTS_MAX)
            fail(&r, "more than %d parts", PARTS_MAX);
        else
            read_part(&r, n);
    }
    size_t count;
    parts_of(record, &count);
    if (count == 0)
        fail(&r, "it must have at least one part");
    record->multipart = value;
    record->form_kind = RECORD_MULTIPART;
    record->request.flags |= RINGSEND_HAS_BODY;
    record->data_file = multipart_file(record, 0);
    const struct buf none = {0};
    if (error->error == RINGSEND_OK && record->data_file.bytes == 0 && !make(record, pool, &none))
        no_memory(&r);
}

struct ringsend_bytes form_body_type(const struct record *record)
{
    switch (record->form_kind) {
    case RECORD_FORM:
        return SPAN(FORM_TYPE);
    case RECORD_MULTIPART:
        return (struct ringsend_bytes){record->parts.data, TYPE_BYTES};
    case RECORD_NO_FORM:
        break;
    }
    return SPAN("");
}

/* ---- files ---- */

struct ringsend_bytes multipart_file(const struct record *record, size_t n)
{
    size_t count;
    const struct part *parts = parts_of(record, &count);
    for (size_t i = 0; i < count; i++) {
        if (parts[i].texts[PART_FILE].data && n-- == 0)
            return parts[i].texts[PART_FILE];
    }
    return (struct ringsend_bytes){0};
}

static struct part *part_of_file(const struct record *record, size_t n, size_t *number)
{
    size_t count;
    struct part *parts = parts_of(record, &count);
    for (size_t i = 0; i < count; i++) {
        *number = i + 1;
        if (parts[i].texts[PART_FILE].data && n-- == 0)
            return &parts[i];
    }
    UNREACHABLE("a file that is no part's");
}

void record_file_failed(const struct record *record, struct record_error *error)
{
    char why[sizeof error->detail];
    struct reader r = {.about = ""};
    size_t number;
    if (record->form_kind != RECORD_MULTIPART)
        return;
    const struct part *part = part_of_file(record, record->files_loaded, &number);
    name_part(&r, number, part);
    memcpy(why, error->detail, sizeof why);
    snprintf(error->detail, sizeof error->detail, "%s: %.116s", r.about, why);
}

enum record_file_next record_file_loaded(struct record *record, struct buf_pool *pool,
                                         struct buf *data, struct record_error *error)
{
    size_t number, at = record->files_bytes;
    if (record->form_kind != RECORD_MULTIPART) {
        record->request.body = (struct ringsend_bytes){data->data, data->bytes};
        return RECORD_FILE_DONE;
    }
    struct part *part = part_of_file(record, record->files_loaded++, &number);
    CHECK(data->bytes >= at);
    part->at = at;
    part->bytes = data->bytes - at;
    record->files_bytes = data->bytes;
    struct ringsend_bytes next = multipart_file(record, record->files_loaded);
    struct reader r = {.record = record, .error = error};
    error->error = RINGSEND_OK;
    name_part(&r, number, part);
    if (data->bytes > FORM_BODY_BYTES_MAX) {
        fail(&r, "the files up to this one are larger than 256 MiB");
        return RECORD_FILE_BAD;
    }
    if (next.bytes > 0) {
        record->data_file = next;
        return RECORD_FILE_MORE;
    }
    record->data_file = next;
    bool good = make(record, pool, data);
    buf_release(pool, data);
    return good || no_memory(&r) ? RECORD_FILE_DONE : RECORD_FILE_BAD;
}
