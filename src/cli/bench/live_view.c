/* The cursor stands at the first of the lines: so a terminal that rewraps them when it is made
 * narrower keeps it there, and what is wiped from there on is all of them. */
#include "cli/bench/live_view.h"

#include "base/text.h"
#include "base/time.h"
#include "cli/bench/times_text.h"
#include "cli/terminal.h"

#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    NAME_COLUMNS = 14,
    TIME_COLUMNS = 10,
    BIN_COLUMNS = 26, /* in front of the bar */
    BIN_LINES_MIN = 4,
    BINS_WANTED = 12,
    BAR_CHARS = 40
};

/* Line by line: tmux keeps in its history what is wiped from the screen's first place on. */
#define WIPE_LINE "\x1b[K\n"
#define WIPE_BELOW "\x1b[J"
#define WIPE "\r" WIPE_LINE WIPE_BELOW "\x1b[A"
#define RED "\x1b[31m"
#define PLAIN "\x1b[0m"

/* In the order of the table; those of the highest rank are left out first. */
static const struct {
    const char *name;
    double fraction;
    unsigned rank;
} shown[] = {
    {"p50", 0.5, 0}, {"p90", 0.9, 3}, {"p99", 0.99, 1}, {"p99.9", 0.999, 4}, {"max", 1, 2}};

enum { SHOWN = sizeof shown / sizeof *shown };

static atomic_bool stands; /* for signal handlers, too */

bool live_view_is_possible(void)
{
    return terminal_can_redraw();
}

void live_view_wipe(void)
{
    if (!stands)
        return;
    ssize_t written = write(STDERR_FILENO, WIPE, sizeof WIPE - 1);
    (void)written;
    stands = false;
}

/* ---- lines ---- */

static void print_target(FILE *out, const struct figures_settings *s)
{
    fprintf(out, "%s%s%s, %u connection%s", s->method, s->method[0] ? " " : "", s->target,
            s->connections, plural(s->connections));
    if (s->open_loop)
        fprintf(out, ", %s a second", rate_text(s->rate).chars);
    fputc('\n', out);
}

static void print_progress(FILE *out, const struct live_view *view)
{
    const struct figures_settings *s = view->settings;
    unsigned long long seconds = view->seconds, requests = view->requests;
    uint64_t before_ns = s->ramp_ns + s->warmup_ns;
    if (view->seconds == 0 && before_ns > 0)
        fprintf(out, "  not measured yet: %s of ramp and warm-up\n",
                duration_text(before_ns).chars);
    else if (s->duration_ns > 0 && view->seconds * NS_PER_S > s->duration_ns)
        fprintf(out, "  %g s are over: what is in flight is waited for\n",
                (double)s->duration_ns / NS_PER_S);
    else if (s->requests > 0)
        fprintf(out, "  %llu s, %llu of %llu requests\n", seconds, requests,
                (unsigned long long)s->requests);
    else
        fprintf(out, "  %llu of %g s, %llu request%s\n", seconds, (double)s->duration_ns / NS_PER_S,
                requests, plural(requests));
}

static void print_counts(FILE *out, const struct live_view *view, bool colour)
{
    uint64_t good = view->requests - view->bad;
    fprintf(out, "  rate    %10s a second, %llu in the last one\n",
            rate_text((double)view->responses / (double)view->seconds).chars,
            (unsigned long long)view->last.requests);
    fprintf(out, "  ok      %10llu\n", (unsigned long long)good);
    if (view->bad > 0)
        fprintf(out, "%s  failed  %10llu  %s%s\n", colour ? RED : "", (unsigned long long)view->bad,
                share_text((double)view->bad / (double)view->requests).chars, colour ? PLAIN : "");
    if (view->settings->open_loop && view->last.waiting > 0)
        fprintf(out, "  waiting %10u for a connection\n", view->last.waiting);
}

static void print_times(FILE *out, const struct live_view *view, unsigned columns)
{
    unsigned fitting = columns > NAME_COLUMNS ? (columns - NAME_COLUMNS) / TIME_COLUMNS : 0;
    const struct figures_second *last = &view->last;
    const uint64_t last_ns[SHOWN] = {last->p50_ns, 0, last->p99_ns, 0, last->max_ns};
    fprintf(out, "  %-*s", NAME_COLUMNS - 2, "");
    for (int i = 0; i < SHOWN; i++) {
        if (shown[i].rank < fitting)
            fprintf(out, "%*s", TIME_COLUMNS, shown[i].name);
    }
    fprintf(out, "\n  %-*s", NAME_COLUMNS - 2, "so far");
    for (int i = 0; i < SHOWN; i++) {
        if (shown[i].rank < fitting)
            fprintf(out, "%*s", TIME_COLUMNS,
                    times_quantile(view->times, NULL, shown[i].fraction).chars);
    }
    fprintf(out, "\n  %-*s", NAME_COLUMNS - 2, "last second");
    for (int i = 0; i < SHOWN; i++) {
        if (shown[i].rank < fitting)
            fprintf(out, "%*s", TIME_COLUMNS,
                    last_ns[i] > 0 ? duration_text(last_ns[i]).chars : "");
    }
    fputc('\n', out);
}

