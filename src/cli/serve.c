/* `ringsend serve`: reads the options, runs the server until a signal, prints the report.
 *
 * Standard output carries one line only, the address, so that a script can start it on port 0 and
 * read where it listens; everything for people goes to standard error. The first SIGINT, SIGTERM
 * or SIGHUP stops the server in good order; a second SIGINT or SIGTERM ends it. */
#include "base/check.h"
#include "cli/commands.h"
#include "cli/descriptor.h"
#include "cli/options/values.h"
#include "cli/read_files.h"
#include "cli/signals.h"
#include "serve/server.h"
#include "tls/tls.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char COMMAND[] = "serve";

static const char help[] =
    "Usage: ringsend serve [OPTION]...\n"
    "Answers HTTP/1.1 requests on the loopback interface, with the latency, limits\n"
    "and faults of the platform you want to rehearse. When ready it prints\n"
    "\"listening on http://HOST:PORT\" (https with --tls). SIGINT, SIGTERM or SIGHUP\n"
    "stops it, and it reports what it saw.\n"
    "\n"
    "Where\n"
    "      --listen HOST:PORT  default 127.0.0.1:8080\n"
    "  -p, --port PORT         port alone; 0 takes any free one\n"
    "      --tls               serve https (TLS 1.2), sessions are resumed\n"
    "      --cert FILE         its certificate, then the issuers' up to the one the\n"
    "                          clients trust: PEM\n"
    "      --key FILE          its key: PEM, not encrypted; default: in the --cert\n"
    "                          file too\n"
    "Answers\n"
    "      --body TEXT         body of the answer; default {\"ok\":true}\n"
    "      --body-bytes N      body of N bytes instead, of any length: lines of 16\n"
    "                          bytes that tell where in it they stand\n"
    "      --echo              body of the request instead, up to 64 MiB\n"
    "      --digest            length and SHA-256 of the request's body instead, of\n"
    "                          any length: {\"bytes\":3,\"sha256\":\"ba78...\"}\n"
    "      --latency TIME[,P99]  time to answer; with two values the median and the\n"
    "                          99th percentile of a log-normal distribution;\n"
    "                          default 0\n"
    "Faults, as shares of the requests: 2% or 0.02\n"
    "      --status CODE:SHARE  answer with this status instead of 200; repeats\n"
    "      --reset SHARE       reset the connection instead of answering\n"
    "      --close SHARE       close the connection in good order instead\n"
    "      --stall SHARE       never answer\n"
    "      --pause AT,FOR      AT after the first request do nothing at all for a\n"
    "                          time: read, answer and accept nothing\n"
    "      --seed N            another sequence of faults and latencies; default 1\n"
    "Limits\n"
    "      --max-connections N  connections served at once; default 20000\n"
    "      --over WHAT         happens to more of them: refuse (closed at once, the\n"
    "                          default) or queue (left waiting unread)\n"
    "      --workers N         requests worked on at a time, for as long as --latency\n"
    "                          says; more wait for their turn, so that more\n"
    "                          connections bring no more answers; default any number\n"
    "      --rate-limit N/T    requests answered in T: 50/s, 100/m (N alone: a\n"
    "                          second); more get 429\n"
    "      --retry-after TIME  Retry-After of 429 answers, and then of 503 too, in\n"
    "                          whole seconds; default 1s, 429 only\n"
    "      --keep-alive-requests N  requests on a connection before it is closed;\n"
    "                          default any number\n"
    "      --keep-alive-timeout TIME  idle connections are closed then, which is\n"
    "                          advertised as Keep-Alive; default never\n"
    "Seeing\n"
    "      --log FILE          append a line for each request: microseconds, method,\n"
    "                          target, id or body hash, outcome, microseconds that it\n"
    "                          took; separated by tabs.\n"
    "                          Outcomes: the status, reset, close, stall, refused,\n"
    "                          gone (the client left), stopped (by a signal)\n"
    "      --id-header NAME    request header with the id; default x-record-id\n"
    "      --stats-path PATH   GET of this path answers the report as JSON, and does\n"
    "                          not count; default /-/stats\n"
    "  -q, --quiet             no report at the end\n"
    "\n"
    "  -h, --help              this text\n"
    "  -V, --version           the version\n"
    "\n"
    "Exit status\n"
    "  0  stopped by a signal               1  wrong usage\n"
    "  4  could not start (port in use, io_uring refused)\n"
    "  7  address or log could not be written\n";

