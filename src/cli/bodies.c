#include "cli/bodies.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static enum exit_status refuse(const char *command, const char *path, enum exit_status status,
                               const char *why)
{
    fprintf(stderr, "ringsend %s: --bodies %s: %s\n", command, path, why);
    return status;
}

static bool holds_anything(int fd)
{
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    DIR *directory = copy >= 0 ? fdopendir(copy) : NULL;
    bool anything = false;
    const struct dirent *entry;
    while (directory && !anything && (entry = readdir(directory)))
        anything = strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    if (directory)
        closedir(directory);
    else if (copy >= 0)
        close(copy);
    return anything;
}

enum exit_status bodies_open(const char *command, const char *path, bool force, int *fd)
{
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        return refuse(command, path, EXIT_OUTPUT, strerror(errno));
    *fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*fd < 0)
        return refuse(command, path, errno == ENOTDIR ? EXIT_USAGE : EXIT_OUTPUT, strerror(errno));
    if (faccessat(AT_FDCWD, path, W_OK | X_OK, AT_EACCESS) != 0)
        return refuse(command, path, EXIT_OUTPUT, strerror(errno));
    if (!force && holds_anything(*fd))
        return refuse(command, path, EXIT_USAGE,
                      "is not empty; --force writes into it, over files of the same names");
    return EXIT_OK;
}
