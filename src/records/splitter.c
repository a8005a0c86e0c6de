#include "records/splitter.h"

#include "base/check.h"
#include "base/text.h"

#include <string.h>

void splitter_begin(struct splitter *c, enum format format, char delimiter)
{
    *c = (struct splitter){.format = format,
                           .delimiter = delimiter,
                           .step = format == FORMAT_JSON     ? SPLITTER_OPENING
                                   : format == FORMAT_VEGETA ? SPLITTER_BETWEEN
                                                             : SPLITTER_FIELD_START};
}

void splitter_resume(struct splitter *c, enum format format, char delimiter, char opening)
{
    splitter_begin(c, format, delimiter);
    if (format != FORMAT_JSON)
        return;
    c->in_array = opening == '[';
    c->step = c->in_array ? SPLITTER_COMMA : SPLITTER_VALUES;
}

static size_t count_lines(const char *data, size_t bytes)
{
    size_t lines = 0;
    const char *end = data + bytes;
    while (bytes > 0 && (data = memchr(data, '\n', (size_t)(end - data)))) {
        lines++;
        data++;
    }
    return lines;
}

/* ---- lines ---- */

static void split_line(struct ringsend_bytes piece, struct split *split)
{
    const char *end = memchr(piece.data, '\n', piece.bytes);
    split->complete = end != NULL;
    split->record = end ? (size_t)(end - piece.data) : piece.bytes;
    split->after = split->lines = end != NULL;
}

/* ---- rows ---- */

/* Moves on to the end of the row or of the piece; false at the former. */
static bool pass_row(struct splitter *c, const char **at, const char *end)
{
    const char delimiter = c->delimiter;
    while (*at < end) {
        const char *quote;
        char byte = **at;
        switch (c->step) {
        case SPLITTER_QUOTE:
            c->step = byte == '"' ? SPLITTER_QUOTED : SPLITTER_PLAIN;
            *at += byte == '"';
            break;
        case SPLITTER_QUOTED:
            quote = memchr(*at, '"', (size_t)(end - *at));
            *at = quote ? quote + 1 : end;
            c->step = quote ? SPLITTER_QUOTE : SPLITTER_QUOTED;
            break;
        case SPLITTER_FIELD_START:
        case SPLITTER_PLAIN:
            if (byte == '\n')
                return false;
            if (byte == '"' && c->step == SPLITTER_FIELD_START)
                c->step = SPLITTER_QUOTED;
            else
                c->step = byte == delimiter ? SPLITTER_FIELD_START : SPLITTER_PLAIN;
            ++*at;
            break;
        case SPLITTER_OPENING:
        case SPLITTER_FIRST:
        case SPLITTER_ELEMENT:
        case SPLITTER_COMMA:
        case SPLITTER_VALUES:
        case SPLITTER_VALUE:
        case SPLITTER_SCALAR:
        case SPLITTER_CLOSED:
        case SPLITTER_BETWEEN:
        case SPLITTER_COMMENT:
        case SPLITTER_LAST_LINE:
        case SPLITTER_LINE:
        case SPLITTER_LINE_START:
            UNREACHABLE("another format's step in a row");
        }
    }
    return true;
}

/* Most rows have no quote, and most pieces hold whole rows: two searches then do. */
static void split_row(struct splitter *c, struct ringsend_bytes piece, struct split *split)
{
    if (c->step == SPLITTER_FIELD_START) {
        split_line(piece, split);
        if (split->complete && !memchr(piece.data, '"', split->record))
            return;
        *split = (struct split){0};
    }
    const char *at = piece.data, *end = piece.data + piece.bytes;
    split->complete = !pass_row(c, &at, end);
    split->record = (size_t)(at - piece.data);
    split->after = split->complete;
    split->lines = count_lines(piece.data, split->record) + split->after;
    if (split->complete)
        c->step = SPLITTER_FIELD_START;
}

/* Of rows with escapes. */
static void split_escaped(struct splitter *c, struct ringsend_bytes piece, struct split *split)
{
    const char *at = piece.data, *end = piece.data + piece.bytes;
    while (at < end && (c->escaped || *at != '\n')) {
        c->escaped = !c->escaped && *at == '\\';
        at++;
    }
    split->complete = at < end;
    split->record = (size_t)(at - piece.data);
    split->after = split->complete;
    split->lines = count_lines(piece.data, split->record) + split->after;
}

/* ---- JSON ---- */