enum option_code {
    OPTION_PORT = 'p',
    OPTION_QUIET = 'q',
    OPTION_HELP = 'h',
    OPTION_VERSION = 'V',
    OPTION_LISTEN = 256,
    OPTION_TLS,
    OPTION_CERT,
    OPTION_KEY,
    OPTION_BODY,
    OPTION_BODY_BYTES,
    OPTION_ECHO,
    OPTION_DIGEST,
    OPTION_LATENCY,
    OPTION_STATUS,
    OPTION_RESET,
    OPTION_CLOSE,
    OPTION_STALL,
    OPTION_PAUSE,
    OPTION_SEED,
    OPTION_MAX_CONNECTIONS,
    OPTION_OVER,
    OPTION_WORKERS,
    OPTION_RATE_LIMIT,
    OPTION_RETRY_AFTER,
    OPTION_KEEP_ALIVE_REQUESTS,
    OPTION_KEEP_ALIVE_TIMEOUT,
    OPTION_LOG,
    OPTION_ID_HEADER,
    OPTION_STATS_PATH,
};

static const struct option long_options[] = {
    {"listen", required_argument, NULL, OPTION_LISTEN},
    {"port", required_argument, NULL, OPTION_PORT},
    {"tls", no_argument, NULL, OPTION_TLS},
    {"cert", required_argument, NULL, OPTION_CERT},
    {"key", required_argument, NULL, OPTION_KEY},
    {"body", required_argument, NULL, OPTION_BODY},
    {"body-bytes", required_argument, NULL, OPTION_BODY_BYTES},
    {"echo", no_argument, NULL, OPTION_ECHO},
    {"digest", no_argument, NULL, OPTION_DIGEST},
    {"latency", required_argument, NULL, OPTION_LATENCY},
    {"status", required_argument, NULL, OPTION_STATUS},
    {"reset", required_argument, NULL, OPTION_RESET},
    {"close", required_argument, NULL, OPTION_CLOSE},
    {"stall", required_argument, NULL, OPTION_STALL},
    {"pause", required_argument, NULL, OPTION_PAUSE},
    {"seed", required_argument, NULL, OPTION_SEED},
    {"max-connections", required_argument, NULL, OPTION_MAX_CONNECTIONS},
    {"over", required_argument, NULL, OPTION_OVER},
    {"workers", required_argument, NULL, OPTION_WORKERS},
    {"rate-limit", required_argument, NULL, OPTION_RATE_LIMIT},
    {"retry-after", required_argument, NULL, OPTION_RETRY_AFTER},
    {"keep-alive-requests", required_argument, NULL, OPTION_KEEP_ALIVE_REQUESTS},
    {"keep-alive-timeout", required_argument, NULL, OPTION_KEEP_ALIVE_TIMEOUT},
    {"log", required_argument, NULL, OPTION_LOG},
    {"id-header", required_argument, NULL, OPTION_ID_HEADER},
    {"stats-path", required_argument, NULL, OPTION_STATS_PATH},
    {"quiet", no_argument, NULL, OPTION_QUIET},
    {"help", no_argument, NULL, OPTION_HELP},
    {"version", no_argument, NULL, OPTION_VERSION},
    {NULL, 0, NULL, 0},
};

static const uint64_t SECOND_NS = 1000000000, HOUR_NS = 3600000000000;
static const uint64_t DAY_NS = 86400 * 1000000000ull;

