/* The order matters. All files are opened, locked and compared before the first is emptied, cut or
 * removed, so that a refusal leaves everything as it was, but for what we have made ourselves.
 *
 * No two names of a run may be one file: neither inputs nor outputs, nor the journal, whose name
 * nobody wrote down, nor a body's. Files are the same by device and inode, so by any name, link or
 * descriptor; those that were not there before have been made by then. */
#include "cli/send/outputs.h"

#include "base/time.h"
#include "cli/descriptor.h"
#include "cli/durable.h"
#include "cli/options/values.h"
#include "cli/read_files.h"
#include "cli/send/finished.h"
#include "cli/send/options_fingerprint.h"
#include "cli/send/summary.h"
#include "results/tail.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { LOCK_TRIES_MAX = 400 /* two seconds */ };

/* An exit status, with the message told. */
static int refuse(const struct output_file *output, enum exit_status status, const char *why)
{
    fprintf(stderr, "ringsend send: %s: %s\n", output->path ? output->path : "standard output",
            why);
    return status;
}

/* ---- opening ---- */

static bool is_left_by_a_run(const struct outputs *outputs, const struct output_file *output)
{
    return output == &outputs->results && outputs->journal_path &&
           access(outputs->journal_path, F_OK) == 0;
}

/* What --force does not help against comes first, so that nobody is told to try it. */
static int check_output(const struct outputs *outputs, const struct output_file *output,
                        const struct send_options *options)
{
    if (output->created)
        return EXIT_OK;
    const char *why = read_files_why_not_open(output->fd);
    if (why)
        return refuse(output, EXIT_USAGE, why);
    if (output == &outputs->failed && output_file_is_same(outputs->results.fd, output->fd))
        return refuse(output, EXIT_USAGE, "cannot take the results as well");
    if (send_given(options, OPTION_RESUME) && !output->regular)
        return refuse(output, EXIT_USAGE, "is no regular file: --resume cannot go on with it");
    why = output_file_why_not_over(output, send_given(options, OPTION_FORCE) ||
                                               send_given(options, OPTION_RESUME));
    if (why && is_left_by_a_run(outputs, output))
        why = "exists already, and its run was not finished; --resume goes on with it, --force "
              "starts anew";
    return why ? refuse(output, EXIT_USAGE, why) : EXIT_OK;
}

/* A standard stream that was led to the file by the shell. */
static const char *stream_to(const struct output_file *output, const struct send_options *options)
{
    if (!output->path || !output->regular)
        return NULL;
    if (options->write_out && output_file_is_same(STDOUT_FILENO, output->fd))
        return "gets standard output (--write-out), too";
    return output_file_is_same(STDERR_FILENO, output->fd) ? "gets standard error, too" : NULL;
}

/* Two runs may write to one file by different names, or without a journal. Where files cannot be
 * locked nothing is. The kernel may hold a file of a killed process a moment longer than the
 * process. */
static int lock_output(const struct output_file *output)
{
    const struct timespec moment = {.tv_nsec = 5 * NS_PER_MS};
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (!output->path || !output->regular)
        return EXIT_OK;
    for (unsigned tries = 0; fcntl(output->fd, F_OFD_SETLK, &lock) != 0; tries++) {
        if (errno != EAGAIN && errno != EACCES)
            break;
        if (tries == LOCK_TRIES_MAX)
            return refuse(output, EXIT_NOT_STARTED, "another run is writing to it");
        nanosleep(&moment, NULL);
    }
    return EXIT_OK;
}

/* After the results were opened: only beside a regular file. */
static bool name_journal(struct outputs *outputs, const struct send_options *options)
{
    const struct output_file *results = &outputs->results;
    if (!results->path || send_given(options, OPTION_NO_JOURNAL) || !results->regular)
        return true;
    if (asprintf(&outputs->journal_path, "%s.journal", results->path) < 0)
        outputs->journal_path = NULL;
    if (asprintf(&outputs->parked_path, "%s.parked", results->path) < 0)
        outputs->parked_path = NULL;
    return outputs->journal_path && outputs->parked_path;
}

