/* getopt_long finds the options, one reader per kind takes their values (values.h); whatever is not
 * understood ends the program before anything is opened. */
#include "cli/send_options.h"

#include "base/limits.h"
#include "base/span.h"
#include "cli/values.h"
#include "http/head.h"
#include "http/url.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

static const char command[] = "send";

#define MS_NS 1000000ull
#define HOUR_NS 3600000000000ull

enum { MAX_BODY_MAX = 1 << 30 };

enum option_code {
    OPTION_OUTPUT = 'o',
    OPTION_CONNECTIONS = 'c',
    OPTION_METHOD = 'X',
    OPTION_HEADER = 'H',
    OPTION_INSECURE = 'k',
    OPTION_QUIET = 'q',
    OPTION_HELP = 'h',
    OPTION_VERSION = 'V',
    OPTION_FAILED = 256,
    OPTION_FORCE,
    OPTION_TRIES,
    OPTION_AT_LEAST_ONCE,
    OPTION_CONNECT_TIMEOUT,
    OPTION_FIRST_BYTE_TIMEOUT,
    OPTION_TIMEOUT,
    OPTION_DEADLINE,
    OPTION_URL,
    OPTION_OK_STATUS,
    OPTION_MAX_BODY,
    OPTION_STRICT_HTTP,
    OPTION_HANDSHAKE_TIMEOUT,
    OPTION_CACERT,
    OPTION_CERT,
    OPTION_KEY
};

static const struct option long_options[] = {
    {"output", required_argument, NULL, OPTION_OUTPUT},
    {"failed", required_argument, NULL, OPTION_FAILED},
    {"force", no_argument, NULL, OPTION_FORCE},
    {"connections", required_argument, NULL, OPTION_CONNECTIONS},
    {"tries", required_argument, NULL, OPTION_TRIES},
    {"at-least-once", no_argument, NULL, OPTION_AT_LEAST_ONCE},
    {"connect-timeout", required_argument, NULL, OPTION_CONNECT_TIMEOUT},
    {"handshake-timeout", required_argument, NULL, OPTION_HANDSHAKE_TIMEOUT},
    {"first-byte-timeout", required_argument, NULL, OPTION_FIRST_BYTE_TIMEOUT},
    {"timeout", required_argument, NULL, OPTION_TIMEOUT},
    {"deadline", required_argument, NULL, OPTION_DEADLINE},
    {"url", required_argument, NULL, OPTION_URL},
    {"method", required_argument, NULL, OPTION_METHOD},
    {"header", required_argument, NULL, OPTION_HEADER},
    {"ok-status", required_argument, NULL, OPTION_OK_STATUS},
    {"max-body", required_argument, NULL, OPTION_MAX_BODY},
    {"strict-http", no_argument, NULL, OPTION_STRICT_HTTP},
    {"cacert", required_argument, NULL, OPTION_CACERT},
    {"cert", required_argument, NULL, OPTION_CERT},
    {"key", required_argument, NULL, OPTION_KEY},
    {"insecure", no_argument, NULL, OPTION_INSECURE},
    {"quiet", no_argument, NULL, OPTION_QUIET},
    {"help", no_argument, NULL, OPTION_HELP},
    {"version", no_argument, NULL, OPTION_VERSION},
    {NULL, 0, NULL, 0},
};

