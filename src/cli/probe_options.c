#include "cli/probe_options.h"

#include "base/span.h"
#include "cli/values.h"
#include "http/url.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char command[] = "probe";

#define SECOND_NS 1000000000ull
enum { CONNECTIONS_DEFAULT = 64 };

enum option_code {
    OPTION_DATA = 'd',
    OPTION_QUIET = 'q',
    OPTION_HELP = 'h',
    OPTION_VERSION = 'V',
    OPTION_STEP = REQUEST_OPTIONS_END,
    OPTION_JSON
};

// clang-format off
static const struct option long_options[] = {
    REQUEST_LONG_OPTIONS,
    {"step", required_argument, NULL, OPTION_STEP},
    {"json", no_argument, NULL, OPTION_JSON},
    {"data", required_argument, NULL, OPTION_DATA},
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
    "  -d, --data TEXT         body of each request; @FILE: the content of a file\n"
    "  -H, --header 'NAME: VALUE'  repeats; @FILE reads one per line\n"
    "      --url URL           for records without one\n"
    "      --strict-http       refuse response heads with bare LF line ends\n"
    "Times (250ms, 2s, 1m; a bare number is seconds). Nothing is tried again.\n"
    "      --connect-timeout T      default 10s\n"
    "      --handshake-timeout T    connected to TLS established; default 10s\n"
    "      --first-byte-timeout T   request sent to first byte back; default 30s\n"
    "      --timeout T         start to end of the response; default 60s\n" REQUEST_HELP_TLS
    "Responses\n" REQUEST_HELP_RESPONSES "\n"
    "  -h, --help              this text\n"
    "  -V, --version           the version\n"
    "\n"
    "Exit status\n"
    "  0  the knee is known                 2  an input could not be read\n"
    "  1  wrong usage                       3  no good answer came\n"
    "  4  could not start (io_uring refused)\n";

static void read_option(struct probe_options *o, int code, const char *value)
{
    if (code == REQUEST_TRIES || code == REQUEST_AT_LEAST_ONCE || code == REQUEST_DEADLINE)
        usage_error(command, "--tries, --at-least-once and --deadline are for `ringsend send`: "
                             "here nothing is tried again, and --timeout is the limit");
    if (request_option_read(&o->requests.request, code, value))
        return;
    switch ((enum option_code)code) {
    case OPTION_STEP:
        o->step_ns = value_duration_ns(command, "--step", value, SECOND_NS / 10, 60 * SECOND_NS);
        return;
    case OPTION_JSON:
        o->json = true;
        return;
    case OPTION_DATA:
        o->requests.data = value;
        return;
    case OPTION_QUIET:
        o->quiet = true;
        return;
    case OPTION_HELP:
        fputs(help, stdout);
        exit(EXIT_OK);
    case OPTION_VERSION:
        printf("ringsend %s\n", ringsend_version());
        exit(EXIT_OK);
    }
}

/* What is sent hundreds of times must be harmless, or the user must have said what it is. */
static void check_is_meant(const struct bench_options *o)
{
    struct ringsend_bytes method = o->request.defaults.method;
    bool safe = method.bytes == 0 || span_equal(method, SPAN("GET")) ||
                span_equal(method, SPAN("HEAD")) || span_equal(method, SPAN("OPTIONS"));
    if (!safe && !o->data)
        usage_error(command, "%.*s may change something each time it is sent: say what with --data",
                    (int)method.bytes, method.data);
}

static void read_target(struct bench_options *o, char *const *targets, int count)
{
    struct url url;
    const char *detail = NULL;
    if (count == 0)
        usage_error(command, "name a URL, or files of records");
    if (strncasecmp(targets[0], "http://", 7) != 0 && strncasecmp(targets[0], "https://", 8) != 0) {
        if (o->data)
            usage_error(command, "--data goes with a URL: records bring their own");
        o->inputs = targets;
        o->inputs_count = (size_t)count;
        return;
    }
    if (count > 1 || o->request.defaults.url.bytes > 0)
        usage_error(command, "one URL, or files of records");
    o->url = targets[0];
    if (url_parse(&url, span_of(o->url), &detail) != RINGSEND_OK)
        /* Not repeated: there may be a password in it. */
        usage_error(command, "the URL must be http[s]://HOST[:PORT][/PATH]: %s", detail);
    check_is_meant(o);
}

void probe_options_read(struct probe_options *options, int argc, char **argv)
{
    struct request_options *request = &options->requests.request;
    *options = (struct probe_options){.step_ns = 2 * SECOND_NS};
    request_options_init(request, command);
    request->engine.connections_max = CONNECTIONS_DEFAULT;
    opterr = 0;
    for (;;) {
        int code = getopt_long(argc, argv, ":" REQUEST_SHORT_OPTIONS "d:qhV", long_options, NULL);
        if (code == -1)
            break;
        if (code == '?' || code == ':')
            option_error(command, long_options, argv, code);
        read_option(options, code, optarg);
    }
    request_options_finish(request);
    read_target(&options->requests, argv + optind, argc - optind);
}

void probe_options_free(struct probe_options *options)
{
    request_options_free(&options->requests.request);
}
