/* Rows, lines, and records of JSON that are data: their values go into the templates.
 *
 * Memory. Everything that is filled in goes to `decoded`, which moves while it grows: pieces of it
 * are told by where they start until the last one is there. */
#include "records/record_internal.h"

#include "base/check.h"
#include "base/json.h"
#include "base/json_put.h"
#include "base/key.h"
#include "base/limits.h"
#include "base/text.h"
#include "records/csv_row.h"
#include "records/secret.h"

#include <stdio.h>
#include <string.h>

enum { VALUE_SHOWN_BYTES = 80 };

struct piece {
    size_t start, bytes; /* in `decoded` */
};

struct filler {
    struct record *record;
    struct buf_pool *pool;
    const struct record_defaults *defaults;
    const struct form *form;
    struct record_error *error;
    const struct layout *layout;
    struct ringsend_bytes values[TEMPLATE_NAMES_MAX];
    struct csv_row row;           /* where values point, and into these two: */
    struct buf as_json, as_form;  /* all of it; of records of JSON the texts of their strings */
    struct ringsend_bytes value;  /* of records of JSON */
    struct ringsend_bytes header; /* the name of the one being filled in, else empty */
};

__attribute__((format(printf, 3, 4))) static void fail(struct filler *f, enum ringsend_error error,
                                                       const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    record_refuse(f->error, error, format, arguments);
    va_end(arguments);
}

static void no_memory(struct filler *f)
{
    fail(f, RINGSEND_E_NO_MEMORY, "while the record was read");
}

static struct ringsend_bytes bytes_of(const struct filler *f, struct piece piece)
{
    return (struct ringsend_bytes){piece.bytes > 0 ? f->record->decoded.data + piece.start : "",
                                   piece.bytes};
}

/* ---- values ---- */

static struct ringsend_bytes line_of(const struct record *record)
{
    struct ringsend_bytes line = {record->line.data, record->line.bytes};
    if (line.bytes > 0 && line.data[line.bytes - 1] == '\r')
        line.bytes--;
    return line;
}

/* The place of a column in the line, for an error about its value. */
static void point_at(struct filler *f, size_t column)
{
    f->error->at = csv_row_at(line_of(f->record), &f->layout->dialect, column);
}

/* As much of a value as a message shows, in quotes; '?' is what is no UTF-8 or would move a
 * terminal. */
static void show_value(struct ringsend_bytes value, char shown[VALUE_SHOWN_BYTES])
{
    char text[VALUE_SHOWN_BYTES];
    size_t bytes = 0, end = (size_t)record_shown_bytes(value);
    for (size_t at = 0; value.data && at < end;) {
        unsigned length = text_utf8_bytes(value.data + at, value.bytes - at);
        bool plain = length > 0 && (unsigned char)value.data[at] >= 0x20 && value.data[at] != 0x7f;
        length = plain ? length : 1;
        memcpy(text + bytes, plain ? value.data + at : "?", length);
        bytes += length;
        at += length;
    }
    snprintf(shown, VALUE_SHOWN_BYTES, " (it is \"%.*s%s\")", (int)bytes, text,
             end < value.bytes ? "..." : "");
}

/* Of the whole row: a value that its type refuses. */
static void refuse_typed(struct filler *f, size_t column, const char *why)
{
    const struct layout *layout = f->layout;
    struct csv_row header = {0};
    size_t at;
    char shown[VALUE_SHOWN_BYTES] = "";
    struct ringsend_bytes text = {layout->header, layout->header_bytes}, name = {0};
    if (csv_row_read(&header, f->pool, text, &layout->dialect, &at, &(const char *){0}) ==
        CSV_ROW_READ)
        name = csv_row_field(&header, column);
    if (!secret_is_name(SECRET_MEMBER, name))
        show_value(csv_row_field(&f->row, column), shown);
    fail(f, RINGSEND_E_BAD_RECORD, "%s: the value of \"%.*s\" %s%s",
         layout->row.all[column].filters ? "--types" : "the row as JSON", record_shown_bytes(name),
         name.data, why, shown);
    point_at(f, column);
    csv_row_release(&header, f->pool);
}

/* The texts of the whole row, where templates want them. */
static void say_row(struct filler *f)
{
    const struct layout *layout = f->layout;
    enum filter_result result = FILTER_DONE;
    size_t column = 0;
    const char *why;
    if (layout->row_json >= 0) {
        result = row_append_json(&layout->row, &f->row, f->pool, &f->as_json, &column, &why);
        f->values[layout->row_json] = (struct ringsend_bytes){f->as_json.data, f->as_json.bytes};
    }
    if (result == FILTER_BAD_VALUE) {
        refuse_typed(f, column, why);
        return;
    }
    bool good = result == FILTER_DONE;
    if (layout->row_form >= 0) {
        good = good && row_append_form(&layout->row, &f->row, f->pool, &f->as_form);
        f->values[layout->row_form] = (struct ringsend_bytes){f->as_form.data, f->as_form.bytes};
    }
    if (!good)
        no_memory(f);
}

