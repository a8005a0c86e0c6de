#include "records/template.h"

#include "base/base64.h"
#include "base/check.h"
#include "base/json_put.h"
#include "base/text.h"
#include "records/guard.h"
#include "records/place.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct ringsend_bytes filter_names[FILTERS_NAMED] = {
    [FILTER_JSON] = {"json", 4},
    [FILTER_URL] = {"url", 3},
    [FILTER_B64] = {"b64", 3},
    [FILTER_TRIM] = {"trim", 4},
};

static const char env_prefix[] = "env.";

static struct ringsend_bytes trimmed(struct ringsend_bytes text)
{
    while (text.bytes > 0 && memchr(" \t\r\n", text.data[0], 4)) {
        text.data++;
        text.bytes--;
    }
    while (text.bytes > 0 && memchr(" \t\r\n", text.data[text.bytes - 1], 4))
        text.bytes--;
    return text;
}

/* ---- filters ---- */

static bool is_utf8(struct ringsend_bytes text)
{
    for (size_t at = 0; at < text.bytes;) {
        unsigned length = text_utf8_bytes(text.data + at, text.bytes - at);
        if (length == 0)
            return false;
        at += length;
    }
    return true;
}

static bool percent_encode(struct ringsend_bytes text, struct buf_pool *pool, struct buf *out)
{
    static const char digits[] = "0123456789ABCDEF";
    if (!buf_reserve(pool, out, 3 * text.bytes))
        return false;
    for (size_t i = 0; i < text.bytes; i++) {
        unsigned char byte = (unsigned char)text.data[i];
        if (text_is_unreserved((char)byte)) {
            out->data[out->bytes++] = (char)byte;
            continue;
        }
        out->data[out->bytes++] = '%';
        out->data[out->bytes++] = digits[byte >> 4];
        out->data[out->bytes++] = digits[byte & 15];
    }
    return true;
}

/* What stands between the quotes of that string in JSON. */
static bool append_inside(struct ringsend_bytes text, struct buf_pool *pool, struct buf *out)
{
    size_t before = out->bytes;
    if (!json_append_string(text, pool, out))
        return false;
    out->bytes -= 2;
    memmove(out->data + before, out->data + before + 1, out->bytes - before);
    return true;
}

static bool append_references(struct ringsend_bytes text, struct buf_pool *pool, struct buf *out)
{
    static const char *const references[256] = {
        ['&'] = "&amp;", ['<'] = "&lt;", ['>'] = "&gt;", ['"'] = "&quot;", ['\''] = "&#39;"};
    bool good = true;
    for (size_t i = 0; i < text.bytes && good; i++) {
        const char *reference = references[(unsigned char)text.data[i]];
        good = reference ? buf_append(pool, out, reference, strlen(reference))
                         : buf_append(pool, out, text.data + i, 1);
    }
    return good;
}

/* Why the filter cannot take the value, or null. */
static const char *filter_fault(enum template_filter filter, struct ringsend_bytes value)
{
    if ((filter == FILTER_JSON || filter == FILTER_JSON_INSIDE) && !is_utf8(value))
        return "is not UTF-8, as JSON has to be";
    if (filter != FILTER_XML)
        return NULL;
    for (size_t i = 0; i < value.bytes; i++) {
        unsigned char c = (unsigned char)value.data[i];
        if (c < 0x20 && c != '\t' && c != '\n' && c != '\r')
            return "holds a control character, which XML cannot";
    }
    return NULL;
}

static bool apply(enum template_filter filter, struct ringsend_bytes value, struct buf_pool *pool,
                  struct buf *out)
{
    bool done = false;
    switch (filter) {
    case FILTER_JSON:
        return json_append_string(value, pool, out);
    case FILTER_JSON_INSIDE:
        return append_inside(value, pool, out);
    case FILTER_XML:
        return append_references(value, pool, out);
    case FILTER_URL:
        return percent_encode(value, pool, out);
    case FILTER_B64:
        done = buf_reserve(pool, out, base64_bytes(value.bytes));
        if (done && value.bytes > 0)
            out->bytes = (size_t)(base64_encode(value, out->data + out->bytes) - out->data);
        return done;
    case FILTER_TRIM:
        value = trimmed(value);
        return buf_append(pool, out, value.data, value.bytes);
    }
    UNREACHABLE("filter");
}

