/* `ringsend bench`: reads what is to be sent, makes the runs one after another, reports.
 *
 * The load runs in threads of its own; this one prints and waits, so that a slow terminal holds no request
 * up. Signals are counted by the handler, which wakes the load. */
#include "bench/environment.h"
#include "bench/load.h"
#include "cli/bench_options.h"
#include "cli/bench_requests.h"
#include "cli/commands.h"
#include "cli/values.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Written by the handler; the load is set while one runs, with the signals blocked. */
static volatile sig_atomic_t signals_seen, last_signal;
static struct load *volatile load_to_wake;

struct bench {
    struct bench_options options;
    struct bench_requests requests;
    char *target;         /* the name of what is measured */
    struct figures *runs; /* made so far */
    size_t runs_count;
    struct figures_environment environment;
};

static void on_signal(int number)
{
    static const char text[] =
        "ringsend bench: stopping; what is in flight is waited for, a second "
        "signal cancels it\n";
    int error = errno;
    last_signal = number;
    if (signals_seen++ == 0) {
        ssize_t written = write(STDERR_FILENO, text, sizeof text - 1);
        (void)written;
    }
    if (load_to_wake)
        load_wake(load_to_wake);
    errno = error;
}

static void handle_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    sigemptyset(&action.sa_mask);
    sigaddset(&action.sa_mask, SIGINT);
    sigaddset(&action.sa_mask, SIGTERM);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    action.sa_handler = SIG_IGN; /* a reader that goes away is an error of the write */
    sigaction(SIGPIPE, &action, NULL);
}

static void set_load_to_wake(struct load *load)
{
    sigset_t mask, before;
    sigemptyset(&mask);
    sigaddset(&mask, SIGINT);
    sigaddset(&mask, SIGTERM);
    sigprocmask(SIG_BLOCK, &mask, &before);
    load_to_wake = load;
    sigprocmask(SIG_SETMASK, &before, NULL);
}

/* The URL, or the files' names. */
static char *target_name(const struct bench_options *o)
{
    char *text = NULL;
    size_t text_bytes;
    FILE *out = open_memstream(&text, &text_bytes);
    if (!out)
        return NULL;
    if (o->url)
        fputs(o->url, out);
    for (size_t i = 0; i < o->inputs_count; i++)
        fprintf(out, "%s%s", i > 0 ? " " : "", o->inputs[i]);
    return fclose(out) == 0 ? text : NULL;
}

static const char *method_name(const struct bench_options *o, const struct bench_requests *r)
{
    if (!o->url)
        return "";
    if (o->request.defaults.method.bytes > 0)
        return o->request.defaults.method.data; /* an argument, so NUL-terminated */
    return r->requests[0].flags & RINGSEND_HAS_BODY ? "POST" : "GET";
}

static int fail(const char *message, int error)
{
    fprintf(stderr, "ringsend bench: %s\n", message);
    return error == -RINGSEND_E_TLS_CONFIG ? EXIT_USAGE : EXIT_NOT_STARTED;
}

static void tell_second(uint64_t second, const struct figures_second *s)
{
    fprintf(stderr,
            "%5" PRIu64 " s  %8" PRIu64 " responses  %6" PRIu64
            " errors  p50 %9.3f ms  p99 %9.3f ms"
            "  max %9.3f ms  waiting %" PRIu32 "\n",
            second + 1, s->requests, s->errors, (double)s->p50_ns / 1e6, (double)s->p99_ns / 1e6,
            (double)s->max_ns / 1e6, s->waiting);
}

static void tell_times(const char *name, const struct histogram *h)
{
    static const double quantiles[] = {0.5, 0.9, 0.99, 0.999, 0.9999, 1};
    if (h->count == 0)
        return;
    printf("  %-14s", name);
    for (size_t i = 0; i < sizeof quantiles / sizeof *quantiles; i++)
        printf(" %10.3f", (double)histogram_quantile(h, quantiles[i]) / 1e6);
    printf("\n");
}

