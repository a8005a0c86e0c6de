/* What the options of send say together; whatever is not understood ends the program before
 * anything is opened. */
#include "cli/send/send_options.h"

#include "base/time.h"
#include "cli/descriptor.h"
#include "cli/options/credential_options.h"
#include "cli/options/proxy_options.h"
#include "cli/options/outcomes.h"
#include "cli/options/throttle_options.h"
#include "cli/options/values.h"
#include "cli/read_files.h"
#include "cli/send/echo_option.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char command[] = "send";

#define UNREACHED_MAX_NS (30 * NS_PER_S)

/* All of a file, NUL-terminated; its last line end is not part of the format. */
static char *read_format_file(const char *path)
{
    FILE *file = fopen(path, "re");
    read_files_add("--write-out", path);
    char *text = NULL;
    size_t capacity = 0;
    ssize_t bytes = file ? getdelim(&text, &capacity, '\0', file) : -1;
    if (!file || ferror(file))
        usage_error(command, "--write-out @%s: %s", path, strerror(errno));
    if (bytes < 0)
        usage_error(command, "--write-out @%s: the file is empty", path);
    fclose(file);
    return text;
}

static void read_write_out(struct send_options *o, const char *text)
{
    char why[128] = "memory is out";
    char *format = text[0] == '@' ? read_format_file(text + 1) : NULL;
    if (write_out_compile(&o->write_out, format ? format : text, why, sizeof why) != RINGSEND_OK)
        usage_error(command, "--write-out: %s", why);
    free(format);
}

static void read_serialize(struct send_options *o, const char *value)
{
    size_t column;
    const char *fault = json_path_read(&o->serialize, value, &column);
    if (fault)
        usage_error(command, "--serialize: column %zu: %s", column, fault);
}

/* A count, or a share; or none, not even what holds by default. */
static void read_max_failures(struct send_options *o, const char *value)
{
    if (strcmp(value, "none") == 0)
        return;
    size_t bytes = strlen(value);
    if (bytes > 0 && value[bytes - 1] == '%') {
        double share = value_share(command, "--max-failures", value);
        if (share * 1e6 < 1)
            usage_error(command, "--max-failures: a share of 0.0001%% is the least, not %s", value);
        o->failures_ppm_max = (uint32_t)(share * 1e6 + 0.5);
        return;
    }
    o->failures_max = value_count(command, "--max-failures", value, 1, UINT32_MAX);
}

/* Whoever lets a connect take longer wants to see its end. */
static uint64_t unreached_max_ns(uint64_t connect_timeout_ns)
{
    return connect_timeout_ns > UNREACHED_MAX_NS ? connect_timeout_ns : UNREACHED_MAX_NS;
}

static void take_values(struct send_options *o, const struct options *given)
{
    o->output = option_text(given, OPTION_OUTPUT);
    o->failed = option_text(given, OPTION_FAILED);
    /* Standard output is for results, and a file named "-" is hard to get rid of. */
    if (o->failed && strcmp(o->failed, "-") == 0)
        usage_error(command, "--failed needs the name of a file");
    o->bodies = option_text(given, OPTION_BODIES);
    o->without_body = strcmp(option_text(given, OPTION_BODY), "none") == 0;
    o->progress = (enum progress_mode)option_number(given, OPTION_PROGRESS);
    o->dry_run = option_number(given, OPTION_DRY_RUN);
    o->memory_bytes = option_number(given, OPTION_MEMORY);
    o->threads = (uint32_t)option_number(given, OPTION_THREADS);
    if (option_given(given, OPTION_WRITE_OUT))
        read_write_out(o, option_text(given, OPTION_WRITE_OUT));
    if (option_given(given, OPTION_SERIALIZE))
        read_serialize(o, option_text(given, OPTION_SERIALIZE));
    if (option_given(given, OPTION_MAX_FAILURES))
        read_max_failures(o, option_text(given, OPTION_MAX_FAILURES));
    else
        o->unreached_max_ns = unreached_max_ns(option_number(given, OPTION_CONNECT_TIMEOUT));
    const struct option_use *use = NULL;
    while ((use = option_next(given, OPTION_ABORT_ON, use)))
        outcomes_read(command, "--abort-on", use->text, &o->abort_on);
    o->aborts = option_given(given, OPTION_ABORT_ON);
}

