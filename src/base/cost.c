/* Read by descent, from left to right, into a program in the order in which it is run. So that no
 * expression is too deep for the stack of either, parentheses are counted; and a program's values
 * cannot be more than its nodes. */
#include "base/cost.h"

#include "base/check.h"

#include <string.h>

struct reader {
    struct cost *cost;
    const char *text, *at;
    const char *fault;
    unsigned depth;
};

static void skip_spaces(struct reader *r)
{
    r->at += strspn(r->at, " \t\r\n");
}

/* The first one sticks. */
static bool fail(struct reader *r, const char *fault)
{
    if (!r->fault)
        r->fault = fault;
    return false;
}

static bool take(struct reader *r, char c)
{
    skip_spaces(r);
    if (*r->at != c)
        return false;
    r->at++;
    return true;
}

static bool expect(struct reader *r, char c, const char *fault)
{
    return take(r, c) || fail(r, fault);
}

static bool put(struct reader *r, enum cost_kind kind, uint32_t source, double number)
{
    if (r->cost->nodes_count == COST_NODES_MAX)
        return fail(r, "the expression has more than 64 parts");
    r->cost->nodes[r->cost->nodes_count++] = (struct cost_node){kind, source, number};
    return true;
}

/* ---- values ---- */

static bool is_figure(char c)
{
    return c >= '0' && c <= '9';
}

/* Digits, perhaps with a point and more of them; the locale has no say. */
static const char *read_decimal(const char *at, const char *end, double *number)
{
    double scale = 1;
    const char *from = at;
    for (*number = 0; at < end && is_figure(*at); at++)
        *number = *number * 10 + (*at - '0');
    if (at == from)
        return NULL;
    if (end - at < 2 || *at != '.' || !is_figure(at[1]))
        return at;
    for (at++; at < end && is_figure(*at); at++)
        *number += (*at - '0') * (scale /= 10);
    return at;
}

static bool read_number(struct reader *r)
{
    double number;
    r->at = read_decimal(r->at, r->at + strlen(r->at), &number);
    if (is_figure(*r->at) || *r->at == '.' || (*r->at | 0x20) == 'e')
        return fail(r, "numbers are written as 12 or 0.25");
    return put(r, COST_NUMBER, 0, number);
}

/* The characters of a path, as json_path.h has it. */
static size_t path_bytes(const char *at)
{
    size_t n = 0;
    for (; at[n]; n++) {
        if (at[n] == '"') {
            const char *end = strchr(at + n + 1, '"');
            if (!end)
                return n + 1;
            n = (size_t)(end - at);
        } else if (strchr(" \t\r\n+*/(),", at[n]) ||
                   (at[n] == '-' && (n == 0 || strchr(".]", at[n - 1])))) {
            break;
        }
    }
    return n;
}

static struct cost_source *new_source(struct reader *r)
{
    if (r->cost->sources_count == COST_SOURCES_MAX) {
        fail(r, "the expression has more than 8 paths and columns");
        return NULL;
    }
    struct cost_source *source = &r->cost->sources[r->cost->sources_count++];
    source->path.count = 0;
    source->column[0] = '\0';
    return source;
}

static bool read_path(struct reader *r)
{
    char text[JSON_PATH_BYTES_MAX + 1];
    size_t bytes = path_bytes(r->at), column;
    struct cost_source *source = new_source(r);
    if (!source)
        return false;
    if (bytes >= sizeof text)
        return fail(r, "the path is longer than 256 bytes");
    memcpy(text, r->at, bytes);
    text[bytes] = '\0';
    const char *fault = json_path_read(&source->path, text, &column);
    r->at += fault ? (column <= bytes ? column - 1 : bytes) : bytes;
    return !fault || fail(r, fault);
}

/* In quotes, behind the parenthesis. */
static bool read_column(struct reader *r)
{
    struct cost_source *source = new_source(r);
    if (!source || !expect(r, '(', "expected (") || !expect(r, '"', "expected a name in quotes"))
        return false;
    const char *end = strchr(r->at, '"');
    if (!end || end == r->at || end - r->at >= (ptrdiff_t)sizeof source->column)
        return fail(r, "expected a name of up to 256 bytes, and a quote");
    memcpy(source->column, r->at, (size_t)(end - r->at));
    source->column[end - r->at] = '\0';
    r->at = end + 1;
    return expect(r, ')', "expected )");
}

