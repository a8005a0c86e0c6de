#include "serve/filler.h"

#include <string.h>

enum { LINE_BYTES = 16 };

static void write_line(uint64_t at, char line[LINE_BYTES])
{
    for (int i = LINE_BYTES - 2; i >= 0; i--, at >>= 4)
        line[i] = "0123456789abcdef"[at & 15];
    line[LINE_BYTES - 1] = '\n';
}

void filler_write(uint64_t at, char *out, size_t bytes)
{
    while (bytes > 0) {
        char line[LINE_BYTES];
        size_t from = at % LINE_BYTES;
        size_t part = LINE_BYTES - from < bytes ? LINE_BYTES - from : bytes;
        write_line(at - from, line);
        memcpy(out, line + from, part);
        out += part;
        at += part;
        bytes -= part;
    }
}
