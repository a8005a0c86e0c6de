#include "records/guard.h"

#include "base/json.h"
#include "base/text.h"

#include <string.h>

/* ---- characters ---- */

/* Beside unreserved ones: what cannot change which part of a URL means what. Not ';', which parts
 * parameters of a path's segment, and for some servers those of a query. */
static const char harmless_in_url[] = "/:,!$'()*";
/* Of a cookie's octets (RFC 6265 4.1.1) those that quote and part nothing. */
static const char harmless_in_cookie[] = "!#$%&'()*+/:<>?@[]^`{|}";

static bool is_harmless(struct ringsend_bytes text, const char *harmless)
{
    for (size_t i = 0; i < text.bytes; i++) {
        char c = text.data[i];
        if (!text_is_unreserved(c) && (c == '\0' || !strchr(harmless, c)))
            return false;
    }
    return true;
}

/* A + is a space in a query and in a form, and a plus in a path. */
static bool ends_encoded(const struct template_part *part)
{
    bool takes_form = part->place == PLACE_QUERY || part->place == PLACE_FORM;
    return filters_end_in(&part->filters, FILTER_URL) ||
           (takes_form && (filters_end_in(&part->filters, FILTER_FORM) ||
                           filters_end_in(&part->filters, FILTER_ROW_FORM)));
}

/* ---- path segments ---- */

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* The byte at the front of the text as a server reads it, taken off. "%252e" is a dot as well: some
 * servers, or a proxy and its server together, decode more than once. */
static char take_decoded(struct ringsend_bytes *text)
{
    const char *at = text->data, *end = at + text->bytes, *digits = at + 1;
    if (*at == '%') {
        while (end - digits >= 4 && memcmp(digits, "25", 2) == 0 && hex_digit(digits[2]) >= 0 &&
               hex_digit(digits[3]) >= 0)
            digits += 2;
    }
    bool encoded =
        *at == '%' && end - digits >= 2 && hex_digit(digits[0]) >= 0 && hex_digit(digits[1]) >= 0;
    text->data = encoded ? digits + 2 : at + 1;
    text->bytes = (size_t)(end - text->data);
    return encoded ? (char)(hex_digit(digits[0]) << 4 | hex_digit(digits[1])) : *at;
}

/* A NUL ends the name for who reads it as a C string. */
static bool has_dot_segment(struct ringsend_bytes text)
{
    size_t dots = 0, others = 0;
    bool in_parameter = false;
    for (;;) {
        char c = text.bytes > 0 ? take_decoded(&text) : '/';
        if (c == '/' || c == '\\') {
            if (others == 0 && (dots == 1 || dots == 2))
                return true;
            if (text.bytes == 0)
                return false;
            dots = others = 0;
            in_parameter = false;
        } else if (c == ';' || c == '\0') {
            in_parameter = true;
        } else if (!in_parameter) {
            dots += c == '.';
            others += c != '.';
        }
    }
}

static const char *judge_segment(const struct guard *guard, struct ringsend_bytes segment)
{
    static const char empty[] = "makes a part of the path empty";
    static const char dots[] = "makes a part of the path \".\" or \"..\", encoded or not, "
                               "and leads to another path";
    if (segment.bytes == 0)
        return empty;
    if (guard->place == PLACE_FILE) {
        bool is_dots = segment.data[0] == '.' &&
                       (segment.bytes == 1 || (segment.bytes == 2 && segment.data[1] == '.'));
        return is_dots ? dots : NULL;
    }
    if (segment.data[0] == ';')
        return empty;
    bool may_have_dots =
        memchr(segment.data, '.', segment.bytes) || memchr(segment.data, '%', segment.bytes);
    return may_have_dots && has_dot_segment(segment) ? dots : NULL;
}

/* The segment that ends at that place of the buffer; the next one begins behind the byte there. */
static const char *end_segment(struct guard *guard, const struct buf *out, size_t at)
{
    const char *why = NULL;
    if (guard->name >= 0)
        why = judge_segment(guard, (struct ringsend_bytes){out->data + guard->segment_start,
                                                           at - guard->segment_start});
    guard->segment_start = at + 1;
    return why;
}

const char *guard_literal(struct guard *guard, const struct buf *out, size_t before)
{
    const char *why = NULL;
    size_t at = before;
    if (guard->name >= 0) {
        bool is_file = guard->place == PLACE_FILE;
        while (at < out->bytes &&
               (is_file ? out->data[at] != '/' : !memchr("/?#", out->data[at], 3)))
            at++;
        if (at == out->bytes)
            return NULL;
        why = end_segment(guard, out, at);
        if (why)
            return why; /* with the name of whom it is about */
        guard->name = -1;
    }
    const char *slash = at < out->bytes ? memrchr(out->data + at, '/', out->bytes - at) : NULL;
    if (slash)
        guard->segment_start = (size_t)(slash - out->data) + 1;
    return NULL;
}

static const char *guard_segments(struct guard *guard, const struct template_part *part,
                                  const struct buf *out, size_t before)
{
    const char *why = NULL;
    guard->name = part->name;
    guard->place = (enum template_place)part->place;
    for (size_t at = before; at < out->bytes && !why; at++) {
        if (out->data[at] == '/')
            why = end_segment(guard, out, at);
    }
    return why;
}