/* ---- values of records of JSON ---- */

/* All of the record, which is one value. */
static bool read_value(struct filler *f)
{
    const struct buf *line = &f->record->line;
    size_t mark = line->bytes > 0 && line->data[0] == '\x1e'; /* RFC 7464 */
    struct json json;
    json_init(&json, (struct ringsend_bytes){line->data + mark, line->bytes - mark});
    if (json_skip(&json, &f->value) && json_end(&json))
        return true;
    fail(f, RINGSEND_E_BAD_RECORD, "%s", json.error);
    f->error->at = (size_t)(json.at - line->data);
    return false;
}

/* What a path leads to, as text: null is none. `start` is set when it went to as_json. */
static bool read_text_at(struct filler *f, struct json *json, struct ringsend_bytes *text,
                         size_t *start)
{
    struct json_string string;
    enum json_kind kind = json_peek(json);
    if (kind != JSON_STRING) {
        json_skip(json, text);
        if (kind == JSON_NULL)
            *text = (struct ringsend_bytes){text->data, 0};
        return true;
    }
    json_string(json, &string);
    *text = string.raw;
    if (!string.escaped)
        return true;
    if (!buf_reserve(f->pool, &f->as_json, string.raw.bytes))
        return false;
    *start = f->as_json.bytes;
    text->bytes = json_decode(string, f->as_json.data + *start);
    f->as_json.bytes += text->bytes;
    return true;
}

static void read_paths(struct filler *f)
{
    const struct template_names *names = &f->form->names;
    size_t starts[TEMPLATE_NAMES_MAX];
    if (!read_value(f))
        return;
    for (size_t i = 0; i < names->count; i++) {
        struct json json;
        const struct json_path *path = &f->form->paths[i];
        starts[i] = SIZE_MAX;
        if (path->count == 0) /* the whole record */
            f->values[i] = f->value;
        else if (!json_path_find(path, f->value, &json))
            f->values[i] = (struct ringsend_bytes){template_missing, 0};
        else if (names->names[i][0] == RAW_MARK)
            json_skip(&json, &f->values[i]);
        else if (!read_text_at(f, &json, &f->values[i], &starts[i]))
            no_memory(f);
    }
    for (size_t i = 0; i < names->count; i++) {
        if (starts[i] != SIZE_MAX)
            f->values[i].data = f->as_json.data + starts[i];
    }
}

/* Its bytes stay where they are, in the line. */
static void take_id(struct filler *f)
{
    const struct json_path *path = &f->form->id_path;
    struct json json;
    if (path->count == 0)
        return;
    if (json_path_find(path, f->value, &json))
        json_skip(&json, &f->record->id);
    else
        fail(f, RINGSEND_E_BAD_RECORD, "--id-from: the record has no %.60s", path->text);
}

/* ---- values of rows ---- */

static void place_fields(struct filler *f)
{
    const struct layout *layout = f->layout;
    size_t count = csv_row_count(&f->row);
    if (count != layout->columns) {
        fail(f, RINGSEND_E_BAD_RECORD, "the row has %zu field%s, the header %zu", count,
             count == 1 ? "" : "s", layout->columns);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        if (layout->places[i] >= 0)
            f->values[layout->places[i]] = csv_row_field(&f->row, i);
    }
    if (layout->row.count > 0)
        say_row(f);
}

static void read_row(struct filler *f)
{
    size_t at;
    const char *why;
    switch (csv_row_read(&f->row, f->pool, line_of(f->record), &f->layout->dialect, &at, &why)) {
    case CSV_ROW_READ:
        place_fields(f);
        return;
    case CSV_ROW_BAD:
        fail(f, RINGSEND_E_BAD_RECORD, "%s", why);
        f->error->at = at;
        return;
    case CSV_ROW_NO_MEMORY:
        no_memory(f);
        return;
    }
}

/* ---- the request ---- */

/* What stands before one of the places of that column says that a secret follows: ?code=, or
 * "password":. A word is put there and looked for again. Memory out: it may be one. */
