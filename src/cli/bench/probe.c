/* `ringsend probe`: makes the steps that the knee asks for, tells each as it is made, and what they
 * mean. */
#include "bench/probe.h"

#include "base/time.h"
#include "bench/knee.h"
#include "cli/bench/bench_requests.h"
#include "cli/bench/probe_options.h"
#include "cli/commands.h"
#include "cli/fallback.h"
#include "cli/json_out.h"
#include "cli/options/proxy_options.h"
#include "cli/options/values.h"
#include "cli/shell.h"
#include "cli/tls_files.h"
#include "cli/units.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct probe_run {
    struct probe_options options;
    char *target; /* its name for people */
    struct bench_requests requests;
    struct knee knee;
    struct probe_step steps[KNEE_STEPS_MAX];
};

/* The URL, without what is secret in it, or the files' name. */
static char *target_of(const struct target_options *o)
{
    return o->url ? shell_masked(&o->request.secrets, o->url) : strdup(o->inputs[0]);
}

static const char *method_of(const struct probe_run *p)
{
    const struct target_options *o = &p->options.target;
    if (!o->url)
        return "the records of";
    if (o->request.defaults.method.bytes > 0)
        return o->request.defaults.method.data; /* an argument, so NUL-terminated */
    return o->records.data ? "POST" : "GET";
}

static void announce(const struct probe_run *p)
{
    const struct probe_options *o = &p->options;
    fprintf(stderr,
            "ringsend probe: sends %s %s over 1, 2, 4 ... %u connections, each as fast as answers "
            "come, %.3g s a step\n",
            method_of(p), p->target, p->knee.connections_max, (double)o->step_ns * 1.2 / NS_PER_S);
    if (o->target.request.engine.insecure)
        fputs("ringsend probe: WARNING: --insecure: servers are not verified; whoever stands in "
              "between can read and change everything\n",
              stderr);
}

static double quantile_ms(const struct probe_step *step, double fraction)
{
    return (double)histogram_quantile(&step->service_ns, fraction) / NS_PER_MS;
}

static void report_step(const struct probe_step *step)
{
    if (step->too_many)
        printf("%11u %12s %10s %10s %13llu\n", step->connections, "-", "-", "-",
               (unsigned long long)step->pushed_back);
    else
        printf("%11u %12s %10.3f %10.3f %13llu\n", step->connections,
               rate_text(probe_step_rate(step)).chars, quantile_ms(step, 0.5),
               quantile_ms(step, 0.99), (unsigned long long)step->pushed_back);
    fflush(stdout);
}

static int fail(const char *message, int error)
{
    const char *text = ringsend_error_text((enum ringsend_error) - error);
    fprintf(stderr, "ringsend probe: %s\n", message[0] ? message : text);
    return error == -RINGSEND_E_TLS_CONFIG ? EXIT_USAGE : EXIT_NOT_STARTED;
}

static int make_step(struct probe_run *p, uint32_t connections)
{
    const struct probe_settings settings = {.engine = &p->options.target.request.engine,
                                            .requests = p->requests.requests,
                                            .requests_count = p->requests.count,
                                            .step_ns = p->options.step_ns};
    struct probe_step *step = &p->steps[p->knee.count];
    char message[512];
    int error = probe_step_run(step, &settings, connections, message, sizeof message);
    if (error) {
        probe_step_free(step);
        return fail(message, error);
    }
    fallback_tell("probe", message);
    knee_add(&p->knee, (struct knee_step){.connections = connections,
                                          .rate = step->too_many ? 0 : probe_step_rate(step),
                                          .pushed_back = step->too_many});
    if (!p->options.json)
        report_step(step);
    return EXIT_OK;
}

/* What was no good answer; empty when all were. */
static void say_cause(char *text, size_t text_bytes, const struct probe_step *step)
{
    text[0] = '\0';
    if (step->errors > step->others)
        snprintf(text, text_bytes, "%s", ringsend_error_text(step->error));
    else if (step->others > 0)
        snprintf(text, text_bytes, "status %d", step->status);
}

/* Of the first step, over one connection: there is no knee. */
static void report_failure(const struct probe_step *step)
{
    char cause[160];
    uint64_t all = step->good + step->others + step->errors;
    say_cause(cause, sizeof cause, step);
    if (step->good == 0)
        fprintf(stderr, "ringsend probe: no good answer came: %s\n", cause);
    else if (step->too_many)
        fprintf(
            stderr,
            "ringsend probe: a single connection is pushed back already: %llu of %llu requests "
            "(%s), and\n"
            "  %llu answers were good. Fewer connections cannot help; a lower rate may (ringsend "
            "send --rate N/T)\n",
            (unsigned long long)step->pushed_back, (unsigned long long)all, cause,
            (unsigned long long)step->good);
    else
        fprintf(stderr,
                "ringsend probe: good answers came, %llu of %llu%s%s, but none in the time that is "
                "measured:\n"
                "  use a longer --step\n",
                (unsigned long long)step->good, (unsigned long long)all, cause[0] ? "; else " : "",
                cause);
}

