/* The report for people. Percentiles lead, and there is no mean and no deviation: latencies are not
 * shaped so that these two would describe them. What spoils a measurement is said behind the
 * figures, in sentences. */
#include "cli/bench/bench_report.h"

#include "base/time.h"
#include "cli/bench/threshold_words.h"
#include "cli/bench/times_text.h"
#include "cli/terminal.h"
#include "cli/units.h"

#include <math.h>
#include <string.h>

enum { BAR_CHARS = 40, BINS_WANTED = 16 };

static bool is_of_one_target(const struct bench_report *report, size_t a, size_t b)
{
    return strcmp(report->runs[a].settings.target, report->runs[b].settings.target) == 0;
}

bool bench_has_failed_wholly(const struct bench_report *report, size_t index)
{
    for (size_t i = 0; i < report->runs_count; i++) {
        if (is_of_one_target(report, i, index) && report->runs[i].ok > 0)
            return false;
    }
    return true;
}

bool bench_is_first(const struct bench_report *report, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (is_of_one_target(report, i, index))
            return false;
    }
    return true;
}

/* ---- tables ---- */

static const double shown[] = {0.5, 0.9, 0.99, 0.999, 0.9999, 1};

enum { SHOWN = sizeof shown / sizeof shown[0] };

static void print_table_head(FILE *out)
{
    fprintf(out, "  %-12s%10s%10s%10s%10s%10s%10s\n", "", "p50", "p90", "p99", "p99.9", "p99.99",
            "max");
}

static void print_row(FILE *out, const char *name, const struct histogram *h,
                      const struct histogram *bounds)
{
    if (h->max == 0) /* as the transfer of answers that come in one piece */
        return;
    fprintf(out, "  %-12s", name);
    for (int i = 0; i < SHOWN; i++)
        fprintf(out, "%10s", times_quantile(h, bounds, shown[i]).chars);
    fputc('\n', out);
}

static void print_times(FILE *out, const struct figures *f)
{
    if (f->response_ns.count == 0)
        return;
    print_table_head(out);
    print_row(out, "response", &f->response_ns, &f->response_bounds_ns);
    if (f->settings.open_loop) {
        print_row(out, "service", &f->service_ns, &f->service_bounds_ns);
        print_row(out, "send lag", &f->send_lag_ns, &f->send_lag_bounds_ns);
        print_row(out, " loop lag", &f->loop_lag_ns, NULL);
    }
    print_row(out, " dns", &f->dns_ns, NULL);
    print_row(out, " connect", &f->connect_ns, NULL);
    print_row(out, " tls", &f->tls_ns, NULL);
    print_row(out, " first byte", &f->first_byte_ns, NULL);
    print_row(out, " transfer", &f->transfer_ns, NULL);
    print_row(out, " tcp rtt", &f->tcp.rtt_ns, NULL);
    print_row(out, " sending", &f->split.sending_ns, NULL);
    print_row(out, " outside", &f->split.outside_ns, NULL);
    print_row(out, " receiving", &f->split.receiving_ns, NULL);
    if (f->settings.open_loop)
        fputs("  response = send lag + service, from the moment a request should have started\n",
              out);
    else
        fputs(
            "  closed loop: a slow server is asked less often, which hides what a steady flow of\n"
            "  requests would have waited; -r RATE shows it\n",
            out);
}

/* ---- one run ---- */

static void print_response_histogram(FILE *out, const struct histogram *h)
{
    if (h->count == 0 || h->min == h->max)
        return;
    fputs("  response time from\n", out);
    times_print_histogram(out, h, BINS_WANTED, BAR_CHARS);
}

static void print_cause(FILE *out, const char *name, uint64_t count)
{
    fprintf(out, "              %10llu  %s\n", (unsigned long long)count, name);
}

static void print_outcomes(FILE *out, const struct figures *f)
{
    uint64_t bad = f->errors_count + f->requests - f->ok;
    fprintf(out, "  ok          %10llu\n", (unsigned long long)f->ok);
    if (bad == 0)
        return;
    fprintf(out, "  failed      %10llu  %s\n", (unsigned long long)bad,
            share_text((double)bad / (double)(f->errors_count + f->requests)).chars);
    for (int i = 0; i < RINGSEND_ERROR_COUNT; i++) {
        if (f->errors[i] > 0)
            print_cause(out, ringsend_error_name((enum ringsend_error)i), f->errors[i]);
    }
    /* Which of the statuses count as success is not told by them: all are shown. */
    for (int i = 0; f->ok < f->requests && i <= FIGURES_STATUS_MAX; i++) {
        char name[24];
        snprintf(name, sizeof name, "status %d", i);
        if (f->statuses[i] > 0)
            print_cause(out, name, f->statuses[i]);
    }
}

