/* `ringsend send`: opens what is to be read and written, runs the job, tells how it went.
 *
 * The order matters. Inputs come first, since a file that cannot be read must stop us before
 * anything is sent; then the engine, so that a refused io_uring leaves no empty output behind; then
 * the outputs, which are only emptied once they are known to be none of the inputs.
 *
 * Signals. The handler counts and wakes the loop; the job looks at the count each turn. */
#include "batch/job.h"
#include "cli/adapt.h"
#include "cli/bodies.h"
#include "cli/commands.h"
#include "cli/send_options.h"
#include "cli/summary.h"
#include "cli/values.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Written by the handler; the engine is set before the handler is installed, and the handler taken
 * out before the engine goes. */
static volatile sig_atomic_t signals_seen, last_signal;
static struct ringsend *engine_to_wake;
static bool quiet;

struct output {
    int fd; /* -1: none */
    const char *path;
    bool created; /* by us: to be removed again when nothing is sent after all */
};

struct send {
    struct send_options options;
    struct source source;
    struct ringsend *engine;
    struct output results, failed;
    int bodies_fd; /* -1: none */
};

static void on_signal(int number)
{
    static const char text[] = "ringsend: stopping; what is in flight has 10 s to finish, a second "
                               "signal cancels it\n";
    int error = errno;
    last_signal = number;
    if (signals_seen++ == 0 && !quiet) {
        ssize_t written = write(STDERR_FILENO, text, sizeof text - 1);
        (void)written;
    }
    ringsend_wake(engine_to_wake);
    errno = error;
}

static void handle_signals(struct ringsend *engine)
{
    engine_to_wake = engine;
    struct sigaction action = {.sa_handler = on_signal};
    sigemptyset(&action.sa_mask);
    sigaddset(&action.sa_mask, SIGINT);
    sigaddset(&action.sa_mask, SIGTERM);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    action.sa_handler = SIG_IGN; /* a reader that goes away is an error of the write */
    sigaction(SIGPIPE, &action, NULL);
}

