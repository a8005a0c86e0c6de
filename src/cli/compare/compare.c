/* `ringsend compare`: reads what runs left behind, and tells whether one is slower than another. */
#include "base/span.h"
#include "bench/compare_input.h"
#include "cli/commands.h"
#include "cli/compare/compare_report.h"
#include "cli/descriptor.h"
#include "cli/options/values.h"
#include "cli/read_files.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char command[] = "compare";

static const char help[] =
    "Usage: ringsend compare [OPTION]... A B...\n"
    "Tells whether B, and each further one, is slower than A. Each is a file that\n"
    "`ringsend bench` wrote with --json (one that holds runs of two targets is two\n"
    "sides), or an HdrHistogram log (.hlog), whose lines without a tag are one run.\n"
    "Times of logs are taken as nanoseconds.\n"
    "Of files with --steps, each step is compared with that at the same rate, and the\n"
    "worst verdict counts.\n"
    "\n"
    "      --step N/T          of files with --steps: the step at that rate alone\n"
    "      --tolerance SHARE   differences up to this do not count; default 5%\n"
    "      --html FILE         a page with the curves over each other\n"
    "      --json FILE         the same figures for programs (- is standard output;\n"
    "                          the text for people then goes to standard error)\n"
    "  -h, --help              this text\n"
    "  -V, --version           the version\n"
    "\n"
    "The p50 and p99 of the response time are compared, and the share of failed\n"
    "requests, by runs: of four or more on each side (ringsend bench --repeat), with\n"
    "95 % intervals of the ratio by bootstrap, and a rank test (Mann-Whitney). Worse\n"
    "or better: the whole interval lies beyond the tolerance, and the rank test\n"
    "agrees (p <= 0.05). The same: it lies within. Anything else is undecided.\n"
    "Fewer runs, and so logs and single steps, are undecided too, unless one is five\n"
    "times as slow as the other: requests of one run are not independent.\n"
    "Requests that never started or were given up count with how long they waited,\n"
    "at least; a verdict holds however much longer that would have been.\n"
    "\n"
    "Exit status\n"
    "  0  none is worse than A              5  one is worse\n"
    "  1  wrong usage                       7  a report could not be written\n"
    "  2  a file could not be read\n";

enum option_code {
    OPTION_HELP = 'h',
    OPTION_VERSION = 'V',
    OPTION_HTML = 256,
    OPTION_JSON,
    OPTION_STEP,
    OPTION_TOLERANCE
};

static const struct option long_options[] = {
    {"help", no_argument, NULL, OPTION_HELP},
    {"html", required_argument, NULL, OPTION_HTML},
    {"json", required_argument, NULL, OPTION_JSON},
    {"step", required_argument, NULL, OPTION_STEP},
    {"tolerance", required_argument, NULL, OPTION_TOLERANCE},
    {"version", no_argument, NULL, OPTION_VERSION},
    {NULL, 0, NULL, 0},
};

struct compare_options {
    const char *html, *json; /* null: none */
    double tolerance, step;  /* step: 0: none */
    char *const *paths;
    int paths_count;
};

static void read_option(struct compare_options *o, int code, const char *value)
{
    switch ((enum option_code)code) {
    case OPTION_HELP:
        show_help(help);
    case OPTION_VERSION:
        show_version();
    case OPTION_HTML:
        o->html = value;
        return;
    case OPTION_JSON:
        o->json = value;
        return;
    case OPTION_STEP:
        o->step = value_rate_per_s(command, "--step", span_of(value), 1e9);
        return;
    case OPTION_TOLERANCE:
        o->tolerance = value_share(command, "--tolerance", value);
        return;
    }
}

static void read_options(struct compare_options *o, int argc, char **argv)
{
    *o = (struct compare_options){.tolerance = COMPARE_TOLERANCE};
    opterr = 0;
    for (;;) {
        int code = getopt_long(argc, argv, ":hV", long_options, NULL);
        if (code == -1)
            break;
        if (code == '?' || code == ':')
            option_error(command, long_options, argv, code);
        read_option(o, code, optarg);
    }
    o->paths = argv + optind;
    o->paths_count = argc - optind;
    if (o->paths_count == 0)
        usage_error(command, "name the files to compare, the one to compare with first");
    for (int i = 0; i < o->paths_count; i++)
        read_files_add(NULL, o->paths[i]);
    if (o->html)
        read_files_refuse(command, "--html", o->html);
    if (o->json)
        read_files_refuse(command, "--json", o->json);
    if (o->html && o->json && strcmp(o->html, o->json) == 0)
        usage_error(command, "--html and --json cannot both be %s",
                    strcmp(o->html, "-") == 0 ? "standard output" : o->html);
}

