/* getopt_long finds the options, one reader per kind takes their values (values.h); whatever is not
 * understood ends the program before anything is opened. */
#include "cli/send/send_options.h"

#include "batch/engine_threads.h"
#include "cli/descriptor.h"
#include "cli/options/outcomes.h"
#include "cli/options/throttle_options.h"
#include "cli/options/values.h"
#include "cli/read_files.h"
#include "cli/send/engines.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char command[] = "send";

enum option_code {
    OPTION_OUTPUT = 'o',
    OPTION_QUIET = 'q',
    OPTION_THREADS = 't',
    OPTION_WRITE_OUT = 'w',
    OPTION_HELP = 'h',
    OPTION_VERSION = 'V',
    OPTION_FAILED = RECORD_OPTIONS_END,
    OPTION_FORCE,
    OPTION_DRY_RUN,
    OPTION_CSV,
    OPTION_HEADERS,
    OPTION_BODY,
    OPTION_BODIES,
    OPTION_PROGRESS,
    OPTION_TRACE,
    OPTION_ADAPTIVE,
    OPTION_ORDERED,
    OPTION_MEMORY,
    OPTION_SERIALIZE,
    OPTION_RESUME,
    OPTION_MAX_FAILURES,
    OPTION_ABORT_ON,
    OPTION_NO_JOURNAL,
    OPTION_SYNC
};

// clang-format off
static const struct option long_options[] = {
    REQUEST_LONG_OPTIONS,
    RECORD_LONG_OPTIONS,
    THROTTLE_LONG_OPTIONS,
    {"output", required_argument, NULL, OPTION_OUTPUT},
    {"failed", required_argument, NULL, OPTION_FAILED},
    {"force", no_argument, NULL, OPTION_FORCE},
    {"dry-run", optional_argument, NULL, OPTION_DRY_RUN},
    {"csv", no_argument, NULL, OPTION_CSV},
    {"headers", no_argument, NULL, OPTION_HEADERS},
    {"body", required_argument, NULL, OPTION_BODY},
    {"adaptive", no_argument, NULL, OPTION_ADAPTIVE},
    {"bodies", required_argument, NULL, OPTION_BODIES},
    {"trace", no_argument, NULL, OPTION_TRACE},
    {"write-out", required_argument, NULL, OPTION_WRITE_OUT},
    {"ordered", no_argument, NULL, OPTION_ORDERED},
    {"memory", required_argument, NULL, OPTION_MEMORY},
    {"serialize", required_argument, NULL, OPTION_SERIALIZE},
    {"max-failures", required_argument, NULL, OPTION_MAX_FAILURES},
    {"abort-on", required_argument, NULL, OPTION_ABORT_ON},
    {"resume", no_argument, NULL, OPTION_RESUME},
    {"no-journal", no_argument, NULL, OPTION_NO_JOURNAL},
    {"sync", no_argument, NULL, OPTION_SYNC},
    {"progress", required_argument, NULL, OPTION_PROGRESS},
    {"threads", required_argument, NULL, OPTION_THREADS},
    {"quiet", no_argument, NULL, OPTION_QUIET},
    {"help", no_argument, NULL, OPTION_HELP},
    {"version", no_argument, NULL, OPTION_VERSION},
    {NULL, 0, NULL, 0},
};
// clang-format on

