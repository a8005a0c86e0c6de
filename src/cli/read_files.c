#include "cli/read_files.h"

#include "cli/descriptor.h"
#include "cli/options/values.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct read_file {
    const char *what, *path;
    dev_t device;
    ino_t inode;
} * files;
static size_t files_count;

void read_files_add(const char *what, const char *path)
{
    struct stat about;
    int error = strcmp(path, "-") == 0 ? fstat(STDIN_FILENO, &about) : stat(path, &about);
    if (error || !S_ISREG(about.st_mode))
        return;
    struct read_file *more = reallocarray(files, files_count + 1, sizeof *files);
    if (!more) {
        fputs("ringsend: memory is out\n", stderr);
        abort();
    }
    files = more;
    files[files_count++] = (struct read_file){what, path, about.st_dev, about.st_ino};
}

const char *read_files_why_not(const struct stat *about)
{
    static char text[64];
    for (const struct read_file *f = files; f < files + files_count; f++) {
        if (f->device != about->st_dev || f->inode != about->st_ino)
            continue;
        snprintf(text, sizeof text, "is %s, too", f->what ? f->what : "an input");
        if (f->what)
            snprintf(text, sizeof text, "is the file that %s reads, too", f->what);
        return text;
    }
    return NULL;
}

const char *read_files_why_not_open(int fd)
{
    struct stat about;
    return fstat(fd, &about) == 0 ? read_files_why_not(&about) : NULL;
}

void read_files_refuse(const char *command, const char *option, const char *path)
{
    struct stat about;
    int named = strcmp(path, "-") == 0 ? STDOUT_FILENO : descriptor_named(path);
    int error = named >= 0 ? fstat(named, &about) : stat(path, &about);
    const char *why = error ? NULL : read_files_why_not(&about);
    if (why)
        usage_error(command, "%s %s: %s", option, path, why);
}

const char *read_files_path(size_t number)
{
    return number < files_count ? files[number].path : NULL;
}

void read_files_free(void)
{
    free(files);
    files = NULL;
    files_count = 0;
}
