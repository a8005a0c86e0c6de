#include "cli/send/bodies.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
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

enum exit_status bodies_prepare(struct bodies *bodies, const char *command, const char *path)
{
    *bodies = (struct bodies){.path = path, .created = mkdir(path, 0700) == 0};
    if (!bodies->created && errno != EEXIST)
        return refuse(command, path, EXIT_OUTPUT, strerror(errno));
    DIR *directory = opendir(path);
    if (!directory)
        return refuse(command, path, errno == ENOTDIR ? EXIT_USAGE : EXIT_OUTPUT, strerror(errno));
    bodies->used = holds_anything(directory);
    closedir(directory);
    if (faccessat(AT_FDCWD, path, W_OK | X_OK, AT_EACCESS) != 0)
        return refuse(command, path, EXIT_OUTPUT, strerror(errno));
    return EXIT_OK;
}

/* Bodies' names begin with the record's number. */
static bool may_hit(const struct bodies *bodies, const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    struct stat ours, theirs;
    if (!bodies->path || *name < '0' || *name > '9' || stat(bodies->path, &ours) != 0)
        return false;
    char *parent = slash ? strndup(path, (size_t)(slash - path) + 1) : NULL;
    bool same = stat(parent ? parent : ".", &theirs) == 0 && theirs.st_dev == ours.st_dev &&
                theirs.st_ino == ours.st_ino;
    free(parent);
    return same;
}

bool bodies_may_hit(const struct bodies *bodies, const char *path)
{
    char *target = realpath(path, NULL); /* the path may be a link into the directory */
    bool hit = may_hit(bodies, path) || (target && may_hit(bodies, target));
    free(target);
    return hit;
}

void bodies_undo(const struct bodies *bodies)
{
    if (bodies->created)
        rmdir(bodies->path);
}