static void ignore_signals(void)
{
    struct sigaction action = {.sa_handler = SIG_IGN};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

/* A count that keeps the pool busy between two turns, also when all of it answers at once, without
 * holding a second pool's worth of lines for thousands of connections. */
static uint32_t records_max(uint32_t connections)
{
    return connections + (connections < 1024 ? connections : 1024) + 16;
}

/* ---- outputs ---- */

/* An exit status, with the message told. */
static int refuse_output(const struct output *output, enum exit_status status, const char *why)
{
    fprintf(stderr, "ringsend send: %s: %s\n", output->path ? output->path : "standard output",
            why);
    return status;
}

static bool is_same_file(int a, int b)
{
    struct stat about_a, about_b;
    return fstat(a, &about_a) == 0 && fstat(b, &about_b) == 0 && S_ISREG(about_a.st_mode) &&
           about_a.st_dev == about_b.st_dev && about_a.st_ino == about_b.st_ino;
}

/* What --force does not help against comes first, so that nobody is told to try it. Devices and
 * pipes can be opened as they are; only what would be overwritten needs --force. */
static int check_output(const struct send *send, const struct output *output)
{
    struct stat about;
    if (source_has_file(&send->source, output->fd))
        return refuse_output(output, EXIT_USAGE, "is an input, too");
    if (output == &send->failed && is_same_file(send->results.fd, output->fd))
        return refuse_output(output, EXIT_USAGE, "cannot take the results as well");
    if (!output->path || output->created || send->options.force)
        return EXIT_OK;
    if (fstat(output->fd, &about) != 0)
        return refuse_output(output, EXIT_OUTPUT, strerror(errno));
    if (S_ISREG(about.st_mode))
        return refuse_output(output, EXIT_USAGE, "exists already; --force overwrites it");
    return EXIT_OK;
}

static int open_output(struct send *send, struct output *output)
{
    if (output->path) {
        output->fd = open(output->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        output->created = output->fd >= 0;
        if (output->fd < 0 && errno == EEXIST)
            output->fd = open(output->path, O_WRONLY | O_CLOEXEC);
        if (output->fd < 0)
            return refuse_output(output, EXIT_OUTPUT, strerror(errno));
    } else {
        output->fd = STDOUT_FILENO;
        if ((fcntl(output->fd, F_GETFL) & O_ACCMODE) == O_RDONLY)
            return refuse_output(output, EXIT_OUTPUT, "is not open for writing");
    }
    return check_output(send, output);
}

/* Only what we opened by name: standard output may be meant to be added to (">>"). */
static int empty_output(const struct output *output)
{
    struct stat about;
    if (output->fd < 0 || !output->path || output->created)
        return EXIT_OK;
    if (fstat(output->fd, &about) != 0 || (S_ISREG(about.st_mode) && ftruncate(output->fd, 0) != 0))
        return refuse_output(output, EXIT_OUTPUT, strerror(errno));
    return EXIT_OK;
}

static int open_outputs(struct send *send)
{
    const struct send_options *o = &send->options;
    send->results.path = o->output && strcmp(o->output, "-") != 0 ? o->output : NULL;
    send->failed.path = o->failed;
    int status = o->bodies ? bodies_open("send", o->bodies, o->force, &send->bodies_fd) : EXIT_OK;
    if (status == EXIT_OK)
        status = open_output(send, &send->results);
    if (status == EXIT_OK && o->failed)
        status = open_output(send, &send->failed);
    if (status == EXIT_OK)
        status = empty_output(&send->results);
    if (status == EXIT_OK)
        status = empty_output(&send->failed);
    return status;
}

/* Some file systems tell only now that a write was lost. */
static int close_output(struct output *output, bool unused)
{
    if (output->fd < 0 || !output->path)
        return EXIT_OK;
    if (unused && output->created)
        unlink(output->path);
    int status = EXIT_OK;
    if (close(output->fd) != 0 && !unused)
        status = refuse_output(output, EXIT_OUTPUT, strerror(errno));
    output->fd = -1;
    return status;
}

/* ---- the run ---- */

static int open_inputs(struct send *send)
{
    const struct send_options *o = &send->options;
    size_t failed;
    int error = source_open(&send->source, o->inputs, o->inputs_count, &failed);
    if (error == 0)
        return EXIT_OK;
    fprintf(stderr, "ringsend send: cannot read %s: %s\n", summary_input_name(o->inputs[failed]),
            strerror(error));
    return EXIT_INPUT;
}

static int start_engine(struct send *send)
{
    struct ringsend_options options = send->options.request.engine;
    char message[512] = "";
    options.requests_max = records_max(options.connections_max);
    options.message = message;
    options.message_bytes = sizeof message;
    if (options.insecure)
        fputs("ringsend send: WARNING: --insecure: servers are not verified; whoever stands in "
              "between can read and change everything\n",
              stderr);
    int error = -ringsend_new(&send->engine, &options);
    if (error == RINGSEND_OK)
        return EXIT_OK;
    fprintf(stderr, "ringsend send: %s\n",
            message[0] ? message : ringsend_error_text((enum ringsend_error)error));
    return error == RINGSEND_E_TLS_CONFIG ? EXIT_USAGE : EXIT_NOT_STARTED;
}

static int status_of(const struct job_report *report)
{
    if (report->output_error || report->end == JOB_RING_BROKE)
        return EXIT_OUTPUT;
    if (report->end == JOB_STOPPED)
        return EXIT_SIGNAL + last_signal;
    if (report->results_lost > 0)
        return EXIT_OUTPUT;
    if (report->input_error)
        return EXIT_INPUT;
    return report->ok < report->records ? EXIT_NOT_ALL_OK : EXIT_OK;
}

/* In one write, so that nobody else's lines come between. */
static void tell(const struct send *send, const struct job_report *report)
{
    struct ringsend_stats stats = {.size = sizeof stats};
    ringsend_stats(send->engine, &stats);
    char *text = NULL;
    size_t text_bytes;
    FILE *memory = open_memstream(&text, &text_bytes);
    FILE *out = memory ? memory : stderr;
    if (!send->options.quiet)
        summary_print(out, report, &stats);
    summary_print_troubles(out, report, &send->options);
    if (memory && fclose(memory) == 0)
        fwrite(text, 1, text_bytes, stderr);
    free(text);
}

static int run_job(struct send *send)
{
    struct job_options options = {
        .engine = send->engine,
        .source = &send->source,
        .output = {.results_fd = send->results.fd,
                   .failed_fd = send->failed.fd,
                   .words_fd = send->options.words && send->results.path ? STDOUT_FILENO : -1,
                   .form = send->options.csv                            ? RESULT_CSV
                           : send->options.words && !send->results.path ? RESULT_WORDS
                                                                        : RESULT_JSON,
                   .words = send->options.words,
                   .headers = send->options.headers,
                   .without_body = send->options.without_body,
                   .bodies_fd = send->bodies_fd,
                   .bodies_path = send->options.bodies,
                   .bodies_replace = send->options.force},
        .defaults = &send->options.request.defaults,
        .records_max = records_max(send->options.request.engine.connections_max),
        .stop_asked = &signals_seen,
    };
    struct job *job = job_new(&options);
    if (!job) {
        fputs("ringsend send: memory is out\n", stderr);
        return EXIT_NOT_STARTED;
    }
    quiet = send->options.quiet;
    handle_signals(send->engine);
    struct adapt adapt = {0};
    if (send->options.adaptive)
        adapt_begin(&adapt, send->engine, send->options.request.engine.connections_max, quiet);
    while (job_turn(job, adapt_wait_ns(&adapt)))
        adapt_turn(&adapt);
    const struct job_report *report = job_end(job);
    ignore_signals();
    tell(send, report);
    int status = status_of(report);
    ringsend_free(send->engine);
    send->engine = NULL;
    job_free(job);
    return status;
}

int command_send(int argc, char **argv)
{
    struct send send = {.results = {.fd = -1}, .failed = {.fd = -1}, .bodies_fd = -1};
    send_options_read(&send.options, argc, argv);
    int status = open_inputs(&send);
    if (status == EXIT_OK) {
        status = start_engine(&send);
        if (status == EXIT_OK)
            status = open_outputs(&send);
        bool unused = status != EXIT_OK;
        if (!unused)
            status = run_job(&send);
        int close_status = close_output(&send.results, unused);
        if (close_status == EXIT_OK)
            close_status = close_output(&send.failed, unused);
        if (close_status != EXIT_OK)
            status = close_status;
        if (send.bodies_fd >= 0)
            close(send.bodies_fd);
        ringsend_free(send.engine);
        source_close(&send.source);
    }
    send_options_free(&send.options);
    return status;
}