/* All filters of a part but the last one go by way of buffers of their own. */
static enum template_result filter_value(const struct template_part *part,
                                         struct ringsend_bytes value, struct buf_pool *pool,
                                         struct buf *out, struct template_fault *fault)
{
    if (part->filters_count == 0)
        return buf_append(pool, out, value.data, value.bytes) ? TEMPLATE_FILLED
                                                              : TEMPLATE_NO_MEMORY;
    struct buf steps[TEMPLATE_FILTERS_MAX + TEMPLATE_FILTERS_ADDED] = {{0}};
    enum template_result result = TEMPLATE_FILLED;
    for (unsigned i = 0; i < part->filters_count && result == TEMPLATE_FILLED; i++) {
        struct buf *to = i + 1 == part->filters_count ? out : &steps[i];
        enum template_filter filter = (enum template_filter)part->filters[i];
        fault->why = filter_fault(filter, value);
        if (fault->why)
            result = TEMPLATE_BAD_VALUE;
        else if (!apply(filter, value, pool, to))
            result = TEMPLATE_NO_MEMORY;
        value = (struct ringsend_bytes){to->data, to->bytes};
    }
    for (unsigned i = 0; i < part->filters_count; i++)
        buf_release(pool, &steps[i]);
    return result;
}

/* ---- compiling ---- */

__attribute__((format(printf, 2, 3))) static bool refuse(char *told, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(told, TEMPLATE_TOLD_BYTES, format, arguments);
    va_end(arguments);
    return false;
}

static bool no_memory(char *told)
{
    return refuse(told, "memory is out");
}

static bool add_literal(struct template *t, const char *text, size_t bytes)
{
    if (bytes == 0)
        return true;
    char *grown = realloc(t->text, t->text_bytes + bytes + 1);
    if (!grown)
        return false;
    memcpy(grown + t->text_bytes, text, bytes);
    grown[t->text_bytes + bytes] = '\0';
    t->text = grown;
    t->text_bytes += bytes;
    return true;
}

/* Closes the literal since the last part. */
static bool add_part(struct template *t, struct template_part part)
{
    struct template_part *grown = reallocarray(t->parts, t->parts_count + 1, sizeof *grown);
    if (!grown)
        return false;
    size_t before = 0;
    for (size_t i = 0; i < t->parts_count; i++)
        before += grown[i].literal_bytes;
    part.literal_bytes = t->text_bytes - before;
    grown[t->parts_count++] = part;
    t->parts = grown;
    return true;
}

static bool place_name(struct template_names *names, struct ringsend_bytes name, int *place,
                       char *told)
{
    for (size_t i = 0; i < names->count; i++) {
        if (span_equal(span_of(names->names[i]), name)) {
            *place = (int)i;
            return true;
        }
    }
    if (names->count == TEMPLATE_NAMES_MAX)
        return refuse(told, "more than %d different columns", TEMPLATE_NAMES_MAX);
    char *copy = strndup(name.data, name.bytes);
    if (!copy)
        return no_memory(told);
    *place = (int)names->count;
    names->names[names->count++] = copy;
    return true;
}

/* The filters behind the name; *place ends behind them. */
static bool read_filters(struct template_part *part, struct ringsend_bytes rest, char *told)
{
    while (rest.bytes > 0) {
        const char *bar = memchr(rest.data + 1, '|', rest.bytes - 1);
        size_t bytes = bar ? (size_t)(bar - rest.data) : rest.bytes;
        struct ringsend_bytes name = trimmed((struct ringsend_bytes){rest.data + 1, bytes - 1});
        unsigned filter = 0;
        while (filter < FILTERS_NAMED && !span_equal(filter_names[filter], name))
            filter++;
        if (filter == FILTERS_NAMED)
            return refuse(told, "there is no filter \"%.*s\": json, url, b64 and trim are",
                          (int)name.bytes, name.data);
        if (part->filters_count == TEMPLATE_FILTERS_MAX)
            return refuse(told, "at most %d filters may follow a name", TEMPLATE_FILTERS_MAX);
        part->filters[part->filters_count++] = (uint8_t)filter;
        rest.data += bytes;
        rest.bytes -= bytes;
    }
    return true;
}

