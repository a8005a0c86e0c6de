/* Requests are counted by method, server, status and error: the last try of each record, as only
 * that one is known of all. So many series at most; what has no place in them goes to one whose
 * server is "_other".
 *
 * The file is written by a worker, so that a slow disk holds nothing up; while one writes, the next
 * state is left out. The last one is written by ourselves, after the worker's.
 *
 * Counters are those of this process: one that goes on with a run begins at zero, as Prometheus
 * expects of what is started again. */
#include "cli/send/metrics.h"

#include "base/time.h"
#include "base/workers.h"
#include "cli/options/values.h"
#include "cli/replaced_file.h"
#include "http/url.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EVERY_NS (10 * NS_PER_S)

enum { SERIES_MAX = 64, HOST_BYTES = 64, BUCKETS = 14 };

static const char begin[] = "# HELP ringsend_";

/* OpenTelemetry's advice for durations of requests, in ms. */
static const uint32_t edges_ms[BUCKETS] = {5,   10,  25,   50,   75,   100,  250,
                                           500, 750, 1000, 2500, 5000, 7500, 10000};

struct series {
    const char *method; /* a static string */
    char host[HOST_BYTES];
    uint16_t port; /* 0: of "_other" */
    int status;    /* 0: none */
    enum ringsend_error error;
    uint64_t buckets[BUCKETS + 1]; /* the last one for what is above */
    uint64_t sum_ns;
};

/* One state on its way to the file. */
struct writing {
    struct work work;
    struct metrics *metrics;
    char *text;
    size_t bytes;
};

struct metrics {
    const char *path;
    uint64_t next_ns;
    int64_t started_s;
    struct ringsend_stats stats;
    uint64_t records, ok, ambiguous, tries;
    uint32_t series_count;
    struct series series[SERIES_MAX];
    struct url_start start;  /* of the last URL */
    struct series *last;     /* that was counted in */
    struct workers *workers; /* null: memory is out, and states between are not written */
    pthread_mutex_t lock;
    pthread_cond_t written;
    bool writing; /* under the lock: a worker has a state to write */
};

/* ---- Life ---- */

static void wake(void *context)
{
    (void)context; /* that a state has been written is nothing to be told at once */
}

int metrics_new(struct metrics **metrics, const struct send_options *options)
{
    const char *path = option_text(&options->given, OPTION_METRICS);
    if (!path)
        return EXIT_OK;
    const char *why = replaced_file_why_not(path, begin, send_given(options, OPTION_FORCE));
    struct metrics *m = why ? NULL : calloc(1, sizeof *m);
    if (!m) {
        fprintf(stderr, "ringsend send: --metrics %s: %s\n", path, why ? why : strerror(ENOMEM));
        return EXIT_OUTPUT;
    }
    m->path = path;
    m->started_s = clock_wall_s();
    m->workers = workers_new(wake, NULL, 1);
    pthread_mutex_init(&m->lock, NULL);
    pthread_cond_init(&m->written, NULL);
    *metrics = m;
    return EXIT_OK;
}

/* ---- Counting ---- */

/* OpenTelemetry knows these; any other one is "_OTHER". */
static const char *method_of(const struct ringsend_request *r)
{
    static const char *const known[] = {"GET",  "POST",    "PUT",   "PATCH",  "DELETE",
                                        "HEAD", "OPTIONS", "TRACE", "CONNECT"};
    if (r->method.bytes == 0)
        return r->body.bytes > 0 || r->flags & RINGSEND_HAS_BODY ? "POST" : "GET";
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (span_equal(r->method, span_of(known[i])))
            return known[i];
    }
    return "_OTHER";
}

static void set_server(struct metrics *m, struct series *wanted, struct ringsend_bytes text)
{
    struct url url;
    const char *detail;
    if (url_parse_next(&url, text, &m->start, &detail) != RINGSEND_OK ||
        url.host.bytes >= HOST_BYTES) {
        memcpy(wanted->host, "_other", sizeof "_other");
        wanted->port = 0;
        return;
    }
    for (size_t i = 0; i < url.host.bytes; i++) {
        char c = url.host.data[i];
        wanted->host[i] = (char)(c >= 'A' && c <= 'Z' ? c + 'a' - 'A' : c);
    }
    wanted->host[url.host.bytes] = '\0';
    wanted->port = url.port;
}

static bool is_same(const struct series *a, const struct series *b)
{
    return a->method == b->method && a->status == b->status && a->error == b->error &&
           a->port == b->port && strcmp(a->host, b->host) == 0;
}

