/* `ringsend check`: reads everything as `ringsend send` would with the same options, sends nothing,
 * and names what is wrong. It needs no io_uring. */
#include "base/time.h"
#include "cli/commands.h"
#include "cli/options/credential_options.h"
#include "cli/options/options.h"
#include "cli/options/record_options.h"
#include "cli/options/values.h"
#include "cli/send/summary.h"
#include "cli/terminal.h"
#include "records/reader.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char command[] = "check";

struct check {
    struct request_options request;
    struct record_options records;
    char *const *inputs;
    size_t inputs_count;
    uint64_t errors_max;
    bool quiet;
};

static void read_options(struct check *check, int argc, char **argv)
{
    struct options given;
    options_parse(&given, COMMAND_CHECK, argc, argv);
    request_options_take(&check->request, &given);
    credential_options_take(&check->request, &given);
    record_options_take(&check->records, &given);
    check->errors_max = option_number(&given, OPTION_MAX_ERRORS);
    check->quiet = option_given(&given, OPTION_QUIET);
    if (given.arguments_count == 0)
        usage_error(command, "name the files to check, or - for standard input");
    check->inputs = given.arguments;
    check->inputs_count = given.arguments_count;
    options_free(&given);
    record_options_finish(&check->records, &check->request, check->inputs, check->inputs_count,
                          false);
    record_options_refuse_one_key(&check->request);
    check->request.defaults.notes = &check->records.notes;
}

static void print_error(const struct record_reader *reader)
{
    const struct source *source = reader->source;
    fputs(terminal_style(STDOUT_FILENO, TERMINAL_BOLD), stdout);
    summary_print_plain(stdout, summary_input_name(source->paths[source->current]));
    printf(":%zu:%zu:%s ", reader->place.line, reader->place.column,
           terminal_style(STDOUT_FILENO, TERMINAL_PLAIN));
    summary_print_plain(stdout, reader->error.detail[0] ? reader->error.detail
                                                        : ringsend_error_text(reader->error.error));
    putchar('\n');
}

static double clock_s(void)
{
    return (double)clock_monotonic_ns() / NS_PER_S;
}

static void print_summary(const struct check *check, const struct record_reader *reader,
                          double seconds)
{
    const struct source *source = reader->source;
    if (source->error)
        fprintf(stderr, "ringsend check: cannot read %s: %s\n",
                summary_input_name(source->paths[source->error_input]), source->error_text);
    if (check->quiet || (source->error && reader->records == 0))
        return;
    char text[RECORD_NOTE_BYTES];
    unsigned reported = 0;
    while (record_options_note(&check->records, source, command, &reported, text))
        fputs(text, stderr);
    fprintf(stderr, "ringsend check: %" PRIu64 " record%s in %.2f s, ", reader->records,
            reader->records == 1 ? "" : "s", seconds);
    if (reader->bad == 0)
        fputs(source->error ? "all of them can be sent\n" : "all can be sent\n", stderr);
    else if (reader->bad > check->errors_max)
        fprintf(stderr, "%" PRIu64 " cannot be sent, the first %" PRIu64 " are shown\n",
                reader->bad, check->errors_max);
    else
        fprintf(stderr, "%" PRIu64 " cannot be sent\n", reader->bad);
}

static int run(const struct check *check, struct source *source)
{
    struct record_reader reader;
    struct keys_seen keys = {0};
    struct buf_pool pool;
    int status = EXIT_INPUT;
    double started_s = clock_s();
    buf_pool_init(&pool);
    if (record_reader_init(&reader, source, &pool, &check->request.defaults)) {
        enum record_reader_next next;
        reader.keys = &keys;
        while ((next = record_reader_next(&reader)) != RECORD_READER_END) {
            if (next == RECORD_READER_BAD && reader.bad <= check->errors_max)
                print_error(&reader);
        }
        print_summary(check, &reader, clock_s() - started_s);
        status = reader.bad > 0 || source->error ? EXIT_INPUT : EXIT_OK;
    } else {
        fputs("ringsend check: memory is out\n", stderr);
    }
    record_reader_free(&reader);
    keys_seen_free(&keys);
    buf_pool_free(&pool);
    return status;
}

int command_check(int argc, char **argv)
{
    struct check check = {0};
    struct source source;
    size_t failed;
    read_options(&check, argc, argv);
    int status = EXIT_INPUT;
    int error = source_open(&source, check.inputs, check.inputs_count, &failed);
    if (error == 0) {
        record_options_apply(&check.records, &source);
        status = run(&check, &source);
        source_close(&source);
    } else {
        fprintf(stderr, "ringsend check: cannot read %s: %s\n",
                summary_input_name(check.inputs[failed]), strerror(error));
    }
    record_options_free(&check.records);
    request_options_free(&check.request);
    return status;
}