static bool write_report(const char *option, const char *path, const struct compare_report *report,
                         bool (*write)(FILE *, const struct compare_report *))
{
    if (!path)
        return true;
    int named = strcmp(path, "-") == 0 ? STDOUT_FILENO : descriptor_named(path);
    bool is_stdout = named == STDOUT_FILENO;
    errno = 0;
    FILE *out = is_stdout    ? stdout
                : named >= 0 ? fdopen(fcntl(named, F_DUPFD_CLOEXEC, 0), "w")
                             : fopen(path, "we");
    bool complete = out && write(out, report);
    bool written = out && fflush(out) == 0 && !ferror(out);
    int error = errno;
    if (out && !is_stdout)
        written &= fclose(out) == 0;
    if (written && complete)
        return true;
    fprintf(stderr, "ringsend compare: %s %s: %s\n", option, path,
            written ? "memory is out" : strerror(error ? error : errno));
    return false;
}

static bool has_common_step(const struct sides *sides, size_t first)
{
    for (size_t i = first; sides_is_of(sides, i, first); i++) {
        if (sides_find_step(sides, 0, sides->all[i].rate) != SIDES_NONE)
            return true;
    }
    return false;
}

/* Steps go with steps, and each file has one at the rate of one of the first file's. */
static bool is_comparable(const struct sides *sides)
{
    const struct side *a = &sides->all[0];
    for (size_t i = 1; i < sides->count; i++) {
        const struct side *b = &sides->all[i];
        if ((a->rate > 0) != (b->rate > 0)) {
            fprintf(stderr,
                    "ringsend compare: %s holds steps at several rates and %s does not: name the "
                    "one to compare with --step N/T\n",
                    a->rate > 0 ? a->name : b->name, a->rate > 0 ? b->name : a->name);
            return false;
        }
        if (b->first == i && b->rate > 0 && !has_common_step(sides, i)) {
            fprintf(stderr, "ringsend compare: %s and %s have no step at the same rate\n", a->name,
                    b->name);
            return false;
        }
    }
    return true;
}

static int compare(const struct compare_options *o, const struct sides *sides)
{
    struct compare_report report;
    bool takes_stdout =
        (o->html && strcmp(o->html, "-") == 0) || (o->json && strcmp(o->json, "-") == 0);
    if (sides->count < 2 || (sides->all[0].rate > 0 && sides_is_of(sides, sides->count - 1, 0)))
        usage_error(command, "%s holds runs of one target: name what to compare it with",
                    o->paths[0]);
    if (!is_comparable(sides))
        return EXIT_INPUT;
    if (!compare_report_init(&report, sides, o->tolerance)) {
        fputs("ringsend compare: memory is out\n", stderr);
        return EXIT_NOT_STARTED;
    }
    FILE *text = takes_stdout ? stderr : stdout;
    compare_print(text, &report);
    bool written = fflush(text) == 0 && !ferror(text);
    if (!written)
        fprintf(stderr, "ringsend compare: standard output: %s\n", strerror(errno));
    written &= write_report("--html", o->html, &report, compare_write_html);
    written &= write_report("--json", o->json, &report, compare_write_json);
    int status = !written                                  ? EXIT_OUTPUT
                 : compare_worst(&report) == COMPARE_WORSE ? EXIT_THRESHOLD
                                                           : EXIT_OK;
    compare_report_free(&report);
    return status;
}

int command_compare(int argc, char **argv)
{
    struct compare_options o;
    struct sides sides = {0};
    char message[1024];
    int status = EXIT_OK;
    read_options(&o, argc, argv);
    for (int i = 0; i < o.paths_count && status == EXIT_OK; i++) {
        if (!sides_add_file(&sides, o.paths[i], o.step, message, sizeof message)) {
            fprintf(stderr, "ringsend compare: %s\n", message);
            status = EXIT_INPUT;
        }
    }
    if (status == EXIT_OK)
        status = compare(&o, &sides);
    sides_free(&sides);
    return status;
}
