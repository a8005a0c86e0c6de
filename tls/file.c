/* Reads certificate and key files. They are few and small, and are read before any connection is
 * made, so plain blocking reads do. Whatever was read may be a key: it is wiped, not just freed. */
#include "tls/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool message_fail(struct message m, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    if (m.room > 0)
        vsnprintf(m.text, m.room, format, arguments);
    va_end(arguments);
    return false;
}

void bytes_wipe(struct bytes *b)
{
    if (b->data)
        explicit_bzero(b->data, b->bytes);
    free(b->data);
    *b = (struct bytes){0};
}

static bool read_all(int fd, uint8_t *data, size_t bytes)
{
    size_t at = 0;
    while (at < bytes) {
        ssize_t n = read(fd, data + at, bytes - at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            errno = n < 0 ? errno : EIO; /* it shrank meanwhile */
            return false;
        }
        at += (size_t)n;
    }
    return true;
}

static bool read_open(int fd, const char *path, const char *what, struct bytes *content,
                      struct message message)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return message_fail(message, "%s %s: %s", what, path, strerror(errno));
    if (!S_ISREG(st.st_mode))
        return message_fail(message, "%s %s is not a regular file", what, path);
    if (st.st_size == 0 || st.st_size > FILE_BYTES_MAX)
        return message_fail(message, "%s %s is empty or larger than %d bytes", what, path,
                            FILE_BYTES_MAX);
    struct bytes b = {malloc((size_t)st.st_size), (size_t)st.st_size};
    if (!b.data)
        return message_fail(message, TLS_NO_MEMORY);
    if (!read_all(fd, b.data, b.bytes)) {
        message_fail(message, "%s %s: %s", what, path, strerror(errno));
        bytes_wipe(&b);
        return false;
    }
    *content = b;
    return true;
}

bool pem_file_read(const char *path, const char *what, struct bytes *content,
                   struct message message)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return message_fail(message, "%s %s: %s", what, path, strerror(errno));
    bool ok = read_open(fd, path, what, content, message);
    close(fd);
    return ok;
}
