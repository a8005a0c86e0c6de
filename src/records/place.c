/* Each kind of text has a scanner that goes through the literals from left to right and notes, at
 * every column, where it stands. What the columns will hold is not known yet, and does not matter:
 * the guard sees to it that no value leaves its place.
 *
 * Whether literals are JSON is found by trying: with harmless values in the places of the columns
 * they must parse. Two tries tell more than one: a number cannot be a member's name, and a string
 * cannot be glued to what stands beside it. */
#include "records/place.h"

#include "base/json.h"
#include "base/span.h"
#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { NEAR_BYTES = 24 };

struct placer {
    struct template *t;
    const struct template_names *names;
    char *message;
};

__attribute__((format(printf, 2, 3))) static bool refuse(const struct placer *p, const char *format,
                                                         ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(p->message, TEMPLATE_MESSAGE_BYTES, format, arguments);
    va_end(arguments);
    return false;
}

static bool no_memory(const struct placer *p)
{
    return refuse(p, "memory is out");
}

static const char *name_of(const struct placer *p, const struct template_part *part)
{
    return p->names->names[part->name];
}

/* One that stands for a record's value, and not for the end. */
static bool is_column(const struct template_part *part)
{
    return part->name >= 0;
}

/* What comes out of its filters has quotes or brackets of its own. */
static bool brings_json(const struct template_part *part)
{
    return filters_end_in(&part->filters, FILTER_JSON) ||
           filters_end_in(&part->filters, FILTER_ROW_JSON);
}