/* A record separator (RFC 7464) says no more than that a value may begin. */
static bool is_space(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n' || byte == '\x1e';
}

/* Takes the first byte of a value. */
static size_t begin_value(struct splitter *c, char byte)
{
    c->step = byte == '{' || byte == '[' || byte == '"' ? SPLITTER_VALUE : SPLITTER_SCALAR;
    c->in_string = byte == '"';
    c->escaped = false;
    c->depth = c->step == SPLITTER_VALUE && !c->in_string;
    return 1;
}

/* One byte between two values, which is no white space: false when it begins a value. */
static bool pass_between(struct splitter *c, char byte, struct split *split)
{
    switch (c->step) {
    case SPLITTER_OPENING:
        c->in_array = byte == '[';
        c->step = c->in_array ? SPLITTER_FIRST : SPLITTER_VALUES;
        return c->in_array;
    case SPLITTER_COMMA:
    case SPLITTER_FIRST:
        if (byte == ']')
            c->step = SPLITTER_CLOSED;
        else if (c->step == SPLITTER_FIRST)
            return false;
        else if (byte == ',')
            c->step = SPLITTER_ELEMENT;
        else
            split->fault = "expected ',' or ']' behind an element of the array";
        return true;
    case SPLITTER_ELEMENT:
        if (byte == ',' || byte == ']')
            split->fault = "expected an element of the array behind ','";
        return split->fault != NULL;
    case SPLITTER_VALUES:
        return false;
    case SPLITTER_CLOSED:
        split->fault = "something follows the array";
        return true;
    case SPLITTER_FIELD_START:
    case SPLITTER_PLAIN:
    case SPLITTER_QUOTED:
    case SPLITTER_QUOTE:
    case SPLITTER_VALUE:
    case SPLITTER_SCALAR:
    case SPLITTER_BETWEEN:
    case SPLITTER_COMMENT:
    case SPLITTER_LAST_LINE:
    case SPLITTER_LINE:
    case SPLITTER_LINE_START:
        break;
    }
    UNREACHABLE("between values");
}

/* Moves on to behind the value or to the end of the piece; true at the former. */
static bool pass_value(struct splitter *c, const char **at, const char *end)
{
    while (*at < end) {
        if (c->in_string) {
            if (c->escaped) {
                c->escaped = false;
                ++*at;
                continue;
            }
            *at += text_plain_bytes(*at, (size_t)(end - *at));
            if (*at == end)
                return false;
            char byte = *(*at)++;
            c->escaped = byte == '\\';
            c->in_string = byte != '"';
        } else {
            char byte = *(*at)++;
            c->in_string = byte == '"';
            c->depth += byte == '{' || byte == '[';
            c->depth -= byte == '}' || byte == ']';
        }
        if (c->depth == 0 && !c->in_string)
            return true;
    }
    return false;
}

/* What ends a scalar belongs to no record. */
static bool pass_scalar(const struct splitter *c, const char **at, const char *end)
{
    while (*at < end && !is_space(**at) && !(c->in_array && (**at == ',' || **at == ']')))
        ++*at;
    return *at < end;
}

static void split_json(struct splitter *c, struct ringsend_bytes piece, struct split *split)
{
    const char *at = piece.data, *end = piece.data + piece.bytes;
    if (c->step != SPLITTER_VALUE && c->step != SPLITTER_SCALAR) {
        while (at < end && !split->fault && (is_space(*at) || pass_between(c, *at, split))) {
            if (!split->fault)
                at++;
        }
        split->before = (size_t)(at - piece.data);
        split->before_lines = count_lines(piece.data, split->before);
        if (at == end || split->fault)
            return;
        at += begin_value(c, *at);
    }
    const char *start = piece.data + split->before;
    split->complete =
        c->step == SPLITTER_VALUE ? pass_value(c, &at, end) : pass_scalar(c, &at, end);
    split->record = (size_t)(at - start);
    split->lines = count_lines(start, split->record);
    if (split->complete)
        c->step = c->in_array ? SPLITTER_COMMA : SPLITTER_VALUES;
}

/* ---- vegeta's targets ---- */

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r';
}

static bool is_capital(char byte)
{
    return byte >= 'A' && byte <= 'Z';
}

enum line_kind {
    LINE_UNKNOWN, /* too little of it is here */
    LINE_BLANK,
    LINE_OTHER_TARGET,
    LINE_BODY,
    LINE_MORE /* of the target: a header, or a comment */
};

/* What the line is whose first capitals were held, or are here, and which goes on from `at` to
 * `end`. */