struct serve_options {
    struct server_options server;
    const char *log_path;   /* null: no log */
    const char *cert_path;  /* null exactly without tls */
    const char *key_path;   /* null: the key is in cert_path */
    char *host, *id_header; /* owned; null while the defaults serve */
    bool tls, quiet;
};

static char *copy_text(const char *text, size_t bytes)
{
    char *copy = strndup(text, bytes);
    if (!copy)
        usage_error(COMMAND, "out of memory");
    return copy;
}

static void check_port(const char *option, const char *text)
{
    value_count(COMMAND, option, text, 0, 65535);
}

/* HOST:PORT, an IPv6 address in brackets. */
static void read_listen(struct serve_options *o, const char *text)
{
    const char *colon = strrchr(text, ':');
    size_t bytes = colon ? (size_t)(colon - text) : 0;
    bool bracketed = bytes > 2 && text[0] == '[' && text[bytes - 1] == ']';
    if (bytes == 0 || (!bracketed && memchr(text, ':', bytes)))
        usage_error(COMMAND, "--listen %s: HOST:PORT is expected, an IPv6 address as [::1]:PORT",
                    text);
    check_port("--listen", colon + 1);
    free(o->host);
    o->host = bracketed ? copy_text(text + 1, bytes - 2) : copy_text(text, bytes);
    o->server.host = o->host;
    o->server.port = colon + 1;
}

static void read_latency(struct fault_plan *faults, const char *text)
{
    const char *comma = strchr(text, ',');
    char *first = copy_text(text, comma ? (size_t)(comma - text) : strlen(text));
    uint64_t p50_ns = value_duration_ns(COMMAND, "--latency", first, 0, LATENCY_NS_MAX);
    uint64_t p99_ns = p50_ns;
    free(first);
    if (comma) {
        p99_ns = value_duration_ns(COMMAND, "--latency", comma + 1, 0, LATENCY_NS_MAX);
        if (p50_ns == 0 || p99_ns < p50_ns)
            usage_error(COMMAND,
                        "--latency %s: the median is above 0 and at most the 99th "
                        "percentile",
                        text);
    }
    latency_init(&faults->latency, p50_ns, p99_ns);
}

/* "AT,FOR" */
static void read_pause(struct server_options *server, const char *text)
{
    char at[32];
    const char *comma = strchr(text, ',');
    size_t bytes = comma ? (size_t)(comma - text) : sizeof at;
    if (bytes >= sizeof at)
        usage_error(COMMAND, "--pause must be two times such as 5s,1s, not \"%s\"", text);
    memcpy(at, text, bytes);
    at[bytes] = '\0';
    server->pause_at_ns = value_duration_ns(COMMAND, "--pause", at, 0, LATENCY_NS_MAX);
    server->pause_ns = value_duration_ns(COMMAND, "--pause", comma + 1, 1, LATENCY_NS_MAX);
}

static void read_status(struct fault_plan *faults, const char *text)
{
    const char *colon = strchr(text, ':');
    if (!colon)
        usage_error(COMMAND, "--status %s: CODE:SHARE is expected, as in 500:2%%", text);
    if (faults->statuses_count == FAULT_STATUSES_MAX)
        usage_error(COMMAND, "--status: at most %d of them", FAULT_STATUSES_MAX);
    char *code = copy_text(text, (size_t)(colon - text));
    struct fault_status *s = &faults->statuses[faults->statuses_count++];
    s->status = (uint16_t)value_count(COMMAND, "--status", code, 200, SERVER_STATUSES - 1);
    s->share = value_share(COMMAND, "--status", colon + 1);
    free(code);
}

