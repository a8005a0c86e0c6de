#include "records/encoding.h"

#include <stdint.h>

/* From 0x80 on, as the WHATWG's encoding standard has it: the five bytes that mean nothing are the
 * control characters of Latin-1. */
static const uint16_t windows_1252[32] = {
    0x20ac, 0x0081, 0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160,
    0x2039, 0x0152, 0x008d, 0x017d, 0x008f, 0x0090, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022,
    0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0x009d, 0x017e, 0x0178};

/* At most three bytes. */
static char *put_utf8(char *to, uint16_t character)
{
    if (character < 0x800) {
        *to++ = (char)(0xc0 | character >> 6);
    } else {
        *to++ = (char)(0xe0 | character >> 12);
        *to++ = (char)(0x80 | (character >> 6 & 0x3f));
    }
    *to++ = (char)(0x80 | (character & 0x3f));
    return to;
}

bool encoding_append(enum encoding encoding, struct ringsend_bytes text, struct buf_pool *pool,
                     struct buf *out)
{
    if (encoding == ENCODING_UTF8)
        return buf_append(pool, out, text.data, text.bytes);
    if (!buf_reserve(pool, out, 3 * text.bytes))
        return false;
    char *to = out->data + out->bytes;
    for (size_t i = 0; i < text.bytes; i++) {
        unsigned char byte = (unsigned char)text.data[i];
        bool is_other = encoding == ENCODING_WINDOWS_1252 && byte >= 0x80 && byte < 0xa0;
        if (byte < 0x80)
            *to++ = (char)byte;
        else
            to = put_utf8(to, is_other ? windows_1252[byte - 0x80] : byte);
    }
    if (text.bytes > 0)
        out->bytes = (size_t)(to - out->data);
    return true;
}
