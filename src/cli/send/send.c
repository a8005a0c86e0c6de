/* `ringsend send`: opens what is to be read and written, runs the job, tells how it went.
 *
 * The order matters. Inputs come first, since a file that cannot be read must stop us before
 * anything is sent; then the engine, so that a refused io_uring leaves no empty output behind; then
 * the outputs (outputs.c).
 *
 * Signals. The handler counts and wakes the loop; the job looks at the count each turn. After the
 * job they but end the wait for whoever does not read our last words. */
#include "base/time.h"
#include "batch/job.h"
#include "cli/commands.h"
#include "cli/credentials/signer.h"
#include "cli/credentials/token.h"
#include "cli/notice.h"
#include "cli/options/proxy_options.h"
#include "cli/options/values.h"
#include "cli/send/adapt.h"
#include "cli/send/dry_run.h"
#include "cli/send/engines.h"
#include "cli/send/failures.h"
#include "cli/send/metrics.h"
#include "cli/send/notify.h"
#include "cli/send/outputs.h"
#include "cli/send/reasons.h"
#include "cli/send/resume_hint.h"
#include "cli/send/send_options.h"
#include "cli/send/summary.h"
#include "cli/send/summary_json.h"
#include "cli/send/tries.h"
#include "cli/signals.h"
#include "cli/units.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define UNREACHED_REPORT_NS (3 * NS_PER_S)

enum {
    THREAD_MORE = 64 /* on their way to another thread or back */
};

/* For the handlers: set before they are installed; null once the engine is about to go. */
static struct ringsend *_Atomic engine_to_wake;
static atomic_int states_asked;

struct send {
    struct send_options options;
    struct source source;
    struct engines engines;
    struct outputs outputs;
    struct reasons reasons;
    struct summary_json summary;
    struct metrics *metrics; /* null: none are wanted */
    struct signer signer;    /* with --aws-sigv4 */
    struct token *token;     /* null: none that expires */
};

static void wake(void)
{
    struct ringsend *engine = engine_to_wake;
    if (engine)
        ringsend_wake(engine);
}

static void on_state_asked(int number)
{
    (void)number;
    int error = errno;
    states_asked++;
    wake();
    errno = error;
}

static void handle_signals(struct ringsend *engine)
{
    engine_to_wake = engine;
    signals_catch(wake);
    signals_catch_one(SIGUSR1, on_state_asked, 0);
}

/* A count that keeps the pool busy between two turns, also when all of it answers at once, without
 * holding a second pool's worth of lines for thousands of connections. */
static uint32_t window(const struct send_options *options)
{
    uint32_t connections = options->request.engine.connections_max;
    return connections + (connections < 1024 ? connections : 1024) + 16 +
           (options->threads > 1 ? connections + THREAD_MORE * options->threads : 0);
}

/* ---- the run ---- */

static int open_inputs(struct send *send)
{
    const struct send_options *o = &send->options;
    size_t failed;
    int error = source_open(&send->source, o->inputs, o->inputs_count, &failed);
    record_options_apply(&o->records, &send->source);
    if (send_given(o, OPTION_ECHO))
        send->source.echo = &o->echo;
    send->source.same_headers = o->failed || (send_given(o, OPTION_CSV) && o->echo.all);
    if (error == 0)
        return EXIT_OK;
    fprintf(stderr, "ringsend send: cannot read %s: %s\n", summary_input_name(o->inputs[failed]),
            strerror(error));
    return EXIT_INPUT;
}

/* Of the job with all its runs: what came to nothing before this one is not ok now. */
static int status_of(const struct job_report *report, const struct journal_counts *whole)
{
    if (report->output_error || report->end == JOB_RING_BROKE)
        return EXIT_OUTPUT;
    if (report->end == JOB_STOPPED)
        return EXIT_SIGNAL + signals_last();
    if (report->end == JOB_TOO_MANY_FAILURES || report->end == JOB_ABORTED ||
        report->end == JOB_UNREACHED)
        return EXIT_STOPPED;
    if (report->end == JOB_NO_NAMES)
        return EXIT_NOT_STARTED;
    if (report->end == JOB_NO_CERTIFICATES || report->end == JOB_NO_TOKEN)
        return EXIT_USAGE;
    if (report->results_lost > 0)
        return EXIT_OUTPUT;
    if (report->input_error)
        return EXIT_INPUT;
    return report->ok < report->records || whole->not_ok > 0 ? EXIT_NOT_ALL_OK : EXIT_OK;
}

