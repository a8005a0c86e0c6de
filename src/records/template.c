#include "records/template.h"

#include "records/guard.h"
#include "records/place.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char env_prefix[] = "env.";
const char template_missing[] = "";

/* ---- compiling ---- */

__attribute__((format(printf, 2, 3))) static bool refuse(char *message, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, TEMPLATE_MESSAGE_BYTES, format, arguments);
    va_end(arguments);
    return false;
}

static bool no_memory(char *message)
{
    return refuse(message, "memory is out");
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

int template_names_find(const struct template_names *names, struct ringsend_bytes name)
{
    for (size_t i = 0; i < names->count; i++) {
        if (span_equal(span_of(names->names[i]), name))
            return (int)i;
    }
    return -1;
}

static bool place_name(struct template_names *names, struct ringsend_bytes name, int *place,
                       char *message)
{
    *place = template_names_find(names, name);
    if (*place >= 0)
        return true;
    if (names->count == TEMPLATE_NAMES_MAX)
        return refuse(message, "more than %d different columns", TEMPLATE_NAMES_MAX);
    char *copy = strndup(name.data, name.bytes);
    if (!copy)
        return no_memory(message);
    *place = (int)names->count;
    names->names[names->count++] = copy;
    return true;
}

bool template_names_add(struct template_names *names, struct ringsend_bytes name)
{
    char message[TEMPLATE_MESSAGE_BYTES];
    int place;
    return place_name(names, name, &place, message);
}

/* A whole row: with the filter json or form in front, which is then part of what it is called. */
static bool read_row(struct filters *filters, struct ringsend_bytes *name, char *message)
{
    enum filter first = filters->count > 0 ? (enum filter)filters->list[0] : FILTERS_NAMED;
    if (first != FILTER_JSON && first != FILTER_FORM)
        return refuse(message, "{{*}} is all of a row: {{*|json}} and {{*|form}} say as what");
    filters->list[0] = first == FILTER_JSON ? FILTER_ROW_JSON : FILTER_ROW_FORM;
    *name = first == FILTER_JSON ? span_of(ROW_JSON) : span_of(ROW_FORM);
    return true;
}

/* The value of the environment becomes a part of the literal. */
static bool expand_env(struct template *t, const struct template_part *part,
                       struct ringsend_bytes name, struct secrets *secrets, char *message)
{
    char variable[128];
    size_t prefix = sizeof env_prefix - 1;
    snprintf(variable, sizeof variable, "%.*s", (int)(name.bytes - prefix), name.data + prefix);
    const char *value = getenv(variable);
    if (!value && part->filters.fallback)
        value = "";
    if (!value || strlen(variable) != name.bytes - prefix)
        return refuse(message, "the environment has no variable \"%s\"", variable);
    struct buf_pool pool;
    struct buf filtered = {0};
    const char *why = NULL;
    buf_pool_init(&pool);
    enum filter_result result =
        filters_apply(&part->filters, span_of(value), &pool, &filtered, &why);
    struct ringsend_bytes text = {filtered.data, filtered.bytes};
    bool good = result == FILTER_DONE && add_literal(t, text.data, text.bytes) &&
                secrets_add(secrets, span_of(value)) && secrets_add(secrets, text);
    buf_release(&pool, &filtered);
    buf_pool_free(&pool);
    if (result == FILTER_BAD_VALUE)
        return refuse(message, "the environment's \"%s\" %s", variable, why);
    return good || no_memory(message);
}

static bool is_of_env(struct ringsend_bytes name)
{
    return name.bytes >= sizeof env_prefix &&
           memcmp(name.data, env_prefix, sizeof env_prefix - 1) == 0;
}

/* What stands between two pairs of braces. */
static bool compile_reference(struct template *t, struct ringsend_bytes inside,
                              struct template_names *names, struct secrets *secrets, char *message)
{
    struct template_part part = {.name = -1};
    const char *bar = inside.bytes > 0 ? memchr(inside.data, '|', inside.bytes) : NULL;
    size_t name_bytes = bar ? (size_t)(bar - inside.data) : inside.bytes;
    struct ringsend_bytes name = filter_trimmed((struct ringsend_bytes){inside.data, name_bytes});
    struct ringsend_bytes filters = {inside.data + name_bytes, inside.bytes - name_bytes};
    if (name.bytes == 0 || memchr(name.data, '{', name.bytes))
        return refuse(message, "\"{{%.*s}}\" names no column ({{{{ stands for two braces)",
                      (int)inside.bytes, inside.data);
    bool good = filters_read(&part.filters, filters, message);
    if (good && is_of_env(name)) {
        good = expand_env(t, &part, name, secrets, message);
        filters_free(&part.filters);
        return good;
    }
    if (good && span_equal(name, SPAN("*")))
        good = read_row(&part.filters, &name, message);
    good = good && place_name(names, name, &part.name, message) &&
           (add_part(t, part) || no_memory(message));
    if (!good)
        filters_free(&part.filters);
    return good;
}

static bool parse_parts(struct template *t, const char *source, struct template_names *names,
                        struct secrets *secrets, char *message)
{
    for (const char *at = source;;) {
        const char *braces = strstr(at, "{{");
        size_t literal = braces ? (size_t)(braces - at) : strlen(at);
        if (!add_literal(t, at, literal))
            return no_memory(message);
        if (!braces)
            break;
        if (strncmp(braces, "{{{{", 4) == 0) {
            if (!add_literal(t, "{{", 2))
                return no_memory(message);
            at = braces + 4;
            continue;
        }
        const char *end = strstr(braces, "}}");
        if (!end)
            return refuse(message, "\"{{\" without \"}}\" behind it ({{{{ stands for two braces)");
        struct ringsend_bytes inside = {braces + 2, (size_t)(end - braces) - 2};
        if (!compile_reference(t, inside, names, secrets, message))
            return false;
        at = end + 2;
    }
    return add_part(t, (struct template_part){.name = -1}) || no_memory(message);
}

/* Paths whose values go in as they stand have names of their own. */
static bool name_raw(struct template *t, struct template_names *names, char *message)
{
    for (size_t i = 0; i < t->parts_count; i++) {
        struct template_part *part = &t->parts[i];
        if (!part->is_raw)
            continue;
        const char *path = names->names[part->name];
        size_t bytes = strlen(path) + 1;
        char *raw = malloc(bytes + 1);
        if (!raw)
            return no_memory(message);
        raw[0] = RAW_MARK;
        memcpy(raw + 1, path, bytes);
        bool good = place_name(names, (struct ringsend_bytes){raw, bytes}, &part->name, message);
        free(raw);
        if (!good)
            return false;
    }
    return true;
}

bool template_compile(struct template *t, const char *source, enum template_use use,
                      struct template_names *names, struct secrets *secrets, char *message)
{
    *t = (struct template){0};
    return parse_parts(t, source, names, secrets, message) &&
           place_columns_of(t, use, names, message) && name_raw(t, names, message);
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
    for (size_t i = 0; i < t->parts_count; i++)
        filters_free(&t->parts[i].filters);
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
    if (value.data == template_missing && !filters_have(&part->filters, FILTER_NULL) &&
        !filters_have(&part->filters, FILTER_DEFAULT))
        return refuse_value(fault, part->name,
                            "is missing: the filter null or default:TEXT says what it becomes");
    switch (filters_apply(&part->filters, value, pool, out, &fault->why)) {
    case FILTER_DONE:
        break;
    case FILTER_BAD_VALUE:
        return TEMPLATE_BAD_VALUE;
    case FILTER_NO_MEMORY:
        return TEMPLATE_NO_MEMORY;
    }
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
        const char *why;
        good = filters_apply(&part->filters, values[part->name], pool, &filtered, &why) ==
                   FILTER_DONE &&
               secrets_add(secrets, values[part->name]) &&
               secrets_add(secrets, (struct ringsend_bytes){filtered.data, filtered.bytes});
        buf_release(pool, &filtered);
    }
    return good;
}
