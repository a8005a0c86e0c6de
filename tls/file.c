/* Reads certificate and key files. They are few and small, and are read before any connection is
 * made, so plain blocking reads do. Whatever was read may be a key: it is wiped, not just freed.
 *
 * A key often comes out of a vault by a FIFO or a shell's <(...), so nothing is asked of a file but
 * that it can be read to its end. */
#include "tls/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
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

void message_note(struct message m, const char *format, ...)
{
    va_list arguments;
    size_t used = m.room > 0 ? strlen(m.text) : 0;
    if (used > 0 && used + sizeof "; " < m.room) {
        memcpy(m.text + used, "; ", sizeof "; ");
        used += 2;
    }
    va_start(arguments, format);
    if (m.room > 0)
        vsnprintf(m.text + used, m.room - used, format, arguments);
    va_end(arguments);
}

void bytes_wipe(struct bytes *b)
{
    if (b->data)
        explicit_bzero(b->data, b->bytes);
    free(b->data);
    *b = (struct bytes){0};
}

void tls_file_wipe(struct tls_file *file)
{
    bytes_wipe(&file->content);
}

/* ---- Reading ---- */

/* What is being read. */
struct intake {
    struct bytes taken;
    size_t room;
};

/* Makes room for one byte at least, and leaves no copy behind. False: memory is out. */
static bool grow(struct intake *in, size_t wanted)
{
    size_t room = 2 * in->room > wanted ? 2 * in->room : wanted;
    struct bytes more = {malloc(room), in->taken.bytes};
    if (!more.data)
        return false;
    if (more.bytes > 0)
        memcpy(more.data, in->taken.data, more.bytes);
    bytes_wipe(&in->taken);
    *in = (struct intake){more, room};
    return true;
}

/* Up to the end, or a little more than FILE_BYTES_MAX in all. 0, or an errno. expected: how many
 * bytes there seem to be. One more fits behind them. */
static int read_all(int fd, size_t expected, struct intake *in)
{
    size_t wanted = in->taken.bytes + (expected < FILE_BYTES_MAX ? expected : FILE_BYTES_MAX) + 1;
    if (wanted > in->room && !grow(in, wanted))
        return ENOMEM;
    for (;;) {
        if (in->taken.bytes == in->room && !grow(in, in->room + 1))
            return ENOMEM;
        ssize_t n = read(fd, in->taken.data + in->taken.bytes, in->room - in->taken.bytes);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno;
        in->taken.bytes += (size_t)n;
        if (n == 0 || in->taken.bytes > FILE_BYTES_MAX)
            return 0;
    }
}

/* The descriptor that a path like /dev/fd/63 names, or -1. */
static int named_descriptor(const char *path)
{
    static const char *const places[] = {"/dev/fd/", "/proc/self/fd/"};
    if (strcmp(path, "/dev/stdin") == 0)
        return STDIN_FILENO;
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        size_t bytes = strlen(places[i]);
        if (strncmp(path, places[i], bytes) != 0)
            continue;
        char *end;
        unsigned long fd = strtoul(path + bytes, &end, 10);
        if (end != path + bytes && !*end && fd <= INT_MAX)
            return (int)fd;
    }
    return -1;
}

/* Opening an open descriptor by its name fails for sockets, which is what some shells make of
 * <(...), and for files that only who opened them may open: then it is read as it is. */
static int open_readable(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0)
        return fd;
    int error = errno, named = named_descriptor(path);
    if (named >= 0 && (error == ENXIO || error == EACCES))
        fd = fcntl(named, F_DUPFD_CLOEXEC, 0);
    if (fd < 0)
        errno = error;
    return fd;
}

static bool read_open(int fd, const char *path, const char *what, struct tls_file *file,
                      struct message message)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return message_fail(message, "%s %s: %s", what, path, strerror(errno));
    if (S_ISDIR(st.st_mode))
        return message_fail(message, "%s %s is a directory%s", what, path,
                            strcmp(what, "CA file") == 0 ? ": name it with $SSL_CERT_DIR" : "");
    file->is_regular = S_ISREG(st.st_mode);
    file->mode = st.st_mode & 07777;
    struct intake in = {.room = 0};
    int error = read_all(fd, file->is_regular ? (size_t)st.st_size : 4096, &in);
    file->content = in.taken;
    if (error == ENOMEM)
        return message_fail(message, TLS_NO_MEMORY);
    if (error)
        return message_fail(message, "%s %s: %s", what, path, strerror(error));
    if (file->content.bytes == 0 || file->content.bytes > FILE_BYTES_MAX)
        return message_fail(message, "%s %s is empty or larger than %d bytes", what, path,
                            FILE_BYTES_MAX);
    return true;
}

bool tls_file_read(const char *path, const char *what, struct tls_file *file,
                   struct message message)
{
    *file = (struct tls_file){.is_regular = false};
    int fd = open_readable(path);
    if (fd < 0)
        return message_fail(message, "%s %s: %s", what, path, strerror(errno));
    bool ok = read_open(fd, path, what, file, message);
    close(fd);
    return ok;
}

/* One entry: regular files alone, for a FIFO there would be waited for. What cannot be read is left
 * out: it may have been taken away a moment ago. */
static bool add_entry(int directory, const char *name, struct intake *all)
{
    struct stat st;
    if (fstatat(directory, name, &st, 0) < 0 || !S_ISREG(st.st_mode))
        return true;
    int fd = openat(directory, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return true;
    size_t before = all->taken.bytes;
    int error = read_all(fd, (size_t)st.st_size, all);
    close(fd);
    if (error == ENOMEM)
        return false;
    if (error || all->taken.bytes > FILE_BYTES_MAX)
        all->taken.bytes = before;
    else
        all->taken.data[all->taken.bytes++] = '\n';
    return true;
}

static bool add_directory(const char *path, struct intake *all)
{
    DIR *directory = opendir(path);
    if (!directory)
        return errno != ENOMEM;
    bool ok = true;
    for (const struct dirent *e; ok && (e = readdir(directory));) {
        if (e->d_name[0] != '.')
            ok = add_entry(dirfd(directory), e->d_name, all);
    }
    closedir(directory);
    return ok;
}

bool tls_file_read_directories(const char *paths, struct bytes *content)
{
    struct intake all = {.room = 0};
    bool ok = true;
    while (ok && *paths) {
        char path[PATH_MAX];
        size_t bytes = strcspn(paths, ":");
        if (bytes > 0 && bytes < sizeof path) {
            memcpy(path, paths, bytes);
            path[bytes] = 0;
            ok = add_directory(path, &all);
        }
        paths += bytes + (paths[bytes] == ':');
    }
    *content = all.taken;
    if (!ok)
        bytes_wipe(content);
    return ok;
}

/* ---- Names in commands ---- */

const char *tls_file_word(const char *path, const struct tls_file *file, char out[FILE_WORD_BYTES])
{
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./,:=@%+-";
    if (!file->is_regular || strlen(path) > FILE_WORD_BYTES / 4 - 1)
        return "FILE";
    if (path[strspn(path, plain)] == 0)
        return path;
    char *at = out;
    *at++ = '\'';
    for (; *path; path++) {
        static const char quote[] = "'\\''";
        size_t bytes = *path == '\'' ? sizeof quote - 1 : 1;
        memcpy(at, *path == '\'' ? quote : path, bytes);
        at += bytes;
    }
    *at++ = '\'';
    *at = 0;
    return out;
}
