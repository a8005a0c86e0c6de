/* The report as CSV (RFC 4180, but with LF) and as an HdrHistogram log. */
#include "bench/hlog.h"
#include "cli/bench_report.h"

#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

static void put_us(FILE *out, uint64_t ns)
{
    fprintf(out, ",%" PRIu64 ".%03u", ns / 1000, (unsigned)(ns % 1000));
}

static void put_steps(FILE *out, const struct bench_report *report)
{
    fputs("step,rate_target,rate_achieved,duration_s,requests,errors,not_ok,never_started,"
          "response_p50_us,response_p90_us,response_p99_us,response_p999_us,response_p9999_us,"
          "response_max_us,service_p50_us,service_p99_us,send_lag_p50_us,send_lag_p99_us\n",
          out);
    for (size_t i = 0; i < report->runs_count; i++) {
        const struct figures *f = &report->runs[i];
        const struct histogram *h = &f->response_ns;
        fprintf(out, "%zu,%.9g,%.9g,%.9g,%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64, i + 1,
                f->settings.rate, figures_rate(f), (double)f->elapsed_ns / 1e9, f->requests,
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
        fputc('\n', out);
    }
}

static void put_seconds(FILE *out, const struct bench_report *report)
{
    fputs("run,second,requests,errors,p50_us,p99_us,max_us,connections,waiting,rtt_us,"
          "retransmits\n",
          out);
    for (size_t run = 0; run < report->runs_count; run++) {
        const struct figures *f = &report->runs[run];
        for (size_t i = 0; i < f->series_count; i++) {
            const struct figures_second *s = &f->series[i];
            fprintf(out, "%zu,%zu,%" PRIu64 ",%" PRIu64, run + 1, i + 1, s->requests, s->errors);
            put_us(out, s->p50_ns);
            put_us(out, s->p99_ns);
            put_us(out, s->max_ns);
            fprintf(out, ",%" PRIu32 ",%" PRIu32 ",%" PRIu32 ",%" PRIu64 "\n", s->connections,
                    s->waiting, s->rtt_us, s->retransmits);
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

static bool put_interval(FILE *out, const char *tag, uint64_t from_ns, uint64_t to_ns,
                         const struct histogram *h)
{
    char *line = hlog_line(tag, from_ns, to_ns, h);
    if (!line)
        return false;
    fputs(line, out);
    free(line);
    return true;
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
        uint64_t to_ns = from_ns + f->elapsed_ns;
        if (!put_interval(out, NULL, from_ns, to_ns, &f->response_ns) ||
            !put_interval(out, "service", from_ns, to_ns, &f->service_ns) ||
            !put_interval(out, "send_lag", from_ns, to_ns, &f->send_lag_ns))
            return false;
        from_ns = to_ns;
    }
    return true;
}