static bool is_secret_here(struct filler *f, const struct template *t, size_t name)
{
    static const char word[] = "wordinplace";
    struct secrets none = {0};
    struct buf text = {0}, shown = {0};
    const char *literal = t->text ? t->text : "";
    bool hidden = false, good = true;
    for (size_t i = 0; i < t->parts_count && good && !hidden; i++) {
        const struct template_part *part = &t->parts[i];
        good = buf_append(f->pool, &text, literal, part->literal_bytes);
        literal += part->literal_bytes;
        size_t end = text.bytes;
        while (good && end > 0 && text.data[end - 1] == ' ')
            end--;
        const char *quote = good && end > 0 && text.data[end - 1] == ':' ? "\"" : "";
        size_t before = text.bytes;
        good = good && buf_append(f->pool, &text, quote, strlen(quote)) &&
               buf_append(f->pool, &text, word, sizeof word - 1) &&
               buf_append(f->pool, &text, quote, strlen(quote));
        if (good && part->name == (int)name) {
            shown.bytes = 0;
            struct ringsend_bytes all = {text.data, text.bytes};
            good = secrets_mask(&none, all, f->pool, &shown);
            size_t tail = text.bytes - before;
            hidden = good && (shown.bytes < tail || memcmp(shown.data + shown.bytes - tail,
                                                           text.data + before, tail) != 0);
        }
    }
    buf_release(f->pool, &text);
    buf_release(f->pool, &shown);
    return hidden || !good;
}

/* Names the column and shows its value, unless one of the names says that it is a secret. */
static void refuse_value(struct filler *f, const struct template *template, const char *option,
                         const struct template_fault *fault)
{
    const char *name = f->form->names.names[fault->name];
    const struct buf *line = &f->record->line;
    name += f->form->names.are_paths && name[0] == RAW_MARK;
    const char *last = f->form->names.are_paths ? strrchr(name, '.') : NULL;
    struct ringsend_bytes value = f->values[fault->name], header = f->header;
    bool is_secret = secret_is_name(SECRET_MEMBER, span_of(last ? last + 1 : name)) ||
                     secret_is_header(header) || is_secret_here(f, template, fault->name);
    char shown[VALUE_SHOWN_BYTES] = "";
    if (!is_secret && value.data != template_missing)
        show_value(value, shown);
    fail(f, RINGSEND_E_BAD_RECORD, "%s%s%.*s: the value of \"%.40s\" %s%s", option,
         header.bytes > 0 ? " " : "", record_shown_bytes(header), header.data, name, fault->why,
         shown);
    uintptr_t at = (uintptr_t)value.data - (uintptr_t)line->data;
    if (f->form->names.are_paths && at < line->bytes)
        f->error->at = at;
    for (size_t i = 0; f->layout->places && i < f->layout->columns; i++) {
        if (f->layout->places[i] == (int)fault->name)
            point_at(f, i);
    }
}

/* False, with the error set, when it cannot be filled in; `option` names the template. */
static bool fill(struct filler *f, const struct template *template, const char *option,
                 struct piece *piece)
{
    struct template_fault fault = {0};
    struct buf *out = &f->record->decoded;
    piece->start = out->bytes;
    enum template_result result = template_fill(template, f->values, f->pool, out, &fault);
    piece->bytes = out->bytes - piece->start;
    if (result == TEMPLATE_BAD_VALUE)
        refuse_value(f, template, option, &fault);
    else if (result == TEMPLATE_NO_MEMORY)
        no_memory(f);
    return result == TEMPLATE_FILLED;
}

static bool fill_id(struct filler *f, struct piece *id)
{
    struct record *record = f->record;
    struct buf text = {0};
    struct piece plain;
    if (!fill(f, &f->form->id, "--id", &plain))
        return false;
    struct ringsend_bytes value = bytes_of(f, plain);
    id->start = record->decoded.bytes;
    bool good = json_append_string(value, f->pool, &text) &&
                buf_append(f->pool, &record->decoded, text.data, text.bytes);
    id->bytes = text.bytes;
    buf_release(f->pool, &text);
    if (!good)
        no_memory(f);
    return good;
}

static bool has_value(const struct filler *f, const struct template *template)
{
    for (size_t i = 0; i < template->parts_count; i++) {
        int name = template->parts[i].name;
        if (name >= 0 && !key_is_blank(f->values[name]))
            return true;
    }
    return template_is_constant(template);
}

/* A key of which nothing came from the record, but for the template's own words, is the same for
 * all such records: a platform would do the first of them and take the others for it. */
static bool judge_key(struct filler *f, size_t i, struct piece piece)
{
    struct ringsend_bytes name = f->header, option = f->defaults->key_header;
    bool is_key = span_equal_nocase(name, KEY_HEADER) ||
                  (option.bytes > 0 && span_equal_nocase(name, option));
    if (!is_key || key_is_blank(bytes_of(f, piece)) || has_value(f, &f->form->header_values[i]))
        return true;
    fail(f, RINGSEND_E_BAD_RECORD,
         "--header %.*s: its columns are empty, and the key would be that of every such record",
         record_shown_bytes(name), name.data);
    return false;
}

