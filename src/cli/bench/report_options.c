#include "cli/bench/report_options.h"

#include "base/span.h"
#include "cli/options/values.h"

static const struct {
    enum option_id option;
    bool (*write)(FILE *out, const struct bench_report *report);
} kinds[] = {
    {OPTION_CSV, bench_write_csv},     {OPTION_HLOG, bench_write_hlog},
    {OPTION_HTML, bench_write_html},   {OPTION_JSON, bench_write_json},
    {OPTION_JUNIT, bench_write_junit}, {OPTION_MARKDOWN, bench_write_markdown},
};

enum { KINDS = sizeof kinds / sizeof *kinds };

static void read_threshold(struct report_options *o, const char *command, const char *text)
{
    struct threshold_error error;
    if (o->thresholds_count == REPORT_THRESHOLDS_MAX)
        usage_error(command, "--fail-if: at most %d conditions can be given",
                    REPORT_THRESHOLDS_MAX);
    if (!threshold_parse(span_of(text), &o->thresholds[o->thresholds_count], &error))
        usage_error(command, "--fail-if \"%s\": column %zu: %s", text, error.column, error.says);
    o->thresholds_count++;
}

void report_options_take(struct report_options *options, const struct options *given)
{
    enum option_id files[KINDS];
    *options = (struct report_options){0};
    for (size_t i = 0; i < KINDS; i++)
        files[i] = kinds[i].option;
    report_files_take(&options->files, given, files, KINDS);
    const struct option_use *use = NULL;
    while ((use = option_next(given, OPTION_FAIL_IF, use)))
        read_threshold(options, options->files.command, use->text);
}

void report_options_finish(const struct report_options *options, bool open_loop)
{
    report_files_check(&options->files);
    for (size_t i = 0; i < options->thresholds_count; i++) {
        const struct threshold *t = &options->thresholds[i];
        if (t->subject == THRESHOLD_RATE_SHARE && !open_loop)
            usage_error(options->files.command,
                        "--fail-if \"%.*s\" needs a rate that is asked for: --rate or --steps, or "
                        "write a rate of its own, such as 'rate<900/s'",
                        (int)t->text.bytes, t->text.data);
    }
}

static bool write_one(FILE *out, enum option_id option, const void *report)
{
    size_t i = 0;
    while (kinds[i].option != option)
        i++;
    return kinds[i].write(out, report);
}

bool report_write(struct report_options *options, const struct bench_report *report)
{
    struct report_files *files = &options->files;
    bench_print(report_files_stream(files), report);
    bool written = report_files_flush(files);
    return report_files_write(files, write_one, report) && written;
}

bool report_has_failed(const struct bench_report *report)
{
    for (size_t run = 0; run < report->runs_count; run++) {
        for (size_t i = 0; i < report->thresholds_count; i++) {
            if (threshold_check(&report->thresholds[i], &report->runs[run]).failed)
                return true;
        }
    }
    return false;
}
