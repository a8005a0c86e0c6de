#include "results/report.h"

bool report_init(struct job_report *report)
{
    *report = (struct job_report){0};
    return histogram_init(&report->service_ns, 7);
}

void report_free(struct job_report *report)
{
    histogram_free(&report->service_ns);
}

void report_count(struct job_report *report, const struct result_line *line)
{
    report->records++;
    report->tries += line->attempts;
    report->ambiguous += line->ambiguous;
    report->unjudged += line->unjudged;
    if (line->ok)
        report->ok++;
    else if (line->error != RINGSEND_OK)
        report->by_error[line->error]++;
    else if (line->status >= 0 && line->status <= REPORT_STATUS_MAX)
        report->by_status[line->status]++;
    if (!line->ok)
        groups_count(&report->failures, line);
    if (line->attempts > 0 && line->times.total_ns >= line->times.queue_ns)
        histogram_add(&report->service_ns, line->times.total_ns - line->times.queue_ns);
}