/* The last to be filled in: what is there by then does not move any more. */
static bool fill_headers(struct filler *f)
{
    const struct record_defaults *defaults = f->defaults;
    struct record *record = f->record;
    size_t count = defaults->headers_count;
    bool add_type = f->form->body_is_json && !defaults->has_content_type;
    record->request.headers = defaults->headers;
    record->request.headers_count = count + add_type;
    if (!f->form->header_values)
        return true;
    struct piece pieces[LIMIT_HEADERS] = {{0}};
    for (size_t i = 0; i < count; i++) {
        f->header = defaults->headers[i].name;
        if (!fill(f, &f->form->header_values[i], "--header", &pieces[i]) ||
            !judge_key(f, i, pieces[i]))
            return false;
    }
    if (!buf_append(f->pool, &record->headers, defaults->headers,
                    (count + add_type) * sizeof(struct ringsend_header))) {
        no_memory(f);
        return false;
    }
    struct ringsend_header *own = (struct ringsend_header *)(void *)record->headers.data;
    for (size_t i = 0; i < count; i++)
        own[i].value = bytes_of(f, pieces[i]);
    record->request.headers = own;
    return true;
}

static void fill_request(struct filler *f)
{
    const struct form *form = f->form;
    struct record *record = f->record;
    struct ringsend_request *request = &record->request;
    struct piece url = {0}, method = {0}, id = {0}, data = {0}, data_file = {0};
    if (!fill(f, &form->url, "--url", &url) ||
        (form->has_method && !fill(f, &form->method, "--method", &method)) ||
        (form->has_id && !fill_id(f, &id)) ||
        (form->has_data && !fill(f, &form->data, "--data", &data)) ||
        (form->has_data_file && !fill(f, &form->data_file, "--data-file", &data_file)) ||
        !fill_headers(f))
        return;
    request->url = bytes_of(f, url);
    if (form->has_method)
        request->method = bytes_of(f, method);
    /* Not the default: a DELETE whose cell was forgotten is no GET. */
    if (form->has_method && method.bytes == 0)
        fail(f, RINGSEND_E_BAD_METHOD, "--method is empty in this record");
    if (form->has_id)
        record->id = bytes_of(f, id);
    if (form->has_data)
        request->body = bytes_of(f, data);
    if (form->has_data_file)
        record->data_file = bytes_of(f, data_file);
}

/* Of a row that was filled in. */
static void add_secrets(struct filler *f)
{
    const struct form *form = f->form;
    const struct template *const all[] = {&form->url, &form->method, &form->id, &form->data};
    struct secrets *to = f->defaults->row_secrets;
    bool good = true;
    for (size_t i = 0; i < sizeof all / sizeof *all && good; i++)
        good = template_add_secrets(all[i], &form->names, f->values, f->pool, to);
    for (size_t i = 0; form->header_values && i < f->defaults->headers_count && good; i++)
        good = template_add_secrets(&form->header_values[i], &form->names, f->values, f->pool, to);
    if (!good)
        no_memory(f);
}

void record_read_text(struct record *record, struct buf_pool *pool,
                      const struct record_defaults *defaults, const struct layout *layout,
                      struct record_error *error)
{
    const struct form *form = defaults->form;
    CHECK(form);
    struct filler f = {.record = record,
                       .pool = pool,
                       .defaults = defaults,
                       .form = form,
                       .layout = layout,
                       .error = error};
    bool is_line = layout->format == FORMAT_LINES, is_json = format_is_json(layout->format);
    if (is_json)
        read_paths(&f);
    else if (!is_line)
        read_row(&f);
    else if (form->names.count > 0) /* which is "line" */
        f.values[0] = line_of(record);
    if (error->error == RINGSEND_OK)
        fill_request(&f);
    if (error->error == RINGSEND_OK && is_json)
        take_id(&f);
    if (error->error == RINGSEND_OK && defaults->row_secrets)
        add_secrets(&f);
    buf_release(pool, &f.as_json);
    buf_release(pool, &f.as_form);
    csv_row_release(&f.row, pool);
    if (error->error != RINGSEND_OK)
        return;
    bool is_body = form->line_is_body;
    if (is_body)
        record->request.body = is_json ? f.value : line_of(record);
    if (is_body || form->has_data || form->has_data_file)
        record->request.flags |= RINGSEND_HAS_BODY;
    record->body_is_json = form->body_is_json;
    if (form->has_data_file && (record->data_file.bytes == 0 ||
                                memchr(record->data_file.data, '\0', record->data_file.bytes)))
        fail(&f, RINGSEND_E_BAD_RECORD, "--data-file: this is not the path of a file");
}

void record_point_at_body(const struct record *record, const struct form *form,
                          const struct layout *layout, struct record_error *error)
{
    const struct template *t = &form->data;
    for (size_t i = 0; layout->places && i < layout->columns && t->parts_count == 2; i++) {
        if (layout->places[i] == t->parts[0].name)
            error->at = csv_row_at(line_of(record), &layout->dialect, i);
    }
}