static void read_body(struct serve_options *o, const char *text)
{
    o->server.body = span_of(text);
    if (o->server.body.bytes > SERVER_BODY_BYTES_MAX)
        usage_error(COMMAND, "--body: at most %d bytes", SERVER_BODY_BYTES_MAX);
    bool json = text[0] == '{' || text[0] == '[' || text[0] == '"';
    o->server.body_type = json ? "application/json" : "text/plain";
}

static void read_body_bytes(struct serve_options *o, const char *text)
{
    o->server.body.data = NULL;
    o->server.body.bytes = value_bytes(COMMAND, "--body-bytes", text, 0, SERVER_FILLER_BYTES_MAX);
    o->server.body_type = "application/octet-stream";
}

static void read_id_header(struct serve_options *o, const char *text)
{
    size_t bytes = strlen(text);
    if (bytes == 0 || bytes > 63 ||
        strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                     "!#$%&'*+-.^_`|~") != bytes)
        usage_error(COMMAND,
                    "--id-header %s: a header's name of 1 to 63 letters, digits or "
                    "hyphens is expected",
                    text);
    free(o->id_header);
    o->id_header = copy_text(text, bytes);
    for (char *c = o->id_header; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    o->server.id_header = o->id_header;
}

static enum server_over read_over(const char *text)
{
    if (strcmp(text, "refuse") == 0)
        return SERVER_REFUSE;
    if (strcmp(text, "queue") == 0)
        return SERVER_QUEUE;
    usage_error(COMMAND, "--over %s: \"refuse\" or \"queue\" is expected", text);
}

/* The options about the place; false when the code is none of them. */
static bool read_place(struct serve_options *o, int code, const char *text)
{
    switch (code) {
    case OPTION_LISTEN:
        read_listen(o, text);
        return true;
    case OPTION_PORT:
        check_port("--port", text);
        o->server.port = text;
        return true;
    case OPTION_TLS:
        o->tls = true;
        return true;
    case OPTION_CERT:
        o->cert_path = text;
        return true;
    case OPTION_KEY:
        o->key_path = text;
        return true;
    }
    return false;
}

/* The options about limits and sight; false when the code is none of them. */
static bool read_limit(struct serve_options *o, int code, const char *text)
{
    struct server_options *server = &o->server;
    switch (code) {
    case OPTION_MAX_CONNECTIONS:
        server->connections_max =
            (uint32_t)value_count(COMMAND, "--max-connections", text, 1, SERVER_CONNECTIONS_MAX);
        return true;
    case OPTION_OVER:
        server->over = read_over(text);
        return true;
    case OPTION_WORKERS:
        server->workers = (uint32_t)value_count(COMMAND, "--workers", text, 1, SERVER_WORKERS_MAX);
        return true;
    case OPTION_RATE_LIMIT:
        value_rate(COMMAND, "--rate-limit", text, UINT32_MAX, HOUR_NS, &server->rate_limit,
                   &server->rate_limit_per_ns);
        return true;
    case OPTION_RETRY_AFTER: {
        uint64_t ns = value_duration_ns(COMMAND, "--retry-after", text, 0, DAY_NS);
        server->retry_after_s = (uint32_t)((ns + SECOND_NS - 1) / SECOND_NS);
        server->retry_after_in_503 = true;
        return true;
    }
    case OPTION_KEEP_ALIVE_REQUESTS:
        server->keep_alive_requests =
            (uint32_t)value_count(COMMAND, "--keep-alive-requests", text, 1, UINT32_MAX);
        return true;
    case OPTION_KEEP_ALIVE_TIMEOUT:
        server->keep_alive_ns =
            value_duration_ns(COMMAND, "--keep-alive-timeout", text, 1000000, DAY_NS);
        return true;
    case OPTION_LOG:
        o->log_path = text;
        return true;
    case OPTION_ID_HEADER:
        read_id_header(o, text);
        return true;
    case OPTION_STATS_PATH:
        if (text[0] != '/')
            usage_error(COMMAND, "--stats-path %s: a path that begins with / is expected", text);
        server->stats_path = text;
        return true;
    }
    return false;
}

