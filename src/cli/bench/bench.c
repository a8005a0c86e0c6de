/* `ringsend bench`: reads what is to be sent, makes the runs one after another, reports.
 *
 * The load runs in threads of its own; this one prints and waits, so that a slow terminal holds no
 * request up. Signals are counted by the handler, which wakes the load. */
#include "bench/environment.h"
#include "bench/load.h"
#include "cli/bench/bench_options.h"
#include "cli/bench/bench_report.h"
#include "cli/bench/bench_requests.h"
#include "cli/bench/live_view.h"
#include "cli/commands.h"
#include "cli/compare/compare_report.h"
#include "cli/fallback.h"
#include "cli/options/proxy_options.h"
#include "cli/options/values.h"
#include "cli/send/summary.h"
#include "cli/shell.h"
#include "cli/signals.h"
#include "cli/tls_files.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* For the handler: set while a load runs, with the signals blocked. */
static struct load *_Atomic load_to_wake;

/* What is measured: with --vs there are two. */
struct target {
    char *name;
    struct bench_requests requests;
};

enum { TARGETS_MAX = 2 };

struct bench {
    struct bench_options options;
    struct target targets[TARGETS_MAX];
    struct figures *runs; /* made so far */
    size_t runs_count, runs_wanted;
    struct figures_environment environment;
    size_t moves_told; /* of origins, from one library of TLS to the other */
    int awake;         /* with --awake: a descriptor, to be held open */
};

/* A terminal that takes nothing is told nothing; should it stop right now, the next signal gets
 * through. */
static void report_stop(void)
{
    static const char text[] =
        "ringsend bench: stopping; what is in flight is waited for, a second "
        "signal cancels it\n";
    struct pollfd fd = {.fd = STDERR_FILENO, .events = POLLOUT};
    if (poll(&fd, 1, 0) == 1 && (fd.revents & POLLOUT)) {
        live_view_wipe();
        ssize_t written = write(STDERR_FILENO, text, sizeof text - 1);
        (void)written;
    }
}

static void wake(void)
{
    struct load *load = load_to_wake;
    if (load)
        load_wake(load);
    signals_hear(); /* before it is told: who reads that may ask again at once */
    if (*signals_stops() == 1) {
        signals_unblock();
        report_stop();
    }
}

static void set_load_to_wake(struct load *load)
{
    signals_block();
    load_to_wake = load;
    signals_unblock();
}

/* The URL, without what is secret in it, or the files' names. */
static char *target_name(const struct target_options *o)
{
    if (o->url)
        return shell_masked(&o->request.secrets, o->url);
    char *text = NULL;
    size_t text_bytes;
    FILE *out = open_memstream(&text, &text_bytes);
    if (!out)
        return NULL;
    for (size_t i = 0; i < o->inputs_count; i++)
        fprintf(out, "%s%s", i > 0 ? " " : "", summary_input_name(o->inputs[i]));
    return fclose(out) == 0 ? text : NULL;
}

static const char *method_name(const struct target_options *o, const struct bench_requests *r)
{
    if (!o->url)
        return "";
    if (o->request.defaults.method.bytes > 0)
        return o->request.defaults.method.data; /* an argument, so NUL-terminated */
    return r->requests[0].flags & RINGSEND_HAS_BODY ? "POST" : "GET";
}

static int exit_status_of(int error)
{
    return error == -RINGSEND_E_TLS_CONFIG ? EXIT_USAGE : EXIT_NOT_STARTED;
}

static int fail(const char *message, int error)
{
    fprintf(stderr, "ringsend bench: %s\n", message);
    return exit_status_of(error);
}

/* What is asked of the second target differs in the URL alone. */
static int target_read(struct target *target, const struct bench_options *options, size_t number)
{
    struct target_options o = options->target;
    if (number > 0)
        o.url = options->versus;
    int status = bench_requests_read(&target->requests, &o);
    target->name = target_name(&o);
    if (status == EXIT_OK && !target->name)
        status = fail("memory is out", -RINGSEND_E_NO_MEMORY);
    return status;
}

/* Which origins went over to the other library, within the second. */
static void tell_moves(struct bench *b, const struct load *load)
{
    char text[512];
    while (load_tls_move(load, b->moves_told, text, sizeof text) > 0) {
        b->moves_told++;
        if (b->options.quiet)
            continue;
        live_view_wipe();
        fprintf(stderr, "ringsend bench: %s\n", text);
    }
}

