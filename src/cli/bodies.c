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

static bool holds_anything(DIR *directory)
{
    const struct dirent *entry;
    while ((entry = readdir(directory)))
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            return true;
    return false;
}

enum exit_status bodies_prepare(const char *command, const char *path, bool force)
{
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        return refuse(command, path, EXIT_OUTPUT, strerror(errno));
    DIR *directory = opendir(path);
    if (!directory)
        return refuse(command, path, errno == ENOTDIR ? EXIT_USAGE : EXIT_OUTPUT, strerror(errno));
    bool in_the_way = !force && holds_anything(directory);
    closedir(directory);
    if (faccessat(AT_FDCWD, path, W_OK | X_OK, AT_EACCESS) != 0)
        return refuse(command, path, EXIT_OUTPUT, strerror(errno));
    if (in_the_way)
        return refuse(command, path, EXIT_USAGE,
                      "is not empty; --force writes into it, over files of the same names");
    return EXIT_OK;
}