static const char help[] =
    "Usage: ringsend send [OPTION]... FILE...\n"
    "Sends each record of the FILEs (- is standard input) as one HTTP request and\n"
    "writes exactly one result line for each, in the order in which they finish.\n"
    "\n"
    "A record is one line of JSON (see --format for others):\n"
    "  {\"id\": 7, \"method\": \"POST\", \"url\": \"http://host/path\",\n"
    "   \"headers\": {\"name\": \"value\"}, \"data\": {\"any\": \"JSON\"}}\n"
    "  id (or custom_id)  any JSON; comes back in the result. Default: line number\n"
    "  data (or body)     a string is sent as its text; other JSON as it stands, as\n"
    "                     application/json; null is no body\n"
    "  data_base64, data_file   the body in base64, or the path of a file\n"
    "  headers            value: a string, a list of strings, or [] to leave a\n"
    "                     header of -H out\n"
    "  timeout, tries     as the options below, for this record\n"
    "A url that is a path (/v1/...) is on the server of --url. With the key header a\n"
    "record is one of vegeta's: its body is base64.\n"
    "Unknown and repeated keys are errors. With --url, a line that is no object, or\n"
    "an object with none of these keys, is itself the body. Blank lines are skipped;\n"
    "lines longer than 16 MiB are reported as record_too_long.\n"
    "\n"
    "Input and output\n"
    "  -o, --output FILE       results go here; default, or -: standard output\n"
    "      --failed FILE       the input lines of records that are not ok, ready to\n"
    "                          be sent again\n"
    "      --force             overwrite these files, and those in DIR; never one\n"
    "                          that the command line reads\n"
    "      --csv               results as CSV, with a header row, in place of JSON\n"
    "      --headers           results hold the response's headers\n"
    "      --body none|inline  whether results hold bodies; default inline\n"
    "      --bodies DIR        each body goes to a file of its own in DIR, named by\n"
    "                          the record's number (from 0) and id; the result tells\n"
    "      --trace             results tell of each try: times, outcome, and what it\n"
    "                          then waited for\n"
    "  -w, --write-out FORMAT  this for each result on standard output, in place of\n"
    "                          JSON unless that goes to -o FILE; @FILE reads it\n"
    "      --resume            go on with the run that these files are of: what is\n"
    "                          done is not sent again (see Journal)\n"
    "      --no-journal        keep none\n"
    "      --sync              the journal holds through a loss of power, too; slower\n"
    "      --ordered           results in the order of records, also over --resume:\n"
    "                          what waits for its turn at a stop is in FILE.parked;\n"
    "                          at most some thousands, 64 MiB, wait for a slow one\n"
    "      --memory SIZE       for bodies of requests and responses, all in all;\n"
    "                          default 1G. Above it large responses wait for each\n"
    "                          other, and no timeout runs meanwhile. One of\n"
    "                          --max-body always has its room, and so has with\n"
    "                          --ordered what waits for its turn\n"
    "      --serialize PATH    records with the same value at PATH of their JSON body\n"
    "                          (as .user.id) go one after another, in their order\n"
    "      --max-failures N|P%  stop when so many records are not ok (a share: of at\n"
    "                          least 100): exit 6, --resume goes on\n"
    "      --abort-on LIST     stop at the first such outcome: statuses and names of\n"
    "                          errors, as 401,403,5xx,connect; likewise\n"
    "      --progress MODE     on standard error: bar, log (a line every 10 s), none;\n"
    "                          default auto: a bar on a terminal, else log\n"
    "      --dry-run[=N]       show the first N requests (default 1) to the byte, and\n"
    "                          the curl command for each; nothing is sent, and\n"
    "                          secrets are masked\n"
    "  -t, --threads N         an engine on each of N threads, up to 64; default 1.\n"
    "                          Rate, retries and pauses hold over all of them\n"
    "  -q, --quiet             no summary on standard error, and no progress\n"
    "Requests\n" REQUEST_HELP_REQUESTS REQUEST_HELP_TRIES_AND_TIMES THROTTLE_HELP
    "      --adaptive          as many connections as the platform rewards, between 1\n"
    "                          and -c: more while answers come as fast as before,\n"
    "                          fewer on 429, 503, resets, timeouts, and when answers\n"
    "                          only wait there; says why\n" REQUEST_HELP_TLS
    "Responses\n" REQUEST_HELP_RESPONSES RECORD_HELP "\n"
    "  -h, --help              this text\n"
    "  -V, --version           the version\n"
    "\n"
    "Variables of --write-out, by curl's names where it has one (times in seconds)\n"
    "  %{http_code} %{url} %{method} %{scheme} %{content_type} %header{NAME}\n"
    "  %{header_json} %{num_headers} %{size_header} %{size_download} %{size_upload}\n"
    "  %{num_retries} %{errormsg} %{urlnum} %{time_namelookup} %{time_connect}\n"
    "  %{time_appconnect} %{time_pretransfer} %{time_starttransfer} %{time_total}\n"
    "  and %{id} %{line} %{file} %{ok} %{attempts} %{error} %{ambiguous} %{body}\n"
    "  %{time_queue}: waiting, which %{time_total} leaves out; %% \\n \\r \\t \\\\\n"
    "\n"
    "Examples\n"
    "  ringsend send -o results.jsonl --failed failed.jsonl records.jsonl\n"
    "  ringsend send --url http://localhost:8080/items -H 'X-Source: nightly' \\\n"
    "      -o results.jsonl bodies.jsonl\n"
    "  ringsend send --url 'http://localhost:8080/{{id|url}}' -X PUT --id '{{id}}' \\\n"
    "      -H 'Content-Type: application/json' -H 'Authorization: {{env.TOKEN}}' \\\n"
    "      --data '{\"name\": {{name|json}}}' users.csv.gz\n"
    "\n"
    "Journal\n"
    "Beside -o FILE stands FILE.journal while the run goes on. It knows of each\n"
    "record whether it was sent and whether its result is written, and outlives\n"
    "whatever ends the run: the same command with --resume then goes on. What may\n"
    "have been processed is sent again only if that is harmless (see\n"
    "--at-least-once); else its result is in_doubt. `ringsend status FILE` tells how\n"
    "far it is. Of a run that is killed (not stopped) with --ordered, what waited for\n"
    "its turn may have been processed, too.\n"
    "\n"
    "SIGUSR1: tells how far it is.\n"
    "SIGINT, SIGTERM and SIGHUP: reads no more, finishes what is in flight within\n"
    "10 s, and writes all results. A second SIGINT or SIGTERM cancels what is in\n"
    "flight at once, writes its results, and ends within a second. What was ignored\n"
    "when it was started (nohup, a script's &) stays ignored.\n"
    "\n"
    "Exit status\n"
    "  0  all records are ok                3  some are not\n"
    "  1  wrong usage                       4  could not start (io_uring refused, or\n"
    "  2  an input could not be read           another run writes these results)\n"
    "  6  stopped by --max-failures,        7  results could not be written\n"
    "     --abort-on                        129, 130, 143  stopped by SIGHUP,\n"
    "                                           SIGINT, SIGTERM\n";

