#include "http/head.h"

#include "base/check.h"
#include "http/coding.h"
#include "http/fields.h"

/* Two passes over the same fields. head_check decides: it refuses, notes which of our own lines the
 * user has replaced, and adds up the exact size, so that the engine can take one buffer of that
 * size. head_write only copies, and checks at the end that both agree.
 *
 * Lines are written in this order: request line, Host, User-Agent, Accept, Accept-Encoding (each
 * unless the user gave it), the user's fields as given, Content-Length or Transfer-Encoding.
 * Content-Length is the one field that is always ours: a user's is compared with the truth and then
 * left out. */

#define AGENT_LINE "User-Agent: ringsend/" RINGSEND_VERSION "\r\n"
#define ACCEPT_LINE "Accept: */*\r\n"
#define ENCODING_LINE "Accept-Encoding: " CODING_ACCEPT "\r\n"
#define HOST_NAME "Host: "
#define CHUNKED_LINE "Transfer-Encoding: chunked\r\n"
#define LENGTH_NAME "Content-Length: "
#define VERSION_END " HTTP/1.1\r\n"

/* Fields that have a meaning for us. */
enum field_kind {
    FIELD_OTHER,
    FIELD_HOST,
    FIELD_AGENT,
    FIELD_ACCEPT,
    FIELD_ENCODING,
    FIELD_LENGTH,
    FIELD_CONNECTION,
    FIELD_CODING,
    FIELD_UPGRADE,
    FIELD_TE,
    FIELD_TRAILER,
    FIELD_EXPECT,
    FIELD_KEEP_ALIVE,
    FIELD_PROXY
};

static const struct {
    struct ringsend_bytes name;
    enum field_kind kind;
} field_names[] = {
    {{"host", 4}, FIELD_HOST},
    {{"user-agent", 10}, FIELD_AGENT},
    {{"accept", 6}, FIELD_ACCEPT},
    {{"accept-encoding", 15}, FIELD_ENCODING},
    {{"content-length", 14}, FIELD_LENGTH},
    {{"connection", 10}, FIELD_CONNECTION},
    {{"transfer-encoding", 17}, FIELD_CODING},
    {{"upgrade", 7}, FIELD_UPGRADE},
    {{"te", 2}, FIELD_TE},
    {{"trailer", 7}, FIELD_TRAILER},
    {{"expect", 6}, FIELD_EXPECT},
    {{"keep-alive", 10}, FIELD_KEEP_ALIVE},
    {{"proxy-connection", 16}, FIELD_PROXY},
};

/* tchar of RFC 9110 5.6.2. */
static const bool token_chars[256] = {
    ['!'] = 1, ['#'] = 1, ['$'] = 1, ['%'] = 1,         ['&'] = 1,         ['\''] = 1,
    ['*'] = 1, ['+'] = 1, ['-'] = 1, ['.'] = 1,         ['^'] = 1,         ['_'] = 1,
    ['`'] = 1, ['|'] = 1, ['~'] = 1, ['0' ... '9'] = 1, ['A' ... 'Z'] = 1, ['a' ... 'z'] = 1,
};

static bool is_token(struct ringsend_bytes s)
{
    for (size_t i = 0; i < s.bytes; i++) {
        if (!token_chars[(unsigned char)s.data[i]])
            return false;
    }
    return s.bytes > 0;
}