static const char help[] =
    "Usage: ringsend send [OPTION]... FILE...\n"
    "Sends each record of the FILEs (- is standard input) as one HTTP request and\n"
    "writes exactly one result line for each, in the order in which they finish.\n"
    "\n"
    "A record is one line of JSON:\n"
    "  {\"id\": 7, \"method\": \"POST\", \"url\": \"http://host/path\",\n"
    "   \"headers\": {\"name\": \"value\"}, \"data\": {\"any\": \"JSON\"}}\n"
    "  id (or custom_id)  any JSON; comes back in the result. Default: line number\n"
    "  data (or body)     a string is sent as its text; other JSON as it stands, as\n"
    "                     application/json; null is no body\n"
    "  data_base64, data_file   the body in base64, or the path of a file\n"
    "  headers            value: a string, a list of strings, or [] to leave a\n"
    "                     header of -H out\n"
    "  timeout, tries     as the options below, for this record\n"
    "Unknown and repeated keys are errors. With --url, a line that is no object, or\n"
    "an object with none of these keys, is itself the body. Blank lines are skipped;\n"
    "lines longer than 16 MiB are reported as record_too_long.\n"
    "\n"
    "Input and output\n"
    "  -o, --output FILE       results go here; default, or -: standard output\n"
    "      --failed FILE       the input lines of records that are not ok, ready to\n"
    "                          be sent again\n"
    "      --force             overwrite these files if they exist\n"
    "  -q, --quiet             no summary on standard error\n"
    "Requests\n"
    "      --url URL           for records without one\n"
    "  -X, --method METHOD     for records without one; default GET, with data POST\n"
    "  -H, --header 'NAME: VALUE'  for records that do not have it; repeats;\n"
    "                          @FILE reads one per line\n"
    "  -c, --connections N     open at once, 1 to 32768; default 40\n"
    "      --strict-http       refuse response heads with bare LF line ends\n"
    "Tries and times (250ms, 2s, 1m; a bare number is seconds)\n"
    "      --tries N           attempts in all, 1 to 100; default 4\n"
    "      --at-least-once     try again even what may have been processed already\n"
    "                          (a POST whose answer is missing); else the result\n"
    "                          says \"ambiguous\"\n"
    "      --connect-timeout T      default 10s\n"
    "      --handshake-timeout T    connected to TLS established; default 10s\n"
    "      --first-byte-timeout T   request sent to first byte back; default 30s\n"
    "      --timeout T         one attempt; default 60s\n"
    "      --deadline T        a record with all its tries; default none\n"
    "TLS (https URLs; TLS 1.2)\n"
    "      --cacert FILE       trust the certificates in FILE (PEM); default:\n"
    "                          $SSL_CERT_FILE, else the system's store\n"
    "      --cert FILE         own certificate and its issuers, PEM, for servers that\n"
    "                          want one\n"
    "      --key FILE          its key, PEM; default: it is in the --cert file\n"
    "  -k, --insecure          do NOT verify servers: anybody in between can read and\n"
    "                          change everything\n"
    "Responses\n"
    "      --ok-status LIST    what is ok, as 200,201,3xx,400-404; default 2xx\n"
    "      --max-body SIZE     64k, 16M, up to 1G; default 64M\n"
    "\n"
    "  -h, --help              this text\n"
    "  -V, --version           the version\n"
    "\n"
    "Examples\n"
    "  ringsend send -o results.jsonl --failed failed.jsonl records.jsonl\n"
    "  ringsend send --url http://localhost:8080/items -H 'X-Source: nightly' \\\n"
    "      -o results.jsonl bodies.jsonl\n"
    "\n"
    "SIGINT and SIGTERM: reads no more, finishes what is in flight within 10 s, and\n"
    "writes all results. A second one cancels what is in flight at once, writes its\n"
    "results, and ends within a second.\n"
    "\n"
    "Exit status\n"
    "  0  all records are ok                3  some are not\n"
    "  1  wrong usage                       4  could not start (io_uring refused)\n"
    "  2  an input could not be read        7  results could not be written\n"
    "  130, 143  stopped by SIGINT, SIGTERM\n";

static struct ringsend_bytes bytes_of(const char *text)
{
    return (struct ringsend_bytes){text, strlen(text)};
}

/* ---- headers ---- */

/* Checks what the options say as the engine will check each request, so that what can never be sent
 * is refused before anything is. Null when it may be sent, else why not. */
static const char *head_fault(const struct send_options *o, struct ringsend_bytes method)
{
    struct head head = {
        .method = method,
        .fields = o->headers,
        .fields_count = o->defaults.headers_count,
    };
    const char *detail = NULL;
    for (size_t i = 0; i < head.fields_count; i++) {
        if (span_equal_nocase(head.fields[i].name, SPAN("content-length")))
            return "Content-Length is that of each body, and not to be set";
    }
    return head_check(&head, &detail) == RINGSEND_OK ? NULL : detail;
}

/* Grows by one at a time: there are at most LIMIT_HEADERS. The one place behind the headers is for
 * the content-type that record.h asks for. `place` names the option, and the line of its file. */
