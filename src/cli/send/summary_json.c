#include "cli/send/summary_json.h"

#include "base/buf.h"
#include "base/time.h"
#include "cli/json_out.h"
#include "cli/options/values.h"
#include "cli/replaced_file.h"
#include "cli/send/resume_hint.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char begin[] = "{\"ringsend\":\"";

/* It is not written then. */
static int refuse(struct summary_json *s, int status, const char *why)
{
    fprintf(stderr, "ringsend send: --summary %s: %s\n", s->path, why);
    s->path = NULL;
    return status;
}

int summary_json_check(struct summary_json *s, const struct send_options *options)
{
    *s = (struct summary_json){.path = option_text(&options->given, OPTION_SUMMARY)};
    if (!s->path)
        return EXIT_OK;
    const char *why = replaced_file_why_not(s->path, begin, send_given(options, OPTION_FORCE));
    return why ? refuse(s, EXIT_OUTPUT, why) : EXIT_OK;
}

/* What stands under that name, and another one beside it. */
static bool is_same(const char *path, const char *name, const char *suffix)
{
    struct stat ours, theirs;
    char *other;
    if (!name || asprintf(&other, "%s%s", name, suffix) < 0)
        return false;
    bool same = strcmp(path, other) == 0 || (stat(path, &ours) == 0 && stat(other, &theirs) == 0 &&
                                             output_file_is_one(&ours, &theirs));
    free(other);
    return same;
}

int summary_json_check_alone(struct summary_json *s, const struct outputs *outputs)
{
    if (s->path &&
        (is_same(s->path, outputs->results.path, "") ||
         is_same(s->path, outputs->failed.path, "") ||
         is_same(s->path, outputs->failed.path, ".reasons") ||
         is_same(s->path, outputs->journal_path, "") || is_same(s->path, outputs->parked_path, "")))
        return refuse(s, EXIT_USAGE, "is another output, too");
    return EXIT_OK;
}

/* ---- what is in it ---- */

static const char *end_of(enum job_end end)
{
    switch (end) {
    case JOB_FINISHED:
        return "finished";
    case JOB_STOPPED:
        return "signal";
    case JOB_OUTPUT_FAILED:
        return "output_failed";
    case JOB_TOO_MANY_FAILURES:
        return "too_many_failures";
    case JOB_ABORTED:
        return "aborted";
    case JOB_UNREACHED:
        return "unreached";
    case JOB_NO_NAMES:
        return "no_names";
    case JOB_NO_CERTIFICATES:
        return "no_certificates";
    case JOB_NO_TOKEN:
        return "no_token";
    case JOB_RING_BROKE:
        break;
    }
    return "ring_broke";
}

static void put_counts(struct json_out *j, const struct job_report *r)
{
    json_words(j, "end", end_of(r->end));
    json_flag(j, "complete", r->complete);
    json_us(j, "elapsed_us", r->elapsed_ns);
    json_count(j, "records", r->records);
    json_count(j, "ok", r->ok);
    json_count(j, "not_ok", r->records - r->ok);
    json_count(j, "ambiguous", r->ambiguous);
    json_count(j, "unjudged", r->unjudged);
    json_count(j, "tries", r->tries);
    json_count(j, "results_lost", r->results_lost);
    json_begin(j, "not_ok_by_status", '{');
    for (int status = 0; status <= REPORT_STATUS_MAX; status++) {
        char name[12];
        snprintf(name, sizeof name, "%d", status);
        if (r->by_status[status] > 0)
            json_count(j, name, r->by_status[status]);
    }
    json_end_with(j, '}');
    json_begin(j, "not_ok_by_error", '{');
    for (int error = 1; error < RINGSEND_ERROR_COUNT; error++) {
        if (r->by_error[error] > 0)
            json_count(j, ringsend_error_name((enum ringsend_error)error), r->by_error[error]);
    }
    json_end_with(j, '}');
}

/* What a platform said may hold what it was sent. */
static void put_sample(struct json_out *j, const struct group *group, const struct secrets *secrets)
{
    struct buf_pool pool;
    struct buf shown = {0};
    char text[GROUP_SAMPLE_BYTES + 1] = "";
    buf_pool_init(&pool);
    if (secrets_mask(secrets, (struct ringsend_bytes){group->sample, group->sample_bytes}, &pool,
                     &shown))
        snprintf(text, sizeof text, "%.*s", (int)shown.bytes, shown.data ? shown.data : "");
    else
        j->incomplete = true;
    json_words(j, "said", text);
    buf_release(&pool, &shown);
    buf_pool_free(&pool);
}

static void put_groups(struct json_out *j, const struct failure_groups *groups,
                       const struct secrets *secrets)
{
    uint32_t order[GROUPS_MAX];
    failure_groups_order(groups, order);
    json_begin(j, "failures", '[');
    for (uint32_t i = 0; i < groups->count; i++) {
        const struct group *group = &groups->list[order[i]];
        json_begin(j, NULL, '{');
        json_count(j, "count", group->count);
        if (group->error != RINGSEND_OK)
            json_words(j, "error", ringsend_error_name(group->error));
        else
            json_count(j, "status", (uint64_t)group->status);
        put_sample(j, group, secrets);
        json_begin(j, "ids", '[');
        for (uint32_t k = 0; k < group->ids_count; k++)
            if (group->ids[k].text[0])
                json_checked(j, NULL, group->ids[k].text);
        json_end_with(j, ']');
        json_end_with(j, '}');
    }
    json_end_with(j, ']');
    json_count(j, "failures_of_other_causes", groups->others);
}

