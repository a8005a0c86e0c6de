/* libcsv reads streams; here it gets exactly one row, in one piece, and anything but one row out of
 * it is an error. */
#include "records/csv_row.h"

#include "base/check.h"

#include <csv.h>
#include <string.h>

struct reading {
    struct csv_row *row;
    enum encoding encoding;
    struct buf_pool *pool;
    unsigned rows;
    bool no_memory;
};

static void on_field(void *text, size_t bytes, void *user)
{
    struct reading *r = user;
    if (!encoding_append(r->encoding, (struct ringsend_bytes){text, bytes}, r->pool,
                         &r->row->texts) ||
        !buf_append(r->pool, &r->row->ends, &r->row->texts.bytes, sizeof(size_t)))
        r->no_memory = true;
}

static void on_row(int end, void *user)
{
    (void)end;
    struct reading *r = user;
    r->rows++;
}

static int is_no_space(unsigned char byte)
{
    (void)byte;
    return 0;
}

/* ---- with escapes ---- */

static char escaped(char byte)
{
    static const char letters[] = "bfnrtv", bytes[] = "\b\f\n\r\t\v";
    const char *letter = byte ? strchr(letters, byte) : NULL;
    return letter ? bytes[letter - letters] : byte;
}

/* The field that begins at *at, which moves to the delimiter behind it. False: it ends in a
 * backslash. `room` is as large as the row. */
static bool read_escaped(struct ringsend_bytes text, char delimiter, size_t *at, char *room,
                         size_t *bytes)
{
    size_t start = *at;
    *bytes = 0;
    for (; *at < text.bytes && text.data[*at] != delimiter; ++*at) {
        char byte = text.data[*at];
        if (byte == '\\') {
            if (++*at == text.bytes)
                return false;
            byte = escaped(text.data[*at]);
        }
        room[(*bytes)++] = byte;
    }
    if (*at - start == 2 && memcmp(text.data + start, "\\N", 2) == 0)
        *bytes = 0;
    return true;
}

static enum csv_result read_escapes(struct reading *r, struct ringsend_bytes text, char delimiter,
                                    size_t *at, const char **why)
{
    struct buf room = {0};
    bool good = buf_reserve(r->pool, &room, text.bytes + 1);
    r->no_memory = !good;
    *at = 0;
    while (good && !r->no_memory) {
        size_t bytes;
        good = read_escaped(text, delimiter, at, room.data, &bytes);
        if (good)
            on_field(room.data, bytes, r);
        if (*at == text.bytes)
            break;
        ++*at; /* behind the delimiter */
    }
    buf_release(r->pool, &room);
    *why = "a backslash at the end, with nothing that it could escape";
    return r->no_memory ? CSV_ROW_NO_MEMORY : good ? CSV_ROW_READ : CSV_ROW_BAD;
}

/* ---- all ---- */

#define BY_COPY "(--format copy: a quote is a byte like others, and a backslash escapes)"

enum csv_result csv_row_read(struct csv_row *row, struct buf_pool *pool, struct ringsend_bytes text,
                             const struct csv_dialect *dialect, size_t *at, const char **why)
{
    CHECK(row->texts.bytes == 0 && row->ends.bytes == 0);
    struct reading reading = {.row = row, .pool = pool, .encoding = dialect->encoding};
    if (text.bytes > 0 && text.data[text.bytes - 1] == '\r')
        text.bytes--;
    if (dialect->escapes)
        return read_escapes(&reading, text, dialect->delimiter, at, why);
    struct csv_parser parser;
    if (csv_init(&parser, CSV_STRICT | CSV_STRICT_FINI) != 0)
        return CSV_ROW_NO_MEMORY;
    csv_set_delim(&parser, (unsigned char)dialect->delimiter);
    csv_set_space_func(&parser, is_no_space);
    csv_set_blk_size(&parser, text.bytes + 1); /* no field is longer: one allocation */
    *at = csv_parse(&parser, text.data, text.bytes, on_field, on_row, &reading);
    bool has_tabs = dialect->delimiter == '\t'; /* perhaps of a database, which quotes nothing */
    *why = has_tabs ? "a quote inside a field " BY_COPY
                    : "a quote inside a field: quote the whole field, and double the quotes in it";
    bool good = *at == text.bytes;
    if (good && csv_fini(&parser, on_field, on_row, &reading) != 0) {
        *at = text.bytes;
        *why = has_tabs ? "a quoted field does not end " BY_COPY : "a quoted field does not end";
        good = false;
    }
    bool no_memory = reading.no_memory || csv_error(&parser) == CSV_ENOMEM;
    csv_free(&parser);
    if (no_memory)
        return CSV_ROW_NO_MEMORY;
    if (good && reading.rows != 1) {
        *at = 0;
        *why = "a line end (CR) outside of quotes inside the row";
        good = false;
    }
    return good ? CSV_ROW_READ : CSV_ROW_BAD;
}

size_t csv_row_at(struct ringsend_bytes text, const struct csv_dialect *dialect, size_t index)
{
    size_t at = 0;
    for (size_t field = 0; at < text.bytes && field < index; at++) {
        if (dialect->escapes) {
            at += text.data[at] == '\\' && at + 1 < text.bytes;
        } else if (text.data[at] == '"') { /* a doubled one ends and begins */
            const char *end = memchr(text.data + at + 1, '"', text.bytes - at - 1);
            at = end ? (size_t)(end - text.data) : text.bytes - 1;
        }
        field += text.data[at] == dialect->delimiter;
    }
    return at + (!dialect->escapes && at < text.bytes && text.data[at] == '"');
}

size_t csv_row_count(const struct csv_row *row)
{
    return row->ends.bytes / sizeof(size_t);
}

struct ringsend_bytes csv_row_field(const struct csv_row *row, size_t index)
{
    CHECK(index < csv_row_count(row));
    const size_t *ends = (const size_t *)(const void *)row->ends.data;
    size_t start = index > 0 ? ends[index - 1] : 0;
    return (struct ringsend_bytes){row->texts.data ? row->texts.data + start : NULL,
                                   ends[index] - start};
}

void csv_row_release(struct csv_row *row, struct buf_pool *pool)
{
    buf_release(pool, &row->texts);
    buf_release(pool, &row->ends);
}
