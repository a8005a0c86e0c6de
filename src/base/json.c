/* How the reader moves. `at` is the only state besides the depth: each call first passes over white
 * space, then takes exactly what it was asked for, and leaves `at` behind it. On an error `at`
 * stays on the byte that is wrong.
 *
 * Commas are taken by json_member and json_element: before each member but the first, which `fresh`
 * tells apart. One flag is enough for all levels, since leaving a container makes it a value of its
 * parent, which then is not fresh either.
 *
 * json_skip goes through nested values without recursion: which of the open containers are objects
 * is a bit each. */
#include "base/json.h"

#include "base/check.h"
#include "base/limits.h"
#include "base/text.h"

#include <stdint.h>

_Static_assert(LIMIT_JSON_DEPTH <= LIMIT_JSON_DEPTH_LENIENT, "json_skip has a bit for each level");

static bool fail(struct json *j, const char *error)
{
    if (!j->error)
        j->error = error;
    return false;
}

static inline void pass_space(struct json *j)
{
    if (j->at < j->end && (unsigned char)*j->at > ' ')
        return;
    while (j->at < j->end && (*j->at == ' ' || *j->at == '\t' || *j->at == '\r' || *j->at == '\n'))
        j->at++;
}

/* The next byte that is not white space, -1 at the end. */
static inline int next_byte(struct json *j)
{
    pass_space(j);
    return j->at < j->end ? (unsigned char)*j->at : -1;
}

void json_init(struct json *j, struct ringsend_bytes text)
{
    *j = (struct json){.start = text.data, .at = text.data, .end = text.data + text.bytes};
}

void json_init_lenient(struct json *j, struct ringsend_bytes text)
{
    json_init(j, text);
    j->lenient = true;
    if (text.bytes >= 3 && memcmp(text.data, "\xef\xbb\xbf", 3) == 0)
        j->at += 3;
}

size_t json_column(const struct json *j)
{
    return (size_t)(j->at - j->start) + 1;
}

static const unsigned char kinds[256] = {
    ['{'] = JSON_OBJECT, ['['] = JSON_ARRAY, ['"'] = JSON_STRING,         ['t'] = JSON_TRUE,
    ['f'] = JSON_FALSE,  ['n'] = JSON_NULL,  ['0' ... '9'] = JSON_NUMBER, ['-'] = JSON_NUMBER,
};

/* NaN, Infinity, -Infinity: how many bytes one of them has that stands here; 0: none does. */
static size_t no_number_bytes(const struct json *j)
{
    static const struct ringsend_bytes words[] = {{"NaN", 3}, {"Infinity", 8}, {"-Infinity", 9}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if ((size_t)(j->end - j->at) >= words[i].bytes &&
            memcmp(j->at, words[i].data, words[i].bytes) == 0)
            return words[i].bytes;
    return 0;
}

static inline enum json_kind peek(struct json *j)
{
    if (j->error)
        return JSON_NONE;
    int byte = next_byte(j);
    if (j->lenient && (byte == 'N' || byte == 'I' || byte == '-') && no_number_bytes(j) > 0)
        return JSON_NULL;
    return byte < 0 ? JSON_NONE : (enum json_kind)kinds[byte];
}

enum json_kind json_peek(struct json *j)
{
    return peek(j);
}

static bool enter(struct json *j)
{
    if (j->depth == LIMIT_JSON_DEPTH && !j->lenient)
        return fail(j, "nested more than 64 levels deep");
    if (j->depth == LIMIT_JSON_DEPTH_LENIENT)
        return fail(j, "nested more than 10000 levels deep");
    j->depth++;
    j->at++;
    j->fresh = true;
    return true;
}

static bool leave(struct json *j)
{
    CHECK(j->depth > 0);
    j->depth--;
    j->at++;
    j->fresh = false;
    return false;
}

bool json_object(struct json *j)
{
    if (peek(j) != JSON_OBJECT)
        return fail(j, "expected an object");
    return enter(j);
}

bool json_array(struct json *j)
{
    if (peek(j) != JSON_ARRAY)
        return fail(j, "expected an array");
    return enter(j);
}

bool json_member(struct json *j, struct json_string *key)
{
    if (j->error)
        return false;
    int byte = next_byte(j);
    if (byte == '}')
        return leave(j);
    if (!j->fresh) {
        if (byte != ',')
            return fail(j, "expected ',' or '}'");
        j->at++;
        byte = next_byte(j);
    }
    if (byte != '"')
        return fail(j, "expected a key in double quotes");
    j->fresh = false;
    if (!json_string(j, key))
        return false;
    if (next_byte(j) != ':')
        return fail(j, "expected ':' after the key");
    j->at++;
    return true;
}

bool json_element(struct json *j)
{
    if (j->error)
        return false;
    int byte = next_byte(j);
    if (byte == ']')
        return leave(j);
    if (!j->fresh) {
        if (byte != ',')
            return fail(j, "expected ',' or ']'");
        j->at++;
        if (next_byte(j) == ']')
            return fail(j, "expected a value after ','");
    }
    j->fresh = false;
    return true;
}

/* Four hexadecimal digits; -1 when they are not. */
static int hex4(const char *at, const char *end)
{
    if (end - at < 4)
        return -1;
    int value = 0;
    for (int i = 0; i < 4; i++) {
        char c = at[i];
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0)
            return -1;
        value = value << 4 | digit;
    }
    return value;
}