/* All seconds are taken, whether they are told or not. */
static void watch(struct bench *b, struct load *load, const struct figures_settings *settings)
{
    struct figures_second second;
    struct live_view view;
    bool is_live = !b->options.quiet && live_view_is_possible();
    if (is_live)
        live_view_begin(&view, settings, load_so_far(load));
    for (uint64_t i = 0; load_second(load, i, &second); i++) {
        tell_moves(b, load);
        if (is_live)
            live_view_second(&view, &second);
        else if (!b->options.quiet)
            bench_print_second(stderr, i + 1, &second, settings);
    }
    if (is_live)
        live_view_end(&view);
    tell_moves(b, load);
}

/* Makes the run of `load`; it is the next of the runs on success. */
static int make_run(struct bench *b, struct load *load, const struct figures_settings *settings,
                    char *message, size_t message_bytes)
{
    struct figures *figures = &b->runs[b->runs_count];
    if (!figures_init(figures)) {
        message[0] = '\0';
        return -RINGSEND_E_NO_MEMORY;
    }
    set_load_to_wake(load);
    int error = load_start(load);
    if (!error)
        watch(b, load, settings);
    int finish_error = load_finish(load, figures, message, message_bytes);
    set_load_to_wake(NULL);
    if (error)
        snprintf(message, message_bytes, "threads cannot be started");
    else
        error = finish_error;
    load_ring_features(load, b->environment.ring_features, sizeof b->environment.ring_features);
    load_tls_origins(load, b->environment.tls);
    if (error)
        figures_free(figures);
    return error;
}

static int fail_run(const struct bench *b, const char *message, int error)
{
    if (!message[0])
        message = ringsend_error_text((enum ringsend_error) - error);
    if (b->runs_wanted == 1)
        return fail(message, error);
    fprintf(stderr, "ringsend bench: run %zu of %zu: %s\n", b->runs_count + 1, b->runs_wanted,
            message);
    return b->runs_count > 0 ? EXIT_NOT_STARTED : exit_status_of(error); /* it could at first */
}

static int run_once(struct bench *b, const struct target *target, double rate)
{
    struct load_options options = {.settings = b->options.settings,
                                   .engine = &b->options.target.request.engine,
                                   .requests = target->requests.requests,
                                   .requests_count = target->requests.count,
                                   .stop_asked = signals_stops()};
    char message[512];
    struct load *load;
    options.settings.rate = rate;
    options.settings.target = target->name;
    options.settings.method = method_name(&b->options.target, &target->requests);
    if (!b->options.quiet && b->runs_wanted > 1)
        bench_print_start(stderr, b->runs_count + 1, b->runs_wanted, &options.settings);
    int error = load_new(&load, &options, message, sizeof message);
    if (!error) {
        fallback_tell("bench", message);
        error = make_run(b, load, &options.settings, message, sizeof message);
        load_free(load);
    }
    if (error)
        return fail_run(b, message, error);
    b->runs_count++;
    return EXIT_OK;
}

static size_t targets_count(const struct bench_options *o)
{
    return o->versus ? 2 : 1;
}

/* Two targets take turns, and every other round in the other order, so that what changes on the
 * machine meanwhile is not taken for a difference between them. */
static int run_next(struct bench *b)
{
    const struct bench_options *o = &b->options;
    size_t i = b->runs_count, targets = targets_count(o);
    if (o->steps_count > 0)
        return run_once(b, &b->targets[0], o->steps[i]);
    return run_once(b, &b->targets[(i + i / targets) % targets], o->settings.rate);
}

static int run_all(struct bench *b)
{
    const struct bench_options *o = &b->options;
    int status = EXIT_OK;
    b->runs_wanted = o->steps_count ? o->steps_count : targets_count(o) * o->repeat;
    b->runs = calloc(b->runs_wanted, sizeof *b->runs);
    if (!b->runs)
        return fail("memory is out", -RINGSEND_E_NO_MEMORY);
    while (b->runs_count < b->runs_wanted && status == EXIT_OK && *signals_stops() == 0)
        status = run_next(b);
    return status;
}

static const char *add_runs(const struct bench *b, struct sides *sides)
{
    const char *error = NULL;
    for (size_t i = 0; i < b->runs_count && !error; i++) {
        const struct figures *f = &b->runs[i];
        error =
            sides_add(sides, 0,
                      &(struct side_run){.name = f->settings.target,
                                         .response_ns = &f->response_ns,
                                         .bounds_ns = &f->response_bounds_ns,
                                         .errors_known = true,
                                         .counts = {.failed = f->errors_count + f->requests - f->ok,
                                                    .good = f->ok},
                                         .never_started = f->never_started,
                                         .slow = figures_generator_is_slow(f),
                                         .swamped = figures_is_swamped(f)});
    }
    return error;
}