static void print_rate(FILE *out, const struct figures *f)
{
    double rate = figures_rate(f);
    fprintf(out, "  rate        %10s a second", rate_text(rate).chars);
    if (f->settings.open_loop)
        fprintf(out, ", %s asked for%s: %s", rate_text(f->settings.rate).chars,
                f->settings.arrivals == ARRIVALS_POISSON ? " (poisson)" : "",
                share_text(rate / f->settings.rate).chars);
    fputc('\n', out);
}

static void print_costs(FILE *out, const struct figures *f)
{
    uint64_t all = f->requests + f->errors_count + f->warmup_requests;
    fprintf(out, "  connections %10llu opened", (unsigned long long)f->connections_opened);
    if (f->connections_opened > 0) /* the peak counts attempts, too */
        fprintf(out, ", %llu at once", (unsigned long long)f->connections_peak);
    if (f->handshakes_full + f->handshakes_resumed > 0)
        fprintf(out, "; TLS handshakes: %llu full, %llu resumed",
                (unsigned long long)f->handshakes_full, (unsigned long long)f->handshakes_resumed);
    fprintf(out, "\n  traffic     %10s out, %s in", bytes_text(f->bytes_sent).chars,
            bytes_text(f->bytes_received).chars);
    if (f->tcp.samples > 0)
        fprintf(out, "; %llu segment%s sent again", (unsigned long long)f->tcp.retransmits,
                plural(f->tcp.retransmits));
    if (all > 0)
        fprintf(out, "\n  this side   %10s CPU a request, %s system calls of the ring%s",
                duration_text(f->cpu_ns / all).chars,
                rate_text((double)f->enters / (double)all).chars,
                f->settings.spin    ? " (busy waiting)"
                : f->settings.awake ? " (processors kept awake)"
                                    : "");
    fputc('\n', out);
}

/* ---- what spoils it ---- */

/* Less than this does not explain anything. */
#define TAKEN_SHARE_MIN 0.001

/* What has no end that is known. */
static void print_bounds(FILE *out, const struct figures *f)
{
    if (f->never_started > 0)
        fprintf(
            out,
            "ringsend bench: %llu request%s that should have started never did, as no connection\n"
            "  became free; the longest had waited %s. They count with their waits, which are\n"
            "  lower bounds\n",
            (unsigned long long)f->never_started, plural(f->never_started),
            duration_text(f->never_started_wait_ns).chars);
    if (f->timed_out > 0)
        fprintf(
            out,
            "ringsend bench: %llu timed out: each counts with the time that it had taken by then,\n"
            "  a lower bound\n",
            (unsigned long long)f->timed_out);
    if (f->cancelled > 0)
        fprintf(
            out,
            "ringsend bench: %llu %s cut off by the second signal: each counts with the time that\n"
            "  it had taken by then, a lower bound\n",
            (unsigned long long)f->cancelled, f->cancelled == 1 ? "was" : "were");
    if (f->response_bounds_ns.count > 0)
        fprintf(out,
                "  (%llu of %llu response times are lower bounds; >= marks what may be more)\n",
                (unsigned long long)f->response_bounds_ns.count,
                (unsigned long long)f->response_ns.count);
}

