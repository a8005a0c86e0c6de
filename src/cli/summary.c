/* Figures for people: three significant digits, units that fit the size, one line per matter. */
#include "cli/summary.h"

#include <errno.h>
#include <string.h>

enum { TEXT_BYTES = 32 };

struct text {
    char chars[TEXT_BYTES];
};

struct unit {
    double size;
    const char *name;
};

/* In the largest unit of the list that is not larger than the amount; the last one is the smallest.
 */
static struct text in_units(double amount, const struct unit *units)
{
    while (units[1].name && amount < units->size)
        units++;
    double number = amount / units->size;
    int decimals = number >= 100 || number == (double)(long)number ? 0 : number >= 10 ? 1 : 2;
    struct text text;
    snprintf(text.chars, sizeof text.chars, "%.*f %s", decimals, number, units->name);
    return text;
}

static struct text duration_text(uint64_t ns)
{
    static const struct unit units[] = {{3600e9, "h"}, {60e9, "min"}, {1e9, "s"}, {1e6, "ms"},
                                        {1e3, "us"},   {1, "ns"},     {0, NULL}};
    return in_units((double)ns, units);
}

static struct text bytes_text(uint64_t bytes)
{
    static const struct unit units[] = {{1e12, "TB"}, {1e9, "GB"},  {1e6, "MB"},
                                        {1e3, "kB"},  {1, "bytes"}, {0, NULL}};
    return in_units((double)bytes, units);
}

static const char *plural(uint64_t count)
{
    return count == 1 ? "" : "s";
}

static void print_cause(FILE *out, const char *name, uint64_t count)
{
    fprintf(out, "            %9llu  %s\n", (unsigned long long)count, name);
}

static void print_failures(FILE *out, const struct job_report *report)
{
    fprintf(out, "  failed    %9llu\n", (unsigned long long)(report->records - report->ok));
    for (int status = 0; status <= JOB_STATUS_MAX; status++) {
        char name[24];
        snprintf(name, sizeof name, "status %d", status);
        if (report->by_status[status] > 0)
            print_cause(out, name, report->by_status[status]);
    }
    for (int error = 0; error < RINGSEND_ERROR_COUNT; error++) {
        if (report->by_error[error] > 0)
            print_cause(out, ringsend_error_name((enum ringsend_error)error),
                        report->by_error[error]);
    }
    if (report->ambiguous > 0)
        fprintf(out,
                "  ambiguous %9llu  may have been processed, nobody can tell: see the results\n",
                (unsigned long long)report->ambiguous);
}

void summary_print(FILE *out, const struct job_report *report, const struct ringsend_stats *stats)
{
    double seconds = (double)report->elapsed_ns / 1e9;
    double records = (double)report->records;
    fprintf(out, "ringsend: %llu record%s in %s", (unsigned long long)report->records,
            plural(report->records), duration_text(report->elapsed_ns).chars);
    if (report->records > 0 && seconds > 0)
        fprintf(out, ", %.*f per second", records / seconds < 10 ? 2 : 0, records / seconds);
    fprintf(out, "\n  ok        %9llu\n", (unsigned long long)report->ok);
    if (report->ok < report->records)
        print_failures(out, report);
    fprintf(out, "  tries     %9llu\n", (unsigned long long)report->tries);
    const struct histogram *h = &report->service_ns;
    if (h->count > 0)
        fprintf(out, "  latency   p50 %s, p90 %s, p99 %s, max %s\n",
                duration_text(histogram_quantile(h, 0.5)).chars,
                duration_text(histogram_quantile(h, 0.9)).chars,
                duration_text(histogram_quantile(h, 0.99)).chars, duration_text(h->max).chars);
    fprintf(out, "  traffic   %llu connection%s opened, %s out, %s in\n",
            (unsigned long long)stats->connections_opened, plural(stats->connections_opened),
            bytes_text(stats->bytes_sent).chars, bytes_text(stats->bytes_received).chars);
    if (report->records > 0)
        fprintf(out, "  io_uring  %.3g io_uring_enter calls per record (%llu)\n",
                (double)stats->enters / records, (unsigned long long)stats->enters);
}

static const char *output_cure(int error)
{
    switch (error) {
    case ENOSPC:
    case EDQUOT:
        return "make room on that file system";
    case EPIPE:
        return "the reader went away; write to a file with -o";
    case EFBIG:
        return "the file reached its size limit (ulimit -f, or the file system's)";
    case ENOMEM:
        return "give the program more memory";
    default:
        return "check the device";
    }
}

static void print_unread(FILE *out, const struct job_report *report)
{
    const char *path = report->unread_path;
    unsigned long long line = (unsigned long long)report->unread_line;
    fprintf(out, "ringsend: stopped reading %s behind line %llu", path, line);
    if (report->unread_bytes > 0)
        fprintf(out, "; %s of it were not read", bytes_text(report->unread_bytes).chars);
    fputc('\n', out);
    if (strcmp(path, "-") != 0 && report->unread_bytes > 0)
        fprintf(out, "  the rest: tail -n +%llu %s\n", line + 1, path);
}

void summary_print_troubles(FILE *out, const struct job_report *report,
                            const struct send_options *options)
{
    if (report->input_error)
        fprintf(out, "ringsend: cannot read on in %s: %s; the lines before have results\n",
                report->input_path, strerror(report->input_error));
    if (report->output_error) {
        const char *path = report->output_is_failed_file ? options->failed : options->output;
        fprintf(out, "ringsend: cannot write %s: %s; %s. Sending was stopped.\n",
                path && strcmp(path, "-") != 0 ? path : "standard output",
                strerror(report->output_error), output_cure(report->output_error));
    }
    if (report->end == JOB_RING_BROKE)
        fputs("ringsend: the io_uring broke; nothing more can be sent or written\n", out);
    if (report->results_lost > 0)
        fprintf(out, "ringsend: up to %llu record%s, perhaps sent, without a whole result line\n",
                (unsigned long long)report->results_lost, plural(report->results_lost));
    if (report->unread_path)
        print_unread(out, report);
    if (options->failed && report->ok < report->records && !report->output_error &&
        !options->quiet) {
        bool defaults = options->defaults.url.bytes > 0 || options->defaults.method.bytes > 0 ||
                        options->defaults.headers_count > 0;
        fprintf(out, "ringsend: to send the failed ones again: ringsend send %s%s\n",
                defaults ? "(the same --url, -X, -H) " : "", options->failed);
        if (report->by_error[RINGSEND_E_RECORD_TOO_LONG] > 0)
            fputs("  (without the lines that were too long: those were skipped)\n", out);
    }
}
