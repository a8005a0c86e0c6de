#include "cli/bench/probe_options.h"

#include "base/span.h"
#include "cli/options/values.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

static const char command[] = "probe";

#define SECOND_NS 1000000000ull
enum { CONNECTIONS_DEFAULT = 64 };

enum option_code {
    OPTION_DATA = 'd',
    OPTION_QUIET = 'q',
    OPTION_HELP = 'h',
    OPTION_VERSION = 'V',
    OPTION_STEP = RECORD_OPTIONS_END,
    OPTION_JSON
};

// clang-format off
static const struct option long_options[] = {
    REQUEST_LONG_OPTIONS,
    RECORD_LONG_OPTIONS,
    {"step", required_argument, NULL, OPTION_STEP},
    {"json", no_argument, NULL, OPTION_JSON},
    {"quiet", no_argument, NULL, OPTION_QUIET},
    {"help", no_argument, NULL, OPTION_HELP},
    {"version", no_argument, NULL, OPTION_VERSION},
    {NULL, 0, NULL, 0},
};
// clang-format on

static const char help[] =
    "Usage: ringsend probe [OPTION]... URL\n"
    "       ringsend probe [OPTION]... FILE...\n"
    "Finds how many connections a platform rewards. Sends requests over 1, 2, 4 ...\n"
    "connections, on each the next one as soon as the last is answered, until more\n"
    "bring no more answers or are refused; then looks closer around the knee and\n"
    "the cap. Says what it will send before it does, and ends a step early when the\n"
    "platform pushes back. The records of FILEs (see `ringsend send --help`) are sent\n"
    "in turn, over and over.\n"
    "\n"
    "      --step T            length of a step; default 2s. Longer, up to ten times,\n"
    "                          when answers are slower than that\n"
    "  -c, --connections N     go no further than that; default 64\n"
    "      --json              the result as JSON\n"
    "  -q, --quiet             do not say what is sent\n"
    "Requests\n"
    "  -X, --method METHOD     with a URL; default GET, with --data POST. Other than\n"
    "                          GET, HEAD and OPTIONS only with --data\n"
    "  -H, --header 'NAME: VALUE'  repeats; @FILE reads one per line\n"
    "  -d, --data TEXT         the body. With a URL as it stands, @FILE reads it; of\n"
    "                          rows and lines a template; JSON records bring "
    "theirs\n" TARGET_HELP_RECORDS TARGET_HELP_TIMES REQUEST_HELP_TLS
    "Responses\n" REQUEST_HELP_RESPONSES "\n"
    "  -h, --help              this text\n"
    "  -V, --version           the version\n"
    "\n"
    "Exit status\n"
    "  0  the knee is known                   2  an input could not be read\n"
    "  1  wrong usage                         4  could not start (io_uring refused)\n"
    "  3  no good answer came, or a single    7  the result could not be written\n"
    "     connection is pushed back already\n";

static void read_option(struct probe_options *o, int code, const char *value)
{
    if (target_option_read(&o->target, code == OPTION_DATA ? RECORD_DATA : code, value))
        return;
    switch ((enum option_code)code) {
    case OPTION_STEP:
        o->step_ns = value_duration_ns(command, "--step", value, SECOND_NS / 10, 60 * SECOND_NS);
        return;
    case OPTION_JSON:
        o->json = true;
        return;
    case OPTION_DATA: /* read as --data */
        return;
    case OPTION_QUIET:
        o->quiet = true;
        return;
    case OPTION_HELP:
        show_help(help);
    case OPTION_VERSION:
        show_version();
    }
}

/* What is sent hundreds of times must be harmless, or the user must have said what it is. */
static void check_is_meant(const struct target_options *o)
{
    struct ringsend_bytes method = o->request.defaults.method;
    bool safe = method.bytes == 0 || span_equal(method, SPAN("GET")) ||
                span_equal(method, SPAN("HEAD")) || span_equal(method, SPAN("OPTIONS"));
    if (!safe && o->url && !o->records.data)
        usage_error(command, "%.*s may change something each time it is sent: say what with --data",
                    (int)method.bytes, method.data);
}

void probe_options_read(struct probe_options *options, int argc, char **argv)
{
    *options = (struct probe_options){.step_ns = 2 * SECOND_NS};
    target_options_init(&options->target, command);
    options->target.request.engine.connections_max = CONNECTIONS_DEFAULT;
    opterr = 0;
    for (;;) {
        int code = getopt_long(argc, argv, ":" REQUEST_SHORT_OPTIONS "d:qhV", long_options, NULL);
        if (code == -1)
            break;
        if (code == '?' || code == ':')
            option_error(command, long_options, argv, code);
        read_option(options, code, optarg);
    }
    target_options_finish(&options->target, argv + optind, argc - optind);
    check_is_meant(&options->target);
}

void probe_options_free(struct probe_options *options)
{
    target_options_free(&options->target);
}
