#include "cli/report_files.h"

#include "cli/descriptor.h"
#include "cli/options/values.h"
#include "cli/read_files.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static bool is_dash(const char *name)
{
    return strcmp(name, "-") == 0;
}

void report_files_take(struct report_files *files, const struct options *given,
                       const enum option_id *options, size_t count)
{
    *files = (struct report_files){.command = command_name(given->command),
                                   .force = option_given(given, OPTION_FORCE)};
    for (size_t i = 0; i < count; i++) {
        const char *name = option_text(given, options[i]);
        if (!name)
            continue;
        for (size_t k = 0; k < files->count; k++) {
            if (strcmp(files->all[k].name, name) == 0)
                usage_error(files->command, "%s and %s cannot both be %s",
                            option_long(files->all[k].option), option_long(options[i]),
                            is_dash(name) ? "standard output" : name);
        }
        files->all[files->count++] =
            (struct report_file){options[i], name, {.fd = -1, .path = is_dash(name) ? NULL : name}};
    }
}

void report_files_check(const struct report_files *files)
{
    for (size_t i = 0; i < files->count; i++)
        read_files_refuse(files->command, option_long(files->all[i].option), files->all[i].name);
}

bool report_files_want(const struct report_files *files, enum option_id option)
{
    for (size_t i = 0; i < files->count; i++) {
        if (files->all[i].option == option)
            return true;
    }
    return false;
}

static int refuse(const struct report_files *files, const struct report_file *file, int status,
                  const char *why)
{
    fprintf(stderr, "ringsend %s: %s %s: %s\n", files->command, option_long(file->option),
            file->name, why);
    return status;
}

/* No file takes two of the reports, nor what else is told. */
static int check_alone(const struct report_files *files, const struct report_file *file)
{
    for (const struct report_file *other = files->all; other < file; other++) {
        if (!output_file_is_same(other->output.fd, file->output.fd))
            continue;
        fprintf(stderr, "ringsend %s: %s and %s cannot both be %s\n", files->command,
                option_long(other->option), option_long(file->option), file->name);
        return EXIT_USAGE;
    }
    for (int fd = STDOUT_FILENO; fd <= STDERR_FILENO && !file->output.given; fd++) {
        if (file->output.regular && output_file_is_same(fd, file->output.fd))
            return refuse(files, file, EXIT_USAGE,
                          fd == STDOUT_FILENO ? "gets standard output, too"
                                              : "gets standard error, too");
    }
    return EXIT_OK;
}

int report_files_open(struct report_files *files)
{
    for (struct report_file *file = files->all; file < files->all + files->count; file++) {
        const char *why = output_file_open(&file->output, 0666);
        if (why)
            return refuse(files, file, EXIT_OUTPUT, why);
        int status = check_alone(files, file);
        if (status != EXIT_OK)
            return status;
        why = output_file_why_not_over(&file->output, files->force);
        if (why)
            return refuse(files, file, EXIT_USAGE, why);
    }
    return EXIT_OK;
}

FILE *report_files_stream(const struct report_files *files)
{
    for (size_t i = 0; i < files->count; i++) {
        const char *name = files->all[i].name;
        if (is_dash(name) || descriptor_named(name) == STDOUT_FILENO)
            return stderr;
    }
    return stdout;
}

bool report_files_flush(const struct report_files *files)
{
    FILE *out = report_files_stream(files);
    if (fflush(out) == 0 && !ferror(out))
        return true;
    fprintf(stderr, "ringsend %s: standard output: %s\n", files->command, strerror(errno));
    return false;
}

static bool cannot_write(const struct report_files *files, const struct report_file *file,
                         int error)
{
    refuse(files, file, EXIT_OUTPUT, strerror(error));
    return false;
}

/* What a file of before held goes now. What the program was given open stays open. */
static FILE *begin(struct output_file *output)
{
    if (output->regular && ftruncate(output->fd, 0) < 0)
        return NULL;
    int fd = output->given ? fcntl(output->fd, F_DUPFD_CLOEXEC, 0) : output->fd;
    FILE *out = fd < 0 ? NULL : fdopen(fd, "w");
    if (!out && output->given && fd >= 0)
        close(fd);
    if (out && !output->given)
        output->fd = -1;
    return out;
}

bool report_files_write(struct report_files *files,
                        bool (*write)(FILE *out, enum option_id option, const void *report),
                        const void *report)
{
    bool all_written = true;
    for (struct report_file *file = files->all; file < files->all + files->count; file++) {
        FILE *out = begin(&file->output);
        if (!out) {
            all_written = cannot_write(files, file, errno);
            continue;
        }
        errno = 0;
        bool complete = write(out, file->option, report);
        bool written = fflush(out) == 0 && !ferror(out);
        int error = errno;
        written &= fclose(out) == 0;
        if (!written)
            all_written = cannot_write(files, file, error ? error : errno);
        else if (!complete)
            all_written = cannot_write(files, file, ENOMEM);
    }
    return all_written;
}

void report_files_close(struct report_files *files)
{
    for (size_t i = 0; i < files->count; i++)
        output_file_close(&files->all[i].output, true);
}