static void place_all(struct template *t, enum template_place place)
{
    for (size_t i = 0; i < t->parts_count; i++)
        t->parts[i].place = (uint8_t)place;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Nothing but one column. */
static bool is_whole(const struct template *t)
{
    for (size_t i = 0; i < t->text_bytes; i++) {
        if (!is_space(t->text[i]))
            return false;
    }
    return t->parts_count == 2;
}

/* ---- URLs and files ---- */

/* Where the authority ends: the place of the '/', '?' or '#' behind it; 0: not in this literal. */
static size_t authority_end(struct ringsend_bytes literal)
{
    static const struct ringsend_bytes schemes[] = {{"http://", 7}, {"https://", 8}};
    for (size_t s = 0; s < 2; s++) {
        size_t at = schemes[s].bytes;
        if (literal.bytes < at ||
            !span_equal_nocase((struct ringsend_bytes){literal.data, at}, schemes[s]))
            continue;
        while (at < literal.bytes && !memchr("/?#", literal.data[at], 3))
            at++;
        return at < literal.bytes ? at : 0;
    }
    return 0;
}

/* A value must not be the rest of a percent-encoding that the literal has begun. */
static bool ends_in_escape(struct ringsend_bytes literal)
{
    return (literal.bytes >= 1 && literal.data[literal.bytes - 1] == '%') ||
           (literal.bytes >= 2 && literal.data[literal.bytes - 2] == '%');
}

/* The columns from part `i` on, of which `literal` is what stands before the first one. */
static bool place_target(const struct placer *p, size_t i, struct ringsend_bytes literal,
                         enum template_place place)
{
    for (; i < p->t->parts_count; i++) {
        struct template_part *part = &p->t->parts[i];
        for (size_t at = 0; at < literal.bytes; at++) {
            if (literal.data[at] == '?' || literal.data[at] == '#')
                place = PLACE_QUERY;
        }
        part->place = (uint8_t)place;
        if (is_column(part) && ends_in_escape(literal))
            return refuse(p, "{{%.60s}} would be part of the percent-encoding before it",
                          name_of(p, part));
        literal.data += literal.bytes;
        literal.bytes = i + 1 < p->t->parts_count ? p->t->parts[i + 1].literal_bytes : 0;
    }
    return true;
}

static bool place_url(const struct placer *p)
{
    struct template_part *first = &p->t->parts[0];
    struct ringsend_bytes literal = {p->t->text, first->literal_bytes};
    if (literal.bytes > 0) {
        size_t end = authority_end(literal);
        if (end == 0)
            return refuse(p,
                          "{{%.60s}} would be part of scheme, host or port, and no value may say "
                          "whom to talk to: write them out up to the slash behind them "
                          "(http://HOST/...), or let the record give the whole URL ({{column}})",
                          name_of(p, first));
        literal.data += end;
        literal.bytes -= end;
        return place_target(p, 0, literal, PLACE_SEGMENT);
    }
    first->place = PLACE_START;
    literal.bytes = p->t->parts[1].literal_bytes;
    char next = literal.bytes > 0 ? literal.data[0] : '\0';
    if (p->t->parts_count > 2 || literal.bytes > 0) {
        if (next == '\0' || !strchr("/?&", next))
            return refuse(p,
                          "{{%.60s}} begins the URL, so that its value says whom to talk to: only "
                          "a path or a query (/, ? or &) may follow it",
                          name_of(p, first));
    }
    return place_target(p, 1, literal, next == '/' ? PLACE_SEGMENT : PLACE_QUERY);
}

static void place_file(struct template *t)
{
    place_all(t, PLACE_FILE);
    if (t->parts[0].literal_bytes == 0)
        t->parts[0].place = PLACE_FREE;
}

/* ---- JSON ---- */

/* In what is JSON if any value of its columns is. Returns the column that stands in a member's
 * name, if any does: a colon comes behind the name's quote. */
static const struct template_part *scan_json(struct template *t)
{
    const char *at = t->text;
    const struct template_part *inside = NULL; /* of the string that we are in, or just behind */
    const struct template_part *in_name = NULL;
    bool in_string = false, escaped = false;
    for (size_t i = 0; i < t->parts_count; i++) {
        for (const char *end = at + t->parts[i].literal_bytes; at < end; at++) {
            if (!in_string && *at == ':' && inside && !in_name)
                in_name = inside;
            if (!in_string && !is_space(*at))
                inside = NULL;
            bool quote = *at == '"' && !escaped;
            escaped = in_string && !escaped && *at == '\\';
            in_string ^= quote;
        }
        t->parts[i].place = in_string ? PLACE_JSON_STRING : PLACE_JSON_VALUE;
        if (in_string && is_column(&t->parts[i]))
            inside = &t->parts[i];
    }
    return in_name;
}

/* The text with `value` in the place of each value and `inside` in each string. */
static struct ringsend_bytes try_text(const struct template *t, const char *value,
                                      const char *inside, char *room)
{
    const char *literal = t->text;
    char *to = room;
    for (size_t i = 0; i < t->parts_count; i++) {
        const struct template_part *part = &t->parts[i];
        to = mempcpy(to, literal, part->literal_bytes);
        literal += part->literal_bytes;
        if (is_column(part)) {
            const char *filler = part->place == PLACE_JSON_STRING ? inside : value;
            to = mempcpy(to, filler, strlen(filler));
        }
    }
    return (struct ringsend_bytes){room, (size_t)(to - room)};
}

/* Values of JSON, one after another. */
static bool parses(struct json *j, struct ringsend_bytes text)
{
    json_init(j, text);
    while (json_skip(j, NULL)) {
        json_peek(j); /* passes white space */
        if (j->at == j->end)
            return true;
    }
    return false;
}

/* What keeps it from being JSON, written to p->message, or true. */
static bool judge_json(const struct placer *p, const struct template_part *in_name, char *room)
{
    struct json with_numbers, with_strings;
    bool numbers = parses(&with_numbers, try_text(p->t, "7", "x", room));
    char near[NEAR_BYTES] = "";
    if (!numbers)
        snprintf(near, sizeof near, "%.*s", (int)(with_numbers.end - with_numbers.at),
                 with_numbers.at);
    bool strings = parses(&with_strings, try_text(p->t, "\"\"", "x", room));
    if (numbers && strings && in_name)
        return refuse(p, "{{%.60s}} is in a member's name: write the names out",
                      name_of(p, in_name));
    if (strings && !numbers)
        return refuse(p, "a column is a member's name: write the names out");
    if (numbers && !strings)
        return refuse(p, "a column that is a value must stand alone, with , : [ ] { } around it");
    return numbers || refuse(p, "%s at \"%s\"", with_numbers.error, near);
}

/* ---- JSON inside of a string of JSON ---- */

/* A string whose text is an object, or an array with strings in it ("[7]" may be a word in
 * brackets). */
static bool is_json_again(struct ringsend_bytes raw, char *room)
{
    struct json json;
    struct json_string string = {.raw = raw, .escaped = true};
    struct ringsend_bytes text = {room, json_decode(string, room)};
    json_init(&json, text);
    enum json_kind kind = json_peek(&json);
    bool is_container =
        kind == JSON_OBJECT || (kind == JSON_ARRAY && memchr(text.data, '"', text.bytes));
    return is_container && json_skip(&json, NULL) && json_end(&json);
}

/* The next character of a string's text, as far as quotes and backslashes go. */
static char next_character(const char *raw, size_t *at)
{
    char c = raw[(*at)++];
    if (c != '\\')
        return c;
    c = raw[(*at)++];
    if (c == 'u') {
        bool is_quote = memcmp(raw + *at, "0022", 4) == 0;
        c = is_quote ? '"' : strncasecmp(raw + *at, "005c", 4) == 0 ? '\\' : ' ';
        *at += 4;
    }
    return c == '"' || c == '\\' ? c : ' ';
}

/* In a text where each column is one byte long: column `i` stands at `at`. */
struct columns {
    struct template *t;
    size_t i, at;
};

static bool is_at_column(const struct columns *c, size_t at)
{
    return c->i + 1 < c->t->parts_count && at == c->at;
}

static void next_column(struct columns *c)
{
    c->i++;
    c->at += 1 + c->t->parts[c->i].literal_bytes;
}

/* Between `start` and `end` of the text stands JSON, written as a string. */
static void place_in_nested(struct columns *c, const char *text, size_t start, size_t end)
{
    bool in_string = false, escaped = false;
    for (size_t at = start; at < end;) {
        if (is_at_column(c, at)) {
            struct template_part *part = &c->t->parts[c->i];
            part->place = in_string           ? PLACE_NESTED_STRING
                          : brings_json(part) ? PLACE_NESTED_JSON
                                              : PLACE_NESTED_VALUE;
            next_column(c);
            at++;
            continue;
        }
        char character = next_character(text, &at);
        bool quote = character == '"' && !escaped;
        escaped = in_string && !escaped && character == '\\';
        in_string ^= quote;
    }
}

/* In text that is JSON with one byte for each column; `room` is for a copy of it. */
static void place_nested(struct template *t, struct ringsend_bytes text, char *room)
{
    struct columns columns = {.t = t, .at = t->parts[0].literal_bytes};
    for (size_t at = 0; at < text.bytes; at++) {
        if (text.data[at] != '"')
            continue;
        size_t start = ++at;
        while (text.data[at] != '"')
            at += text.data[at] == '\\' ? 2 : 1;
        while (columns.i + 1 < t->parts_count && columns.at < start)
            next_column(&columns);
        if (is_json_again((struct ringsend_bytes){text.data + start, at - start}, room))
            place_in_nested(&columns, text.data, start, at);
    }
}

/* ---- JSON, all ---- */

/* |json brings quotes of its own. */
static bool refuse_double_quotes(const struct placer *p)
{
    for (size_t i = 0; i < p->t->parts_count; i++) {
        const struct template_part *part = &p->t->parts[i];
        bool in_quotes = part->place == PLACE_JSON_STRING || part->place == PLACE_NESTED_STRING;
        bool is_row = filters_end_in(&part->filters, FILTER_ROW_JSON);
        if (in_quotes && brings_json(part))
            return refuse(p,
                          "{{%.60s%s}} stands inside of quotes and brings its own: leave out "
                          "the quotes, or the filter (inside of quotes values are escaped anyway)",
                          name_of(p, part), is_row ? "" : "|json");
    }
    return true;
}

/* Nothing but what is said of a value that is missing. */
static bool is_as_it_stands(const struct filters *filters)
{
    return filters->count == 0 || (filters->count == 1 && (filters_have(filters, FILTER_NULL) ||
                                                           filters_have(filters, FILTER_DEFAULT)));
}

/* The value of a path may be any of JSON where one is to stand, and so must be its default. */
static bool take_raw(const struct placer *p)
{
    for (size_t i = 0; i < p->t->parts_count && p->names->are_paths; i++) {
        struct template_part *part = &p->t->parts[i];
        const char *fallback = part->filters.fallback;
        struct json json;
        bool is_nested = part->place == PLACE_NESTED_VALUE;
        if (!is_column(part) || !(is_nested || part->place == PLACE_JSON_VALUE) ||
            name_of(p, part)[0] != '.' || !is_as_it_stands(&part->filters))
            continue;
        if (fallback && !parses(&json, span_of(fallback)))
            return refuse(p,
                          "{{%.60s|default:%.60s}}: a value of JSON stands here, and the "
                          "default is none (a string has quotes)",
                          name_of(p, part), fallback);
        part->is_raw = true;
        filters_add(&part->filters, FILTER_ROW_JSON);
        if (is_nested)
            part->place = PLACE_NESTED_JSON;
    }
    return true;
}

/* `must`: what is not JSON is refused; else it is text. */
static bool place_json(const struct placer *p, bool must, const char *by)
{
    struct template *t = p->t;
    size_t room_bytes = t->text_bytes + 2 * t->parts_count + 1;
    char *room = malloc(2 * room_bytes);
    if (!room)
        return no_memory(p);
    const struct template_part *in_name = scan_json(t);
    bool good = judge_json(p, in_name, room);
    if (good) {
        place_nested(t, try_text(t, "7", "7", room), room + room_bytes);
        good = take_raw(p) && (!must || refuse_double_quotes(p));
        t->is_json = must;
    } else {
        char why[TEMPLATE_MESSAGE_BYTES];
        snprintf(why, sizeof why, "%s", p->message);
        good =
            !must || refuse(p,
                            "%s JSON, and is none that is safe whatever the columns hold: %s. If "
                            "it is something else, -H 'Content-Type: ...' says so",
                            by, why);
        place_all(t, PLACE_FREE);
    }
    free(room);
    static const unsigned levels[PLACE_XML + 1] = {[PLACE_JSON_STRING] = 1,
                                                   [PLACE_NESTED_STRING] = 2,
                                                   [PLACE_NESTED_JSON] = 1,
                                                   [PLACE_NESTED_VALUE] = 1};
    for (size_t i = 0; i < t->parts_count; i++) {
        for (unsigned level = 0; level < levels[t->parts[i].place]; level++)
            filters_add(&t->parts[i].filters, FILTER_JSON_INSIDE);
    }
    return good;
}

/* ---- forms ---- */

static bool place_form(const struct placer *p)
{
    struct ringsend_bytes literal = {p->t->text, 0};
    place_all(p->t, PLACE_FORM);
    for (size_t i = 0; i < p->t->parts_count; i++) {
        const struct template_part *part = &p->t->parts[i];
        literal.data += literal.bytes;
        literal.bytes = part->literal_bytes;
        if (is_column(part) && ends_in_escape(literal))
            return refuse(p, "{{%.60s}} would be part of the percent-encoding before it",
                          name_of(p, part));
    }
    return true;
}

static bool is_of_form(char c)
{
    return text_is_unreserved(c) || (c != '\0' && strchr("%+[]*", c));
}

/* What else a literal may hold that somebody wrote by hand, as scope=https://host/x. */
static bool is_of_form_value(char c)
{
    return is_of_form(c) || (c != '\0' && strchr("=&:/,@;!$'()?", c));
}

/* A name, which may be a column, "=", and nothing anywhere that a form could not hold but line ends
 * behind it all. */
static bool looks_like_form(const struct template *t)
{
    size_t name = 0, at = 0, end = t->text_bytes;
    while (end > 0 && memchr("\r\n", t->text[end - 1], 2))
        end--;
    while (name < end && is_of_form(t->text[name]))
        name++;
    if (name == end || t->text[name] != '=' || (name == 0 && t->parts[0].literal_bytes > 0))
        return false;
    while (at < end && is_of_form_value(t->text[at]))
        at++;
    return at == end;
}

/* ---- multipart ---- */

static bool begins(struct ringsend_bytes text, const char *with)
{
    return text.bytes >= strlen(with) && memcmp(text.data, with, strlen(with)) == 0;
}

/* The boundary is the text's first line (RFC 2046 5.1.1). What begins otherwise is text. */
static bool place_multipart(struct template *t)
{
    size_t at = 0, literal_end = 0, line = 0;
    bool in_head = false;
    while (at < t->parts[0].literal_bytes && !memchr("\r\n", t->text[at], 2))
        at++;
    if (at < 3 || at == t->parts[0].literal_bytes ||
        !begins((struct ringsend_bytes){t->text, at}, "--"))
        return true;
    t->boundary_bytes = at;
    at = 0;
    for (size_t i = 0; i < t->parts_count; i++) {
        for (literal_end += t->parts[i].literal_bytes; at < literal_end; at++) {
            if (t->text[at] != '\n')
                continue;
            size_t bytes = at - line;
            bool is_boundary = bytes >= t->boundary_bytes &&
                               memcmp(t->text + line, t->text, t->boundary_bytes) == 0;
            bool is_blank = bytes == 0 || (bytes == 1 && t->text[line] == '\r');
            in_head = is_boundary || (in_head && !is_blank);
            line = at + 1;
        }
        t->parts[i].place = in_head ? PLACE_PART_HEAD : PLACE_PART_BODY;
    }
    return true;
}

/* ---- XML ---- */

enum xml_step { XML_TEXT, XML_TAG, XML_ATTRIBUTE, XML_OTHER };

/* What ends what begins here with '<'; null: a tag, which '>' ends. */
static const char *end_of_markup(struct ringsend_bytes rest)
{
    static const char *const others[][2] = {
        {"<!--", "-->"}, {"<![CDATA[", "]]>"}, {"<?", "?>"}, {"<!", ">"}};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        if (begins(rest, others[i][0]))
            return others[i][1];
    }
    return NULL;
}

