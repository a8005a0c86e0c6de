/* `ringsend compare`: reads what runs left behind, and tells whether one is slower than another. */
#include "base/span.h"
#include "bench/compare_input.h"
#include "cli/commands.h"
#include "cli/compare/compare_report.h"
#include "cli/options/options.h"
#include "cli/options/values.h"
#include "cli/read_files.h"
#include "cli/report_files.h"
#include "cli/units.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char command[] = "compare";

struct compare_options {
    struct report_files files;
    double tolerance, step; /* step: 0: none */
    char *const *paths;
    size_t paths_count;
};

static void read_options(struct compare_options *o, int argc, char **argv)
{
    static const enum option_id files[] = {OPTION_HTML, OPTION_JSON, OPTION_JUNIT, OPTION_MARKDOWN};
    struct options given;
    options_parse(&given, COMMAND_COMPARE, argc, argv);
    const struct rate *step = option_rate(&given, OPTION_STEP);
    *o = (struct compare_options){.tolerance = option_share(&given, OPTION_TOLERANCE),
                                  .step = step ? rate_per_s(step) : 0,
                                  .paths = given.arguments,
                                  .paths_count = given.arguments_count};
    report_files_take(&o->files, &given, files, sizeof files / sizeof *files);
    options_free(&given);
    if (o->paths_count == 0)
        usage_error(command, "name the files to compare, the one to compare with first");
    for (size_t i = 0; i < o->paths_count; i++) {
        if (value_is_url(o->paths[i]) && access(o->paths[i], F_OK) != 0)
            usage_error(command,
                        "argument %zu is a URL: 'ringsend bench --vs URL URL' measures and "
                        "compares two; here go files that it wrote with --json",
                        i + 1);
        read_files_add(NULL, o->paths[i]);
    }
    report_files_check(&o->files);
}

static bool write_one(FILE *out, enum option_id option, const void *report)
{
    return option == OPTION_HTML    ? compare_write_html(out, report)
           : option == OPTION_JUNIT ? compare_write_junit(out, report)
           : option == OPTION_JSON  ? compare_write_json(out, report)
                                    : compare_write_markdown(out, report);
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
                    "ringsend compare: %s holds steps at several rates and %s does not: say which "
                    "step is meant, such as --step %s\n",
                    a->rate > 0 ? a->name : b->name, a->rate > 0 ? b->name : a->name,
                    rate_text(a->rate > 0 ? a->rate : b->rate).chars);
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

static int write_reports(struct report_files *files, const struct compare_report *report)
{
    int status = report_files_open(files);
    if (status == EXIT_OK) {
        compare_print(report_files_stream(files), report);
        bool written = report_files_flush(files);
        written &= report_files_write(files, write_one, report);
        status = !written                                 ? EXIT_OUTPUT
                 : compare_worst(report) == COMPARE_WORSE ? EXIT_THRESHOLD
                                                          : EXIT_OK;
    }
    report_files_close(files);
    return status;
}

static int compare(struct compare_options *o, const struct sides *sides)
{
    struct compare_report report;
    if (sides->count < 2 || (sides->all[0].rate > 0 && sides_is_of(sides, sides->count - 1, 0)))
        usage_error(command, "%s holds runs of one target: name what to compare it with",
                    o->paths[0]);
    if (!is_comparable(sides))
        return EXIT_INPUT;
    if (!compare_report_init(&report, sides, o->tolerance)) {
        fputs("ringsend compare: memory is out\n", stderr);
        return EXIT_NOT_STARTED;
    }
    int status = write_reports(&o->files, &report);
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
