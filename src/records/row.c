#include "records/row.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct filters as_json = {.list = {FILTER_JSON}, .count = 1};
static const struct filters as_form = {.list = {FILTER_FORM}, .count = 1};

__attribute__((format(printf, 2, 3))) static bool refuse(char *message, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, ROW_MESSAGE_BYTES, format, arguments);
    va_end(arguments);
    return false;
}

static bool no_memory(char *message)
{
    return refuse(message, "memory is out");
}

/* ---- types ---- */

static const struct row_type *type_of(const struct row_types *types, struct ringsend_bytes name)
{
    for (size_t i = 0; i < types->count; i++) {
        if (span_equal(span_of(types->all[i].name), name))
            return &types->all[i];
    }
    return NULL;
}

static int shown(struct ringsend_bytes text)
{
    return text.bytes < 60 ? (int)text.bytes : 60;
}

/* `string` is another word for what each column is without a type. */
static bool read_filters(struct filters *filters, struct ringsend_bytes text, char *message)
{
    char chain[128];
    struct ringsend_bytes word = filter_trimmed(text);
    if (span_equal(word, SPAN("string")))
        word = SPAN("json");
    if (word.bytes + 2 > sizeof chain)
        return refuse(message, "a type has at most %zu bytes", sizeof chain - 2);
    int bytes = snprintf(chain, sizeof chain, "|%.*s", (int)word.bytes, word.data);
    if (!filters_read(filters, (struct ringsend_bytes){chain, (size_t)bytes}, message))
        return false;
    if (!filters_make_json(filters))
        filters_add(filters, FILTER_JSON);
    return true;
}

static bool add_type(struct row_types *types, struct ringsend_bytes item, char *message)
{
    const char *colon = item.bytes > 0 ? memchr(item.data, ':', item.bytes) : NULL;
    if (!colon || colon == item.data)
        return refuse(message, "\"%.*s\" is not COLUMN:TYPE, as amount:number", shown(item),
                      item.data);
    struct ringsend_bytes name =
        filter_trimmed((struct ringsend_bytes){item.data, (size_t)(colon - item.data)});
    struct ringsend_bytes filters = {colon + 1, item.bytes - (size_t)(colon + 1 - item.data)};
    if (type_of(types, name))
        return refuse(message, "\"%.*s\" has a type twice", shown(name), name.data);
    struct row_type *grown = reallocarray(types->all, types->count + 1, sizeof *grown);
    if (!grown)
        return no_memory(message);
    types->all = grown;
    struct row_type *type = &grown[types->count];
    *type = (struct row_type){.name = strndup(name.data, name.bytes)};
    if (!type->name)
        return no_memory(message);
    types->count++;
    return read_filters(&type->filters, filters, message);
}

bool row_types_read(struct row_types *types, const char *text, char *message)
{
    for (const char *at = text;; at++) {
        size_t bytes = strcspn(at, ",");
        if (!add_type(types, filter_trimmed((struct ringsend_bytes){at, bytes}), message))
            return false;
        at += bytes;
        if (*at == '\0')
            return true;
    }
}

void row_types_free(struct row_types *types)
{
    for (size_t i = 0; i < types->count; i++) {
        free(types->all[i].name);
        filters_free(&types->all[i].filters);
    }
    free(types->all);
    *types = (struct row_types){0};
}

/* ---- columns ---- */

/* A copy of the buffer, NUL-terminated: names have no NUL of their own. */
static char *take(struct buf_pool *pool, struct buf *b, bool good)
{
    char *text = good ? strndup(b->data, b->bytes) : NULL;
    buf_release(pool, b);
    return text;
}

static bool name_column(struct row_column *column, struct ringsend_bytes name, bool is_first,
                        struct buf_pool *pool, char *message)
{
    struct buf json = {0}, form = {0};
    const char *why;
    bool good = buf_append(pool, &json, is_first ? "{" : ",", 1);
    enum filter_result result = filters_apply(&as_json, name, pool, &json, &why);
    if (result == FILTER_BAD_VALUE) {
        buf_release(pool, &json);
        return refuse(message, "its header has a column whose name %s", why);
    }
    good = good && result == FILTER_DONE && buf_append(pool, &json, ":", 1) &&
           (is_first || buf_append(pool, &form, "&", 1)) &&
           filters_apply(&as_form, name, pool, &form, &why) == FILTER_DONE &&
           buf_append(pool, &form, "=", 1);
    column->json_name = take(pool, &json, good);
    column->form_name = take(pool, &form, good);
    return (column->json_name && column->form_name) || no_memory(message);
}