static bool place_xml(const struct placer *p)
{
    struct template *t = p->t;
    const char *end_of = NULL;
    char quote = '\0';
    enum xml_step step = XML_TEXT;
    size_t at = 0, literal_end = 0;
    for (size_t i = 0; i < t->parts_count; i++) {
        struct template_part *part = &t->parts[i];
        for (literal_end += part->literal_bytes; at < literal_end; at++) {
            struct ringsend_bytes rest = {t->text + at, t->text_bytes - at};
            char c = *rest.data;
            if (step == XML_TEXT && c == '<') {
                end_of = end_of_markup(rest);
                step = end_of ? XML_OTHER : XML_TAG;
            } else if ((step == XML_TAG && c == '>') ||
                       (step == XML_OTHER && begins(rest, end_of))) {
                step = XML_TEXT;
            } else if (step == XML_TAG && (c == '"' || c == '\'')) {
                step = XML_ATTRIBUTE;
                quote = c;
            } else if (step == XML_ATTRIBUTE && c == quote) {
                step = XML_TAG;
            }
        }
        if (!is_column(part))
            continue;
        if (step == XML_TAG || step == XML_OTHER)
            return refuse(p,
                          "as XML, {{%.60s}} must stand in text or in an attribute's quotes. If it "
                          "is something else, -H 'Content-Type: ...' says so",
                          name_of(p, part));
        part->place = PLACE_XML;
        filters_add(&part->filters, FILTER_XML);
    }
    return true;
}