const char *guard_end(struct guard *guard, const struct buf *out)
{
    return guard->name >= 0 ? end_segment(guard, out, out->bytes) : NULL;
}

/* ---- values ---- */

/* The beginning of a URL that goes on with the byte `next`. */
static const char *judge_start(struct ringsend_bytes value, char next)
{
    bool has_query = value.bytes > 0 && memchr(value.data, '?', value.bytes);
    if (value.bytes > 0 && memchr(value.data, '#', value.bytes))
        return "has a fragment, which would hide what follows it";
    if (next == '/' && has_query)
        return "has a query, and a path follows it";
    if (next == '/' && value.bytes > 0 && value.data[value.bytes - 1] == '/')
        return "ends in a slash, and another one follows it";
    if (next == '?' && has_query)
        return "has a query, and another one follows it";
    if (next == '&' && !has_query)
        return "has no query, and the rest of one follows it";
    return NULL;
}

/* One of JSON that adds no structure. */
static const char *judge_json_value(struct ringsend_bytes value)
{
    struct json json;
    json_init(&json, value);
    enum json_kind kind = json_peek(&json);
    if (kind == JSON_OBJECT || kind == JSON_ARRAY)
        return "is a JSON object or array, where one plain value is to stand";
    bool is_value = kind != JSON_NONE && json_skip(&json, NULL) && json_end(&json) &&
                    !memchr(value.data, '\n', value.bytes);
    return is_value ? NULL
                    : "is no JSON number, true, false, null or string: the filter json makes a "
                      "string of it";
}

/* The boundary at the start of a line that the value has a byte of. */
static bool holds_boundary(struct ringsend_bytes boundary, const struct buf *out, size_t before)
{
    size_t at = before > boundary.bytes ? before - boundary.bytes + 1 : 0;
    for (const char *found; at < out->bytes; at = (size_t)(found - out->data) + 1) {
        found = memmem(out->data + at, out->bytes - at, boundary.data, boundary.bytes);
        if (!found)
            return false;
        if (found == out->data || memchr("\r\n", found[-1], 2))
            return true;
    }
    return false;
}

static bool is_part_head(struct ringsend_bytes value)
{
    for (size_t i = 0; i < value.bytes; i++) {
        if (memchr("\r\n\"\0", value.data[i], 4))
            return false;
    }
    return true;
}

static const char *judge_harmless(const struct template_part *part, struct ringsend_bytes value)
{
    switch ((enum template_place)part->place) {
    case PLACE_FORM:
        return is_harmless(value, harmless_in_url)
                   ? NULL
                   : "holds what would change the form: let the filter url encode it (or say with "
                     "Content-Type that the body is none)";
    case PLACE_COOKIE:
        return is_harmless(value, harmless_in_cookie)
                   ? NULL
                   : "holds what would change the cookies: let the filter url encode it";
    case PLACE_SEGMENT:
    case PLACE_QUERY:
        return is_harmless(value, harmless_in_url)
                   ? NULL
                   : "holds what would change the URL: let the filter url encode it";
    case PLACE_PART_HEAD:
        return is_part_head(value) ? NULL
                                   : "holds a quote or a line end, which would change the head of "
                                     "its part: let the filter url encode it";
    case PLACE_FREE:
    case PLACE_PART_BODY:
    case PLACE_START:
    case PLACE_FILE:
    case PLACE_JSON_STRING:
    case PLACE_JSON_VALUE:
    case PLACE_NESTED_STRING:
    case PLACE_NESTED_JSON:
    case PLACE_NESTED_VALUE:
    case PLACE_XML:
        break;
    }
    return NULL;
}

const char *guard_value(struct guard *guard, const struct template_part *part,
                        const struct buf *out, size_t before, char next)
{
    struct ringsend_bytes value = {out->bytes > before ? out->data + before : "",
                                   out->bytes - before};
    const char *why = ends_encoded(part) ? NULL : judge_harmless(part, value);
    if (why)
        return why;
    switch ((enum template_place)part->place) {
    case PLACE_START:
        return next == '\0' ? NULL : judge_start(value, next);
    case PLACE_SEGMENT:
    case PLACE_FILE:
        return guard_segments(guard, part, out, before);
    case PLACE_PART_BODY:
        return holds_boundary(guard->boundary, out, before)
                   ? "holds the boundary between parts: choose another one"
                   : NULL;
    case PLACE_JSON_VALUE:
    case PLACE_NESTED_VALUE:
        return filters_end_in(&part->filters, FILTER_ROW_JSON) ? NULL : judge_json_value(value);
    case PLACE_FREE:
    case PLACE_QUERY:
    case PLACE_JSON_STRING:
    case PLACE_NESTED_STRING:
    case PLACE_NESTED_JSON:
    case PLACE_PART_HEAD:
    case PLACE_FORM:
    case PLACE_COOKIE:
    case PLACE_XML:
        break;
    }
    return NULL;
}