/* An input could not be read from its very first record on: there is nothing to go on with. */
static bool is_nothing_begun(const struct job_report *report, const struct journal_counts *whole)
{
    return report->input_error && report->records == 0 &&
           whole->done + whole->in_doubt + whole->left == 0;
}

/* In one write, so that nobody else's lines come between. */
static void report_end(struct send *send, struct job *job, const struct journal_counts *whole)
{
    const struct job_report *report = job_report(job);
    struct ringsend_stats stats;
    job_stats(job, &stats);
    char *text = NULL;
    size_t text_bytes = 0;
    FILE *memory = open_memstream(&text, &text_bytes);
    FILE *out = memory ? memory : stderr;
    if (!send_given(&send->options, OPTION_QUIET))
        summary_print(out, report, &stats, send->engines.all[0].engine, &send->options,
                      send->outputs.goes_on ? whole : NULL);
    bool is_left = send->outputs.journal && !report->complete && !is_nothing_begun(report, whole);
    metrics_take(send->metrics, report, &stats);
    summary_json_take(&send->summary, report, &stats, send->engines.all[0].engine, &send->options,
                      whole, is_left);
    char no_token[TOKEN_NOTICE_BYTES] = "";
    if (report->end == JOB_NO_TOKEN && token_is_over(send->token, no_token))
        fprintf(out, "ringsend: sending was stopped: no token: %s\n", no_token);
    summary_print_troubles(out, report, &send->options, whole, is_left);
    bool is_whole = memory && fclose(memory) == 0;
    notice_end(text, is_whole ? text_bytes : 0, signals_stops());
    free(text);
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* Not by the handler, whose write a stopped terminal would hold. */
static void report_stop(const struct send *send, bool *reported)
{
    if (*reported || *signals_stops() == 0)
        return;
    *reported = true;
    signals_hear();
    if (!send_given(&send->options, OPTION_QUIET))
        notice("ringsend: stopping; what is in flight has 10 s to finish, a second signal cancels "
               "it\n");
}

/* Early, so that nobody waits for what will not come. */
static void report_unreached(const struct send *send, const struct job_report *report,
                             bool *reported)
{
    if (*reported || report->unreached_ns < UNREACHED_REPORT_NS || *signals_stops() > 0)
        return;
    *reported = true;
    if (send_given(&send->options, OPTION_QUIET))
        return;
    char *why = failures_first(report, &send->options.request.secrets);
    notice("ringsend: no connection so far%s%s: when there is none in %s, this ends "
           "(--max-failures none: it does not)\n",
           why ? ": " : "", why ? why : "", duration_text(send->options.unreached_max_ns).chars);
    free(why);
}

/* Why the run waits, or that it waits in vain. */
static void watch_token(const struct send *send, struct job *job)
{
    char text[TOKEN_NOTICE_BYTES];
    if (!send->token)
        return;
    if (token_take_notice(send->token, text))
        notice("%s", text);
    if (token_is_over(send->token, text))
        job_give_up(job, JOB_NO_TOKEN);
}

static void report_notes(const struct send *send, unsigned *reported)
{
    char text[RECORD_NOTE_BYTES];
    while (record_options_note(&send->options.records, &send->source, "send", reported, text)) {
        if (!send_given(&send->options, OPTION_QUIET))
            notice("%s", text);
    }
}

/* Which origins went over to the other library, when they do. */
static void report_moves(const struct send *send, size_t *reported)
{
    char text[512];
    if (send_given(&send->options, OPTION_QUIET))
        return;
    while (ringsend_tls_move(send->engines.all[0].engine, *reported, text, sizeof text) > 0) {
        notice("ringsend: %s\n", text);
        ++*reported;
    }
}

static struct journal_counts counts_before(const struct send *send)
{
    if (!send->outputs.goes_on)
        return (struct journal_counts){0};
    return resume_hint_count(send->outputs.journal, send->outputs.parked_path);
}

/* What an earlier run has done stays out of this one's figures. */
static void report_start(const struct send *send, const struct journal_counts *before)
{
    if (!send->outputs.goes_on || send_given(&send->options, OPTION_QUIET))
        return;
    fputs("ringsend: going on: ", stderr);
    resume_hint_print_counts(stderr, before);
    fputc('\n', stderr);
}

static void turn_all(const struct send *send, struct job *job, struct adapt *adapt,
                     struct progress *progress, struct notify *notify)
{
    bool stop_reported = false, unreached_reported = false;
    unsigned notes_reported = 0;
    size_t moves_reported = 0;
    progress_begin(progress);
    notify_begin(notify, signals_stops());
    while (job_turn(job, least(least(adapt_wait_ns(adapt), progress_wait_ns(progress)),
                               least(notify_wait_ns(notify), metrics_wait_ns(send->metrics))))) {
        adapt_turn(adapt);
        progress_turn(progress);
        report_notes(send, &notes_reported);
        report_moves(send, &moves_reported);
        report_stop(send, &stop_reported);
        report_unreached(send, job_report(job), &unreached_reported);
        watch_token(send, job);
        notice_turn();
        notify_turn(notify, job);
        metrics_turn(send->metrics, job);
    }
    report_notes(send, &notes_reported); /* of a job of one turn */
    report_moves(send, &moves_reported);
    signals_hear();
}

static enum result_form form_of(const struct send *send)
{
    if (send_given(&send->options, OPTION_CSV))
        return RESULT_CSV;
    return send->options.write_out && !send->outputs.results.path ? RESULT_WRITE_OUT : RESULT_JSON;
}

/* At a low rate a write for each result costs less than what a kill would leave in doubt. */
static uint64_t flush_after_ns(const struct send_options *o)
{
    const double low_per_s = 100;
    const struct rate *rate = option_rate(&o->given, OPTION_RATE);
    bool is_low =
        rate && (double)rate->count * (double)NS_PER_S <= low_per_s * (double)rate->per_ns;
    return is_low && !send_given(o, OPTION_FLUSH_AFTER)
               ? 0
               : option_number(&o->given, OPTION_FLUSH_AFTER);
}

static struct output_options output_options_of(const struct send *send)
{
    const struct send_options *o = &send->options;
    const struct outputs *outputs = &send->outputs;
    return (struct output_options){
        .results_fd = outputs->results.fd,
        .failed_fd = outputs->failed.fd,
        .journal = outputs->journal,
        .sync = send_given(o, OPTION_SYNC),
        .parked_path = outputs->parked_path,
        .parked = outputs->parked,
        .write_out_fd = o->write_out && outputs->results.path ? STDOUT_FILENO : -1,
        .form = form_of(send),
        .write_out = o->write_out,
        .flush_after_ns = flush_after_ns(o),
        .headers = send_given(o, OPTION_HEADERS),
        .trace = send_given(o, OPTION_TRACE),
        .input = send_given(o, OPTION_ECHO),
        .without_body = o->without_body,
        .bodies = o->bodies,
        .bodies_replace = send_given(o, OPTION_FORCE) || outputs->goes_on,
    };
}

/* Each result, before it is written. */
static void show(void *context, const struct result_line *line)
{
    const struct send *send = context;
    if (send_given(&send->options, OPTION_VERBOSE))
        tries_show(line);
    if (send->metrics)
        metrics_count(send->metrics, line);
}

static int run_job(struct send *send, enum outputs_use *use)
{
    struct engines *engines = &send->engines;
    struct ringsend *engine = engines->all[0].engine;
    struct job_options options = {
        .engine = engine,
        .thread_engines = engines->all + 1,
        .thread_engines_count = engines->count - 1,
        .connections = send->options.request.engine.connections_max,
        .source = &send->source,
        .inputs_untouched = send->outputs.inputs_untouched,
        .output = output_options_of(send),
        .defaults = &send->options.request.defaults,
        .serialize = send->options.serialize.count > 0 ? &send->options.serialize : NULL,
        .weights = send->options.costs.weights.count > 0 ? &send->options.costs.weights : NULL,
        .ordered = send_given(&send->options, OPTION_ORDERED),
        .failures_max = send->options.failures_max,
        .failures_ppm_max = send->options.failures_ppm_max,
        .unreached_max_ns = send->options.unreached_max_ns,
        .abort_on = send->options.aborts ? &send->options.abort_on : NULL,
        .window = window(&send->options),
        .memory_bytes = send->options.memory_bytes / 2,
        .show = send_given(&send->options, OPTION_VERBOSE) || send->metrics ? show : NULL,
        .show_context = send,
        .stop_asked = signals_stops(),
    };
    struct job *job = job_new(&options);
    engines->count = 1; /* the others are the job's */
    if (!job) {
        fputs("ringsend send: memory is out\n", stderr);
        return EXIT_NOT_STARTED;
    }
    struct journal_counts before = counts_before(send);
    report_start(send, &before);
    handle_signals(engine);
    notice_begin(engine);
    if (send->token)
        token_begin(send->token);
    struct adapt adapt = {0};
    if (send_given(&send->options, OPTION_ADAPTIVE))
        adapt_begin(&adapt, job, engine, send->options.request.engine.connections_max,
                    send_given(&send->options, OPTION_QUIET));
    struct progress progress = {.mode = send->options.progress,
                                .job = job,
                                .source = &send->source,
                                .report = job_report(job),
                                .done_before = before.done,
                                .not_ok_before = before.not_ok,
                                .stop_asked = signals_stops(),
                                .state_asked = &states_asked};
    struct notify notify;
    turn_all(send, job, &adapt, &progress, &notify);
    const struct job_report *report = job_end(job);
    notify_end(&notify, report);
    struct journal_counts whole = {0};
    if (send->outputs.journal)
        whole = resume_hint_count(send->outputs.journal, send->outputs.parked_path);
    *use = report->complete                   ? OUTPUTS_COMPLETE
           : is_nothing_begun(report, &whole) ? OUTPUTS_UNUSED
                                              : OUTPUTS_LEFT;
    report_end(send, job, &whole);
    int status = status_of(report, &whole);
    engine_to_wake = NULL;
    engines_free(engines, 0);
    job_free(job);
    return status;
}

/* The engines, and who asks where that is another one for each try. */
static int start(struct send *send)
{
    const struct token_options *token = &send->options.request.token;
    struct credentials *credentials = NULL;
    if (send->options.request.signs.region.bytes > 0) {
        signer_init(&send->signer, &send->options.request.signs);
        credentials = &send->signer.credentials;
    }
    if (token->url || token->command) {
        send->token = token_new(token, wake);
        if (!send->token) {
            fputs("ringsend send: no thread can be had for the token\n", stderr);
            return EXIT_NOT_STARTED;
        }
        credentials = token_credentials(send->token);
    }
    return engines_start(&send->engines, &send->options, credentials,
                         job_going_max(window(&send->options)));
}

static void report_finished(const struct send *send)
{
    if (!send_given(&send->options, OPTION_QUIET))
        fprintf(stderr, "ringsend: %s: has a result for each record already: nothing left to do\n",
                send->outputs.results.path);
}

/* Opens what is written, sends, and closes it again. */
static int work(struct send *send)
{
    enum outputs_use use = OUTPUTS_UNUSED;
    if (!send_given(&send->options, OPTION_QUIET))
        proxy_options_tell(&send->options.request);
    int status = start(send);
    if (status == EXIT_OK)
        status = reasons_open(&send->reasons, &send->options);
    if (status == EXIT_OK)
        status = outputs_open(&send->outputs, &send->options, &send->source);
    if (status == EXIT_OK)
        status = reasons_check(&send->reasons, &send->outputs);
    if (status == EXIT_OK)
        status = summary_json_check_alone(&send->summary, &send->outputs);
    if (status == EXIT_OK && send->outputs.finished)
        report_finished(send);
    else if (status == EXIT_OK)
        status = run_job(send, &use);
    bool is_told = use != OUTPUTS_UNUSED || send->outputs.finished;
    int reasons_status = reasons_close(&send->reasons, &send->outputs, !is_told);
    int close_status = outputs_close(&send->outputs, use);
    if (close_status == EXIT_OK)
        close_status = reasons_status;
    if (close_status != EXIT_OK)
        status = close_status;
    engines_free(&send->engines, 0);
    token_free(send->token);
    return status;
}

static int show_requests(struct send *send)
{
    char text[RECORD_NOTE_BYTES];
    unsigned reported = 0;
    int status = dry_run(&send->options.request, &send->source, send->options.dry_run);
    while (!send_given(&send->options, OPTION_QUIET) &&
           record_options_note(&send->options.records, &send->source, "send", &reported, text))
        fputs(text, stderr);
    return status;
}

int command_send(int argc, char **argv)
{
    struct send send = {.outputs = {.results = {.fd = -1}, .failed = {.fd = -1}},
                        .reasons = {.file = {.fd = -1}}};
    send_options_read(&send.options, argc, argv);
    bool only_shows = send.options.dry_run > 0;
    int status = only_shows ? EXIT_OK : summary_json_check(&send.summary, &send.options);
    if (status == EXIT_OK) {
        status = open_inputs(&send);
        bool is_open = status == EXIT_OK;
        if (is_open && !only_shows)
            status = metrics_new(&send.metrics, &send.options);
        if (status == EXIT_OK)
            status = only_shows ? show_requests(&send) : work(&send);
        status = metrics_end(send.metrics, status);
        status = summary_json_write(&send.summary, status);
        if (is_open)
            source_close(&send.source);
    }
    send_options_free(&send.options);
    return status;
}