/* ---- all ---- */

static char first_byte(const struct template *t)
{
    size_t at = 0;
    while (at < t->parts[0].literal_bytes && is_space(t->text[at]))
        at++;
    return at < t->parts[0].literal_bytes ? t->text[at] : '\0';
}

static bool place_by_looks(const struct placer *p)
{
    char first = first_byte(p->t);
    if (first == '{' || first == '[')
        return place_json(p, true, "it begins like");
    if (first == '"')
        return place_json(p, false, NULL);
    if (first == '<')
        return place_xml(p);
    return !looks_like_form(p->t) || place_form(p);
}

static bool is_body(enum template_use use)
{
    return use == TEMPLATE_BODY || use == TEMPLATE_JSON;
}

/* Of a text without columns there is but to say whether it is JSON. */
static bool judge_constant(const struct placer *p, enum template_use use)
{
    char first = p->t->parts_count > 0 ? first_byte(p->t) : '\0';
    if (use == TEMPLATE_JSON && first != '\0')
        return place_json(p, true, "its Content-Type calls it");
    return use != TEMPLATE_BODY || (first != '{' && first != '[') || place_by_looks(p);
}

static bool place_body(const struct placer *p, enum template_use use)
{
    struct template *t = p->t;
    char first = first_byte(t);
    switch (use) {
    case TEMPLATE_TEXT:
    case TEMPLATE_URL:
    case TEMPLATE_FILE:
        return true;
    case TEMPLATE_HEADER:
        return (first != '{' && first != '[' && first != '"') || place_json(p, false, NULL);
    case TEMPLATE_COOKIE:
        place_all(t, PLACE_COOKIE);
        return true;
    case TEMPLATE_BODY:
        return place_by_looks(p);
    case TEMPLATE_JSON:
        return place_json(p, true, "its Content-Type calls it");
    case TEMPLATE_FORM:
        return place_form(p);
    case TEMPLATE_MULTIPART:
        return place_multipart(t);
    case TEMPLATE_XML:
        return place_xml(p);
    }
    return true;
}

