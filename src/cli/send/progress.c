/* The bar stands on one line with the cursor at its start: so a terminal that rewraps its lines
 * when it is made narrower keeps the cursor at the first of them, and what is wiped from there on
 * is all of it. Its width is asked at each drawing.
 *
 * The total is the number of records read once the input has ended; before that it is an estimate
 * from the bytes that are left in the files, and unknown as long as a pipe is among them. */
#include "cli/send/progress.h"

#include "base/time.h"
#include "cli/notice.h"
#include "cli/terminal.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BAR_EVERY_NS (100 * NS_PER_MS)
#define LOG_EVERY_NS (10 * NS_PER_S)
#define SAMPLE_NS (500 * NS_PER_MS)
#define SMOOTH_S 3.0

bool progress_mode_read(const char *text, enum progress_mode *mode)
{
    static const char *const names[] = {"auto", "bar", "log", "none"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(text, names[i]) == 0) {
            *mode = (enum progress_mode)i;
            return true;
        }
    }
    return false;
}

enum progress_mode progress_mode_here(bool results_on_stdout)
{
    if (isatty(STDERR_FILENO) && results_on_stdout && isatty(STDOUT_FILENO))
        return PROGRESS_NONE;
    return terminal_can_redraw() ? PROGRESS_BAR : PROGRESS_LOG;
}

void progress_begin(struct progress *p)
{
    p->colour = terminal_may_colour();
    p->began_ns = p->sampled_ns = clock_monotonic_ns();
    p->rate = -1;
    p->next_ns = p->mode == PROGRESS_BAR   ? p->began_ns + BAR_EVERY_NS
                 : p->mode == PROGRESS_LOG ? p->began_ns + LOG_EVERY_NS
                                           : UINT64_MAX;
}

/* ---- How far it is ---- */

/* Of the first `count` inputs. False when there is one that does not tell. */
static bool bytes_of_inputs(const struct source *s, size_t count, uint64_t *bytes)
{
    struct stat about;
    *bytes = 0;
    for (size_t i = 0; i < count; i++) {
        if (fstat(s->fds[i], &about) != 0 || !S_ISREG(about.st_mode))
            return false;
        *bytes += (uint64_t)about.st_size;
    }
    return true;
}

/* How many of the first `count` records the range lets through. */
static uint64_t in_range(const struct source_range *range, uint64_t count)
{
    uint64_t wanted = count > range->skip ? count - range->skip : 0;
    if (range->limit > 0 && wanted > range->limit)
        wanted = range->limit;
    return range->shards > 1 ? (wanted + range->shards - 1) / range->shards : wanted;
}

static void find_total(const struct progress *p, struct progress_state *state)
{
    const struct source *s = p->source;
    uint64_t unread, all, before, records = s->next_number;
    size_t first = source_unread(s, &unread);
    if (first == s->count) {
        state->total = in_range(&s->range, records);
        return;
    }
    if (!bytes_of_inputs(s, s->count, &all) || !bytes_of_inputs(s, s->current, &before))
        return;
    uint64_t read = before + source_read_bytes(s);
    if (records == 0 || read == 0 || read > all)
        return;
    double estimate = (double)records * (double)all / (double)read;
    state->total = in_range(&s->range, (uint64_t)(estimate + 0.5));
    state->total_is_estimate = true;
}

static void take_sample(struct progress *p, uint64_t now_ns)
{
    double seconds = (double)(now_ns - p->sampled_ns) / NS_PER_S;
    if (now_ns - p->sampled_ns < SAMPLE_NS)
        return;
    double rate = (double)(p->report->records - p->sampled) / seconds;
    p->rate = p->rate < 0 ? rate : p->rate + (rate - p->rate) * seconds / (seconds + SMOOTH_S);
    p->sampled = p->report->records;
    p->sampled_ns = now_ns;
}

static struct progress_state state_of(struct progress *p, uint64_t now_ns)
{
    const struct job_report *report = p->report;
    struct ringsend_stats stats;
    job_stats(p->job, &stats);
    take_sample(p, now_ns);
    uint64_t tried = report->service_ns.count; /* records that came to a try */
    struct progress_state state = {
        .done = p->done_before + report->records,
        .failed = p->not_ok_before + report->records - report->ok,
        .retries = report->tries > tried ? report->tries - tried : 0,
        .in_flight = stats.exchanges,
        .paused = stats.origins_paused,
        .elapsed_ns = now_ns - p->began_ns,
        .left_ns = UINT64_MAX,
        .stopping = *p->stop_asked > 0,
    };
    double seconds = (double)state.elapsed_ns / NS_PER_S;
    state.rate = p->rate >= 0 ? p->rate : seconds > 0 ? (double)report->records / seconds : 0;
    find_total(p, &state);
    if (state.total > 0 && state.total < state.done)
        state.total = state.done;
    if (state.total > 0 && state.rate > 0)
        state.left_ns = (uint64_t)((double)(state.total - state.done) / state.rate * NS_PER_S);
    return state;
}

/* ---- Telling it ---- */

/* In one write, so that it does not flicker. */
static void draw(struct progress *p, uint64_t now_ns)
{
    char line[TERMINAL_COLUMNS_MAX + 64], text[TERMINAL_COLUMNS_MAX + 80];
    struct progress_state state = state_of(p, now_ns);
    progress_bar(&state, terminal_size().columns, p->colour, line, sizeof line);
    int bytes = snprintf(text, sizeof text, "\r%s\x1b[J\r", line);
    notice_bar(text, (size_t)bytes);
}

static void print(struct progress *p, uint64_t now_ns)
{
    char text[300];
    struct progress_state state = state_of(p, now_ns);
    progress_sentence(&state, text, sizeof text);
    notice("ringsend: %s\n", text);
}

void progress_turn(struct progress *p)
{
    uint64_t now_ns = clock_monotonic_ns();
    int asked = *p->state_asked;
    if (asked != p->states_printed) {
        p->states_printed = asked;
        print(p, now_ns);
    }
    if (now_ns < p->next_ns)
        return;
    if (p->mode == PROGRESS_BAR)
        draw(p, now_ns);
    else
        print(p, now_ns);
    p->next_ns = now_ns + (p->mode == PROGRESS_BAR ? BAR_EVERY_NS : LOG_EVERY_NS);
}

uint64_t progress_wait_ns(const struct progress *p)
{
    if (p->next_ns == UINT64_MAX)
        return RINGSEND_NEVER;
    uint64_t now_ns = clock_monotonic_ns();
    return p->next_ns > now_ns ? p->next_ns - now_ns : 0;
}
