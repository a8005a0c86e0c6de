#include "cli/bench/bench_options.h"

#include "base/limits.h"
#include "base/span.h"
#include "bench/compare.h"
#include "cli/options/values.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char command[] = "bench";

#define MS_NS 1000000ull
#define HOUR_NS 3600000000000ull
#define RATE_MAX 10e6
#define DURATION_DEFAULT_NS 10000000000ull

enum { THREADS_MAX = 256, REPEAT_VERSUS = 5 };

enum option_code {
    OPTION_DURATION = 'd',
    OPTION_REQUESTS = 'n',
    OPTION_QUIET = 'q',
    OPTION_RATE = 'r',
    OPTION_THREADS = 't',
    OPTION_HELP = 'h',
    OPTION_VERSION = 'V',
    OPTION_ARRIVALS = REPORT_OPTIONS_END,
    OPTION_AWAKE,
    OPTION_BATCH,
    OPTION_NEW_CONNECTION,
    OPTION_RAMP,
    OPTION_REPEAT,
    OPTION_SEED,
    OPTION_SPIN,
    OPTION_STEPS,
    OPTION_TIMESTAMPS,
    OPTION_TOLERANCE,
    OPTION_VS,
    OPTION_WARMUP
};

// clang-format off
static const struct option long_options[] = {
    REQUEST_LONG_OPTIONS,
    RECORD_LONG_OPTIONS,
    REPORT_LONG_OPTIONS,
    {"arrivals", required_argument, NULL, OPTION_ARRIVALS},
    {"awake", no_argument, NULL, OPTION_AWAKE},
    {"batch", no_argument, NULL, OPTION_BATCH},
    {"duration", required_argument, NULL, OPTION_DURATION},
    {"help", no_argument, NULL, OPTION_HELP},
    {"new-connection", no_argument, NULL, OPTION_NEW_CONNECTION},
    {"quiet", no_argument, NULL, OPTION_QUIET},
    {"ramp", required_argument, NULL, OPTION_RAMP},
    {"rate", required_argument, NULL, OPTION_RATE},
    {"repeat", required_argument, NULL, OPTION_REPEAT},
    {"requests", required_argument, NULL, OPTION_REQUESTS},
    {"seed", required_argument, NULL, OPTION_SEED},
    {"spin", no_argument, NULL, OPTION_SPIN},
    {"steps", required_argument, NULL, OPTION_STEPS},
    {"threads", required_argument, NULL, OPTION_THREADS},
    {"timestamps", no_argument, NULL, OPTION_TIMESTAMPS},
    {"tolerance", required_argument, NULL, OPTION_TOLERANCE},
    {"version", no_argument, NULL, OPTION_VERSION},
    {"vs", required_argument, NULL, OPTION_VS},
    {"warmup", required_argument, NULL, OPTION_WARMUP},
    {NULL, 0, NULL, 0},
};
// clang-format on

