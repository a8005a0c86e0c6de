#include "records/layout.h"

#include "records/csv_row.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

__attribute__((format(printf, 2, 3))) static bool refuse(char *message, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, LAYOUT_MESSAGE_BYTES, format, arguments);
    va_end(arguments);
    return false;
}

/* "id, name, ..." as far as there is room. */
static const char *list_columns(const struct csv_row *row, char *text, size_t text_bytes)
{
    size_t at = 0;
    text[0] = '\0';
    for (size_t i = 0; i < csv_row_count(row) && at < text_bytes; i++) {
        struct ringsend_bytes field = csv_row_field(row, i);
        int shown = field.bytes < 40 ? (int)field.bytes : 40;
        at += (size_t)snprintf(text + at, text_bytes - at, "%s%.*s", i > 0 ? ", " : "", shown,
                               field.data);
    }
    return text;
}

/* Of a header that is one column: how it may be meant, or "". */
static const char *other_format(const struct layout *layout, const struct csv_row *row)
{
    static const struct {
        char delimiter;
        const char *says;
    } others[] = {
        {';', "; if semicolons separate its columns: --delimiter ';'"},
        {'|', "; if bars separate its columns: --delimiter '|'"},
        {'\t', "; if tabs separate its columns: --format tsv"},
        {',', "; if commas separate its columns: --format csv"},
    };
    for (size_t i = 0; csv_row_count(row) == 1 && i < sizeof others / sizeof *others; i++) {
        if (memchr(layout->header, others[i].delimiter, layout->header_bytes))
            return others[i].says;
    }
    return "";
}

char layout_guess_delimiter(struct ringsend_bytes header)
{
    static const char others[] = ";|\t";
    size_t counts[sizeof others - 1] = {0}, most = 0;
    bool quoted = false;
    for (size_t i = 0; i < header.bytes; i++) {
        quoted ^= header.data[i] == '"';
        if (quoted)
            continue;
        if (header.data[i] == ',')
            return ',';
        const char *other = header.data[i] ? strchr(others, header.data[i]) : NULL;
        if (other)
            counts[other - others]++;
    }
    for (size_t i = 1; i < sizeof counts / sizeof *counts; i++) {
        if (counts[i] > counts[most])
            most = i;
    }
    return counts[most] > 0 ? others[most] : ',';
}

/* What templates say of whole rows. */
static bool place_row(struct layout *layout, const struct csv_row *row,
                      const struct template_names *names, struct buf_pool *pool, char *message)
{
    static const struct row_types no_types;
    layout->row_json = template_names_find(names, SPAN(ROW_JSON));
    layout->row_form = template_names_find(names, SPAN(ROW_FORM));
    return (layout->row_json < 0 && layout->row_form < 0) ||
           row_columns_read(&layout->row, row, names->types ? names->types : &no_types, pool,
                            message);
}

/* The one column of that name. False, with the message: there is none, or several. */
static bool find_column(const struct layout *layout, const struct csv_row *row, const char *name,
                        size_t *column, char *message)
{
    size_t found = 0;
    char listed[120];
    for (size_t i = 0; i < layout->columns; i++) {
        if (!span_equal(csv_row_field(row, i), span_of(name)))
            continue;
        *column = i;
        found++;
    }
    if (found == 0)
        return refuse(message, "its header has no column \"%.60s\", only: %s%s", name,
                      list_columns(row, listed, sizeof listed), other_format(layout, row));
    if (found > 1)
        return refuse(message, "its header has the column \"%.60s\" more than once", name);
    return true;
}

static bool place_columns(struct layout *layout, const struct csv_row *row,
                          const struct template_names *names, char *message)
{
    for (size_t i = 0; i < layout->columns; i++)
        layout->places[i] = -1;
    for (size_t n = 0; n < names->count; n++) {
        size_t column = 0;
        if ((int)n == layout->row_json || (int)n == layout->row_form)
            continue;
        if (!find_column(layout, row, names->names[n], &column, message))
            return false;
        layout->places[column] = (int)n;
    }
    return true;
}

/* Each under its name, which so must be the only one. */
static bool echo_all(struct layout *layout, const struct csv_row *row, struct buf_pool *pool,
                     char *message)
{
    size_t count = csv_row_count(row);
    if (count > ROW_COLUMNS_MAX)
        return refuse(message, "--echo all: its header has %zu columns, and at most %d are told",
                      count, ROW_COLUMNS_MAX);
    for (size_t i = 0; i < count; i++) {
        struct ringsend_bytes name = csv_row_field(row, i);
        for (size_t k = 0; k < i; k++) {
            if (span_equal(csv_row_field(row, k), name))
                return refuse(message,
                              "--echo all: its header has the column \"%.*s\" more than once: "
                              "name those that you want",
                              name.bytes < 60 ? (int)name.bytes : 60, name.data);
        }
        if (!echo_columns_add(&layout->echo_columns, name, i, pool))
            return refuse(message, "memory is out");
    }
    return true;
}

static bool place_echo(struct layout *layout, const struct csv_row *row, struct buf_pool *pool,
                       char *message)
{
    const struct echo *echo = layout->echo;
    for (size_t n = 0; echo && n < echo->count; n++) {
        size_t column = 0;
        if (!find_column(layout, row, echo->names[n], &column, message))
            return false;
        if (!echo->all &&
            !echo_columns_add(&layout->echo_columns, span_of(echo->names[n]), column, pool))
            return refuse(message, "memory is out");
    }
    return !echo || !echo->all || echo_all(layout, row, pool, message);
}

bool layout_read_header(struct layout *layout, struct ringsend_bytes header,
                        const struct template_names *names, struct buf_pool *pool, char *message)
{
    struct csv_row row = {0};
    size_t at;
    const char *why;
    bool good = false;
    layout->header = malloc(header.bytes + 1);
    if (!layout->header)
        return refuse(message, "memory is out");
    memcpy(layout->header, header.data, header.bytes);
    layout->header_bytes = header.bytes;
    switch (csv_row_read(&row, pool, header, &layout->dialect, &at, &why)) {
    case CSV_ROW_BAD:
        refuse(message, "its header row, column %zu: %s", at + 1, why);
        break;
    case CSV_ROW_READ:
        layout->columns = csv_row_count(&row);
        layout->places = calloc(layout->columns, sizeof *layout->places);
        if (layout->places) {
            good = place_row(layout, &row, names, pool, message) &&
                   place_columns(layout, &row, names, message) &&
                   place_echo(layout, &row, pool, message);
            break;
        }
        /* fall through */
    case CSV_ROW_NO_MEMORY:
        refuse(message, "memory is out");
        break;
    }
    csv_row_release(&row, pool);
    return good;
}

void layout_free(struct layout *layout)
{
    row_columns_free(&layout->row);
    echo_columns_free(&layout->echo_columns);
    free(layout->places);
    free(layout->header);
    layout->places = NULL;
    layout->header = NULL;
}