static void print_troubles(FILE *out, const struct figures *f)
{
    const struct figures_settings *s = &f->settings;
    if (f->ok == 0)
        fprintf(out, "ringsend bench: NO REQUEST WAS OK: %s\n",
                f->requests > 0       ? "what was measured are failures, see their causes above"
                : f->errors_count > 0 ? "no response came at all, see the causes above"
                                      : "none was begun in the measured part");
    if (f->stopped_early)
        fputs("ringsend bench: stopped by a signal: these are the figures up to then\n", out);
    if (figures_generator_is_slow(f))
        fputs("ringsend bench: THIS MACHINE WAS TOO SLOW for the rate: what it added to the times "
              "is\n"
              "  not the server's fault. Help: a lower rate, more --threads, a less busy machine\n",
              out);
    if (f->late_loop > 0)
        fprintf(
            out,
            "ringsend bench: %llu start%s noticed more than 1 ms late on this side (loop lag)\n",
            (unsigned long long)f->late_loop, f->late_loop == 1 ? " was" : "s were");
    if (f->late_loop > 0 && f->waited_share + f->stolen_share >= TAKEN_SHARE_MIN)
        fprintf(out,
                "  other programs had its processor for %s, the hypervisor for %s of the "
                "time\n",
                share_text(f->waited_share).chars, share_text(f->stolen_share).chars);
    if (f->late_waits > 0)
        fprintf(out,
                "ringsend bench: %llu start%s late by more than 1 ms, as no connection was free\n",
                (unsigned long long)f->late_waits, f->late_waits == 1 ? " was" : "s were");
    if (f->late_waits > f->scheduled / 100)
        fprintf(out, "  %u connection%s %s not enough for this rate at this service time\n",
                s->connections, plural(s->connections), s->connections == 1 ? "is" : "are");
    if (figures_is_swamped(f))
        fprintf(out,
                "ringsend bench: %llu responses came only when the starts had ended, the last %s "
                "later:\n"
                "  they are not in the rate. The server takes in more than it answers\n",
                (unsigned long long)(f->requests - f->in_time), duration_text(f->drained_ns).chars);
    print_bounds(out, f);
    if (f->rests > 0)
        fprintf(out,
                "ringsend bench: nothing but failures came for a while: connections rested %llu "
                "time%s, up\n"
                "  to %s, before their next request\n",
                (unsigned long long)f->rests, plural(f->rests),
                duration_text(f->rest_max_ns).chars);
    if (f->tcp.absent)
        fprintf(out, "ringsend bench: no TCP figures: %s\n", f->tcp.absent);
    if (f->split.absent)
        fprintf(out, "ringsend bench: no kernel timestamps: %s\n", f->split.absent);
}

static bool has_troubles(const struct figures *f)
{
    return f->ok < f->requests + f->errors_count || f->ok == 0 || f->stopped_early ||
           f->late_waits > 0 || f->late_loop > 0 || f->never_started > 0 || f->timed_out > 0 ||
           figures_is_swamped(f) || figures_generator_is_slow(f);
}

static void print_thresholds(FILE *out, const struct bench_report *report, const struct figures *f)
{
    for (size_t i = 0; i < report->thresholds_count; i++) {
        const struct threshold *t = &report->thresholds[i];
        struct threshold_outcome outcome = threshold_check(t, f);
        char words[THRESHOLD_WORDS_BYTES];
        threshold_words(words, sizeof words, t, &outcome);
        fprintf(out, "  %s%s%s\n",
                terminal_style(fileno(out), outcome.failed ? TERMINAL_RED : TERMINAL_GREEN), words,
                terminal_style(fileno(out), TERMINAL_PLAIN));
    }
}

static void print_run(FILE *out, const struct bench_report *report, const struct figures *f)
{
    const struct figures_settings *s = &f->settings;
    fprintf(out, "ringsend bench: %s%s%s, %u connection%s, %s\n", s->method,
            s->method[0] ? " " : "", s->target, s->connections, plural(s->connections),
            duration_text(f->elapsed_ns).chars);
    print_rate(out, f);
    print_outcomes(out, f);
    print_times(out, f);
    print_response_histogram(out, &f->response_ns);
    print_costs(out, f);
    print_troubles(out, f);
    print_thresholds(out, report, f);
}

/* ---- several runs ---- */

/* The table at the end is enough, and what must be said of one of them. */
static void print_several(FILE *out, const struct bench_report *report)
{
    const struct figures_settings *s = &report->runs[0].settings;
    const char *kind = report->kind == BENCH_STEPS ? "step" : "run";
    fputs("ringsend bench: ", out);
    if (report->kind == BENCH_STEPS) /* which are of one target */
        fprintf(out, "%s%s%s, ", s->method, s->method[0] ? " " : "", s->target);
    fprintf(out, "%zu %s%s, %u connection%s\n", report->runs_count, kind,
            plural(report->runs_count), s->connections, plural(s->connections));
    for (size_t i = 0; i < report->runs_count; i++) {
        const struct figures *f = &report->runs[i];
        if (!has_troubles(f) && report->thresholds_count == 0)
            continue;
        fprintf(out, "%s %zu", kind, i + 1);
        if (report->kind == BENCH_STEPS)
            fprintf(out, ", %s a second", rate_text(f->settings.rate).chars);
        fputc('\n', out);
        if (f->ok < f->requests + f->errors_count)
            print_outcomes(out, f);
        print_troubles(out, f);
        print_thresholds(out, report, f);
    }
}