/* The one that is counted in; when there is no room for it, the last one, whose server is any. */
static struct series *series_for(struct metrics *m, const struct series *wanted)
{
    if (m->last && is_same(m->last, wanted))
        return m->last;
    for (uint32_t i = 0; i < m->series_count; i++) {
        if (is_same(&m->series[i], wanted))
            return &m->series[i];
    }
    if (m->series_count == SERIES_MAX)
        return &m->series[SERIES_MAX - 1];
    struct series *added = &m->series[m->series_count++];
    *added = (struct series){.method = wanted->method,
                             .port = wanted->port,
                             .status = wanted->status,
                             .error = wanted->error};
    memcpy(added->host, wanted->host, strlen(wanted->host) + 1);
    if (m->series_count == SERIES_MAX)
        *added = (struct series){.method = "_OTHER", .host = "_other"};
    return added;
}

void metrics_count(struct metrics *m, const struct result_line *line)
{
    m->records++;
    m->ok += line->ok;
    m->ambiguous += line->ambiguous;
    m->tries += line->attempts;
    if (line->attempts == 0 || !line->request || line->times.begun_at_ns == 0)
        return;
    struct series wanted;
    wanted.method = method_of(line->request);
    wanted.status = line->status;
    wanted.error = line->error;
    set_server(m, &wanted, line->request->url);
    struct series *s = m->last = series_for(m, &wanted);
    uint64_t ns = line->times.done_at_ns > line->times.begun_at_ns
                      ? line->times.done_at_ns - line->times.begun_at_ns
                      : 0;
    uint32_t bucket = 0;
    while (bucket < BUCKETS && ns > edges_ms[bucket] * NS_PER_MS)
        bucket++;
    s->buckets[bucket]++;
    s->sum_ns += ns;
}

/* ---- The text ---- */