static void read_option(struct serve_options *o, int code, const char *text)
{
    struct fault_plan *faults = &o->server.faults;
    if (read_place(o, code, text) || read_limit(o, code, text))
        return;
    switch (code) {
    case OPTION_BODY:
        read_body(o, text);
        return;
    case OPTION_BODY_BYTES:
        read_body_bytes(o, text);
        return;
    case OPTION_ECHO:
        o->server.echo = true;
        return;
    case OPTION_DIGEST:
        o->server.digest = true;
        return;
    case OPTION_LATENCY:
        read_latency(faults, text);
        return;
    case OPTION_STATUS:
        read_status(faults, text);
        return;
    case OPTION_RESET:
        faults->reset = value_share(COMMAND, "--reset", text);
        return;
    case OPTION_CLOSE:
        faults->close = value_share(COMMAND, "--close", text);
        return;
    case OPTION_STALL:
        faults->stall = value_share(COMMAND, "--stall", text);
        return;
    case OPTION_PAUSE:
        read_pause(&o->server, text);
        return;
    case OPTION_SEED:
        faults->seed = value_count(COMMAND, "--seed", text, 0, UINT64_MAX);
        return;
    case OPTION_QUIET:
        o->quiet = true;
        return;
    case OPTION_HELP:
        show_help(help);
    case OPTION_VERSION:
        show_version();
    }
    UNREACHABLE("an option in the table that nobody reads");
}

static void read_options(struct serve_options *o, int argc, char **argv)
{
    *o = (struct serve_options){.server = {.host = "127.0.0.1",
                                           .port = "8080",
                                           .faults = {.seed = 1},
                                           .retry_after_s = 1,
                                           .body = SPAN("{\"ok\":true}"),
                                           .body_type = "application/json",
                                           .id_header = "x-record-id",
                                           .stats_path = "/-/stats",
                                           .log_fd = -1}};
    opterr = 0;
    for (;;) {
        int code = getopt_long(argc, argv, ":p:qhV", long_options, NULL);
        if (code == -1)
            break;
        if (code == '?' || code == ':')
            option_error(COMMAND, long_options, argv, code);
        read_option(o, code, optarg);
    }
    if (optind < argc)
        usage_error(COMMAND, "%s: no arguments are expected", argv[optind]);
    if (o->server.echo && o->server.digest)
        usage_error(COMMAND, "--echo and --digest are two answers: give one of them");
    if (o->tls && !o->cert_path)
        usage_error(COMMAND, "--tls needs --cert FILE, the certificate to show");
    if (!o->tls && (o->cert_path || o->key_path))
        usage_error(COMMAND, "%s is for --tls, which is not given",
                    o->cert_path ? "--cert" : "--key");
    const struct fault_plan *faults = &o->server.faults;
    double sum = faults->reset + faults->close + faults->stall;
    for (unsigned i = 0; i < faults->statuses_count; i++)
        sum += faults->statuses[i].share;
    if (sum > 1 + 1e-9)
        usage_error(COMMAND, "the shares of --status, --reset, --close and --stall add up to more "
                             "than 100%%");
}

static struct server *volatile signalled;

static void on_signal(int number)
{
    (void)number;
    struct server *server = signalled;
    if (server)
        server_stop(server);
}

static void watch_signals(struct server *server)
{
    signalled = server;
    signals_catch_one(SIGINT, on_signal, (int)SA_RESETHAND);
    signals_catch_one(SIGTERM, on_signal, (int)SA_RESETHAND);
    signals_catch_one(SIGHUP, on_signal, 0);
}

