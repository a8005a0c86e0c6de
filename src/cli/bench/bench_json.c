/* The report as JSON. Its keys are stable: programs read them, the page of --html shows them, and
 * `ringsend compare` takes the histograms from there, which are whole, as HdrHistogram's texts. */
#include "base/time.h"
#include "bench/hdr.h"
#include "cli/bench/bench_report.h"
#include "cli/bench/threshold_words.h"
#include "cli/bench/times_json.h"
#include "cli/json_out.h"
#include "cli/page.h"

#include <math.h>
#include <stdlib.h>

static void put_histogram(struct json_out *j, const char *key, const struct histogram *h)
{
    char *text = hdr_encode(h);
    j->incomplete |= !text;
    json_words(j, key, text);
    free(text);
}

static void put_shapes(struct json_out *j, const struct figures *f)
{
    json_begin(j, "curves", '{');
    json_curve(j, "response", &f->response_ns);
    json_curve(j, "service", &f->service_ns);
    json_curve(j, "send_lag", &f->send_lag_ns);
    json_end_with(j, '}');
    json_heat(j, "heat", &f->heat);
    json_begin(j, "histograms", '{');
    put_histogram(j, "response", &f->response_ns);
    put_histogram(j, "service", &f->service_ns);
    put_histogram(j, "send_lag", &f->send_lag_ns);
    if (f->response_bounds_ns.count > 0)
        put_histogram(j, "response_bounds", &f->response_bounds_ns);
    json_end_with(j, '}');
}

static void put_bounds(struct json_out *j, const struct figures *f)
{
    json_begin(j, "lower_bounds", '{');
    json_bounds(j, "response_us", &f->response_ns, &f->response_bounds_ns);
    json_bounds(j, "service_us", &f->service_ns, &f->service_bounds_ns);
    json_bounds(j, "send_lag_us", &f->send_lag_ns, &f->send_lag_bounds_ns);
    json_end_with(j, '}');
}

static void put_errors(struct json_out *j, const struct figures *f)
{
    json_begin(j, "errors_by_name", '{');
    for (int i = 0; i < RINGSEND_ERROR_COUNT; i++) {
        if (f->errors[i] > 0)
            json_count(j, ringsend_error_name((enum ringsend_error)i), f->errors[i]);
    }
    json_end_with(j, '}');
    json_begin(j, "statuses", '{');
    for (int i = 0; i <= FIGURES_STATUS_MAX; i++) {
        char name[16];
        snprintf(name, sizeof name, "%d", i);
        if (f->statuses[i] > 0)
            json_count(j, name, f->statuses[i]);
    }
    json_end_with(j, '}');
}

static void put_counts(struct json_out *j, const struct figures *f)
{
    json_count(j, "requests", f->requests);
    json_count(j, "errors", f->errors_count);
    json_count(j, "not_ok", f->requests - f->ok);
    json_real(j, "rate_target", f->settings.open_loop ? f->settings.rate : NAN);
    json_real(j, "rate_achieved", figures_rate(f));
    json_count(j, "in_time", f->in_time);
    json_real(j, "duration_s", (double)f->elapsed_ns / NS_PER_S);
    json_flag(j, "stopped_early", f->stopped_early);
    put_errors(j, f);
    json_count(j, "timed_out", f->timed_out);
    json_count(j, "cut", f->cancelled);
    json_count(j, "scheduled", f->scheduled);
    json_count(j, "started", f->started);
    json_count(j, "never_started", f->never_started);
    json_us(j, "never_started_wait_us", f->never_started_wait_ns);
    json_count(j, "late_starts", f->late_starts);
    json_count(j, "late_waits", f->late_waits);
    json_count(j, "late_loop", f->late_loop);
    json_flag(j, "generator_is_slow", figures_generator_is_slow(f));
    json_flag(j, "server_is_swamped", figures_is_swamped(f));
    json_count(j, "rests", f->rests);
    json_us(j, "rest_max_us", f->rest_max_ns);
    json_count(j, "warmup_requests", f->warmup_requests);
    json_us(j, "drained_us", f->drained_ns);
    json_count(j, "bytes_sent", f->bytes_sent);
    json_count(j, "bytes_received", f->bytes_received);
    json_count(j, "connections_opened", f->connections_opened);
    json_count(j, "connections_peak", f->connections_peak);
    json_count(j, "handshakes_full", f->handshakes_full);
    json_count(j, "handshakes_resumed", f->handshakes_resumed);
    json_count(j, "enters", f->enters);
    json_us(j, "cpu_us", f->cpu_ns);
    json_real(j, "cpu_share", f->cpu_share);
    json_real(j, "cpu_waited_share", f->waited_share);
    json_real(j, "cpu_stolen_share", f->stolen_share);
}

