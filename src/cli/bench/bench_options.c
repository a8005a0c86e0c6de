#include "cli/bench/bench_options.h"

#include "base/duration.h"
#include "base/limits.h"
#include "base/span.h"
#include "cli/options/options_hint.h"
#include "cli/options/values.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char command[] = "bench";

static void read_steps(struct bench_options *o, const char *text, uint64_t max_per_s)
{
    for (const char *at = text;; at++) {
        const struct ringsend_bytes step = {at, strcspn(at, ",")};
        if (o->steps_count == BENCH_STEPS_MAX)
            usage_error(command, "--steps: at most %d rates can be given", BENCH_STEPS_MAX);
        const struct rate rate = value_rate(command, "--steps", step, max_per_s);
        o->steps[o->steps_count++] = rate_per_s(&rate);
        at += step.bytes;
        if (!*at)
            return;
    }
}

/* As wrk has it; taken for a body it would measure something else without a word. */
static void refuse_duration_as_data(const struct options *given)
{
    const struct option_use *use = option_next(given, OPTION_DATA, NULL);
    uint64_t ns;
    if (use && use->by_letter && duration_parse(span_of(use->text), &ns))
        usage_error(command,
                    "-d is the body, as curl has it: -z %s is how long (--data %s: it is "
                    "meant)",
                    use->text, use->text);
}

static void take_values(struct bench_options *o, const struct options *given)
{
    struct figures_settings *s = &o->settings;
    const struct rate *rate = option_rate(given, OPTION_RATE);
    refuse_duration_as_data(given);
    s->rate = rate ? rate_per_s(rate) : 0;
    s->arrivals = (enum arrivals)option_number(given, OPTION_ARRIVALS);
    s->requests = option_number(given, OPTION_REQUESTS);
    if (option_given(given, OPTION_DURATION) || s->requests == 0)
        s->duration_ns = option_number(given, OPTION_DURATION);
    s->ramp_ns = option_number(given, OPTION_RAMP);
    s->warmup_ns = option_number(given, OPTION_WARMUP);
    s->seed = option_number(given, OPTION_SEED);
    s->threads = (uint32_t)option_number(given, OPTION_THREADS);
    s->awake = option_given(given, OPTION_AWAKE);
    s->batch = option_given(given, OPTION_BATCH);
    s->new_connection = option_given(given, OPTION_NEW_CONNECTION);
    s->spin = option_given(given, OPTION_SPIN);
    s->timestamps = option_given(given, OPTION_TIMESTAMPS);
    o->quiet = option_given(given, OPTION_QUIET);
    o->versus = option_text(given, OPTION_VS);
    o->tolerance = option_share(given, OPTION_TOLERANCE);
    if (option_given(given, OPTION_STEPS))
        read_steps(o, option_text(given, OPTION_STEPS), given->rows[OPTION_RATE]->max);
}

static void finish_comparison(struct bench_options *o, const struct options *given)
{
    bool repeats = option_given(given, OPTION_REPEAT);
    if (o->steps_count > 0 && (repeats || o->versus))
        usage_error(command, "--repeat and --vs are for runs at one rate, --steps for several");
    if (option_given(given, OPTION_TOLERANCE) && !o->versus)
        usage_error(command, "--tolerance goes with --vs");
    o->repeat =
        o->versus && !repeats ? REPEAT_WITH_VS : (uint32_t)option_number(given, OPTION_REPEAT);
    if (!o->versus)
        return;
    if (!o->target.url)
        usage_error(command, "--vs compares two URLs; records bring their own");
    target_check_url(&o->target, "--vs", o->versus);
    if (strcmp(o->target.url, o->versus) == 0)
        usage_error(command,
                    "--vs is the very URL that is measured already; to see how far two "
                    "runs of one target differ, give it another query: --vs '%s%sb'",
                    o->versus, strchr(o->versus, '?') ? "&" : "?");
}

/* What the options say together, with the arguments that are none. */
static void finish(struct bench_options *o, const struct options *given)
{
    struct figures_settings *s = &o->settings;
    struct request_options *request = &o->target.request;
    s->connections = request->engine.connections_max;
    if (o->steps_count > 0 && s->rate > 0)
        usage_error(command, "--rate and --steps say the same thing: give one of them");
    if (o->steps_count > 0)
        s->rate = o->steps[0];
    s->open_loop = s->rate > 0;
    if (!s->open_loop && s->arrivals == ARRIVALS_POISSON)
        usage_error(command, "--arrivals goes with --rate or --steps");
    if (s->threads > s->connections)
        usage_error(command, "%u threads need as many connections, and there are %u", s->threads,
                    s->connections);
    if (s->batch && s->spin)
        usage_error(command,
                    "--batch waits for more to come, --spin for nothing: give one of them");
    if (s->requests > 0 && s->requests < s->threads)
        usage_error(command, "%u threads need as many requests", s->threads);
    if (s->new_connection)
        request_options_add_header(request, "Connection: close");
    s->insecure = request->engine.insecure;
    target_options_finish(&o->target, given);
    finish_comparison(o, given);
    report_options_finish(&o->report, s->open_loop);
    s->seconds_whole = report_files_want(&o->report.files, OPTION_HLOG);
}

void bench_options_read(struct bench_options *options, int argc, char **argv)
{
    *options = (struct bench_options){0};
    struct options *given = &options->given;
    options_parse(given, COMMAND_BENCH, argc, argv);
    target_options_take(&options->target, given);
    report_options_take(&options->report, given);
    take_values(options, given);
    finish(options, given);
}

void bench_options_free(struct bench_options *options)
{
    target_options_free(&options->target);
    options_free(&options->given);
}

static bool is_measured(const struct option_row *row)
{
    return row->section != SECTION_REPORT || row->id == OPTION_FAIL_IF;
}

char *bench_options_command(const struct bench_options *options)
{
    char *text = NULL;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);
    if (!out)
        return NULL;
    struct options_hint hint = {
        .out = out, .given = &options->given, .secrets = &options->target.request.secrets};
    fputs("ringsend bench", out);
    options_hint_print(&hint, is_measured);
    options_hint_print_inputs(&hint);
    options_hint_end(&hint);
    if (fclose(out) == 0)
        return text;
    free(text);
    return NULL;
}
