/* The program's front: finds the command and hands over to it. */
#include "cli/commands.h"
#include "cli/options/values.h"

#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct command {
    const char *name;
    const char *summary;
    int (*run)(int argc, char **argv);
};

static const struct command commands[] = {
    {"send", "send the records of files, write a file of results", command_send},
    {"status", "tell how far a run of send is", command_status},
    {"check", "tell what is wrong with the records of files, send nothing", command_check},
    {"bench", "measure how long requests take", command_bench},
    {"compare", "tell whether one benchmark is slower than another", command_compare},
    {"probe", "find how many connections a platform rewards", command_probe},
    {"serve", "be a platform to send to: for trials, demos and tests", command_serve},
    {"doctor", "tell what this machine allows, and the cure for what it does not", command_doctor},
};

enum { COMMANDS = sizeof commands / sizeof commands[0] };

static void print_commands(FILE *out)
{
    fputs("Usage: ringsend COMMAND [OPTION]... [FILE]...\n"
          "Sends HTTP requests from files of records, each with exactly one result.\n\n",
          out);
    for (size_t i = 0; i < COMMANDS; i++)
        fprintf(out, "  %-8s %s\n", commands[i].name, commands[i].summary);
    fputs("\n'ringsend help COMMAND' or 'ringsend COMMAND --help' tells the options of one.\n"
          "'ringsend --version' tells the version.\n",
          out);
}

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < COMMANDS; i++) {
        if (strcmp(name, commands[i].name) == 0)
            return &commands[i];
    }
    return NULL;
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

/* What a command printed has to arrive; a command that told of its failure itself returned EXIT_OUTPUT. */
static int finish(const struct command *command, int status)
{
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
    if (argc < 2) {
        print_commands(stderr);
        return EXIT_USAGE;
    }
    const char *name = argv[1];
    if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0)
        show_version();
    bool help = strcmp(name, "help") == 0;
    if ((help && argc == 2) || strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) {
        print_commands(stdout);
        return EXIT_OK;
    }
    if (help)
        name = argv[2];
    const struct command *command = find_command(name);
    if (!command) {
        fprintf(stderr, "ringsend: there is no command \"%s\"\n\n", name);
        print_commands(stderr);
        return EXIT_USAGE;
    }
    if (help) {
        char option[] = "--help";
        char *arguments[] = {argv[2], option, NULL};
        return finish(command, command->run(2, arguments));
    }
    return finish(command, command->run(argc - 1, argv + 1));
}