static bool take_word(struct reader *r, const char *word)
{
    size_t bytes = strlen(word);
    char next = strncmp(r->at, word, bytes) == 0 ? (char)(r->at[bytes] | 0x20) : 'a';
    if (next >= 'a' && next <= 'z')
        return false;
    r->at += bytes;
    return true;
}

static bool read_source(struct reader *r)
{
    skip_spaces(r);
    if (take_word(r, "column"))
        return read_column(r);
    return *r->at == '.' ? read_path(r)
                         : fail(r, "expected a path, as .max_tokens, or column(\"NAME\")");
}

static bool read_len(struct reader *r)
{
    return expect(r, '(', "expected (") && read_source(r) && expect(r, ')', "expected )") &&
           put(r, COST_LEN, r->cost->sources_count - 1, 0);
}

static bool read_sum(struct reader *r);

static bool read_list(struct reader *r, enum cost_kind kind)
{
    if (!expect(r, '(', "expected (") || !read_sum(r))
        return false;
    unsigned more = 0;
    for (; take(r, ','); more++)
        if (!read_sum(r) || !put(r, kind, 0, 0))
            return false;
    return expect(r, ')', more > 0 ? "expected , or )" : "expected ,") &&
           (more > 0 || fail(r, "expected two values or more"));
}

static bool read_value(struct reader *r)
{
    skip_spaces(r);
    if (is_figure(*r->at))
        return read_number(r);
    if (take_word(r, "len"))
        return read_len(r);
    if (take_word(r, "bytes"))
        return put(r, COST_BYTES, 0, 0);
    if (take_word(r, "min"))
        return read_list(r, COST_LEAST);
    if (take_word(r, "max"))
        return read_list(r, COST_MOST);
    if (*r->at == '.' || strncmp(r->at, "column", 6) == 0)
        return read_source(r) && put(r, COST_VALUE, r->cost->sources_count - 1, 0);
    if (take(r, '('))
        return read_sum(r) && expect(r, ')', "expected )");
    return fail(r, "expected a number, a path as .max_tokens, column(\"NAME\"), bytes, len, min, "
                   "max or (");
}

/* ---- signs ---- */

static bool read_signed(struct reader *r)
{
    bool negative = take(r, '-');
    return read_value(r) && (!negative || put(r, COST_NEGATE, 0, 0));
}

static bool read_product(struct reader *r)
{
    bool good = read_signed(r);
    while (good) {
        if (take(r, '*'))
            good = read_signed(r) && put(r, COST_MULTIPLY, 0, 0);
        else if (take(r, '/'))
            good = read_signed(r) && put(r, COST_DIVIDE, 0, 0);
        else
            break;
    }
    return good;
}

static bool read_sum(struct reader *r)
{
    if (++r->depth > COST_DEPTH_MAX)
        return fail(r, "parentheses stand more than 16 deep");
    bool good = read_product(r);
    while (good) {
        if (take(r, '+'))
            good = read_product(r) && put(r, COST_ADD, 0, 0);
        else if (take(r, '-'))
            good = read_product(r) && put(r, COST_SUBTRACT, 0, 0);
        else
            break;
    }
    r->depth--;
    return good;
}

const char *cost_read(struct cost *cost, const char *text, size_t *column)
{
    struct reader r = {.cost = cost, .text = text, .at = text};
    cost->nodes_count = cost->sources_count = 0;
    *column = 1;
    if (strlen(text) > COST_BYTES_MAX)
        return "the expression is longer than 1024 bytes";
    if (read_sum(&r)) {
        skip_spaces(&r);
        if (*r.at)
            fail(&r, "expected + - * / or the end");
    }
    *column = (size_t)(r.at - text) + 1;
    CHECK(r.fault || cost->nodes_count > 0);
    return r.fault;
}

const char *cost_column(const struct cost *cost, size_t number)
{
    for (uint32_t i = 0; i < cost->sources_count; i++)
        if (cost->sources[i].path.count == 0 && number-- == 0)
            return cost->sources[i].column;
    return NULL;
}

/* ---- weighing ---- */

struct weighing {
    const struct cost *cost;
    struct ringsend_bytes body;
    cost_field *field;
    void *context;
    uint32_t found;
};