static uint32_t recommended(const struct knee *k)
{
    uint32_t knee = knee_at(k), cap = knee_cap(k);
    return cap > 0 && cap < knee ? cap : knee;
}

static void report(const struct knee *k)
{
    uint32_t knee = knee_at(k), cap = knee_cap(k);
    printf("\n");
    if (k->connections_max == 1)
        printf("One connection was tried, and no more (-c).\n");
    else if (knee < k->connections_max && knee != cap)
        printf("The knee is at %u: more connections bring less than a tenth more answers.\n", knee);
    else
        printf("Each connection more brought more answers, up to %u.\n", knee);
    if (cap > 0)
        printf("The cap is at %u: more are pushed back (429, 503, 529, resets, timeouts).\n", cap);
    else
        printf("No cap was met.\n");
    printf("Recommended: -c %u\n", recommended(k));
}

/* Null: there is none. */
static void put_number(struct json_out *j, const char *key, uint32_t number)
{
    if (number > 0)
        json_count(j, key, number);
    else
        json_words(j, key, NULL);
}

static void report_json(const struct probe_run *p)
{
    struct json_out j = {.out = stdout};
    uint32_t knee = knee_at(&p->knee), cap = knee_cap(&p->knee);
    json_begin(&j, NULL, '{');
    json_words(&j, "target", p->target);
    json_begin(&j, "steps", '[');
    for (uint32_t i = 0; i < p->knee.count; i++) {
        const struct probe_step *step = &p->steps[i];
        json_begin(&j, NULL, '{');
        json_count(&j, "connections", step->connections);
        json_real(&j, "rate", probe_step_rate(step));
        json_us(&j, "p50_us", histogram_quantile(&step->service_ns, 0.5));
        json_us(&j, "p99_us", histogram_quantile(&step->service_ns, 0.99));
        json_count(&j, "ok", step->ok);
        json_count(&j, "good", step->good);
        json_count(&j, "not_ok", step->others);
        json_count(&j, "errors", step->errors);
        json_count(&j, "pushed_back", step->pushed_back);
        json_flag(&j, "too_many", step->too_many);
        json_end_with(&j, '}');
    }
    json_end_with(&j, ']');
    put_number(&j, "knee", knee);
    put_number(&j, "cap", cap);
    put_number(&j, "recommended", recommended(&p->knee));
    json_end_with(&j, '}');
    putchar('\n');
}

static int run(struct probe_run *p)
{
    uint32_t connections;
    int status = EXIT_OK;
    p->knee.connections_max = p->options.target.request.engine.connections_max;
    if (!p->options.quiet)
        announce(p);
    if (!p->options.json)
        printf("connections   per second     p50 ms     p99 ms   pushed back\n");
    while (status == EXIT_OK && (connections = knee_next(&p->knee)) > 0)
        status = make_step(p, connections);
    if (status != EXIT_OK)
        return status;
    bool known = knee_at(&p->knee) > 0;
    if (p->options.json)
        report_json(p);
    else if (known)
        report(&p->knee);
    if (!known)
        report_failure(&p->steps[0]);
    return known ? EXIT_OK : EXIT_NOT_ALL_OK;
}

static int share_files(struct ringsend_options *engine)
{
    char message[600] = "";
    int error = tls_files_share("probe", engine, message, sizeof message);
    return error ? fail(message, error) : EXIT_OK;
}

int command_probe(int argc, char **argv)
{
    struct probe_run p = {0};
    probe_options_read(&p.options, argc, argv);
    proxy_options_tell(&p.options.target.request);
    int status = bench_requests_read(&p.requests, &p.options.target);
    p.target = target_of(&p.options.target);
    if (!p.target)
        usage_error("probe", "memory is out");
    if (status == EXIT_OK)
        status = share_files(&p.options.target.request.engine);
    if (status == EXIT_OK)
        status = run(&p);
    for (uint32_t i = 0; i < p.knee.count; i++)
        probe_step_free(&p.steps[i]);
    ringsend_tls_free(p.options.target.request.engine.tls);
    bench_requests_free(&p.requests);
    free(p.target);
    probe_options_free(&p.options);
    return status;
}