static bool has_before(const struct csv_row *header, size_t i)
{
    for (size_t k = 0; k < i; k++) {
        if (span_equal(csv_row_field(header, k), csv_row_field(header, i)))
            return true;
    }
    return false;
}

static bool add_column(struct row_columns *columns, const struct csv_row *header,
                       const struct row_types *types, struct buf_pool *pool, char *message)
{
    size_t i = columns->count;
    struct ringsend_bytes name = csv_row_field(header, i);
    if (filter_trimmed(name).bytes == 0)
        return refuse(message,
                      "its column %zu has no name in the header, and the whole row as JSON or a "
                      "form needs one: name the columns that you want in --data",
                      i + 1);
    if (has_before(header, i))
        return refuse(message,
                      "its header has the column \"%.*s\" more than once, and the whole row as "
                      "JSON or a form would have two of a name: name the columns that you want "
                      "in --data",
                      shown(name), name.data);
    const struct row_type *type = type_of(types, name);
    if (!type)
        type = type_of(types, SPAN("*"));
    columns->all[i] = (struct row_column){.filters = type ? &type->filters : NULL};
    columns->count++;
    return name_column(&columns->all[i], name, i == 0, pool, message);
}

static bool has_column(const struct csv_row *header, const char *name)
{
    for (size_t i = 0; i < csv_row_count(header); i++) {
        if (span_equal(csv_row_field(header, i), span_of(name)))
            return true;
    }
    return strcmp(name, "*") == 0;
}

bool row_columns_read(struct row_columns *columns, const struct csv_row *header,
                      const struct row_types *types, struct buf_pool *pool, char *message)
{
    size_t count = csv_row_count(header);
    if (count > ROW_COLUMNS_MAX)
        return refuse(message, "its header has %zu columns, and a row as a whole at most %d", count,
                      ROW_COLUMNS_MAX);
    columns->all = calloc(count + 1, sizeof *columns->all);
    if (!columns->all)
        return no_memory(message);
    for (size_t i = 0; i < types->count; i++) {
        if (!has_column(header, types->all[i].name))
            return refuse(message, "--types: its header has no column \"%.60s\"",
                          types->all[i].name);
    }
    for (size_t i = 0; i < count; i++) {
        if (!add_column(columns, header, types, pool, message))
            return false;
    }
    return true;
}

void row_columns_free(struct row_columns *columns)
{
    for (size_t i = 0; i < columns->count; i++) {
        free(columns->all[i].json_name);
        free(columns->all[i].form_name);
    }
    free(columns->all);
    *columns = (struct row_columns){0};
}

/* ---- rows ---- */

enum filter_result row_append_json(const struct row_columns *columns, const struct csv_row *row,
                                   struct buf_pool *pool, struct buf *out, size_t *column,
                                   const char **why)
{
    for (size_t i = 0; i < columns->count; i++) {
        const struct row_column *c = &columns->all[i];
        const struct filters *filters = c->filters ? c->filters : &as_json;
        if (!buf_append(pool, out, c->json_name, strlen(c->json_name)))
            return FILTER_NO_MEMORY;
        *column = i;
        enum filter_result result = filters_apply(filters, csv_row_field(row, i), pool, out, why);
        if (result != FILTER_DONE)
            return result;
    }
    return buf_append(pool, out, "}", 1) ? FILTER_DONE : FILTER_NO_MEMORY;
}

bool row_append_form(const struct row_columns *columns, const struct csv_row *row,
                     struct buf_pool *pool, struct buf *out)
{
    const char *why;
    for (size_t i = 0; i < columns->count; i++) {
        const char *name = columns->all[i].form_name;
        if (!buf_append(pool, out, name, strlen(name)) ||
            filters_apply(&as_form, csv_row_field(row, i), pool, out, &why) != FILTER_DONE)
            return false;
    }
    return true;
}