static void check_journal(const struct send_options *o)
{
    bool has_journal =
        o->output && strcmp(o->output, "-") != 0 && !send_given(o, OPTION_NO_JOURNAL);
    if (send_given(o, OPTION_RESUME) && send_given(o, OPTION_FORCE))
        usage_error(command, "--resume goes on with results, --force throws them away: not both");
    if (send_given(o, OPTION_RESUME) && !has_journal)
        usage_error(command, "--resume needs the results and their journal: -o FILE");
    if (send_given(o, OPTION_SYNC) && !has_journal)
        usage_error(command, "--sync is about the journal: -o FILE");
}

static void check_reasons(const struct send_options *o)
{
    if (!send_given(o, OPTION_FAILED_WITH_REASON))
        return;
    if (!o->failed)
        usage_error(command, "--failed-with-reason goes with --failed FILE");
    if (!o->output || strcmp(o->output, "-") == 0 || send_given(o, OPTION_CSV))
        usage_error(command, "--failed-with-reason is made of results as JSON in a file: -o FILE, "
                             "without --csv");
}

void send_options_read(struct send_options *options, int argc, char **argv)
{
    struct options *given = &options->given;
    *options = (struct send_options){0};
    options_parse(given, COMMAND_SEND, argc, argv);
    request_options_take(&options->request, given);
    credential_options_take(&options->request, given);
    proxy_options_take(&options->request, given);
    record_options_take(&options->records, given);
    throttle_options_take(&options->request, given);
    cost_options_take(&options->costs, &options->request, given);
    take_values(options, given);
    options->request.engine.store_attempts =
        option_given(given, OPTION_TRACE) || option_given(given, OPTION_VERBOSE);
    if (given->arguments_count == 0)
        usage_error(command, "name the files to send, or - for standard input");
    options->inputs = given->arguments;
    options->inputs_count = given->arguments_count;
    if (options->output && descriptor_named(options->output) == STDOUT_FILENO)
        options->output = "-";
    check_journal(options);
    check_reasons(options);
    bool on_stdout = !options->output || strcmp(options->output, "-") == 0 || options->write_out;
    if (options->progress == PROGRESS_AUTO)
        options->progress =
            option_given(given, OPTION_QUIET) ? PROGRESS_NONE : progress_mode_here(on_stdout);
    if (option_given(given, OPTION_CSV) && options->write_out && !options->output)
        usage_error(command,
                    "--csv and --write-out both want standard output: name a file with -o");
    options->request.engine.store_headers =
        option_given(given, OPTION_HEADERS) ||
        (options->write_out && write_out_wants_headers(options->write_out));
    if (options->write_out)
        write_out_hide(options->write_out, &options->request.secrets);
    record_options_finish(&options->records, &options->request, options->inputs,
                          options->inputs_count, false);
    echo_option_read(&options->echo, option_text(given, OPTION_ECHO),
                     record_options_format(&options->records, options->inputs[0]),
                     options->write_out);
    cost_options_finish(&options->costs, &options->request,
                        record_options_format(&options->records, options->inputs[0]),
                        &options->records.form.names);
    record_options_refuse_one_key(&options->request);
    options->request.defaults.notes = &options->records.notes;
}

void send_options_free(struct send_options *options)
{
    write_out_free(options->write_out);
    echo_option_free(&options->echo);
    cost_options_free(&options->costs);
    record_options_free(&options->records);
    request_options_free(&options->request);
    options_free(&options->given);
}
