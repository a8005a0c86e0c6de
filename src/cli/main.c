/* The program's front: finds the command and hands over to it. */
#include "base/check.h"
#include "base/span.h"
#include "cli/commands.h"
#include "cli/options/config.h"
#include "cli/options/options.h"
#include "cli/options/unknown.h"
#include "cli/options/values.h"
#include "cli/read_files.h"
#include "cli/terminal.h"

#include <fcntl.h>
#include <limits.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int run(enum command command, int argc, char **argv)
{
    switch (command) {
    case COMMAND_SEND:
        return command_send(argc, argv);
    case COMMAND_STATUS:
        return command_status(argc, argv);
    case COMMAND_CHECK:
        return command_check(argc, argv);
    case COMMAND_BENCH:
        return command_bench(argc, argv);
    case COMMAND_COMPARE:
        return command_compare(argc, argv);
    case COMMAND_PROBE:
        return command_probe(argc, argv);
    case COMMAND_SERVE:
        return command_serve(argc, argv);
    case COMMAND_DOCTOR:
        return command_doctor(argc, argv);
    }
    UNREACHABLE("command");
}

static void print_commands(FILE *out)
{
    unsigned columns = terminal_columns(fileno(out));
    struct wrapped w = {.out = out, .columns = columns > 0 ? columns : UINT_MAX};
    fputs("Usage: ringsend COMMAND [OPTION]... [FILE]...\n", out);
    wrapped_print(&w, SPAN("Sends HTTP requests from files of records, each with exactly one "
                           "result."));
    wrapped_end(&w);
    fputc('\n', out);
    for (size_t i = 0; i < commands_count; i++) {
        w.indent = w.at = (unsigned)fprintf(out, "  %-8s ", commands_help[i].name);
        wrapped_print(&w, span_of(commands_help[i].summary));
        wrapped_end(&w);
    }
    fputc('\n', out);
    w.indent = 0;
    wrapped_print(&w, SPAN("'ringsend help COMMAND' or 'ringsend COMMAND --help' tells the options "
                           "of one."));
    wrapped_end(&w);
    fputs("'ringsend --version' tells the version.\n", out);
}

static const struct command_help *find_command(const char *name)
{
    for (size_t i = 0; i < commands_count; i++) {
        if (strcmp(name, commands_help[i].name) == 0)
            return &commands_help[i];
    }
    return NULL;
}

/* Whoever gives what a command takes gets the whole command; and of a URL nothing is repeated. */
static int refuse_command(int argc, char **argv, const char *name)
{
    const char *meant = unknown_command(name);
    if (value_is_url(name))
        fputs("ringsend: a command comes first: 'ringsend bench URL' measures how long requests "
              "to a URL\ntake, 'ringsend send --url URL FILE' sends the records of a file to it\n",
              stderr);
    else if (name[0] == '-' && name[1])
        fprintf(stderr,
                "ringsend: a command comes first, as in 'ringsend send%s', and then its options\n",
                argc > 2 ? " ..." : "");
    else if (!meant && access(argv[1], R_OK) == 0)
        fputs("ringsend: a command comes first: 'ringsend send FILE' sends the records of a file\n",
              stderr);
    else
        fprintf(stderr, "ringsend: there is no command \"%s\"%s%s%s\n", name,
                meant ? ": did you mean '" : "", meant ? meant : "", meant ? "'?" : "");
    if (meant) {
        fputs("Try 'ringsend --help'.\n", stderr);
        return EXIT_USAGE;
    }
    fputc('\n', stderr);
    print_commands(stderr);
    return EXIT_USAGE;
}

/* A file must never be opened as one of the three standard descriptors because the caller closed
 * it: messages would land in results. The stand-ins fail when used the normal way. */
static void occupy_standard_descriptors(void)
{
    static const int modes[] = {O_WRONLY, O_RDONLY, O_RDONLY};
    for (int fd = 0; fd < 3; fd++) {
        /* The lowest free descriptor is taken: fd itself, as those below it are in use. */
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", modes[fd]) != fd)
            exit(EXIT_NOT_STARTED);
    }
}

/* What a command printed has to arrive; a command that told of its failure itself returned
 * EXIT_OUTPUT. */
static int finish(const struct command_help *command, int status)
{
    read_files_free();
    config_free();
    usage_error_forget_origins();
    bool written = fflush(stdout) == 0 && !ferror(stdout);
    if (written || status == EXIT_OUTPUT)
        return status;
    fprintf(stderr, "ringsend %s: standard output could not be written\n", command->name);
    return EXIT_OUTPUT;
}

int main(int argc, char **argv)
{
    mallopt(M_TOP_PAD, 1 << 20); /* one brk instead of ten; costs address space only */
    occupy_standard_descriptors();
    /* A write beyond the limit of file sizes fails, and is reported. Of children that are ignored
     * no status is kept, and whoever started us may have said so for us too. */
    sigaction(SIGXFSZ, &(struct sigaction){.sa_handler = SIG_IGN}, NULL);
    sigaction(SIGCHLD, &(struct sigaction){.sa_handler = SIG_DFL}, NULL);
    if (argc < 2) {
        print_commands(stderr);
        return EXIT_USAGE;
    }
    const char *name = argv[1];
    if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0)
        show_version();
    if (strcmp(name, "--options-json") ==
        0) { /* not for people: docs/generate.py and tests read it */
        options_print_json();
        end_printed();
    }
    bool help = strcmp(name, "help") == 0;
    if ((help && argc == 2) || strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) {
        print_commands(stdout);
        end_printed();
    }
    if (help)
        name = argv[2];
    const struct command_help *command = find_command(name);
    if (!command)
        return refuse_command(argc, argv, name);
    if (help) {
        char option[] = "--help";
        char *arguments[] = {argv[2], option, NULL};
        return finish(command, run(command->command, 2, arguments));
    }
    return finish(command, run(command->command, argc - 1, argv + 1));
}
