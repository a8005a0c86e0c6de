/* Letters as protocols know them: ASCII, whatever locale the host program has set. The C library's
 * own functions go by that; in a Turkish one "I" is no capital "i". */
#ifndef RINGSEND_BASE_ASCII_H
#define RINGSEND_BASE_ASCII_H

#include <stdbool.h>
#include <stddef.h>

static inline char ascii_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

static inline bool ascii_equal_nocase(const char *a, const char *b, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        if (ascii_lower(a[i]) != ascii_lower(b[i]))
            return false;
    return true;
}

#endif
