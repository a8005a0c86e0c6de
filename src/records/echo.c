#include "records/echo.h"

#include "base/json.h"
#include "base/json_put.h"
#include "records/csv_row.h"
#include "records/layout.h"
#include "records/record.h"

#include <stdlib.h>
#include <string.h>

/* ---- columns ---- */

bool echo_columns_add(struct echo_columns *columns, struct ringsend_bytes name, size_t place,
                      struct buf_pool *pool)
{
    struct echo_column *grown =
        reallocarray(columns->all, columns->count + 1, sizeof *columns->all);
    if (!grown)
        return false;
    columns->all = grown;
    struct buf text = {0};
    bool good =
        buf_append(pool, &text, name.data, name.bytes) && json_append_string(name, pool, &text);
    char *memory = good ? malloc(text.bytes) : NULL;
    if (memory) {
        memcpy(memory, text.data, text.bytes);
        grown[columns->count++] =
            (struct echo_column){.name = memory,
                                 .name_bytes = name.bytes,
                                 .json = {memory + name.bytes, text.bytes - name.bytes},
                                 .place = place};
    }
    buf_release(pool, &text);
    return memory != NULL;
}

bool echo_columns_of(struct echo_columns *columns, const struct echo *echo, enum format format,
                     struct buf_pool *pool)
{
    if (format == FORMAT_LINES)
        return echo_columns_add(columns, SPAN("line"), 0, pool);
    for (size_t i = 0; i < echo->count; i++) {
        if (!echo_columns_add(columns, span_of(echo_name(echo, i)), 0, pool))
            return false;
    }
    return true;
}

void echo_columns_free(struct echo_columns *columns)
{
    for (size_t i = 0; i < columns->count; i++)
        free(columns->all[i].name);
    free(columns->all);
    *columns = (struct echo_columns){0};
}

/* ---- values ---- */

/* Room for texts of so many bytes as JSON strings: pointers to them are to stay what they are. */
static bool reserve_texts(struct echoed *e, size_t bytes, struct buf_pool *pool)
{
    return buf_reserve(pool, &e->texts, QUOTED_BYTES(bytes) + 2 * e->count);
}

static struct ringsend_bytes put_value(struct echoed *e, struct ringsend_bytes text)
{
    char *start = e->texts.data + e->texts.bytes, *end = put_quoted(start, text);
    e->texts.bytes += (size_t)(end - start);
    return (struct ringsend_bytes){start, (size_t)(end - start)};
}

static bool read_text(struct echoed *e, struct ringsend_bytes line, struct buf_pool *pool)
{
    while (line.bytes > 0 && memchr("\r\n", line.data[line.bytes - 1], 2))
        line.bytes--;
    if (!reserve_texts(e, line.bytes, pool))
        return false;
    e->values[0] = put_value(e, line);
    return true;
}

static bool read_row(struct echoed *e, struct ringsend_bytes line, const struct layout *layout,
                     struct buf_pool *pool)
{
    struct csv_row row = {0};
    size_t at;
    const char *why;
    enum csv_result result = csv_row_read(&row, pool, line, &layout->dialect, &at, &why);
    bool good = result != CSV_ROW_NO_MEMORY && reserve_texts(e, row.texts.bytes, pool);
    for (size_t i = 0; good && result == CSV_ROW_READ && i < e->count; i++) {
        size_t place = e->columns->all[i].place;
        if (place < csv_row_count(&row))
            e->values[i] = put_value(e, csv_row_field(&row, place));
    }
    csv_row_release(&row, pool);
    return good;
}

static void read_json(struct echoed *e, struct ringsend_bytes line, const struct echo *echo)
{
    struct json json;
    if (line.bytes > 0 && line.data[0] == '\x1e') { /* RFC 7464 */
        line.data++;
        line.bytes--;
    }
    for (size_t i = 0; i < e->count; i++) {
        bool found = true;
        if (echo->all)
            json_init(&json, line);
        else
            found = json_path_find(&echo->paths[i], line, &json);
        if (!found || !json_skip(&json, &e->values[i]))
            e->values[i] = (struct ringsend_bytes){0};
    }
}

bool echo_record(struct echoed *e, struct ringsend_bytes line, const struct layout *layout,
                 struct buf_pool *pool)
{
    e->columns = &layout->echo_columns;
    e->count = e->columns->count > 0 ? e->columns->count : 1;
    size_t bytes = e->count * sizeof *e->values;
    if (!buf_reserve(pool, &e->memory, bytes)) {
        e->count = 0;
        return false;
    }
    e->values = (struct ringsend_bytes *)(void *)e->memory.data;
    memset(e->values, 0, bytes);
    if (line.bytes == 0)
        return true;
    bool is_target = record_is_text_target(line, layout->format);
    if (layout->format == FORMAT_LINES || (is_target && layout->echo->all))
        return read_text(e, line, pool);
    if (format_has_header(layout->format))
        return read_row(e, line, layout, pool);
    if (!is_target)
        read_json(e, line, layout->echo);
    return true;
}

void echo_release(struct echoed *e, struct buf_pool *pool)
{
    buf_release(pool, &e->memory);
    buf_release(pool, &e->texts);
    *e = (struct echoed){0};
}
