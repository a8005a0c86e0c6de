#include "base/whole_file.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

enum { FIRST_BYTES = 1 << 16 };

char *whole_file_read(const char *path, size_t bytes_max, size_t *bytes)
{
    FILE *file = fopen(path, "rbe");
    char *text = NULL;
    size_t room = 0, filled = 0;
    while (file && !feof(file) && !ferror(file)) {
        if (filled == room) {
            if (room >= bytes_max) {
                errno = EFBIG;
                break;
            }
            room = room ? 2 * room : FIRST_BYTES;
            char *more = realloc(text, room);
            if (!more)
                break;
            text = more;
        }
        filled += fread(text + filled, 1, room - filled, file);
    }
    bool read = text && feof(file) && !ferror(file);
    int error = errno;
    if (file)
        fclose(file);
    if (!read) {
        free(text);
        errno = error;
        return NULL;
    }
    *bytes = filled;
    text[filled] = '\0'; /* its end was met by a read that had room for more */
    return text;
}