/* No control character but tab; bytes over 0x7f are obs-text and allowed (RFC 9110 5.5). */
static bool is_field_value(struct ringsend_bytes s)
{
    for (size_t i = 0; i < s.bytes; i++) {
        unsigned char c = (unsigned char)s.data[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

static enum field_kind kind_of(struct ringsend_bytes name)
{
    for (size_t i = 0; i < sizeof field_names / sizeof field_names[0]; i++) {
        /* The first letter decides most cases without a call. */
        if (name.bytes == field_names[i].name.bytes &&
            (name.data[0] | 0x20) == field_names[i].name.data[0] &&
            span_equal_nocase(name, field_names[i].name))
            return field_names[i].kind;
    }
    return FIELD_OTHER;
}

static const char *check_host(struct head *head, struct ringsend_bytes value)
{
    if (head->own_host)
        return "Host is given twice";
    head->own_host = true;
    for (size_t i = 0; i < value.bytes; i++) {
        char c = value.data[i];
        if (!is_letter(c) && !is_digit(c) && !strchr("-._:[]", c))
            return "Host is not a host name with an optional port";
    }
    return value.bytes > 0 ? NULL : "Host is empty";
}

static const char *check_length(struct head *head, struct ringsend_bytes value)
{
    uint64_t length;
    if (head->own_length)
        return "Content-Length is given twice";
    head->own_length = true;
    if (head->chunked)
        return "Content-Length cannot be set: the body's length is not known beforehand";
    if (!span_decimal(value, UINT64_MAX / 16, &length) || length != head->body_bytes)
        return "Content-Length is not the length of the body";
    return NULL;
}

static const char *check_connection(struct head *head, struct ringsend_bytes value)
{
    if (head->own_connection)
        return "Connection is given twice";
    head->own_connection = true;
    head->close = span_equal_nocase(value, SPAN("close"));
    if (!head->close && !span_equal_nocase(value, SPAN("keep-alive")))
        return "Connection may be close or keep-alive only";
    return NULL;
}

/* Null when the field may be sent, else why not. */
static const char *check_field(struct head *head, const struct ringsend_header *field)
{
    if (!is_token(field->name))
        return "a header name is empty or holds a character that names may not hold";
    if (!is_field_value(field->value))
        return "a header value holds a control character (CR, LF and NUL cannot be sent)";
    struct ringsend_bytes value = span_trim(field->value);
    switch (kind_of(field->name)) {
    case FIELD_OTHER:
        return NULL;
    case FIELD_HOST:
        return check_host(head, value);
    case FIELD_AGENT:
        head->own_agent = true;
        return NULL;
    case FIELD_ACCEPT:
        head->own_accept = true;
        return NULL;
    case FIELD_ENCODING:
        head->own_encoding = true;
        return NULL;
    case FIELD_LENGTH:
        return check_length(head, value);
    case FIELD_CONNECTION:
        return check_connection(head, value);
    case FIELD_CODING:
        return "Transfer-Encoding cannot be set: how a body is framed is ours to say";
    case FIELD_UPGRADE:
        return "Upgrade cannot be set: only HTTP/1.1 is spoken";
    case FIELD_TE:
        return "TE cannot be set: no transfer coding but chunked is understood";
    case FIELD_TRAILER:
        return "Trailer cannot be set: no trailers are sent";
    case FIELD_EXPECT:
        return "Expect cannot be set: the body follows its head at once";
    case FIELD_KEEP_ALIVE:
        return "Keep-Alive cannot be set: connections are kept as the options say";
    case FIELD_PROXY:
        return "Proxy-Connection cannot be set: there is no proxy";
    }
    UNREACHABLE("field kind");
}

/* A body of no bytes is announced where a server would else expect one (RFC 9110 8.6). */
static bool sends_length(const struct head *head)
{
    if (head->chunked)
        return false;
    return head->has_body || head->own_length || span_equal(head->method, SPAN("POST")) ||
           span_equal(head->method, SPAN("PUT")) || span_equal(head->method, SPAN("PATCH"));
}

static bool sends_encoding(const struct head *head)
{
    return head->accepts_codings && !head->own_encoding;
}

static size_t decimal_bytes(uint64_t value)
{
    size_t digits = 1;
    while (value >= 10) {
        value /= 10;
        digits++;
    }
    return digits;
}

enum ringsend_error head_check(struct head *head, const char **detail)
{
    CHECK(head->has_body || head->body_bytes == 0);
    head->absolute = false;
    head->proxy_fields = (struct ringsend_bytes){0};
    head->close = head->own_host = head->own_agent = head->own_accept = false;
    head->own_encoding = head->own_length = head->own_connection = false;
    if (!is_token(head->method)) {
        *detail = "the method is empty or holds a character that methods may not hold";
        return RINGSEND_E_BAD_METHOD;
    }
    if (span_equal_nocase(head->method, SPAN("CONNECT"))) {
        *detail = "CONNECT asks for a tunnel, which is not supported";
        return RINGSEND_E_BAD_METHOD;
    }

    size_t fields_bytes = 0;
    for (size_t i = 0; i < head->fields_count; i++) {
        const struct ringsend_header *field = &head->fields[i];
        bool had_length = head->own_length;
        const char *why = check_field(head, field);
        if (why) {
            *detail = why;
            return RINGSEND_E_BAD_HEADER;
        }
        if (head->own_length == had_length)
            fields_bytes += field->name.bytes + 2 + field->value.bytes + 2;
    }

    head->bytes = head->method.bytes + 1 + (head->url.target_needs_slash ? 1 : 0) +
                  head->url.target.bytes + SPAN(VERSION_END).bytes + fields_bytes + 2;
    if (!head->own_host)
        head->bytes += SPAN(HOST_NAME).bytes + head->url.authority.bytes + 2;
    if (!head->own_agent)
        head->bytes += SPAN(AGENT_LINE).bytes;
    if (!head->own_accept)
        head->bytes += SPAN(ACCEPT_LINE).bytes;
    if (sends_encoding(head))
        head->bytes += SPAN(ENCODING_LINE).bytes;
    if (head->chunked)
        head->bytes += SPAN(CHUNKED_LINE).bytes;
    if (sends_length(head))
        head->bytes += SPAN(LENGTH_NAME).bytes + decimal_bytes(head->body_bytes) + 2;
    return RINGSEND_OK;
}

void head_by_proxy(struct head *head, struct ringsend_bytes proxy_fields)
{
    CHECK(!head->absolute && head->bytes > 0);
    head->absolute = true;
    head->proxy_fields = proxy_fields;
    head->bytes += SPAN("http://").bytes + head->url.authority.bytes + proxy_fields.bytes;
}

static char *put(char *out, struct ringsend_bytes s)
{
    if (s.bytes > 0)
        memcpy(out, s.data, s.bytes);
    return out + s.bytes;
}

static char *put_decimal(char *out, uint64_t value)
{
    char *end = out + decimal_bytes(value);
    for (char *digit = end; digit > out; value /= 10)
        *--digit = (char)('0' + value % 10);
    return end;
}

void head_write(const struct head *head, char *out)
{
    const char *begin = out;
    out = put(out, head->method);
    out = put(out, SPAN(" "));
    if (head->absolute) {
        out = put(out, SPAN("http://"));
        out = put(out, head->url.authority);
    }
    if (head->url.target_needs_slash)
        out = put(out, SPAN("/"));
    out = put(out, head->url.target);
    out = put(out, SPAN(VERSION_END));
    if (!head->own_host) {
        out = put(out, SPAN(HOST_NAME));
        out = put(out, head->url.authority);
        out = put(out, SPAN("\r\n"));
    }
    if (!head->own_agent)
        out = put(out, SPAN(AGENT_LINE));
    if (!head->own_accept)
        out = put(out, SPAN(ACCEPT_LINE));
    if (sends_encoding(head))
        out = put(out, SPAN(ENCODING_LINE));
    out = put(out, head->proxy_fields);
    for (size_t i = 0; i < head->fields_count; i++) {
        const struct ringsend_header *field = &head->fields[i];
        if (head->own_length && kind_of(field->name) == FIELD_LENGTH)
            continue;
        out = put(out, field->name);
        out = put(out, SPAN(": "));
        out = put(out, field->value);
        out = put(out, SPAN("\r\n"));
    }
    if (head->chunked)
        out = put(out, SPAN(CHUNKED_LINE));
    if (sends_length(head)) {
        out = put(out, SPAN(LENGTH_NAME));
        out = put_decimal(out, head->body_bytes);
        out = put(out, SPAN("\r\n"));
    }
    out = put(out, SPAN("\r\n"));
    CHECK((size_t)(out - begin) == head->bytes);
}

bool head_method_is_idempotent(struct ringsend_bytes method)
{
    static const struct ringsend_bytes idempotent[] = {{"GET", 3},    {"HEAD", 4},    {"PUT", 3},
                                                       {"DELETE", 6}, {"OPTIONS", 7}, {"TRACE", 5}};
    for (size_t i = 0; i < sizeof idempotent / sizeof idempotent[0]; i++) {
        if (span_equal(method, idempotent[i]))
            return true;
    }
    return false;
}