/* The value of the environment becomes a part of the literal. */
static bool expand_env(struct template *t, const struct template_part *part,
                       struct ringsend_bytes name, struct secrets *secrets, char *told)
{
    char variable[128];
    size_t prefix = sizeof env_prefix - 1;
    snprintf(variable, sizeof variable, "%.*s", (int)(name.bytes - prefix), name.data + prefix);
    const char *value = getenv(variable);
    if (!value || strlen(variable) != name.bytes - prefix)
        return refuse(told, "the environment has no variable \"%s\"", variable);
    struct buf_pool pool;
    struct buf filtered = {0};
    struct template_fault fault = {0};
    buf_pool_init(&pool);
    enum template_result result = filter_value(part, span_of(value), &pool, &filtered, &fault);
    struct ringsend_bytes text = {filtered.data, filtered.bytes};
    bool good = result == TEMPLATE_FILLED && add_literal(t, text.data, text.bytes) &&
                secrets_add(secrets, span_of(value)) && secrets_add(secrets, text);
    buf_release(&pool, &filtered);
    buf_pool_free(&pool);
    if (result == TEMPLATE_BAD_VALUE)
        return refuse(told, "the environment's \"%s\" %s", variable, fault.why);
    return good || no_memory(told);
}

/* What stands between two pairs of braces. */
static bool compile_reference(struct template *t, struct ringsend_bytes inside,
                              struct template_names *names, struct secrets *secrets, char *told)
{
    struct template_part part = {.name = -1};
    const char *bar = inside.bytes > 0 ? memchr(inside.data, '|', inside.bytes) : NULL;
    size_t name_bytes = bar ? (size_t)(bar - inside.data) : inside.bytes;
    struct ringsend_bytes name = trimmed((struct ringsend_bytes){inside.data, name_bytes});
    struct ringsend_bytes filters = {inside.data + name_bytes, inside.bytes - name_bytes};
    if (name.bytes == 0 || memchr(name.data, '{', name.bytes))
        return refuse(told, "\"{{%.*s}}\" names no column ({{{{ stands for two braces)",
                      (int)inside.bytes, inside.data);
    if (!read_filters(&part, filters, told))
        return false;
    if (name.bytes >= sizeof env_prefix &&
        memcmp(name.data, env_prefix, sizeof env_prefix - 1) == 0)
        return expand_env(t, &part, name, secrets, told);
    if (!place_name(names, name, &part.name, told))
        return false;
    return add_part(t, part) || no_memory(told);
}

static bool cut_up(struct template *t, const char *source, struct template_names *names,
                   struct secrets *secrets, char *told)
{
    for (const char *at = source;;) {
        const char *braces = strstr(at, "{{");
        size_t literal = braces ? (size_t)(braces - at) : strlen(at);
        if (!add_literal(t, at, literal))
            return no_memory(told);
        if (!braces)
            break;
        if (strncmp(braces, "{{{{", 4) == 0) {
            if (!add_literal(t, "{{", 2))
                return no_memory(told);
            at = braces + 4;
            continue;
        }
        const char *end = strstr(braces, "}}");
        if (!end)
            return refuse(told, "\"{{\" without \"}}\" behind it ({{{{ stands for two braces)");
        struct ringsend_bytes inside = {braces + 2, (size_t)(end - braces) - 2};
        if (!compile_reference(t, inside, names, secrets, told))
            return false;
        at = end + 2;
    }
    return add_part(t, (struct template_part){.name = -1}) || no_memory(told);
}

bool template_compile(struct template *t, const char *source, enum template_use use,
                      struct template_names *names, struct secrets *secrets, char *told)
{
    *t = (struct template){0};
    return cut_up(t, source, names, secrets, told) && place_columns_of(t, use, names, told);
}

static bool holds_nocase(struct ringsend_bytes text, struct ringsend_bytes word)
{
    for (size_t at = 0; at + word.bytes <= text.bytes; at++) {
        if (span_equal_nocase((struct ringsend_bytes){text.data + at, word.bytes}, word))
            return true;
    }
    return false;
}