/* j->at is on a backslash. */
static bool pass_escape(struct json *j)
{
    const char *at = j->at + 1;
    if (at == j->end)
        return fail(j, "the string does not end");
    if (*at != 'u') {
        if (!memchr("\"\\/bfnrt", *at, 8))
            return fail(j, "unknown escape in a string");
        j->at = at + 1;
        return true;
    }
    int unit = hex4(at + 1, j->end);
    if (unit < 0)
        return fail(j, "\\u needs four hexadecimal digits");
    at += 5;
    if (unit >= 0xd800 && unit <= 0xdfff) {
        int low = unit <= 0xdbff && j->end - at >= 2 && at[0] == '\\' && at[1] == 'u'
                      ? hex4(at + 2, j->end)
                      : -1;
        bool whole = low >= 0xdc00 && low <= 0xdfff;
        if (!whole && !j->lenient)
            return fail(j, "\\u surrogate without its other half");
        at += whole ? 6 : 0;
    }
    j->at = at;
    return true;
}

bool json_string(struct json *j, struct json_string *string)
{
    if (peek(j) != JSON_STRING)
        return fail(j, "expected a string");
    const char *start = ++j->at;
    bool escaped = false;
    for (;;) {
        j->at += text_plain_bytes(j->at, (size_t)(j->end - j->at));
        if (j->at == j->end)
            return fail(j, "the string does not end");
        unsigned char byte = (unsigned char)*j->at;
        if (byte == '"')
            break;
        if (byte == '\\') {
            escaped = true;
            if (!pass_escape(j))
                return false;
        } else if (j->lenient) {
            j->at++;
        } else if (byte < 0x20) {
            return fail(j, "control character in a string (write it as an escape)");
        } else {
            unsigned length = text_utf8_bytes(j->at, (size_t)(j->end - j->at));
            if (length == 0)
                return fail(j, "invalid UTF-8");
            j->at += length;
        }
    }
    *string = (struct json_string){{start, (size_t)(j->at - start)}, escaped};
    j->at++;
    return true;
}

/* Returns false, without an error, when there is not even one digit. */
static bool pass_digits(struct json *j)
{
    const char *start = j->at;
    while (j->at < j->end && *j->at >= '0' && *j->at <= '9')
        j->at++;
    return j->at > start;
}

bool json_number(struct json *j, struct ringsend_bytes *number)
{
    if (peek(j) != JSON_NUMBER)
        return fail(j, "expected a number");
    const char *start = j->at;
    if (*j->at == '-')
        j->at++;
    if (j->at < j->end && *j->at == '0') {
        j->at++;
        if (j->at < j->end && *j->at >= '0' && *j->at <= '9')
            return fail(j, "a number cannot start with 0");
    } else if (!pass_digits(j)) {
        return fail(j, "expected a digit");
    }
    if (j->at < j->end && *j->at == '.') {
        j->at++;
        if (!pass_digits(j))
            return fail(j, "expected a digit after the decimal point");
    }
    if (j->at < j->end && (*j->at == 'e' || *j->at == 'E')) {
        j->at++;
        if (j->at < j->end && (*j->at == '+' || *j->at == '-'))
            j->at++;
        if (!pass_digits(j))
            return fail(j, "expected a digit in the exponent");
    }
    *number = (struct ringsend_bytes){start, (size_t)(j->at - start)};
    return true;
}

static bool pass_word(struct json *j, struct ringsend_bytes word)
{
    if ((size_t)(j->end - j->at) < word.bytes || memcmp(j->at, word.data, word.bytes) != 0)
        return fail(j, "expected true, false or null");
    j->at += word.bytes;
    return true;
}

/* Takes a scalar, or enters a container. */
static bool begin_value(struct json *j)
{
    struct json_string string;
    struct ringsend_bytes number;
    switch (peek(j)) {
    case JSON_OBJECT:
    case JSON_ARRAY:
        return enter(j);
    case JSON_STRING:
        return json_string(j, &string);
    case JSON_NUMBER:
        return json_number(j, &number);
    case JSON_TRUE:
        return pass_word(j, SPAN("true"));
    case JSON_FALSE:
        return pass_word(j, SPAN("false"));
    case JSON_NULL:
        if (*j->at != 'n') { /* lenient */
            j->at += no_number_bytes(j);
            return true;
        }
        return pass_word(j, SPAN("null"));
    case JSON_NONE:
        return fail(j,
                    j->at == j->end ? "the text ends where a value should be" : "expected a value");
    }
    UNREACHABLE("json kind");
}

