#include "cli/durable.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int durable_name(const char *path)
{
    size_t bytes = strlen(path);
    while (bytes > 1 && path[bytes - 1] == '/')
        bytes--;
    while (bytes > 0 && path[bytes - 1] != '/')
        bytes--;
    char *parent = bytes > 0 ? strndup(path, bytes) : strdup(".");
    if (!parent)
        return ENOMEM;
    int fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int error = fd < 0 || fsync(fd) != 0 ? errno : 0;
    if (fd >= 0 && error == EINVAL) /* a file system that has no such thing */
        error = 0;
    free(parent);
    if (fd >= 0)
        close(fd);
    return error;
}