static int open_output(struct outputs *outputs, struct output_file *output,
                       const struct send_options *options)
{
    const char *why = output_file_open(output, 0600);
    if (why)
        return refuse(output, EXIT_OUTPUT, why);
    if (output == &outputs->results && !name_journal(outputs, options))
        return refuse(output, EXIT_NOT_STARTED, "memory is out");
    return check_output(outputs, output, options);
}

/* ---- names that are one file ---- */

static int refuse_journal(const struct outputs *outputs, const char *why)
{
    fprintf(stderr,
            "ringsend send: %s: is where the journal of the results goes, and %s; name one of them "
            "otherwise, or do without (--no-journal)\n",
            outputs->journal_path, why);
    return EXIT_USAGE;
}

static int check_journal_name(const struct outputs *outputs, const struct send_options *options)
{
    struct stat there, other;
    const struct output_file *results = &outputs->results, *failed = &outputs->failed;
    if (!outputs->journal_path || stat(outputs->journal_path, &there) != 0)
        return EXIT_OK;
    const char *why = read_files_why_not(&there);
    if (why)
        return refuse_journal(outputs, why);
    if (fstat(results->fd, &other) == 0 && output_file_is_one(&there, &other))
        return refuse_journal(outputs, "is the results themselves");
    if (failed->fd >= 0 && fstat(failed->fd, &other) == 0 && output_file_is_one(&there, &other))
        return refuse_journal(outputs, "is the file of --failed");
    if (options->bodies && stat(options->bodies, &other) == 0 && output_file_is_one(&there, &other))
        return refuse_journal(outputs, "is the directory of --bodies");
    for (int fd = STDOUT_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fstat(fd, &other) == 0 && output_file_is_one(&there, &other))
            return refuse_journal(outputs, "is where a standard stream goes");
    }
    return EXIT_OK;
}

static int check_bodies_names(const struct outputs *outputs, const struct send_options *options)
{
    const struct bodies *bodies = &outputs->bodies;
    const char *hit = NULL;
    const char *path;
    for (size_t i = 0; (path = read_files_path(i)); i++) {
        if (bodies_may_hit(bodies, path))
            hit = path;
    }
    if (outputs->results.path && bodies_may_hit(bodies, outputs->results.path))
        hit = outputs->results.path;
    if (options->failed && bodies_may_hit(bodies, options->failed))
        hit = options->failed;
    if (!hit)
        return EXIT_OK;
    fprintf(stderr,
            "ringsend send: %s: is in the directory of --bodies and has a name like a body's\n",
            hit);
    return EXIT_USAGE;
}

static int check_names(const struct outputs *outputs, const struct send_options *options)
{
    const char *stream = stream_to(&outputs->results, options);
    if (stream)
        return refuse(&outputs->results, EXIT_USAGE, stream);
    stream = options->failed ? stream_to(&outputs->failed, options) : NULL;
    if (stream)
        return refuse(&outputs->failed, EXIT_USAGE, stream);
    int status = check_journal_name(outputs, options);
    return status == EXIT_OK ? check_bodies_names(outputs, options) : status;
}

static int refuse_bodies(const struct bodies *bodies)
{
    fprintf(stderr,
            "ringsend send: --bodies %s: is not empty; --force writes into it, over files of the "
            "same names\n",
            bodies->path);
    return EXIT_USAGE;
}

/* Only what we opened by name: standard output may be meant to be added to (">>"). */
static int truncate_output(const struct output_file *output, uint64_t bytes)
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