static const char help[] =
    "Usage: ringsend bench [OPTION]... URL\n"
    "       ringsend bench [OPTION]... FILE...\n"
    "Measures how long requests take: one to the URL, or those that the records of\n"
    "FILEs are (see `ringsend send --help`; - is standard input), over and over.\n"
    "\n"
    "Load\n"
    "  -r, --rate N/T          open loop: start N requests in T, such as 500/s or\n"
    "                          90/m (N alone: a second), whatever comes back. One\n"
    "                          that finds no free connection waits, and its wait\n"
    "                          counts. Without it closed loop: each connection starts\n"
    "                          its next request when the last one is done, so that a\n"
    "                          server that stalls is asked less\n"
    "      --arrivals KIND     of -r: constant (default), or poisson: random, as from\n"
    "                          many users who do not know of each other\n"
    "      --steps R1,R2,...   one run after another with these rates: 1000/s,2000/s\n"
    "  -c, --connections N     open at once, 1 to 32768; default 40\n"
    "      --new-connection    one for each request (Connection: close)\n"
    "  -t, --threads N         1 to 256; default 1. They share connections and rate\n"
    "  -d, --duration T        of the measured part; default 10s, unless -n is given\n"
    "  -n, --requests N        so many in all; with -d, whichever comes first\n"
    "      --warmup T          full load before the measured part; in no figure\n"
    "      --ramp T            before that: from nothing to full load\n"
    "      --seed N            of the random arrivals; default 1\n"
    "Comparing (see also ringsend compare --help)\n"
    "      --vs URL            another target, by turns: is it slower than the first?\n"
    "                          Exit with 5 when it is\n"
    "      --repeat N          runs of each target, 1 to 20; default 1, with --vs 5\n"
    "      --tolerance SHARE   differences up to this do not count; default 5%\n"
    "Measuring\n"
    "      --spin              wait busily: microseconds less, for a CPU a thread\n"
    "      --awake             keep this machine's processors from sleeping, so that\n"
    "                          their waking is in no time; wants root\n"
    "      --batch             take answers several at a time: less CPU per request,\n"
    "                          and times up to 200 us too long\n"
    "      --timestamps        by the kernel's stamps of packets: what was spent on\n"
    "                          this machine and what outside of it\n"
    "  -q, --quiet             no line per second\n"
    "Requests\n"
    "  -X, --method METHOD     default GET, with data POST\n"
    "  -H, --header 'NAME: VALUE'  repeats; @FILE reads one per line\n"
    "      --data TEXT         the body. With a URL as it stands, @FILE reads it; of\n"
    "                          rows and lines a template; JSON records bring "
    "theirs\n" TARGET_HELP_RECORDS TARGET_HELP_TIMES REQUEST_HELP_TLS
    "Responses\n" REQUEST_HELP_RESPONSES REPORT_HELP "\n"
    "  -h, --help              this text\n"
    "  -V, --version           the version\n"
    "\n"
    "Bodies of good responses are counted and not kept, however long they are, unless\n"
    "--max-body, --compressed, --ok-if or --retry-if asks for them.\n"
    "\n"
    "Times are told apart: response time from when the request should have started,\n"
    "service time from when it did, and the send lag between the two.\n"
    "\n"
    "Examples\n"
    "  ringsend bench -r 1000 -d 30s http://localhost:8080/\n"
    "  ringsend bench -c 100 -n 100000 -X POST --data @order.json \\\n"
    "      http://localhost:8080/orders\n"
    "  ringsend bench --steps 1000,2000,4000 records.jsonl\n"
    "  ringsend bench -r 500 --url 'http://localhost:8080/{{id|url}}' users.csv.gz\n"
    "\n"
    "SIGINT, SIGTERM and SIGHUP: starts no more, waits for what is in flight, and\n"
    "reports. A second SIGINT or SIGTERM cancels that, too. What was ignored when it\n"
    "was started (nohup, a script's &) stays ignored.\n"
    "\n"
    "Exit status\n"
    "  0  all runs were made\n"
    "  1  wrong usage\n"
    "  2  an input could not be read\n"
    "  3  no request was ok (with --vs: of a target); only failures were measured\n"
    "  4  a run could not start or go on; those made before it are reported\n"
    "  5  --fail-if is true, or --vs is slower (and there was an ok request)\n"
    "  7  a report could not be written\n"
    "  129, 130, 143  stopped by SIGHUP, SIGINT, SIGTERM\n";

static void read_steps(struct bench_options *o, const char *text)
{
    o->steps_count = 0;
    for (const char *at = text;; at++) {
        const struct ringsend_bytes step = {at, strcspn(at, ",")};
        if (o->steps_count == BENCH_STEPS_MAX)
            usage_error(command, "--steps: at most %d rates can be given", BENCH_STEPS_MAX);
        o->steps[o->steps_count++] = value_rate_per_s(command, "--steps", step, RATE_MAX);
        at += step.bytes;
        if (!*at)
            return;
    }
}

static enum arrivals read_arrivals(const char *text)
{
    if (strcmp(text, "poisson") == 0)
        return ARRIVALS_POISSON;
    if (strcmp(text, "constant") != 0)
        usage_error(command, "--arrivals must be constant or poisson, not \"%s\"", text);
    return ARRIVALS_CONSTANT;
}

static void read_time(struct figures_settings *s, enum option_code code, const char *text)
{
    const char *option = code == OPTION_RAMP     ? "--ramp"
                         : code == OPTION_WARMUP ? "--warmup"
                                                 : "--duration";
    uint64_t ns = value_duration_ns(command, option, text, MS_NS, 24 * HOUR_NS);
    *(code == OPTION_RAMP     ? &s->ramp_ns
      : code == OPTION_WARMUP ? &s->warmup_ns
                              : &s->duration_ns) = ns;
}

static double read_one_rate(const char *text)
{
    if (strchr(text, ','))
        usage_error(command, "--rate must be one rate, not \"%s\"; see --steps", text);
    return value_rate_per_s(command, "--rate", span_of(text), RATE_MAX);
}

