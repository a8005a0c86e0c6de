/* The report as CSV (RFC 4180, but with LF) and as an HdrHistogram log. */
#include "base/time.h"
#include "bench/hlog.h"
#include "cli/bench/bench_report.h"

#include <inttypes.h>
#include <stdlib.h>

static void put_us(FILE *out, uint64_t ns)
{
    fprintf(out, ",%" PRIu64 ".%03u", ns / 1000, (unsigned)(ns % 1000));
}

/* The least of the percentiles above that is a lower bound; those above it are, too. */
static const char *first_bound(const struct figures *f)
{
    static const struct {
        double fraction;
        const char *name;
    } shown[] = {{0.5, "p50"}, {0.9, "p90"}, {0.99, "p99"}, {0.999, "p999"}, {0.9999, "p9999"}};
    for (size_t i = 0; i < sizeof shown / sizeof shown[0]; i++)
        if (figures_is_bound(&f->response_ns, &f->response_bounds_ns, shown[i].fraction))
            return shown[i].name;
    return f->response_bounds_ns.count > 0 ? "max" : "";
}

static void put_steps(FILE *out, const struct bench_report *report)
{
    fputs("step,rate_target,rate_achieved,duration_s,requests,errors,not_ok,never_started,"
          "response_p50_us,response_p90_us,response_p99_us,response_p999_us,response_p9999_us,"
          "response_max_us,service_p50_us,service_p99_us,send_lag_p50_us,send_lag_p99_us,"
          "lower_bounds,lower_bound_from\n",
          out);
    for (size_t i = 0; i < report->runs_count; i++) {
        const struct figures *f = &report->runs[i];
        const struct histogram *h = &f->response_ns;
        fprintf(out, "%zu,%.9g,%.9g,%.9g,%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64, i + 1,
                f->settings.rate, figures_rate(f), (double)f->elapsed_ns / NS_PER_S, f->requests,
                f->errors_count, f->requests - f->ok, f->never_started);
        put_us(out, histogram_quantile(h, 0.5));
        put_us(out, histogram_quantile(h, 0.9));
        put_us(out, histogram_quantile(h, 0.99));
        put_us(out, histogram_quantile(h, 0.999));
        put_us(out, histogram_quantile(h, 0.9999));
        put_us(out, h->max);
        put_us(out, histogram_quantile(&f->service_ns, 0.5));
        put_us(out, histogram_quantile(&f->service_ns, 0.99));
        put_us(out, histogram_quantile(&f->send_lag_ns, 0.5));
        put_us(out, histogram_quantile(&f->send_lag_ns, 0.99));
        fprintf(out, ",%" PRIu64 ",%s\n", f->response_bounds_ns.count, first_bound(f));
    }
}

static void put_seconds(FILE *out, const struct bench_report *report)
{
    fputs("run,second,requests,errors,p50_us,p99_us,max_us,connections,waiting,rtt_us,"
          "retransmits,not_ok,never_started\n",
          out);
    for (size_t run = 0; run < report->runs_count; run++) {
        const struct figures *f = &report->runs[run];
        for (size_t i = 0; i < f->series_count; i++) {
            const struct figures_second *s = &f->series[i];
            fprintf(out, "%zu,%zu,%" PRIu64 ",%" PRIu64, run + 1, i + 1, s->requests, s->errors);
            put_us(out, s->p50_ns);
            put_us(out, s->p99_ns);
            put_us(out, s->max_ns);
            fprintf(out, ",%" PRIu32 ",%" PRIu32 ",%" PRIu32, s->connections, s->waiting,
                    s->rtt_us);
            fprintf(out, ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 "\n", s->retransmits, s->not_ok,
                    s->never_started);
        }
    }
}

bool bench_write_csv(FILE *out, const struct bench_report *report)
{
    if (report->kind == BENCH_STEPS)
        put_steps(out, report);
    else
        put_seconds(out, report);
    return true;
}

/* Frees the line. False when there is none, as memory was out. */
static bool put_line(FILE *out, char *line)
{
    if (!line)
        return false;
    fputs(line, out);
    free(line);
    return true;
}

/* What came after the end of the starts belongs to the run, too; so does the last second, if only
 * in part. */
static uint64_t run_ns(const struct figures *f)
{
    uint64_t ns = f->elapsed_ns + f->drained_ns;
    uint64_t full_ns = f->series_count > 0 ? (f->series_count - 1) * NS_PER_S : 0;
    return ns > full_ns ? ns : full_ns;
}

static bool put_second_lines(FILE *out, const struct figures *f, uint64_t run_from_ns)
{
    uint64_t run_to_ns = run_from_ns + run_ns(f);
    for (size_t i = 0; i < f->series_count; i++) {
        const struct figures_second *s = &f->series[i];
        uint64_t from_ns = run_from_ns + i * NS_PER_S, to_ns = from_ns + NS_PER_S;
        to_ns = to_ns < run_to_ns ? to_ns : run_to_ns;
        if (!s->times ||
            !put_line(out, hlog_line_of_text(NULL, from_ns, to_ns, s->max_ns, s->times)))
            return false;
    }
    return !f->series_truncated;
}

/* Runs follow each other; what lay between them is not told. */
bool bench_write_hlog(FILE *out, const struct bench_report *report)
{
    char head[HLOG_HEAD_BYTES];
    uint64_t from_ns = 0;
    int64_t started_s = report->environment->started_s;
    hlog_head(head, started_s > 0 ? (uint64_t)started_s * 1000 : 0);
    fputs(head, out);
    for (size_t i = 0; i < report->runs_count; i++) {
        const struct figures *f = &report->runs[i];
        uint64_t to_ns = from_ns + run_ns(f);
        if (!put_second_lines(out, f, from_ns) ||
            !put_line(out, hlog_line("service", from_ns, to_ns, &f->service_ns)) ||
            !put_line(out, hlog_line("send_lag", from_ns, to_ns, &f->send_lag_ns)))
            return false;
        if (f->response_bounds_ns.count > 0 &&
            !put_line(out, hlog_line(HLOG_BOUNDS, from_ns, to_ns, &f->response_bounds_ns)))
            return false;
        from_ns = to_ns;
    }
    return true;
}
