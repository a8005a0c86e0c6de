/* What JSON strings are made of: plain ASCII runs, found eight bytes at a time, and UTF-8. Never
 * reads beyond the bytes it was given. */
#ifndef RINGSEND_BASE_TEXT_H
#define RINGSEND_BASE_TEXT_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define TEXT_EACH_BYTE(byte) (0x0101010101010101u * (uint64_t)(byte))

/* How many bytes at the start stand for themselves in a JSON string: ASCII from space on, without
 * quote and backslash.
 *
 * The subtractions set a byte's top bit when it is below 0x20, equal to '"' or equal to '\'. A
 * borrow may set it wrongly in a byte above a true hit, never below; the lowest hit is what
 * counts. */
static inline size_t text_plain_bytes(const char *text, size_t bytes)
{
    const uint64_t top = TEXT_EACH_BYTE(0x80);
    size_t at = 0;
    for (; bytes - at >= 8; at += 8) {
        uint64_t word;
        memcpy(&word, text + at, 8);
        word = le64toh(word);
        uint64_t quote = word ^ TEXT_EACH_BYTE('"');
        uint64_t backslash = word ^ TEXT_EACH_BYTE('\\');
        uint64_t hits = (word - TEXT_EACH_BYTE(0x20)) & ~word;
        hits |= (quote - TEXT_EACH_BYTE(1)) & ~quote;
        hits |= (backslash - TEXT_EACH_BYTE(1)) & ~backslash;
        hits = (hits | word) & top;
        if (hits)
            return at + (size_t)(__builtin_ctzll(hits) >> 3);
    }
    for (; at < bytes; at++) {
        unsigned char byte = (unsigned char)text[at];
        if (byte < 0x20 || byte >= 0x80 || byte == '"' || byte == '\\')
            break;
    }
    return at;
}

/* A letter, a digit or one of -._~ (RFC 3986 2.3): means nothing but itself, in any part of a URL.
 */
static inline bool text_is_unreserved(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

/* Length of the well-formed UTF-8 sequence at the start (Unicode table 3-7: no overlongs, no
 * surrogates, nothing above U+10FFFF), 0 when there is none. bytes > 0. */
static inline unsigned text_utf8_bytes(const char *text, size_t bytes)
{
    const unsigned char *at = (const unsigned char *)text;
    unsigned lead = at[0];
    if (lead < 0x80)
        return 1;
    if (lead < 0xc2 || lead > 0xf4)
        return 0;
    unsigned length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    if (bytes < length)
        return 0;
    unsigned low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    unsigned high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    if (at[1] < low || at[1] > high)
        return 0;
    for (unsigned i = 2; i < length; i++) {
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    }
    return length;
}

#endif
