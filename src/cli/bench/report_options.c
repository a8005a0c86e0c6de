#include "cli/bench/report_options.h"

#include "base/check.h"
#include "base/span.h"
#include "cli/descriptor.h"
#include "cli/options/values.h"
#include "cli/read_files.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct kind {
    enum option_id option;
    bool (*write)(FILE *out, const struct bench_report *report);
};

static const struct kind kinds[REPORT_FILES] = {
    {OPTION_CSV, bench_write_csv},
    {OPTION_HLOG, bench_write_hlog},
    {OPTION_HTML, bench_write_html},
    {OPTION_JSON, bench_write_json},
};

static void read_threshold(struct report_options *o, const char *text)
{
    struct threshold_error error;
    if (o->thresholds_count == REPORT_THRESHOLDS_MAX)
        usage_error(o->command, "--fail-if: at most %d conditions can be given",
                    REPORT_THRESHOLDS_MAX);
    if (!threshold_parse(span_of(text), &o->thresholds[o->thresholds_count], &error))
        usage_error(o->command, "--fail-if \"%s\": column %zu: %s", text, error.column, error.says);
    o->thresholds_count++;
}

void report_options_take(struct report_options *options, const struct options *given)
{
    *options = (struct report_options){.command = command_name(given->command)};
    for (int i = 0; i < REPORT_FILES; i++)
        options->files[i] = (struct report_file){option_text(given, kinds[i].option), -1, false};
    const struct option_use *use = NULL;
    while ((use = option_next(given, OPTION_FAIL_IF, use)))
        read_threshold(options, use->text);
}

void report_options_finish(const struct report_options *options, bool open_loop)
{
    for (int i = 0; i < REPORT_FILES; i++) {
        const char *path = options->files[i].path;
        if (path)
            read_files_refuse(options->command, option_long(kinds[i].option), path);
        for (int k = 0; path && k < i; k++) {
            if (options->files[k].path && strcmp(options->files[k].path, path) == 0)
                usage_error(options->command, "%s and %s cannot both be %s",
                            option_long(kinds[k].option), option_long(kinds[i].option),
                            strcmp(path, "-") == 0 ? "standard output" : path);
        }
    }
    for (size_t i = 0; i < options->thresholds_count; i++) {
        const struct threshold *t = &options->thresholds[i];
        if (t->subject == THRESHOLD_RATE_SHARE && !open_loop)
            usage_error(options->command,
                        "--fail-if \"%.*s\" needs a rate that is asked for: --rate or --steps, or "
                        "write a rate of its own, such as 'rate<900/s'",
                        (int)t->text.bytes, t->text.data);
    }
}

bool report_wants(const struct report_options *options, enum option_id file)
{
    for (int i = 0; i < REPORT_FILES; i++) {
        if (kinds[i].option == file)
            return options->files[i].path != NULL;
    }
    UNREACHABLE("report file");
}

FILE *report_stream(const struct report_options *options)
{
    for (int i = 0; i < REPORT_FILES; i++) {
        const char *path = options->files[i].path;
        if (path && (strcmp(path, "-") == 0 || descriptor_named(path) == STDOUT_FILENO))
            return stderr;
    }
    return stdout;
}

static bool is_one_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

static bool cannot_write(const struct report_options *o, int i, int error)
{
    fprintf(stderr, "ringsend %s: %s %s: %s\n", o->command, option_long(kinds[i].option),
            o->files[i].path, strerror(error));
    return false;
}

/* No file takes two of the reports. */
static void check_alone(const struct report_options *o, int i)
{
    struct stat ours, theirs;
    const char *path = o->files[i].path;
    if (fstat(o->files[i].fd, &ours) != 0 || !S_ISREG(ours.st_mode))
        return;
    for (int k = 0; k < i; k++) {
        if (o->files[k].path && fstat(o->files[k].fd, &theirs) == 0 && is_one_file(&ours, &theirs))
            usage_error(o->command, "%s and %s cannot both be %s", option_long(kinds[k].option),
                        option_long(kinds[i].option), path);
    }
    for (int fd = STDOUT_FILENO; fd <= STDERR_FILENO && !o->files[i].given; fd++) {
        if (fstat(fd, &theirs) == 0 && is_one_file(&ours, &theirs))
            usage_error(o->command, "%s %s: gets standard %s, too", option_long(kinds[i].option),
                        path, fd == STDOUT_FILENO ? "output" : "error");
    }
}

bool report_open(struct report_options *options)
{
    for (int i = 0; i < REPORT_FILES; i++) {
        struct report_file *file = &options->files[i];
        if (!file->path)
            continue;
        int named = strcmp(file->path, "-") == 0 ? STDOUT_FILENO : descriptor_named(file->path);
        file->given = named >= 0;
        file->fd = file->given ? fcntl(named, F_DUPFD_CLOEXEC, 0)
                               : open(file->path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
        if (file->fd < 0)
            return cannot_write(options, i, errno);
        check_alone(options, i);
    }
    return true;
}

static bool write_file(struct report_options *o, int i, const struct bench_report *report)
{
    struct report_file *file = &o->files[i];
    /* What a file of before held goes now; a pipe has nothing to cut off. */
    if (!file->given && ftruncate(file->fd, 0) < 0 && errno != EINVAL)
        return cannot_write(o, i, errno);
    FILE *out = fdopen(file->fd, "w");
    if (!out)
        return cannot_write(o, i, errno);
    file->fd = -1;
    errno = 0;
    bool complete = kinds[i].write(out, report);
    bool written = fflush(out) == 0 && !ferror(out);
    int error = errno;
    written &= fclose(out) == 0;
    if (!written)
        return cannot_write(o, i, error ? error : errno);
    return complete || cannot_write(o, i, ENOMEM);
}

bool report_write(struct report_options *options, const struct bench_report *report)
{
    bool written = true;
    FILE *out = report_stream(options);
    bench_print(out, report);
    if (fflush(out) != 0 || ferror(out)) {
        fprintf(stderr, "ringsend %s: standard output: %s\n", options->command, strerror(errno));
        written = false;
    }
    for (int i = 0; i < REPORT_FILES; i++) {
        if (options->files[i].path)
            written &= write_file(options, i, report);
    }
    return written;
}

bool report_has_failed(const struct bench_report *report)
{
    for (size_t run = 0; run < report->runs_count; run++) {
        for (size_t i = 0; i < report->thresholds_count; i++) {
            if (threshold_check(&report->thresholds[i], &report->runs[run]).failed)
                return true;
        }
    }
    return false;
}
