#include "base/json_put.h"

#include "base/text.h"

/* The letter of a short escape, 0 for bytes that have none. */
static char short_escape(unsigned char byte)
{
    switch (byte) {
    case '"':
    case '\\':
        return (char)byte;
    case '\b':
        return 'b';
    case '\f':
        return 'f';
    case '\n':
        return 'n';
    case '\r':
        return 'r';
    case '\t':
        return 't';
    default:
        return 0;
    }
}

struct measure measure_text(struct ringsend_bytes text)
{
    struct measure m = {.text_bytes = text.bytes};
    size_t at = 0, extra = 0;
    for (;;) {
        at += text_plain_bytes(text.data + at, text.bytes - at);
        if (at == text.bytes)
            break;
        unsigned char byte = (unsigned char)text.data[at];
        unsigned length = text_utf8_bytes(text.data + at, text.bytes - at);
        if (length == 0)
            break;
        if (length == 1)
            extra += short_escape(byte) ? 1 : 5;
        at += length;
    }
    m.valid_bytes = at;
    m.json_bytes = at + extra;
    return m;
}

char *put_text(char *to, struct ringsend_bytes text, struct measure m)
{
    static const char hex[] = "0123456789abcdef";
    const char *at = text.data, *end = at + m.valid_bytes;
    if (m.json_bytes == m.valid_bytes)
        return put(to, (struct ringsend_bytes){at, m.valid_bytes});
    while (at < end) {
        size_t plain = text_plain_bytes(at, (size_t)(end - at));
        to = put(to, (struct ringsend_bytes){at, plain});
        at += plain;
        if (at == end)
            break;
        unsigned char byte = (unsigned char)*at++;
        if (byte >= 0x80) {
            *to++ = (char)byte;
            continue;
        }
        *to++ = '\\';
        char letter = short_escape(byte);
        if (letter) {
            *to++ = letter;
        } else {
            to = put(to, SPAN("u00"));
            *to++ = hex[byte >> 4];
            *to++ = hex[byte & 15];
        }
    }
    return to;
}

char *put_quoted(char *to, struct ringsend_bytes text)
{
    *to++ = '"';
    while (text.bytes > 0) {
        struct measure m = measure_text(text);
        to = put_text(to, text, m);
        text.data += m.valid_bytes;
        text.bytes -= m.valid_bytes;
        if (text.bytes > 0) {
            to = put(to, SPAN("\xef\xbf\xbd"));
            text.data++;
            text.bytes--;
        }
    }
    *to++ = '"';
    return to;
}

char *put_quoted_header(char *to, struct ringsend_bytes value)
{
    if (value.bytes == 0 || measure_text(value).valid_bytes == value.bytes)
        return put_quoted(to, value);
    *to++ = '"';
    for (size_t i = 0; i < value.bytes; i++) {
        unsigned char byte = (unsigned char)value.data[i];
        if (byte >= 0x80) {
            *to++ = (char)(0xc0 | byte >> 6);
            *to++ = (char)(0x80 | (byte & 0x3f));
        } else {
            struct ringsend_bytes one = {value.data + i, 1};
            to = put_text(to, one, measure_text(one));
        }
    }
    *to++ = '"';
    return to;
}

bool json_append_string(struct ringsend_bytes text, struct buf_pool *pool, struct buf *out)
{
    if (!buf_reserve(pool, out, QUOTED_BYTES(text.bytes)))
        return false;
    out->bytes = (size_t)(put_quoted(out->data + out->bytes, text) - out->data);
    return true;
}