static enum line_kind kind_of_line(const struct splitter *c, const char *at, const char *end)
{
    const char *word = at;
    while (at < end && is_capital(*at))
        at++;
    size_t letters = c->held_bytes + (size_t)(at - word);
    if (letters > SPLITTER_HELD_MAX)
        return LINE_MORE;
    if (at == end)
        return LINE_UNKNOWN;
    if (letters > 0)
        return is_blank(*at) ? LINE_OTHER_TARGET : LINE_MORE;
    return *at == '\n'  ? LINE_BLANK
           : *at == '@' ? LINE_BODY
           : *at == '{' ? LINE_OTHER_TARGET
                        : LINE_MORE;
}

static void give_held(struct splitter *c, struct split *split)
{
    split->held = (struct ringsend_bytes){c->held, c->held_bytes};
    c->held_bytes = 0;
}

/* Behind a line of a target. */
static void begin_line(struct splitter *c, const char *at, const char *end, struct split *split)
{
    switch (kind_of_line(c, at, end)) {
    case LINE_UNKNOWN:
        split->kept_back = (size_t)(end - at);
        memcpy(c->held + c->held_bytes, at, split->kept_back);
        c->held_bytes += split->kept_back;
        return;
    case LINE_BLANK:
    case LINE_OTHER_TARGET: /* whose held bytes are */
        split->complete = true;
        c->step = SPLITTER_BETWEEN;
        return;
    case LINE_BODY:
        c->step = SPLITTER_LAST_LINE;
        break;
    case LINE_MORE:
        c->step = SPLITTER_LINE;
        break;
    }
    give_held(c, split);
}

/* Over blank lines and comments, to the first line of a target. */
static const char *pass_to_target(struct splitter *c, const char *at, const char *end)
{
    while (at < end && c->held_bytes == 0) {
        if (c->step == SPLITTER_COMMENT)
            c->step = *at == '\n' ? SPLITTER_BETWEEN : SPLITTER_COMMENT;
        else if (*at == '#')
            c->step = SPLITTER_COMMENT;
        else if (!is_blank(*at) && *at != '\n')
            break;
        at++;
    }
    if (at < end)
        c->step = *at == '{' || *at == '@' ? SPLITTER_LAST_LINE : SPLITTER_LINE;
    return at;
}

/* What was held goes out alone: the same bytes may be needed again within the piece. */
static void split_target(struct splitter *c, struct ringsend_bytes piece, struct split *split)
{
    const char *at = piece.data, *end = piece.data + piece.bytes;
    if (c->step == SPLITTER_BETWEEN || c->step == SPLITTER_COMMENT) {
        at = pass_to_target(c, at, end);
        split->before = (size_t)(at - piece.data);
        split->before_lines = count_lines(piece.data, split->before);
        give_held(c, split);
    }
    const char *start = at;
    while (at < end && !split->complete && split->held.bytes + split->kept_back == 0) {
        if (c->step == SPLITTER_LINE_START) {
            if (c->held_bytes == 0 && is_blank(*at))
                at++;
            else
                begin_line(c, at, end, split);
            continue;
        }
        const char *line_end = memchr(at, '\n', (size_t)(end - at));
        at = line_end ? line_end : end;
        if (line_end && c->step == SPLITTER_LAST_LINE) {
            split->complete = true;
            split->after = 1;
            c->step = SPLITTER_BETWEEN;
        } else if (line_end) {
            c->step = SPLITTER_LINE_START;
            at++;
        }
    }
    split->record = (size_t)(at - start);
    split->lines = count_lines(start, split->record) + split->after;
}

void splitter_split(struct splitter *c, struct ringsend_bytes piece, struct split *split)
{
    CHECK(piece.bytes > 0);
    *split = (struct split){0};
    if (c->format == FORMAT_JSON)
        split_json(c, piece, split);
    else if (c->format == FORMAT_VEGETA)
        split_target(c, piece, split);
    else if (c->format == FORMAT_COPY)
        split_escaped(c, piece, split);
    else if (format_has_header(c->format))
        split_row(c, piece, split);
    else
        split_line(piece, split);
}

const char *splitter_end(const struct splitter *c)
{
    bool open = c->in_array && c->step != SPLITTER_CLOSED;
    return c->format == FORMAT_JSON && open ? "the file ends within its array" : NULL;
}

struct ringsend_bytes splitter_rest(const struct splitter *c)
{
    return (struct ringsend_bytes){c->held, c->held_bytes};
}
