#include "batch/template.h"

#include "base/base64.h"
#include "base/check.h"
#include "base/text.h"
#include "batch/result_line.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum filter { FILTER_JSON, FILTER_URL, FILTER_B64, FILTER_TRIM, FILTERS };

static const struct ringsend_bytes filter_names[FILTERS] = {
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

static bool is_unreserved(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("-._~", c));
}

static bool percent_encode(struct ringsend_bytes text, struct buf_pool *pool, struct buf *out)
{
    static const char digits[] = "0123456789ABCDEF";
    if (!buf_reserve(pool, out, 3 * text.bytes))
        return false;
    for (size_t i = 0; i < text.bytes; i++) {
        unsigned char byte = (unsigned char)text.data[i];
        if (is_unreserved((char)byte)) {
            out->data[out->bytes++] = (char)byte;
            continue;
        }
        out->data[out->bytes++] = '%';
        out->data[out->bytes++] = digits[byte >> 4];
        out->data[out->bytes++] = digits[byte & 15];
    }
    return true;
}

static enum template_result apply(enum filter filter, struct ringsend_bytes value,
                                  struct buf_pool *pool, struct buf *out,
                                  struct template_fault *fault)
{
    bool done = false;
    switch (filter) {
    case FILTER_JSON:
        if (!is_utf8(value)) {
            fault->why = "is not UTF-8, as JSON has to be";
            return TEMPLATE_BAD_VALUE;
        }
        done = result_line_quote(value, pool, out);
        break;
    case FILTER_URL:
        done = percent_encode(value, pool, out);
        break;
    case FILTER_B64:
        done = buf_reserve(pool, out, base64_bytes(value.bytes));
        if (done && value.bytes > 0)
            out->bytes = (size_t)(base64_encode(value, out->data + out->bytes) - out->data);
        break;
    case FILTER_TRIM:
        value = trimmed(value);
        done = buf_append(pool, out, value.data, value.bytes);
        break;
    case FILTERS:
        UNREACHABLE("filter");
    }
    return done ? TEMPLATE_FILLED : TEMPLATE_NO_MEMORY;
}

/* All filters of a part but the last one go by way of buffers of their own. */
static enum template_result filter_value(const struct template_part *part,
                                         struct ringsend_bytes value, struct buf_pool *pool,
                                         struct buf *out, struct template_fault *fault)
{
    if (part->filters_count == 0)
        return buf_append(pool, out, value.data, value.bytes) ? TEMPLATE_FILLED
                                                              : TEMPLATE_NO_MEMORY;
    struct buf steps[TEMPLATE_FILTERS_MAX] = {{0}};
    enum template_result result = TEMPLATE_FILLED;
    for (unsigned i = 0; i < part->filters_count && result == TEMPLATE_FILLED; i++) {
        struct buf *to = i + 1 == part->filters_count ? out : &steps[i];
        result = apply((enum filter)part->filters[i], value, pool, to, fault);
        value = (struct ringsend_bytes){to->data, to->bytes};
    }
    for (unsigned i = 0; i < TEMPLATE_FILTERS_MAX; i++)
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
        while (filter < FILTERS && !span_equal(filter_names[filter], name))
            filter++;
        if (filter == FILTERS)
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

bool template_compile(struct template *t, const char *source, struct template_names *names,
                      struct secrets *secrets, char *told)
{
    *t = (struct template){0};
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

bool template_is_constant(const struct template *t)
{
    return t->parts_count <= 1;
}

/* ---- filling in ---- */

/* What cannot change which part of a URL means what. */
static bool is_harmless(struct ringsend_bytes text)
{
    for (size_t i = 0; i < text.bytes; i++) {
        char c = text.data[i];
        if (!is_unreserved(c) && (c == '\0' || !strchr("/:,;!$'()*", c)))
            return false;
    }
    return true;
}

enum template_result template_fill(const struct template *t, enum template_use use,
                                   const struct ringsend_bytes *values, struct buf_pool *pool,
                                   struct buf *out, struct template_fault *fault)
{
    const char *literal = t->text;
    for (size_t i = 0; i < t->parts_count; i++) {
        const struct template_part *part = &t->parts[i];
        if (!buf_append(pool, out, literal, part->literal_bytes))
            return TEMPLATE_NO_MEMORY;
        if (literal)
            literal += part->literal_bytes;
        if (part->name < 0)
            continue;
        size_t before = out->bytes;
        fault->name = (size_t)part->name;
        enum template_result result = filter_value(part, values[part->name], pool, out, fault);
        if (result != TEMPLATE_FILLED)
            return result;
        bool encoded =
            part->filters_count > 0 && part->filters[part->filters_count - 1] == FILTER_URL;
        bool is_start = i == 0 && part->literal_bytes == 0;
        if (use == TEMPLATE_URL && !encoded && !is_start &&
            !is_harmless((struct ringsend_bytes){out->data + before, out->bytes - before})) {
            fault->why = "holds what would change the URL: let the filter url encode it";
            return TEMPLATE_BAD_VALUE;
        }
    }
    return TEMPLATE_FILLED;
}