static bool is_spoiled(const struct figures *f)
{
    return f->ok == 0 || f->never_started > 0 || figures_generator_is_slow(f);
}

static void print_overview(FILE *out, const struct bench_report *report)
{
    bool spoiled = false;
    fprintf(out, "\n  %4s%10s%10s%10s%10s%10s%10s%9s\n",
            report->kind == BENCH_STEPS ? "step" : "run", "rate", "reached", "p50", "p99", "p99.9",
            "max", "failed");
    for (size_t i = 0; i < report->runs_count; i++) {
        const struct figures *f = &report->runs[i];
        const struct histogram *h = &f->response_ns, *bounds = &f->response_bounds_ns;
        spoiled |= is_spoiled(f);
        fprintf(out, "  %4zu%10s%10s%10s%10s%10s%10s%9llu%s", i + 1,
                f->settings.open_loop ? rate_text(f->settings.rate).chars : "-",
                rate_text(figures_rate(f)).chars, times_quantile(h, bounds, 0.5).chars,
                times_quantile(h, bounds, 0.99).chars, times_quantile(h, bounds, 0.999).chars,
                times_quantile(h, bounds, 1).chars,
                (unsigned long long)(f->errors_count + f->requests - f->ok),
                is_spoiled(f) ? " *" : "");
        if (report->kind == BENCH_REPEAT)
            fprintf(out, "%s%s", is_spoiled(f) ? " " : "   ", f->settings.target);
        fputc('\n', out);
    }
    fprintf(out, "  response times%s\n", spoiled ? "; * not to be trusted, as said above" : "");
    if (report->runs_count < report->runs_wanted)
        fprintf(out, "ringsend bench: ONLY %zu OF %zu RUNS were made\n", report->runs_count,
                report->runs_wanted);
}

void bench_print_start(FILE *out, size_t number, size_t wanted,
                       const struct figures_settings *settings)
{
    fprintf(out, "run %zu of %zu: %s", number, wanted, settings->target);
    if (settings->open_loop)
        fprintf(out, ", %s a second", rate_text(settings->rate).chars);
    fputc('\n', out);
}

/* Nothing is started in it any more. */
static bool is_after_the_starts(uint64_t number, const struct figures_settings *settings)
{
    return settings->duration_ns > 0 && (number - 1) * NS_PER_S >= settings->duration_ns;
}

void bench_print_second(FILE *out, uint64_t number, const struct figures_second *second,
                        const struct figures_settings *settings)
{
    if (is_after_the_starts(number, settings))
        fputs("   then", out);
    else
        fprintf(out, "%5llu s", (unsigned long long)number);
    fprintf(out, " %9llu response%s", (unsigned long long)second->requests,
            plural(second->requests));
    if (second->requests > 0)
        fprintf(out, "%s  p50 %7s  p99 %7s  max %7s", second->requests == 1 ? " " : "",
                duration_text(second->p50_ns).chars, duration_text(second->p99_ns).chars,
                duration_text(second->max_ns).chars);
    if (settings->open_loop && second->waiting > 0)
        fprintf(out, "  %u waiting", second->waiting);
    if (second->not_ok > 0)
        fprintf(out, "  %llu not ok", (unsigned long long)second->not_ok);
    if (second->errors > 0)
        fprintf(out, "  %llu error%s", (unsigned long long)second->errors, plural(second->errors));
    fputc('\n', out);
}

void bench_print(FILE *out, const struct bench_report *report)
{
    const struct figures_environment *e = report->environment;
    if (report->kind == BENCH_RUN) {
        print_run(out, report, &report->runs[0]);
    } else {
        print_several(out, report);
        print_overview(out, report);
    }
    fprintf(out, "  on          %s%s%s, %u CPU%s%s%s\n", e->kernel, e->cpu[0] ? ", " : "", e->cpu,
            e->cpus, plural(e->cpus), e->governor[0] ? ", governor " : "", e->governor);
    for (size_t i = 0; i < FIGURES_ORIGINS_MAX && e->tls[i].text[0]; i++)
        fprintf(out, "  %-12s%s\n", i == 0 ? "tls" : "", e->tls[i].text);
    if (report->comparison) {
        fputc('\n', out);
        compare_print(out, report->comparison);
    }
}

char *bench_text(const struct bench_report *report)
{
    char *text = NULL;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);
    if (out) {
        bench_print(out, report);
        fclose(out);
    }
    return text;
}