bool json_skip(struct json *j, struct ringsend_bytes *raw)
{
    unsigned outer_depth = j->depth;
    /* Bit (depth - 1) is set exactly when that open container is an object. Written when it is
     * entered. */
    uint64_t objects[LIMIT_JSON_DEPTH_LENIENT / 64 + 1];
    objects[outer_depth / 64] = 0;
    bool is_object = peek(j) == JSON_OBJECT;
    const char *start = j->at;
    while (begin_value(j)) {
        if (j->depth > outer_depth && j->fresh) {
            uint64_t *word = &objects[(j->depth - 1) / 64],
                     bit = (uint64_t)1 << (j->depth - 1) % 64;
            if (bit == 1)
                *word = 0;
            *word = is_object ? *word | bit : *word & ~bit;
        }
        bool more = false;
        while (!more && !j->error && j->depth > outer_depth) {
            struct json_string key;
            unsigned level = j->depth - 1;
            more = objects[level / 64] >> level % 64 & 1 ? json_member(j, &key) : json_element(j);
        }
        if (j->error)
            return false;
        if (!more) {
            if (raw)
                *raw = (struct ringsend_bytes){start, (size_t)(j->at - start)};
            return true;
        }
        is_object = peek(j) == JSON_OBJECT;
    }
    return false;
}

bool json_end(struct json *j)
{
    if (j->error)
        return false;
    return next_byte(j) == -1 || fail(j, "something follows the value");
}

static size_t encode_utf8(unsigned code, char *out)
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (char)(0xc0 | code >> 6);
        out[1] = (char)(0x80 | (code & 0x3f));
        return 2;
    }
    if (code < 0x10000) {
        out[0] = (char)(0xe0 | code >> 12);
        out[1] = (char)(0x80 | (code >> 6 & 0x3f));
        out[2] = (char)(0x80 | (code & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | code >> 18);
    out[1] = (char)(0x80 | (code >> 12 & 0x3f));
    out[2] = (char)(0x80 | (code >> 6 & 0x3f));
    out[3] = (char)(0x80 | (code & 0x3f));
    return 4;
}

/* *at is on a checked escape's backslash, and is moved behind it. No escape is shorter than the
 * text it stands for: \u0000 is six bytes for at most three, a surrogate pair twelve for four. */
static size_t decode_escape(const char **at, const char *end, char *out)
{
    static const char letters[] = "\"\\/bfnrt", bytes[] = "\"\\/\b\f\n\r\t";
    const char *p = *at + 1;
    if (*p != 'u') {
        const char *letter = memchr(letters, *p, sizeof letters - 1);
        CHECK(letter);
        *out = bytes[letter - letters];
        *at = p + 1;
        return 1;
    }
    unsigned code = (unsigned)hex4(p + 1, end);
    p += 5;
    if (code >= 0xd800 && code <= 0xdfff) {
        int low =
            code <= 0xdbff && end - p >= 2 && p[0] == '\\' && p[1] == 'u' ? hex4(p + 2, end) : -1;
        bool whole = low >= 0xdc00 && low <= 0xdfff;
        code = whole ? 0x10000 + ((code - 0xd800) << 10) + ((unsigned)low - 0xdc00) : 0xfffd;
        p += whole ? 6 : 0;
    }
    *at = p;
    return encode_utf8(code, out);
}

size_t json_decode(struct json_string string, char *out)
{
    const char *at = string.raw.data, *end = at + string.raw.bytes;
    char *to = out;
    while (at < end) {
        const char *escape = memchr(at, '\\', (size_t)(end - at));
        size_t plain = (size_t)((escape ? escape : end) - at);
        memcpy(to, at, plain);
        to += plain;
        at += plain;
        if (at < end)
            to += decode_escape(&at, end, to);
    }
    return (size_t)(to - out);
}

bool json_text_next(struct json_text *t, struct ringsend_bytes *piece)
{
    if (t->at == t->end)
        return false;
    if (*t->at == '\\') {
        *piece = (struct ringsend_bytes){t->decoded, decode_escape(&t->at, t->end, t->decoded)};
        return true;
    }
    const char *escape = memchr(t->at, '\\', (size_t)(t->end - t->at));
    const char *stop = escape ? escape : t->end;
    *piece = (struct ringsend_bytes){t->at, (size_t)(stop - t->at)};
    t->at = stop;
    return true;
}
