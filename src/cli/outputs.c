/* The order matters. All files are opened before the first is emptied or cut, and only once they are
 * known to be none of the inputs, so that a refusal leaves everything as it was. */
#include "cli/outputs.h"

#include "cli/descriptor.h"
#include "cli/shape.h"
#include "cli/summary.h"
#include "cli/values.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* An exit status, with the message told. */
static int refuse(const struct output_file *output, enum exit_status status, const char *why)
{
    fprintf(stderr, "ringsend send: %s: %s\n", output->path ? output->path : "standard output",
            why);
    return status;
}

/* ---- opening ---- */

static bool is_same_file(int a, int b)
{
    struct stat about_a, about_b;
    return fstat(a, &about_a) == 0 && fstat(b, &about_b) == 0 && S_ISREG(about_a.st_mode) &&
           about_a.st_dev == about_b.st_dev && about_a.st_ino == about_b.st_ino;
}

static const char *why_not_over(const struct outputs *outputs, const struct output_file *output)
{
    bool left = output == &outputs->results && outputs->journal_path &&
                access(outputs->journal_path, F_OK) == 0;
    return left ? "exists already, and its run was not finished; --resume goes on with it, --force "
                  "starts anew"
                : "exists already; --force overwrites it";
}

/* What --force does not help against comes first, so that nobody is told to try it. Devices and
 * pipes can be opened as they are; only what would be overwritten needs --force. */
static int check_output(const struct outputs *outputs, const struct output_file *output,
                        const struct send_options *options, const struct source *source)
{
    if (output->created)
        return EXIT_OK;
    if (source_has_file(source, output->fd))
        return refuse(output, EXIT_USAGE, "is an input, too");
    if (output == &outputs->failed && is_same_file(outputs->results.fd, output->fd))
        return refuse(output, EXIT_USAGE, "cannot take the results as well");
    if (options->resume && !output->regular)
        return refuse(output, EXIT_USAGE, "is no regular file: --resume cannot go on with it");
    if (!output->path || options->force)
        return EXIT_OK;
    if (!options->resume && output->regular)
        return refuse(output, EXIT_USAGE, why_not_over(outputs, output));
    return EXIT_OK;
}

/* After the results were opened: only beside a regular file. */
static bool name_journal(struct outputs *outputs, const struct send_options *options)
{
    const struct output_file *results = &outputs->results;
    if (!results->path || options->no_journal || !results->regular)
        return true;
    if (asprintf(&outputs->journal_path, "%s.journal", results->path) < 0)
        outputs->journal_path = NULL;
    if (asprintf(&outputs->parked_path, "%s.parked", results->path) < 0)
        outputs->parked_path = NULL;
    return outputs->journal_path && outputs->parked_path;
}

static const char *why_not_opened(int error)
{
    return error == ENXIO ? "is a socket, or a device that is not there" : strerror(error);
}

