/* One line per matter. */
#include "cli/send/summary.h"

#include "base/time.h"
#include "cli/send/again_hint.h"
#include "cli/send/engines.h"
#include "cli/send/failures.h"
#include "cli/send/resume_hint.h"
#include "cli/shell.h"
#include "cli/terminal.h"
#include "cli/units.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

/* Who was held back for less of the time has nothing to ask for. */
#define HELD_SHARE_TOLD 0.2

enum { REFUSED_SHARE = 50, INPUTS_SHOWN = 8, ORIGINS_SHOWN = 4 };

static const char *style(const char *begin_or_end)
{
    return terminal_style(STDERR_FILENO, begin_or_end);
}

/* Where what a line of the summary is about begins, and goes on. */
enum { TEXT_COLUMN = 12 };

/* A line: what stands at its begin, and words that go on below each other where the terminal is
 * too narrow for them. */
__attribute__((format(printf, 3, 4))) static void tell(FILE *out, const char *begin,
                                                       const char *format, ...)
{
    char text[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    unsigned columns = terminal_columns(STDERR_FILENO);
    struct wrapped w = {.out = out,
                        .columns = columns > 2 * TEXT_COLUMN ? columns : UINT_MAX,
                        .indent = TEXT_COLUMN,
                        .at = (unsigned)strlen(begin)};
    fputs(begin, out);
    wrapped_print(&w, (struct ringsend_bytes){text, strlen(text)});
    wrapped_end(&w);
}

struct begin {
    char chars[40];
};

/* Of a line about so many. */
static struct begin count_of(const char *label, uint64_t count)
{
    struct begin b;
    snprintf(b.chars, sizeof b.chars, "  %-9s %9llu", label, (unsigned long long)count);
    return b;
}

/* What did not go as it should, and cost no record. */
static void print_hitches(FILE *out, const struct job_report *report,
                          const struct ringsend_stats *stats, const struct send_options *options)
{
    uint64_t not_kept = stats->closed_silently + stats->spoke_unasked;
    if (stats->retries_held > 0)
        tell(out, count_of("held back", stats->retries_held).chars, "of them by the retry budget");
    if (stats->pauses > 0)
        tell(out, count_of("pauses", stats->pauses).chars,
             "as the platform asked (Retry-After, RateLimit)");
    if (stats->pauses == 0 && stats->refused > 0 &&
        stats->refused >= stats->attempts / REFUSED_SHARE)
        tell(out, count_of("refused", stats->refused).chars,
             "tries (429, 503, 529), and not for how long: it took up to %llu in a second%s",
             (unsigned long long)report->ok_most_per_s,
             send_given(options, OPTION_ADAPTIVE) ? ""
                                                  : "; --adaptive finds what it allows, "
                                                    "--rate N/s keeps to it");
    if (stats->connects_put_off > 0)
        tell(out, count_of("put off", stats->connects_put_off).chars,
             "connects: local ports or descriptors had run out, or a unix socket's queue "
             "(fewer at once: -c N)");
    if (not_kept > 0)
        tell(out, count_of("not kept", not_kept).chars,
             "connections, right behind an answer: %llu closed without a word, %llu with bytes "
             "nobody asked for",
             (unsigned long long)stats->closed_silently, (unsigned long long)stats->spoke_unasked);
    if (stats->answers_suspect > 0)
        tell(out, count_of("suspect", stats->answers_suspect).chars,
             "answers may be other records': the platform has answered twice "
             "(-H 'Connection: close' keeps them apart)");
}

/* One limit of those that may hold a run back. */
struct hold {
    const char *by, *cure;
    uint64_t ns; /* of the time of each thread, on the average */
};

/* The longest, and what is asked of whom to be faster. */
static void print_hold(FILE *out, const struct job_report *report, const struct hold *longest)
{
    double share = (double)longest->ns / (double)report->elapsed_ns;
    if (share < HELD_SHARE_TOLD)
        return;
    tell(out, "  held by   ", "%s, for %s (%.0f %% of the time)%s%s", longest->by,
         duration_text(longest->ns).chars, share > 1 ? 100 : share * 100,
         longest->cure[0] ? "; faster: " : "", longest->cure);
}

static void print_holds(FILE *out, const struct job_report *report,
                        const struct ringsend_stats *stats, const struct send_options *options)
{
    char texts[RINGSEND_COSTS_MAX][96];
    struct hold holds[4 + RINGSEND_COSTS_MAX] = {
        {"pauses that the platform asked for",
         "ask it for a higher limit, and see --cost or --rate "
         "for an even flow",
         stats->held_pause_ns},
        {"--retry-budget", "", stats->held_budget_ns},
        {"--rate", "ask the platform for more requests, and raise it", stats->held_rate_ns},
        {"the number of connections", "more of them (-c N) if the platform allows",
         stats->held_connections_ns},
    };
    size_t longest = 0, count = 4;
    for (size_t i = 0; i < options->costs.weights.count; i++) {
        snprintf(texts[i], sizeof texts[i], "--cost-rate %.40s", options->costs.rate_texts[i]);
        holds[count++] = (struct hold){texts[i], "ask the platform for more of that, and raise it",
                                       stats->held_cost_ns[i]};
    }
    for (size_t i = 0; i < count; i++) {
        holds[i].ns /= options->threads;
        longest = holds[i].ns > holds[longest].ns ? i : longest;
    }
    if (report->elapsed_ns > 0)
        print_hold(out, report, &holds[longest]);
}

/* What was spent of each limit by weight. */
static void print_costs(FILE *out, const struct job_report *report,
                        const struct ringsend_stats *stats, const struct send_options *options)
{
    for (size_t i = 0; i < options->costs.weights.count; i++) {
        unsigned long long guessed = stats->cost_guessed[i], known = stats->cost_known[i];
        double off = guessed > 0 ? ((double)known / (double)guessed - 1) * 100 : 0;
        if (options->costs.limits[i].actual)
            tell(out, count_of("cost", known).chars,
                 "of --cost %.60s, where %llu were guessed (%+.0f %%)", options->costs.texts[i],
                 guessed, off);
        else
            tell(out, count_of("cost", known).chars, "of --cost %.60s", options->costs.texts[i]);
    }
    if (report->unweighed > 0)
        tell(out, count_of("unweighed", report->unweighed).chars,
             "records had none of what --cost names");
}

/* Which library and version of TLS each origin was spoken to with. */
static void print_origins(FILE *out, const struct ringsend *engine)
{
    char text[384];
    size_t number = 0;
    while (number < ORIGINS_SHOWN && ringsend_tls_origin(engine, number, text, sizeof text) > 0) {
        tell(out, "            ", "%s", text);
        number++;
    }
    if (number == ORIGINS_SHOWN && ringsend_tls_origin(engine, number, text, sizeof text) > 0)
        tell(out, "            ", "and others");
}

void summary_print(FILE *out, const struct job_report *report, const struct ringsend_stats *stats,
                   const struct ringsend *engine, const struct send_options *options,
                   const struct journal_counts *whole)
{
    double seconds = (double)report->elapsed_ns / NS_PER_S;
    double records = (double)report->records;
    bool is_epoll = stats->io == RINGSEND_IO_EPOLL;
    fprintf(out, "ringsend: %llu record%s in %s", (unsigned long long)report->records,
            plural(report->records), duration_text(report->elapsed_ns).chars);
    if (report->records > 0 && seconds > 0)
        fprintf(out, ", %.*f per second", records / seconds < 10 ? 2 : 0, records / seconds);
    bool all = report->ok == report->records;
    fprintf(out, "\n  ok        %s%9llu%s\n", all ? style(TERMINAL_GREEN) : "",
            (unsigned long long)report->ok, all ? style(TERMINAL_PLAIN) : "");
    if (report->ok < report->records)
        failures_print(out, report, options);
    if (whole)
        fprintf(out, "  all runs  %9llu ok, %llu not ok\n",
                (unsigned long long)(whole->done - whole->not_ok),
                (unsigned long long)whole->not_ok);
    fprintf(out, "  tries     %9llu\n", (unsigned long long)report->tries);
    print_hitches(out, report, stats, options);
    print_costs(out, report, stats, options);
    print_holds(out, report, stats, options);
    const struct histogram *h = &report->service_ns;
    if (h->count > 0)
        tell(out, "  latency   ", "p50 %s, p90 %s, p99 %s, max %s",
             duration_text(histogram_quantile(h, 0.5)).chars,
             duration_text(histogram_quantile(h, 0.9)).chars,
             duration_text(histogram_quantile(h, 0.99)).chars, duration_text(h->max).chars);
    tell(out, "  traffic   ", "%llu connection%s opened, %s out, %s in",
         (unsigned long long)stats->connections_opened, plural(stats->connections_opened),
         bytes_text(stats->bytes_sent).chars, bytes_text(stats->bytes_received).chars);
    if (stats->handshakes_full + stats->handshakes_resumed > 0)
        tell(out, "  TLS       ", "%llu full handshake%s, %llu resumed",
             (unsigned long long)stats->handshakes_full, plural(stats->handshakes_full),
             (unsigned long long)stats->handshakes_resumed);
    print_origins(out, engine);
    if (report->records > 0)
        tell(out, is_epoll ? "  epoll     " : "  io_uring  ", "%.3g %s per record (%llu)",
             (double)stats->enters / records, is_epoll ? "system calls" : "io_uring_enter calls",
             (unsigned long long)stats->enters);
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

const char *summary_input_name(const char *path)
{
    return strcmp(path, "-") == 0 ? "standard input" : path;
}

void summary_print_plain(FILE *out, const char *text)
{
    for (; *text; text++)
        fputc((unsigned char)*text < 0x20 || *text == 0x7f ? '?' : *text, out);
}

/* ---- hints: what is printed here can be pasted into a shell ---- */

/* Inputs that were not even begun. */
static void print_inputs(FILE *out, char *const *paths, size_t count, const char *more)
{
    fprintf(out, "%zu%s input%s not read:", count, more, count == 1 ? " was" : "s were");
    for (size_t i = 0; i < count && i < INPUTS_SHOWN; i++) {
        if (strcmp(paths[i], "-") == 0)
            fputs(" (standard input)", out);
        else
            shell_print_path(out, paths[i]);
    }
    fputs(count > INPUTS_SHOWN ? " ...\n" : "\n", out);
}

static void print_unread(FILE *out, const struct job_report *report,
                         const struct send_options *options)
{
    const char *path = report->unread[0];
    unsigned long long line = (unsigned long long)report->unread_line;
    if (line == 0) {
        fputs("ringsend: ", out);
        print_inputs(out, report->unread, report->unread_count, "");
        return;
    }
    fprintf(out, "ringsend: stopped reading %s behind line %llu", summary_input_name(path), line);
    if (report->unread_bytes == 1)
        fputs("; 1 byte of it was not read", out);
    else if (report->unread_bytes > 1)
        fprintf(out, "; %s of it were not read", bytes_text(report->unread_bytes).chars);
    if (report->unread_count > 1) {
        fputs("; ", out);
        print_inputs(out, report->unread + 1, report->unread_count - 1, " more");
    } else {
        fputc('\n', out);
    }
    if (strcmp(path, "-") == 0)
        return;
    if (!report->unread_is_lines || report->unread_bytes == 0) {
        again_hint_print_rest(out, report, options);
    } else {
        fprintf(out, "  the rest: tail -n +%llu", line + 1);
        shell_print_path(out, path);
        fputc('\n', out);
    }
}

/* Records that were read and that a rest of the input does not hold. */
static void print_cut_off(FILE *out, const struct job_report *report)
{
    bool one = report->interrupted == 1;
    bool goes_on = report->unread_count > 0 && report->unread_line > 0;
    fprintf(out, "%s%s%llu record%s%s: %s stopped or cancelled, or %s missing (use --failed)\n",
            goes_on ? "  and " : "ringsend: ", report->results_lost > 0 ? "up to " : "",
            (unsigned long long)report->interrupted, plural(report->interrupted),
            goes_on ? " before it" : "", one ? "its result says" : "their results say",
            one ? "is" : "are");
}

/* ---- troubles ---- */

/* An error of a body's file tells of what stands there already. */
static const char *output_fault(const struct job_report *report)
{
    if (report->output_body[0] && report->output_error == ENXIO)
        return "what stands there is no regular file but a fifo, a socket or a device";
    if (report->output_body[0] && report->output_error == ELOOP)
        return "what stands there is a symbolic link, which is not followed";
    if (report->output_body[0] && report->output_error == EMLINK)
        return "what stands there has another name as well (a hard link), and is not overwritten";
    return strerror(report->output_error);
}

static void print_output_trouble(FILE *out, const struct job_report *report,
                                 const struct send_options *options, bool goes_on)
{
    const char *results =
        options->output && strcmp(options->output, "-") != 0 ? options->output : "standard output";
    static const char given_up[] =
        "ringsend: %s: the reader took nothing for 1 s; %s were given up\n";
    if (report->output_error) {
        bool stopped = report->unread_count > 0 || report->by_error[RINGSEND_E_STOPPED] > 0 ||
                       report->by_error[RINGSEND_E_CANCELLED] > 0 || report->left > 0;
        fprintf(out, "ringsend: cannot write %s%s%s: %s; %s%s\n",
                report->output_body[0] ? options->bodies : "", report->output_body[0] ? "/" : "",
                report->output_body[0]          ? report->output_body
                : report->output_is_journal     ? "the journal"
                : report->output_is_failed_file ? options->failed
                : report->output_is_write_out   ? "standard output"
                                                : results,
                output_fault(report), output_cure(report->output_error),
                stopped ? ". Sending was stopped." : "");
    }
    if (report->end == JOB_RING_BROKE)
        fputs("ringsend: the io_uring broke; nothing more can be sent or written\n", out);
    else if (report->results_given_up)
        fprintf(out, given_up, results, "results");
    if (report->end != JOB_RING_BROKE && report->failed_given_up)
        fprintf(out, given_up, options->failed, "failed lines");
    if (report->results_lost > 0 && !goes_on)
        fprintf(out, "ringsend: up to %llu record%s, perhaps sent, without a whole result line\n",
                (unsigned long long)report->results_lost, plural(report->results_lost));
}

/* Of the run, and of none of its records. */
static void print_mistake(FILE *out, const struct job_report *report,
                          const struct send_options *options)
{
    static const char stopped[] = "ringsend: sending was stopped: ";
    if (report->end == JOB_UNREACHED)
        fprintf(out, "%snot one connection in %s (--max-failures)\n", stopped,
                duration_text(options->unreached_max_ns).chars);
    if (report->end == JOB_NO_NAMES)
        fprintf(out,
                "%sno host name could be looked up: is the name server of /etc/resolv.conf "
                "there?\n",
                stopped);
    if (report->end == JOB_NO_CERTIFICATES) {
        char why[512] = "";
        engines_tls_fault(options, why, sizeof why);
        fprintf(out, "%s%s; --cacert FILE names those to trust\n", stopped, why);
    }
}

static void print_gave_up(FILE *out, const struct job_report *report)
{
    if (report->end == JOB_TOO_MANY_FAILURES)
        fprintf(
            out,
            "ringsend: sending was stopped: %llu of %llu records were not ok (--max-failures)\n",
            (unsigned long long)(report->records - report->ok),
            (unsigned long long)report->records);
    if (report->end != JOB_ABORTED)
        return;
    fputs("ringsend: sending was stopped at the first record with ", out);
    if (report->abort_error != RINGSEND_OK)
        fprintf(out, "%s (--abort-on)\n", ringsend_error_name(report->abort_error));
    else
        fprintf(out, "status %d (--abort-on)\n", report->abort_status);
}

void summary_print_troubles(FILE *out, const struct job_report *report,
                            const struct send_options *options, const struct journal_counts *whole,
                            bool is_left)
{
    if (report->input_is_other)
        fprintf(out, "ringsend: %s is not what it was: %s; nothing was sent\n",
                summary_input_name(report->input_path), report->input_error_text);
    else if (report->input_error)
        fprintf(out, "ringsend: cannot read %s%s: %s%s\n", report->records > 0 ? "on in " : "",
                summary_input_name(report->input_path), report->input_error_text,
                report->records > 0 ? "; the lines before have results" : "");
    print_output_trouble(out, report, options, is_left);
    print_gave_up(out, report);
    print_mistake(out, report, options);
    if (is_left) {
        resume_hint_print(out, whole, options);
        return;
    }
    if (report->unread_count > 0)
        print_unread(out, report, options);
    if (!options->failed && report->interrupted > 0)
        print_cut_off(out, report);
    if (!report->output_error && !report->failed_given_up && !send_given(options, OPTION_QUIET))
        again_hint_print(out, report, options, whole);
}