static void add_header(struct send_options *o, const char *line, const char *place)
{
    size_t count = o->defaults.headers_count;
    const char *colon = strchr(line, ':');
    if (!colon)
        usage_error(command, "%s: \"%s\" is not NAME: VALUE, nor @FILE", place, line);
    if (count == LIMIT_HEADERS)
        usage_error(command, "%s: at most %d headers can be given", place, LIMIT_HEADERS);
    char *text = strdup(line);
    char **texts = reallocarray(o->header_texts, count + 1, sizeof *texts);
    struct ringsend_header *headers = reallocarray(o->headers, count + 2, sizeof *headers);
    if (!text || !texts || !headers)
        usage_error(command, "memory is out");
    o->header_texts = texts;
    o->headers = headers;
    texts[o->header_texts_count++] = text;

    size_t name_bytes = (size_t)(colon - line);
    char *value = text + name_bytes + 1;
    value += strspn(value, " \t");
    size_t value_bytes = strlen(value);
    while (value_bytes > 0 && strchr(" \t", value[value_bytes - 1]))
        value_bytes--;
    headers[count] = (struct ringsend_header){{text, name_bytes}, {value, value_bytes}};
    o->defaults.headers_count++;
    o->defaults.has_content_type |= span_equal_nocase(headers[count].name, SPAN("content-type"));
    const char *fault = head_fault(o, SPAN("GET"));
    if (fault && strncasecmp(fault, line, name_bytes) == 0)
        usage_error(command, "%s: %s", place, fault);
    if (fault)
        usage_error(command, "%s: \"%.*s\": %s", place, (int)name_bytes, line, fault);
}

static void add_headers_of_file(struct send_options *o, const char *path)
{
    FILE *file = fopen(path, "re");
    if (!file)
        usage_error(command, "--header @%s: %s", path, strerror(errno));
    char *line = NULL, place[PATH_MAX + 64];
    size_t capacity = 0;
    ssize_t bytes;
    for (unsigned number = 1; (bytes = getline(&line, &capacity, file)) >= 0; number++) {
        snprintf(place, sizeof place, "--header @%s, line %u", path, number);
        if (memchr(line, '\0', (size_t)bytes))
            usage_error(command, "%s: it holds a NUL byte, which cannot be sent", place);
        while (bytes > 0 && strchr("\r\n", line[bytes - 1]))
            line[--bytes] = '\0';
        if (bytes > 0)
            add_header(o, line, place);
    }
    if (ferror(file))
        usage_error(command, "--header @%s: %s", path, strerror(errno));
    free(line);
    fclose(file);
}

static void finish_headers(struct send_options *o)
{
    if (!o->headers)
        o->headers = malloc(sizeof *o->headers);
    if (!o->headers)
        usage_error(command, "memory is out");
    o->headers[o->defaults.headers_count] =
        (struct ringsend_header){bytes_of("content-type"), bytes_of("application/json")};
    o->defaults.headers = o->headers;
}

/* ---- other values ---- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Three digits at the start of `text`; 0, which is no status, when they are not there. */
static int three_digits(const char *text)
{
    if (!is_digit(text[0]) || !is_digit(text[1]) || !is_digit(text[2]))
        return 0;
    return (text[0] - '0') * 100 + (text[1] - '0') * 10 + (text[2] - '0');
}

/* "200", "2xx" or "200-299" at the start of `text`: its length, 0 when it is none of them. */
static size_t read_statuses(const char *text, int *first, int *last)
{
    if (is_digit(text[0]) && text[1] == 'x' && text[2] == 'x') {
        *first = (text[0] - '0') * 100;
        *last = *first + 99;
        return 3;
    }
    *first = *last = three_digits(text);
    if (*first == 0 || text[3] != '-')
        return *first == 0 ? 0 : 3;
    *last = three_digits(text + 4);
    return *last == 0 ? 0 : 7;
}

static void read_ok_status(struct ringsend_status_set *set, const char *text)
{
    const char *at = text;
    for (;;) {
        int first, last;
        size_t bytes = read_statuses(at, &first, &last);
        at += bytes;
        if (bytes == 0 || first < 100 || last > 599 || first > last || (*at && *at != ','))
            usage_error(command,
                        "--ok-status must be a list of statuses from 100 to 599, such as "
                        "\"200,201,3xx,400-404\", not \"%s\"",
                        text);
        for (int status = first; status <= last; status++)
            set->bits[(status - 100) / 64] |= (uint64_t)1 << ((status - 100) % 64);
        if (!*at)
            return;
        at++;
    }
}

static uint64_t read_timeout(const char *option, const char *text)
{
    return value_duration_ns(command, option, text, MS_NS, 24 * HOUR_NS);
}

static struct ringsend_bytes read_url(const char *text)
{
    struct url url;
    const char *detail = NULL;
    if (url_parse(&url, bytes_of(text), &detail) != RINGSEND_OK)
        /* Not repeated: there may be a password in it. */
        usage_error(command, "--url must be http[s]://HOST[:PORT][/PATH]: %s", detail);
    return bytes_of(text);
}

static struct ringsend_bytes read_method(const char *text)
{
    static const struct send_options no_headers;
    const char *fault = head_fault(&no_headers, bytes_of(text));
    if (fault)
        usage_error(command, "--method must be a word such as GET or POST, not \"%s\": %s", text,
                    fault);
    return bytes_of(text);
}

