#include "cli/descriptor.h"

#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LINKS_MAX = 8 };

/* Everything that this program opens is closed at an exec; what it was given was not. */
static bool was_given(int fd)
{
    int flags = fcntl(fd, F_GETFD);
    return flags >= 0 && !(flags & FD_CLOEXEC);
}

/* The directory that the path's last name stands in, without links. */
static bool find_directory(const char *path, char found[PATH_MAX])
{
    char *copy = strdup(path);
    bool is_there = copy && realpath(dirname(copy), found);
    free(copy);
    return is_there;
}

/* A name in the process's own directory of descriptors, or -1. */
static int number_of(const char *path, const char *directory)
{
    char own[64];
    char *end;
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    snprintf(own, sizeof own, "/proc/%ld/fd", (long)getpid());
    long number = strtol(name, &end, 10);
    if (strcmp(directory, own) != 0 || *name < '0' || *name > '9' || *end || number > INT_MAX)
        return -1;
    return (int)number;
}

int descriptor_named(const char *path)
{
    char at[PATH_MAX], directory[PATH_MAX], target[PATH_MAX];
    if (snprintf(at, sizeof at, "%s", path) >= (int)sizeof at)
        return -1;
    for (int i = 0; i < LINKS_MAX; i++) {
        if (!find_directory(at, directory))
            return -1;
        int fd = number_of(at, directory);
        if (fd >= 0)
            return was_given(fd) ? fd : -1;
        ssize_t bytes = readlink(at, target, sizeof target - 1);
        if (bytes <= 0)
            return -1;
        target[bytes] = '\0';
        int length = target[0] == '/' ? snprintf(at, sizeof at, "%s", target)
                                      : snprintf(at, sizeof at, "%s/%s", directory, target);
        if (length >= (int)sizeof at)
            return -1;
    }
    return -1;
}
