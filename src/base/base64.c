#include "base/base64.h"

char *base64_encode(struct ringsend_bytes bytes, char *to)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *at = (const unsigned char *)bytes.data;
    size_t left = bytes.bytes;
    for (; left > 0; at += 3, left -= left < 3 ? left : 3) {
        unsigned bits =
            (unsigned)at[0] << 16 | (left > 1 ? (unsigned)at[1] << 8 : 0) | (left > 2 ? at[2] : 0u);
        *to++ = alphabet[bits >> 18];
        *to++ = alphabet[bits >> 12 & 63];
        *to++ = left > 1 ? alphabet[bits >> 6 & 63] : '=';
        *to++ = left > 2 ? alphabet[bits & 63] : '=';
        if (left <= 3)
            break;
    }
    return to;
}

static int base64_value(char c)
{
    return c >= 'A' && c <= 'Z'   ? c - 'A'
           : c >= 'a' && c <= 'z' ? c - 'a' + 26
           : c >= '0' && c <= '9' ? c - '0' + 52
           : c == '+'             ? 62
           : c == '/'             ? 63
                                  : -1;
}

bool base64_decode(struct ringsend_bytes text, char *out, size_t *out_bytes)
{
    if (text.bytes % 4 != 0)
        return false;
    size_t padding = 0;
    while (padding < 2 && padding < text.bytes && text.data[text.bytes - 1 - padding] == '=')
        padding++;
    size_t written = 0;
    unsigned bits = 0, bits_count = 0;
    for (size_t i = 0; i < text.bytes - padding; i++) {
        int value = base64_value(text.data[i]);
        if (value < 0)
            return false;
        bits = bits << 6 | (unsigned)value;
        bits_count += 6;
        if (bits_count >= 8) {
            bits_count -= 8;
            out[written++] = (char)(bits >> bits_count);
            bits &= (1u << bits_count) - 1;
        }
    }
    *out_bytes = written;
    return bits == 0;
}