static int report_journal_error(const struct outputs *outputs, enum journal_error error)
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
        fprintf(
            stderr,
            "ringsend send: %s: no journal of this version of ringsend, nor of another: it is "
            "left as it is; the journal of the results goes there (--no-journal does without)\n",
            path);
        return EXIT_USAGE;
    case JOURNAL_OTHER_VERSION:
        fprintf(
            stderr,
            "ringsend send: %s: no journal of this version of ringsend: the one that made it can "
            "go on with it; --force starts anew\n",
            path);
        return EXIT_USAGE;
    case JOURNAL_DAMAGED:
        fprintf(stderr,
                "ringsend send: %s: the journal is damaged; nobody can tell what was sent\n", path);
        return EXIT_USAGE;
    case JOURNAL_TOO_SHORT:
        fprintf(stderr,
                "ringsend send: %s: shorter than its journal knows it%s; results were taken away\n",
                outputs->results.path,
                outputs->failed.fd >= 0 ? ", or the file of --failed is" : "");
        return EXIT_USAGE;
    case JOURNAL_TOO_LONG:
        fprintf(
            stderr, "ringsend send: %s: longer than its journal knows it%s; it was changed since\n",
            outputs->results.path, outputs->failed.fd >= 0 ? ", or the file of --failed is" : "");
        return EXIT_USAGE;
    }
    return EXIT_OK;
}

/* An option that is another one now. */
static const char *what_it_would_do(const char *name)
{
    static const struct {
        enum option_id id;
        const char *words;
    } others[] = {{OPTION_ORDERED, "results would be in another order"},
                  {OPTION_CSV, "results would be in another form"},
                  {OPTION_ECHO, "results would tell something else"},
                  {OPTION_BODIES, "bodies would be in two places"},
                  {OPTION_OK_STATUS, "other answers would be ok"},
                  {OPTION_OK_IF, "other answers would be ok"},
                  {OPTION_RETRY_IF, "other answers would be ok"}};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        if (strcmp(name, option_long(others[i].id)) == 0)
            return others[i].words;
    }
    return "requests would be others";
}

