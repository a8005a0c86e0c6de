/* `ringsend compare`: reads what runs left behind, and tells whether one is slower than another. */
#include "base/span.h"
#include "bench/compare_input.h"
#include "cli/commands.h"
#include "cli/compare/compare_report.h"
#include "cli/descriptor.h"
#include "cli/options/options.h"
#include "cli/options/values.h"
#include "cli/read_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char command[] = "compare";

struct compare_options {
    const char *html, *json; /* null: none */
    double tolerance, step;  /* step: 0: none */
    char *const *paths;
    size_t paths_count;
};

static void read_options(struct compare_options *o, int argc, char **argv)
{
    struct options given;
    options_parse(&given, COMMAND_COMPARE, argc, argv);
    const struct rate *step = option_rate(&given, OPTION_STEP);
    *o = (struct compare_options){.html = option_text(&given, OPTION_HTML),
                                  .json = option_text(&given, OPTION_JSON),
                                  .tolerance = option_share(&given, OPTION_TOLERANCE),
                                  .step = step ? rate_per_s(step) : 0,
                                  .paths = given.arguments,
                                  .paths_count = given.arguments_count};
    options_free(&given);
    if (o->paths_count == 0)
        usage_error(command, "name the files to compare, the one to compare with first");
    for (size_t i = 0; i < o->paths_count; i++)
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
    for (size_t i = 0; i < o.paths_count && status == EXIT_OK; i++) {
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
