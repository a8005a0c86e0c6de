#include "records/filter.h"

#include "base/base64.h"
#include "base/check.h"
#include "base/json.h"
#include "base/json_put.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct ringsend_bytes filter_names[FILTERS_NAMED] = {
    [FILTER_JSON] = {"json", 4}, [FILTER_URL] = {"url", 3},   [FILTER_B64] = {"b64", 3},
    [FILTER_TRIM] = {"trim", 4}, [FILTER_FORM] = {"form", 4}, [FILTER_NUMBER] = {"number", 6},
    [FILTER_BOOL] = {"bool", 4}, [FILTER_NULL] = {"null", 4}, [FILTER_DEFAULT] = {"default", 7},
};

struct ringsend_bytes filter_trimmed(struct ringsend_bytes text)
{
    while (text.bytes > 0 && memchr(" \t\r\n", text.data[0], 4)) {
        text.data++;
        text.bytes--;
    }
    while (text.bytes > 0 && memchr(" \t\r\n", text.data[text.bytes - 1], 4))
        text.bytes--;
    return text;
}

/* ---- reading ---- */

void filters_add(struct filters *filters, enum filter filter)
{
    CHECK(filters->count < sizeof filters->list);
    filters->list[filters->count++] = (uint8_t)filter;
}

/* Of an empty value: before all but what trims. */
static void add_for_empty(struct filters *filters, enum filter filter)
{
    unsigned at = 0;
    while (at < filters->count && filters->list[at] == FILTER_TRIM)
        at++;
    filters_add(filters, filter);
    memmove(filters->list + at + 1, filters->list + at, filters->count - 1u - at);
    filters->list[at] = (uint8_t)filter;
}

static bool no_filter(struct ringsend_bytes name, char *message)
{
    bool is_default = span_equal(name, filter_names[FILTER_DEFAULT]);
    if (is_default)
        snprintf(message, FILTER_MESSAGE_BYTES, "the filter default wants a text: default:TEXT");
    else
        snprintf(message, FILTER_MESSAGE_BYTES,
                 "there is no filter \"%.*s\": json, number, bool, null, default:TEXT, url, form, "
                 "b64 and trim are",
                 name.bytes < 40 ? (int)name.bytes : 40, name.data);
    return false;
}

static bool add_named(struct filters *filters, struct ringsend_bytes name, char *message)
{
    static const struct ringsend_bytes fallback = {"default:", 8};
    unsigned filter = 0;
    bool has_text =
        name.bytes >= fallback.bytes && memcmp(name.data, fallback.data, fallback.bytes) == 0;
    if (filters->count == FILTERS_MAX) {
        snprintf(message, FILTER_MESSAGE_BYTES, "at most %d filters may follow a name",
                 FILTERS_MAX);
        return false;
    }
    while (filter < FILTER_DEFAULT && !span_equal(filter_names[filter], name))
        filter++;
    if (filter == FILTER_DEFAULT && !has_text)
        return no_filter(name, message);
    bool is_of_empty = filter == FILTER_NULL || filter == FILTER_DEFAULT;
    if (is_of_empty &&
        (filters_have(filters, FILTER_NULL) || filters_have(filters, FILTER_DEFAULT))) {
        snprintf(message, FILTER_MESSAGE_BYTES,
                 "give one of null and default: both say what an empty value becomes");
        return false;
    }
    if (filter == FILTER_DEFAULT) {
        struct ringsend_bytes text = {name.data + fallback.bytes, name.bytes - fallback.bytes};
        text = filter_trimmed(text);
        filters->fallback = strndup(text.bytes > 0 ? text.data : "", text.bytes);
        if (!filters->fallback) {
            snprintf(message, FILTER_MESSAGE_BYTES, "memory is out");
            return false;
        }
    }
    if (is_of_empty)
        add_for_empty(filters, (enum filter)filter);
    else
        filters_add(filters, (enum filter)filter);
    return true;
}

bool filters_read(struct filters *filters, struct ringsend_bytes text, char *message)
{
    while (text.bytes > 0) {
        const char *bar = memchr(text.data + 1, '|', text.bytes - 1);
        size_t bytes = bar ? (size_t)(bar - text.data) : text.bytes;
        if (!add_named(filters, filter_trimmed((struct ringsend_bytes){text.data + 1, bytes - 1}),
                       message))
            return false;
        text.data += bytes;
        text.bytes -= bytes;
    }
    return true;
}

void filters_free(struct filters *filters)
{
    free(filters->fallback);
    *filters = (struct filters){0};
}

bool filters_have(const struct filters *filters, enum filter filter)
{
    for (unsigned i = 0; i < filters->count; i++) {
        if (filters->list[i] == filter)
            return true;
    }
    return false;
}

bool filters_end_in(const struct filters *filters, enum filter filter)
{
    return filters->count > 0 && filters->list[filters->count - 1] == filter;
}

bool filters_make_json(const struct filters *filters)
{
    return filters_end_in(filters, FILTER_JSON) || filters_end_in(filters, FILTER_ROW_JSON) ||
           filters_end_in(filters, FILTER_NUMBER) || filters_end_in(filters, FILTER_BOOL);
}

/* ---- applying ---- */

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

/* `plus`: as in a form (WHATWG URL 5.2), where a space is a + and an asterisk stands for itself,
 * and the tilde does not. */