static void put_head(FILE *out, const char *name, const char *type, const char *help)
{
    fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void put(FILE *out, const char *name, const char *type, const char *help, uint64_t value)
{
    put_head(out, name, type, help);
    fprintf(out, "%s %llu\n", name, (unsigned long long)value);
}

/* A host is letters, digits, dots, dashes and colons: url_parse has seen to it. */
static void put_labels(FILE *out, const struct series *s)
{
    fprintf(out, "http_request_method=\"%s\",server_address=\"%s\"", s->method, s->host);
    if (s->port > 0)
        fprintf(out, ",server_port=\"%u\"", s->port);
    if (s->status > 0)
        fprintf(out, ",http_response_status_code=\"%d\"", s->status);
    if (s->error != RINGSEND_OK)
        fprintf(out, ",error_type=\"%s\"", ringsend_error_name(s->error));
    else if (s->status >= 400)
        fprintf(out, ",error_type=\"%d\"", s->status);
}

static void put_series(FILE *out, const struct series *s)
{
    static const char name[] = "http_client_request_duration_seconds";
    uint64_t count = 0;
    for (uint32_t i = 0; i < BUCKETS; i++) {
        count += s->buckets[i];
        fprintf(out, "%s_bucket{", name);
        put_labels(out, s);
        fprintf(out, ",le=\"%g\"} %llu\n", edges_ms[i] / (double)MS_PER_S,
                (unsigned long long)count);
    }
    count += s->buckets[BUCKETS];
    fprintf(out, "%s_bucket{", name);
    put_labels(out, s);
    fprintf(out, ",le=\"+Inf\"} %llu\n%s_sum{", (unsigned long long)count, name);
    put_labels(out, s);
    fprintf(out, "} %.9f\n%s_count{", (double)s->sum_ns / NS_PER_S, name);
    put_labels(out, s);
    fprintf(out, "} %llu\n", (unsigned long long)count);
}

static void put_records(FILE *out, const struct metrics *m)
{
    put_head(out, "ringsend_records_total", "counter", "Records with a result, by its outcome.");
    fprintf(out, "ringsend_records_total{outcome=\"ok\"} %llu\n", (unsigned long long)m->ok);
    fprintf(out, "ringsend_records_total{outcome=\"not_ok\"} %llu\n",
            (unsigned long long)(m->records - m->ok - m->ambiguous));
    fprintf(out, "ringsend_records_total{outcome=\"ambiguous\"} %llu\n",
            (unsigned long long)m->ambiguous);
    put(out, "ringsend_tries_total", "counter", "Tries of these records.", m->tries);
}

static void put_engine(FILE *out, const struct ringsend_stats *s)
{
    put(out, "ringsend_requests_in_flight", "gauge", "Requests on a connection.", s->exchanges);
    put(out, "ringsend_requests_waiting", "gauge", "Requests without a connection.", s->waiting);
    put(out, "ringsend_requests_held", "gauge",
        "Of those waiting, held back by rate, retry budget or pause.", s->held);
    put(out, "ringsend_connections_open", "gauge", "Connections.", s->connections_open);
    put(out, "ringsend_connections_limit", "gauge", "The most of them that may be.",
        s->connections_limit);
    put(out, "ringsend_origins_paused", "gauge", "Origins that asked for a pause.",
        s->origins_paused);
    put(out, "ringsend_sent_bytes_total", "counter", "Bytes sent, TLS included.", s->bytes_sent);
    put(out, "ringsend_received_bytes_total", "counter", "Bytes received, TLS included.",
        s->bytes_received);
}

/* status below 0: the run goes on. False when memory is out. */
static bool make_text(const struct metrics *m, int status, char **text, size_t *bytes)
{
    FILE *out = open_memstream(text, bytes);
    if (!out)
        return false;
    put_records(out, m);
    put_engine(out, &m->stats);
    put(out, "ringsend_start_time_seconds", "gauge", "When the run began, since 1970.",
        (uint64_t)m->started_s);
    if (status >= 0) {
        put(out, "ringsend_completion_time_seconds", "gauge", "When the run ended, since 1970.",
            (uint64_t)clock_wall_s());
        put(out, "ringsend_exit_status", "gauge", "What the program ended with.", (uint64_t)status);
    }
    put_head(out, "http_client_request_duration_seconds", "histogram",
             "Duration of the last try of each record.");
    for (uint32_t i = 0; i < m->series_count; i++)
        put_series(out, &m->series[i]);
    return fclose(out) == 0;
}

/* ---- Writing ---- */

static void drop(struct work *work)
{
    struct writing *w = (struct writing *)work;
    free(w->text);
    free(w);
}

static void run(struct work *work)
{
    struct writing *w = (struct writing *)work;
    struct metrics *m = w->metrics;
    (void)!replaced_file_write(m->path, w->text, w->bytes); /* the last one tells */
    pthread_mutex_lock(&m->lock);
    m->writing = false;
    pthread_cond_signal(&m->written);
    pthread_mutex_unlock(&m->lock);
}

static void write_between(struct metrics *m)
{
    for (struct work *done; m->workers && (done = workers_next(m->workers));)
        drop(done);
    pthread_mutex_lock(&m->lock);
    bool is_free = m->workers && !m->writing;
    pthread_mutex_unlock(&m->lock);
    struct writing *w = is_free ? calloc(1, sizeof *w) : NULL;
    if (!w)
        return;
    w->work = (struct work){.run = run, .drop = drop};
    w->metrics = m;
    m->writing = true; /* nobody else looks before it is started */
    if (!make_text(m, -1, &w->text, &w->bytes) || !workers_start(m->workers, &w->work)) {
        m->writing = false;
        drop(&w->work);
    }
}

void metrics_turn(struct metrics *m, struct job *job)
{
    uint64_t now_ns = m ? clock_monotonic_ns() : 0;
    if (!m || now_ns < m->next_ns)
        return;
    m->next_ns = now_ns + EVERY_NS;
    job_stats(job, &m->stats);
    write_between(m);
}

uint64_t metrics_wait_ns(const struct metrics *m)
{
    uint64_t now_ns = m ? clock_monotonic_ns() : 0;
    if (!m)
        return RINGSEND_NEVER;
    return m->next_ns > now_ns ? m->next_ns - now_ns : 0;
}

void metrics_take(struct metrics *m, const struct job_report *report,
                  const struct ringsend_stats *stats)
{
    if (!m)
        return;
    m->stats = *stats;
    m->records = report->records;
    m->ok = report->ok;
    m->ambiguous = report->ambiguous;
    m->tries = report->tries;
    m->stats.exchanges = m->stats.waiting = m->stats.held = m->stats.connections_open = 0;
}

int metrics_end(struct metrics *m, int status)
{
    char *text = NULL;
    size_t bytes;
    if (!m)
        return status;
    pthread_mutex_lock(&m->lock);
    while (m->writing) /* or an older state would come behind the last one */
        pthread_cond_wait(&m->written, &m->lock);
    pthread_mutex_unlock(&m->lock);
    workers_free(m->workers);
    int error =
        make_text(m, status, &text, &bytes) ? replaced_file_write(m->path, text, bytes) : ENOMEM;
    free(text);
    pthread_cond_destroy(&m->written);
    pthread_mutex_destroy(&m->lock);
    if (error)
        fprintf(stderr, "ringsend send: --metrics %s: %s\n", m->path, strerror(error));
    free(m);
    return error ? EXIT_OUTPUT : status;
}