static void put_latency(struct json_out *j, const struct histogram *h)
{
    json_begin(j, "latency", '{');
    json_count(j, "count", h->count);
    json_us(j, "min_us", h->min);
    json_us(j, "p50_us", histogram_quantile(h, 0.5));
    json_us(j, "p90_us", histogram_quantile(h, 0.9));
    json_us(j, "p99_us", histogram_quantile(h, 0.99));
    json_us(j, "p999_us", histogram_quantile(h, 0.999));
    json_us(j, "max_us", h->max);
    json_end_with(j, '}');
}

static void put_engine(struct json_out *j, const struct ringsend_stats *s,
                       const struct ringsend *engine)
{
    char text[384];
    json_begin(j, "traffic", '{');
    json_count(j, "bytes_sent", s->bytes_sent);
    json_count(j, "bytes_received", s->bytes_received);
    json_count(j, "connections_opened", s->connections_opened);
    json_count(j, "connections_reused", s->connections_reused);
    json_count(j, "connections_peak", s->connections_peak);
    json_end_with(j, '}');
    json_begin(j, "held_back", '{');
    json_count(j, "retries_by_budget", s->retries_held);
    json_count(j, "pauses", s->pauses);
    json_count(j, "connects_put_off", s->connects_put_off);
    json_count(j, "pushed_back", s->pushed_back);
    json_end_with(j, '}');
    json_begin(j, "tls", '{');
    json_count(j, "handshakes_full", s->handshakes_full);
    json_count(j, "handshakes_resumed", s->handshakes_resumed);
    json_begin(j, "origins", '[');
    for (size_t n = 0; ringsend_tls_origin(engine, n, text, sizeof text) > 0; n++)
        json_words(j, NULL, text);
    json_end_with(j, ']');
    json_end_with(j, '}');
    json_begin(j, "ring", '{');
    json_words(j, "io", s->io == RINGSEND_IO_EPOLL ? "epoll" : "io_uring");
    ringsend_features(engine, text, sizeof text);
    json_words(j, "features", text);
    json_count(j, "enters", s->enters);
    json_end_with(j, '}');
}

static void put_left(struct json_out *j, const struct journal_counts *whole)
{
    json_begin(j, "all_runs", '{');
    json_count(j, "done", whole->done);
    json_count(j, "not_ok", whole->not_ok);
    json_count(j, "in_doubt", whole->in_doubt);
    json_count(j, "left", whole->left);
    json_end_with(j, '}');
}

/* What is secret in it is not shown. No digest of the options: who reads this could look up short
 * ones. */
static void put_command(struct json_out *j, const char *key, const struct send_options *options,
                        bool resume)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *memory = open_memstream(&text, &bytes);
    if (memory)
        resume_hint_print_command(memory, options, resume);
    bool is_whole = memory && fclose(memory) == 0;
    j->incomplete = j->incomplete || !is_whole;
    json_words(j, key, is_whole ? text : NULL);
    free(text);
}

void summary_json_take(struct summary_json *s, const struct job_report *report,
                       const struct ringsend_stats *stats, const struct ringsend *engine,
                       const struct send_options *options, const struct journal_counts *whole,
                       bool is_left)
{
    if (!s->path)
        return;
    s->begun = true;
    FILE *memory = open_memstream(&s->text, &s->bytes);
    if (!memory)
        return;
    struct json_out j = {.out = memory, .comma = true};
    put_counts(&j, report);
    put_groups(&j, &report->failures, &options->request.secrets);
    put_latency(&j, &report->service_ns);
    put_engine(&j, stats, engine);
    put_left(&j, whole);
    put_command(&j, "command", options, false);
    if (is_left)
        put_command(&j, "go_on", options, true);
    else
        json_words(&j, "go_on", NULL);
    if (fclose(memory) != 0 || j.incomplete) {
        free(s->text);
        s->text = NULL;
    }
}

int summary_json_write(struct summary_json *s, int status)
{
    static const char not_begun[] =
        ",\"end\":\"not_begun\",\"complete\":false,\"records\":0,\"ok\":0,\"not_ok\":0";
    char *whole;
    if (!s->path || (s->begun && !s->text))
        return s->path ? refuse(s, EXIT_OUTPUT, strerror(ENOMEM)) : status;
    int bytes = asprintf(&whole, "%s%s\",\"exit_status\":%d%s}\n", begin, RINGSEND_VERSION, status,
                         s->begun ? s->text : not_begun);
    int error = bytes < 0 ? ENOMEM : replaced_file_write(s->path, whole, (size_t)bytes);
    if (bytes >= 0)
        free(whole);
    free(s->text);
    s->text = NULL;
    return error ? refuse(s, EXIT_OUTPUT, strerror(error)) : status;
}