#define MEMORY_MIN (1ull << 20)
#define MEMORY_DEFAULT (1ull << 30)
#define MEMORY_MAX (1ull << 40)

static const char *read_path(const char *option, const char *text)
{
    if (!*text)
        usage_error(command, "%s must be the name of a file", option);
    return text;
}

/* True when results are to be without. */
static bool read_body(const char *text)
{
    if (strcmp(text, "none") != 0 && strcmp(text, "inline") != 0)
        usage_error(command, "--body must be none or inline, not \"%s\"", text);
    return strcmp(text, "none") == 0;
}

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
    write_out_free(o->words);
    o->words = NULL;
    if (write_out_compile(&o->words, format ? format : text, why, sizeof why) != RINGSEND_OK)
        usage_error(command, "--write-out: %s", why);
    free(format);
}

static void read_serialize(struct send_options *o, const char *value)
{
    size_t column;
    const char *fault = serial_path_read(&o->serialize, value, &column);
    if (fault)
        usage_error(command, "--serialize: column %zu: %s", column, fault);
}

/* A count, or a share. */
static void read_max_failures(struct send_options *o, const char *value)
{
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

/* What an option without a value turns on; null: it is no such option. */
static bool *flag_of(struct send_options *o, int code)
{
    switch (code) {
    case OPTION_FORCE:
        return &o->force;
    case OPTION_CSV:
        return &o->csv;
    case OPTION_HEADERS:
        return &o->headers;
    case OPTION_TRACE:
        return &o->request.engine.store_attempts;
    case OPTION_ADAPTIVE:
        return &o->adaptive;
    case OPTION_ORDERED:
        return &o->ordered;
    case OPTION_RESUME:
        return &o->resume;
    case OPTION_NO_JOURNAL:
        return &o->no_journal;
    case OPTION_SYNC:
        return &o->sync;
    case OPTION_QUIET:
        return &o->quiet;
    default:
        return NULL;
    }
}

static void read_option(struct send_options *o, int code, const char *value)
{
    if (request_option_read(&o->request, code, value) ||
        record_option_read(&o->records, &o->request, code, value) ||
        throttle_option_read(&o->request, code, value))
        return;
    bool *flag = flag_of(o, code);
    if (flag) {
        *flag = true;
        return;
    }
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
    case OPTION_DRY_RUN:
        o->dry_run = value ? value_count(command, "--dry-run", value, 1, UINT64_MAX) : 1;
        return;
    case OPTION_BODY:
        o->without_body = read_body(value);
        return;
    case OPTION_BODIES:
        o->bodies = read_path("--bodies", value);
        return;
    case OPTION_WRITE_OUT:
        read_write_out(o, value);
        return;
    case OPTION_SERIALIZE:
        read_serialize(o, value);
        return;
    case OPTION_THREADS:
        o->threads = (uint32_t)value_count(command, "--threads", value, 1, CREW_MAX);
        return;
    case OPTION_MAX_FAILURES:
        read_max_failures(o, value);
        return;
    case OPTION_ABORT_ON:
        outcomes_read(command, "--abort-on", value, &o->abort_on);
        o->aborts = true;
        return;
    case OPTION_MEMORY:
        o->memory_bytes = value_bytes(command, "--memory", value, MEMORY_MIN, MEMORY_MAX);
        return;
    case OPTION_PROGRESS:
        if (!progress_mode_read(value, &o->progress))
            usage_error(command, "--progress must be auto, bar, log or none, not \"%s\"", value);
        return;
    case OPTION_HELP:
        show_help(help);
    case OPTION_VERSION:
        show_version();
    }
}

