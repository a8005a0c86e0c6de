#include "cli/replaced_file.h"

#include "cli/descriptor.h"
#include "cli/read_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BEGIN_BYTES_MAX = 64 };

/* A file of ours, or an empty one. */
static bool is_ours(const char *path, const char *ours)
{
    char begin[BEGIN_BYTES_MAX];
    size_t wanted = strlen(ours);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ssize_t bytes = fd >= 0 ? read(fd, begin, wanted < sizeof begin ? wanted : sizeof begin) : -1;
    if (fd >= 0)
        close(fd);
    return bytes == 0 || (bytes > 0 && (size_t)bytes == wanted && memcmp(begin, ours, wanted) == 0);
}

/* Its directory, for the caller to free. */
static char *directory_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        return strdup(".");
    return strndup(path, slash == path ? 1 : (size_t)(slash - path));
}

const char *replaced_file_why_not(const char *path, const char *ours, bool force)
{
    struct stat about;
    if (strcmp(path, "-") == 0 || descriptor_named(path) >= 0)
        return "is no file that can be replaced";
    char *directory = directory_of(path);
    if (!directory)
        return strerror(errno);
    int error = access(directory, W_OK | X_OK) == 0 ? 0 : errno;
    free(directory);
    if (error)
        return strerror(error);
    if (stat(path, &about) != 0)
        return errno == ENOENT ? NULL : strerror(errno);
    if (!S_ISREG(about.st_mode))
        return "is no regular file";
    const char *why = read_files_why_not(&about);
    if (why)
        return why;
    return force || is_ours(path, ours) ? NULL : "exists already; --force overwrites it";
}

static int write_all(int fd, const char *text, size_t bytes)
{
    while (bytes > 0) {
        ssize_t written = write(fd, text, bytes);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return written < 0 ? errno : EIO;
        text += written;
        bytes -= (size_t)written;
    }
    return 0;
}

static mode_t mode_for(const char *path)
{
    struct stat about;
    if (stat(path, &about) == 0)
        return about.st_mode & 07777;
    mode_t mask = umask(0);
    umask(mask);
    return 0666 & ~mask;
}

int replaced_file_write(const char *path, const char *text, size_t bytes)
{
    char *beside;
    char *target = realpath(path, NULL); /* a link stays one */
    if (asprintf(&beside, "%s.XXXXXX", target ? target : path) < 0) {
        free(target);
        return ENOMEM;
    }
    int error = 0;
    int fd = mkostemp(beside, O_CLOEXEC);
    if (fd < 0) {
        error = errno;
    } else {
        error = fchmod(fd, mode_for(path)) == 0 ? write_all(fd, text, bytes) : errno;
        if (close(fd) != 0 && error == 0)
            error = errno;
        if (error == 0 && rename(beside, target ? target : path) != 0)
            error = errno;
        if (error)
            unlink(beside);
    }
    free(beside);
    free(target);
    return error;
}