static const char *read_path(const char *option, const char *text)
{
    if (!*text)
        usage_error(command, "%s must be the name of a file", option);
    return text;
}

/* ---- the options ---- */

static void read_time_option(struct ringsend_options *engine, enum option_code code,
                             const char *value)
{
    if (code == OPTION_CONNECT_TIMEOUT)
        engine->connect_timeout_ns = read_timeout("--connect-timeout", value);
    else if (code == OPTION_HANDSHAKE_TIMEOUT)
        engine->handshake_timeout_ns = read_timeout("--handshake-timeout", value);
    else if (code == OPTION_FIRST_BYTE_TIMEOUT)
        engine->first_byte_timeout_ns = read_timeout("--first-byte-timeout", value);
    else if (code == OPTION_TIMEOUT)
        engine->attempt_timeout_ns = read_timeout("--timeout", value);
    else
        engine->deadline_ns = read_timeout("--deadline", value);
}

static void read_tls_option(struct ringsend_options *engine, enum option_code code,
                            const char *value)
{
    if (code == OPTION_CACERT)
        engine->ca_file = value;
    else if (code == OPTION_CERT)
        engine->cert_file = value;
    else if (code == OPTION_KEY)
        engine->key_file = value;
    else
        engine->insecure = true;
}

static void read_option(struct send_options *o, enum option_code code, const char *value)
{
    switch (code) {
    case OPTION_OUTPUT:
        o->output = read_path("--output", value);
        return;
    case OPTION_FAILED:
        /* Standard output is for results, and a file named "-" is hard to get rid of. */
        if (strcmp(value, "-") == 0)
            usage_error(command, "--failed needs the name of a file");
        o->failed = read_path("--failed", value);
        return;
    case OPTION_FORCE:
        o->force = true;
        return;
    case OPTION_CONNECTIONS:
        o->engine.connections_max =
            (uint32_t)value_count(command, "--connections", value, 1, LIMIT_CONNECTIONS);
        return;
    case OPTION_TRIES:
        o->engine.tries = (uint32_t)value_count(command, "--tries", value, 1, LIMIT_TRIES);
        return;
    case OPTION_AT_LEAST_ONCE:
        o->defaults.flags |= RINGSEND_AT_LEAST_ONCE;
        return;
    case OPTION_URL:
        o->defaults.url = read_url(value);
        return;
    case OPTION_METHOD:
        o->defaults.method = read_method(value);
        return;
    case OPTION_HEADER:
        if (value[0] == '@')
            add_headers_of_file(o, value + 1);
        else
            add_header(o, value, "--header");
        return;
    case OPTION_OK_STATUS:
        read_ok_status(&o->engine.ok_status, value);
        return;
    case OPTION_MAX_BODY:
        o->engine.body_max_bytes = value_bytes(command, "--max-body", value, 1, MAX_BODY_MAX);
        return;
    case OPTION_STRICT_HTTP:
        o->engine.strict_http = true;
        return;
    case OPTION_CONNECT_TIMEOUT:
    case OPTION_HANDSHAKE_TIMEOUT:
    case OPTION_FIRST_BYTE_TIMEOUT:
    case OPTION_TIMEOUT:
    case OPTION_DEADLINE:
        read_time_option(&o->engine, code, value);
        return;
    case OPTION_CACERT:
    case OPTION_CERT:
    case OPTION_KEY:
    case OPTION_INSECURE:
        read_tls_option(&o->engine, code, value);
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

void send_options_read(struct send_options *options, int argc, char **argv)
{
    *options = (struct send_options){
        .engine = {.size = sizeof options->engine, .connections_max = 40},
    };
    opterr = 0;
    for (;;) {
        int code = getopt_long(argc, argv, ":o:c:X:H:kqhV", long_options, NULL);
        if (code == -1)
            break;
        if (code == '?' || code == ':')
            option_error(command, long_options, argv, code);
        read_option(options, (enum option_code)code, optarg);
    }
    if (options->engine.key_file && !options->engine.cert_file)
        usage_error(command, "--key goes with --cert");
    if (optind == argc)
        usage_error(command, "name the files to send, or - for standard input");
    options->inputs = argv + optind;
    options->inputs_count = (size_t)(argc - optind);
    finish_headers(options);
}

void send_options_free(struct send_options *options)
{
    for (size_t i = 0; i < options->header_texts_count; i++)
        free(options->header_texts[i]);
    free(options->header_texts);
    free(options->headers);
}