static void read_option(struct bench_options *o, int code, const char *value)
{
    struct figures_settings *s = &o->settings;
    if (target_option_read(&o->target, code, value) || report_option_read(&o->report, code, value))
        return;
    switch ((enum option_code)code) {
    case OPTION_ARRIVALS:
        s->arrivals = read_arrivals(value);
        return;
    case OPTION_AWAKE:
        s->awake = true;
        return;
    case OPTION_BATCH:
        s->batch = true;
        return;
    case OPTION_DURATION:
    case OPTION_RAMP:
    case OPTION_WARMUP:
        read_time(s, (enum option_code)code, value);
        return;
    case OPTION_NEW_CONNECTION:
        s->new_connection = true;
        return;
    case OPTION_QUIET:
        o->quiet = true;
        return;
    case OPTION_RATE:
        s->rate = read_one_rate(value);
        return;
    case OPTION_REPEAT:
        o->repeat = (uint32_t)value_count(command, "--repeat", value, 1, COMPARE_RUNS_MAX);
        return;
    case OPTION_REQUESTS:
        s->requests = value_count(command, "--requests", value, 1, UINT64_MAX / 2);
        return;
    case OPTION_SEED:
        s->seed = value_count(command, "--seed", value, 0, UINT64_MAX);
        return;
    case OPTION_SPIN:
        s->spin = true;
        return;
    case OPTION_STEPS:
        read_steps(o, value);
        return;
    case OPTION_TIMESTAMPS:
        s->timestamps = true;
        return;
    case OPTION_THREADS:
        s->threads = (uint32_t)value_count(command, "--threads", value, 1, THREADS_MAX);
        return;
    case OPTION_TOLERANCE:
        o->tolerance = value_share(command, "--tolerance", value);
        return;
    case OPTION_VS:
        o->versus = value;
        return;
    case OPTION_HELP:
        show_help(help);
    case OPTION_VERSION:
        show_version();
    }
}

static void finish_comparison(struct bench_options *o)
{
    if (o->steps_count > 0 && (o->repeat > 0 || o->versus))
        usage_error(command, "--repeat and --vs are for runs at one rate, --steps for several");
    if (o->tolerance >= 0 && !o->versus)
        usage_error(command, "--tolerance goes with --vs");
    if (o->tolerance < 0)
        o->tolerance = COMPARE_TOLERANCE;
    if (o->repeat == 0)
        o->repeat = o->versus ? REPEAT_VERSUS : 1;
    if (!o->versus)
        return;
    if (!o->target.url)
        usage_error(command, "--vs compares two URLs; records bring their own");
    target_check_url(&o->target, "--vs", o->versus);
    if (strcmp(o->target.url, o->versus) == 0)
        usage_error(command, "--vs is the very URL that is measured already; to see how far two "
                             "runs of one target differ, add a query to one: ?b");
}

/* What the options say together, with the arguments that are none. */
static void finish(struct bench_options *o, char *const *arguments, int count)
{
    struct figures_settings *s = &o->settings;
    struct request_options *request = &o->target.request;
    s->connections = request->engine.connections_max;
    if (o->steps_count > 0 && s->rate > 0)
        usage_error(command, "--rate and --steps say the same thing: give one of them");
    if (o->steps_count > 0)
        s->rate = o->steps[0];
    s->open_loop = s->rate > 0;
    if (!s->open_loop && s->arrivals == ARRIVALS_POISSON)
        usage_error(command, "--arrivals goes with --rate or --steps");
    if (s->threads > s->connections)
        usage_error(command, "%u threads need as many connections, and there are %u", s->threads,
                    s->connections);
    if (s->batch && s->spin)
        usage_error(command,
                    "--batch waits for more to come, --spin for nothing: give one of them");
    if (s->requests > 0 && s->requests < s->threads)
        usage_error(command, "%u threads need as many requests", s->threads);
    if (s->duration_ns == 0 && s->requests == 0)
        s->duration_ns = DURATION_DEFAULT_NS;
    if (s->new_connection)
        request_option_read(request, REQUEST_HEADER, "Connection: close");
    s->insecure = request->engine.insecure;
    target_options_finish(&o->target, arguments, count);
    finish_comparison(o);
    report_options_finish(&o->report, s->open_loop);
    s->seconds_whole = report_wants(&o->report, REPORT_HLOG);
}

void bench_options_read(struct bench_options *options, int argc, char **argv)
{
    *options = (struct bench_options){.tolerance = -1, .settings = {.threads = 1, .seed = 1}};
    target_options_init(&options->target, command);
    report_options_init(&options->report, command);
    opterr = 0;
    for (;;) {
        int code =
            getopt_long(argc, argv, ":" REQUEST_SHORT_OPTIONS "d:n:qr:t:hV", long_options, NULL);
        if (code == -1)
            break;
        if (code == '?' || code == ':')
            option_error(command, long_options, argv, code);
        read_option(options, code, optarg);
    }
    finish(options, argv + optind, argc - optind);
}

void bench_options_free(struct bench_options *options)
{
    target_options_free(&options->target);
}