static bool percent_encode(struct ringsend_bytes text, bool plus, struct buf_pool *pool,
                           struct buf *out)
{
    static const char digits[] = "0123456789ABCDEF";
    if (!buf_reserve(pool, out, 3 * text.bytes))
        return false;
    for (size_t i = 0; i < text.bytes; i++) {
        unsigned char byte = (unsigned char)text.data[i];
        bool is_plain = plus ? byte == '*' || (byte != '~' && text_is_unreserved((char)byte))
                             : text_is_unreserved((char)byte);
        if (is_plain || (plus && byte == ' ')) {
            out->data[out->bytes++] = byte == ' ' ? '+' : (char)byte;
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

static bool is_number(struct ringsend_bytes value)
{
    struct json json;
    struct ringsend_bytes number;
    json_init(&json, value);
    return value.bytes > 0 && json_peek(&json) == JSON_NUMBER && json_number(&json, &number) &&
           number.bytes == value.bytes;
}

/* 1 or 0; -1: neither. */
static int truth_of(struct ringsend_bytes value)
{
    static const char *const words[] = {"false", "no",  "off", "f", "n", "0",
                                        "true",  "yes", "on",  "t", "y", "1"};
    enum { WORDS = sizeof words / sizeof *words };
    for (int i = 0; i < WORDS; i++) {
        if (span_equal_nocase(value, span_of(words[i])))
            return i >= WORDS / 2;
    }
    return -1;
}

static const char *number_fault(struct ringsend_bytes value)
{
    return is_number(value)  ? NULL
           : value.bytes > 0 ? "is no number as JSON has them"
                             : "is empty, and no number: the filter null, or default:0, says what "
                               "it becomes";
}

static const char *bool_fault(struct ringsend_bytes value)
{
    return truth_of(value) >= 0 ? NULL
           : value.bytes > 0
               ? "is neither true nor false, nor yes, no, on, off, t, f, y, n, 1 or 0"
               : "is empty, and neither true nor false: the filter null, or default:false, says "
                 "what it becomes";
}

/* Why the filter cannot take the value, or null. */
static const char *filter_fault(enum filter filter, struct ringsend_bytes value)
{
    if (filter == FILTER_NUMBER)
        return number_fault(value);
    if (filter == FILTER_BOOL)
        return bool_fault(value);
    if ((filter == FILTER_JSON || filter == FILTER_JSON_INSIDE) && !is_utf8(value))
        return "is not UTF-8, as JSON has to be (--encoding says what a table is)";
    if (filter != FILTER_XML)
        return NULL;
    for (size_t i = 0; i < value.bytes; i++) {
        unsigned char c = (unsigned char)value.data[i];
        if (c < 0x20 && c != '\t' && c != '\n' && c != '\r')
            return "holds a control character, which XML cannot";
    }
    return NULL;
}

static bool append(struct ringsend_bytes value, struct buf_pool *pool, struct buf *out)
{
    return buf_append(pool, out, value.data, value.bytes);
}

static bool apply(const struct filters *filters, enum filter filter, struct ringsend_bytes value,
                  struct buf_pool *pool, struct buf *out)
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
    case FILTER_FORM:
        return percent_encode(value, filter == FILTER_FORM, pool, out);
    case FILTER_B64:
        done = buf_reserve(pool, out, base64_bytes(value.bytes));
        if (done && value.bytes > 0)
            out->bytes = (size_t)(base64_encode(value, out->data + out->bytes) - out->data);
        return done;
    case FILTER_TRIM:
        return append(filter_trimmed(value), pool, out);
    case FILTER_BOOL:
        return append(truth_of(value) == 1 ? SPAN("true") : SPAN("false"), pool, out);
    case FILTER_DEFAULT:
        return append(value.bytes > 0 ? value : span_of(filters->fallback), pool, out);
    case FILTER_NULL:
        return append(value.bytes > 0 ? value : SPAN("null"), pool, out);
    case FILTER_NUMBER:
    case FILTER_ROW_JSON:
    case FILTER_ROW_FORM:
        return append(value, pool, out);
    }
    UNREACHABLE("filter");
}

static enum filter_result apply_one(const struct filters *filters, enum filter filter,
                                    struct ringsend_bytes value, struct buf_pool *pool,
                                    struct buf *out, const char **why)
{
    *why = filter_fault(filter, value);
    if (*why)
        return FILTER_BAD_VALUE;
    return apply(filters, filter, value, pool, out) ? FILTER_DONE : FILTER_NO_MEMORY;
}

/* All filters but the last one go by way of buffers of their own. */
static enum filter_result apply_all(const struct filters *filters, struct ringsend_bytes value,
                                    struct buf_pool *pool, struct buf *out, const char **why)
{
    struct buf steps[FILTERS_MAX + FILTERS_ADDED] = {{0}};
    enum filter_result result = FILTER_DONE;
    bool is_null = false; /* which only its place says something of */
    for (unsigned i = 0; i < filters->count && result == FILTER_DONE; i++) {
        struct buf *to = i + 1 == filters->count ? out : &steps[i];
        enum filter filter = (enum filter)filters->list[i];
        if (is_null && filter < FILTERS_NAMED)
            filter = FILTER_NULL;
        is_null = is_null || (filter == FILTER_NULL && value.bytes == 0);
        result = apply_one(filters, filter, value, pool, to, why);
        value = (struct ringsend_bytes){to->data, to->bytes};
    }
    for (unsigned i = 0; i < filters->count; i++)
        buf_release(pool, &steps[i]);
    return result;
}

enum filter_result filters_apply(const struct filters *filters, struct ringsend_bytes value,
                                 struct buf_pool *pool, struct buf *out, const char **why)
{
    switch (filters->count) {
    case 0:
        return append(value, pool, out) ? FILTER_DONE : FILTER_NO_MEMORY;
    case 1:
        return apply_one(filters, (enum filter)filters->list[0], value, pool, out, why);
    default:
        return apply_all(filters, value, pool, out, why);
    }
}