static void tell_run(const struct figures *f)
{
    printf("%s\n", f->settings.target);
    if (f->settings.open_loop)
        printf("  rate asked     %10.1f per second\n", f->settings.rate);
    printf("  rate reached   %10.1f per second, %" PRIu64 " responses in %.3f s\n", figures_rate(f),
           f->requests, (double)f->elapsed_ns / 1e9);
    printf("  not ok %" PRIu64 ", errors %" PRIu64 ", timed out %" PRIu64 ", late starts %" PRIu64
           ", never started %" PRIu64 "\n",
           f->requests - f->ok, f->errors_count, f->timed_out, f->late_starts, f->never_started);
    for (size_t i = 0; i < RINGSEND_ERROR_COUNT; i++)
        if (f->errors[i] > 0)
            printf("  error          %10" PRIu64 " %s\n", f->errors[i],
                   ringsend_error_name((enum ringsend_error)i));
    if (figures_generator_is_slow(f))
        printf("  THIS MACHINE WAS TOO SLOW to start requests in time: the times are its own as "
               "much as the server's\n");
    printf("  %-14s %10s %10s %10s %10s %10s %10s\n", "ms", "p50", "p90", "p99", "p99.9", "p99.99",
           "max");
    tell_times("response time", &f->response_ns);
    tell_times("service time", &f->service_ns);
    tell_times("send lag", &f->send_lag_ns);
    tell_times("  of the loop", &f->loop_lag_ns);
    tell_times("connect", &f->connect_ns);
    tell_times("tls", &f->tls_ns);
    tell_times("first byte", &f->first_byte_ns);
    tell_times("transfer", &f->transfer_ns);
    tell_times("round trip", &f->tcp.rtt_ns);
    if (f->tcp.absent)
        printf("  no round trips: %s\n", f->tcp.absent);
    else
        printf("  %" PRIu64 " segments sent again on %" PRIu64 " connections looked at\n",
               f->tcp.retransmits, f->tcp.connections);
    printf("  %.2f us CPU and %.3f io_uring_enter calls per response, busiest thread %.0f %%\n",
           (double)f->cpu_ns / 1e3 / (double)(f->requests + f->warmup_requests + 1),
           (double)f->enters / (double)(f->requests + f->warmup_requests + 1), f->cpu_share * 100);
}

static void watch(struct bench *b, struct load *load)
{
    struct figures_second second;
    for (uint64_t i = 0; load_second(load, i, &second); i++)
        if (!b->options.quiet)
            tell_second(i, &second);
}

static int run_once(struct bench *b, double rate)
{
    struct load_options options = {.settings = b->options.settings,
                                   .engine = &b->options.request.engine,
                                   .requests = b->requests.requests,
                                   .requests_count = b->requests.count,
                                   .stop_asked = &signals_seen};
    char message[512];
    struct load *load;
    struct figures *figures = &b->runs[b->runs_count];
    options.settings.rate = rate;
    options.settings.target = b->target;
    options.settings.method = method_name(&b->options, &b->requests);
    int error = load_new(&load, &options, message, sizeof message);
    if (error)
        return fail(message, error);
    if (!figures_init(figures)) {
        load_free(load);
        return fail("memory is out", -RINGSEND_E_NO_MEMORY);
    }
    b->runs_count++;
    set_load_to_wake(load);
    error = load_start(load);
    if (!error)
        watch(b, load);
    int finish_error = load_finish(load, figures, message, sizeof message);
    set_load_to_wake(NULL);
    if (error)
        snprintf(message, sizeof message, "threads cannot be started");
    if (!error)
        error = finish_error;
    load_ring_features(load, b->environment.ring_features, sizeof b->environment.ring_features);
    load_free(load);
    return error ? fail(message, error) : EXIT_OK;
}

static int run_all(struct bench *b)
{
    const struct bench_options *o = &b->options;
    size_t count = o->steps_count ? o->steps_count : 1;
    int status = EXIT_OK;
    b->runs = calloc(count, sizeof *b->runs);
    if (!b->runs)
        return fail("memory is out", -RINGSEND_E_NO_MEMORY);
    for (size_t i = 0; i < count && status == EXIT_OK && signals_seen == 0; i++)
        status = run_once(b, o->steps_count ? o->steps[i] : o->settings.rate);
    return status;
}

static int status_of(const struct bench *b)
{
    if (signals_seen > 0)
        return EXIT_SIGNAL + last_signal;
    for (size_t i = 0; i < b->runs_count; i++)
        if (b->runs[i].requests > 0)
            return EXIT_OK;
    return EXIT_NOT_ALL_OK;
}

int command_bench(int argc, char **argv)
{
    struct bench b = {0};
    bench_options_read(&b.options, argc, argv);
    if (b.options.settings.insecure)
        fputs("ringsend bench: WARNING: --insecure: servers are not verified; whoever stands in "
              "between can read and change everything\n",
              stderr);
    int status = bench_requests_read(&b.requests, &b.options);
    b.target = target_name(&b.options);
    if (status == EXIT_OK && !b.target)
        status = fail("memory is out", -RINGSEND_E_NO_MEMORY);
    if (status == EXIT_OK) {
        environment_read(&b.environment);
        handle_signals();
        status = run_all(&b);
    }
    if (status == EXIT_OK) {
        for (size_t i = 0; i < b.runs_count; i++)
            tell_run(&b.runs[i]);
        status = status_of(&b);
    }
    for (size_t i = 0; i < b.runs_count; i++)
        figures_free(&b.runs[i]);
    free(b.runs);
    free(b.target);
    bench_requests_free(&b.requests);
    bench_options_free(&b.options);
    return status;
}