static bool place_any(const struct placer *p, enum template_use use)
{
    struct template *t = p->t;
    if (use == TEMPLATE_URL)
        return place_url(p);
    if (use == TEMPLATE_FILE) {
        place_file(t);
        return true;
    }
    if (!is_whole(t))
        return place_body(p, use);
    t->is_json = is_body(use) && filters_make_json(&t->parts[0].filters);
    return true;
}

/* JSON's null is a word of JSON; elsewhere it would be a text of four letters. */
static bool refuse_misplaced_nulls(const struct placer *p, enum template_use use)
{
    bool whole_body = is_body(use) && is_whole(p->t);
    for (size_t i = 0; i < p->t->parts_count; i++) {
        const struct template_part *part = &p->t->parts[i];
        enum template_place place = (enum template_place)part->place;
        bool is_value = place == PLACE_JSON_VALUE || place == PLACE_NESTED_JSON ||
                        place == PLACE_NESTED_VALUE || whole_body;
        if (!is_value && filters_have(&part->filters, FILTER_NULL))
            return refuse(p,
                          "{{%.60s|null}} stands where no value of JSON can (leave out the quotes "
                          "around it, or give default:TEXT)",
                          name_of(p, part));
    }
    return true;
}

bool place_columns_of(struct template *t, enum template_use use, const struct template_names *names,
                      char *message)
{
    const struct placer p = {.t = t, .names = names, .message = message};
    message[0] = '\0';
    place_all(t, PLACE_FREE);
    if (template_is_constant(t))
        return judge_constant(&p, use);
    return place_any(&p, use) && refuse_misplaced_nulls(&p, use);
}