/* Goes on only over the same records. */
static int compare(struct outputs *outputs, const struct fingerprint *now,
                   const struct send_options *options)
{
    const char *name;
    size_t input;
    switch (fingerprint_compare(journal_fingerprint(outputs->journal), now, &name, &input)) {
    case FINGERPRINT_SAME:
        break;
    case FINGERPRINT_OPTION:
        fprintf(stderr, "ringsend send: %s: %s is not as in the run to go on with, and %s\n",
                outputs->results.path, name, what_it_would_do(name));
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
    outputs->inputs_untouched = fingerprint_untouched(journal_fingerprint(outputs->journal), now);
    if (journal_has_failed(outputs->journal) != (outputs->failed.fd >= 0)) {
        fprintf(stderr, "ringsend send: %s: the run to go on with had %s--failed\n",
                outputs->results.path, journal_has_failed(outputs->journal) ? "" : "no ");
        return EXIT_USAGE;
    }
    return EXIT_OK;
}

/* Cut and durable: what the journal then calls done stands in the files. */
static int settle_output(const struct output_file *output, uint64_t synced, uint64_t bytes,
                         bool sync)
{
    int status = truncate_output(output, bytes);
    if (status != EXIT_OK || !sync || output->fd < 0)
        return status;
    int error = tail_sync(output->fd, synced, bytes);
    return error ? refuse(output, EXIT_OUTPUT, strerror(error)) : EXIT_OK;
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
        if (!send_given(options, OPTION_ORDERED))
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

static int refuse_parked(const struct outputs *outputs)
{
    fprintf(stderr,
            "ringsend send: %s: is in the way: --ordered keeps there what waits for its turn\n",
            outputs->parked_path);
    return EXIT_USAGE;
}

/* Of a run before this one nothing is left: the last step of a start. */
static int replace_journal(struct outputs *outputs, const struct send_options *options)
{
    if (send_given(options, OPTION_ORDERED) && !parked_may_be_replaced(outputs->parked_path))
        return refuse_parked(outputs);
    errno = journal_take_place(outputs->journal);
    if (errno)
        return report_journal_error(outputs, JOURNAL_FAILED);
    if (!parked_remove(outputs->parked_path) && send_given(options, OPTION_ORDERED))
        return refuse_parked(outputs);
    return EXIT_OK;
}

static int recover(struct outputs *outputs, const struct send_options *options)
{
    struct journal_sizes sizes;
    const struct output_file *results = &outputs->results, *failed = &outputs->failed;
    if (!size_of(results, &sizes.results) || !size_of(failed, &sizes.failed))
        return refuse(results, EXIT_OUTPUT, strerror(errno));
    enum journal_error error = journal_recover(outputs->journal, results->fd, failed->fd, &sizes);
    if (error == JOURNAL_FAILED)
        return refuse(results, EXIT_OUTPUT, strerror(errno));
    if (error != JOURNAL_OK)
        return report_journal_error(outputs, error);
    struct journal_sizes synced = journal_synced(outputs->journal);
    bool sync = send_given(options, OPTION_SYNC);
    int status = settle_output(results, synced.results, sizes.results, sync);
    if (status == EXIT_OK)
        status = settle_output(failed, synced.failed, sizes.failed, sync);
    if (status != EXIT_OK)
        return status;
    errno = journal_settle(outputs->journal, sizes);
    return errno ? report_journal_error(outputs, JOURNAL_FAILED) : EXIT_OK;
}

/* --resume begins where there is nothing yet: a run may have died, or been refused, right after it
 * made its files; or it has nothing to do, after a run that came to its end. What holds anything
 * else belongs to a run that we know nothing of. */
static int check_nothing_there(struct outputs *outputs, const struct send_options *options)
{
    uint64_t results_bytes = 0, failed_bytes = 0;
    if (!size_of(&outputs->results, &results_bytes) || !size_of(&outputs->failed, &failed_bytes))
        return refuse(&outputs->results, EXIT_OUTPUT, strerror(errno));
    if (results_bytes == 0 && failed_bytes == 0 && !outputs->bodies.used)
        return EXIT_OK;
    outputs->finished = results_bytes > 0 && finished_is(options);
    if (outputs->finished)
        return EXIT_OK;
    fprintf(
        stderr,
        "ringsend send: %s: there is no journal (%s), so nobody can tell which records %s of; is "
        "the name after -o right?\n",
        results_bytes > 0  ? outputs->results.path
        : failed_bytes > 0 ? outputs->failed.path
                           : outputs->bodies.path,
        outputs->journal_path,
        results_bytes > 0  ? "these results are"
        : failed_bytes > 0 ? "these lines are"
                           : "the bodies there are");
    return EXIT_USAGE;
}

static int begin(struct outputs *outputs, const struct send_options *options,
                 const struct journal_plan *plan)
{
    int status =
        send_given(options, OPTION_RESUME) ? check_nothing_there(outputs, options) : EXIT_OK;
    if (status != EXIT_OK || outputs->finished)
        return status;
    enum journal_error error =
        journal_create(&outputs->journal, outputs->journal_path, plan,
                       send_given(options, OPTION_FORCE) || send_given(options, OPTION_RESUME));
    if (error == JOURNAL_FAILED && errno == EEXIST) {
        fprintf(stderr,
                "ringsend send: %s: the journal of a run that was not finished, whose results are "
                "gone; --force starts anew\n",
                outputs->journal_path);
        return EXIT_USAGE;
    }
    if (error != JOURNAL_OK)
        return report_journal_error(outputs, error);
    return replace_journal(outputs, options);
}

static int take_fingerprint(const struct outputs *outputs, struct fingerprint *now,
                            const struct send_options *options, const struct source *source)
{
    size_t failed = 0;
    int error =
        fingerprint_begin(now, outputs->journal ? journal_fingerprint(outputs->journal) : NULL);
    if (error) {
        fprintf(stderr, "ringsend send: no random numbers: %s\n", strerror(error));
        return EXIT_NOT_STARTED;
    }
    options_fingerprint_take(now, options);
    error = fingerprint_take_inputs(now, source->fds, source->count, &failed);
    if (error == 0)
        return EXIT_OK;
    fprintf(stderr, "ringsend send: cannot read %s: %s\n",
            summary_input_name(options->inputs[failed]), strerror(error));
    return EXIT_INPUT;
}

static int open_journal(struct outputs *outputs, const struct send_options *options,
                        const struct source *source)
{
    enum journal_error error = JOURNAL_NONE;
    struct fingerprint now = {0};
    if (send_given(options, OPTION_RESUME))
        error = journal_open(&outputs->journal, outputs->journal_path,
                             send_given(options, OPTION_SYNC));
    if (error != JOURNAL_OK && error != JOURNAL_NONE)
        return report_journal_error(outputs, error);
    outputs->goes_on = error == JOURNAL_OK;
    int status = take_fingerprint(outputs, &now, options, source);
    if (status == EXIT_OK && outputs->goes_on)
        status = compare(outputs, &now, options);
    if (status == EXIT_OK && outputs->goes_on)
        status = read_parked(outputs, options);
    if (status == EXIT_OK)
        status = lock_output(&outputs->results);
    if (status == EXIT_OK)
        status = lock_output(&outputs->failed);
    if (status == EXIT_OK && outputs->goes_on)
        status = recover(outputs, options);
    else if (status == EXIT_OK)
        status = begin(outputs, options,
                       &(struct journal_plan){.fingerprint = &now,
                                              .range = &source->range,
                                              .has_failed = outputs->failed.fd >= 0,
                                              .sync = send_given(options, OPTION_SYNC)});
    fingerprint_free(&now);
    return status;
}

/* The names of what was made go to the disk as well. */
static int sync_names(const struct outputs *outputs, const struct send_options *options)
{
    const char *const names[] = {outputs->results.path, options->failed, options->bodies};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        int error = send_given(options, OPTION_SYNC) && names[i] ? durable_name(names[i]) : 0;
        if (error) {
            fprintf(stderr, "ringsend send: the directory of %s: %s\n", names[i], strerror(error));
            return EXIT_OUTPUT;
        }
    }
    return EXIT_OK;
}

/* Opens all, and changes nothing that was there. */
static int open_all(struct outputs *outputs, const struct send_options *options)
{
    int status = EXIT_OK;
    if (options->bodies)
        status = bodies_prepare(&outputs->bodies, "send", options->bodies);
    if (status == EXIT_OK)
        status = open_output(outputs, &outputs->results, options);
    if (status == EXIT_OK && options->failed)
        status = open_output(outputs, &outputs->failed, options);
    if (status == EXIT_OK)
        status = check_names(outputs, options);
    if (status == EXIT_OK && outputs->bodies.used && !send_given(options, OPTION_FORCE) &&
        !send_given(options, OPTION_RESUME))
        status = refuse_bodies(&outputs->bodies);
    return status;
}

int outputs_open(struct outputs *outputs, const struct send_options *options,
                 const struct source *source)
{
    *outputs = (struct outputs){.results = {.fd = -1}, .failed = {.fd = -1}};
    outputs->results.path =
        options->output && strcmp(options->output, "-") != 0 ? options->output : NULL;
    outputs->failed.path = options->failed;
    int status = open_all(outputs, options);
    if (status == EXIT_OK && outputs->journal_path) {
        status = open_journal(outputs, options, source);
    } else if (status == EXIT_OK) {
        status = lock_output(&outputs->results);
        if (status == EXIT_OK)
            status = lock_output(&outputs->failed);
    }
    if (outputs->finished)
        return status;
    if (status == EXIT_OK && !outputs->goes_on)
        status = truncate_output(&outputs->results, 0);
    if (status == EXIT_OK && !outputs->goes_on)
        status = truncate_output(&outputs->failed, 0);
    return status == EXIT_OK ? sync_names(outputs, options) : status;
}

/* ---- closing ---- */

static int close_output(struct output_file *output, bool unused)
{
    int error = output_file_close(output, unused);
    return error ? refuse(output, EXIT_OUTPUT, strerror(error)) : EXIT_OK;
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
    if (unused)
        bodies_undo(&outputs->bodies);
    parked_free(outputs->parked);
    free(outputs->parked_path);
    free(outputs->journal_path);
    *outputs = (struct outputs){.results = {.fd = -1}, .failed = {.fd = -1}};
    return status;
}
