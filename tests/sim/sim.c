/* The simulated world: seed, clock, events, failure report. See sim.h.
 *
 * Events stand in a binary heap ordered by time, then by the order in which they were made, so that
 * a run never depends on addresses or on the C library. The random numbers are splitmix64 (Steele,
 * Lea, Flood 2014): one word of state, good from any seed.
 *
 * A failure, ours or a CHECK of the engine, ends in SIGABRT; the handler says which seed it was. */
#include "tests/sim/sim.h"

#include "engine/steps.h"
#include "tests/sim/world/sim_file.h"
#include "tests/sim/world/sim_ring.h"
#include "tests/sim/world/sim_server.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct sim sim;

struct event {
    uint64_t at_ns, order;
    sim_event_fn *fn;
    void *context;
    uint64_t life, value;
};

static struct event *events;
static size_t events_count, events_capacity;
static uint64_t events_order;

/* Tells the seed when a run ends in SIGABRT: abort() raises it, in the midst of nothing but our own
 * code, so that whatever it calls may be called here, too. */
static void report_abort(int signal_number)
{
    char text[320];
    int n = sim.name ? snprintf(text, sizeof text,
                                "sim: failed in scenario \"%s\"; again, with a trace: "
                                "SIM_TRACE=1 SIM_ONLY=\"%s\" sim_test\n",
                                sim.name, sim.name)
                     : snprintf(text, sizeof text,
                                "sim: failed at seed %llu; again, with a trace: "
                                "SIM_TRACE=1 sim_test %llu 1\n",
                                (unsigned long long)sim.seed, (unsigned long long)sim.seed);

    if (n > 0 && write(STDERR_FILENO, text, (size_t)n) < 0)
        _exit(3);
#ifdef RINGSEND_SLOW_CHECKS
    steps_print(STDERR_FILENO);
#endif
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}

void sim_begin(const char *name, uint64_t seed)
{
    const char *trace = getenv("SIM_TRACE");

    sigaction(SIGABRT, &(struct sigaction){.sa_handler = report_abort}, NULL);
#ifdef RINGSEND_SLOW_CHECKS
    steps_forget();
#endif
    memset(&sim, 0, sizeof sim);
    sim.name = name;
    sim.seed = seed;
    sim.random = seed;
    sim.trace = trace && trace[0] == '1';
    /* Any time since boot will do; not zero, which is a value of its own in many structs. */
    sim.now_ns = sim.began_ns = sim_between(SIM_S, 1000ull * SIM_S);
    events_count = 0;
    events_order = 0;
    server_begin();
    sim_tls_begin();
}

void sim_end(void)
{
    server_end();
    sim_files_end();
    free(events);
    events = NULL;
    events_count = events_capacity = 0;
}

uint64_t sim_random(void)
{
    uint64_t z = sim.random += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

uint64_t sim_below(uint64_t below)
{
    return below > 1 ? sim_random() % below : 0;
}

uint64_t sim_between(uint64_t from, uint64_t to)
{
    return from + sim_below(to - from + 1);
}

bool sim_chance(uint32_t per_mille)
{
    return per_mille > 0 && sim_below(1000) < per_mille;
}

bool sim_tortures(const char *what)
{
    if (++sim.fallible != sim.fail_at)
        return false;
    sim_trace("torture: %s, operation %u, fails", what, sim.fallible);
    return true;
}

static bool event_before(const struct event *a, const struct event *b)
{
    return a->at_ns != b->at_ns ? a->at_ns < b->at_ns : a->order < b->order;
}

void sim_at(uint64_t at_ns, sim_event_fn *fn, void *context, uint64_t life, uint64_t value)
{
    struct event event = {
        at_ns > sim.now_ns ? at_ns : sim.now_ns, ++events_order, fn, context, life, value};
    size_t i = events_count++;

    if (events_count > events_capacity) {
        events_capacity = events_capacity ? 2 * events_capacity : 64;
        events = realloc(events, events_capacity * sizeof *events);
        SIM_CHECK(events, "out of memory");
    }
    for (; i > 0 && event_before(&event, &events[(i - 1) / 2]); i = (i - 1) / 2)
        events[i] = events[(i - 1) / 2];
    events[i] = event;
}

static struct event event_pop(void)
{
    struct event first = events[0];
    struct event last = events[--events_count];
    size_t i = 0;

    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= events_count)
            break;
        if (child + 1 < events_count && event_before(&events[child + 1], &events[child]))
            child++;
        if (!event_before(&events[child], &last))
            break;
        events[i] = events[child];
        i = child;
    }
    events[i] = last;
    return first;
}

uint64_t sim_next_ns(void)
{
    return events_count ? events[0].at_ns : UINT64_MAX;
}

void sim_run_due(void)
{
    while (events_count > 0 && events[0].at_ns <= sim.now_ns) {
        struct event event = event_pop();
        event.fn(event.context, event.life, event.value);
    }
}

void sim_pause(uint64_t ns)
{
    uint64_t until_ns = sim.now_ns + ns;

    sim_trace("the process stands still for %.3f ms", (double)ns / 1e6);
    sim.paused_ns += ns;
    while (sim_next_ns() <= until_ns) {
        if (sim.now_ns < sim_next_ns())
            sim.now_ns = sim_next_ns();
        sim_run_due();
    }
    sim.now_ns = until_ns;
    sim_trace("it goes on");
}

void sim_may_pause(void)
{
    if (sim_chance(sim.faults.pauses))
        sim_pause(sim_below(sim_chance(500) ? sim.faults.pause_ns : sim.faults.pause_ns / 100));
}

void sim_trace(const char *format, ...)
{
    va_list arguments;

    if (!sim.trace)
        return;
    fprintf(stderr, "%12.6f ms  ", (double)(sim.now_ns - sim.began_ns) / 1e6);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
}

void sim_fail(const char *format, ...)
{
    va_list arguments;

    fprintf(stderr, "sim: at %.6f ms: ", (double)(sim.now_ns - sim.began_ns) / 1e6);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    abort();
}

void sim_text_add(struct sim_text *text, const void *data, size_t bytes)
{
    if (text->bytes + bytes > text->capacity) {
        text->capacity = 2 * text->capacity + bytes + 256;
        text->data = realloc(text->data, text->capacity);
        SIM_CHECK(text->data, "out of memory");
    }
    if (bytes > 0)
        memcpy(text->data + text->bytes, data, bytes);
    text->bytes += bytes;
}

void sim_text_print(struct sim_text *text, const char *format, ...)
{
    char line[2048];
    va_list arguments;
    int n;

    va_start(arguments, format);
    n = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    SIM_CHECK(n >= 0 && (size_t)n < sizeof line, "a text of the simulation is too long");
    sim_text_add(text, line, (size_t)n);
}

void sim_text_free(struct sim_text *text)
{
    free(text->data);
    *text = (struct sim_text){0};
}