static void put_phases(struct json_out *j, const struct figures *f)
{
    json_begin(j, "phases", '{');
    json_quantiles(j, "loop_lag_us", &f->loop_lag_ns);
    json_quantiles(j, "dns_us", &f->dns_ns);
    json_quantiles(j, "connect_us", &f->connect_ns);
    json_quantiles(j, "tls_us", &f->tls_ns);
    json_quantiles(j, "first_byte_us", &f->first_byte_ns);
    json_quantiles(j, "transfer_us", &f->transfer_ns);
    json_end_with(j, '}');
    json_begin(j, "tcp", '{');
    json_count(j, "samples", f->tcp.samples);
    json_words(j, "absent", f->tcp.absent);
    json_quantiles(j, "rtt_us", &f->tcp.rtt_ns);
    json_count(j, "retransmits", f->tcp.retransmits);
    json_count(j, "connections", f->tcp.connections);
    json_end_with(j, '}');
    json_begin(j, "timestamps", '{');
    json_count(j, "samples", f->split.samples);
    json_words(j, "absent", f->split.absent);
    json_quantiles(j, "sending_us", &f->split.sending_ns);
    json_quantiles(j, "outside_us", &f->split.outside_ns);
    json_quantiles(j, "receiving_us", &f->split.receiving_ns);
    json_end_with(j, '}');
}

static void put_settings(struct json_out *j, const struct figures_settings *s)
{
    json_begin(j, "settings", '{');
    json_words(j, "target", s->target);
    json_words(j, "method", s->method);
    json_words(j, "loop", s->open_loop ? "open" : "closed");
    json_words(j, "arrivals",
               !s->open_loop                     ? NULL
               : s->arrivals == ARRIVALS_POISSON ? "poisson"
                                                 : "constant");
    json_real(j, "rate_per_s", s->rate);
    json_count(j, "connections", s->connections);
    json_count(j, "threads", s->threads);
    json_real(j, "duration_s", (double)s->duration_ns / NS_PER_S);
    json_count(j, "requests", s->requests);
    json_real(j, "warmup_s", (double)s->warmup_ns / NS_PER_S);
    json_real(j, "ramp_s", (double)s->ramp_ns / NS_PER_S);
    json_count(j, "seed", s->seed);
    json_flag(j, "new_connection", s->new_connection);
    json_flag(j, "spin", s->spin);
    json_flag(j, "awake", s->awake);
    json_flag(j, "batch", s->batch);
    json_flag(j, "timestamps", s->timestamps);
    json_flag(j, "insecure", s->insecure);
    json_end_with(j, '}');
}

static void put_environment(struct json_out *j, const struct figures_environment *e)
{
    json_begin(j, "environment", '{');
    json_words(j, "version", e->version);
    json_words(j, "kernel", e->kernel);
    json_words(j, "cpu", e->cpu);
    json_count(j, "cpus", e->cpus);
    json_words(j, "governor", e->governor);
    json_words(j, "congestion_control", e->congestion_control);
    json_words(j, "ring_features", e->ring_features);
    json_begin(j, "tls", '[');
    for (size_t i = 0; i < FIGURES_ORIGINS_MAX && e->tls[i].text[0]; i++)
        json_words(j, NULL, e->tls[i].text);
    json_end_with(j, ']');
    json_count(j, "started_unix_s", e->started_s > 0 ? (uint64_t)e->started_s : 0);
    json_end_with(j, '}');
}

