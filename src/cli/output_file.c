#include "cli/output_file.h"

#include "cli/descriptor.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

bool output_file_is_one(const struct stat *a, const struct stat *b)
{
    return !S_ISCHR(a->st_mode) && a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

bool output_file_is_same(int a, int b)
{
    struct stat about_a, about_b;
    return fstat(a, &about_a) == 0 && fstat(b, &about_b) == 0 &&
           output_file_is_one(&about_a, &about_b);
}

static const char *why_not_opened(int error)
{
    return error == ENXIO ? "is a socket, or a device that is not there" : strerror(error);
}

/* A regular file is read as well, to see what of it is whole; a pipe must have a reader. */
static int open_existing(const char *path)
{
    struct stat about;
    bool regular = stat(path, &about) == 0 && S_ISREG(about.st_mode);
    int fd = open(path, (regular ? O_RDWR : O_WRONLY) | O_APPEND | O_CLOEXEC);
    return fd < 0 && regular && errno == EACCES ? open(path, O_WRONLY | O_APPEND | O_CLOEXEC) : fd;
}

const char *output_file_open(struct output_file *output, mode_t mode)
{
    int named = output->path ? descriptor_named(output->path) : STDOUT_FILENO;
    if (named == STDOUT_FILENO)
        output->path = NULL;
    if (named >= 0) {
        output->fd = named;
        output->given = true;
        bool is_open = (fcntl(named, F_GETFL) & O_ACCMODE) != O_RDONLY;
        return is_open ? NULL : "is not open for writing";
    }
    output->fd = open(output->path, O_RDWR | O_APPEND | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    output->created = output->regular = output->fd >= 0;
    if (output->fd < 0 && errno == EEXIST)
        output->fd = open_existing(output->path);
    struct stat about;
    if (output->fd < 0 || fstat(output->fd, &about) != 0)
        return why_not_opened(errno);
    output->regular = S_ISREG(about.st_mode);
    return NULL;
}

/* Devices and pipes can be opened as they are; only what would be overwritten needs --force. */
const char *output_file_why_not_over(const struct output_file *output, bool force)
{
    return output->regular && !output->created && !force ? "exists already; --force overwrites it"
                                                         : NULL;
}

int output_file_close(struct output_file *output, bool unused)
{
    if (output->fd < 0 || output->given)
        return 0;
    struct stat ours, theirs;
    if (unused && output->created && fstat(output->fd, &ours) == 0 &&
        lstat(output->path, &theirs) == 0 && output_file_is_one(&ours, &theirs))
        unlink(output->path);
    int error = close(output->fd) != 0 && !unused ? errno : 0;
    output->fd = -1;
    return error;
}