static int open_output(struct outputs *outputs, struct output_file *output,
                       const struct send_options *options, const struct source *source)
{
    int named = output->path ? descriptor_named(output->path) : STDOUT_FILENO;
    if (named == STDOUT_FILENO)
        output->path = NULL;
    if (named >= 0) {
        output->fd = named;
        output->given = true;
        if ((fcntl(output->fd, F_GETFL) & O_ACCMODE) == O_RDONLY)
            return refuse(output, EXIT_OUTPUT, "is not open for writing");
    } else {
        output->fd = open(output->path, O_WRONLY | O_APPEND | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        output->created = output->regular = output->fd >= 0;
        if (output->fd < 0 && errno == EEXIST)
            output->fd = open(output->path, O_WRONLY | O_APPEND | O_CLOEXEC);
        struct stat about;
        if (output->fd < 0 || (!output->created && fstat(output->fd, &about) != 0))
            return refuse(output, EXIT_OUTPUT, why_not_opened(errno));
        output->regular |= !output->created && S_ISREG(about.st_mode);
        if (output == &outputs->results && !name_journal(outputs, options))
            return refuse(output, EXIT_NOT_STARTED, "memory is out");
    }
    return check_output(outputs, output, options, source);
}

/* Only what we opened by name: standard output may be meant to be added to (">>"). */
static int cut_output(const struct output_file *output, uint64_t bytes)
{
    if (output->fd < 0 || !output->path || output->created || !output->regular)
        return EXIT_OK;
    if (ftruncate(output->fd, (off_t)bytes) != 0)
        return refuse(output, EXIT_OUTPUT, strerror(errno));
    return EXIT_OK;
}

/* ---- the journal ---- */

static bool size_of(const struct output_file *output, uint64_t *bytes)
{
    struct stat about = {0};
    if (output->fd >= 0 && fstat(output->fd, &about) != 0)
        return false;
    *bytes = (uint64_t)about.st_size;
    return true;
}

static int tell_journal_error(const struct outputs *outputs, enum journal_error error)
{
    const char *path = outputs->journal_path;
    switch (error) {
    case JOURNAL_OK:
    case JOURNAL_NONE:
        break;
    case JOURNAL_FAILED:
        fprintf(stderr,
                "ringsend send: %s: %s; the journal stands beside the results (--no-journal does "
                "without)\n",
                path, strerror(errno));
        return EXIT_OUTPUT;
    case JOURNAL_HELD:
        fprintf(stderr, "ringsend send: %s: another run is writing these results\n", path);
        return EXIT_NOT_STARTED;
    case JOURNAL_UNKNOWN:
        fprintf(stderr, "ringsend send: %s: no journal of this version of ringsend\n", path);
        return EXIT_USAGE;
    case JOURNAL_DAMAGED:
        fprintf(stderr,
                "ringsend send: %s: the journal is damaged; nobody can tell what was sent\n", path);
        return EXIT_USAGE;
    case JOURNAL_TOO_SHORT:
        fprintf(stderr,
                "ringsend send: %s: shorter than its journal knows it; results were taken away\n",
                outputs->results.path);
        return EXIT_USAGE;
    case JOURNAL_TOO_LONG:
        fprintf(stderr,
                "ringsend send: %s: longer than its journal knows it; it was changed since\n",
                outputs->results.path);
        return EXIT_USAGE;
    }
    return EXIT_OK;
}

/* Goes on only over the same records. */
static int compare(const struct outputs *outputs, const struct fingerprint *now,
                   const struct send_options *options)
{
    const char *name;
    size_t input;
    switch (fingerprint_compare(journal_fingerprint(outputs->journal), now, &name, &input)) {
    case FINGERPRINT_SAME:
        break;
    case FINGERPRINT_OPTION:
        fprintf(stderr, "ringsend send: %s: %s is not as in the run to go on with, and %s\n",
                outputs->results.path, name,
                strcmp(name, "--ordered") == 0 ? "results would be in another order"
                                               : "requests would be others");
        return EXIT_USAGE;
    case FINGERPRINT_INPUTS_COUNT:
        fprintf(stderr, "ringsend send: %s: the run to go on with had %zu input%s, not %zu\n",
                outputs->results.path, journal_fingerprint(outputs->journal)->inputs_count,
                journal_fingerprint(outputs->journal)->inputs_count == 1 ? "" : "s",
                now->inputs_count);
        return EXIT_USAGE;
    case FINGERPRINT_INPUT:
        fprintf(
            stderr,
            "ringsend send: %s: changed since the run to go on with: its records may be others\n",
            summary_input_name(options->inputs[input]));
        return EXIT_USAGE;
    }
    if (journal_has_failed(outputs->journal) != (outputs->failed.fd >= 0)) {
        fprintf(stderr, "ringsend send: %s: the run to go on with had %s--failed\n",
                outputs->results.path, journal_has_failed(outputs->journal) ? "" : "no ");
        return EXIT_USAGE;
    }
    return EXIT_OK;
}

static int recover(struct outputs *outputs)
{
    struct journal_sizes sizes;
    if (!size_of(&outputs->results, &sizes.results) || !size_of(&outputs->failed, &sizes.failed))
        return refuse(&outputs->results, EXIT_OUTPUT, strerror(errno));
    enum journal_error error = journal_recover(outputs->journal, &sizes);
    if (error != JOURNAL_OK)
        return tell_journal_error(outputs, error);
    int status = cut_output(&outputs->results, sizes.results);
    if (status == EXIT_OK)
        status = cut_output(&outputs->failed, sizes.failed);
    if (status == EXIT_OK)
        journal_settled(outputs->journal, sizes);
    return status;
}

/* Of a run that is gone on with. */
static int read_parked(struct outputs *outputs, const struct send_options *options)
{
    const char *why = NULL;
    switch (parked_read(&outputs->parked, outputs->parked_path,
                        journal_fingerprint(outputs->journal))) {
    case PARKED_OK:
    case PARKED_NONE:
        return EXIT_OK;
    case PARKED_FAILED:
        why = strerror(errno);
        break;
    case PARKED_FOREIGN:
        if (!options->ordered)
            return EXIT_OK;
        why = "is not of this run, and --ordered keeps there what waits for its turn";
        break;
    case PARKED_DAMAGED:
        why = "is damaged; without it the records whose results it holds are in doubt";
        break;
    }
    fprintf(stderr, "ringsend send: %s: %s\n", outputs->parked_path, why);
    return EXIT_USAGE;
}

/* Of a run before this one nothing is left. */
static int drop_parked(const struct outputs *outputs, const struct send_options *options)
{
    if (parked_remove(outputs->parked_path) || !options->ordered)
        return EXIT_OK;
    fprintf(stderr,
            "ringsend send: %s: is in the way: --ordered keeps there what waits for its turn\n",
            outputs->parked_path);
    return EXIT_USAGE;
}

static int begin(struct outputs *outputs, const struct send_options *options,
                 const struct source *source, const struct fingerprint *now, uint32_t records_max)
{
    uint64_t bytes = 0;
    /* A run may have died, or been refused, right after it made them. */
    if (options->resume && (!size_of(&outputs->results, &bytes) || bytes > 0)) {
        fprintf(
            stderr,
            "ringsend send: %s: there is no journal (%s), so nobody can tell which records these "
            "results are of\n",
            outputs->results.path, outputs->journal_path);
        return EXIT_USAGE;
    }
    enum journal_error error =
        journal_create(&outputs->journal, outputs->journal_path, now, &source->range,
                       outputs->failed.fd >= 0, records_max, options->force || options->resume);
    if (error == JOURNAL_FAILED && errno == EEXIST) {
        fprintf(stderr,
                "ringsend send: %s: the journal of a run that was not finished, whose results are "
                "gone; --force starts anew\n",
                outputs->journal_path);
        return EXIT_USAGE;
    }
    if (error != JOURNAL_OK)
        return tell_journal_error(outputs, error);
    int status = drop_parked(outputs, options);
    if (status == EXIT_OK)
        status = cut_output(&outputs->results, 0);
    return status == EXIT_OK ? cut_output(&outputs->failed, 0) : status;
}

static int open_journal(struct outputs *outputs, const struct send_options *options,
                        const struct source *source, const struct fingerprint *now,
                        uint32_t records_max)
{
    enum journal_error error = JOURNAL_NONE;
    if (options->resume)
        error = journal_open(&outputs->journal, outputs->journal_path, records_max);
    if (error == JOURNAL_NONE)
        return begin(outputs, options, source, now, records_max);
    if (error != JOURNAL_OK)
        return tell_journal_error(outputs, error);
    outputs->goes_on = true;
    int status = compare(outputs, now, options);
    if (status == EXIT_OK)
        status = read_parked(outputs, options);
    return status == EXIT_OK ? recover(outputs) : status;
}

static int take_fingerprint(struct fingerprint *now, const struct send_options *options,
                            const struct source *source)
{
    size_t failed;
    shape_take(now, options, &source->range);
    int error = fingerprint_take_inputs(now, source->fds, source->count, &failed);
    if (error == 0)
        return EXIT_OK;
    fprintf(stderr, "ringsend send: cannot read %s: %s\n",
            summary_input_name(options->inputs[failed]), strerror(error));
    return EXIT_INPUT;
}

int outputs_open(struct outputs *outputs, const struct send_options *options,
                 const struct source *source, uint32_t records_max)
{
    *outputs = (struct outputs){.results = {.fd = -1}, .failed = {.fd = -1}};
    outputs->results.path =
        options->output && strcmp(options->output, "-") != 0 ? options->output : NULL;
    outputs->failed.path = options->failed;
    int status = open_output(outputs, &outputs->results, options, source);
    if (status == EXIT_OK && options->failed)
        status = open_output(outputs, &outputs->failed, options, source);
    if (status != EXIT_OK)
        return status;
    if (outputs->journal_path) {
        struct fingerprint now = {0};
        status = take_fingerprint(&now, options, source);
        if (status == EXIT_OK)
            status = open_journal(outputs, options, source, &now, records_max);
        fingerprint_free(&now);
        return status;
    }
    status = cut_output(&outputs->results, 0);
    return status == EXIT_OK ? cut_output(&outputs->failed, 0) : status;
}

/* ---- closing ---- */

/* Some file systems tell only now that a write was lost. */
static int close_output(struct output_file *output, bool unused)
{
    if (output->fd < 0 || output->given)
        return EXIT_OK;
    if (unused && output->created)
        unlink(output->path);
    int status = EXIT_OK;
    if (close(output->fd) != 0 && !unused)
        status = refuse(output, EXIT_OUTPUT, strerror(errno));
    output->fd = -1;
    return status;
}

int outputs_close(struct outputs *outputs, enum outputs_use use)
{
    bool unused = use == OUTPUTS_UNUSED;
    int status = close_output(&outputs->results, unused);
    int failed_status = close_output(&outputs->failed, unused);
    if (status == EXIT_OK)
        status = failed_status;
    bool keep = use == OUTPUTS_LEFT || status != EXIT_OK || (unused && outputs->goes_on);
    if (outputs->journal && !keep)
        journal_remove(outputs->journal);
    else
        journal_close(outputs->journal);
    parked_free(outputs->parked);
    free(outputs->parked_path);
    free(outputs->journal_path);
    *outputs = (struct outputs){.results = {.fd = -1}, .failed = {.fd = -1}};
    return status;
}