/* Of "application/problem+json; charset=utf-8" and its kind. */
enum template_use template_use_of(struct ringsend_bytes content_type)
{
    const char *parameters =
        content_type.bytes > 0 ? memchr(content_type.data, ';', content_type.bytes) : NULL;
    if (parameters)
        content_type.bytes = (size_t)(parameters - content_type.data);
    return content_type.bytes == 0                    ? TEMPLATE_BODY
           : holds_nocase(content_type, SPAN("json")) ? TEMPLATE_JSON
           : holds_nocase(content_type, SPAN("xml")) || holds_nocase(content_type, SPAN("html"))
               ? TEMPLATE_XML
           : holds_nocase(content_type, SPAN("multipart/"))      ? TEMPLATE_MULTIPART
           : holds_nocase(content_type, SPAN("form-urlencoded")) ? TEMPLATE_FORM
                                                                 : TEMPLATE_TEXT;
}

void template_free(struct template *t)
{
    free(t->text);
    free(t->parts);
    *t = (struct template){0};
}

void template_names_free(struct template_names *names)
{
    for (size_t i = 0; i < names->count; i++)
        free(names->names[i]);
    names->count = 0;
}

/* ---- filling in ---- */

static enum template_result refuse_value(struct template_fault *fault, int name, const char *why)
{
    *fault = (struct template_fault){.name = (size_t)name, .why = why};
    return TEMPLATE_BAD_VALUE;
}

/* The value of the part's column, behind its literal; `next` is the first byte of the next one. */
static enum template_result fill_value(const struct template_part *part, char next,
                                       struct guard *guard, struct ringsend_bytes value,
                                       struct buf_pool *pool, struct buf *out,
                                       struct template_fault *fault)
{
    size_t before = out->bytes;
    fault->name = (size_t)part->name;
    enum template_result result = filter_value(part, value, pool, out, fault);
    if (result != TEMPLATE_FILLED)
        return result;
    const char *why = guard_value(guard, part, out, before, next);
    return why ? refuse_value(fault, part->name, why) : TEMPLATE_FILLED;
}

enum template_result template_fill(const struct template *t, const struct ringsend_bytes *values,
                                   struct buf_pool *pool, struct buf *out,
                                   struct template_fault *fault)
{
    const char *literal = t->text ? t->text : "";
    struct guard guard = {
        .segment_start = out->bytes, .name = -1, .boundary = {literal, t->boundary_bytes}};
    for (size_t i = 0; i < t->parts_count; i++) {
        const struct template_part *part = &t->parts[i];
        size_t before = out->bytes;
        if (!buf_append(pool, out, literal, part->literal_bytes))
            return TEMPLATE_NO_MEMORY;
        literal += part->literal_bytes;
        const char *why = guard_literal(&guard, out, before);
        if (why)
            return refuse_value(fault, guard.name, why);
        if (part->name < 0)
            continue;
        enum template_result result =
            fill_value(part, *literal, &guard, values[part->name], pool, out, fault);
        if (result != TEMPLATE_FILLED)
            return result;
    }
    const char *why = guard_end(&guard, out);
    return why ? refuse_value(fault, guard.name, why) : TEMPLATE_FILLED;
}

bool template_add_secrets(const struct template *t, const struct template_names *names,
                          const struct ringsend_bytes *values, struct buf_pool *pool,
                          struct secrets *secrets)
{
    bool good = true;
    for (size_t i = 0; i < t->parts_count && good; i++) {
        const struct template_part *part = &t->parts[i];
        if (part->name < 0 || !secret_is_name(SECRET_MEMBER, span_of(names->names[part->name])))
            continue;
        struct buf filtered = {0};
        struct template_fault fault;
        good = filter_value(part, values[part->name], pool, &filtered, &fault) == TEMPLATE_FILLED &&
               secrets_add(secrets, values[part->name]) &&
               secrets_add(secrets, (struct ringsend_bytes){filtered.data, filtered.bytes});
        buf_release(pool, &filtered);
    }
    return good;
}