static void print_all(FILE *out, const struct live_view *view, unsigned columns, bool colour)
{
    print_target(out, view->settings);
    print_progress(out, view);
    if (view->seconds == 0)
        return;
    print_counts(out, view, colour);
    if (view->times->count == 0)
        return;
    print_times(out, view, columns);
    if (columns <= BIN_COLUMNS)
        return;
    unsigned room = columns - BIN_COLUMNS;
    fputs("  response time from\n", out);
    times_print_histogram(out, view->times, BINS_WANTED, room < BAR_CHARS ? room : BAR_CHARS);
}

/* Bytes of the sequence that colours there; 0: none. */
static size_t colour_bytes(const char *at)
{
    return strncmp(at, RED, sizeof RED - 1) == 0       ? sizeof RED - 1
           : strncmp(at, PLAIN, sizeof PLAIN - 1) == 0 ? sizeof PLAIN - 1
                                                       : 0;
}

/* What a terminal would take for an order, and what is no text, is shown as a question mark. */
static bool is_shown(const char *at, unsigned bytes)
{
    return bytes > 1 ? memcmp(at, "\xc2\x80", 2) < 0 || memcmp(at, "\xc2\x9f", 2) > 0
                     : bytes == 1 && (unsigned char)*at >= ' ' && *at != 0x7f;
}

/* A character, or a sequence that colours, if it fits; returns its bytes. Those beyond ASCII may be
 * two columns wide. */
static size_t put_one(FILE *out, const char *at, size_t left, unsigned *columns)
{
    size_t bytes = colour_bytes(at);
    if (bytes > 0) {
        fwrite(at, 1, bytes, out);
        return bytes;
    }
    bytes = text_utf8_bytes(at, left);
    bool shows = is_shown(at, (unsigned)bytes);
    unsigned wide = shows && bytes > 1 ? 2 : 1;
    if (wide > *columns)
        *columns = 0;
    else if (shows)
        fwrite(at, 1, bytes, out);
    else
        fputc('?', out);
    *columns -= wide < *columns ? wide : *columns;
    return bytes > 0 ? bytes : 1;
}

/* A line as far as it fits. Returns its end. */
static const char *clip(FILE *out, const char *line, unsigned columns)
{
    const char *end = line + strcspn(line, "\n");
    while (line < end)
        line += put_one(out, line, (size_t)(end - line), &columns);
    return line;
}

bool live_view_print(FILE *out, const struct live_view *view, unsigned columns, unsigned rows,
                     bool colour)
{
    char *text = NULL;
    size_t bytes;
    FILE *lines = open_memstream(&text, &bytes);
    if (!lines)
        return false;
    columns -= columns > 0;
    print_all(lines, view, columns, colour);
    if (fclose(lines) != 0) {
        free(text);
        return false;
    }
    const char *at = text;
    for (unsigned i = 0; i + 1 < rows && *at; i++) {
        at = clip(out, at, columns);
        fputs(WIPE_LINE, out);
        at += *at == '\n';
    }
    free(text);
    return true;
}

/* ---- drawing ---- */

/* A terminal that takes nothing now is left alone. */
static bool takes_more(void)
{
    struct pollfd fd = {.fd = STDERR_FILENO, .events = POLLOUT};
    return poll(&fd, 1, 0) == 1 && (fd.revents & POLLOUT);
}

/* In one write, so that it does not flicker. */
static void draw(const struct live_view *view)
{
    char *text = NULL;
    size_t bytes;
    unsigned lines = 0;
    struct terminal_size size = terminal_size();
    FILE *out = takes_more() ? open_memstream(&text, &bytes) : NULL;
    if (!out)
        return;
    fputc('\r', out);
    bool drawn = live_view_print(out, view, size.columns, size.rows, terminal_may_colour());
    fflush(out);
    for (const char *at = text; (at = strchr(at, '\n')); at++)
        lines++;
    fputs(WIPE_BELOW, out);
    if (lines > 0)
        fprintf(out, "\x1b[%uA", lines);
    if (fclose(out) == 0 && drawn && lines > 0) {
        fwrite(text, 1, bytes, stderr);
        stands = true;
    }
    free(text);
}

void live_view_begin(struct live_view *view, const struct figures_settings *settings,
                     const struct histogram *times)
{
    *view = (struct live_view){.settings = settings, .times = times};
    draw(view);
}

void live_view_second(struct live_view *view, const struct figures_second *second)
{
    view->seconds++;
    view->last = *second;
    view->responses += second->requests;
    view->requests += second->requests + second->errors;
    view->bad += second->not_ok + second->errors;
    draw(view);
}

void live_view_end(struct live_view *view)
{
    live_view_wipe();
    *view = (struct live_view){0};
}