static void print_report(const struct server_report *r, bool tls)
{
    fprintf(stderr,
            "requests %" PRIu64 ", connections %" PRIu64 " (most at once %" PRIu64
            ", refused %" PRIu64 ")\n",
            r->requests, r->connections, r->connections_peak, r->refused);
    if (tls)
        fprintf(stderr,
                "  TLS handshakes: %" PRIu64 " full, %" PRIu64 " resumed, %" PRIu64 " failed\n",
                r->handshakes_full, r->handshakes_resumed, r->handshakes_failed);
    for (unsigned status = 0; status < SERVER_STATUSES; status++) {
        if (r->statuses[status] > 0)
            fprintf(stderr, "  status %u: %" PRIu64 "\n", status, r->statuses[status]);
    }
    const struct {
        const char *name;
        uint64_t count;
    } others[] = {{"resets", r->resets},
                  {"closes", r->closes},
                  {"stalls", r->stalls},
                  {"clients gone before their answer", r->gone},
                  {"unanswered when it was stopped", r->stopped}};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        if (others[i].count > 0)
            fprintf(stderr, "  %s: %" PRIu64 "\n", others[i].name, others[i].count);
    }
}

/* Runs a server that listens. */
static int serve(struct server *server, const struct serve_options *o)
{
    watch_signals(server);
    /* Nobody could find a server whose address was lost. */
    if (printf("listening on %s://%s\n", o->tls ? "https" : "http", server_address(server)) < 0 ||
        fflush(stdout) != 0) {
        fprintf(stderr, "ringsend serve: cannot write the address to standard output: %s\n",
                strerror(errno));
        signalled = NULL;
        server_free(server);
        return EXIT_OUTPUT;
    }
    int result = server_run(server);
    if (result < 0) {
        fprintf(stderr, "ringsend serve: the ring broke: %s\n", strerror(-result));
        return EXIT_NOT_STARTED;
    }
    if (!o->quiet)
        print_report(server_report(server), o->tls);
    int log_error = server_log_error(server);
    signalled = NULL;
    server_free(server);
    if (log_error == 0)
        return EXIT_OK;
    fprintf(stderr, "ringsend serve: the log is incomplete: %s: %s\n", o->log_path,
            strerror(-log_error));
    return EXIT_OUTPUT;
}

/* Starts the server, which the log, if any, is open for. */
static int start(const struct serve_options *o)
{
    char error[512];
    struct server *server;
    if (server_new(&server, &o->server, error, sizeof error) == 0)
        return serve(server, o);
    fprintf(stderr, "ringsend serve: %s\n", error);
    return EXIT_NOT_STARTED;
}

static int start_with_log(struct serve_options *o)
{
    if (o->cert_path)
        read_files_add("--cert", o->cert_path);
    if (o->key_path)
        read_files_add("--key", o->key_path);
    read_files_refuse(COMMAND, "--log", o->log_path);
    int named = descriptor_named(o->log_path);
    int fd = named >= 0 ? fcntl(named, F_DUPFD_CLOEXEC, 0)
                        : open(o->log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0) {
        fprintf(stderr, "ringsend serve: --log %s: %s\n", o->log_path, strerror(errno));
        return EXIT_OUTPUT;
    }
    o->server.log_fd = fd;
    int status = start(o);
    close(fd);
    return status;
}

static int start_with_tls(struct serve_options *o)
{
    char message[512];
    const struct tls_options options = {
        .server = true, .chain_file = o->cert_path, .key_file = o->key_path};
    struct tls_config *config = tls_config_new(&options, message, sizeof message);
    if (!config) {
        fprintf(stderr, "ringsend serve: %s\n", message);
        return EXIT_USAGE;
    }
    o->server.tls = config;
    int status = o->log_path ? start_with_log(o) : start(o);
    tls_config_free(config);
    return status;
}

int command_serve(int argc, char **argv)
{
    struct serve_options o;
    int status;
    read_options(&o, argc, argv);
    if (o.tls)
        status = start_with_tls(&o);
    else
        status = o.log_path ? start_with_log(&o) : start(&o);
    free(o.host);
    free(o.id_header);
    return status;
}