/* With a sign and an exponent, as JSON has numbers; white space around it is none of it. */
static double number_of(struct ringsend_bytes text)
{
    const char *at = text.data, *end = text.data + text.bytes;
    double number, power = 0;
    while (at < end && strchr(" \t", *at))
        at++;
    bool negative = at < end && *at == '-';
    at = read_decimal(at + negative, end, &number);
    if (!at)
        return 0;
    if (end - at >= 2 && (*at | 0x20) == 'e') {
        bool down = at[1] == '-';
        const char *more = read_decimal(at + 1 + (at[1] == '-' || at[1] == '+'), end, &power);
        for (int i = 0; more && i < power && i < 400; i++)
            number = down ? number / 10 : number * 10;
        at = more ? more : at;
    }
    while (at < end && strchr(" \t\r\n", *at))
        at++;
    return at < end ? 0 : negative ? -number : number;
}

static double count_characters(struct ringsend_bytes text)
{
    double count = 0;
    for (size_t i = 0; i < text.bytes; i++)
        count += ((unsigned char)text.data[i] & 0xc0) != 0x80;
    return count;
}

static double length_of_string(struct json_string string)
{
    struct json_text text = json_text_of(string);
    struct ringsend_bytes piece;
    double count = 0;
    if (!string.escaped)
        return count_characters(string.raw);
    while (json_text_next(&text, &piece))
        count += count_characters(piece);
    return count;
}

static double value_in_json(struct weighing *w, const struct json_path *path, bool is_len)
{
    struct json json;
    struct json_string string;
    struct ringsend_bytes raw = {0};
    if (!json_path_find(path, w->body, &json))
        return 0;
    enum json_kind kind = json_peek(&json);
    if (kind == JSON_STRING ? !json_string(&json, &string) : !json_skip(&json, &raw))
        return 0;
    w->found += kind != JSON_NULL;
    if (is_len)
        return kind == JSON_STRING ? length_of_string(string)
               : kind == JSON_NULL ? 0
                                   : (double)raw.bytes;
    return kind == JSON_STRING   ? number_of(string.raw)
           : kind == JSON_NUMBER ? number_of(raw)
                                 : kind == JSON_TRUE;
}

static double value_of(struct weighing *w, const struct cost_node *node)
{
    const struct cost_source *source = &w->cost->sources[node->source];
    struct ringsend_bytes text;
    if (source->path.count > 0)
        return value_in_json(w, &source->path, node->kind == COST_LEN);
    if (!w->field || !w->field(w->context, source->column, &text))
        return 0;
    w->found++;
    return node->kind == COST_LEN ? count_characters(text) : number_of(text);
}

static double combine(enum cost_kind kind, double a, double b)
{
    switch (kind) {
    case COST_ADD:
        return a + b;
    case COST_SUBTRACT:
        return a - b;
    case COST_MULTIPLY:
        return a * b;
    case COST_DIVIDE:
        return a / b;
    case COST_LEAST:
        return a < b ? a : b;
    case COST_MOST:
        return a > b ? a : b;
    case COST_NUMBER:
    case COST_BYTES:
    case COST_VALUE:
    case COST_LEN:
    case COST_NEGATE:
        break;
    }
    UNREACHABLE("a sign of two values");
}

static uint64_t rounded(double weight)
{
    if (!(weight > 0))
        return 0;
    if (weight >= (double)COST_MAX)
        return COST_MAX;
    uint64_t whole = (uint64_t)weight;
    return whole + ((double)whole < weight);
}

uint64_t cost_of(const struct cost *cost, struct ringsend_bytes body, cost_field *field,
                 void *context, uint32_t *found)
{
    struct weighing w = {.cost = cost, .body = body, .field = field, .context = context};
    double stack[COST_NODES_MAX];
    uint32_t top = 0;
    for (uint32_t i = 0; i < cost->nodes_count; i++) {
        const struct cost_node *node = &cost->nodes[i];
        if (node->kind == COST_NUMBER || node->kind == COST_BYTES) {
            stack[top++] = node->kind == COST_BYTES ? (double)body.bytes : node->number;
        } else if (node->kind == COST_VALUE || node->kind == COST_LEN) {
            stack[top++] = value_of(&w, node);
        } else if (node->kind == COST_NEGATE) {
            CHECK(top >= 1);
            stack[top - 1] = -stack[top - 1];
        } else {
            CHECK(top >= 2);
            top--;
            stack[top - 1] = combine(node->kind, stack[top - 1], stack[top]);
        }
    }
    CHECK(top == 1);
    *found = w.found;
    return rounded(stack[0]);
}