static void put_series(struct json_out *j, const struct figures *f)
{
    json_begin(j, "series", '[');
    for (size_t i = 0; i < f->series_count; i++) {
        const struct figures_second *s = &f->series[i];
        json_begin(j, NULL, '{');
        json_count(j, "second", i + 1);
        json_count(j, "requests", s->requests);
        json_count(j, "errors", s->errors);
        json_count(j, "not_ok", s->not_ok);
        json_count(j, "never_started", s->never_started);
        json_us(j, "p50_us", s->p50_ns);
        json_us(j, "p99_us", s->p99_ns);
        json_us(j, "max_us", s->max_ns);
        json_count(j, "connections", s->connections);
        json_count(j, "waiting", s->waiting);
        json_count(j, "rtt_us", s->rtt_us);
        json_count(j, "retransmits", s->retransmits);
        json_end_with(j, '}');
    }
    json_end_with(j, ']');
}

/* Times are told in the unit of all times, microseconds. */
static void put_thresholds(struct json_out *j, const struct figures *f,
                           const struct bench_report *report)
{
    json_begin(j, "thresholds", '[');
    for (size_t i = 0; i < report->thresholds_count; i++) {
        const struct threshold *t = &report->thresholds[i];
        struct threshold_outcome outcome = threshold_check(t, f);
        bool is_time = t->subject <= THRESHOLD_SEND_LAG;
        json_begin(j, NULL, '{');
        char text[THRESHOLD_WORDS_BYTES];
        threshold_condition(text, sizeof text, t);
        json_words(j, "condition", text);
        threshold_words(text, sizeof text, t, &outcome);
        json_words(j, "verdict", text);
        json_words(j, "of",
                   t->subject == THRESHOLD_RESPONSE   ? "response_us"
                   : t->subject == THRESHOLD_SERVICE  ? "service_us"
                   : t->subject == THRESHOLD_SEND_LAG ? "send_lag_us"
                   : t->subject >= THRESHOLD_RATE     ? "rate"
                                                      : "errors");
        json_words(j, "unit",
                   is_time                          ? "us"
                   : t->subject == THRESHOLD_ERRORS ? "count"
                   : t->subject == THRESHOLD_RATE   ? "per_second"
                                                    : "share");
        json_flag(j, "failed", outcome.failed);
        json_real(j, "value",
                  !outcome.measured ? NAN
                  : is_time         ? outcome.value / 1e3
                                    : outcome.value);
        json_flag(j, "at_least", outcome.at_least);
        json_real(j, "limit", is_time ? t->limit / 1e3 : t->limit);
        json_end_with(j, '}');
    }
    json_end_with(j, ']');
}

static void put_run(struct json_out *j, const struct figures *f, const struct bench_report *report)
{
    put_counts(j, f);
    json_quantiles(j, "response_us", &f->response_ns);
    json_quantiles(j, "service_us", &f->service_ns);
    json_quantiles(j, "send_lag_us", &f->send_lag_ns);
    put_bounds(j, f);
    put_phases(j, f);
    put_settings(j, &f->settings);
    put_series(j, f);
    put_thresholds(j, f, report);
    put_shapes(j, f);
}

bool bench_write_json(FILE *out, const struct bench_report *report)
{
    struct json_out j = {.out = out};
    json_begin(&j, NULL, '{');
    json_words(&j, "ringsend", "bench");
    put_environment(&j, report->environment);
    json_words(&j, "command", report->command);
    j.incomplete |= !report->command;
    if (report->kind == BENCH_RUN) {
        put_run(&j, &report->runs[0], report);
    } else {
        json_count(&j, "runs_wanted", report->runs_wanted);
        if (report->comparison)
            compare_put_json(&j, "comparison", report->comparison);
        json_begin(&j, report->kind == BENCH_STEPS ? "steps" : "runs", '[');
        for (size_t i = 0; i < report->runs_count; i++) {
            json_begin(&j, NULL, '{');
            put_run(&j, &report->runs[i], report);
            json_end_with(&j, '}');
        }
        json_end_with(&j, ']');
    }
    json_end_with(&j, '}');
    fputc('\n', out);
    return !j.incomplete;
}

bool bench_write_html(FILE *out, const struct bench_report *report)
{
    fputs(page_start, out);
    bool complete = bench_write_json(out, report);
    fputs(page_end, out);
    return complete;
}
