#include "base/whole_file.h"

#include "base/time.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A FIFO without a writer is opened all the same (POSIX open, O_NONBLOCK), and shows one that has
 * come, written or gone. Whoever makes one and starts its writer beside us has so long. */
#define WRITER_MAX_NS (5 * NS_PER_S)

enum { FIRST_BYTES = 1 << 16, TICK_MS = 20 };

/* One that has come may be silent for as long as it likes: somebody may be typing a password. It is
 * there when a read would wait for it; what such a read gets instead is kept. Returns so many. */
static ssize_t await_writer(int fd, char *first)
{
    uint64_t until_ns = clock_monotonic_ns() + WRITER_MAX_NS;
    while (clock_monotonic_ns() < until_ns) {
        struct pollfd about = {.fd = fd, .events = POLLIN};
        if (poll(&about, 1, TICK_MS) < 0 && errno != EINTR)
            return -1;
        if (about.revents)
            return 0;
        ssize_t bytes = read(fd, first, 1);
        if (bytes != 0)
            return bytes < 0 && errno == EAGAIN ? 0 : bytes;
    }
    errno = ETIMEDOUT;
    return -1;
}

static FILE *open_fifo(const char *path)
{
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return NULL;
    char first;
    ssize_t bytes = await_writer(fd, &first);
    FILE *file = bytes >= 0 && fcntl(fd, F_SETFL, 0) == 0 ? fdopen(fd, "rbe") : NULL;
    int error = errno;
    if (!file)
        close(fd);
    else if (bytes > 0)
        ungetc((unsigned char)first, file);
    errno = error;
    return file;
}

static FILE *open_any(const char *path)
{
    struct stat about;
    bool is_fifo = stat(path, &about) == 0 && S_ISFIFO(about.st_mode);
    return is_fifo ? open_fifo(path) : fopen(path, "rbe");
}

char *whole_file_read(const char *path, size_t bytes_max, size_t *bytes)
{
    FILE *file = open_any(path);
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

const char *whole_file_fault(int error)
{
    return error == ETIMEDOUT ? "it is a FIFO that nobody writes to" : strerror(error);
}