static void check_journal(const struct send_options *o)
{
    bool has_journal = o->output && strcmp(o->output, "-") != 0 && !o->no_journal;
    if (o->resume && o->force)
        usage_error(command, "--resume goes on with results, --force throws them away: not both");
    if (o->resume && !has_journal)
        usage_error(command, "--resume needs the results and their journal: -o FILE");
    if (o->sync && !has_journal)
        usage_error(command, "--sync is about the journal: -o FILE");
}

void send_options_read(struct send_options *options, int argc, char **argv)
{
    *options = (struct send_options){
        .argc = argc, .argv = argv, .threads = 1, .memory_bytes = MEMORY_DEFAULT};
    request_options_init(&options->request, command);
    opterr = 0;
    for (;;) {
        int code =
            getopt_long(argc, argv, ":" REQUEST_SHORT_OPTIONS "o:w:t:qhV", long_options, NULL);
        if (code == -1)
            break;
        if (code == '?' || code == ':')
            option_error(command, long_options, argv, code);
        read_option(options, code, optarg);
    }
    if (optind == argc)
        usage_error(command, "name the files to send, or - for standard input");
    options->inputs = argv + optind;
    options->inputs_count = (size_t)(argc - optind);
    if (options->output && descriptor_named(options->output) == STDOUT_FILENO)
        options->output = "-";
    check_journal(options);
    bool on_stdout = !options->output || strcmp(options->output, "-") == 0 || options->words;
    if (options->progress == PROGRESS_AUTO)
        options->progress = options->quiet ? PROGRESS_NONE : progress_mode_here(on_stdout);
    if (options->csv && options->words && !options->output)
        usage_error(command,
                    "--csv and --write-out both want standard output: name a file with -o");
    options->request.engine.store_headers =
        options->headers || (options->words && write_out_wants_headers(options->words));
    if (options->words)
        write_out_hide(options->words, &options->request.secrets);
    record_options_finish(&options->records, &options->request, options->inputs,
                          options->inputs_count);
    record_options_refuse_one_key(&options->request);
    throttle_options_finish(&options->request);
    engines_check(options);
}

void send_options_free(struct send_options *options)
{
    write_out_free(options->words);
    record_options_free(&options->records);
    request_options_free(&options->request);
}