/* The second target against the first one. False when memory is out; without pairs, one of them
 * never came to a run. */
static bool compare_targets(const struct bench *b, struct sides *sides,
                            struct compare_report *comparison)
{
    return !b->options.versus ||
           (!add_runs(b, sides) && compare_report_init(comparison, sides, b->options.tolerance));
}

static int status_of(const struct bench_report *report)
{
    bool has_failed_wholly = false;
    for (size_t i = 0; i < report->runs_count; i++)
        has_failed_wholly |= bench_has_failed_wholly(report, i);
    bool is_worse = report->comparison && compare_worst(report->comparison) == COMPARE_WORSE;
    if (*signals_stops() > 0)
        return EXIT_SIGNAL + signals_last();
    if (has_failed_wholly)
        return EXIT_NOT_ALL_OK;
    return is_worse || report_has_failed(report) ? EXIT_THRESHOLD : EXIT_OK;
}

/* Reports what was measured; returns the exit status. */
static int report(struct bench *b)
{
    struct report_options *o = &b->options.report;
    struct sides sides = {0};
    struct compare_report comparison = {0};
    if (b->runs_count == 0) /* a signal came before the first one */
        return EXIT_SIGNAL + signals_last();
    char *command = bench_options_command(&b->options);
    bool is_compared = compare_targets(b, &sides, &comparison);
    const struct bench_report report = {.kind = b->options.steps_count ? BENCH_STEPS
                                                : b->runs_wanted > 1   ? BENCH_REPEAT
                                                                       : BENCH_RUN,
                                        .runs = b->runs,
                                        .runs_count = b->runs_count,
                                        .runs_wanted = b->runs_wanted,
                                        .comparison =
                                            comparison.pairs_count > 0 ? &comparison : NULL,
                                        .environment = &b->environment,
                                        .command = command,
                                        .thresholds = o->thresholds,
                                        .thresholds_count = o->thresholds_count};
    int status = report_write(o, &report) ? status_of(&report) : EXIT_OUTPUT;
    if (!is_compared)
        status = fail("memory is out: the two targets are not compared", -RINGSEND_E_NO_MEMORY);
    compare_report_free(&comparison);
    sides_free(&sides);
    free(command);
    return status;
}

static int keep_awake(struct bench *b)
{
    if (!b->options.settings.awake)
        return EXIT_OK;
    b->awake = environment_stay_awake();
    if (b->awake >= 0)
        return EXIT_OK;
    fprintf(stderr, "ringsend bench: --awake: /dev/cpu_dma_latency: %s%s\n", strerror(-b->awake),
            b->awake == -EACCES ? ": root may, or who is let in by root's "
                                  "`setfacl -m u:NAME:w /dev/cpu_dma_latency`"
                                : "");
    return EXIT_NOT_STARTED;
}

static int share_files(struct bench *b)
{
    char message[600] = "";
    int error =
        tls_files_share("bench", &b->options.target.request.engine, message, sizeof message);
    return error ? fail(message, error) : EXIT_OK;
}

int command_bench(int argc, char **argv)
{
    struct bench b = {.awake = -1};
    bench_options_read(&b.options, argc, argv);
    proxy_options_tell(&b.options.target.request);
    if (b.options.settings.insecure)
        fputs("ringsend bench: WARNING: --insecure: servers are not verified; whoever stands in "
              "between can read and change everything\n",
              stderr);
    int status = EXIT_OK;
    for (size_t i = 0; i < targets_count(&b.options) && status == EXIT_OK; i++)
        status = target_read(&b.targets[i], &b.options, i);
    if (status == EXIT_OK)
        status = share_files(&b);
    if (status == EXIT_OK)
        status = report_files_open(&b.options.report.files);
    if (status == EXIT_OK)
        status = keep_awake(&b);
    if (status == EXIT_OK) {
        environment_read(&b.environment);
        signals_catch(wake);
        status = run_all(&b);
    }
    if (status == EXIT_OK || b.runs_count > 0) {
        int reported = report(&b); /* of a run that failed, those before it */
        status = status == EXIT_OK ? reported : status;
    }
    report_files_close(&b.options.report.files);
    for (size_t i = 0; i < b.runs_count; i++)
        figures_free(&b.runs[i]);
    free(b.runs);
    for (size_t i = 0; i < TARGETS_MAX; i++) {
        free(b.targets[i].name);
        bench_requests_free(&b.targets[i].requests);
    }
    ringsend_tls_free(b.options.target.request.engine.tls);
    bench_options_free(&b.options);
    if (b.awake >= 0)
        close(b.awake);
    return status;
}
