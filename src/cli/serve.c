/* `ringsend serve`: reads the options, runs the server until a signal, prints the report.
 *
 * Standard output carries one line only, the address, so that a script can start it on port 0 and
 * read where it listens; everything for people goes to standard error. The first SIGINT, SIGTERM
 * or SIGHUP stops the server in good order; a second SIGINT or SIGTERM ends it. */
#include "base/time.h"
#include "cli/commands.h"
#include "cli/descriptor.h"
#include "cli/fallback.h"
#include "cli/options/options.h"
#include "cli/options/values.h"
#include "cli/options/way_options.h"
#include "cli/read_files.h"
#include "cli/signals.h"
#include "serve/server.h"
#include "tls/tls.h"
#include "uring/ring.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char COMMAND[] = "serve";

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

/* HOST:PORT, an IPv6 address in brackets. */
static void read_listen(struct serve_options *o, const char *text)
{
    const char *colon = strrchr(text, ':');
    size_t bytes = colon ? (size_t)(colon - text) : 0;
    bool bracketed = bytes > 2 && text[0] == '[' && text[bytes - 1] == ']';
    if (bytes == 0 || (!bracketed && memchr(text, ':', bytes)))
        usage_error(COMMAND, "--listen %s: HOST:PORT is expected, an IPv6 address as [::1]:PORT",
                    text);
    value_count(COMMAND, "--listen", colon + 1, 0, UINT16_MAX);
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

static void take_body_bytes(struct serve_options *o, uint64_t bytes)
{
    o->server.body.data = NULL;
    o->server.body.bytes = bytes;
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

/* Of --listen and --port, and of --body and --body-bytes, the last one counts. */
static void take_use(struct serve_options *o, const struct option_use *use)
{
    enum option_id id = use->row->id;
    if (id == OPTION_LISTEN)
        read_listen(o, use->text);
    else if (id == OPTION_PORT)
        o->server.port = use->text;
    else if (id == OPTION_BODY)
        read_body(o, use->text);
    else if (id == OPTION_BODY_BYTES)
        take_body_bytes(o, use->number);
    else if (id == OPTION_STATUS)
        read_status(&o->server.faults, use->text);
}

static void take_faults(struct server_options *server, const struct options *given)
{
    struct fault_plan *faults = &server->faults;
    faults->seed = option_number(given, OPTION_SEED);
    faults->reset = option_share(given, OPTION_RESET);
    faults->close = option_share(given, OPTION_CLOSE);
    faults->stall = option_share(given, OPTION_STALL);
    read_latency(faults, option_text(given, OPTION_LATENCY));
    if (option_given(given, OPTION_PAUSE))
        read_pause(server, option_text(given, OPTION_PAUSE));
}

static void take_weights(struct limits_plan *plan, const struct options *given)
{
    static struct cost cost;
    const char *text = option_text(given, OPTION_COST);
    const struct rate *rate = option_rate(given, OPTION_COST_RATE);
    size_t column;
    if (!text != !rate)
        usage_error(COMMAND, "--cost goes with --cost-rate");
    if (!text)
        return;
    const char *fault = cost_read(&cost, text, &column);
    if (!fault && cost_column(&cost, 0))
        fault = "requests have no columns";
    if (fault)
        usage_error(COMMAND, "--cost %s: column %zu: %s", text, column, fault);
    plan->cost = &cost;
    plan->weight = rate->count;
    plan->weight_per_ns = rate->per_ns;
}

static void take_limits(struct server_options *server, const struct options *given)
{
    /* Zero: as many of the default as descriptors allow. */
    if (option_given(given, OPTION_MAX_CONNECTIONS))
        server->connections_max = (uint32_t)option_number(given, OPTION_MAX_CONNECTIONS);
    server->over = (enum server_over)option_number(given, OPTION_OVER);
    server->workers = (uint32_t)option_number(given, OPTION_WORKERS);
    const struct rate *rate = option_rate(given, OPTION_RATE_LIMIT);
    if (rate) {
        server->limits.requests = rate->count;
        server->limits.requests_per_ns = rate->per_ns;
    }
    server->limits.dialect = (enum dialect)option_number(given, OPTION_LIMITS);
    server->limits.leaks = option_given(given, OPTION_RATE_BURST);
    server->limits.burst = option_number(given, OPTION_RATE_BURST);
    if (server->limits.leaks && !rate)
        usage_error(COMMAND, "--rate-burst goes with --rate-limit");
    take_weights(&server->limits, given);
    uint64_t retry_after_ns = option_number(given, OPTION_RETRY_AFTER);
    server->retry_after_s = (uint32_t)((retry_after_ns + NS_PER_S - 1) / NS_PER_S);
    server->retry_after_in_503 = option_given(given, OPTION_RETRY_AFTER);
    server->keep_alive_requests = (uint32_t)option_number(given, OPTION_KEEP_ALIVE_REQUESTS);
    server->keep_alive_ns = option_number(given, OPTION_KEEP_ALIVE_TIMEOUT);
}

static void take_values(struct serve_options *o, const struct options *given)
{
    read_listen(o, option_text(given, OPTION_LISTEN));
    read_body(o, given->rows[OPTION_BODY]->text);
    for (size_t i = 0; i < given->uses_count; i++)
        take_use(o, &given->uses[i]);
    o->server.unix_socket = way_options_socket(given, &o->server.unix_abstract);
    if (o->server.unix_socket &&
        (option_given(given, OPTION_LISTEN) || option_given(given, OPTION_PORT)))
        usage_error(COMMAND, "a unix socket takes the place of --listen and --port");
    take_faults(&o->server, given);
    take_limits(&o->server, given);
    o->server.http2 = option_given(given, OPTION_HTTP2);
    o->server.streams_max = (uint32_t)option_number(given, OPTION_STREAMS);
    o->server.echo = option_given(given, OPTION_ECHO);
    o->server.digest = option_given(given, OPTION_DIGEST);
    read_id_header(o, option_text(given, OPTION_ID_HEADER));
    o->server.stats_path = option_text(given, OPTION_STATS_PATH);
    if (o->server.stats_path[0] != '/')
        usage_error(COMMAND, "--stats-path %s: a path that begins with / is expected",
                    o->server.stats_path);
    o->log_path = option_text(given, OPTION_LOG);
    o->tls = option_given(given, OPTION_TLS);
    o->cert_path = option_text(given, OPTION_CERT);
    o->key_path = option_text(given, OPTION_KEY);
    o->quiet = option_given(given, OPTION_QUIET);
    o->server.backend = (enum ring_backend)option_number(given, OPTION_IO);
}

static void read_options(struct serve_options *o, int argc, char **argv)
{
    struct options given;
    options_parse(&given, COMMAND_SERVE, argc, argv);
    *o = (struct serve_options){.server = {.log_fd = -1}};
    take_values(o, &given);
    if (given.arguments_count > 0)
        usage_error(COMMAND, "%s: no arguments are expected: --port and --listen say where",
                    given.arguments[0]);
    options_free(&given);
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
    bool is_unix = o->server.unix_socket;
    if (printf("listening on %s%s%s\n",
               is_unix  ? ""
               : o->tls ? "https"
                        : "http",
               is_unix ? "" : "://", server_address(server)) < 0 ||
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
    if (server_new(&server, &o->server, error, sizeof error) == 0) {
        fallback_tell_refused(COMMAND, server_refused(server));
        return serve(server, o);
    }
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
    if (message[0])
        fprintf(stderr, "ringsend serve: WARNING: %s\n", message);
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
